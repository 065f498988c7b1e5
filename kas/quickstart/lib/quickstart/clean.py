# SPDX-License-Identifier: MIT
"""do_clean and do_cleanall."""

from __future__ import annotations

import glob
from typing import Any

from . import deploy, source, sysroot, tree


def outputs(d: Any) -> None:
    """Nothing that the recipe built, deployed or gave to sysroots is left, and no stamp that it is
    there.
    """
    deploy.withdraw(d)
    sysroot.withdraw(d)
    tree.remove(d.getVar("WORKDIR"))
    for stamp in glob.glob(d.getVar("STAMPCLEAN")):
        tree.remove(stamp)


def everything(d: Any) -> None:
    """As ``outputs``, and the downloads too."""
    outputs(d)
    source.forget(d)
