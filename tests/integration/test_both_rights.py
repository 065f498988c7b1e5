# SPDX-License-Identifier: MIT
"""Who may sign what, and the set of signatures: runtime and library say the same of whole states."""

from __future__ import annotations

import json
import random
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Optional

import pytest
from pantavisor import audit, isolation, keys, lxc, manifests, pvs, trail
from pantavisor.errors import PantavisorError
from pantavisor.objects import ObjectPool
from pantavisor.pvs import Selection, Signers
from pantavisor.state import State
from sim.judge import BUILD, RUNTIME, Judge, build

PARTS = ("bsp", "firewall", "web")
FILES = {"bsp/run.json": {}, "bsp/src.json": {}, "device.json": {}, "firewall/run.json": {},
         "web/run.json": {}, "web/src.json": {}, "web/more.json": {}}  # fmt: skip
BOARD = {"name": "Board", "may": "all"}
WEB = {"name": "Web", "may": ["web/**", "_config/web/**"]}


@dataclass(frozen=True)
class Desk:
    """Signers by name, and the roots of them all."""

    signers: dict[str, keys.Signer]
    roots: bytes

    def state(
        self, *, web: Optional[Selection] = None, by: str = "Web", release: Optional[int] = None
    ) -> State:
        state = State.empty().with_files(FILES)
        for part in PARTS:
            selection = pvs.bsp_selection() if part == "bsp" else pvs.container_selection(part)
            if part == "web":
                state = keys.sign_state(state, part, web or selection, self.signers[by])
            else:
                state = keys.sign_state(state, part, selection, self.signers["Board"])
        return state if release is None else keys.sign_set(state, self.signers["Board"], release)

    def forged(self, state: State, selection: Selection, release: Any, name: str = "_set") -> State:
        """With a signature whose header the library would not make."""
        signer = self.signers["Board"]
        header = json.loads(
            pvs.decode(pvs.protected_header(selection, algorithm="ES256", x5c=signer.x5c), "")
        )
        header["pvs"]["release"] = release
        protected = pvs.encode(json.dumps(header).encode())
        made = pvs.signature_json(protected, signer.sign(pvs.signing_input(state, selection, protected)))
        return state.with_files({f"_sigs/{name}.json": made})


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    folder = tmp_path_factory.mktemp("keys")
    for name in ("Board", "Web"):
        keys.generate(folder / name, common_name=name, algorithm="ES256", days=30)
    signers = {
        name: keys.PemSigner.load(folder / name / "key.pem", folder / name / "x5c.pem")
        for name in ("Board", "Web")
    }
    return Desk(
        dict(signers), b"".join((folder / name / "ca.crt").read_bytes() for name in ("Board", "Web"))
    )


@pytest.fixture(scope="module")
def judge() -> Iterator[Judge]:
    with Judge(build()) as running:
        yield running


def table(*entries: dict[str, Any]) -> bytes:
    return json.dumps({"#spec": "pantavisor-signers@1", "signers": entries}).encode()


