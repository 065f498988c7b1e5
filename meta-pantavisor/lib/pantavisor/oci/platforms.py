# SPDX-License-Identifier: MIT
"""What an image is made for, in Go's words, and the strict question whether that is what was asked for.

Both people and images write other words for the same: they are put right here, and nowhere else.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Optional

from ..errors import FormatError, NotFound
from ..names import hint

MAX_LABEL_CHARS = 64
UNKNOWN = "unknown"

# What people, kernels and old images write for what OCI (Go) calls it; containerd reads the same words.
_ARCHITECTURES = {
    "x86_64": "amd64", "x86-64": "amd64", "x64": "amd64", "aarch64": "arm64", "armhf": "arm/v7",
    "armel": "arm/v6", "armv5": "arm/v5", "armv5l": "arm/v5", "armv6": "arm/v6", "armv6l": "arm/v6",
    "armv7": "arm/v7", "armv7l": "arm/v7", "armv8": "arm64", "i386": "386", "i486": "386", "i586": "386",
    "i686": "386", "x86": "386", "powerpc64le": "ppc64le", "mipsel": "mipsle", "mips64el": "mips64le",
    "loongarch64": "loong64",
}  # fmt: skip
_KNOWN = frozenset(
    ["386", "amd64", "arm", "arm64", "loong64", "mips", "mips64le", "mipsle", "ppc64le", "riscv64", "s390x"]
)
_OS_WORDS = ("linux", "windows", "freebsd", "darwin")
_SYSTEMS = {"macos": "darwin"}
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
        """``linux/amd64``, ``linux/arm/v7``, also in the words of others (``linux/aarch64``) or without the
        system, as docker takes them (``arm64``). Raises FormatError.
        """
        alone = machine(text)
        if alone is not None and "/" not in text:
            return alone
        parts = text.split("/")
        if len(parts) not in (2, 3) or not all(
            _WORD.fullmatch(part) and len(part) <= MAX_LABEL_CHARS for part in parts
        ):
            raise FormatError(
                f'"{text[:100]}" is not a platform',
                hint='write one such as "linux/amd64" or "linux/arm/v7"',
            )
        found = cls.of(*parts)
        if found.os not in _OS_WORDS:
            raise FormatError(
                f'platform "{text}" has an unknown os', hint=hint(found.os, _OS_WORDS, "use linux")
            )
        return found

    @classmethod
    def of(cls, os: str, architecture: str, variant: Optional[str] = None) -> Platform:
        """The platform that these words mean, of which none is empty; unknown words stay."""
        os, architecture, variant = os.lower(), architecture.lower(), (variant or "").lower()
        architecture, _, implied = _ARCHITECTURES.get(architecture, architecture).partition("/")
        variant = implied or (f"v{variant}" if variant.isdigit() else variant)
        return cls(_SYSTEMS.get(os, os), architecture, variant or None)

    @property
    def is_complete(self) -> bool:
        """Whether an architecture is named."""
        return self.architecture != UNKNOWN

    def matches(self, offered: Platform) -> bool:
        """Strict: no platform runs "also" as another.
        arm is arm/v7, arm64 is arm64/v8, amd64 is amd64/v1.
        """
        return self._key() == offered._key()

    def _key(self) -> tuple[str, str, Optional[str]]:
        return self.os, self.architecture, self.variant or _IMPLIED_VARIANT.get(self.architecture)

    def __str__(self) -> str:
        return "/".join([self.os, self.architecture] + ([self.variant] if self.variant else []))


def machine(word: str) -> Optional[Platform]:
    """Linux on a machine, as uname or OpenEmbedded's TARGET_ARCH call it; None for one that no image is
    made for.
    """
    found = Platform.of("linux", word)
    return found if found.architecture in _KNOWN else None


class PlatformError(NotFound):
    """The image is not made for the platform asked for."""


def no_match(wanted: Platform, offered: list[str]) -> PlatformError:
    return PlatformError(
        f"the image is not made for {wanted}; it offers {', '.join(offered) or 'nothing'}",
        hint="name one of these platforms, or another image",
    )
