# SPDX-License-Identifier: MIT
"""Commands that start, and do something else than their author thinks, are warned of."""

from __future__ import annotations

from typing import Any

import pytest
from pantavisor.container.first_program import doubtful
from pantavisor.manifests import ContainerSpec, SourceManifest


def doubts(image: dict[str, Any], **more: Any) -> list[str]:
    source = SourceManifest(image_config=image, **more)
    return list(doubtful(ContainerSpec.from_source("web", source), source))


@pytest.mark.parametrize("command", [["sh"], ["/bin/bash"], "/bin/sh"])
def test_a_shell_alone_is_warned_of(command: Any) -> None:
    (found,) = doubts({"Cmd": command})
    assert "alone, a shell with nothing to run" in found


@pytest.mark.parametrize(
    "command", [["sh", "-c", "sleep 100"], ["sh", "/start"], ["/bin/sh", "-c", 'exec "$@"', "web", "serve"]]
)
def test_a_shell_that_runs_something_is_not(command: list[str]) -> None:
    assert not doubts({"Cmd": command})


def test_words_that_the_shell_takes_for_its_own_are_warned_of() -> None:
    """As Entrypoint ["sh", "-c"] with Cmd ["sleep", "100"]: sleep gets no number."""
    (found,) = doubts({"Entrypoint": ["/bin/sh", "-c"], "Cmd": ["sleep", "100"]})
    assert 'gives "100" to the shell and not to "sleep"' in found


@pytest.mark.parametrize(
    ("volume", "warned"),
    [
        ({"/app": "permanent"}, True),
        ({"/app/bin": "permanent"}, True),
        ({"/app": "boot"}, False),
        ({"/app": "revision"}, False),
        ({"ovl:/app": "permanent"}, False),
        ({"/ap": "permanent"}, False),
    ],
)
def test_a_program_in_a_permanent_volume_is_warned_of(volume: dict[str, str], warned: bool) -> None:
    found = doubts({"Cmd": ["/app/bin/run"]}, persistence=volume)
    assert len(found) == warned and all("so no update changes it there" in text for text in found)


def test_variables_of_the_image_that_an_env_replaces_are_warned_of() -> None:
    image = {"Cmd": ["/run"], "Env": ["PATH=/bin", "LANG=C", "PORT=80"]}
    (found,) = doubts(image, config={"Env": ["PORT=81"]})
    assert "so PATH, LANG are lost" in found
    assert not doubts(image, config={"Env": ["PATH=/", "LANG=", "PORT=81", "MORE=1"]})


def test_what_starts_nothing_is_not_warned_of() -> None:
    assert not doubts({"Cmd": ["sh"]}, arguments={"PV_STATUS_GOAL": "MOUNTED"})


@pytest.mark.parametrize("command", ['"', "sh 'x", ["sh", "-c", "it's"]])
def test_odd_quotes_are_no_failure(command: Any) -> None:
    assert not doubts({"Cmd": command})
