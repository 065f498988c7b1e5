# SPDX-License-Identifier: MIT
"""What the fetch of a recipe costs. BitBake's worker forks for each task, with the library loaded: addpylib
in layer.conf has it import ``pvbb``, and that the registry's client. So no program starts here either; what
the task itself still imports counts.
"""

from __future__ import annotations

import dataclasses
import json
import sys
from pathlib import Path

from bench.cost import forked
from pantavisor.oci import Platform
from pantavisor.ref import Ref
from pantavisor.registry import Client, RegistryOptions


def pull(reference: str, platform: str, layout: str) -> None:
    Client(RegistryOptions()).pull(Ref.parse(reference), Platform.parse(platform), Path(layout))


if __name__ == "__main__":
    print(json.dumps(dataclasses.asdict(forked(lambda: pull(*sys.argv[1:])))))
