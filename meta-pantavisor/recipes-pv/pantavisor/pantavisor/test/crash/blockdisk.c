/* SPDX-License-Identifier: MIT */
/*
 * A disk that remembers: one file, "disk", for a loop device. What is written to the image goes into a log
 * as well, with each flush, so that any moment can be made again.
 *
 *   blockdisk IMAGE LOG FOLDER     until the folder is unmounted
 *
 * A record of the log: kind (1 bytes, 2 a flush), their length and place as 32, 32 and 64 bits, and the
 * bytes.
 */
#define FUSE_USE_VERSION 31
#include <errno.h>
#include <fcntl.h>
#include <fuse3/fuse.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DISK "/disk"

static int image, record;

static int get_attributes(const char *path, struct stat *info, struct fuse_file_info *file)
{
	(void)file;
	if (fstat(image, info) < 0)
		return -errno;
	info->st_nlink = 1;
	if (!strcmp(path, "/"))
		info->st_mode = S_IFDIR | 0755;
	else if (strcmp(path, DISK))
		return -ENOENT;
	return 0;
}

static int open_disk(const char *path, struct fuse_file_info *file)
{
	(void)file;
	return strcmp(path, DISK) ? -ENOENT : 0;
}

static int read_disk(
	const char *path, char *bytes, size_t length, off_t offset, struct fuse_file_info *file)
{
	ssize_t got = pread(image, bytes, length, offset);

	(void)path;
	(void)file;
	return got < 0 ? -errno : (int)got;
}

static int note(uint32_t kind, const char *bytes, size_t length, off_t offset)
{
	struct {
		uint32_t kind, length;
		uint64_t offset;
	} head = {kind, (uint32_t)length, (uint64_t)offset};

	if (write(record, &head, sizeof(head)) != sizeof(head))
		return -EIO;
	return length && write(record, bytes, length) != (ssize_t)length ? -EIO : 0;
}

static int write_disk(
	const char *path, const char *bytes, size_t length, off_t offset, struct fuse_file_info *file)
{
	(void)path;
	(void)file;
	if (pwrite(image, bytes, length, offset) != (ssize_t)length || note(1, bytes, length, offset) < 0)
		return -EIO;
	return (int)length;
}

static int flush_disk(const char *path, int data_only, struct fuse_file_info *file)
{
	(void)path;
	(void)data_only;
	(void)file;
	return note(2, NULL, 0, 0);
}

/* A hole would be read as zeros without a record of it. */
static int refuse_hole(const char *path, int mode, off_t offset, off_t length, struct fuse_file_info *file)
{
	(void)path;
	(void)mode;
	(void)offset;
	(void)length;
	(void)file;
	return -EOPNOTSUPP;
}

static const struct fuse_operations operations = {
	.getattr = get_attributes,
	.open = open_disk,
	.read = read_disk,
	.write = write_disk,
	.fsync = flush_disk,
	.fallocate = refuse_hole,
};

int main(int argc, char **argv)
{
	char foreground[] = "-f", single[] = "-s";

	if (argc != 4)
		return 2;
	image = open(argv[1], O_RDWR | O_CLOEXEC);
	record = open(argv[2], O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600);
	if (image < 0 || record < 0) {
		perror(argv[0]);
		return 1;
	}
	return fuse_main(4, ((char *[]){argv[0], foreground, single, argv[3], NULL}), &operations, NULL);
}
