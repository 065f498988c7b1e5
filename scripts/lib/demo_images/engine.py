# SPDX-License-Identifier: MIT
"""What turns a Dockerfile into an image: Docker, Buildah, or neither, the first that can.

As root, a Docker daemon of our own is started and its data removed again: the user's images are left alone.
Without an engine an image is laid together from unpacked packages; then no command of its Dockerfile runs.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from . import plain
from .failure import NOT_INSTALLED, Failure, run
from .registry import Registry
from .service import Service

ANSWER_SECONDS = 20
IN_CONTAINERS = "in a container, run Docker as root in a privileged one (docker run --privileged)"
# In the order in which they are tried.
NAMES = ("docker", "buildah", "none")


class EngineUnusable(Failure):
    """An engine that is not here, or does not work here."""


class Engine(Protocol):
    """Builds and pushes; the image is known by its registry reference."""

    @property
    def name(self) -> str: ...

    @property
    def runs_commands(self) -> bool:
        """Whether it can take a Dockerfile with RUN for this machine's architecture."""
        ...

    def build(self, context: Path, dockerfile: Path, *, platform: str, reference: str) -> None: ...

    def push(self, reference: str) -> None: ...


@dataclass(frozen=True)
class Docker:
    """The docker client; ``environment`` decides which daemon it talks to."""

    log: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    name: str = "Docker"
    runs_commands: bool = True

    def build(self, context: Path, dockerfile: Path, *, platform: str, reference: str) -> None:
        # The classic builder is part of every docker.io package; BuildKit is not.
        env = {**self.environment, "DOCKER_BUILDKIT": "0"}
        argv = ["docker", "build", "--network", "host", "--no-cache", "--force-rm", "--platform", platform]
        argv += ["--file", str(dockerfile), "--tag", reference, str(context)]
        _run(self.name, argv, self.log, env, f"; {IN_CONTAINERS}")

    def push(self, reference: str) -> None:
        _run(self.name, ["docker", "push", reference], self.log, self.environment)


@dataclass(frozen=True)
class Buildah:
    """Needs no daemon; ``chroot`` isolation needs no container runtime either."""

    log: Path
    root: Path
    name: str = "Buildah"
    runs_commands: bool = True

    def build(self, context: Path, dockerfile: Path, *, platform: str, reference: str) -> None:
        argv = ["bud", "--isolation", "chroot", "--format", "docker", "--layers", "--platform", platform]
        self._buildah(*argv, "--file", str(dockerfile), "--tag", reference, str(context))

    def push(self, reference: str) -> None:
        self._buildah("push", "--tls-verify=false", reference, f"docker://{reference}")

    def _buildah(self, *argv: str) -> None:
        storage = ["--root", str(self.root / "storage"), "--runroot", str(self.root / "run")]
        # Its own policy and registries: a machine without /etc/containers works as well.
        policy = self.root / "policy.json"
        policy.parent.mkdir(parents=True, exist_ok=True)
        policy.write_text('{"default": [{"type": "insecureAcceptAnything"}]}\n')
        extra = ["--signature-policy", str(policy)]
        _run(
            self.name,
            ["buildah", *storage, "--storage-driver", "vfs", argv[0], *extra, *argv[1:]],
            self.log,
        )


@dataclass(frozen=True)
class Plain:
    """No engine: ``plain`` lays the image together."""

    root: Path
    registry: Registry
    name: str = "no engine"
    runs_commands: bool = False

    def build(self, context: Path, dockerfile: Path, *, platform: str, reference: str) -> None:
        folder = self._folder(reference)
        folder.mkdir(parents=True)
        blobs, manifest = plain.build(context, dockerfile, folder, platform=platform)
        for blob in blobs:
            self.registry.put_blob(self._place(reference)[0], blob.path, blob.digest)
        (folder / "manifest.json").write_bytes(manifest)

    def push(self, reference: str) -> None:
        self.registry.put(*self._place(reference), (self._folder(reference) / "manifest.json").read_bytes())

    def _place(self, reference: str) -> tuple[str, str]:
        repository, _, tag = reference.removeprefix(f"{self.registry.host}/").rpartition(":")
        return repository, tag

    def _folder(self, reference: str) -> Path:
        return self.root / "-".join(self._place(reference)).replace("/", "-")


