# SPDX-License-Identifier: MIT
"""Whose working trees are used: the user's own. Another's decides where objects are written, and so may not
be meant well.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ..errors import PantavisorError

VARIABLE = "PVR_SAFE_DIRECTORY"
EVERYWHERE = "*"


@dataclass(frozen=True)
class Owners:
    """Users whose trees are used, and the ``safe`` trees of others."""

    users: frozenset[int]
    safe: tuple[str, ...] = ()

    @classmethod
    def of(cls, user: int, environment: Mapping[str, str]) -> Owners:
        """``user`` and, for root by way of sudo, who called it. PVR_SAFE_DIRECTORY lists trees with colons;
        * is all.
        """
        users = {user}
        caller = environment.get("SUDO_UID", "")
        if user == 0 and caller.isdecimal() and caller.isascii():
            users.add(int(caller))
        return cls(frozenset(users), tuple(filter(None, environment.get(VARIABLE, "").split(":"))))

    def check(self, root: Path, folder: str) -> None:
        """Raise PantavisorError for a tree of another user that is not called safe."""
        owner = os.lstat(root / folder).st_uid
        if (
            owner in self.users
            or EVERYWHERE in self.safe
            or any(_is_same(root, Path(word)) for word in self.safe)
        ):
            return
        raise PantavisorError(
            f"{root} belongs to another user ({owner}), whose settings would be used",
            hint=f"if you trust it, run: export {VARIABLE}={root}",
        )


def _is_same(root: Path, other: Path) -> bool:
    try:
        return root.samefile(other)
    except OSError:
        return False
