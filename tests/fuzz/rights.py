# SPDX-License-Identifier: MIT
"""What is asked of signers and containers: tables of signers, and LXC configuration.

The first byte of an input says which: 0 a table of signers, 1 a lxc.container.conf of the container "web".
"""

from __future__ import annotations

from pantavisor import isolation
from pantavisor.errors import PantavisorError
from pantavisor.pvs import Identity, Signers

from . import target

JSON = False
WORDS = ("pantavisor-signers@1", "signers", "name", "sha256", "may", "all", "**", "lxc.cap.keep = chown",
         "lxc.cgroup2.devices.deny = a", "lxc.mount.entry = ", "/volumes/web/", " none bind 0 0",
         "tmpfs")  # fmt: skip
VECTORS = target.VECTORS.parents[1] / "meta-pantavisor/recipes-pv/pantavisor/pantavisor/test/vectors"
_PATHS = ("#spec", "bsp/run.json", "web/run.json", "_sigs/web.json")


def one_input(content: bytes) -> None:
    if content[:1] == b"\1":
        conf = content[1:].decode("utf-8", "replace")
        found = isolation.isolation("web", conf, {"profile": "confined"})
        # More lines never take back what one reaches.
        assert not found.reaches or list(isolation.reaches("web", f"{conf}\nlxc.tty.max = 8"))
        assert "\n" not in str(found)
        return
    try:
        signers = Signers.parse(content[1:])
    except PantavisorError as error:
        str(error).encode("utf-8", "surrogatepass")
        return
    for who in (Identity(), Identity("Web", frozenset(["a" * 64]))):
        allowed = [path for path in _PATHS if signers.may(who, path)]
        assert "#spec" not in allowed or "bsp/run.json" in allowed
    assert not any(signers.may(Identity(), path) for path in _PATHS)


def seeds() -> dict[str, bytes]:
    _, base, cases = (VECTORS / "isolation.txt").read_text().split("\n\n", 2)
    found = {"confined": b"\1" + base.encode()}
    for index, case in enumerate(cases.splitlines()):
        added = [change[1:] for change in case.split("|")[1:] if change[0] == "+"]
        found[f"conf{index}"] = b"\1" + "\n".join([base, *added, ""]).encode()
    for index, line in enumerate((VECTORS / "signers.txt").read_text().splitlines()):
        if line.startswith(("good|", "bad|")):
            table = line.partition("|")[2].replace("<A>", "a" * 64).replace("<B>", "b" * 64)
            found[f"table{index}"] = b"\0" + table.encode()
    return found
