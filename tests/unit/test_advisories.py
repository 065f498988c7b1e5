# SPDX-License-Identifier: MIT
"""Which packages advisories are about, and the order of versions that decides it."""

from __future__ import annotations

import contextlib
import itertools
import json
import random
import shutil
import subprocess
import zipfile
from pathlib import Path
from typing import Any

import pytest
from pantavisor import advisories, cli
from pantavisor.advisories import compare
from pantavisor.errors import FormatError, NotFound, PantavisorError
from pantavisor.packages import Distribution, Inventory, Package
from sim import device as sim
from sim import roots, tools

DEBIAN, ALPINE = Distribution("debian", "12"), Distribution("alpine", "3.20.1")
CURL = Package("deb", "libcurl4", "7.88.1-10+b1", "amd64", "curl", "7.88.1-10")


def test_debian_versions_are_in_the_order_of_dpkg() -> None:
    dpkg = tools.need("dpkg", package="dpkg")
    source = random.Random(1)
    versions = [
        "0", "0~", "0-1", "0a", "1", "01", "1~", "1~rc1", "1-0", "1-1", "1-1+b1", "1-1~bpo12+1", "1.0",
        "1.", "1.0-1-1", "1a", "1+", "1:0", "1:1.2.13.dfsg-1", "2:8.2.3995-1+b2", "5.36.0-7+deb12u2",
    ]  # fmt: skip
    pairs = source.sample(list(itertools.product(versions, versions)), 120)
    for one, other in pairs:
        order = compare("deb", one, other)
        assert order is not None
        word = {-1: "lt", 0: "eq", 1: "gt"}[order]
        assert subprocess.run([dpkg, "--compare-versions", one, word, other]).returncode == 0, (
            one,
            word,
            other,
        )


def test_python_versions_are_in_the_order_of_the_reference_implementation() -> None:
    from packaging.version import Version

    releases = ["1", "1.0", "1.0.0", "1.1", "1.10", "2", "1!1", "v1.0"]
    parts = ["", "a1", "b2", "rc1", "c3", ".post1", "-1", ".dev1", "a1.dev2", "a1.post2", "+local.1", "+1",
             "alpha", "preview2", ".post1.dev3"]  # fmt: skip
    versions = [release + part for release in releases for part in parts]
    for one, other in random.Random(2).sample(list(itertools.product(versions, versions)), 3000):
        first, second = Version(one), Version(other)
        assert compare("pypi", one, other) == (first > second) - (first < second), (one, other)


@pytest.mark.parametrize(
    "kind, rising",
    [
        ("apk", "1.0_alpha 1.0_alpha2 1.0_beta 1.0_pre1 1.0_rc1 1.0_rc1-r1 1.0 1.0-r1 1.0-r10"
                " 1.0_git20240101 1.0_p1 1.0_p10 1.0a 1.0b 1.0.1 1.05 1.1 1.10 2.0"),
        # The order of rpm 4.18, as rpm.vercmp gave it.
        ("rpm", "b 1.0~rc1-1 1.0-1 1.0-2.fc40 1.0^git1-1 1.0a-1 1.0.1-1 1.5-1 1.10-1 1:0.1-1"),
        ("npm", "1.0.0-alpha 1.0.0-alpha.1 1.0.0-alpha.beta 1.0.0-beta 1.0.0-beta.2 1.0.0-beta.11"
                " 1.0.0-rc.1 1.0.0 1.0.1 1.1.0 1.10.0 2.0.0"),
        ("golang", "v0.0.0-20200101000000-abcdefabcdef 0.1.0 v0.10.0 1.21.3 v1.22.0"),
    ],
)  # fmt: skip
def test_versions_rise(kind: str, rising: str) -> None:
    for (at, one), (behind, other) in itertools.product(enumerate(rising.split()), repeat=2):
        assert compare(kind, one, other) == (at > behind) - (at < behind), (one, other)


@pytest.mark.parametrize(
    "kind, version", [("apk", "x"), ("pypi", "1.x!"), ("npm", "latest"), ("deb", "a:1"), ("deb", "1" * 400)]
)
def test_what_is_not_a_version_has_no_order(kind: str, version: str) -> None:
    assert compare(kind, version, "1") is None


