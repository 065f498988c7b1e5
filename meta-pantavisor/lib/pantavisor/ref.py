# SPDX-License-Identifier: MIT
"""Image references as docker writes them, and the transports of containers-transports(5) in front of them.

    [host[:port]/]path[:tag][@digest]

A first component is a host when it holds a dot or a colon, has an upper-case letter, or is ``localhost``;
otherwise the host is ``docker.io``, where a single-component path lies under ``library/``. With neither tag
nor digest the tag is ``latest``. Source of the grammar: the distribution project's ``reference`` package
and its documentation.

Nothing here looks at files or the network: ``docker-archive:a.tar`` is only words.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Optional

from .digest import Digest
from .errors import FormatError
from .names import unknown

DEFAULT_HOST = "docker.io"
DEFAULT_TAG = "latest"
MAX_REPOSITORY_CHARS = 255
MAX_REFERENCE_CHARS = 1024

_LABEL = r"(?:[A-Za-z0-9]|[A-Za-z0-9][A-Za-z0-9-]*[A-Za-z0-9])"
_HOST = re.compile(rf"(?:{_LABEL}(?:\.{_LABEL})*|\[[0-9a-fA-F:]{{2,39}}\])(?::(?P<port>[0-9]{{1,5}}))?")
_COMPONENT = re.compile(r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*")
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
_HEX_ID = re.compile(r"[0-9a-f]{64}")
_EXAMPLE = 'write one such as "docker.io/library/nginx:1.27" or "localhost:5000/app@sha256:<64 hex digits>"'


@dataclass(frozen=True)
class Ref:
    """Where an image lies in a registry. At least one of ``tag`` and ``digest`` is set."""

    host: str
    repository: str
    tag: Optional[str]
    digest: Optional[Digest]

    @classmethod
    def parse(cls, text: str) -> Ref:
        """Any spelling docker takes, with or without ``docker://``.
        Raises FormatError that names the wrong piece.
        """
        bare = text[len("docker://") :] if text.startswith("docker://") else text
        if not bare or len(bare) > MAX_REFERENCE_CHARS:
            raise _bad(text, "is empty" if not bare else f"is longer than {MAX_REFERENCE_CHARS} characters")
        name, at, digest_text = bare.partition("@")
        digest = Digest.parse(digest_text) if at else None
        name, tag = _split_tag(name)
        if tag is not None and not _TAG.fullmatch(tag):
            raise _bad(
                text,
                f'has the tag "{tag[:130]}"',
                "use letters, digits, dot, dash and underscore, at most 128",
            )
        host, repository = _split_host(name)
        _check_host(text, host)
        _check_repository(text, repository)
        return cls(host, repository, tag if tag or digest else DEFAULT_TAG, digest)

    @property
    def name(self) -> str:
        """The reference without tag and digest."""
        return f"{self.host}/{self.repository}"

    def with_digest(self, digest: Digest) -> Ref:
        """The same image, pinned. The tag stays, as a word for people."""
        return replace(self, digest=digest)

    def __str__(self) -> str:
        tag = f":{self.tag}" if self.tag else ""
        return f"{self.name}{tag}{f'@{self.digest}' if self.digest else ''}"


def is_tag(text: str) -> bool:
    return _TAG.fullmatch(text) is not None


def _split_tag(name: str) -> tuple[str, Optional[str]]:
    before, colon, after = name.rpartition(":")
    return (before, after) if colon and "/" not in after and not after.endswith("]") else (name, None)


def _split_host(name: str) -> tuple[str, str]:
    first, slash, rest = name.partition("/")
    is_host = slash and (
        any(char in first for char in ".:") or first == "localhost" or first != first.lower()
    )
    host, repository = (first, rest) if is_host else (DEFAULT_HOST, name)
    if host == "index.docker.io":
        host = DEFAULT_HOST
    if host == DEFAULT_HOST and repository and "/" not in repository:
        repository = f"library/{repository}"
    return host, repository


def _check_host(text: str, host: str) -> None:
    match = _HOST.fullmatch(host)
    if not match or len(host) > 260 or int(match["port"] or 1) not in range(1, 65536):
        raise _bad(text, f'names the host "{host[:100]}"', "write a name or address, with :port if need be")


def _check_repository(text: str, repository: str) -> None:
    parts = repository.split("/")
    if repository != repository.lower():
        raise _bad(
            text,
            "has upper-case letters in its path",
            f'write it in lower case: "{repository.lower()[:200]}"',
        )
    if _HEX_ID.fullmatch(parts[-1]):
        raise _bad(
            text,
            "is an image id, which no registry knows",
            "give a name, or name@sha256:<id> if it is a digest",
        )
    if len(repository) > MAX_REPOSITORY_CHARS:
        raise _bad(text, f"has a path longer than {MAX_REPOSITORY_CHARS} characters")
    for part in parts:
        if not _COMPONENT.fullmatch(part):
            raise _bad(text, f'has the path component "{part[:100]}"', _EXAMPLE)


def _bad(text: str, what: str, hint: str = _EXAMPLE) -> FormatError:
    return FormatError(f'image reference "{text[:200]}" {what}', hint=hint)


TRANSPORTS = ("docker", "docker-daemon", "docker-archive", "oci", "oci-archive")


@dataclass(frozen=True)
class ImageSource:
    """A reference with its transport.

    ``docker`` has ``ref``. ``docker-daemon`` has ``name``, as the daemon knows it (a reference or an image
    id). ``docker-archive``, ``oci`` and ``oci-archive`` have ``path`` and, to choose among several images,
    ``name``.
    """

    transport: str
    ref: Optional[Ref] = None
    path: Optional[str] = None
    name: Optional[str] = None

    @classmethod
    def parse(cls, text: str) -> ImageSource:
        """``docker-daemon:…``, ``docker-archive:path[:ref]``, ``oci:path[:name]``,
        or a reference to a registry.

        Raises FormatError.
        """
        transport, colon, rest = text.partition(":")
        if not colon or (transport not in TRANSPORTS and not _looks_like_transport(transport, rest)):
            return cls("docker", ref=Ref.parse(text))
        if transport not in TRANSPORTS:
            raise unknown(transport, TRANSPORTS, what="transport")
        if transport == "docker":
            # "docker:27" is the image called docker; only "docker://" is the transport.
            return cls("docker", ref=Ref.parse(text))
        if not rest:
            raise FormatError(f'"{text}" names nothing after its transport')
        if transport == "docker-daemon":
            return cls(transport, name=_daemon_name(rest))
        path, _, name = rest.partition(":")
        return cls(transport, path=_path(text, path), name=_archive_name(transport, name))

    def __str__(self) -> str:
        if self.ref is not None:
            return f"docker://{self.ref}"
        return ":".join([self.transport, *(word for word in (self.path, self.name) if word)])


def _looks_like_transport(word: str, rest: str) -> bool:
    # "localhost:5000/x" and "nginx:1.27" are references;
    # "ostree:/path", "oci-dir:./x" and "http://x" are not.
    return rest.startswith(("/", "./", "../")) and re.fullmatch(r"[a-z][a-z0-9+-]*", word) is not None


def _daemon_name(name: str) -> str:
    if name.startswith("sha256:"):
        return str(Digest.parse(name))
    ref = Ref.parse(name)
    return str(ref) if ref.digest is None or ref.tag is None else str(replace(ref, tag=None))


def _archive_name(transport: str, name: str) -> Optional[str]:
    if not name:
        return None
    if transport == "docker-archive":
        return str(Ref.parse(name))
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._:@/+-]{0,254}", name):
        raise FormatError(f'"{name[:100]}" is not the name of an image in an OCI layout')
    return name


def _path(text: str, path: str) -> str:
    if not path or "\x00" in path:
        raise FormatError(f'"{text[:200]}" names no path')
    return path
