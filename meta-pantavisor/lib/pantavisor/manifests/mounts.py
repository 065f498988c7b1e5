# SPDX-License-Identifier: MIT
"""What a container mounts in addition to its volumes: files, folders and volumes of others."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from .. import names
from ..errors import FormatError

_FLAGS = re.compile(r"[a-z_]+(=[^\s,:]+)?(,[a-z_]+(=[^\s,:]+)?)*")


@dataclass(frozen=True)
class Mount:
    """``source:target``; the target lies in the container, and its field decides what the source is."""

    source: str
    target: str

    def __post_init__(self) -> None:
        check_target(self.source, "source of a mount")
        check_target(self.target)

    @classmethod
    def parse(cls, text: str) -> Mount:
        """Raises FormatError."""
        source, colon, target = text.partition(":")
        if not colon or not source or not target:
            raise FormatError(f'"{text[:200]}" is not source:target')
        return cls(source, clean_target(target))


@dataclass(frozen=True)
class VolumeImport:
    """The volume at ``path`` of another container, or a ``folder`` of it, mounted at ``target``.

    ``within`` is a folder below the container's, where its volumes do not lie at once.
    """

    container: str
    path: str
    target: str
    folder: str = ""
    flags: str = "rw"
    within: str = ""

    def __post_init__(self) -> None:
        names.check_container(self.container)
        check_target(self.path.lstrip("/"), "path of a volume")
        check_target(self.target)
        for folder in filter(None, (self.folder, self.within)):
            check_target(folder, "directory of a volume")
        if not _FLAGS.fullmatch(self.flags):
            raise FormatError(
                f'"{self.flags[:80]}" are not the flags of a mount',
                hint="write words with commas, as ro,noexec",
            )

    @classmethod
    def parse(cls, text: str) -> VolumeImport:
        """``container:[folder@]path:target[:flags]``, each path with slashes around it or without.

        Raises FormatError.
        """
        parts = text.split(":")
        if len(parts) not in (3, 4) or not all(parts):
            raise FormatError(f'"{text[:200]}" is not container:[directory@]path:target[:flags]')
        folder, _, path = parts[1].rpartition("@")
        container, _, within = parts[0].strip("/").partition("/")
        # The volume's own name has no slash at its end either.
        made = cls(container, path.rstrip("/"), clean_target(parts[2]), folder.strip("/"), within=within)
        return replace(made, flags=parts[3]) if len(parts) == 4 else made


def clean_target(text: str) -> str:
    """LXC passes over targets with a slash before, and reports it only in its log."""
    return text.strip("/")


def check_target(path: str, what: str = "target of a mount") -> str:
    """A relative path that a mount entry can hold. Raises FormatError for escapes and white space."""
    names.check_path(path, what=what)
    if any(char.isspace() for char in path):
        raise FormatError(f'{what} "{path[:80]}" holds white space, which a mount entry cannot')
    return path