def advisory(ecosystem: str, name: str, *events: dict[str, str], **more: Any) -> dict[str, Any]:
    affected = {
        "package": {"ecosystem": ecosystem, "name": name},
        "ranges": [{"type": "ECOSYSTEM", "events": list(events)}],
        "versions": more.pop("versions", []),
    }
    return {"id": "X-1", "summary": "bad", "aliases": ["CVE-1"], "affected": [affected], **more}


def found(
    folder: Path, package: Package, distribution: Distribution, *documents: dict[str, Any]
) -> list[advisories.Match]:
    for number, document in enumerate(documents):
        (folder / f"{number}.json").write_text(json.dumps(document))
    result = advisories.search({"web": Inventory((package,), distribution)}, folder)
    assert result.count == len(documents)
    return list(result.matches)


def test_a_distributions_advisory_is_about_the_source_and_its_version(tmp_path: Path) -> None:
    (match,) = found(
        tmp_path, CURL, DEBIAN,
        advisory("Debian:12", "curl", {"introduced": "0"}, {"fixed": "7.88.1-10+deb12u1"}),
        advisory("Debian:11", "curl", {"introduced": "0"}),
        advisory("Debian:12", "libcurl4", {"introduced": "0"}),
        advisory("Debian:12", "curl", {"introduced": "0"}, withdrawn="2025-01-01T00:00:00Z"),
    )  # fmt: skip
    assert (match.part, match.package, match.advisory.id) == ("web", CURL, "X-1")
    assert (match.advisory.fixed, match.advisory.aliases) == (("7.88.1-10+deb12u1",), ("CVE-1",))


@pytest.mark.parametrize(
    "package, distribution, ecosystem, name",
    [
        (
            Package("apk", "libssl3", "3.3.0-r1", "", "openssl", "3.3.0-r1"),
            ALPINE,
            "Alpine:v3.20",
            "openssl",
        ),
        (Package("deb", "a", "1", "", "a", "1"), Distribution("ubuntu", "22.04"), "Ubuntu:22.04:LTS", "a"),
        (Package("rpm", "a", "1-1", "", "b", "1-1"), Distribution("rocky", "9.3"), "Rocky Linux:9", "a"),
        (Package("pypi", "ruamel.yaml", "1"), DEBIAN, "PyPI", "Ruamel_Yaml"),
        (Package("npm", "@a/b", "1.0.0"), DEBIAN, "npm", "@a/b"),
        (Package("golang", "stdlib", "1.22.1"), DEBIAN, "Go", "stdlib"),
    ],
)
def test_each_kind_has_its_ecosystem(
    tmp_path: Path, package: Package, distribution: Distribution, ecosystem: str, name: str
) -> None:
    assert found(tmp_path, package, distribution, advisory(ecosystem, name, {"introduced": "0"}))


@pytest.mark.parametrize(
    "version, events, affected",
    [
        ("1.5", [{"introduced": "1"}, {"fixed": "2"}], True),
        ("2", [{"introduced": "1"}, {"fixed": "2"}], False),
        ("2", [{"introduced": "1"}, {"last_affected": "2"}], True),
        ("2.1", [{"introduced": "1"}, {"last_affected": "2"}], False),
        ("0.5", [{"introduced": "1"}], False),
        ("3.1", [{"introduced": "3"}, {"fixed": "2"}, {"introduced": "0"}, {"fixed": "4"}], True),
        ("2.5", [{"introduced": "3"}, {"fixed": "2"}, {"introduced": "0"}, {"fixed": "4"}], False),
        ("1", [{"introduced": "nonsense!"}], False),
    ],
)
def test_ranges_are_evaluated_in_the_order_of_versions(
    tmp_path: Path, version: str, events: list[dict[str, str]], affected: bool
) -> None:
    package = Package("pypi", "a", version)
    assert bool(found(tmp_path, package, DEBIAN, advisory("PyPI", "a", *events))) is affected


@pytest.mark.parametrize(
    ("version", "event", "ids"),
    [("1.0", "nonsense!", "X-1 and 1 more"), ("nonsense!", "1.0", "X-1 and 1 more"), ("1.0", "2.0", "")],
)
def test_a_version_that_cannot_be_compared_is_a_note(
    tmp_path: Path, version: str, event: str, ids: str
) -> None:
    for number in (1, 2):
        document = advisory("PyPI", "a", {"introduced": event}) | {"id": f"X-{number}"}
        (tmp_path / f"{number}.json").write_text(json.dumps(document))
    (tmp_path / "listed.json").write_text(json.dumps(advisory("PyPI", "a", versions=["nonsense!"])))
    package = Package("pypi", "a", version)
    notes = advisories.search({"web": Inventory((package,), DEBIAN)}, tmp_path).notes
    assert [note for note in notes if ids in note] == list(notes) and bool(notes) is bool(ids)


