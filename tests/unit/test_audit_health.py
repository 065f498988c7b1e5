# SPDX-License-Identifier: MIT
"""The health check of a container, as the verifier judges it."""

from typing import Any
from unittest import mock

import pytest
from pantavisor.audit import containers
from pantavisor.audit.context import Context


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ({"test": ["a"], "interval": 5}, None),
        ([], "is not a list of 1 to 64 words"),
        ({"test": []}, "is not a list of 1 to 64 words"),
        ({"test": ["", "a"]}, "is not a list of 1 to 64 words"),
        ({"test": ["a", 5]}, "is not a list of 1 to 64 words"),
        ({"test": ["a"], "interval": 0}, "interval is not 1 to 86400"),
        ({"test": ["a"], "retries": "3"}, "retries is not 1 to 1000"),
    ],
)
def test_the_verifier_finds_a_check_that_devices_refuse(value: Any, words: Any) -> None:
    context = mock.create_autospec(Context, instance=True)
    containers._check_health(context, "web/run.json", value)
    found = [call.args[2] for call in context.add.call_args_list]
    assert len(found) == (words is not None) and all(words in text for text in found)
