# SPDX-License-Identifier: MIT
"""How BitBake's side finds and runs the library: its checksums, its keys, its process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import bb

import pvbb.signing

if TYPE_CHECKING:
    from typing import Any, Optional

WARNING, NOTE = "pvr: warning: ", "note: "
# What a container is fetched by is not among them: its bytes are checked by their digests.
TASK_MODULES = ("arguments", "bills", "boards", "recipe", "root", "signing", "tasks", "tool")
# What the command pvr reads of its environment, and no result depends on.
OWN_VARIABLES = ("PVR_LIBSQUASHFS", "PVR_CACHE_DIR", "PVR_CACHE_SIZE")
PIN_VARIABLE = "PVR_PKCS11_PIN"  # of the command pvr
MAX_PIN_LINE = 256  # bytes; tokens take far less


def library_root(d: Any) -> str:
    """The folder that holds the packages ``pantavisor`` and ``pvbb``."""
    return os.path.join(d.getVar("PANTAVISOR_LAYERDIR"), "lib")


def library_checksums(d: Any) -> str:
    """Every source file of the library, and of this package what tasks run, for a task's file-checksums:
    BitBake follows no private function.
    """
    root = library_root(d)
    own = [os.path.join(root, "pvbb", f"{name}.py") for name in TASK_MODULES]
    return " ".join(f"{path}:True" for path in [*_sources(os.path.join(root, "pantavisor")), *own])


def library_folders(d: Any) -> list[str]:
    """Where another source file may come: the list of checksums is made while a recipe is parsed."""
    return [
        parent
        for parent, _, _ in os.walk(os.path.join(library_root(d), "pantavisor"))
        if os.path.basename(parent) != "__pycache__"
    ]


def require_keys(d: Any) -> None:
    """Skip the recipe with the way out where files of PVS_FILES are missing;
    make development keys where they are asked for.
    """
    if d.getVar("PVS_SIGN") not in ("0", "1"):
        raise bb.parse.SkipRecipe(
            f'{d.getVar("PN")}: PVS_SIGN is "{d.getVar("PVS_SIGN")}" (hint: use "1" for yes, "0" for no)'
        )
    pvbb.signing.check(d)
    wanted = pvbb.signing.files(d)
    directory = d.getVar("PVS_KEY_DIR")
    reason = ""
    asked = d.getVar("PVS_DEVELOPMENT_KEYS") == "1" and not os.path.exists(directory)
    if asked and not all(os.path.exists(path) for _, path in wanted):
        reason = _make_development_keys(d, directory)
    for _, path in wanted:
        bb.parse.mark_dependency(d, path)  # made or removed later: the recipe is parsed again
    for name, path in wanted:
        if not os.path.exists(path):
            raise bb.parse.SkipRecipe(reason or _missing(name, path, directory))


def _missing(name: str, path: str, directory: str) -> str:
    if os.path.dirname(path) != os.path.normpath(directory):
        return f"{name} is {path}, which does not exist (hint: make it, or name where it is)"
    return (
        f"no signing key: {path} does not exist; run 'pvr keys generate {directory}', "
        'name others in PVS_KEY_DIR, or for a first look set PVS_DEVELOPMENT_KEYS = "1"'
    )


def _make_development_keys(d: Any, directory: str) -> str:
    """What went wrong, or nothing.

    Several parsers may get here at once: the tool makes the directory in one step, and the others find it
    there.
    """
    result = _spawn(d, ["keys", "generate", "--if-missing", directory], parsing=True)
    if result.returncode:
        return f"development keys could not be made in {directory}: {result.stderr.strip()}"
    if result.stderr:  # only the process that made them prints
        bb.warn(
            f"{directory} now holds development keys: "
            "who can read them can sign for devices that trust them"
        )
    return ""


def run(d: Any, verb: str, job: dict[str, Any]) -> None:
    """Write ``job`` next to the task's logs and run the library's ``verb`` on it. A failure ends the task
    with its error.
    """
    path = os.path.join(d.getVar("T"), f"{verb}.job.json")
    with open(path, "w", encoding="utf-8") as stream:
        json.dump(job, stream, indent=1, sort_keys=True)
    call(d, [verb, "--job", path])


def call(d: Any, arguments: list[str]) -> None:
    """Run the library's command. A failure ends the task with its error."""
    result = _spawn(d, arguments)
    for line in result.stderr.splitlines():
        if line.startswith(WARNING):
            name, text = d.getVar("PN"), line[len(WARNING) :]
            bb.warn(text if text.startswith(f"{name}: ") else f"{name}: {text}")
        elif line.startswith(NOTE):
            bb.plain(f"{d.getVar('PN')}: {line}")  # on the user's screen, and not counted as a warning
        else:
            bb.note(line)
    if result.returncode == 2:
        bb.fatal(f"{d.getVar('PN')}: {result.stderr.strip() or 'failed without a message'}")
    if result.returncode:
        bb.fatal(
            f"{d.getVar('PN')}: '{arguments[0]}' broke (exit status {result.returncode}):\n"
            f"{result.stderr.strip()}"
        )


