/* SPDX-License-Identifier: MIT */
/* The program for containers, at a socket that is served: its words, its answers and its exit statuses. */
#include "caller.h"

#include <fcntl.h>

#include "tree.h"

static const char *program;
static char *out, *complaints;

static char *slurp(const char *name)
{
	cleanup_free char *path = tree_path(name);
	char *text = NULL;
	size_t length;
	struct pv_err err;

	CHECK(pv_read_file(path, 65536, &text, &length, &err) == 0);
	return text;
}

static void redirect(const char *name, int to)
{
	cleanup_free char *path = tree_path(name);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);

	dup2(fd, to);
}

static pid_t start(const char *words)
{
	cleanup_free char *copy = pv_dup(words, strlen(words));
	pid_t pid = fork();

	if (!pid) {
		char *argv[16] = {pv_dup("pvcontrol", 9), pv_dup("-s", 2), address.sun_path};
		char *rest = copy;

		for (size_t i = 3; i < 15 && (argv[i] = strsep(&rest, " ")); i++)
			;
		redirect("out", 1);
		redirect("complaints", 2);
		execv(program, argv);
		_exit(127);
	}
	return pid;
}

static int end(pid_t pid)
{
	int status;

	CHECK(waitpid(pid, &status, 0) == pid && WIFEXITED(status));
	free(out);
	free(complaints);
	out = slurp("out");
	complaints = slurp("complaints");
	return WEXITSTATUS(status);
}

/* Its exit status, where PID 1 says this. */
static int run(const char *words, enum pv_ctrl_op op, const char *name, int status, const char *body)
{
	pid_t pid = start(words);
	struct pv_ctrl_ask asked = take_ask();

	CHECK(asked.op == op);
	CHECK_TEXT(asked.name, name);
	give(&asked, status, body);
	return end(pid);
}

static void test_words_ask_for_what_they_say(void)
{
	CHECK(run("ls", PV_CTRL_CONTAINERS, "", 200, "[1]") == 0);
	CHECK_TEXT(out, "[1]");
	CHECK(run("groups ls", PV_CTRL_GROUPS, "", 200, "[]") == 0);
	CHECK(run("containers stop web", PV_CTRL_STOP, "web", 200, "") == 0);
	CHECK(run("containers start a/../\"b", PV_CTRL_START, "a/../\"b", 404, "{}") == 255);
	CHECK(run("signal ready", PV_CTRL_READY, "", 200, "") == 0);
	CHECK(run("cmd run locals/a", PV_CTRL_RUN, "locals/a", 200, "") == 0);
	CHECK(run("cmd run-commit 7", PV_CTRL_RUN_COMMIT, "7", 200, "") == 0);
	CHECK(run("cmd reboot", PV_CTRL_REBOOT, "", 200, "") == 0);
	CHECK(run("cmd reboot a\"b\\", PV_CTRL_REBOOT, "", 200, "") == 0);
	CHECK(run("logs 7", PV_CTRL_LOGS, "", 403, "{\"Error\":\"not root\"}") == 255);
	CHECK(run("logs", PV_CTRL_LOGS, "", 200, "0/web") == 75);
	CHECK_HAS(complaints, "there is no storage");
	CHECK(run("buildinfo", PV_CTRL_MAY, "", 200, "0") == 0);
	CHECK_TEXT(out, "{\"pantavisor\":\"" PV_VERSION "\"}");
	CHECK_TEXT(complaints, "");
}

static void test_refusals_have_their_exit_status(void)
{
	CHECK(run("ls", PV_CTRL_CONTAINERS, "", 403, "") == 255);
	CHECK_HAS(complaints, "Request not sent from a mgmt platform");
	CHECK(run("containers stop web", PV_CTRL_STOP, "web", 403, "{\"Error\":\"policy\"}") == 255);
	CHECK_HAS(complaints, "policy");
	CHECK(run("cmd poweroff", PV_CTRL_POWEROFF, "", 503, "{\"Error\":\"busy\"}") == 75);
	CHECK(run("ls", PV_CTRL_CONTAINERS, "", 507, "{\"Error\":\"Not enough disk space available\"}") ==
		48);
	CHECK(run("ls", PV_CTRL_CONTAINERS, "", 422, "{\"Error\":\"Object has bad checksum\"}") == 60);
	CHECK_TEXT(out, "");
}

static void test_answer_without_content(void)
{
	CHECK(run("cmd unclaim", PV_CTRL_MAY, "", 200, "0") == 0);
	CHECK_TEXT(out, "");
	CHECK_TEXT(complaints, "");
}

static void test_words_that_are_none_are_a_mistake(void)
{
	static const char *const wrong[] = {"", "nonsense", "containers", "containers start", "ls more",
		"cmd run a b", "objects put x"};

	for (size_t i = 0; i < PV_COUNT(wrong); i++) {
		CHECK(end(start(wrong[i])) == 2);
		CHECK_HAS(complaints, "pvcontrol -h");
	}
	CHECK(end(start("-h")) == 0);
	CHECK_HAS(out, "objects put FILE SHA256");
	CHECK(end(start("-s /nowhere/socket ls")) == 1);
	CHECK_HAS(complaints, "hint: ");
	CHECK(end(start("objects put /nowhere/file x")) == 2);
}

static void test_answer_goes_to_a_file(void)
{
	cleanup_free char *words = pv_fmt("-f %s/answer ls", tree_root);

	CHECK(run(words, PV_CTRL_CONTAINERS, "", 403, "") == 255 && !tree_has("answer"));
	CHECK(run(words, PV_CTRL_CONTAINERS, "", 200, "[2]") == 0);
	tree_check_text("answer", "[2]");
}

/* There is no storage: the body is not even asked for. */
static void test_file_that_is_refused(void)
{
	cleanup_free char *words = pv_fmt("objects put %s/content x", tree_root);

	tree_file("content", "bytes");
	CHECK(run(words, PV_CTRL_MAY, "", 200, "0") == 75);
	CHECK_HAS(complaints, "there is no storage");
}

int main(int argc, char **argv)
{
	static const struct pv_service service = {.storage.root = -1};

	program = argc > 1 ? argv[1] : "pvcontrol";
	tree_begin();
	caller_begin(&service);
	test_words_ask_for_what_they_say();
	test_refusals_have_their_exit_status();
	test_answer_without_content();
	test_words_that_are_none_are_a_mistake();
	test_answer_goes_to_a_file();
	test_file_that_is_refused();
	caller_end();
	free(out);
	free(complaints);
	tree_end();
	return check_done();
}
