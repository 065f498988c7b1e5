# SPDX-License-Identifier: MIT
"""The bodies of the tasks of parts: gather variables into a job, let the library do it."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import bb
from pantavisor import cjson
from pantavisor.errors import PantavisorError

import pvbb.arguments
import pvbb.signing
import pvbb.sources
import pvbb.tool

if TYPE_CHECKING:
    from typing import Any, Optional

PLACEHOLDER = "::PV_DBUS_PROVIDER::"


def export_container(d: Any) -> None:
    """do_pvrexport of a container: the fetched OCI layout, or a root file system, becomes a signed part."""
    name = d.getVar("PVR_CONTAINER")
    rootfs = d.getVar("PVR_ROOTFS") or None
    part = _part(d)
    image = rootfs is None and part is None
    for path in pvbb.sources.unread(d) if image else ():
        bb.warn(
            f"{d.getVar('PN')}: nothing reads {path} of SRC_URI\n"
            "  hint: name it in a variable, such as PVR_CONFIG_JSON or PVR_CONFIG_OVERLAY, or remove it"
        )
    pvbb.tool.run(
        d,
        "export-container",
        {
            "name": name,
            "layout": os.path.join(_unpackdir(d), d.getVar("PVR_OCI_DIR")) if image else None,
            "reference": d.getVar("PVR_DOCKER_REF") if image else None,
            "rootfs": rootfs,
            "part": part,
            "part_name": d.getVar("PVR_SRC_PART") or None,
            "platform": d.getVar("PVR_PLATFORM"),
            "arguments": _arguments(d, given=part is not None),
            "image_config": _image_config(d),
            "logs": _json_file(d, "PVR_LOGS_JSON", list),
            "exports": _json_file(d, "PVR_EXPORTS_JSON", list),
            "services": _json_file(d, "PVR_SERVICES_JSON", (list, dict)),
            "config_overlay": _unpacked(d, "PVR_CONFIG_OVERLAY"),
            "volumes": d.getVar("PVR_VOLUMES").split(),
            "profile": d.getVar("PVR_PROFILE"),
            "libsquashfs": d.getVar("PVR_LIBSQUASHFS"),
            "verity": flag(d, "PVR_VERITY"),
            "signing": _part_signing(d),
            "work": os.path.dirname(d.getVar("PVR_EXPORT")),
            "output": d.getVar("PVR_EXPORT"),
            "before": _deployed_before(d),
            "epoch": _epoch(d),
        },
    )


def export_bsp(d: Any) -> None:
    """do_pvrexport of the bsp: what the kernel's and the initramfs's recipes
    deployed becomes a signed part.
    """
    fit = _deployed(d, "PVR_BSP_FIT")
    trees = _device_trees(d)
    pvbb.tool.run(
        d,
        "export-bsp",
        {
            "kernel": None if fit else _kernel(d),
            "initramfs": None if fit else _deployed(d, "PVR_BSP_INITRAMFS"),
            "fit": fit,
            "fdt": next(iter(trees.values()), None),
            "device_trees": trees if len(trees) > 1 else None,
            "modules": _deployed(d, "PVR_BSP_MODULES"),
            "firmware": _deployed(d, "PVR_BSP_FIRMWARE"),
            "device": _unpacked(d, "PVR_DEVICE_JSON"),
            "boot": pvbb.signing.BOOT.job(d),
            "profile": d.getVar("PVR_PROFILE"),
            "libsquashfs": d.getVar("PVR_LIBSQUASHFS"),
            "epoch": _epoch(d),
            "signing": _part_signing(d),
            "work": d.getVar("B"),
            "output": d.getVar("PVR_EXPORT"),
        },
    )


def write_boot_key(d: Any) -> None:
    """do_boot_key of GRUB: the public half of the boot key, where there is one."""
    if pvbb.signing.BOOT.is_named(d):
        output = os.path.join(d.getVar("B"), "boot-key.gpg")
        pvbb.tool.call(d, ["keys", "boot-key", *pvbb.signing.BOOT.options(d), output])


def sign_efi(d: Any) -> None:
    """do_efi_sign: where a key for Secure Boot is named, the signed PANTAVISOR_EFI_PROGRAM."""
    if pvbb.signing.EFI.is_named(d):
        program = d.getVar("PANTAVISOR_EFI_PROGRAM")
        signed = os.path.join(d.getVar("PANTAVISOR_EFI_DIR"), os.path.basename(program))
        pvbb.tool.call(d, ["keys", "sign-efi", *pvbb.signing.EFI.options(d), program, signed])


def _part_signing(d: Any) -> Optional[dict[str, Optional[str]]]:
    """None leaves a part to be signed by the image's recipe."""
    return pvbb.signing.STATE.job(d) if flag(d, "PVS_SIGN") else None


def _part(d: Any) -> Optional[str]:
    """The export, repository or directory that holds the container."""
    return _existing(d, "PVR_PART", _unpackdir(d), "check PVR_SRC_URI or PVR_SRC_DIR")


def _arguments(d: Any, *, given: bool) -> dict[str, Any]:
    """Template arguments; with ``given`` no defaults of the class: a finished container has its own."""
    arguments: dict[str, Any] = {}
    for variable, name in pvbb.arguments.VARIABLES.items():
        value = d.getVar(variable, noweakdefault=given)
        if value is not None:
            arguments[name] = value.split() if variable == "PVR_ROLES" else value
    if not given and flag(d, "PVR_CONFINED"):
        arguments["PV_SECURITY_PROFILE"] = "confined"
    files = {
        "PVR_NETWORK_JSON": _network(d),
        "PVR_ARGS_JSON": _json_file(d, "PVR_ARGS_JSON", dict) or {},
    }
    return {**arguments, **pvbb.arguments.further(d, _words(d, "arguments"), files)}