def _spawn(d: Any, arguments: list[str], *, parsing: bool = False) -> subprocess.CompletedProcess[str]:
    python, path = d.getVar("PVR_PYTHON"), d.getVar("PATH")
    if parsing and not os.path.exists(python):
        # No native recipe is built yet: BitBake's own interpreter, and openssl where the user has it.
        python, path = sys.executable, f"{path}:{_users_path(d)}"
    argv = [python, "-m", "pantavisor", *arguments]
    environment = {
        **_users(d),
        "PATH": path,
        "PYTHONPATH": library_root(d),
        # Compiled once for all jobs of a build, and not in the layer, which may be another user's.
        "PYTHONPYCACHEPREFIX": os.path.join(d.getVar("TMPDIR"), "pvr-pycache"),
        "LC_ALL": "C.UTF-8",
        "HOME": os.environ.get("HOME", "/nonexistent"),
        **{name: d.getVar(name) or "" for name in OWN_VARIABLES},
    }
    shown = " ".join(f"{name}={environment[name]}" for name in ("PYTHONPATH", *OWN_VARIABLES))
    bb.note(f"{shown} {' '.join(argv)}")
    try:
        return subprocess.run(argv, env=environment, capture_output=True, text=True, check=False)
    except OSError as error:
        bb.fatal(f"PVR_PYTHON is {argv[0]}, which does not run: {error.strerror}")


def _users_path(d: Any) -> str:
    return _user(d, "PATH") or os.defpath


def _users(d: Any) -> dict[str, str]:
    """What signs is given a token's PIN and what PVS_ENVIRONMENT names."""
    if not pvbb.signing.is_elsewhere(d) and not d.getVar("PVS_PKCS11"):
        return {}
    names = (d.getVar("PVS_ENVIRONMENT") or "").split()
    given = {name: value for name in names if (value := _user(d, name))}
    path = d.getVar("PVS_PKCS11_PIN_FILE")
    if d.getVar("PVS_PKCS11") and path:
        given[PIN_VARIABLE] = _pin(path)
    return given


def _pin(path: str) -> str:
    """The first line of the file. No message shows any of it."""
    try:
        with open(path, "rb") as stream:
            line = stream.readline(MAX_PIN_LINE + 1)
        pin = line.decode().rstrip("\r\n")
    except OSError as error:
        bb.fatal(f"PVS_PKCS11_PIN_FILE is {path}, which cannot be read: {error.strerror}")
    except ValueError:
        bb.fatal(
            f"PVS_PKCS11_PIN_FILE is {path}, whose first line is not text (hint: write the PIN as UTF-8)"
        )
    if not pin or "\0" in pin or len(line) > MAX_PIN_LINE:
        bb.fatal(
            f"PVS_PKCS11_PIN_FILE is {path}, whose first line is not a PIN (hint: write the PIN alone)"
        )
    return pin


def _user(d: Any, name: str) -> Optional[str]:
    """A variable of the environment of the user who builds."""
    origin = d.getVar("BB_ORIGENV", False)
    return origin.getVar(name) if origin else None


def _sources(folder: str) -> list[str]:
    return sorted(
        os.path.join(parent, name)
        for parent, folders, names in os.walk(folder)
        for name in names
        if name.endswith(".py")
    )
