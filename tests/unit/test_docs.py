# SPDX-License-Identifier: MIT
"""The pages of docs/ keep to the code: examples are read by it, tables are asked of it, links lead
somewhere.
"""

import json
import re
import tarfile
from pathlib import Path
from typing import Any

import pytest
from pantavisor import cjson, digest, export, pvs, state, trail
from pantavisor.errors import FormatError
from pantavisor.manifests import SourceManifest
from pantavisor.objects import ObjectPool
from pantavisor.pvs.patterns import check_pattern, matches
from pantavisor.pvs.signature import MAX_CERTIFICATES, TYPE

PROJECT = Path(__file__).resolve().parents[2]
DOCS = PROJECT / "meta-pantavisor" / "docs"
FORMATS = DOCS / "formats"
READMES = [
    *PROJECT.glob("tests/**/README.md"),
    PROJECT / "kas/quickstart/README.md",
    PROJECT / "meta-pantavisor/README.md",
]
PAGES = sorted([*PROJECT.glob("*.md"), *DOCS.rglob("*.md"), *READMES])


def text(name: str) -> str:
    return (FORMATS / name).read_text()


def examples(name: str) -> list[Any]:
    """The JSON blocks of a page."""
    return [json.loads(block) for block in re.findall(r"```json\n(.*?)```", text(name), re.DOTALL)]


def rows(name: str, heading: str) -> list[list[str]]:
    """The cells of the first table behind a heading, without the table's head."""
    lines = text(name).partition(heading)[2].splitlines()
    table = [line for line in lines if line.startswith("|")]
    first = next(index for index, line in enumerate(lines) if line.startswith("|"))
    length = next(
        (index for index, line in enumerate(lines[first:]) if not line.startswith("|")), len(table)
    )
    return [
        [cell.strip() for cell in line.strip("|").split("|")] for line in lines[first + 2 : first + length]
    ]


def words(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(PROJECT)))
def test_links_lead_to_files_that_exist(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text()):
        if "://" not in target:
            assert (page.parent / target).exists(), target


def test_the_index_leads_to_every_page() -> None:
    index = (DOCS / "README.md").read_text()
    for page in DOCS.rglob("*.md"):
        assert page.name == "README.md" or f"]({page.relative_to(DOCS).as_posix()})" in index, page


def test_layers_on_the_pages_depend_on_layers_that_exist() -> None:
    """By the name of their collection, which is not that of their directory."""
    layers = "".join(path.read_text() for path in PROJECT.glob("*/**/conf/layer.conf"))
    collections = {"core", *re.findall(r'^BBFILE_COLLECTIONS \+= "(\S+)"', layers, re.MULTILINE)}
    needed = {
        name
        for page in PAGES
        for names in re.findall(r'^LAYERDEPENDS_\w+ = "(.*)"', page.read_text(), re.MULTILINE)
        for name in names.split()
    }
    assert needed and needed <= collections


def test_the_first_change_is_that_of_this_version() -> None:
    version = re.search(r'^version = "(.*)"$', (PROJECT / "pyproject.toml").read_text(), re.MULTILINE)
    assert (
        version
        and re.search(r"^## (\S+),", (PROJECT / "CHANGES.md").read_text(), re.MULTILINE)[1] == version[1]
    )


def test_the_example_state_is_one() -> None:
    (example,) = examples("state.md")
    parsed = state.State.parse(cjson.dumps(example))
    assert parsed.part_names() == ("bsp", "web") and not parsed.warnings()
    assert list(example) == sorted(example)


def test_the_limits_of_a_state_are_those_of_the_code() -> None:
    limits = f"up to {state.MAX_PATHS} paths and {state.MAX_BYTES} bytes"
    assert f"{limits}, {state.MAX_VALUES} JSON values and {cjson.MAX_DEPTH} levels" in text("state.md")
    for name in state.RESERVED_FILES:
        assert f"`{name}`" in text("state.md")
    for spec in state.SPECS:
        assert f"`{spec}`" in text("state.md")


@pytest.mark.parametrize("value", [1, None, True, "text", "F" * 64])
def test_values_that_the_page_refuses_are_refused(value: Any) -> None:
    with pytest.raises(FormatError):
        state.State({"#spec": state.SPEC, "a.json": value})


def test_the_signature_example_has_the_header_that_is_described() -> None:
    envelope, header = examples("signature.md")
    assert (envelope["#spec"], header["typ"]) == (pvs.SPEC, TYPE)
    selection = pvs.container_selection("web")
    assert header["pvs"] == {"include": list(selection.include), "exclude": list(selection.exclude)}
    for algorithm in pvs.ALGORITHMS:
        assert algorithm in text("signature.md")
    assert f"at most {MAX_CERTIFICATES}" in text("signature.md")


def test_the_patterns_select_what_the_page_lists() -> None:
    found = rows("signature.md", "## Patterns")
    assert len(found) == 6
    for pattern, selected, left in found:
        (pattern,) = words(pattern)
        check_pattern(pattern)
        assert all(matches(pattern, path) for path in words(selected)), pattern
        assert not any(matches(pattern, path) for path in words(left)), pattern


def test_the_patterns_that_the_page_refuses_are_refused() -> None:
    (line,) = re.findall(r"^Refused: (.*?), and a wildcard before", text("signature.md"), re.MULTILINE)
    for pattern in [*words(line), "a*/**"]:
        with pytest.raises(FormatError):
            check_pattern(pattern)