def _run(
    name: str, argv: Sequence[str], log: Path, env: Mapping[str, str] | None = None, hint: str = ""
) -> None:
    try:
        run(argv, log=log, env=env)
    except Failure as failure:
        # The last line is the reason, the others are progress.
        reason = str(failure).strip().splitlines()[-1].strip()
        raise EngineUnusable(
            f"{name} cannot build an image here: {reason}", f"see the whole log, {log}{hint}"
        ) from None


@contextlib.contextmanager
def start(name: str, work: Path, registry: Registry) -> Iterator[Engine]:
    """The engine of this name, running; EngineUnusable where it is not here."""
    log = work / "engine.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    log.write_bytes(b"")
    _clear(work / "engine")
    with contextlib.ExitStack() as stack:
        stack.callback(_clear, work / "engine")
        if name == "docker":
            yield _own_docker(stack, work, log) if os.geteuid() == 0 else _users_docker(log)
        elif name == "buildah":
            if not shutil.which("buildah"):
                raise EngineUnusable("Buildah is not installed", "run: apt install buildah")
            yield Buildah(log=log, root=work / "engine")
        else:
            yield Plain(root=work / "engine", registry=registry)


def _clear(directory: Path) -> None:
    """Remove an engine's data; files of a rootless Buildah belong to users of its name space."""
    shutil.rmtree(directory, ignore_errors=True)
    if directory.exists() and shutil.which("buildah"):
        subprocess.run(["buildah", "unshare", "rm", "-rf", str(directory)], capture_output=True)


def _own_docker(stack: contextlib.ExitStack, work: Path, log: Path) -> Engine:
    if not shutil.which("dockerd"):
        raise EngineUnusable("Docker's daemon (dockerd) is not installed", "run: scripts/setup")
    # Short: the path of a Unix socket has at most 107 bytes.
    runtime = Path(tempfile.mkdtemp(prefix="demo-docker-"))
    stack.callback(shutil.rmtree, runtime, ignore_errors=True)
    environment = {"DOCKER_HOST": f"unix://{runtime}/docker.sock", "DOCKER_CONFIG": str(runtime / "config")}
    # A mount name space of its own: what the daemon mounts ends with it.
    argv = ["unshare", "--mount", "dockerd", "--iptables=false", "--bridge=none"]
    argv += [f"--host={environment['DOCKER_HOST']}", f"--data-root={work / 'engine'}"]
    argv += [f"--exec-root={runtime / 'exec'}", f"--pidfile={runtime / 'pid'}"]
    service = Service(argv, log=work / "dockerd.log", ready=lambda: _answers(environment))
    try:
        stack.enter_context(service)
    except Failure as failure:
        reason = str(failure).strip().splitlines()[-1].strip()
        raise EngineUnusable(
            f"Docker's daemon (dockerd) does not start here: {reason}",
            f"see the whole log, {service.log}; {IN_CONTAINERS}",
        ) from None
    return Docker(log=log, environment=environment)


def _users_docker(log: Path) -> Engine:
    # A daemon elsewhere could not push to this machine's loopback registry.
    if not os.environ.get("DOCKER_HOST", "unix:").startswith("unix:") or not _answers({}):
        raise EngineUnusable(
            "this machine's Docker daemon does not answer this user", "join the group docker"
        )
    return Docker(log=log)


def _answers(environment: Mapping[str, str]) -> bool:
    try:
        argv = ["docker", "info", "--format", "{{.ServerVersion}}"]
        env = {**os.environ, **environment}
        answer = subprocess.run(argv, capture_output=True, text=True, env=env, timeout=ANSWER_SECONDS)
    except (*NOT_INSTALLED, subprocess.TimeoutExpired):
        return False
    # The client of some versions ends with status 0 although no daemon answered.
    return answer.returncode == 0 and bool(answer.stdout.strip())
