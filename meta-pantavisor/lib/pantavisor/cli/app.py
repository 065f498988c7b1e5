"""``pvr app``: containers of a repository, from images of any kind."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Optional

from .. import atomic, cjson, layout, manifests, registry, repo
from ..errors import FormatError, NotFound, PantavisorError
from ..oci import Platform
from ..ref import ImageSource
from ..repo import Repository
from .console import Console

PROFILES = ("fast", "balanced", "small")
LIBRARY_VARIABLE = "PVR_LIBSQUASHFS"
PLATFORMS = {"x86_64": "linux/amd64", "aarch64": "linux/arm64", "armv7l": "linux/arm/v7", "riscv64": "linux/riscv64"}


def register(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``app`` with add, update, install, rm, ls and info."""
    noun = commands.add_parser("app", help="add, update and list containers")
    verbs = noun.add_subparsers(dest="verb", metavar="VERB", required=True)
    add = verbs.add_parser("add", help="make a container from an image")
    add.add_argument("name")
    add.add_argument("--from", dest="source", required=True, metavar="IMAGE",
                     help="docker://, docker-daemon:, docker-archive:, oci: or oci-archive:")  # fmt: skip
    add.add_argument("--group", default="app", help="group of device.json (default: app)")
    add.add_argument("--status-goal", default="STARTED", choices=("MOUNTED", "STARTED", "READY"))
    add.add_argument("--restart-policy", default="container", choices=("system", "container"))
    add.add_argument("--role", action="append", choices=("mgmt", "nobody"))
    add.add_argument("--volume", action="append", default=[], metavar="[ovl:]PATH:PERSISTENCE[@DISK]")
    add.add_argument("--arg", action="append", default=[], metavar="NAME=VALUE", help="template argument")
    add.add_argument("--arg-json", action="append", default=[], metavar="NAME=JSON|FILE", help="one with a JSON value")
    add.add_argument("--config-json", metavar="JSON|FILE", help="overrides the image's Entrypoint, Cmd, Env, ...")
    _image_options(add)
    add.set_defaults(run=_add)
    update = verbs.add_parser("update", help="make a container again from its image's newest version")
    update.add_argument("name")
    update.add_argument("--from", dest="source", metavar="IMAGE", help="another image; default: the recorded one")
    _image_options(update)
    update.set_defaults(run=_update)
    install = verbs.add_parser("install", help="write run.json and lxc.container.conf again from src.json")
    install.add_argument("name")
    install.set_defaults(run=_install)
    remove = verbs.add_parser("rm", help="remove a container with its configuration and signature")
    remove.add_argument("name")
    remove.set_defaults(run=_remove)
    verbs.add_parser("ls", help="list containers").set_defaults(run=_list)
    info = verbs.add_parser("info", help="show where a container came from")
    info.add_argument("name")
    info.set_defaults(run=_info)


def _image_options(command: argparse.ArgumentParser) -> None:
    command.add_argument("--platform", help="os/architecture[/variant]; default: this machine's")
    command.add_argument("--profile", choices=PROFILES, default="balanced", help="compression")
    command.add_argument("--authfile", type=Path, help="registry credentials in the form of ~/.docker/config.json")
    command.add_argument("--insecure-registry", action="append", default=[], metavar="HOST[:PORT]")
    command.add_argument("--mirror", action="append", default=[], metavar="HOST=MIRROR")


def _add(options: argparse.Namespace, console: Console) -> None:
    repository = Repository.find(Path("."))
    if (repository.root / options.name / "src.json").exists():
        raise PantavisorError(f"container {options.name} exists already", hint=f"pvr app update {options.name}")
    wanted = manifests.SourceManifest(
        arguments=_arguments(options), config=_json(options.config_json, "--config-json") or {}
    )
    _make(options, wanted, tuple(options.volume), repository, console)


def _update(options: argparse.Namespace, console: Console) -> None:
    repository = Repository.find(Path("."))
    old = _source(repository, options.name)
    if options.source is None:
        if not old.docker_name:
            raise PantavisorError(f"{options.name} does not record an image", hint="name it: --from docker://...")
        options.source = f"docker://{old.docker_name}:{old.docker_tag or 'latest'}"
    options.platform = options.platform or old.docker_platform
    volumes = tuple(f"{name}:{value}" for name, value in old.persistence.items())
    _make(options, old, volumes, repository, console)