def test_a_signature_covers_canonical_json_and_objects_by_their_hash() -> None:
    signed = state.State({"#spec": state.SPEC, "web/run.json": {"b": 1, "a": []}, "web/x": "0" * 64})
    header = pvs.protected_header(pvs.container_selection("web"), algorithm="RS256", x5c=())
    whole = pvs.signing_input(signed, pvs.container_selection("web"), header)
    protected, _, payload = whole.partition(b".")
    assert protected == header.encode() and b"=" not in payload
    assert (
        pvs.decode(payload.decode(), "payload")
        == b'{"web/run.json":{"a":[],"b":1},"web/x":"' + b"0" * 64 + b'"}'
    )


def test_the_example_of_src_json_is_read_and_written_back() -> None:
    (example,) = examples("src-json.md")
    assert SourceManifest.parse(example).document("web") == example


def test_every_member_of_src_json_is_described() -> None:
    listed = {word for row in rows("src-json.md", "made again") for word in words(row[0])}
    assert listed == SourceManifest.members()


def test_an_export_begins_with_the_state_and_names_objects_by_their_hash(tmp_path: Path) -> None:
    pool = ObjectPool(tmp_path / "objects")
    identifier = pool.put_bytes(b"content")
    example = state.State({"#spec": state.SPEC, "web/x": identifier, "web/y": identifier})
    export.write(tmp_path / "x.tgz", example, pool)
    with tarfile.open(tmp_path / "x.tgz") as archive:
        entries = archive.getmembers()
        assert [entry.name for entry in entries] == ["json", f"objects/{identifier}"]
        assert {(entry.mode, entry.mtime, entry.uid, entry.type) for entry in entries} == {
            (0o644, 0, 0, tarfile.REGTYPE)
        }
    assert (tmp_path / "x.tgz").read_bytes()[4:8] == bytes(4)


def test_a_storage_tree_has_what_the_page_lists(tmp_path: Path) -> None:
    listed = {word for row in rows("storage-tree.md", "# The storage tree") for word in words(row[0])}
    for folder in trail.FOLDERS:
        assert any(path.startswith(folder) for path in listed), folder
    pool = ObjectPool(tmp_path / "pool")
    kernel, initrd = pool.put_bytes(b"kernel"), pool.put_bytes(b"initrd")
    boot = {"addons": ["more"], "initrd": "initrd", "linux": "kernel"}
    files = {"bsp/run.json": boot, "bsp/kernel": kernel, "bsp/initrd": initrd, "bsp/more": initrd}
    trail.write(tmp_path / "storage", state.State({"#spec": state.SPEC, **files}), pool)
    revision = tmp_path / "storage/trails/0"
    assert json.loads((revision / ".pvr/config").read_text()) == {"ObjectsDir": "../../objects"}
    assert {path.name for path in (revision / ".pv").iterdir()} == {
        "pv-kernel.img",
        "pv-initrd.img",
        "pv-initrd.img.0",
    }
    assert (revision / "bsp/kernel").stat().st_ino == (tmp_path / "storage/objects" / kernel).stat().st_ino
    assert len((tmp_path / "storage/boot/grubenv").read_bytes()) == 1024
    assert (tmp_path / "storage/boot/uboot.txt").read_bytes().endswith(b"\0\0\0")
    assert digest.file_sha256(revision / "bsp/kernel") == kernel


RUNTIME_TESTS = PROJECT / "meta-pantavisor/recipes-pv/pantavisor/pantavisor/test"
DEFINITION = {".py": r"^def {}\(", ".c": r"^static void {}\("}


@pytest.mark.parametrize(
    ("page", "least"), [(PROJECT / "SECURITY.md", 60), (DOCS / "trust.md", 14)], ids=str
)
def test_pages_name_tests_that_exist(page: Path, least: int) -> None:
    content = page.read_text()
    places = {
        path.name for folder in (PROJECT / "tests", RUNTIME_TESTS) for path in folder.rglob("test_*.[pc]*")
    }
    assert set(re.findall(r"\btest_\w+\.(?:py|c)\b", content)) <= places
    named = re.findall(r"`(\w+)/(test_\w+)(\.py|\.c)(?:::(\w+))?`", content)
    assert len(named) > least
    for folder, file, suffix, function in named:
        path = (RUNTIME_TESTS if folder == "runtime" else PROJECT / "tests" / folder) / f"{file}{suffix}"
        assert path.exists(), path
        defined = re.search(DEFINITION[suffix].format(function), path.read_text(), re.MULTILINE)
        assert defined if function else suffix == ".c", f"{path}: {function or 'a test of it'}"


def test_every_link_of_the_chain_is_held_by_a_test_or_is_not_checked() -> None:
    chain = (
        (DOCS / "trust.md")
        .read_text()
        .partition("## From a registry")[2]
        .partition("## What is not checked")[0]
    )
    links = [
        line for line in chain.splitlines() if line.startswith("| ") and not line.startswith("| link |")
    ]
    assert len(links) > 12
    for line in links:
        assert ("::test_" in line) != ("**not checked**" in line), line


def test_variables_on_the_page_of_trust_are_those_of_classes_and_recipes() -> None:
    named = set(re.findall(r"`((?:PVS|PVR|PVROOT|PANTAVISOR)_\w+)", (DOCS / "trust.md").read_text()))
    assert len(named) > 8 and named <= set(re.findall(r"\w+", (DOCS / "RECIPE-API.md").read_text()))


def test_every_row_of_the_security_page_is_shown_by_a_test_or_marked_that_it_is_not() -> None:
    page = (PROJECT / "SECURITY.md").read_text().partition("## What each attacker")[2].partition("\n## ")[0]
    found = [line.strip("|").split("|") for line in page.splitlines() if line.startswith("|")]
    assert len(found) > 50 and {len(row) for row in found} == {3}
    for attempt, outcome, shown in found:
        if shown.strip() not in ("---", "shown by"):
            assert re.search(r"::test_|`runtime/test_\w+\.c`|not tested", shown), attempt
            assert outcome.strip(), attempt
