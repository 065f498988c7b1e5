# SPDX-License-Identifier: MIT
"""What the library lets pass, a device takes: both have the same bounds."""

from __future__ import annotations

import ast
import operator
import re
from pathlib import Path

import pytest
from pantavisor import bootenv, cjson, lxc, names, state, verity
from pantavisor.keys import pem, trust, x509
from pantavisor.manifests import bsp, consistency, device, health, recovery, volumes
from pantavisor.pvs import patterns, signature, signers
from pantavisor.remote import client

RUNTIME = Path(__file__).resolve().parents[2] / "meta-pantavisor/recipes-pv/pantavisor/pantavisor/src"
OPERATORS = {ast.Mult: operator.mul, ast.Div: operator.truediv}
BOUNDS = {
    "PV_JSON_TEXT_BYTES": state.MAX_BYTES,
    "PV_JSON_DEPTH": cjson.MAX_DEPTH,
    "PV_JSON_NODES": state.MAX_VALUES,
    "PV_STATE_PATHS": state.MAX_PATHS,
    "PV_CONTAINERS": consistency.MAX_CONTAINERS,
    "PV_GROUPS": device.MAX_GROUPS,
    "PV_GROUP_TIMEOUT_S": device.MAX_TIMEOUT_SECONDS,
    "PV_VOLUMES": volumes.MAX_VOLUMES,
    "PV_ADDONS": bsp.MAX_ADDONS,
    "PV_RECOVERY_SECONDS": recovery.MAX_SECONDS,
    "PV_RECOVERY_FACTOR": recovery.MAX_FACTOR,
    "PV_HEALTH_WORDS": health.MAX_WORDS,
    "PV_HEALTH_BYTES": health.MAX_BYTES,
    "PV_HEALTH_SECONDS": health.MAX_SECONDS,
    "PV_HEALTH_RETRIES": health.MAX_RETRIES,
    "PV_LXCCONF_BYTES": lxc.MAX_BYTES,
    "PV_NAME_BYTES": names.MAX_CONTAINER_CHARS,
    "PV_PATH_BYTES": names.MAX_PATH_BYTES,
    "PV_SEGMENT_BYTES": names.MAX_NAME_BYTES,
    "PV_REVISION_BYTES": client.MAX_REVISION_CHARS,
    "PV_REVISION_DIGITS": names.MAX_REVISION_DIGITS,
    "PV_PVS_SIGNATURES": signature.MAX_SIGNATURES,
    "PV_PVS_HEADER_BYTES": signature.MAX_PROTECTED_CHARS,
    "PV_PVS_SIGNATURE_BYTES": signature.MAX_SIGNATURE_CHARS,
    "PV_PVS_WORK": patterns.MAX_WORK,
    "PV_PATTERN_BYTES": patterns.MAX_PATTERN_BYTES,
    "PV_SELECTION_PATTERNS": patterns.MAX_PATTERNS,
    "PV_SET_RELEASE": signature.MAX_RELEASE,
    "PV_SIGNERS_BYTES": signers.MAX_BYTES,
    "PV_SIGNERS_ENTRIES": signers.MAX_ENTRIES,
    "PV_SIGNERS_PATTERNS": signers.MAX_PATTERNS,
    "PV_TRUST_CHAIN": trust.MAX_CHAIN,
    "PV_TRUST_ROOTS": trust.MAX_ROOTS,
    "PV_TRUST_BYTES": pem.MAX_PEM_BYTES,
    "PV_CERTIFICATE_BYTES": x509.MAX_BYTES,
    "PV_CERTIFICATE_EXTENSIONS": x509.MAX_EXTENSIONS,
    "PV_IDENTITY_NAME_BYTES": x509.MAX_NAME_BYTES,
    "PV_VERITY_SALT_BYTES": verity.MAX_SALT_BYTES,
    "PV_BOOTENV_BYTES": bootenv.BYTES,
    "PV_BOOTENV_GENERATION": bootenv.LAST_GENERATION,
}


def number(text: str) -> float:
    """A number as the C compiler reads it: products and sums, casts and suffixes."""
    return value(ast.parse(re.sub(r"\(u?int64_t\)|(?<=\d)[UL]+\b", "", text).strip(), mode="eval").body)


def value(node: ast.expr) -> float:
    if isinstance(node, ast.BinOp):
        return float(OPERATORS[type(node.op)](value(node.left), value(node.right)))
    assert isinstance(node, ast.Constant) and isinstance(node.value, (int, float))
    return node.value


@pytest.fixture(scope="module")
def defined() -> dict[str, str]:
    found: dict[str, str] = {}
    for path in RUNTIME.glob("*.h"):
        found.update(re.findall(r"^#define (PV_\w+) (.+?)(?: /\*.*)?$", path.read_text(), re.MULTILINE))
    return found


@pytest.mark.parametrize("name", BOUNDS)
def test_library_and_device_have_the_same_bound(name: str, defined: dict[str, str]) -> None:
    assert number(defined[name]) == BOUNDS[name]


def test_a_chain_in_a_signature_is_as_long_as_one_that_is_trusted() -> None:
    assert signature.MAX_CERTIFICATES == trust.MAX_CHAIN


def test_a_state_of_more_values_than_a_device_reads_is_refused() -> None:
    files = {"#spec": state.SPEC, "a.json": [0] * (state.MAX_VALUES - 3)}
    assert state.State(files)
    files["a.json"].append(0)  # type: ignore[attr-defined]
    with pytest.raises(state.LimitError, match="JSON values"):
        state.State(files)
