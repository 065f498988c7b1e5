/* SPDX-License-Identifier: MIT */
#include "modules.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "alloc.h"
#include "file.h"
#include "log.h"

static void load(const char *path)
{
	cleanup_close int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || (syscall(SYS_finit_module, fd, "", 0) < 0 && errno != EEXIST))
		pv_warn("modules", "%s: %s", path, strerror(errno));
	else
		pv_debug("modules", "%s", path);
}

void pv_modules_load(const char *list_path)
{
	cleanup_free char *text = NULL;
	struct pv_err err;
	size_t length;
	char *rest, *line;

	if (!pv_exists(list_path))
		return;
	if (pv_read_file(list_path, PV_MODULES_TEXT_BYTES, &text, &length, &err) < 0) {
		pv_warn("modules", "%s", err.text);
		return;
	}
	for (rest = text; (line = strsep(&rest, "\r\n"));)
		if (*line == '/')
			load(line);
}
