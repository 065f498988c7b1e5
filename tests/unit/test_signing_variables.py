# SPDX-License-Identifier: MIT
"""The variables that name what signs: each key by one way, whole, and nothing else in the job."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sim import bitbake_library

bitbake_library.need()

import bb  # noqa: E402
import bb.data  # noqa: E402
import bb.parse  # noqa: E402
import pvbb.signing  # noqa: E402
import pvbb.tool  # noqa: E402
from pvbb.signing import BOOT, EFI, STATE  # noqa: E402

TOKEN = {"PVS_PKCS11": "/m.so", "PVS_PKCS11_TOKEN": "t", "PVS_PKCS11_PIN_FILE": "/pin"}
WHOLE = {**TOKEN, "PVS_PKCS11_LABEL": "states"}


def data(**variables: str) -> Any:
    made = bb.data.init()
    for name, value in {"PN": "demo", "PVS_KEY": "/k", "PVS_X5C": "/x", **variables}.items():
        made.setVar(name, value)
    return made


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({"PVS_COMMAND": "c", **WHOLE}, "PVS_COMMAND and PVS_PKCS11_LABEL are two ways to sign"),
        (TOKEN, "PVS_PKCS11 alone does not name a key (hint: set PVS_PKCS11_LABEL, PVS_BOOT_LABEL or "),
        ({"PVS_PKCS11": "/m.so", "PVS_BOOT_LABEL": "b"}, "set PVS_PKCS11_TOKEN and PVS_PKCS11_PIN_FILE)"),
        ({"PVS_BOOT_LABEL": "boot"}, "PVS_BOOT_LABEL is on no token (hint: set PVS_PKCS11, "),
        ({"PVS_BOOT_KEY": "/b", "PVS_BOOT_COMMAND": "c"}, "PVS_BOOT_KEY and PVS_BOOT_COMMAND are two ways"),
        ({**WHOLE, "PANTAVISOR_EFI_LABEL": "db"}, "PANTAVISOR_EFI_LABEL is set without its certificate"),
        ({"PANTAVISOR_EFI_KEY": "/e"}, "is set without its certificate (hint: set PANTAVISOR_EFI_CERT)"),
    ],
)
def test_what_is_not_named_whole_or_twice_skips_the_recipe(variables: dict[str, str], words: str) -> None:
    with pytest.raises(bb.parse.SkipRecipe) as caught:
        pvbb.signing.check(data(**variables))
    assert words in str(caught.value)


def test_a_job_has_the_one_way_of_each_key() -> None:
    d = data(**WHOLE, PVS_BOOT_LABEL="boot", PVS_BOOT_CERT="/b.crt", PANTAVISOR_EFI_COMMAND="sign it",
             PANTAVISOR_EFI_CERT="/e.crt")  # fmt: skip
    pvbb.signing.check(d)
    token = {"key": None, "command": None, "module": "/m.so", "token": "t"}
    assert STATE.job(d) == {**token, "x5c": "/x", "label": "states"}
    assert BOOT.job(d) == {**token, "x5c": "/b.crt", "label": "boot"}
    assert EFI.options(d) == ["--x5c=/e.crt", "--command=sign it"]
    assert BOOT.options(d) == ["--x5c=/b.crt", "--pkcs11=/m.so", "--token=t", "--label=boot"]


@pytest.mark.parametrize("state", [{}, {"PVS_COMMAND": "sign it"}])
def test_a_token_may_have_the_boot_key_alone(state: dict[str, str]) -> None:
    """The state key is in a file, or behind a program."""
    d = data(**TOKEN, **state, PVS_BOOT_LABEL="boot", PVS_BOOT_CERT="/b.crt")
    pvbb.signing.check(d)
    assert BOOT.job(d) == {
        "key": None, "command": None, "module": "/m.so", "token": "t", "x5c": "/b.crt", "label": "boot",
    }  # fmt: skip
    assert STATE.options(d) == (["--x5c=/x", "--command=sign it"] if state else ["--key=/k", "--x5c=/x"])


def test_a_boot_key_in_a_file_needs_no_certificate() -> None:
    d = data(PVS_BOOT_KEY="/b", PVS_BOOT_CERT="/x")
    assert BOOT.options(d) == ["--key=/b"] and STATE.options(d) == ["--key=/k", "--x5c=/x"]
    assert EFI.job(d) is None and pvbb.signing.boot_checksums(d) == "/b:True"
    assert BOOT.job(data(PVS_BOOT_KEY="")) is None and pvbb.signing.boot_checksums(data()) == ""


def test_of_a_key_that_is_elsewhere_its_certificate_must_exist(tmp_path: Path) -> None:
    d = data(**WHOLE, PVS_FILES="PVS_KEY PVS_X5C PVS_BOOT_KEY", PVS_BOOT_LABEL="boot", PVS_SIGN="1",
             PVS_BOOT_CERT=f"{tmp_path}/boot.crt", PVS_KEY_DIR="/keys", PVS_X5C=__file__)  # fmt: skip
    assert pvbb.signing.files(d) == [("PVS_X5C", __file__), ("PVS_BOOT_CERT", f"{tmp_path}/boot.crt")]
    with pytest.raises(bb.parse.SkipRecipe, match="PVS_BOOT_CERT is .*boot.crt, which does not exist"):
        pvbb.tool.require_keys(d)
    (tmp_path / "boot.crt").touch()
    pvbb.tool.require_keys(d)


@pytest.mark.parametrize(("elsewhere", "network"), [({}, None), (WHOLE, "1")])
def test_only_what_signs_elsewhere_reaches_the_network(elsewhere: dict[str, str], network: Any) -> None:
    d = data(**elsewhere)
    d.setVar("__BBTASKS", ["do_efi_sign", "do_fetch"])
    pvbb.signing.check(d)
    assert d.getVarFlag("do_efi_sign", "network") == network and not d.getVarFlag("do_fetch", "network")