def test_versions_may_be_listed_one_by_one(tmp_path: Path) -> None:
    document = advisory("PyPI", "a", versions=["1.1", "1.2"])
    assert found(tmp_path, Package("pypi", "a", "1.2"), DEBIAN, document)
    assert not found(tmp_path, Package("pypi", "a", "1.3"), DEBIAN, document)


def test_what_a_distribution_brought_is_judged_by_its_own_advisories(tmp_path: Path) -> None:
    document = advisory("PyPI", "a", {"introduced": "0"})
    assert not found(tmp_path, Package("pypi", "a", "1", owned=True), DEBIAN, document)


def test_zip_files_are_read_and_damaged_ones_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "all.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("X-1.json", json.dumps(advisory("PyPI", "a", {"introduced": "0"})))
    inventories = {"web": Inventory((Package("pypi", "a", "1"),))}
    for source in (tmp_path, tmp_path / "all.zip"):
        assert len(advisories.search(inventories, source).matches) == 1
    packed = (tmp_path / "all.zip").read_bytes()
    for end in range(0, len(packed), 7):
        (tmp_path / "all.zip").write_bytes(packed[:end])
        with pytest.raises(FormatError):
            advisories.search(inventories, tmp_path)


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_damaged_zip_file_of_any_kind_is_refused(tmp_path: Path, method: int) -> None:
    with zipfile.ZipFile(tmp_path / "all.zip", "w", method) as archive:
        for number in range(3):
            archive.writestr(f"é-{number}.json", "{}" * (number + 1))
    packed = (tmp_path / "all.zip").read_bytes()
    for at in range(len(packed)):
        (tmp_path / "all.zip").write_bytes(packed[:at] + bytes([packed[at] ^ 0xFF]) + packed[at + 1 :])
        with contextlib.suppress(FormatError, NotFound):
            advisories.search({}, tmp_path)


def test_names_in_a_zip_file_do_not_reach_the_terminal_as_they_are(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
        archive.writestr("\x1b[2J.json", "{")
    with pytest.raises(FormatError) as caught:
        advisories.search({}, tmp_path)
    assert r"\x1b[2J.json" in str(caught.value) and "\x1b" not in str(caught.value)


@pytest.mark.parametrize(
    "text", ["", "[]", "{", '{"affected": 1}', '{"affected": [{"package": {"name": 1}}]}']
)
def test_what_is_not_an_advisory_is_refused_or_about_nothing(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.json").write_text(text)
    try:
        assert advisories.search({}, tmp_path) == advisories.SearchResult(1, (), ())
    except PantavisorError as error:
        assert str(tmp_path / "a.json") in error.message


def test_no_advisories_are_an_error(tmp_path: Path) -> None:
    for source in (tmp_path, tmp_path / "lost"):
        with pytest.raises(NotFound):
            advisories.search({}, source)


def test_the_command_lists_what_it_found(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    device = sim.make(tmp_path / "device")
    files = {"etc/os-release": b"ID=debian\nVERSION_ID=12\n", "var/lib/dpkg/status": roots.status("curl 1")}
    target = roots.exported(device, tmp_path / "a.tgz", roots.put(device, files))
    (tmp_path / "osv").mkdir()
    document = advisory("Debian:12", "curl", {"introduced": "0"}, {"fixed": "2"})
    (tmp_path / "osv/a.json").write_text(json.dumps(document))
    words = ["vulnerabilities", str(target), "--osv", str(tmp_path / "osv")]
    assert cli.main(words) == 0
    printed = capsys.readouterr()
    assert printed.out.splitlines()[1].split() == ["web", "deb", "curl", "1", "X-1", "2", "bad"]
    assert "1 of 1 advisories" in printed.err
    assert cli.main([*words, "--json"]) == 0
    (match,) = json.loads(capsys.readouterr().out)["found"]
    assert match["id"] == "X-1" and match["part"] == "web" and match["aliases"] == ["CVE-1"]
    shutil.rmtree(tmp_path / "osv")
    assert cli.main(words) == 2
