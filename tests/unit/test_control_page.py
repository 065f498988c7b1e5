# SPDX-License-Identifier: MIT
"""docs/control.md against the runtime: paths, commands, limits and exit statuses are its own."""

import re
from pathlib import Path

import pytest

LAYER = Path(__file__).resolve().parents[2] / "meta-pantavisor"
RUNTIME = LAYER / "recipes-pv/pantavisor/pantavisor"
PAGE = (LAYER / "docs/control.md").read_text()
ROUTING = (RUNTIME / "src/route.c").read_text()
ROUTES = re.findall(r'\{"(/[a-z/]+)", ([A-Z]+), \w+, \w+, (\w+), \w+\}', ROUTING)
COMMANDS = re.findall(r'\{"([A-Z_]+)", PV_CTRL_\w+, (\w+), (\w+)\}', ROUTING)
FACETS = re.findall(r'\{[A-Z]+, "(/\w+)"\}', (RUNTIME / "src/serve_step.c").read_text())
# A path of the table -> the source in which its answer's members are written.
ANSWERS = {
    "GET /containers": "report.c",
    "GET /groups": "report.c",
    "GET /objects": "serve_object.c",
    "GET /steps": "serve_step.c",
    "GET /steps/<revision>/progress": "progress.c",
    "GET /storage": "serve.c",
    "POST /storage/gc": "serve.c",
}


def rows(heading: str) -> "list[list[str]]":
    """The cells of each row of the section's tables."""
    section = PAGE.partition(f"## {heading}\n")[2].partition("\n## ")[0]
    return [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in section.splitlines()
        if line.startswith("| ")
    ]


def paths() -> "dict[str, list[str]]":
    return {found[0]: row for row in rows("Paths") if (found := re.findall(r"^`([A-Z]+ /[^`]*)`", row[0]))}


def constant(name: str, source: str) -> int:
    """The number of a #define or of its product."""
    text = (RUNTIME / source).read_text()
    (value,) = re.findall(rf"^#define {name} ([^/\n]*)", text, re.MULTILINE)
    product = 1
    for factor in re.findall(r"\d+", value):
        product *= int(factor)
    return product


def test_the_paths_are_those_of_the_runtime() -> None:
    def shape(path: str) -> str:
        whole = re.sub(r"<\w+>|locals/<\w+>", "*", path)
        return whole.removesuffix(next((facet for facet in FACETS if whole.endswith(facet)), ""))

    documented = {(method, shape(path)) for method, path in map(str.split, paths())}
    served = {(method, f"{path}*" if path.endswith("/") else path) for path, method, _ in ROUTES}
    assert documented == served
    assert len(ROUTES) > 12


def test_the_facets_of_a_step_are_those_of_the_runtime() -> None:
    documented = set(re.findall(r"/steps/<revision>(/\w+)", PAGE))
    assert documented == set(FACETS) and FACETS


@pytest.mark.parametrize(("path", "source"), ANSWERS.items())
def test_the_members_of_an_answer_are_written_by_the_runtime(path: str, source: str) -> None:
    text = (RUNTIME / "src" / source).read_text()
    members = re.findall(r"`([a-z0-9_-]+)`", paths()[path][2])
    assert members
    for member in members:
        assert re.search(rf'\\?"{member}\\?"', text), member


def test_the_commands_are_those_of_the_runtime() -> None:
    found = [row for row in rows("Paths") if re.match(r"`[A-Z_]+`", row[0])]
    documented = {word: row for row in found for word in re.findall(r"`([A-Z_]+)`", row[0])}
    assert set(documented) == {word for word, _, _ in COMMANDS}
    for word, has_revision, status in COMMANDS:
        assert ("with a revision" in documented[word][0]) == (has_revision == "true"), word
        for name, answer in (("CONFLICT", "409: not supported"), ("NO_CONTENT", "204")):
            assert (answer in documented[word][1]) == (status == name), word


def test_the_limits_are_those_of_the_runtime() -> None:
    assert {body for _, _, body in ROUTES} == {
        "0", "1024", "PV_ROUTE_BODY_BYTES", "PV_HTTP_BODY_BYTES", "PV_JSON_TEXT_BYTES",
    }  # fmt: skip
    kib = constant("PV_ROUTE_BODY_BYTES", "src/route.h") // 1024
    for sentence in (
        f"{constant('PV_HTTP_HEAD_BYTES', 'src/http.h') // 1024} KiB, "
        f"{constant('PV_HTTP_FIELDS', 'src/http.h')} header fields, "
        f"a path of {constant('PV_HTTP_PATH_BYTES', 'src/http.h') - 1} bytes",
        f"whole within {constant('PV_CONNECTION_REQUEST_MS', 'src/connection.h') // 1000} s",
        f"| body | {kib} KiB, 1 KiB for an action",
        f"{constant('PV_CTRLSERVER_EACH', 'src/ctrlserver.h')} for each container",
        f"{constant('PV_EXCHANGE_IDLE_S', 'src/exchange.h')} s without a byte",
        f"a text of at most {constant('MESSAGE_BYTES', 'src/serve_step.c')} bytes",
        f"({constant('UPDATE_RETRY_S', 'src/order.c')} while a revision is tried, "
        f"{constant('BUSY_RETRY_S', 'src/order.c')} while the device ends)",
    ):
        assert sentence in PAGE, sentence


def test_the_statuses_of_a_group_are_those_of_the_runtime() -> None:
    names = re.findall(r'\[PV_\w+\] = "([A-Z]+)"', (RUNTIME / "src/report.c").read_text())
    assert re.findall(r"`([A-Z]+)`", paths()["GET /groups"][2].partition(")")[0]) == names


def test_the_exit_statuses_of_pvcontrol_are_those_of_its_source() -> None:
    names = ("MISTAKE", "NO_SPACE", "BAD_CHECKSUM", "BAD_STATE", "TRY_LATER", "REFUSED")
    (sentence,) = re.findall(r"Exit status: (.*?)\.\n", PAGE, re.DOTALL)
    listed = set(map(int, re.findall(r"\d+", sentence)))
    assert listed == {0, 1, *(constant(name, "pvcontrol/pvcontrol.c") for name in names)}
