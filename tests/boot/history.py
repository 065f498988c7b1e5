# SPDX-License-Identifier: MIT
"""A device that is updated while QEMU notes what reaches its disk, and what it promised meanwhile.

It takes an update without a reboot, one with a reboot, another one without, and collects. A container
appends a line to its volume and answers once that is flushed, again and again. What was answered when the
log of writes was so long must hold after every cut behind that place.
"""

from __future__ import annotations

import contextlib
import math
import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from control import Caller, add_programs, wait_until
from devtools import guest as qemu
from made import Desk
from place import BOOT_SECONDS
from steps import answers, progress, put_step
from storage import Storage, copy_image
from writes import Epoch, epochs

MANAGER, KEEPER = 8091, 8092
KEPT = "disks/perm/keeper/docker--data/kept"
LIVE, NEXT, LAST = "locals/live", "locals/next", "locals/last"
OBJECT_BYTES = 2_000_000
COMMIT_DELAY = 5
CONFIG = "etc/pantavisor.config"
PAUSE_SECONDS = 1
# Seconds. No limit: what is not answered by then, as while the device boots, is asked again.
AGAIN_AFTER = 20
# So many more lines are flushed after each update: cuts there see what it left.
MORE_LINES = 10
# By what a device records, what it prints.
END_LINES = {"UPDATED": "UPDATED", "DONE": "COMMITTED"}
STARTS = {
    "manager": f"exec nc -ll -p {MANAGER} -e /relay /pantavisor/pv-ctrl",
    # It answers with how many lines are flushed.
    "keeper": f"exec nc -ll -p {KEEPER} -e /bin/sh /keep",
    "web": "trap 'exit 0' TERM; sleep 1000000 & wait",
}
KEEP = """: >> /data/kept
next=$(($(wc -l < /data/kept) + 1))
echo $next | dd of=/data/kept oflag=append conv=notrunc,fsync 2> /dev/null && echo $next
"""
WORDS = {
    "manager": ("--role", "mgmt", "--group", "platform"),
    "keeper": ("--volume", "/data:permanent", "--group", "app"),
    "web": ("--group", "app"),
}


def make(desk: Desk) -> Path:
    """The image of such a device."""
    root = desk.root("demo-system")
    add_programs(root, desk.machine)
    for name, text in {**STARTS, "keep": KEEP}.items():
        (root / name).write_text(f"#!/bin/sh\n{text}\n")
    (root / "data").mkdir()
    config = desk.initramfs_file(CONFIG) + f"\nPV_UPDATER_COMMIT_DELAY={COMMIT_DELAY}\n".encode()
    exports = [desk.bsp({f"/{CONFIG}": config}), desk.export("demo-system")]
    for name, words in WORDS.items():
        start = f'Entrypoint=["/bin/sh", "/{name}"]'
        exports.append(desk.container(name, root, "--config", start, *words))
    return desk.image(exports)


@dataclass(frozen=True)
class Promise:
    """So long was the log, at the least, when it was given."""

    at: int
    lines: int = 0
    revision: str = ""
    committed: bool = False


@dataclass
class History:
    """``asked``: which revision was asked for, and how long the log was then."""

    before: Path
    epochs: list[Epoch] = field(default_factory=list)
    asked: list[tuple[int, str]] = field(default_factory=lambda: [(0, "0")])
    promises: list[Promise] = field(default_factory=list)

    def lines(self, at: float = math.inf) -> int:
        """How many lines a container knows to be flushed when the log is so long."""
        return max((one.lines for one in self.promises if one.at <= at), default=0)

    def allowed(self, epoch: Epoch) -> set[str]:
        """The revisions that may be booted then: the last one that had its end, and those asked for since.

        Of an update without a reboot the end is that it becomes the try of the next boot: another one takes
        its place there, and leads back to the revision that is committed.
        """
        ends = [Promise(0, revision="0", committed=True)]
        ends += [one for one in self.promises if one.revision and one.at <= epoch.begin]
        order = [revision for at, revision in self.asked if at < epoch.end]
        since = set(order[order.index(ends[-1].revision) :])
        committed = [one.revision for one in ends if one.committed][-1]
        return since | {committed} if len(since) > 1 else since


def keep(port: int) -> int:
    """Have the container write another line: how many are flushed then; 0 where nothing answers."""
    with (
        contextlib.suppress(OSError, ValueError),
        socket.create_connection((qemu.LOOPBACK, port), AGAIN_AFTER) as peer,
    ):
        return int(peer.makefile().read())
    return 0


@contextmanager
def keeping(history: History, port: int, log: Path) -> Iterator[None]:
    """It writes line after line, also while the device boots and nothing answers."""
    ended = threading.Event()

    def go_on() -> None:
        while not ended.wait(PAUSE_SECONDS):
            lines = keep(port)
            history.promises.append(Promise(log.stat().st_size, lines=lines))

    thread = threading.Thread(target=go_on)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


@dataclass(frozen=True)
class Story:
    """What a device is asked for while it runs."""

    history: History
    device: qemu.Guest
    manager: Caller
    log: Path

    def update(self, name: str, path: str, end: str) -> None:
        """To a revision with another file, until that has come to its end."""
        put_step(self.manager, name, {path: os.urandom(OBJECT_BYTES)})
        self.history.asked.append((self.log.stat().st_size, name))
        assert self.manager.command("LOCAL_RUN", name) == (200, None)
        self.device.wait_for(rf"revision {name} {END_LINES[end]}", timeout=BOOT_SECONDS)
        wait_until(lambda: answers(self.manager))
        progress(self.manager, name, end)
        ended = Promise(self.log.stat().st_size, revision=name, committed=end == "DONE")
        self.history.promises.append(ended)
        wanted = self.history.lines() + MORE_LINES
        wait_until(lambda: self.history.lines() >= wanted)

    def play(self) -> None:
        self.update(LIVE, "_config/web/etc/version", "UPDATED")
        self.update(NEXT, "_config/demo-system/etc/version", "DONE")
        self.update(LAST, "_config/web/etc/version", "UPDATED")
        assert self.manager.ask("POST", "/storage/gc")[0] == 200


def record(desk: Desk) -> History:
    """Of a device that is made for it."""
    history = History(make(desk))
    disk, log = desk.folder / "disk", desk.folder / "log"
    copy_image(history.before, disk)
    log.touch()
    ports = qemu.free_ports(MANAGER, KEEPER)
    with qemu.Guest(qemu.Setup(disk, desk.machine, ports, writes=log)) as running:
        running.wait_for(r"revision 0 is good", timeout=BOOT_SECONDS)
        with keeping(history, running.port(KEEPER), log):
            Story(history, running, Caller(running.port(MANAGER)), log).play()
    history.epochs = [inside(Storage.of(history.before), epoch) for epoch in epochs(log)]
    return history


def inside(storage: Storage, epoch: Epoch) -> Epoch:
    """The same by offsets of the partition: nothing else is written."""
    moved = tuple((offset - storage.offset, content) for offset, content in epoch.writes)
    assert all(0 <= offset <= storage.size - len(content) for offset, content in moved)
    return Epoch(epoch.begin, epoch.end, moved)
