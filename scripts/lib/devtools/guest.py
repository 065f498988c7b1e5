# SPDX-License-Identifier: MIT
"""A disk image running in QEMU: started, read, stopped.

QEMU interprets (TCG), so it needs no rights and no hardware support. The image is opened as a snapshot
unless asked otherwise: what the guest writes is gone when it ends. Forwarded ports are bound to 127.0.0.1
only.
"""

from __future__ import annotations

import contextlib
import os
import re
import socket
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

LOOPBACK = "127.0.0.1"
MAX_PORT = 65535
TAIL_LINES = 40
STOP_SECONDS = 10
KEY_SECONDS = 1
# Firmware clears the screen and moves the cursor; neither belongs in a log.
ESCAPES = re.compile(r"\x1b\[[0-9;?=]*[A-Za-z]|[\x00-\x08\x0e-\x1f]")


class GuestError(Exception):
    """What went wrong, with the end of the console."""


@dataclass(frozen=True)
class Machine:
    """How one OE machine is emulated; ``firmware`` is code, with variables or alone: the first found."""

    program: str
    options: tuple[str, ...]
    firmware: tuple[tuple[str, ...], ...]
    package: str

    def argv(self) -> list[str]:
        """Program, board and firmware; the variables are a snapshot, every start is the first."""
        for files in self.firmware:
            if all(Path(file).exists() for file in files):
                return [self.program, *self.options, *_flash(*files)]
        raise GuestError(f"{self.program} has no firmware here: install {self.package}")


def _flash(code: str, variables: str = "") -> list[str]:
    if not variables:
        return ["-bios", code]
    first = f"if=pflash,unit=0,format=raw,readonly=on,file={code}"
    return ["-drive", first, "-drive", f"if=pflash,unit=1,format=raw,snapshot=on,file={variables}"]


# One processor: with two, QEMU's interpreter loses a timer of the second one in one boot of some hundred
# on a busy host, and the guest's kernel waits for ever ("rcu_preempt kthread timer wakeup didn't happen").
# It takes a sixth less of the host, too.
MACHINES: Mapping[str, Machine] = {
    "qemux86-64": Machine(
        program="qemu-system-x86_64",
        options=("-machine", "q35", "-accel", "tcg"),
        firmware=(
            ("/usr/share/OVMF/OVMF_CODE_4M.fd", "/usr/share/OVMF/OVMF_VARS_4M.fd"),
            ("/usr/share/OVMF/OVMF_CODE.fd", "/usr/share/OVMF/OVMF_VARS.fd"),
        ),
        package="ovmf",
    ),
    "qemuarm64": Machine(
        program="qemu-system-aarch64",
        options=("-machine", "virt", "-cpu", "cortex-a57", "-accel", "tcg"),
        firmware=(("/usr/share/AAVMF/AAVMF_CODE.fd", "/usr/share/AAVMF/AAVMF_VARS.fd"),),
        package="qemu-efi-aarch64",
    ),
    "qemuarm64-uboot": Machine(
        program="qemu-system-aarch64",
        options=("-machine", "virt", "-cpu", "cortex-a57", "-accel", "tcg"),
        firmware=(("/usr/lib/u-boot/qemu_arm64/u-boot.bin",),),
        package="u-boot-qemu",
    ),
    # highmem=off: neither U-Boot nor a kernel without LPAE reaches what lies above 4 GiB.
    "qemuarm-uboot": Machine(
        "qemu-system-arm",
        ("-machine", "virt,highmem=off", "-cpu", "cortex-a15", "-accel", "tcg"),
        (("/usr/lib/u-boot/qemu_arm/u-boot.bin",),),
        "u-boot-qemu",
    ),
}


@dataclass(frozen=True)
class Forward:
    """A port of this machine that leads to a port of the guest."""

    host: int
    guest: int

    @classmethod
    def parse(cls, text: str) -> Forward:
        """``HOST:GUEST``; HOST 0 is any free port."""
        match = re.fullmatch(r"([0-9]{1,5}):([0-9]{1,5})", text)
        if not match or int(match[1]) > MAX_PORT or not 0 < int(match[2]) <= MAX_PORT:
            raise GuestError(f'"{text}" is not a pair of ports such as 8080:80')
        return cls(host=int(match[1]), guest=int(match[2]))


# The first choice; others where these are taken.
DEFAULT_FORWARDS = (Forward(8080, 80), Forward(8081, 8081), Forward(8082, 8082), Forward(12368, 12368))


@dataclass(frozen=True)
class Setup:
    """What to run and how. ``writes`` gets a log of what reaches the disk, as dm-log-writes has it;
    ``monitor`` is a socket that QEMU makes for orders.
    """

    image: Path
    machine: str
    forwards: tuple[Forward, ...] = DEFAULT_FORWARDS
    persist: bool = False
    memory_mib: int = 512
    reboot: bool = True
    extra: tuple[str, ...] = ()
    writes: Path | None = None
    monitor: Path | None = None

    def disk(self) -> list[str]:
        """The drive and the device that it is in."""
        # A comma in a file name is doubled for QEMU.
        image = str(self.image).replace(",", ",,")
        if self.writes is None:
            snapshot = "off" if self.persist else "on"
            drive, rest = f"format=raw,snapshot={snapshot},file={image}", ""
        else:
            log = str(self.writes).replace(",", ",,")
            files = {"file": image, "log": log}
            drive = "driver=blklogwrites," + ",".join(
                f"{role}.driver=raw,{role}.file.driver=file,{role}.file.filename={name}"
                for role, name in files.items()
            )
            # The log would have neither right.
            rest = ",discard=off,write-zeroes=off"
        device = f"virtio-blk-pci,drive=disk,bootindex=0{rest}"
        return ["-drive", f"if=none,id=disk,{drive}", "-device", device]

    def argv(self, *, interactive: bool) -> list[str]:
        """The whole command line of QEMU."""
        forwards = "".join(f",hostfwd=tcp:{LOOPBACK}:{port.host}-:{port.guest}" for port in self.forwards)
        argv = [*MACHINES[self.machine].argv(), "-m", str(self.memory_mib), "-nodefaults"]
        argv += ["-display", "none", *self.disk(), "-device", "virtio-rng-pci"]
        # romfile=: the firmware must not try to boot from the network.
        argv += ["-netdev", f"user,id=net{forwards}", "-device", "virtio-net-pci,netdev=net,romfile="]
        if interactive:
            argv += ["-chardev", "stdio,id=tty,mux=on,signal=off", "-mon", "chardev=tty"]
        else:
            argv += ["-chardev", "stdio,id=tty,signal=off"]
        argv += ["-serial", "chardev:tty"]
        if self.monitor is not None:
            argv += ["-monitor", f"unix:{str(self.monitor).replace(',', ',,')},server,nowait"]
        return argv + ([] if self.reboot else ["-no-reboot"]) + list(self.extra)


