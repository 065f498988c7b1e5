# SPDX-License-Identifier: MIT
"""Docker's HEALTHCHECK: its forms and times as run.json has them, and what is refused by name."""

from typing import Any

import pytest
from pantavisor import manifests
from pantavisor.container.programs import missing
from pantavisor.errors import FormatError
from pantavisor.layers import Directory, File, Tree
from pantavisor.manifests.health import MAX_WORDS, map_health
from sim.trees import META

SECOND = 10**9


def health(**check: Any) -> Any:
    found = map_health({"Healthcheck": check})
    return found and found.document()


def test_a_check_without_times_has_dockers() -> None:
    assert health(Test=["CMD", "/check", "-q"]) == {
        "test": ["/check", "-q"],
        "interval": 30,
        "timeout": 30,
        "start_period": 0,
        "start_interval": 5,
        "retries": 3,
    }
    zeros = dict.fromkeys(("Interval", "Timeout", "StartPeriod", "StartInterval", "Retries"), 0)
    assert health(Test=["CMD", "/check", "-q"], **zeros) == health(Test=["CMD", "/check", "-q"])


def test_times_are_whole_seconds_and_parts_count_as_one() -> None:
    found = health(
        Test=["CMD", "a"],
        Interval=90 * SECOND,
        Timeout=1,
        StartPeriod="2m",
        StartInterval="1500ms",
        Retries=5,
    )
    assert found == {
        "test": ["a"],
        "interval": 90,
        "timeout": 1,
        "start_period": 120,
        "start_interval": 2,
        "retries": 5,
    }


def test_a_command_for_a_shell_is_given_to_that_of_the_image() -> None:
    check = {"Test": ["CMD-SHELL", "curl -f http://localhost/ || exit 1"]}
    words = map_health({"Healthcheck": check})
    assert words and words.test == ("/bin/sh", "-c", check["Test"][1])
    words = map_health({"Healthcheck": check, "Shell": ["/bin/ash", "-ec"]})
    assert words and words.test[:2] == ("/bin/ash", "-ec")


@pytest.mark.parametrize("check", [None, {}, {"Test": []}, {"Test": None}, {"Test": ["NONE"]}])
def test_no_check_is_none(check: Any) -> None:
    assert map_health({"Healthcheck": check}) is None


@pytest.mark.parametrize(
    ("check", "words"),
    [
        ("true", "is not an object"),
        ({"Test": "curl localhost"}, "is not a list of at most"),
        ({"Test": ["CMD", 5]}, "is not a list of at most"),
        ({"Test": ["CMD", "a\0"]}, "is not a list of at most"),
        ({"Test": ["CMD"] + ["a"] * MAX_WORDS}, "is not a list of at most"),
        ({"Test": ["CMD", "a" * 9000]}, "is not a list of at most"),
        ({"Test": ["CMD"]}, "has the form CMD and no command"),
        ({"Test": ["CMD-SHELL", " "]}, "has the form CMD-SHELL and no command"),
        ({"Test": ["CMDSHELL", "a"]}, "unknown form of the image's Healthcheck"),
        ({"Test": ["curl", "a"]}, "unknown form of the image's Healthcheck"),
        ({"Test": ["CMD", "a"], "Intervall": 5}, 'unknown member of the image\'s Healthcheck: "Intervall"'),
        ({"Test": ["CMD", "a"], "Interval": -1}, "Interval is not"),
        ({"Test": ["CMD", "a"], "Interval": -SECOND}, "Interval is not a time of at most"),
        ({"Test": ["CMD", "a"], "Timeout": 90000 * SECOND}, "Timeout is not a time of at most 86400 s"),
        ({"Test": ["CMD", "a"], "StartPeriod": "soon"}, "StartPeriod is not a time"),
        ({"Test": ["CMD", "a"], "StartPeriod": True}, "StartPeriod is not a time"),
        ({"Test": ["CMD", "a"], "StartInterval": 1.5}, "StartInterval is not a time"),
        ({"Test": ["CMD", "a"], "Retries": 1001}, "Retries is not a number from 1 to 1000"),
        ({"Test": ["CMD", "a"], "Retries": True}, "Retries is not a number from 1 to 1000"),
    ],
)
def test_what_no_device_runs_is_refused_with_the_way_out(check: Any, words: str) -> None:
    with pytest.raises(FormatError, match=words) as caught:
        map_health({"Healthcheck": check})
    assert caught.value.hint


def made(arguments: dict[str, Any], config: dict[str, Any], *programs: str) -> tuple[str, ...]:
    """The warnings of a container whose image has ``/app`` and these in ``/bin``."""
    source = manifests.SourceManifest(arguments=arguments, image_config={"Cmd": ["/app"], **config})
    spec = manifests.ContainerSpec.from_source("web", source)
    program = File(META._replace(mode=0o755), 0, b"")
    folder = Directory(META, {name.encode(): program for name in programs})
    return tuple(missing(spec, Tree(Directory(META, {b"app": program, b"bin": folder}))))


CHECK = {"Healthcheck": {"Test": ["CMD-SHELL", "true"]}}


def test_a_goal_that_nothing_can_reach_is_warned_of() -> None:
    ready = {"PV_STATUS_GOAL": "READY"}
    (warning,) = made(ready, {})
    assert "it has neither a Healthcheck nor pvcontrol, so its group waits in vain" in warning
    assert made(ready, {}, "pvcontrol") == ()
    assert made(ready, CHECK, "sh") == ()
    assert made({}, {}) == ()


def test_a_check_whose_program_is_not_in_the_image_is_warned_of() -> None:
    (warning,) = made({}, CHECK)
    assert warning.startswith("its root file system has no /bin/sh, which its Healthcheck runs")
    assert made({}, CHECK, "sh") == ()


def test_only_what_runs_has_a_check() -> None:
    for goal, has in (("MOUNTED", False), ("STARTED", True)):
        source = manifests.SourceManifest(arguments={"PV_STATUS_GOAL": goal}, image_config=CHECK)
        run = manifests.run_manifest(manifests.ContainerSpec.from_source("web", source))
        assert ("health" in run) is has