def _make(
    options: argparse.Namespace,
    wanted: manifests.SourceManifest,
    volumes: tuple[str, ...],
    repository: Repository,
    console: Console,
) -> None:
    from .. import container

    platform = Platform.parse(options.platform or _this_machine())
    source = ImageSource.parse(options.source)
    with atomic.scratch(repository.root / repo.FOLDER) as folder, _opened(source, platform, folder, options, console) as image:
        described = container.source_manifest(
            source, image, arguments=wanted.arguments, config=wanted.config, volumes=volumes
        )
        made = container.build(
            options.name,
            image,
            replace(described, logs=wanted.logs, exports=wanted.exports),
            repository.pool,
            folder,
            profile=options.profile,
            libsquashfs=os.environ.get(LIBRARY_VARIABLE),
        )
    for warning in made.warnings:
        console.warn(warning)
    repository.write_files(made.files)
    console.line(f"{options.name} is made from {described.docker_digest}; run pvr add and pvr commit to keep it")


@contextmanager
def _opened(
    source: ImageSource, platform: Platform, folder: Path, options: argparse.Namespace, console: Console
) -> Iterator[layout.OciImage]:
    if source.ref is None:
        with layout.open_source(source, platform, scratch=folder) as image:
            yield image
        return
    changes: dict[str, Any] = {
        "insecure": frozenset(options.insecure_registry),
        "mirrors": registry.parse_mirrors(options.mirror),
    }
    if options.authfile:
        changes["auth_file"] = options.authfile
    client = registry.Client(registry.RegistryOptions.from_environment(os.environ, **changes))
    client.pull(
        source.ref,
        platform,
        folder / "image",
        progress=lambda done, total: console.progress(str(source.ref), done, total),
    )
    with layout.open_image(folder / "image", platform) as image:
        yield image


def _install(options: argparse.Namespace, console: Console) -> None:
    repository = Repository.find(Path("."))
    from .. import container

    spec = manifests.ContainerSpec.from_source(options.name, _source(repository, options.name))
    repository.write_files(container.manifest_files(spec, repository.pool))


def _remove(options: argparse.Namespace, console: Console) -> None:
    for path in Repository.find(Path(".")).remove(options.name):
        console.detail(f"removed {path}")


def _list(options: argparse.Namespace, console: Console) -> None:
    root = Repository.find(Path(".")).root
    for path in sorted(root.glob("*/src.json")):
        if path.parent.name != "bsp":
            console.result(path.parent.name)


def _info(options: argparse.Namespace, console: Console) -> None:
    repository = Repository.find(Path("."))
    console.json(_source(repository, options.name).document(options.name))


def _source(repository: Repository, name: str) -> manifests.SourceManifest:
    path = repository.root / name / "src.json"
    if not path.is_file():
        raise NotFound(f"there is no container {name} in {repository.root}", hint="pvr app ls lists them")
    return manifests.SourceManifest.parse(cjson.load_object(path.read_bytes(), what=str(path)), what=str(path))


def _arguments(options: argparse.Namespace) -> dict[str, Any]:
    arguments: dict[str, Any] = {
        "PV_GROUP": options.group,
        "PV_STATUS_GOAL": options.status_goal,
        "PV_RESTART_POLICY": options.restart_policy,
        "PV_ROLES": options.role or ["nobody"],
    }
    for word in options.arg:
        name, equals, value = word.partition("=")
        if not equals:
            raise FormatError(f'--arg {word} is not NAME=VALUE')
        arguments[name] = value
    for word in options.arg_json:
        name, equals, value = word.partition("=")
        arguments[name] = _json(value, f"--arg-json {name}") if equals else _json(word, "--arg-json")
    return arguments


def _json(text: Optional[str], what: str) -> Any:
    """JSON given as such or as the name of a file."""
    if text is None:
        return None
    if not text.lstrip().startswith(("{", "[", '"')):
        return cjson.loads(Path(text).read_bytes(), what=text)
    return cjson.loads(text, what=what)


def _this_machine() -> str:
    machine = os.uname().machine
    if machine not in PLATFORMS:
        raise FormatError(f"no image platform is known for {machine}", hint="say --platform linux/<architecture>")
    return PLATFORMS[machine]
