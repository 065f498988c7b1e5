/* SPDX-License-Identifier: MIT */
/* What a job verified is what PID 1 gets: the very state, and the files that were open. */
#include "handover.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"

#define ID "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define MANY 3000

static const char text[] =
	"{\"#spec\":\"pantavisor-service-system@1\",\"bsp/kernel.img\":\"" ID "\","
	"\"bsp/run.json\":{\"linux\":\"kernel.img\"},\"web/lxc.container.conf\":\"" ID "\","
	"\"web/root.squashfs\":\"" ID "\",\"web/run.json\":{\"config\":\"lxc.container.conf\","
	"\"name\":\"web\",\"root-volume\":\"root.squashfs\",\"type\":\"lxc\"}}";

/* A state, and `count` objects that are all the same file. */
static void make(struct pv_state *state, struct pv_held *held, size_t count)
{
	struct pv_err err;

	CHECK(pv_state_parse(state, text, strlen(text), &err) == 0);
	CHECK(pv_state_read_manifests(state, 30, "6.1", &err) == 0);
	*held = (struct pv_held){.objects = pv_alloc(count, sizeof(*held->objects)), .count = count};
	for (size_t i = 0; i < count; i++) {
		snprintf(held->objects[i].id, sizeof(held->objects[i].id), "%064zx", i);
		held->objects[i].fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	}
}

/* As a job does it. */
static int send_from_child(int to, size_t count, bool is_confined)
{
	struct pv_state state;
	struct pv_held held;
	struct pv_err err;
	int status = 0;
	pid_t pid = fork();

	if (!pid) {
		make(&state, &held, count);
		state.containers[0].is_confined = is_confined;
		_exit(pv_handover_send(to, &state, &held, &err) < 0 || check_failures);
	}
	waitpid(pid, &status, 0);
	return status;
}

static int count_open(void)
{
	int count = 0;

	for (int fd = 0; fd < 8192; fd++)
		count += fcntl(fd, F_GETFD) >= 0;
	return count;
}

static void test_run_arrives_whole(void)
{
	struct pv_run *run = pv_run_new("locals/x");
	struct pv_err err = {0};
	int ends[2];

	CHECK(pv_handover_open(ends, &err) == 0 && send_from_child(ends[1], 3, true) == 0);
	CHECK(pv_handover_take(ends[0], run, 30, "6.1", &err) == 0);
	CHECK_TEXT(run->state.doc.text, text);
	CHECK(run->state.container_count == 1 && run->state.containers[0].is_confined);
	CHECK(run->held.count == 3 && !strcmp(run->held.objects[2].id + 62, "02"));
	CHECK(fcntl(run->held.objects[2].fd, F_GETFD) == FD_CLOEXEC);
	close(ends[0]);
	close(ends[1]);
	pv_run_free(run);
}

/* Nothing reads before the job ended, however much it is. */
static void test_many_objects_do_not_block_the_job(void)
{
	struct pv_run *run = pv_run_new("locals/x");
	int before = count_open(), ends[2];
	struct pv_err err = {0};

	CHECK(pv_handover_open(ends, &err) == 0);
	if (send_from_child(ends[1], MANY, false) == 0)
		CHECK(pv_handover_take(ends[0], run, 30, "6.1", &err) == 0 && run->held.count == MANY);
	else
		printf("not looked at: this machine allows fewer open files than %d\n", MANY);
	close(ends[0]);
	close(ends[1]);
	pv_run_free(run);
	CHECK(count_open() == before);
}

static void test_half_a_run_is_none(void)
{
	struct pv_run *run = pv_run_new("locals/x");
	int before = count_open(), ends[2];
	struct pv_state state;
	struct pv_held held;
	struct pv_err err = {0};

	CHECK(pv_handover_open(ends, &err) == 0);
	CHECK(pv_handover_take(ends[0], run, 30, "6.1", &err) < 0);
	make(&state, &held, 2);
	held.objects[1].fd += 1000;
	CHECK(pv_handover_send(ends[1], &state, &held, &err) < 0);
	CHECK(pv_handover_take(ends[0], run, 30, "6.1", &err) < 0 && !run->held.count &&
		!run->state.entry_count);
	held.objects[1].fd -= 1000;
	pv_held_close(&held);
	pv_state_free(&state);
	close(ends[0]);
	close(ends[1]);
	pv_run_free(run);
	CHECK(count_open() == before);
}

int main(void)
{
	test_run_arrives_whole();
	test_many_objects_do_not_block_the_job();
	test_half_a_run_is_none();
	return check_done();
}
