# SPDX-License-Identifier: MIT
"""Which distribution the host runs, by /etc/os-release (freedesktop.org, os-release(5))."""

from __future__ import annotations

import os
import shlex
from dataclasses import dataclass
from typing import Any

from . import program
from .errors import DebError

OS_RELEASE = "/etc/os-release"

# The kernel package made for virtual machines: small, with virtio,
# and with everything that containers need.
_KERNELS = {"debian": "linux-image-cloud-{architecture}", "ubuntu": "linux-image-virtual"}
_DEB_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64", "arm": "armhf"}


@dataclass(frozen=True)
class Distribution:
    """``name`` and ``codename`` as in "debian" and "bookworm"."""

    name: str
    codename: str

    @classmethod
    def parse(cls, text: str) -> Distribution:
        """The text of an os-release file. Raises DebError for a distribution that we do not know."""
        fields = dict(
            _assignment(line) for line in text.splitlines() if "=" in line and not line.startswith("#")
        )
        name, codename = fields.get("ID", ""), fields.get("VERSION_CODENAME", "")
        if name not in _KERNELS or not codename:
            raise DebError(
                f'the host runs "{fields.get("PRETTY_NAME") or name or "an unknown system"}"',
                hint=("use Debian or Ubuntu: the quickstart takes its board support from their packages"),
            )
        return cls(name, codename)

    @property
    def keyring(self) -> str:
        return f"/usr/share/keyrings/{self.name}-archive-keyring.gpg"

    def __str__(self) -> str:
        return f"{self.name}:{self.codename}"


def _assignment(line: str) -> tuple[str, str]:
    name, _, value = line.partition("=")
    return name.strip(), "".join(shlex.split(value))


def current() -> Distribution:
    with open(OS_RELEASE, encoding="utf-8") as stream:
        return Distribution.parse(stream.read())


def distribution(d: Any) -> str:
    """``debian:bookworm``: part of task hashes, so that another host's packages are other packages."""
    return str(current())


def architecture(d: Any) -> str:
    """The distribution's name of the machine's architecture."""
    target = d.getVar("TARGET_ARCH")
    if target not in _DEB_ARCHITECTURES:
        raise DebError(
            f'TARGET_ARCH "{target}" has no packages',
            hint=f"use one of: {', '.join(sorted(_DEB_ARCHITECTURES))}",
        )
    return _DEB_ARCHITECTURES[target]


def kernel_package(d: Any) -> str:
    return _KERNELS[current().name].format(architecture=architecture(d))


def native_architecture() -> str:
    return program.run(["dpkg", "--print-architecture"]).stdout.decode().strip()


def checksums(d: Any) -> str:
    """Every source file of this package, for a task's file-checksums."""
    folder = os.path.dirname(os.path.abspath(__file__))
    return " ".join(
        f"{os.path.join(folder, name)}:True" for name in sorted(os.listdir(folder)) if name.endswith(".py")
    )
