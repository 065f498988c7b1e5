"""What an image is made for, in Go's words, and the strict question whether that is what was asked for."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Optional

from ..errors import FormatError, NotFound
from ..names import nearest

MAX_LABEL_CHARS = 64

# What people write for what OCI (Go) calls it.
_ARCHITECTURE_WORDS = {
    "x86_64": "amd64", "x86-64": "amd64", "x64": "amd64", "aarch64": "arm64", "armhf": "arm/v7", "armel": "arm/v5",
    "armv7": "arm/v7", "armv7l": "arm/v7", "armv6": "arm/v6", "i386": "386", "i486": "386", "i586": "386",
    "i686": "386",
}  # fmt: skip
_OS_WORDS = ("linux", "windows", "freebsd", "darwin")
_WORD = re.compile(r"[a-z0-9][a-z0-9._-]*")
# The variant that an architecture means when it names none, as in containerd.
_IMPLIED_VARIANT = {"arm": "v7", "arm64": "v8", "amd64": "v1"}


@dataclass(frozen=True)
class Platform:
    """os/architecture[/variant] in Go's words. Two spellings of one platform compare by ``matches``."""

    os: str
    architecture: str
    variant: Optional[str] = None

    @classmethod
    def parse(cls, text: str) -> Platform:
        """``linux/amd64``, ``linux/arm/v7``. Raises FormatError, with the right word for a common wrong one."""
        parts = text.split("/")
        if len(parts) not in (2, 3) or not all(
            _WORD.fullmatch(part) and len(part) <= MAX_LABEL_CHARS for part in parts
        ):
            raise FormatError(
                f'"{text[:100]}" is not a platform',
                hint='a platform looks like "linux/amd64" or "linux/arm/v7"',
            )
        if parts[1] in _ARCHITECTURE_WORDS:
            right = f"{parts[0]}/{_ARCHITECTURE_WORDS[parts[1]]}"
            raise FormatError(
                f'platform "{text}" has an architecture no image names so', hint=f'did you mean "{right}"?'
            )
        if parts[0] not in _OS_WORDS:
            near = nearest(parts[0], _OS_WORDS)
            raise FormatError(f'platform "{text}" has an unknown os', hint=f'did you mean "{near or "linux"}"?')
        return cls(*parts)

    def matches(self, offered: Platform) -> bool:
        """Strict: no platform runs "also" as another. arm is arm/v7, arm64 is arm64/v8, amd64 is amd64/v1."""
        return self._key() == offered._key()

    def _key(self) -> tuple[str, str, Optional[str]]:
        return self.os, self.architecture, self.variant or _IMPLIED_VARIANT.get(self.architecture)

    def __str__(self) -> str:
        return "/".join([self.os, self.architecture] + ([self.variant] if self.variant else []))


class PlatformError(NotFound):
    """The image is not made for the platform asked for."""


def no_match(wanted: Platform, offered: list[str]) -> PlatformError:
    return PlatformError(
        f"the image is not made for {wanted}; it offers {', '.join(offered) or 'nothing'}",
        hint="name one of these platforms, or another image",
    )
