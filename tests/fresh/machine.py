# SPDX-License-Identifier: MIT
"""A fresh machine: a bare root of a distribution, in name spaces of its own, with a clone of this checkout.

What this machine needs to reach its mirrors is carried in, whatever it is: apt's sources and options,
additional certificates, pip's configuration, proxies, the resolver.
"""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

HERE = Path(__file__).resolve().parent
PROJECT = HERE.parents[1]
UBUNTU = ("jammy", "noble")
# apt, which Ubuntu does not count among the required; git to clone, sudo for who is not root; nothing else
INCLUDED = "apt,ca-certificates,git,sudo,procps"
CERTIFICATES = "usr/local/share/ca-certificates"
# Options of apt that say how to fetch, not what.
APT_OPTION = re.compile(r"Acquire::(http|https|ftp|Retries|ForceIPv[46]|Check-[A-Za-z-]+)\b.*;")
PROXIES = ("http_proxy", "https_proxy", "no_proxy")
NAME_SERVER = "nameserver 10.0.2.3\n"  # slirp4netns's own, which asks as this machine does
SPACES = ("--mount", "--pid", "--fork", "--kill-child", "--ipc", "--uts", "--net")
# Reports that the name spaces are there, and waits until they have a network.
# (Of sh: bash takes a socket for a login from afar, and reads its user's .bashrc.)
ENTRANCE = 'echo >&0; read -r _; exec "$@" </dev/null'
# Of a user who is not root.
USER = "tester"


@dataclass(frozen=True)
class Machine:
    """Its root, and who works there: root or an ordinary user who may use sudo."""

    root: Path
    suite: str
    ordinary: bool

    @property
    def home(self) -> str:
        return f"/home/{USER}" if self.ordinary else "/root"

    def make(self, log: BinaryIO) -> None:
        """The root, from the distribution's mirror."""
        self.root.parent.mkdir(parents=True, exist_ok=True)
        options = self.root.parent / "apt.conf"
        options.write_text("\n".join(apt_options()) + "\n")
        words = ["mmdebstrap", "--variant=minbase", f"--include={INCLUDED}", f"--aptopt={options}"]
        if self.suite in UBUNTU:
            words.append("--components=main,universe")
        run([*words, self.suite, str(self.root), *sources(self.suite)], log)
        self._carry_in()
        if self.ordinary:
            run([*self._chroot(), "useradd", "--create-home", "--shell", "/bin/bash", USER], log)
            (self.root / "etc/sudoers.d" / USER).write_text(f"{USER} ALL=(ALL) NOPASSWD: ALL\n")
        run([*self._chroot(), "update-ca-certificates"], log)

    def clone(self, log: BinaryIO) -> None:
        """This checkout's commit, as a user has it; the copy knows no other repository's files."""
        target = self.root / self.home.lstrip("/") / "pantavisor"
        run(["git", "clone", "--quiet", "--no-hardlinks", str(PROJECT), str(target)], log)
        if self.ordinary:
            run([*self._chroot(), "chown", "--recursive", f"{USER}:{USER}", f"{self.home}/pantavisor"], log)

    def call(self, command: str, log: BinaryIO) -> int:
        """Run a line of a shell in the checkout, by the user's login shell; its exit status."""
        words = [
            "su",
            "--login",
            USER if self.ordinary else "root",
            "--command",
            f"cd ~/pantavisor && {command}",
        ]
        return enter([str(HERE / "pivot"), str(self.root), *words], log)

    def remove(self) -> None:
        """The root is on one file system: what was mounted there was seen by the machine alone."""
        subprocess.run(["rm", "-rf", "--one-file-system", self.root], check=True)

    def _chroot(self) -> list[str]:
        return ["chroot", str(self.root)]

    def _carry_in(self) -> None:
        for name in ("etc/pip.conf", CERTIFICATES):
            source, target = Path("/") / name, self.root / name
            if source.is_dir():
                shutil.copytree(source, target, dirs_exist_ok=True)
            elif source.exists():
                shutil.copyfile(source, target)
        (self.root / "etc/resolv.conf").unlink(missing_ok=True)
        (self.root / "etc/resolv.conf").write_text(NAME_SERVER)
        (self.root / "etc/hosts").write_text("127.0.0.1 localhost fresh\n::1 localhost\n")
        # A login shell keeps no variables of its parent.
        lines = [f'{name}="{os.environ[name]}"\n' for name in PROXIES if name in os.environ]
        with open(self.root / "etc/environment", "a") as stream:
            stream.writelines(lines)


def run(words: list[str], log: BinaryIO) -> None:
    subprocess.run(words, check=True, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment())


def environment() -> dict[str, str]:
    known = {name: os.environ[name] for name in (*PROXIES, "TERM") if name in os.environ}
    return {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8", **known}


def apt_options() -> list[str]:
    """How this machine's apt fetches."""
    dumped = subprocess.run(
        ["apt-config", "dump", "Acquire"], capture_output=True, text=True, check=True
    ).stdout
    return [line for line in dumped.splitlines() if APT_OPTION.fullmatch(line)]


def sources(suite: str) -> list[str]:
    """Lines for apt: this machine's Debian mirrors, or those that mmdebstrap knows for another
    distribution.
    """
    if suite in UBUNTU:
        return []
    words = [
        "apt-get",
        "indextargets",
        "--format",
        "$(SITE) $(RELEASE) $(CODENAME) $(ORIGIN)",
        "Created-By: Packages",
    ]
    lines = sorted(
        set(subprocess.run(words, capture_output=True, text=True, check=True).stdout.splitlines())
    )
    found = [line.split(" ") for line in lines if line.endswith(" Debian")]
    # bookworm-security here is trixie-security there.
    return [f"deb {site} {re.sub('^[a-z]+', suite, release)} main" for site, release, *_ in found]


def enter(words: list[str], log: BinaryIO) -> int:
    """Run a program in name spaces of its own, once they have a network; its exit status."""
    ours, theirs = socket.socketpair()
    with ours:
        with theirs:
            process = subprocess.Popen(
                ["unshare", *SPACES, "sh", "-c", ENTRANCE, "entrance", *words],
                env=environment(), stdin=theirs.fileno(), stdout=log, stderr=log,
            )  # fmt: skip
        try:
            # Before this line there are no name spaces but this machine's.
            if not ours.recv(1):
                raise RuntimeError("unshare makes no name spaces")
            with network(process.pid, log):
                ours.sendall(b"\n")
                return process.wait()
        finally:
            process.kill()
            process.wait()


@contextmanager
def network(pid: int, log: BinaryIO) -> Iterator[None]:
    """The process's network name space reaches out, and has all ports for itself."""
    reading, writing = os.pipe()
    slirp = subprocess.Popen(
        ["slirp4netns", "--configure", "--mtu=65520", "--disable-host-loopback", f"--ready-fd={writing}",
         str(pid), "tap0"],
        pass_fds=[writing], stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment(),
    )  # fmt: skip
    os.close(writing)
    try:
        with open(reading, "rb") as stream:
            if stream.read(1) != b"1":
                raise RuntimeError("slirp4netns gives no network")
        yield
    finally:
        slirp.kill()
        slirp.wait()
