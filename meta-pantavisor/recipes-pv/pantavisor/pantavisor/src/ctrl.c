/* SPDX-License-Identifier: MIT */
#include "ctrl.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include "clock.h"
#include "ctrlserver.h"
#include "exitstatus.h"
#include "file.h"
#include "log.h"
#include "order.h"
#include "usable.h"

#define BACKLOG 64
#define ASKS_AT_ONCE 16
#define WIRE_BYTES (4 * 1024 * 1024)
/* The server's descriptors, after the standard ones. */
#define LISTENER 3
#define WIRE 4
#define STORAGE 5
#ifndef SERVER_MEMORY
#define SERVER_MEMORY (256UL * 1024 * 1024)
#endif
#define SERVER_FILES 2048
/* One that ends again and again is started ever later. */
#define FIRST_PAUSE_MS 1000
#define LONGEST_PAUSE_MS 60000
#define GOOD_RUN_MS 60000

static int open_listener(struct pv_err *err)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = PV_CTRL_SOCKET};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return pv_err_errno(err, "cannot make the control socket");
	/* Any user may signal; what else is theirs, order.c decides. */
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 || chmod(PV_CTRL_SOCKET, 0666) < 0 ||
		listen(fd, BACKLOG) < 0) {
		pv_err_errno(err, "cannot make %s", PV_CTRL_SOCKET);
		close(fd);
		return -1;
	}
	return fd;
}

static void limit(int what, rlim_t value)
{
	const struct rlimit both = {value, value};

	setrlimit(what, &both);
}

/* Each descriptor to its number; the others are PID 1's, and closed. First to higher numbers, so that none
 * is overwritten. */
static void arrange(int listener, int wire, int storage)
{
	const int wanted[] = {listener, wire, storage};
	int moved[3];
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	for (int i = 0; i < 3; i++)
		moved[i] = fcntl(wanted[i], F_DUPFD, STORAGE + 1);
	for (int i = 0; i < 3; i++) {
		(void)dup2(null, i);
		if (moved[i] < 0 || dup2(moved[i], LISTENER + i) < 0)
			close(LISTENER + i);
	}
	pv_close_range(STORAGE + 1, ~0U);
}

/* It reads hostile input: it keeps the rights that the storage needs, over files of any user, and gains
 * none. It mounts nothing, loads no module and traces no process. */
static void drop_rights(void)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	const uint32_t kept = 1U << CAP_DAC_OVERRIDE | 1U << CAP_DAC_READ_SEARCH | 1U << CAP_FOWNER;
	const struct __user_cap_data_struct data[2] = {{.effective = kept, .permitted = kept}};

	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	if (syscall(SYS_capset, &header, data) < 0)
		_exit(1);
}

static _Noreturn void serve(struct pv_ctrl *ctrl, int wire)
{
	static struct pv_service service;
	sigset_t none;

	/* The storage's descriptor gets another number. */
	pv_log_set_level(-1);
	pv_log_close_file();
	arrange(ctrl->listener, wire, ctrl->pv->has_storage ? ctrl->pv->storage : -1);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	setsid();
	prctl(PR_SET_NAME, "pv-ctrl");
	drop_rights();
	limit(RLIMIT_AS, SERVER_MEMORY);
	limit(RLIMIT_NOFILE, SERVER_FILES);
	limit(RLIMIT_CORE, 0);
	service.storage = pv_storage_at(ctrl->pv->has_storage ? STORAGE : -1);
	service.loader = ctrl->pv->loader;
	service.keep_factory = pv_config_number(&ctrl->pv->config, PV_STORAGE_GC_KEEP_FACTORY);
	service.verify = pv_usable_options(ctrl->pv, ctrl->pv->run->revision);
	pv_ctrlserver_run(LISTENER, WIRE, &service);
}

static void take_asks(struct pv_source *source, short events);

