/* SPDX-License-Identifier: MIT */
#include "record.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "alloc.h"

struct recorder recorder = {.without = PV_BARRIER_COUNT};

static struct call *add(enum call_kind kind)
{
	struct trace *trace = recorder.trace;
	struct call *call = &trace->calls[trace->count++];

	if (trace->count > TRACE_CALLS)
		abort();
	*call = (struct call){.kind = kind};
	return call;
}

static short node_of(int fd)
{
	struct stat info;

	if (fstat(fd, &info) < 0)
		abort();
	return disk_node(info.st_ino, S_ISDIR(info.st_mode) ? DISK_FOLDER : DISK_FILE);
}

static short node_at(int folder, const char *name)
{
	struct stat info;

	if (fstatat(folder, name, &info, AT_SYMLINK_NOFOLLOW) < 0)
		return GONE;
	return disk_node(info.st_ino, S_ISDIR(info.st_mode) ? DISK_FOLDER : DISK_FILE);
}

static void change(struct call *call, int folder, const char *name, short child)
{
	call->changes[call->change_count++] = (struct change){node_of(folder), disk_name(name), child};
}

/* Whether this call is the one that fails. */
static bool fails(bool needs_room)
{
	recorder.made++;
	if (!recorder.fail_at || recorder.made < recorder.fail_at)
		return false;
	if (recorder.made == recorder.fail_at)
		recorder.good = recorder.trace->count;
	if (recorder.made > recorder.fail_at && recorder.fail_errno == EIO)
		return false;
	if (recorder.fail_errno == ENOSPC && !needs_room)
		return false;
	errno = recorder.fail_errno;
	return true;
}

static int create(int folder, const char *name, int flags)
{
	bool is_new = node_at(folder, name) == GONE;
	int fd = fails(is_new) ? -1 : pv_fsops_real.create(folder, name, flags);

	if (fd >= 0 && is_new)
		change(add(CALL_NAMES), folder, name, node_of(fd));
	return fd;
}

static int unnamed(int folder)
{
	return fails(true) ? -1 : pv_fsops_real.unnamed(folder);
}

static void note_bytes(int fd, const void *bytes, size_t length, size_t offset, bool in_place)
{
	struct call *call = add(CALL_BYTES);
	char *copy = pv_alloc(length + 1, 1);

	memcpy(copy, bytes, length);
	call->node = node_of(fd);
	call->bytes = copy;
	call->length = length;
	call->offset = offset;
	call->in_place = in_place;
}

/* A disk that is full takes half of it. */
static ssize_t put(int fd, const void *bytes, size_t length, off_t offset)
{
	bool in_place = offset + (off_t)length <= lseek(fd, 0, SEEK_END);
	ssize_t done;

	if (fails(!in_place)) {
		if (errno != ENOSPC || length < 2 || recorder.made > recorder.fail_at)
			return -1;
		length /= 2;
	}
	done = pwrite(fd, bytes, length, offset);
	if (done > 0)
		note_bytes(fd, bytes, (size_t)done, (size_t)offset, in_place);
	return done;
}

static ssize_t record_write(int fd, const void *bytes, size_t length)
{
	return put(fd, bytes, length, lseek(fd, 0, SEEK_END));
}

static ssize_t write_at(int fd, const void *bytes, size_t length, off_t offset)
{
	return put(fd, bytes, length, offset);
}

static int link_file(int file, int folder, const char *name)
{
	int done = fails(true) ? -1 : pv_fsops_real.link(file, folder, name);

	if (done == 0)
		change(add(CALL_NAMES), folder, name, node_of(file));
	return done;
}

static int move(int folder, const char *from, int into, const char *to)
{
	short child = node_at(folder, from);
	int done = fails(false) ? -1 : pv_fsops_real.move(folder, from, into, to);

	if (done == 0) {
		struct call *call = add(CALL_NAMES);

		change(call, folder, from, GONE);
		change(call, into, to, child);
	}
	return done;
}

static int rename_within(int folder, const char *from, const char *to)
{
	return move(folder, from, folder, to);
}

static int unlink_file(int folder, const char *name)
{
	int done = fails(false) ? -1 : pv_fsops_real.unlink(folder, name);

	if (done == 0)
		change(add(CALL_NAMES), folder, name, GONE);
	return done;
}

static int make_folder(int folder, const char *name, mode_t mode)
{
	int done = fails(true) ? -1 : pv_fsops_real.mkdir(folder, name, mode);

	if (done == 0)
		change(add(CALL_NAMES), folder, name, node_at(folder, name));
	return done;
}

static int remove_folder(int folder, const char *name)
{
	int done = fails(false) ? -1 : pv_fsops_real.rmdir(folder, name);

	if (done == 0)
		change(add(CALL_NAMES), folder, name, GONE);
	return done;
}

static int barrier(int fd, enum pv_barrier why, enum call_kind kind)
{
	if (fails(false))
		return -1;
	if (why == recorder.without) {
		recorder.left_out++;
		return 0;
	}
	add(kind)->node = node_of(fd);
	return 0;
}

static int sync_one(int fd, enum pv_barrier why)
{
	return barrier(fd, why, CALL_SYNC);
}

static int sync_all(int fd, enum pv_barrier why)
{
	return barrier(fd, why, CALL_ALL);
}

static int checkpoint(int root, enum pv_barrier why)
{
	return barrier(root, why, CALL_HOME);
}

const struct pv_fsops record_ops = {
	.create = create,
	.unnamed = unnamed,
	.write = record_write,
	.write_at = write_at,
	.link = link_file,
	.rename = rename_within,
	.move = move,
	.unlink = unlink_file,
	.mkdir = make_folder,
	.rmdir = remove_folder,
	.sync_data = sync_one,
	.sync = sync_one,
	.sync_all = sync_all,
	.checkpoint = checkpoint,
};

void record_begin(struct trace *trace, int root)
{
	trace->calls = pv_alloc(TRACE_CALLS, sizeof(*trace->calls));
	trace->count = 0;
	disk_scan(&trace->base, root);
	recorder.trace = trace;
	recorder.made = recorder.left_out = recorder.good = 0;
}

void record_end(void)
{
	struct trace *trace = recorder.trace;

	for (size_t i = 0; i < trace->count; i++)
		if (trace->calls[i].kind == CALL_BYTES)
			free((void *)(uintptr_t)trace->calls[i].bytes);
	free(trace->calls);
	for (size_t i = 0; i < DISK_NODES; i++)
		free((void *)(uintptr_t)trace->base.files[i].bytes);
	recorder.trace = NULL;
}

void record_expect(const char *first, const char *second, const char *third)
{
	struct call *call = add(CALL_EXPECT);

	call->expected[0] = first;
	call->expected[1] = second;
	call->expected[2] = third;
}

void record_promise(const char *revision, const char *status)
{
	add(CALL_PROMISE)->promise = (struct promise){.revision = revision, .status = status};
}

void record_promise_path(const char *path)
{
	add(CALL_PROMISE)->promise = (struct promise){.revision = path, .path = path};
}

void record_loader(int fd, const char *block, size_t length)
{
	if (pwrite(fd, block, length, 0) != (ssize_t)length)
		abort();
	note_bytes(fd, block, length, 0, true);
	add(CALL_SYNC)->node = node_of(fd);
}

void record_reboot(void)
{
	add(CALL_HOME);
}
