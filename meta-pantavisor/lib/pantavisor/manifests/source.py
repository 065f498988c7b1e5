# SPDX-License-Identifier: MIT
"""src.json: where a container came from and how to make it again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Optional

from .. import names
from ..errors import FormatError

SPEC = "service-manifest-src@1"
TEMPLATE = "builtin-lxc-docker"
ENVIRONMENT = "PV_LXC_EXTRA_ENV"
# Member of src.json -> field, where they differ.
_FIELDS = {
    "args": "arguments",
    "docker_config": "image_config",
    "dm_enabled": "verity",
    "docker_ovl_digest": "overlay_digest",
    "pvr": "pvr_url",
    "squashfs": "packings",
}
_IGNORED = frozenset(["#spec", "name", "pv_build_origin"])


@dataclass(frozen=True)
class SourceChanges:
    """What is to be different in a container; all else stays as src.json has it."""

    arguments: Mapping[str, Any] = field(default_factory=dict)
    config: Mapping[str, Any] = field(default_factory=dict)
    persistence: Mapping[str, str] = field(default_factory=dict)
    verity: Mapping[str, bool] = field(default_factory=dict)
    logs: Optional[list[Any]] = None
    exports: Optional[list[Any]] = None

    def __post_init__(self) -> None:
        # What the caller changes later is no longer asked for.
        for name in ("arguments", "config", "persistence", "verity"):
            object.__setattr__(self, name, dict(getattr(self, name)))
        for name in ("logs", "exports"):
            given = getattr(self, name)
            object.__setattr__(self, name, None if given is None else list(given))

    def __bool__(self) -> bool:
        named = any((self.arguments, self.config, self.persistence, self.verity))
        return named or self.logs is not None or self.exports is not None


@dataclass(frozen=True)
class SourceManifest:
    """The members of src.json; empty ones are left out of the document."""

    arguments: Mapping[str, Any] = field(default_factory=dict)
    image_config: Mapping[str, Any] = field(default_factory=dict)
    config: Mapping[str, Any] = field(default_factory=dict)
    persistence: Mapping[str, str] = field(default_factory=dict)
    verity: Mapping[str, bool] = field(default_factory=dict)
    packings: Mapping[str, Any] = field(default_factory=dict)  # by volume; published tools pass over it
    template: str = TEMPLATE
    base: Optional[str] = None
    logs: Optional[list[Any]] = None
    exports: Optional[list[Any]] = None
    docker_name: Optional[str] = None
    docker_tag: Optional[str] = None
    docker_digest: Optional[str] = None
    docker_source: Optional[str] = None
    docker_platform: Optional[str] = None
    overlay_digest: Optional[str] = None
    format_options: Optional[str] = None
    pvr_url: Optional[str] = None
    pvr_digest: Optional[str] = None
    rootfs_url: Optional[str] = None
    rootfs_digest: Optional[str] = None

    @classmethod
    def parse(cls, document: Mapping[str, Any], *, what: str = "src.json") -> SourceManifest:
        """Read a document; unknown members and templates are errors with the nearest right name.

        Raises FormatError.
        """
        if document.get("#spec", SPEC) != SPEC:
            raise FormatError(f"{what} has #spec {str(document.get('#spec'))[:100]!r}, not {SPEC}")
        known = cls.members()
        arguments = {}
        for member, value in document.items():
            if member in _IGNORED:
                continue
            if member not in known:
                raise names.unknown(member, known, what=f"member of {what}:")
            if value is not None:
                arguments[_FIELDS.get(member, member)] = _typed(member, value, what)
        arguments["arguments"] = _with_last_values(arguments.get("arguments", {}))
        manifest = cls(**arguments)
        if manifest.template != TEMPLATE:
            raise names.unknown(manifest.template, [TEMPLATE], what=f"template in {what}:")
        return manifest

    @classmethod
    def members(cls) -> frozenset[str]:
        """The names of a document's members, but ``#spec`` and ``name``."""
        return frozenset(_member(name) for name in cls.__dataclass_fields__)

    def changed_by(self, changes: SourceChanges) -> SourceManifest:
        """Members by name, and each list as a whole; what ``changes`` leave out stays."""
        return replace(
            self,
            arguments={**self.arguments, **changes.arguments},
            config={**self.config, **changes.config},
            persistence={**self.persistence, **changes.persistence},
            verity={**self.verity, **changes.verity},
            logs=self.logs if changes.logs is None else changes.logs,
            exports=self.exports if changes.exports is None else changes.exports,
        )

    def document(self, name: str) -> dict[str, Any]:
        """The JSON object; ``name`` is the container's."""
        values: dict[str, Any] = {"#spec": SPEC, "name": name}
        for attribute in self.__dataclass_fields__:
            value = getattr(self, attribute)
            if value or (attribute == "image_config" and value is not None):
                values[_member(attribute)] = dict(value) if isinstance(value, Mapping) else value
        return values


def _with_last_values(arguments: Mapping[str, Any]) -> Mapping[str, Any]:
    """Of a variable of the environment that others wrote twice, what docker and LXC take."""
    given = arguments.get(ENVIRONMENT)
    words = given.split(",") if isinstance(given, str) else given
    if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
        return arguments
    last = {word.partition("=")[0]: word for word in words}
    return arguments if len(last) == len(words) else {**arguments, ENVIRONMENT: list(last.values())}


def _member(attribute: str) -> str:
    return next((member for member, name in _FIELDS.items() if name == attribute), attribute)


def _typed(member: str, value: Any, what: str) -> Any:
    wanted: type = str
    if member in ("args", "docker_config", "config", "persistence", "dm_enabled", "squashfs"):
        wanted = dict
    elif member in ("logs", "exports"):
        wanted = list
    if not isinstance(value, wanted):
        raise FormatError(f"{what}: {member} is not a {'string' if wanted is str else wanted.__name__}")
    if (
        member == "persistence"
        and isinstance(value, dict)
        and not all(isinstance(item, str) for item in value.values())
    ):
        raise FormatError(f"{what}: persistence is not an object of strings")
    return value
