/* SPDX-License-Identifier: MIT */
#include "handover.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "alloc.h"
#include "file.h"

#define ROOM (8 * 1024 * 1024) /* for all letters at once: PID 1 reads them when the job ended */

/* Each with one descriptor. The first has the state's text, and what its signers decided. */
struct letter {
	char id[PV_SHA256_HEX + 1]; /* empty: the first */
	size_t objects;		    /* that follow */
	bool is_confined[PV_CONTAINERS];
};

union control {
	char bytes[CMSG_SPACE(sizeof(int))];
	struct cmsghdr align;
};

int pv_handover_open(int ends[2], struct pv_err *err)
{
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) < 0)
		return pv_err_errno(err, "cannot make a pair of sockets");
	setsockopt(ends[1], SOL_SOCKET, SO_SNDBUFFORCE, &(int){ROOM}, sizeof(int));
	return 0;
}

static int send_letter(int to, const struct letter *letter, int fd, struct pv_err *err)
{
	struct letter copy = *letter;
	struct iovec part = {&copy, sizeof(copy)};
	union control control = {{0}};
	struct msghdr message = {.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = control.bytes,
		.msg_controllen = sizeof(control.bytes)};
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);

	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(sizeof(fd));
	memcpy(CMSG_DATA(header), &fd, sizeof(fd));
	if (sendmsg(to, &message, MSG_NOSIGNAL) != (ssize_t)sizeof(copy))
		return pv_err_errno(err, "cannot hand over the revision");
	return 0;
}

int pv_handover_send(int to, const struct pv_state *state, const struct pv_held *held, struct pv_err *err)
{
	cleanup_close int text = memfd_create("state", MFD_CLOEXEC);
	struct letter letter = {.objects = held->count};

	if (text < 0 || pv_write_all(text, state->doc.text, state->doc.length) < 0 ||
		lseek(text, 0, SEEK_SET) < 0)
		return pv_err_errno(err, "cannot keep the state");
	for (size_t i = 0; i < state->container_count; i++)
		letter.is_confined[i] = state->containers[i].is_confined;
	if (send_letter(to, &letter, text, err) < 0)
		return -1;
	letter = (struct letter){0};
	for (size_t i = 0; i < held->count; i++) {
		memcpy(letter.id, held->objects[i].id, sizeof(letter.id));
		if (send_letter(to, &letter, held->objects[i].fd, err) < 0)
			return -1;
	}
	return 0;
}

/* The descriptor, or -1 after the last letter. */
static int take_letter(int from, struct letter *letter)
{
	struct iovec part = {letter, sizeof(*letter)};
	union control control = {{0}};
	struct msghdr message = {.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = control.bytes,
		.msg_controllen = sizeof(control.bytes)};
	ssize_t got = recvmsg(from, &message, MSG_CMSG_CLOEXEC);
	const struct cmsghdr *header = got < 0 ? NULL : CMSG_FIRSTHDR(&message);
	int fd;

	if (!header || header->cmsg_type != SCM_RIGHTS || header->cmsg_len != CMSG_LEN(sizeof(fd)))
		return -1;
	memcpy(&fd, CMSG_DATA(header), sizeof(fd));
	if (got == (ssize_t)sizeof(*letter) && !letter->id[PV_SHA256_HEX])
		return fd;
	close(fd);
	return -1;
}

static int take_state(int fd, const struct letter *first, struct pv_run *run, int goals_timeout_s,
	const char *release, struct pv_err *err)
{
	cleanup_free char *text = NULL;
	size_t length;

	if (pv_read_fd(fd, "the state", PV_JSON_TEXT_BYTES, &text, &length, err) < 0 ||
		pv_state_parse(&run->state, text, length, err) < 0)
		return -1;
	if (pv_state_read_manifests(&run->state, goals_timeout_s, release, err) < 0) {
		pv_state_free(&run->state);
		return -1;
	}
	for (size_t i = 0; i < run->state.container_count; i++)
		run->state.containers[i].is_confined = first->is_confined[i];
	return 0;
}

static int take_objects(int from, size_t count, struct pv_held *held, struct pv_err *err)
{
	struct letter letter;
	int fd;

	held->objects = pv_alloc(count, sizeof(*held->objects));
	while (held->count < count && (fd = take_letter(from, &letter)) >= 0) {
		memcpy(held->objects[held->count].id, letter.id, sizeof(letter.id));
		held->objects[held->count++].fd = fd;
	}
	if (held->count == count)
		return 0;
	pv_held_close(held);
	return pv_err_set(err, "not all of its objects were handed over");
}

int pv_handover_take(
	int from, struct pv_run *run, int goals_timeout_s, const char *release, struct pv_err *err)
{
	struct letter first;
	cleanup_close int text = take_letter(from, &first);

	if (text < 0 || *first.id || first.objects > PV_STATE_PATHS)
		return pv_err_set(err, "it was not handed over");
	if (take_state(text, &first, run, goals_timeout_s, release, err) < 0)
		return -1;
	if (take_objects(from, first.objects, &run->held, err) == 0)
		return 0;
	pv_state_free(&run->state);
	return -1;
}