static int start(struct pv_ctrl *ctrl, struct pv_err *err)
{
	int wires[2];
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, wires) < 0)
		return pv_err_errno(err, "cannot make a pair of sockets");
	/* The longest replies of all callers at once. */
	setsockopt(wires[0], SOL_SOCKET, SO_SNDBUFFORCE, &(int){WIRE_BYTES}, sizeof(int));
	pid = fork();
	if (!pid)
		serve(ctrl, wires[1]);
	close(wires[1]);
	if (pid < 0) {
		close(wires[0]);
		return pv_err_errno(err, "cannot fork");
	}
	ctrl->server = pid;
	ctrl->started_at = pv_now_ms();
	ctrl->wire =
		(struct pv_source){.fd = wires[0], .events = POLLIN, .handle = take_asks, .data = ctrl};
	pv_loop_add(&ctrl->pv->loop, &ctrl->wire);
	return 0;
}

static void start_later(struct pv_ctrl *ctrl)
{
	pv_loop_arm(&ctrl->pv->loop, &ctrl->again, pv_now_ms() + ctrl->pause_ms);
	ctrl->pause_ms = ctrl->pause_ms < LONGEST_PAUSE_MS / 2 ? ctrl->pause_ms * 2 : LONGEST_PAUSE_MS;
}

static void start_again(struct pv_timer *timer, int64_t now)
{
	struct pv_ctrl *ctrl = timer->data;
	struct pv_err err;

	(void)now;
	if (ctrl->pv->end || start(ctrl, &err) == 0)
		return;
	pv_warn("ctrl", "the control socket is not served: %s", err.text);
	start_later(ctrl);
}

void pv_ctrl_open(struct pv_ctrl *ctrl, struct pv *pv)
{
	struct pv_err err;

	*ctrl = (struct pv_ctrl){.pv = pv,
		.wire = {.fd = -1},
		.again = {.handle = start_again, .data = ctrl},
		.pause_ms = FIRST_PAUSE_MS};
	ctrl->listener = open_listener(&err);
	if (ctrl->listener < 0)
		pv_error("ctrl", "%s", err.text);
	else
		start_again(&ctrl->again, pv_now_ms());
}

static void cut_wire(struct pv_ctrl *ctrl)
{
	if (ctrl->wire.fd < 0)
		return;
	pv_loop_remove(&ctrl->pv->loop, &ctrl->wire);
	close(ctrl->wire.fd);
	ctrl->wire.fd = -1;
}

static void answer(const struct pv_ctrl *ctrl, const struct pv_ctrl_ask *ask, struct pv_ctrl_reply *reply)
{
	pv_order_obey(ctrl->pv, ask, reply, pv_now_ms());
	reply->id = ask->id;
	/* A server that does not listen has a caller that waits, and lets it go in time. */
	(void)!send(ctrl->wire.fd, reply, offsetof(struct pv_ctrl_reply, body) + reply->length,
		MSG_NOSIGNAL | MSG_DONTWAIT);
}

static void take_asks(struct pv_source *source, short events)
{
	static struct pv_ctrl_reply reply;
	struct pv_ctrl *ctrl = source->data;
	struct pv_ctrl_ask ask;

	(void)events;
	for (int i = 0; i < ASKS_AT_ONCE; i++) {
		ssize_t got = recv(source->fd, &ask, sizeof(ask), MSG_DONTWAIT);

		if (got == (ssize_t)sizeof(ask))
			answer(ctrl, &ask, &reply);
		else if (got >= 0 || (errno != EAGAIN && errno != EINTR))
			cut_wire(ctrl);
		if (got != (ssize_t)sizeof(ask))
			return;
	}
}

bool pv_ctrl_reaped(struct pv_ctrl *ctrl, pid_t pid, int wait_status)
{
	if (!pid || pid != ctrl->server)
		return false;
	ctrl->server = 0;
	cut_wire(ctrl);
	if (ctrl->pv->end)
		return true;
	pv_warn("ctrl", "the server of the control socket ended with status %d",
		pv_exit_status(wait_status));
	if (pv_now_ms() - ctrl->started_at >= GOOD_RUN_MS)
		ctrl->pause_ms = FIRST_PAUSE_MS;
	start_later(ctrl);
	return true;
}
