"""The golden pairs of the published tool, with its bugs undone and named."""

import json
import re
from pathlib import Path

import pytest
from pantavisor import lxc, manifests

TEMPLATES = Path(__file__).resolve().parents[1] / "vectors" / "templates"
CASES = sorted(path.name for path in TEMPLATES.iterdir())
# Case -> what the published tool gets wrong there, as (its text, the right text).
BUGS = {
    "ep_list_cmd_list": ('/e "a""b c"', '/e "a" "b c"'),  # no blank between words of Cmd
    "net_phys": ("lxc.net.0.link =", "lxc.net.0.link = "),  # no blank before the link
}


def published_run(case: str) -> dict:
    # Two or more volumes come out with a literal backslash-n between them, which is not JSON.
    return json.loads((TEMPLATES / case / "run.json").read_text().replace("\\n", ""))


def spec(case: str) -> manifests.ContainerSpec:
    source = manifests.SourceManifest.parse(json.loads((TEMPLATES / case / "src.json").read_text()))
    return manifests.ContainerSpec.from_source(case, source)


@pytest.mark.parametrize("case", [case for case in CASES if (TEMPLATES / case / "run.json").exists()])
def test_run_json_equals_the_published_one(case: str) -> None:
    assert manifests.run_manifest(spec(case)) == published_run(case)


@pytest.mark.parametrize("case", [case for case in CASES if (TEMPLATES / case / "lxc.container.conf").exists()])
def test_lxc_configuration_equals_the_published_one(case: str) -> None:
    wanted = (TEMPLATES / case / "lxc.container.conf").read_text()
    if case in BUGS:
        assert BUGS[case][0] in wanted
        wanted = wanted.replace(*BUGS[case])
    # Releases from 2024 on mount /run first.
    resolv, run = (re.search(rf"^lxc.mount.entry = {word}.*\n", wanted, re.MULTILINE) for word in ("/etc/resolv", "tmpfs"))
    if resolv and run:
        wanted = wanted.replace(resolv.group() + run.group(), run.group() + resolv.group())
    assert lxc.render(spec(case)) == wanted
