# SPDX-License-Identifier: MIT
"""``pvr app``: containers of a repository, from images, root file systems and other repositories."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any, Optional

from ... import names
from ...manifests.rights import PROFILES
from . import arguments, login, show
from . import commands as run

NAME = "container of the working tree"
KINDS = ("docker", "rootfs", "pvr")


def register(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``app`` with add, update, install, dm-convert, rm, ls and info."""
    noun = commands.add_parser("app", help="add, update and list containers")
    verbs = noun.add_subparsers(dest="verb", metavar="VERB", required=True)
    _add(verbs)
    _update(verbs)
    _install(verbs, "install")
    # The published tool has these two outside of ``app``.
    _convert(commands)
    _install(commands, "dm-apply")
    _convert(verbs)
    remove = verbs.add_parser(
        "rm",
        help="remove a container with its configuration and signature",
        description=(
            "Remove a container with its configuration and signature, or what a signature covers, "
            "from the working tree."
        ),
    )
    remove.add_argument("name", help=f"{NAME}, or _sigs/NAME.json, or _config/NAME")
    remove.set_defaults(run=run.remove)
    listing = verbs.add_parser("ls", help="list containers")
    listing.add_argument("--json", action="store_true", help="print JSON")
    listing.set_defaults(run=show.list_containers)
    info = verbs.add_parser("info", help="show where a container came from")
    info.add_argument("name", help=NAME)
    info.add_argument("--json", action="store_true", help="print src.json itself")
    info.set_defaults(run=show.info)


class _Profile(argparse.Action):
    """Both kinds of profile have one option; their words differ."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        options: argparse.Namespace,
        value: Any,
        flag: Optional[str] = None,
    ) -> None:
        if value not in PROFILES and names.nearest(value, PROFILES):
            raise names.unknown(value, PROFILES, what="profile of rights")
        setattr(options, "PV_SECURITY_PROFILE" if value in PROFILES else self.dest, value)


def _install(verbs: argparse._SubParsersAction[argparse.ArgumentParser], verb: str) -> None:
    install = verbs.add_parser(
        verb, help="write run.json, lxc.container.conf and dm-verity again from src.json"
    )
    if verb == "install":
        install.add_argument("name", help=NAME)
    else:
        install.add_argument("name", nargs="?", help=f"{NAME}; default: all with dm-verity")
    install.set_defaults(run=run.install)


def _convert(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    convert = verbs.add_parser("dm-convert", help="protect a volume of a container by dm-verity")
    convert.add_argument("name", help="container, or container and volume as CONTAINER/VOLUME")
    convert.add_argument("volume", nargs="?", help="volume of the container; default: root.squashfs")
    convert.add_argument(
        "--salt", metavar="HEX", help="salt of dm-verity; default: from the volume's content"
    )
    convert.add_argument("--uuid", help="UUID of dm-verity; default: from the volume's content")
    convert.set_defaults(run=run.convert)


def _add(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    add = verbs.add_parser(
        "add",
        help="make a container from an image, a root file system or another's part",
        usage="%(prog)s [OPTION]... --from SOURCE NAME",
    )
    add.add_argument("name", help="name of the new container, and of its directory")
    add.add_argument(
        "--from",
        dest="source",
        required=True,
        metavar="SOURCE",
        help=(
            "docker: docker://, docker-daemon:, docker-archive:, oci: or oci-archive:; "
            "rootfs: a directory or a tarball; pvr: REPOSITORY#PART or EXPORT.tgz#PART"
        ),
    )
    add.add_argument(
        "-t", "--type", choices=KINDS, default="docker", help="what SOURCE is (default: docker)"
    )
    add.add_argument(
        "--base", metavar="OTHER", help="keep only what differs from the root.squashfs of OTHER"
    )
    add.add_argument("--force", action="store_true", help="replace the container of that name")
    _manifest_options(add)
    _source_options(add)
    add.set_defaults(run=run.add)


def _update(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    update = verbs.add_parser(
        "update",
        help="make a container again from its source's newest version",
        usage="%(prog)s [OPTION]... NAME",
        description=(
            "Make a container again from the newest version of its source. "
            "Only what an option gives is replaced."
        ),
    )
    update.add_argument("name", help=NAME)
    update.add_argument(
        "--from", dest="source", metavar="SOURCE", help="its new source; default: the recorded image"
    )
    update.add_argument(
        "--force", action="store_true", help="make it again even if the source is unchanged"
    )
    update.add_argument("-t", "--type", choices=KINDS, help="what SOURCE is, which cannot change")
    below = update.add_mutually_exclusive_group()
    below.add_argument(
        "--patch",
        action="store_true",
        help="keep root.squashfs, and put what changed into root.ovl.squashfs",
    )
    below.add_argument(
        "--base", metavar="OTHER", help="keep only what differs from the root.squashfs of OTHER"
    )
    below.add_argument(
        "--newbase", action="store_true", help="make a whole root.squashfs instead of a patch"
    )
    _manifest_options(update)
    _source_options(update)
    update.set_defaults(run=run.update)


def _manifest_options(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--config-json",
        metavar="JSON|FILE",
        help="members that override those of the image's config: Entrypoint, Cmd, Env, ...",
    )
    command.add_argument(
        "--config", action="append", default=[], metavar="NAME=VALUE", help="one such member"
    )
    command.add_argument(
        "--verity",
        action=argparse.BooleanOptionalAction,
        help="protect the root file system by dm-verity",
    )
    command.add_argument(
        "--verity-volume",
        action="append",
        default=[],
        metavar="VOLUME",
        help="protect this volume by dm-verity",
    )
    command.add_argument(
        "--config-overlay",
        type=Path,
        metavar="DIR",
        help="files to lay over the root file system, as _config/NAME; they replace those of before",
    )
    arguments.declare(command)


def _source_options(command: argparse.ArgumentParser) -> None:
    group = command.add_argument_group("fetching and packing")
    group.add_argument(
        "--platform", help="os/architecture[/variant]; default: this machine's, and any for a rootfs"
    )
    group.add_argument(
        "--source",
        dest="place",
        metavar="PLACES",
        help="place of a SOURCE without transport: remote (the default) or local",
    )
    group.add_argument(
        "--format-options", metavar="OPTIONS", help="mksquashfs's -comp CODEC, instead of a profile"
    )
    group.add_argument(
        "--profile",
        default="balanced",
        action=_Profile,
        help=(
            "profile of packing (fast, light, balanced, small, or a codec such as zstd:19 or lz4) "
            "or of rights (confined, as new containers are, or published: everything)"
        ),
    )
    command.set_defaults(PV_SECURITY_PROFILE=None)
    login.declare(group)
    group.add_argument(
        "--authfile", type=Path, help="file of registry credentials in the form of ~/.docker/config.json"
    )
    group.add_argument("--insecure-registry", action="append", default=[], metavar="HOST[:PORT]",
                       help=("registry that may be reached without TLS, or with an untrusted certificate; "
                       "also those in $PVR_INSECURE_REGISTRIES"))  # fmt: skip
    group.add_argument("--mirror", action="append", default=[], metavar="HOST=MIRROR",
                       help="ask MIRROR before HOST; also those in $PVR_REGISTRY_MIRRORS")  # fmt: skip
