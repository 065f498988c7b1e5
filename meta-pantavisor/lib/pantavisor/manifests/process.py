# SPDX-License-Identifier: MIT
"""What the image's config has of the first process, with Docker's meaning.

Entrypoint and Cmd as lists are words; as strings they are commands for a shell. A string entrypoint is
written out as it is, as the published tool does, and Cmd follows it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Optional

from .. import names
from ..errors import FormatError, NotFound
from .lxc_options import LINE_ENDS

DEFAULT_INIT = "/sbin/init"
MAX_WORDS = 1024
# What docker run, and every other engine, takes where the image has none.
DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
MAPPED = frozenset(
    ["Entrypoint", "Cmd", "Env", "WorkingDir", "User", "Volumes", "StopSignal", "Healthcheck"]
)
# They describe the image, or concern who builds on it or sits at its terminal:
# nothing is lost without them.
PASSIVE = frozenset(
    ["Labels", "OnBuild", "Shell", "Image", "ArgsEscaped", "AttachStdin", "AttachStdout", "AttachStderr",
     "Tty", "OpenStdin", "StdinOnce"]
)  # fmt: skip
# What else images may have, by the OCI image specification and by docker since its first versions.
OTHERS = frozenset(
    ["Cpuset", "CpuShares", "Domainname", "ExposedPorts", "Hostname", "MacAddress", "Memory",
     "MemorySwap", "NetworkDisabled", "PortSpecs", "StopTimeout", "VolumeDriver", "VolumesFrom"]
)  # fmt: skip
MAX_UNMAPPED = 20
LAST_SIGNAL = 64
_USER_HINT = "give another, such as --config User=1000:1000 (PVR_CONFIG_JSON)"
SIGNALS = frozenset(  # those of src/halt.c
    "HUP INT QUIT ILL TRAP ABRT IOT BUS FPE KILL USR1 SEGV USR2 PIPE ALRM TERM CHLD CLD CONT STOP "
    "TSTP TTIN TTOU URG XCPU XFSZ VTALRM PROF WINCH IO POLL PWR SYS RTMIN RTMAX".split()
)


@dataclass(frozen=True)
class Process:
    """The first process: ``command`` in LXC's notation, its folder and environment, and what could not be
    mapped.
    """

    command: str
    folder: str
    environment: tuple[str, ...]
    user: str
    executable: str
    stop_signal: str
    unmapped: tuple[str, ...]


def map_process(config: Mapping[str, Any]) -> Process:
    """From the ``config`` object of an image. Raises FormatError."""
    entrypoint, command = (_without_null(config.get(name)) or None for name in ("Entrypoint", "Cmd"))
    if entrypoint == [""]:
        entrypoint = None  # Docker's way of taking back a base image's
    words = [*_quoted(entrypoint, "Entrypoint"), *_quoted(command, "Cmd", appended=bool(entrypoint))]
    if not words:
        words = [DEFAULT_INIT]
    return Process(
        command=" ".join(words),
        folder=_folder(config.get("WorkingDir") or ""),
        environment=_environment(config.get("Env") or []),
        user=str(config.get("User") or ""),
        executable=_first_word(entrypoint or command),
        stop_signal=_signal(config.get("StopSignal") or ""),
        unmapped=_unmapped(config),
    )


@dataclass(frozen=True)
class User:
    """Who the first process runs as: ``groups`` are those other than ``gid``, ``home`` is for HOME."""

    uid: int
    gid: int
    groups: tuple[int, ...] = ()
    home: str = "/"


def home(user: Optional[User], read: Callable[[str], Optional[bytes]]) -> str:
    """Where ``user`` lives, None being root, by the image's /etc/passwd."""
    if user is not None:
        return user.home
    entry = _lookup("0", read("etc/passwd"), id_field=2)
    return (entry[5] if entry is not None and len(entry) > 5 else "") or "/"


def defaults(home: Optional[str]) -> tuple[str, ...]:
    """The environment that docker run adds, as far as the image does not set it; ``home`` None: it is
    not known.

    HOSTNAME is the device's matter, which names the container; TERM comes with a terminal, which no
    container has.
    """
    return (f"PATH={DEFAULT_PATH}", *(() if home is None else (f"HOME={home}",)))


def check_members(config: Mapping[str, Any], what: str) -> None:
    """Raise FormatError for a member that no image has: ``config`` is written by a person, who may misspell
    it.
    """
    env = config.get("Env")
    for item in env if isinstance(env, list) else ():
        _variable(item)
    for member in config:
        if member not in MAPPED | PASSIVE | OTHERS:
            raise names.unknown(member, MAPPED | PASSIVE | OTHERS, what=f"member of {what}:")


def init_user(user: str, read: Callable[[str], Optional[bytes]]) -> Optional[User]:
    """Docker's ``User`` (``name|uid[:group|gid]``); None for root by default. Who names a group is in that
    one alone.

    ``read`` gives a file of the image, ``etc/passwd`` or ``etc/group``, or None where there is none.

    Raises FormatError and NotFound.
    """
    if not user:
        return None
    name, _, group = user.partition(":")
    name = name or "0"  # only a group is named, as runc reads it
    entry = _lookup(name, read("etc/passwd"), id_field=2)
    uid = _number(name) if entry is None else int(entry[2])
    if uid is None:
        raise NotFound(
            f'the image runs as user "{user[:100]}", which its /etc/passwd does not have', hint=_USER_HINT
        )
    gid = _number(entry[3]) if entry is not None else 0
    if group:
        found = _lookup(group, read("etc/group"), id_field=2)
        number = _number(group) if found is None else int(found[2])
        if number is None:
            raise NotFound(
                f'the image runs in group "{group[:100]}", which its /etc/group does not have',
                hint=_USER_HINT,
            )
        gid = number
    if gid is None:
        raise FormatError(
            f'the /etc/passwd of the image gives its user "{user[:100]}" a group that is not a number',
            hint=_USER_HINT,
        )
    groups = _groups_of(entry[0], read("etc/group")) if entry is not None and entry[0] and not group else ()
    return User(uid, gid, groups, (entry[5] if entry is not None and len(entry) > 5 else "") or "/")