def _image_config(d: Any) -> Optional[dict[str, Any]]:
    file = _json_file(d, "PVR_CONFIG_JSON", dict) or {}
    return pvbb.arguments.image_config(d, _words(d, "config"), file) or None


def _words(d: Any, kind: str) -> dict[str, Any]:
    """What PVR_APP_ADD_EXTRA_ARGS sets, as appwords has read it."""
    found: dict[str, Any] = json.loads(d.getVar("PVR_APP_WORDS") or "{}").get(kind, {})
    return found


def _network(d: Any) -> dict[str, Any]:
    found = _json_file(d, "PVR_NETWORK_JSON", dict) or {}
    return {f"PV_NETWORK_{name.upper()}": value for name, value in found.items()}


def flag(d: Any, variable: str) -> bool:
    value = (d.getVar(variable) or "0").strip()
    if value not in ("0", "1"):
        bb.fatal(f'{d.getVar("PN")}: {variable} is "{value}"\n  hint: use "1" for yes, "0" for no')
    return value == "1"


def _epoch(d: Any) -> Optional[int]:
    return number(d, "PVR_SOURCE_DATE_EPOCH", "of seconds since 1970")


def number(d: Any, variable: str, of: str = "of the release") -> Optional[int]:
    value = (d.getVar(variable) or "").strip()
    if value and not (value.isascii() and value.isdigit() and len(value) < 11):
        bb.fatal(f'{d.getVar("PN")}: {variable} is "{value}"\n  hint: use a number {of}')
    return int(value) if value else None


def _json_file(d: Any, variable: str, kind: Any) -> Any:
    """The JSON in the file that ``variable`` names, an object (dict) or a list;
    None where it names none.
    """
    path = _unpacked(d, variable)
    if path is None:
        return None
    try:
        with open(path, encoding="utf-8") as stream:
            text = _filled(d, stream.read())
        # A member that is there twice would lose one of its values.
        cjson.loads(text, what=path, unique=True)
    except (PantavisorError, UnicodeDecodeError) as error:
        bb.fatal(f"{d.getVar('PN')}: {variable}: {error}")
    value = json.loads(text)
    if not isinstance(value, kind):
        bb.fatal(
            f"{d.getVar('PN')}: {variable}: {path} does not hold a JSON "
            f"{'list' if kind is list else 'object'}"
        )
    return value


def _filled(d: Any, text: str) -> str:
    """The text of a file with the one placeholder that published recipes know."""
    if PLACEHOLDER not in text:
        return text
    provider = d.getVar("PV_DBUS_PROVIDER")
    if not provider:
        bb.fatal(f"{d.getVar('PN')}: {PLACEHOLDER} needs a value\n  hint: name it in PV_DBUS_PROVIDER")
    return text.replace(PLACEHOLDER, provider)


def _unpackdir(d: Any) -> str:
    # scarthgap has no UNPACKDIR of its own: there everything is unpacked into WORKDIR.
    return str(d.getVar("UNPACKDIR") or d.getVar("WORKDIR"))


def _unpacked(d: Any, variable: str) -> Optional[str]:
    return _existing(d, variable, _unpackdir(d), 'add it to SRC_URI as "file://..."')


def _deployed(d: Any, variable: str) -> Optional[str]:
    return _existing(
        d, variable, d.getVar("DEPLOY_DIR_IMAGE"), "add the recipe that deploys it to PVR_BSP_DEPENDS"
    )


def _device_trees(d: Any) -> dict[str, str]:
    """Those of PVR_BSP_FDT by their names. Kernels deploy each without its directory, and of two with one
    file name only the last.
    """
    folder = d.getVar("DEPLOY_DIR_IMAGE")
    trees: dict[str, str] = {}
    for name in (d.getVar("PVR_BSP_FDT") or "").split():
        places = [os.path.join(folder, place) for place in (name, os.path.basename(name))]
        found = next(filter(os.path.exists, places), None)
        if found is None:
            bb.fatal(
                f"{d.getVar('PN')}: PVR_BSP_FDT names {name}, which is not in {folder}\n"
                "  hint: add the recipe that deploys it to PVR_BSP_DEPENDS"
            )
        other = next((other for other, path in trees.items() if path == found and other != name), None)
        if other is not None:
            bb.fatal(
                f"{d.getVar('PN')}: PVR_BSP_FDT names {other} and {name}, "
                f"and {folder} has one file for both\n"
                "  hint: deploy each by a file name of its own, or name one of them"
            )
        trees[name] = found
    return trees


def _kernel(d: Any) -> Optional[str]:
    """Where a key for UEFI Secure Boot is given, do_efi_sign left a signed one."""
    kernel = _deployed(d, "PVR_BSP_KERNEL")
    if not kernel or not pvbb.signing.EFI.is_named(d):
        return kernel
    return os.path.join(d.getVar("PANTAVISOR_EFI_DIR"), os.path.basename(kernel))


def _deployed_before(d: Any) -> Optional[str]:
    """The export of an earlier build. What is made does not depend on it:
    it only shows what has changed.
    """
    path = os.path.join(d.getVar("DEPLOY_DIR_IMAGE"), os.path.basename(d.getVar("PVR_EXPORT")))
    return path if os.path.exists(path) else None


def _existing(d: Any, variable: str, folder: str, hint: str) -> Optional[str]:
    name = d.getVar(variable)
    if not name:
        return None
    path = os.path.join(folder, name)
    if not os.path.exists(path):
        bb.fatal(f"{d.getVar('PN')}: {variable} names {name}, which is not in {folder}\n  hint: {hint}")
    return path
