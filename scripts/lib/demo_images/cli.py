# SPDX-License-Identifier: MIT
"""The command: make images current, write auto.conf, run a command while the registry serves."""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from pantavisor import atomic

from .engine import NAMES
from .failure import NOT_INSTALLED, Failure
from .images import FURTHER, IMAGES, ImageBuilder
from .registry import HOST, Registry
from .registry import serve as serve_registry

PROJECT = Path(__file__).resolve().parents[3]
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
AUTO_CONF = "# Written by scripts/demo-images: the demonstration images in the loopback registry.\n"


def parser() -> argparse.ArgumentParser:
    """The command line."""
    top = argparse.ArgumentParser(
        prog="scripts/demo-images",
        description="Build the demonstration images when they changed, and serve them while COMMAND runs.",
    )
    top.add_argument(
        "--build-dir", type=Path, default=PROJECT / "build", help="where registry/ and logs go"
    )
    top.add_argument(
        "--auto-conf", type=Path, metavar="FILE", help="write digests and registry for BitBake"
    )
    top.add_argument("--engine", choices=NAMES, default="", help="insist on one")
    top.add_argument(
        "--also",
        choices=FURTHER,
        action="append",
        default=[],
        help="an architecture to make them for as well: next to amd64 and arm64",
    )
    top.add_argument("--port", type=_port, default=0, help="of the registry; default: any free one")
    top.add_argument("command", nargs=argparse.REMAINDER, metavar="-- COMMAND", help="run meanwhile")
    return top


def main(argv: Sequence[str] | None = None) -> int:
    """Exit status: the command's, or 2 for something a person can correct, 130 when interrupted."""
    options = parser().parse_args(argv)
    signal.signal(signal.SIGTERM, _interrupt)
    signal.signal(signal.SIGHUP, _interrupt)
    try:
        return serve(options)
    except Failure as failure:
        print(f"demo-images: {failure}", file=sys.stderr)
        if failure.hint:
            print(f"  hint: {failure.hint}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("demo-images: interrupted; registry and engine are stopped", file=sys.stderr)
        return 130


def serve(options: argparse.Namespace) -> int:
    """Registry up, images current, command run, registry down."""
    build = options.build_dir.resolve()
    build.mkdir(parents=True, exist_ok=True)
    with _alone(build), serve_registry(build / "registry", port=options.port) as registry:
        builder = ImageBuilder(build / "demo", registry, _report, further=options.also)
        digests = builder.ensure(only_engine=options.engine)
        for image in IMAGES:
            _report(f"{HOST}/{image.repository}:{image.tag} is {digests[image.recipe]}")
        if options.auto_conf:
            write_auto_conf(options.auto_conf, digests, registry)
        command = options.command[1:] if options.command[:1] == ["--"] else options.command
        return run_command(command, registry)


def write_auto_conf(path: Path, digests: Mapping[str, str], registry: Registry) -> None:
    """Pin the digests for BitBake; an unchanged file is left alone, so nothing is parsed again."""
    lines = [f'PVR_REGISTRY_MIRRORS:append = " {HOST}={registry.host}"\n']
    lines += [f'PVR_DOCKER_DIGEST:pn-{recipe} = "{digest}"\n' for recipe, digest in sorted(digests.items())]
    text = AUTO_CONF + "".join(lines)
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists() or path.read_text() != text:
        path.write_text(text)


def run_command(argv: Sequence[str], registry: Registry) -> int:
    """Run it to its end, with the registry's place in $DEMO_REGISTRY.

    When we are interrupted it is interrupted too and waited for, so that it can clean up.
    """
    if not argv:
        return 0
    # A terminal that is closed hangs up on the command too, which may leave children behind: kas does.
    # It hears of it from us, by a signal that all clean up after.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)

    def ignore_hangup() -> None:
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_SETMASK, before)

    try:
        process = subprocess.Popen(
            argv, env={**os.environ, "DEMO_REGISTRY": registry.host}, preexec_fn=ignore_hangup
        )
    except BaseException as error:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        if isinstance(error, NOT_INSTALLED):
            raise Failure(f"{argv[0]} is not installed", "run: scripts/demo-images --help") from None
        raise
    try:
        # A signal that came while the command was started comes now, and finds it.
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        return process.wait()
    except KeyboardInterrupt as interrupt:
        # Ctrl-C on a terminal reached the command as well; a signal to us alone did not.
        if process.poll() is None and not (os.isatty(0) and not interrupt.args):
            process.send_signal(signal.SIGTERM if interrupt.args else signal.SIGINT)
        process.wait()
        raise


def _port(text: str) -> int:
    if not (text.isdecimal() and int(text) < 1 << 16):
        raise argparse.ArgumentTypeError(f'"{text}" is not a port')
    return int(text)


def _interrupt(number: int, frame: object) -> None:
    raise KeyboardInterrupt(number)


@contextmanager
def _alone(build: Path) -> Iterator[None]:
    """No other run uses the registry of this build meanwhile."""
    with ExitStack() as held:
        lock = held.enter_context((build / "registry.lock").open("wb"))
        try:
            held.enter_context(atomic.exclusive(lock, wait=False))
        except BlockingIOError:
            _report("another run uses this registry; waiting for it")
            held.enter_context(atomic.exclusive(lock))
        yield


def _report(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
