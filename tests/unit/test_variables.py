# SPDX-License-Identifier: MIT
"""docs/variables.md is what the classes and recipes have."""

from devtools import reference, variables


def test_the_page_of_variables_is_that_of_the_classes_and_recipes() -> None:
    found = variables.read()
    assert {"PVR_DOCKER_REF", "PVS_KEY_DIR", "PANTAVISOR_CONSOLE"} <= {variable.name for variable in found}
    written = variables.PAGE.read_text().partition(reference.BEGIN)[2]
    assert written == variables.page(), "run: scripts/reference"


def test_a_value_that_goes_on_over_lines_is_one() -> None:
    (size,) = (variable for variable in variables.read() if variable.name == "PVROOT_SIZE")
    assert size.default == "" and size.file == "classes/pvroot-parts.bbclass"
    assert size.meaning.startswith("Size of the disk image") and size.meaning.endswith("for updates.")
