# SPDX-License-Identifier: MIT
"""How a run.json asks for dm-verity: ``dm:`` before the name of a volume."""

from __future__ import annotations

PREFIX = "dm:"


def protected(volume: str) -> str:
    """The volume as run.json names it when dm-verity protects it."""
    return PREFIX + volume


def is_protected(volume: str) -> bool:
    return volume.startswith(PREFIX)


def file_of(volume: str) -> str:
    """The file of the part's folder that a run.json means by ``volume``."""
    return volume[len(PREFIX) :] if is_protected(volume) else volume


def manifest_of(volume: str) -> str:
    """The dm-verity manifest of a protected volume, in the part's folder."""
    return f"_dm/{file_of(volume)}.json"