def quote(word: str) -> str:
    """One word for lxc.init.cmd, which knows both kinds of quotes and no escapes. Raises FormatError."""
    _line(word, "command")
    if '"' not in word:
        return f'"{word}"'
    if "'" not in word:
        return f"'{word}'"
    raise FormatError(
        f"the word {word[:80]!r} has both kinds of quotes, which an LXC command line cannot hold",
        hint="put the command into a script of the image",
    )


def _without_null(value: Any) -> Any:
    """As Go reads a list of strings: null is an empty one."""
    if not isinstance(value, (list, tuple)):
        return value
    return ["" if word is None else word for word in value]


def _quoted(value: Any, what: str, *, appended: bool = False) -> list[str]:
    if value is None:
        return []
    if isinstance(value, str):
        return [quote(value) if appended else _line(value, what)]
    if (
        not isinstance(value, (list, tuple))
        or len(value) > MAX_WORDS
        or not all(isinstance(word, str) for word in value)
    ):
        raise _wrong(what, f"is neither a string nor a list of at most {MAX_WORDS} strings", '["/bin/app"]')
    words = [quote(word) for word in value]
    if not appended and not any(char.isspace() or char in "\"'" for char in value[0]):
        words[0] = value[0]
    return words


def _folder(text: Any) -> str:
    path = _line(text, "WorkingDir")
    if len(path.encode()) > names.MAX_PATH_BYTES:
        raise _wrong("WorkingDir", f"is longer than {names.MAX_PATH_BYTES} bytes", "/")
    return path


def _wrong(member: str, what: str, instead: str) -> FormatError:
    """The error of a member that the user can overrule."""
    hint = f"give another, such as --config '{member}={instead}' (PVR_CONFIG_JSON)"
    return FormatError(f"the image's {member} {what}", hint=hint)


def _unmapped(config: Mapping[str, Any]) -> tuple[str, ...]:
    found = {name for name in config if config[name] and name not in MAPPED | PASSIVE}
    return tuple(name[:60] for name in sorted(found)[:MAX_UNMAPPED])


def _signal(text: Any) -> str:
    """As LXC writes it; docker takes any case, with SIG or without. LXC reads no configuration with another
    word.
    """
    if text == "":
        return ""
    if isinstance(text, str) and re.fullmatch(r"[0-9]{1,2}", text) and 1 <= int(text) <= LAST_SIGNAL:
        return str(int(text))
    word = text.upper().removeprefix("SIG") if isinstance(text, str) else ""
    if word not in SIGNALS and not re.fullmatch(r"RTMIN\+[0-9]{1,2}|RTMAX-[0-9]{1,2}", word):
        raise _wrong("StopSignal", f"{str(text)[:40]!r} is not a signal", "SIGTERM")
    return f"SIG{word}"


def _first_word(value: Any) -> str:
    if not value:
        return DEFAULT_INIT
    word = str((value.split() or [""])[0] if isinstance(value, str) else value[0])
    if not word.strip():
        raise FormatError(
            "the image's command begins with a blank word",
            hint=(
                "name what to start: --config Entrypoint=PROGRAM, "
                "or a file with --config-json (PVR_CONFIG_JSON)"
            ),
        )
    return word


def _environment(items: Any) -> tuple[str, ...]:
    if not isinstance(items, (list, tuple)) or len(items) > MAX_WORDS:
        raise _wrong("Env", f"is not a list of at most {MAX_WORDS} strings", '["NAME=value"]')
    # Docker starts an image whose Env has words without a value, and leaves them out.
    pairs = [item for item in items if item is not None and not (isinstance(item, str) and "=" not in item)]
    return tuple(_line(_variable(item), "Env") for item in pairs)


def _variable(item: Any) -> Any:
    if not isinstance(item, str) or not item.partition("=")[0] or "=" not in item:
        raise _wrong("Env", f"holds {str(item)[:80]!r}, which is not NAME=value", '["NAME=value"]')
    return item


def _line(text: Any, what: str) -> str:
    if not isinstance(text, str) or not LINE_ENDS.isdisjoint(text) or not names.has_bytes(text):
        raise FormatError(
            f"the image's {what} holds a line break, a NUL or an unpaired surrogate: "
            "LXC configuration cannot"
        )
    return text


def _number(text: str) -> Optional[int]:
    # Ten digits first: int() itself refuses very long numbers.
    return int(text) if re.fullmatch(r"[0-9]{1,10}", text) and int(text) < 2**32 - 1 else None


def _groups_of(name: str, table: Optional[bytes]) -> tuple[int, ...]:
    found = {
        number
        for fields in _entries(table)
        if name in fields[3].split(",") and (number := _number(fields[2])) is not None
    }
    if len(found) > MAX_WORDS:
        raise FormatError(
            f'the /etc/group of the image puts its user "{name[:100]}" into more than {MAX_WORDS} groups'
        )
    return tuple(sorted(found))


def _entries(table: Optional[bytes]) -> Iterator[list[str]]:
    for line in (table or b"").decode("utf-8", "replace").split("\n"):
        fields = line.strip().split(":")
        if len(fields) > 3:
            yield fields


def _lookup(name: str, table: Optional[bytes], *, id_field: int) -> Optional[list[str]]:
    for fields in _entries(table):
        if name and name in (fields[0], fields[id_field]) and _number(fields[2]) is not None:
            return fields
    return None
