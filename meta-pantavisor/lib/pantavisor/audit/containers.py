# SPDX-License-Identifier: MIT
"""Each container: its run manifest, and whether what it refers to exists."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from .. import names
from ..errors import PantavisorError
from . import lxc
from .context import Context, is_in, mapping, strings
from .manifests import (
    GOALS,
    POLICIES,
    check_kind,
    check_storage_entry,
    check_verity_reference,
)  # fmt: skip

SPEC = "service-manifest-run@1"
RUNLEVELS = frozenset(["data", "root", "platform", "app"])
ROLES = frozenset(["mgmt", "nobody"])
_KNOWN = frozenset([
    "#spec", "name", "type", "runlevel", "automodfw", "group", "restart_policy", "status_goal", "roles",
    "auto_recovery", "network", "config", "share", "root-volume", "volumes", "logs", "storage", "drivers",
    "services", "exports", "dev-log", "remount", "conditions",
])  # fmt: skip
_HEALTH = (
    ("interval", 1, 86400), ("timeout", 1, 86400), ("start_period", 0, 86400), ("start_interval", 1, 86400),
    ("retries", 1, 1000),
)  # fmt: skip


def check(context: Context) -> None:
    """Every container of the state."""
    for name in context.part_names():
        if name != "bsp":
            context.count("containers")
            _check_container(context, name, f"{name}/run.json")


def _check_container(context: Context, name: str, path: str) -> None:
    run = context.document(path)
    if run is None:
        context.add("container", path, "is not a JSON object")
        return
    try:
        names.check_container(name)
    except PantavisorError as error:
        context.add("container", path, error.message)
    if run.get("#spec") != SPEC:
        context.add("container", path, f"has no #spec of {SPEC}")
    if run.get("name") != name:
        context.add("container", path, f"has the name {run.get('name')}, which is not its directory's")
    _check_members(context, path, run)
    _check_choices(context, path, run)
    _check_volumes(context, name, path, run)
    _check_drivers(context, path, run)
    _check_health(context, path, run.get("health"))
    if run.get("type") == "lxc" or run.get("config"):
        _check_config(context, name, path, run)
    elif (
        run.get("status_goal") != "MOUNTED"
        and run.get("runlevel") != "data"
        and context.whole
        and _starts(context, run)
    ):
        context.add("container", path, "has no type and config, so it cannot be started")


def _check_members(context: Context, path: str, run: dict[str, Any]) -> None:
    for member in run:
        trapped = [known for known in _KNOWN - set(run) if member.startswith(known) and member != known]
        if member not in _KNOWN and trapped:
            context.add("container", path, f"{member} would be read as {trapped[0]} by devices")


def _check_choices(context: Context, path: str, run: dict[str, Any]) -> None:
    choices = (
        ("status_goal", GOALS),
        ("restart_policy", POLICIES),
        ("runlevel", RUNLEVELS),
        ("type", {"lxc"}),
    )
    for member, known in choices:
        if member in run and not is_in(run[member], known):
            context.add("container", path, f"has the unknown {member} {run[member]}")
    if not isinstance(run.get("roles", []), (list, dict)):
        context.add("container", path, "has roles that are not a list")
    for role in strings(list(run["roles"])) if isinstance(run.get("roles"), (list, dict)) else ():
        if role not in ROLES:
            context.add("container", path, f"has the unknown role {role}")
    for member in ("network", "storage", "drivers"):
        check_kind(context, "container", path, run, member, dict)
    groups = context.groups_by_name
    if "group" in run and (groups or context.whole) and not is_in(run["group"], groups):
        context.add("container", path, f"is in the group {run['group']}, which device.json does not have")
    _check_network(context, path, run.get("network"))


def _check_network(context: Context, path: str, network: Any) -> None:
    if not isinstance(network, dict) or not network.get("pool") or not context.whole:
        return
    if not is_in(network["pool"], context.pool_names):
        context.add(
            "container", path, f"is in the network pool {network['pool']}, which device.json does not have"
        )


def _check_volumes(context: Context, name: str, path: str, run: dict[str, Any]) -> None:
    volumes = strings(run.get("volumes"))
    if not isinstance(run.get("root-volume"), str):
        context.add("container", path, "has no root-volume")
    else:
        volumes = [run["root-volume"], *volumes]
    for volume in volumes:
        file = check_verity_reference(context, path, name, volume)
        if not file.endswith(".data"):
            context.need_object("container", path, f"{name}/{file}", f'volume "{volume}"')
    for key, entry in mapping(run.get("storage")).items():
        check_storage_entry(context, path, key, entry)


def _check_drivers(context: Context, path: str, run: dict[str, Any]) -> None:
    drivers = mapping(run.get("drivers"))
    if context.document("bsp/drivers.json") is None and not context.whole:
        return
    for kind in ("required", "manual"):
        for driver in strings(drivers.get(kind)):
            if driver not in context.driver_names:
                context.add(
                    "container", path, f"needs the driver {driver}, which bsp/drivers.json does not have"
                )


def _check_health(context: Context, path: str, health: Any) -> None:
    """Devices of ours refuse a state for it, others pass over it."""
    if health is None:
        return
    test = health.get("test") if isinstance(health, dict) else None
    words = test if isinstance(test, list) else []
    if not 0 < len(words) <= 64 or not all(isinstance(word, str) for word in words) or not words[0]:
        context.add("container", path, "has a health check whose test is not a list of 1 to 64 words")
        return
    for member, least, most in _HEALTH:
        value = health.get(member, most)
        if isinstance(value, bool) or not isinstance(value, (int, Decimal)) or not least <= value <= most:
            context.add("container", path, f"has a health check whose {member} is not {least} to {most}")


def _check_config(context: Context, name: str, path: str, run: dict[str, Any]) -> None:
    config = run.get("config")
    if not isinstance(config, str) or not config:
        context.add("container", path, "has no config")
        return
    target = f"{name}/{config}"
    if not context.need_object("container", path, target, "config"):
        return
    facts = context.object_at(target)
    if facts is None or facts.error:
        return
    if facts.text is None:
        context.add("lxc", target, f"is {facts.size} bytes long, which is too large")
        return
    lxc.check(context, name, target, facts.text, pooled=bool(mapping(run.get("network")).get("pool")))


def _starts(context: Context, run: dict[str, Any]) -> bool:
    """Whether the container's group asks for more than mounting it."""
    if "status_goal" in run:
        return True
    group = context.groups_by_name.get(str(run.get("group")), {})
    return bool(group.get("status_goal", "STARTED") != "MOUNTED")