def machine_of(image: Path) -> str:
    """The machine an image is for, by its name: <recipe>-<MACHINE>.img."""
    for machine in sorted(MACHINES, key=len, reverse=True):  # one's name may begin with another's
        if machine in image.name:
            return machine
    raise GuestError(f"the name {image.name} does not contain a machine: use --machine")


def claim(forwards: Sequence[Forward], *, instead: bool = False) -> tuple[Forward, ...]:
    """The same from ports that are free now. 0 means any; with ``instead``, any replaces a taken one."""
    with contextlib.ExitStack() as stack:
        return tuple(Forward(_claim(stack, forward.host, instead), forward.guest) for forward in forwards)


def _claim(stack: contextlib.ExitStack, port: int, instead: bool) -> int:
    try:
        # Open until all are found, so that no two are the same.
        probe = stack.enter_context(socket.create_server((LOOPBACK, port)))
    except OSError as error:
        if instead:
            return _claim(stack, 0, False)
        reason = os.strerror(error.errno or 0)
        hint = "use --port 0:GUEST for any free port"
        raise GuestError(f"port {port} of this machine cannot be used: {reason}\n  hint: {hint}") from None
    return int(probe.getsockname()[1])


def free_ports(*guest_ports: int) -> tuple[Forward, ...]:
    """Forward each of these from any free port."""
    return claim([Forward(0, port) for port in guest_ports])


@dataclass
class Guest:
    """A running guest, for a ``with`` statement. ``echo`` receives the console as it comes."""

    setup: Setup
    echo: BinaryIO | None = None
    _text: str = ""
    _ended: bool = False
    _news: threading.Condition = field(default_factory=threading.Condition)
    _process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Guest:
        argv = self.setup.argv(interactive=False)
        try:
            # pdeathsig: no guest outlives the program that watches it.
            self._process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "TERM", "--", *argv],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
            )
        except (FileNotFoundError, PermissionError):  # the second where a folder of PATH may not be read
            raise GuestError("setpriv is not installed: it is part of util-linux") from None
        threading.Thread(target=self._read, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def console(self) -> str:
        """Everything the guest has printed."""
        with self._news:
            return self._text

    def wait_for(self, pattern: str, *, timeout: float) -> str:
        """The first line that matches, past or coming."""
        deadline = time.monotonic() + timeout
        expression = re.compile(pattern)
        with self._news:
            while True:
                for line in self._text.splitlines():
                    if expression.search(line):
                        return line
                if self._ended:
                    raise GuestError(f'the guest ended before "{pattern}" showed:\n{self._tail()}')
                remaining = deadline - time.monotonic()
                if remaining <= 0:
                    raise GuestError(f'"{pattern}" did not show within {timeout:.0f} s:\n{self._tail()}')
                self._news.wait(remaining)

    def wait_end(self, *, timeout: float) -> int:
        """Wait until the machine is off; the status of QEMU."""
        assert self._process is not None
        try:
            return self._process.wait(timeout)
        except subprocess.TimeoutExpired:
            raise GuestError(f"the guest is still on after {timeout:.0f} s:\n{self._tail()}") from None

    def shut_down(self, *, timeout: float) -> None:
        """Have it end by itself, so that all it wrote is on the disk: Ctrl-Alt-Del, and no start after
        the reset (``reboot=False``), by the ``monitor``.
        """
        deadline = time.monotonic() + timeout
        # The keyboard's driver may be later than the first lines of PID 1.
        while self._process is not None and self._process.poll() is None:
            if time.monotonic() > deadline:
                raise GuestError(f"the guest does not end within {timeout:.0f} s:\n{self._tail()}")
            with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as orders:
                orders.connect(str(self.setup.monitor))
                orders.sendall(b"sendkey ctrl-alt-delete\n")
                time.sleep(KEY_SECONDS)

    def stop(self) -> None:
        """Pull the plug."""
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()

    def port(self, guest_port: int) -> int:
        """The port of this machine that leads there."""
        return next(forward.host for forward in self.setup.forwards if forward.guest == guest_port)

    def _read(self) -> None:
        assert self._process is not None and self._process.stdout is not None
        while data := self._process.stdout.read1(65536):  # type: ignore[attr-defined]
            if self.echo is not None:
                self.echo.write(data)
                self.echo.flush()
            with self._news:
                self._text += ESCAPES.sub("", data.decode(errors="replace").replace("\r", ""))
                self._news.notify_all()
        with self._news:
            self._ended = True
            self._news.notify_all()

    def _tail(self) -> str:
        return "\n".join("    " + line for line in self._text.splitlines()[-TAIL_LINES:])
