"""What turns a Dockerfile into an image: Docker, or Buildah where Docker cannot run.

As root, a Docker daemon of our own is started and its data removed again: the user's images are left alone.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from .failure import Failure, run
from .service import Service

ANSWER_SECONDS = 20


class Engine(Protocol):
    """Builds and pushes; the image is known by its registry reference."""

    @property
    def name(self) -> str: ...

    def build(self, context: Path, dockerfile: Path, *, platform: str, reference: str) -> None: ...

    def push(self, reference: str) -> None: ...


@dataclass(frozen=True)
class Docker:
    """The docker client; ``environment`` says which daemon it talks to."""

    log: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    name: str = "Docker"

    def build(self, context: Path, dockerfile: Path, *, platform: str, reference: str) -> None:
        # The classic builder is part of every docker.io package; BuildKit is not.
        env = {**self.environment, "DOCKER_BUILDKIT": "0"}
        argv = ["docker", "build", "--network", "host", "--no-cache", "--force-rm", "--platform", platform]
        argv += ["--file", str(dockerfile), "--tag", reference, str(context)]
        run(argv, log=self.log, env=env)

    def push(self, reference: str) -> None:
        run(["docker", "push", reference], log=self.log, env=self.environment)


@dataclass(frozen=True)
class Buildah:
    """Needs no daemon; ``chroot`` isolation needs no container runtime either."""

    log: Path
    root: Path
    name: str = "Buildah"

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
        run(["buildah", *storage, "--storage-driver", "vfs", argv[0], *extra, *argv[1:]], log=self.log)


@contextlib.contextmanager
def choose(work: Path, *, only: str = "") -> Iterator[Engine]:
    """The engine that works on this machine; ``only`` ("docker", "buildah") insists on one."""
    log = work / "engine.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    log.write_bytes(b"")
    with contextlib.ExitStack() as stack:
        stack.callback(_clear, work / "engine")
        yield _choose(stack, work, log, only)


def _clear(directory: Path) -> None:
    """Remove an engine's data; files of a rootless Buildah belong to users of its name space."""
    shutil.rmtree(directory, ignore_errors=True)
    if directory.exists() and shutil.which("buildah"):
        subprocess.run(["buildah", "unshare", "rm", "-rf", str(directory)], capture_output=True)


def _choose(stack: contextlib.ExitStack, work: Path, log: Path, only: str) -> Engine:
    problem = "Docker was not asked for"
    if only != "buildah":
        try:
            return _own_docker(stack, work, log) if os.geteuid() == 0 else _users_docker(log)
        except Failure as failure:
            problem = str(failure)
    if only != "docker" and shutil.which("buildah"):
        return Buildah(log=log, root=work / "engine")
    hint = "run as root, or join the group docker, or install buildah"
    raise Failure(f"no image can be built here: {problem}", hint)


def _own_docker(stack: contextlib.ExitStack, work: Path, log: Path) -> Engine:
    if not shutil.which("dockerd"):
        raise Failure("dockerd is not installed", "run scripts/setup")
    # Short: the path of a Unix socket has at most 107 bytes.
    runtime = Path(tempfile.mkdtemp(prefix="demo-docker-"))
    stack.callback(shutil.rmtree, runtime, ignore_errors=True)
    environment = {"DOCKER_HOST": f"unix://{runtime}/docker.sock", "DOCKER_CONFIG": str(runtime / "config")}
    # A mount name space of its own: what the daemon mounts ends with it.
    argv = ["unshare", "--mount", "dockerd", "--iptables=false", "--bridge=none"]
    argv += [f"--host={environment['DOCKER_HOST']}", f"--data-root={work / 'engine'}"]
    argv += [f"--exec-root={runtime / 'exec'}", f"--pidfile={runtime / 'pid'}"]
    stack.enter_context(Service(argv, log=work / "dockerd.log", ready=lambda: _answers(environment)))
    return Docker(log=log, environment=environment)


def _users_docker(log: Path) -> Engine:
    # A daemon elsewhere could not push to this machine's loopback registry.
    if not os.environ.get("DOCKER_HOST", "unix:").startswith("unix:") or not _answers({}):
        raise Failure("the Docker daemon of this machine does not answer this user")
    return Docker(log=log)


def _answers(environment: Mapping[str, str]) -> bool:
    try:
        argv = ["docker", "info", "--format", "{{.ServerVersion}}"]
        env = {**os.environ, **environment}
        answer = subprocess.run(argv, capture_output=True, text=True, env=env, timeout=ANSWER_SECONDS)
    except (FileNotFoundError, subprocess.TimeoutExpired):
        return False
    # The client of some versions ends with status 0 although no daemon answered.
    return answer.returncode == 0 and bool(answer.stdout.strip())