ELSEWHERE = Selection(("_sigs/**",), ("_sigs/zz.json",))
ALL = table(BOARD, WEB)
# What it is, the state, the table (none: a set is required), whether it is good.
CASES: list[tuple[str, Callable[[Desk], State], bytes, bool]] = [
    ("each signs their own", lambda desk: desk.state(), ALL, True),
    ("the board signs all", lambda desk: desk.state(by="Board"), ALL, True),
    ("web alone in the table", lambda desk: desk.state(), table(WEB), False),
    ("the board alone in the table", lambda desk: desk.state(), table(BOARD), False),
    ("web means the bsp", lambda desk: desk.state(web=Selection(("web/**", "bsp/run.json"))), ALL, False),
    ("web means the device", lambda desk: desk.state(web=Selection(("web/**", "device.json"))), ALL, False),
    ("web excludes the device",
     lambda desk: desk.state(web=Selection(("web/**",), ("device.json",))), ALL, False),
    ("web excludes a signature",
     lambda desk: desk.state(web=Selection(("web/**",), ("_sigs/bsp.json",))), ALL, True),
    ("web means a signature",
     lambda desk: desk.state(web=Selection(("web/**", "_sigs/bsp.json"))), ALL, False),
    ("web excludes its run.json",
     lambda desk: desk.state(web=Selection(("web/**",), ("web/run.json",))), ALL, False),
    ("a set by the board", lambda desk: desk.state(release=1), ALL, True),
    ("a set", lambda desk: desk.state(release=7), b"", True),
    ("no set", lambda desk: desk.state(), b"", False),
    ("a part taken out",
     lambda desk: desk.state(release=7).without(["firewall/run.json", "_sigs/firewall.json"]), b"", False),
    ("its signature taken out",
     lambda desk: desk.state(release=7).without(["_sigs/firewall.json"]), b"", False),
    ("the set taken out", lambda desk: desk.state(release=7).without(["_sigs/_set.json"]), b"", False),
    ("the set elsewhere", lambda desk: desk.forged(desk.state(), ELSEWHERE, 7, "zz"), b"", True),
    ("a set of some",
     lambda desk: desk.forged(desk.state(), Selection(("_sigs/web.json",)), 7), b"", False),
    ("a set that excludes one",
     lambda desk: desk.forged(
         desk.state(), Selection(("_sigs/**",), ("_sigs/_set.json", "_sigs/web.json")), 7), b"", False),
    ("two sets", lambda desk: desk.forged(desk.state(release=7), ELSEWHERE, 8, "zz"), b"", False),
    *(
        (f"release {release!r}",
         lambda desk, release=release: (  # type: ignore[misc]
             desk.forged(desk.state(), pvs.set_selection(), release)
         ), b"", good)
        for release, good in ((1, True), (2**31 - 1, True), (2**31, False), (0, False), (-1, False),
                              (1.5, False), ("1", False), (True, False), (None, False), ([1], False),
                              ({"release": 1}, False))
    ),
]  # fmt: skip


@pytest.mark.parametrize(
    ("make", "signers", "good"), [case[1:] for case in CASES], ids=[case[0] for case in CASES]
)
def test_rights_and_sets_are_judged_alike(
    make: Callable[[Desk], State], signers: bytes, good: bool, desk: Desk, judge: Judge
) -> None:
    state, trust = make(desk), keys.TrustStore.parse(desk.roots)
    try:
        parsed = Signers.parse(signers) if signers else None
        keys.verify_state(state, trust, strict=True, signers=parsed, needs_set=not signers)
        ours = True
    except PantavisorError:
        ours = False
    answer = judge.rights(desk.roots, signers, state.dumps())
    assert (ours, answer.yes) == (good, (True, good)), answer.why


_, BASE, LINES = (RUNTIME / "test/vectors/isolation.txt").read_text().split("\n\n", 2)
WORDS = [*"= \t\r\v#/:,\\\n\u00a0a", "..", "ro", "bind", "none", "web", "lxc.", "-", "lowerdir="]


def bent(text: str, chance: random.Random) -> str:
    """A conf with a word more, a piece less, or a line of the table elsewhere."""
    for _ in range(chance.randint(1, 3)):
        at, kind = chance.randrange(len(text) + 1), chance.randrange(4)
        if kind == 0:
            text = text[:at] + chance.choice(WORDS) + text[at:]
        elif kind == 1:
            text = text[:at] + text[at + chance.randint(1, 9) :]
        elif kind == 2:
            text += chance.choice(LINES.splitlines()).rpartition("|")[2][1:] + "\n"
        else:
            lines = text.splitlines(keepends=True)
            chance.shuffle(lines)
            text = "".join(lines)
    return text


