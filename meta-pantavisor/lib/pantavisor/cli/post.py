# SPDX-License-Identifier: MIT
"""``pvr post``: the committed state onto a device, watched until the device keeps it or reports why not."""

from __future__ import annotations

import argparse
from typing import Optional

from .. import remote, repo
from ..errors import FormatError, PantavisorError
from ..names import check_path
from ..repo import Repository
from . import devices, here
from .console import Console, count, first_of

TIMEOUT_SECONDS = 600
MAX_MESSAGE_BYTES = 256


def register(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add post."""
    post = commands.add_parser(
        "post",
        help="have a device run the committed state",
        description=(
            "Send the committed state to a device, with the objects that it lacks, and wait until the "
            "device keeps it. An interrupted transfer continues when the command is run again. The device "
            "checks all signatures; its reason for a refusal is shown, and the exit status is 2."
        ),
    )
    post.add_argument(
        "url", nargs="?", metavar="DEVICE",
        help="http://HOST:12368/cgi-bin/pvr, or an IP address; default: the last one",
    )  # fmt: skip
    post.add_argument("-m", "--message", help="commit message; default: that of the commit")
    post.add_argument(
        "--rev", metavar="locals/NAME", help="name of the revision; default: made from the state"
    )
    post.add_argument(
        "--timeout", type=int, default=TIMEOUT_SECONDS, metavar="SECONDS",
        help="how long to wait for the end of the update; default: %(default)s",
    )  # fmt: skip
    post.add_argument("--no-wait", action="store_true", help="do not wait for the end of the update")
    post.add_argument("--json", action="store_true", help="print the outcome as JSON")
    post.set_defaults(run=_post)


class _Watcher:
    def __init__(self, console: Console) -> None:
        self._console = console

    def sent(self, done: int, total: int) -> None:
        self._console.progress("sending", done, total)

    def progress(self, revision: str, progress: Optional[remote.Progress]) -> None:
        if progress is None:
            self._console.line(f"{revision}: the device does not answer, as while it boots")
        else:
            text = ": ".join(filter(None, [progress.status, progress.message]))
            self._console.line(f"{revision}: {text}")
            for line in progress.logs:
                self._console.line(f"  {line}")


def _post(options: argparse.Namespace, console: Console) -> None:
    repository = here.repository()
    device = remote.Device(_target(repository, options.url), devices.options())
    message = _message(repository) if options.message is None else options.message
    if options.rev is not None and not _is_local(options.rev):
        raise FormatError(f'"{options.rev[:100]}" is not a local revision', hint="use --rev locals/NAME")
    stale = repository.uncommitted()
    if stale:
        console.warn(f"the state is posted as committed; the working tree differs in {first_of(stale)}")
    posted = remote.post(
        device,
        repository.state,
        repository.pool,
        message=message.encode()[:MAX_MESSAGE_BYTES].decode(errors="ignore"),
        watcher=_Watcher(console),
        revision=options.rev,
        timeout=None if options.no_wait else options.timeout,
    )
    repository.remember_target(device.session.url)
    _report(posted, device.session.host, console, as_json=options.json)


def _target(repository: Repository, text: Optional[str]) -> str:
    if text is None:
        return repository.last_target()
    source = repo.StateSource.parse(text)
    if not source.url or source.part_filter != repo.PartFilter():
        raise PantavisorError(
            f'"{text[:200]}" is not the address of a device', hint="use http://HOST:12368/cgi-bin/pvr"
        )
    return source.url


def _message(repository: Repository) -> str:
    try:
        return repository.folder.read("commitmsg").decode(errors="replace")
    except FileNotFoundError:
        return repo.DEFAULT_MESSAGE


def _is_local(revision: str) -> bool:
    prefix, _, name = revision.partition("/")
    return prefix == "locals" and "/" not in name and bool(name) and check_path(revision) == revision


def _report(posted: remote.Posted, host: str, console: Console, *, as_json: bool) -> None:
    if as_json:
        console.json(
            {
                "revision": posted.revision,
                "status": posted.progress.status if posted.progress else None,
                "message": posted.progress.message if posted.progress else None,
                "objects": posted.objects,
                "bytes": posted.size,
            }
        )
        return
    if not posted.revision:
        console.line(f"{host} runs this state already")
        return
    sent = f"{count(range(posted.objects), 'object')}, {posted.size} bytes sent"
    outcome = f"is {posted.progress.status}" if posted.progress else "is stored on the device"
    console.line(f"revision {posted.revision} {outcome}; {sent}")