def test_bent_configurations_are_judged_alike(judge: Judge) -> None:
    chance, confined = random.Random(9), 0
    for _ in range(3000):
        text = bent(BASE + "\n", chance)
        ours = not list(isolation.reaches("web", text))
        assert judge.conf(text).yes == (ours,), text
        confined += ours
    assert 300 < confined < 2700


@pytest.fixture(scope="module")
def runtime() -> Path:
    """The runtime itself, whose --check reads a storage tree."""
    build()
    subprocess.run(["ninja", "-C", str(BUILD), "pantavisor"], check=True, capture_output=True, timeout=600)
    return BUILD / "pantavisor"


def storage(desk: Desk, folder: Path, by: str, arguments: dict[str, Any]) -> None:
    """A device whose container "web" is signed by ``by``."""
    pool = ObjectPool(folder / "objects")
    spec = manifests.ContainerSpec.from_source("web", manifests.SourceManifest(arguments=arguments))
    state = State.empty().with_files({
        "bsp/kernel.img": pool.put_bytes(b"kernel"),
        "bsp/pantavisor": pool.put_bytes(b"initrd"),
        "bsp/run.json": {"addons": [], "initrd": "pantavisor", "linux": "kernel.img"},
        "device.json": manifests.default_device(),
        "web/lxc.container.conf": pool.put_bytes(lxc.render(spec).encode()),
        "web/root.squashfs": pool.put_bytes(b"root"),
        "web/run.json": manifests.run_manifest(spec),
    })  # fmt: skip
    state = keys.sign_state(state, "bsp", pvs.bsp_selection(), desk.signers["Board"])
    state = keys.sign_state(state, "web", pvs.container_selection("web"), desk.signers[by])
    trail.write(folder, state, pool, "0")


CONFINED = {"PV_GROUP": "app", "PV_SECURITY_PROFILE": "confined"}
HOOK = {**CONFINED, "PV_LXC_EXTRA_CONF": "lxc.hook.start = /bin/sh"}


@pytest.mark.parametrize(
    ("by", "arguments", "good"),
    [
        ("Web", CONFINED, True),
        ("Web", {"PV_GROUP": "app"}, False),
        ("Web", {**CONFINED, "PV_ROLES": "nobody"}, True),
        ("Web", {**CONFINED, "PV_ROLES": "mgmt"}, False),
        ("Board", {**CONFINED, "PV_ROLES": "mgmt"}, True),
        ("Board", {"PV_GROUP": "app"}, True),
        ("Web", HOOK, False),
        ("Board", HOOK, True),
        ("Web", {**CONFINED, "PV_SECURITY_WITH_STORAGE": "yes"}, False),
        ("Web", {**CONFINED, "PV_VOLUME_IMPORTS": "db:/data:mnt"}, False),
        ("Web", {**CONFINED, "PV_SECURITY_CAP_ADD": "sys_admin"}, False),
        ("Web", {**CONFINED, "PV_SECURITY_NEW_PRIVS": "yes"}, True),
    ],
)
def test_who_may_let_a_container_reach_the_device_is_judged_alike(
    by: str, arguments: dict[str, Any], good: bool, desk: Desk, runtime: Path, tmp_path: Path
) -> None:
    storage(desk, tmp_path / "storage", by, arguments)
    (tmp_path / "ca").write_bytes(desk.roots)
    (tmp_path / "signers").write_bytes(ALL)
    argv = [str(runtime), "--check", str(tmp_path / "storage"), "0", "--trust", str(tmp_path / "ca")]
    free = subprocess.run(argv, capture_output=True, text=True, timeout=600)
    assert free.returncode == 0, free.stderr
    asked = subprocess.run(
        [*argv, "--signers", str(tmp_path / "signers")], capture_output=True, text=True, timeout=600
    )
    assert (asked.returncode == 0) is good, asked.stderr
    report = audit.verify(tmp_path / "storage", trust=desk.roots, signers=Signers.parse(ALL))
    assert ("signer" not in {finding.code for finding in report.findings}) is good
    assert ("reaches the device" in asked.stderr) is not good
