# SPDX-License-Identifier: MIT
"""pvr sig and keys from the user's chair."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import threading
from pathlib import Path

import pytest
from pantavisor import cli, keys, pvs
from pantavisor.cli.trust import signers_of
from pantavisor.repo import Repository
from sim import tools
from sim.pvr_command import WEB, PvrCommand, begin, write


@pytest.fixture
def pvr(capsys: pytest.CaptureFixture[str]) -> PvrCommand:
    return PvrCommand(capsys)


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pvr: PvrCommand) -> Path:
    """A repository whose committed state has a container, and the current directory there."""
    root = begin(pvr, monkeypatch, tmp_path / "work", WEB)
    pvr("add")
    pvr("commit")
    return root


@pytest.fixture(scope="session")
def keyring(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("keyring") / "keys"
    keys.generate(folder, common_name="test", algorithm="ES256", days=9)
    return folder


def sig(keyring: Path) -> list[str]:
    return [
        "sig", "--key", str(keyring / "key.pem"), "--x5c", str(keyring / "x5c.pem"), "--cacerts",
        str(keyring / "ca.crt"),
    ]  # fmt: skip


def test_generated_keys_sign_verify_and_list(pvr: PvrCommand, work: Path, tmp_path: Path) -> None:
    folder = tmp_path / "pvs-keys"
    said = pvr.both("keys", "generate", str(folder), "--algorithm", "ES256", "--common-name", "someone")[1]
    assert "keep key.pem and ca.key.pem secret" in said
    assert (folder / "key.pem").stat().st_mode & 0o077 == 0
    said = pvr.both("keys", "generate", str(folder), status=2)[1]
    assert str(folder) in said
    before = (folder / "key.pem").read_bytes()
    assert pvr.both("keys", "generate", str(folder), "--if-missing") == ("", "")
    assert (folder / "key.pem").read_bytes() == before
    assert pvr.both(*sig(folder), "add", "--part", "web")[1].startswith("_sigs/web.json is signed")
    found = json.loads(pvr(*sig(folder), "ls", "--json"))
    assert found["protected"] == ["web/root.squashfs", "web/run.json"]
    assert set(found["notseen"]) == {"#spec", "README.md"}
    rows = pvr(*sig(folder), "ls").splitlines()
    assert rows[0].split() == ["coverage", "path"] and ["unseen", "README.md"] in [
        row.split() for row in rows
    ]


@pytest.mark.parametrize("algorithm", pvs.ALGORITHMS)
def test_every_algorithm_that_signs_has_keys(
    pvr: PvrCommand, work: Path, tmp_path: Path, algorithm: str
) -> None:
    folder = tmp_path / "keys"
    pvr("keys", "generate", str(folder), "--algorithm", algorithm)
    pvr(*sig(folder), "add", "--part", "web")
    assert json.loads(pvr(*sig(folder), "ls", "--json"))["protected"]


def test_a_commit_meanwhile_does_not_lose_the_signature(pvr: PvrCommand, work: Path, keyring: Path) -> None:
    ended = threading.Event()

    def commit() -> None:
        while not ended.is_set():
            Repository(work).commit()

    beside = threading.Thread(target=commit)
    beside.start()
    try:
        for _ in range(12):
            pvr("-q", *sig(keyring), "add", "--part", "web")
            assert "_sigs/web.json" in Repository(work).commit()
            (work / "_sigs/web.json").unlink()
            Repository(work).commit()
    finally:
        ended.set()
        beside.join()


def test_a_signature_that_was_removed_is_missed(
    pvr: PvrCommand, work: Path, keyring: Path, tmp_path: Path
) -> None:
    """The parts of an export are its content.

    Taking a signature out must not make it pass where roots are given.
    """
    trust = ["--trust", str(keyring / "ca.crt")]
    pvr(*sig(keyring), "add", "--part", "web")
    assert "[signature" not in pvr.both("verify", ".", *trust, status=2)[1]
    (work / "_sigs/web.json").unlink()
    write(work, {"web/root.squashfs": "evil"})
    pvr("commit")
    assert (
        "web/root.squashfs: no signature covers it [signature-coverage]"
        in pvr.both("verify", ".", *trust, status=2)[1]
    )
    assert "[signature" not in pvr.both("verify", ".", *trust, "--allow-unsigned", status=2)[1]
    assert "not allowed with" in _refused(pvr, "verify", ".", *trust, "--allow-unsigned", "--strict")
    out, said = pvr.both(*sig(keyring), "ls", status=2)
    assert (
        "unseen    web/run.json" in out and "no signature covers web/root.squashfs, web/run.json\n" in said
    )
    assert out == pvr(*sig(keyring), "ls", "--allow-unsigned")


def _refused(pvr: PvrCommand, *words: str) -> str:
    pvr._capsys.readouterr()
    with pytest.raises(SystemExit):
        cli.main(list(words))
    return pvr._capsys.readouterr().err


def test_strict_refuses_what_nothing_signs(pvr: PvrCommand, work: Path, keyring: Path) -> None:
    pvr(*sig(keyring), "add", "--part", "web")
    out, said = pvr.both(*sig(keyring), "ls", "--strict", status=2)
    assert (
        out == ""
        and "not fully covered by signatures: #spec, README.md\n" in said
        and "hint: sign the part" in said
    )


def public_key(key: Path, target: Path) -> Path:
    tools.need("openssl", package="openssl")
    subprocess.run(["openssl", "pkey", "-in", key, "-pubout", "-out", target], check=True)
    return target


def complains(pvr: PvrCommand, *options: str) -> bool:
    """Whether pvr verify finds fault with a signature; with these tests' containers it always does."""
    return "[signature]" in pvr.both("verify", *options, ".", status=2)[1]


def test_public_keys_are_enough_to_check(
    pvr: PvrCommand, work: Path, keyring: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = public_key(keyring / "key.pem", tmp_path / "own.pem")
    pvr("keys", "generate", str(tmp_path / "others"), "--algorithm", "ES256")
    foreign = public_key(tmp_path / "others/key.pem", tmp_path / "foreign.pem")
    both = tmp_path / "both.pem"
    both.write_bytes(foreign.read_bytes() + own.read_bytes())
    pvr(*sig(keyring), "add", "--part", "web")
    for good in (own, both):
        assert "protected  web/run.json" in pvr("sig", "--pubkey", str(good), "ls")
        assert not complains(pvr, "--pubkey", str(good))
    assert "does not match" in pvr.both("sig", "--pubkey", str(foreign), "ls", status=2)[1]
    assert complains(pvr, "--pubkey", str(foreign))
    said = pvr.both("sig", "--pubkey", str(keyring / "ca.crt"), "ls", status=2)[1]
    assert "ca.crt holds no public key" in said and "hint: run: openssl pkey" in said
    monkeypatch.setenv("PVR_SIG_PUBKEY", str(own))
    pvr("sig", "ls")
    assert not complains(pvr)
    monkeypatch.setenv("PVR_SIG_PUBKEY", str(foreign))
    pvr.both("sig", "ls", status=2)
    assert complains(pvr)
    # What is said on the command line counts alone.
    assert not complains(pvr, "--trust", str(keyring / "ca.crt"))
    pvr("sig", "--cacerts", str(keyring / "ca.crt"), "ls")


def test_a_changed_path_is_named(pvr: PvrCommand, work: Path, keyring: Path) -> None:
    pvr(*sig(keyring), "add", "--part", "web")
    write(work, {"web/root.squashfs": "evil"})
    pvr("commit")
    assert "web" in pvr.both(*sig(keyring), "ls", status=2)[1]
    pvr(*sig(keyring), "update")
    pvr(*sig(keyring), "ls")


def test_a_key_that_is_in_the_state_does_not_sign(pvr: PvrCommand, work: Path, keyring: Path) -> None:
    """A recipient of the export would get the key with it."""
    write(work, {"certs/mine.pem": (keyring / "key.pem").read_text()})
    pvr("add")
    pvr("commit")
    before = (work / ".pvr/json").read_bytes()
    said = pvr.both(*sig(keyring), "add", "--part", "web", status=2)[1]
    assert "certs/mine.pem" in said and "PRIVATE KEY" not in said
    assert (work / ".pvr/json").read_bytes() == before
    (work / "certs/mine.pem").unlink()
    pvr("commit")
    pvr(*sig(keyring), "add", "--part", "web")


def test_signing_an_unknown_part_gets_a_hint_and_changes_nothing(
    pvr: PvrCommand, work: Path, keyring: Path
) -> None:
    before = (work / ".pvr/json").read_bytes()
    said = pvr.both(*sig(keyring), "add", "--part", "wep", status=2)[1]
    assert said == 'pvr: unknown part "wep"\n  hint: use "web"\n'
    assert (work / ".pvr/json").read_bytes() == before and not (work / "_sigs").exists()


def test_a_part_that_is_not_committed_is_named_so(pvr: PvrCommand, work: Path, keyring: Path) -> None:
    write(work, {"fresh/run.json": '{"name": "fresh", "group": "app"}'})
    said = pvr.both(*sig(keyring), "add", "--part", "fresh", status=2)[1]
    assert said == "pvr: fresh is not committed yet\n  hint: run: pvr add && pvr commit\n"


def test_what_differs_in_the_working_tree_is_not_signed_in_silence(
    pvr: PvrCommand, work: Path, keyring: Path
) -> None:
    write(work, {"README.md": "of no part", "web/root.squashfs": "newer"})
    for words in (["add", "--part", "web"], ["update"], ["set"]):
        said = pvr.both(*sig(keyring), *words)[1]
        named = "the working tree differs in web/root.squashfs: run: pvr add && pvr commit, then sign again"
        assert (named in said) == (words != ["set"]), words
    pvr("commit")
    assert "differs" not in pvr.both(*sig(keyring), "update")[1]


def test_the_parts_that_are_offered_can_be_signed(pvr: PvrCommand, work: Path, keyring: Path) -> None:
    pvr(*sig(keyring), "add", "--part", "web")
    pvr(*sig(keyring), "set")
    assert "hint: use one of: web\n" in pvr.both(*sig(keyring), "add", "--part", "bsp", status=2)[1]


def test_a_missing_key_is_made_only_where_no_keys_are(pvr: PvrCommand, work: Path, keyring: Path) -> None:
    there = pvr.both("sig", "--key", str(keyring / "kye.pem"), "add", "--part", "web", status=2)[1]
    assert "kye.pem does not exist\n  hint: check the spelling" in there
    folder = pvr.both("sig", "--key", str(keyring), "add", "--part", "web", status=2)[1]
    assert folder == f"pvr: {keyring} is not a file\n  hint: name the PEM file\n"
    assert "run: pvr keys generate pvs-keys;" in pvr.both("sig", "add", "--part", "web", status=2)[1]


def test_roots_without_a_certificate_are_the_mistake_themselves(
    pvr: PvrCommand, work: Path, keyring: Path
) -> None:
    pvr(*sig(keyring), "add", "--part", "web")
    for words in (["verify", ".", "--trust"], ["sig", "ls", "--cacerts"]):
        said = pvr.both(*words, str(keyring / "key.pem"), status=2)[1]
        assert said.startswith(
            f"pvr: {keyring / 'key.pem'} holds no certificate in PEM form\n  hint: use a root"
        ), said


def test_patterns_that_devices_misread_are_refused(pvr: PvrCommand, work: Path, keyring: Path) -> None:
    before = (work / ".pvr/json").read_bytes()
    for pattern in ("{a,b}/**", "x/**/y", "[ab]", "**/src.json"):
        for option in ("--include", "--exclude"):
            said = pvr.both(*sig(keyring), "add", "--part", "web", option, pattern, status=2)[1]
            assert "is not safe to sign by\n  hint: use exact paths" in said, (option, pattern)
    assert "not safe" in pvr.both(*sig(keyring), "add", "--raw", "web", "--include", "**", status=2)[1]
    assert (work / ".pvr/json").read_bytes() == before


def test_missing_keys_are_reported_with_their_path(pvr: PvrCommand, work: Path, keyring: Path) -> None:
    pvr(*sig(keyring), "add", "--part", "web")
    for words in (["sig", "add", "--part", "web"], ["sig", "update"], ["sig", "ls"]):
        assert "pvs-keys" in pvr.both(*words, status=2)[1], words


def test_keys_are_found_by_the_published_variables(
    pvr: PvrCommand, work: Path, keyring: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(work, {"_config/web/etc/x": "x"})
    pvr("add")
    pvr("commit")
    for variable, name in (
        ("PVR_SIG_KEY", "key.pem"),
        ("PVR_X5C_PATH", "x5c.pem"),
        ("PVR_SIG_CACERTS", "ca.crt"),
    ):
        monkeypatch.setenv(variable, str(keyring / name))
    pvr("sig", "add", "--part", "web", "--noconfig")
    out, said = pvr.both("sig", "ls", "--json", status=2)
    assert "no signature covers _config/web/etc/x" in said
    found = json.loads(out)
    assert json.loads(pvr("sig", "ls", "--json", "--allow-unsigned")) == found
    assert "_config/web/etc/x" in found["notseen"] and "web/run.json" in found["protected"]
    pvr("sig", "add", "--part", "web")
    assert "_config/web/etc/x" in json.loads(pvr("sig", "ls", "--json"))["protected"]


def test_verify_reports_as_json_even_what_it_finds(pvr: PvrCommand, work: Path, keyring: Path) -> None:
    pvr("add")
    pvr("commit")
    trust = ["--trust", str(keyring / "ca.crt"), "--json"]
    out, said = pvr.both("verify", ".", *trust, "--strict", status=2)
    assert json.loads(out) and said.startswith("pvr: ")


# Names and readings of the published tool


def selection(root: Path, name: str = "web") -> tuple[list[str], list[str]]:
    """Include and exclude of the committed signature, read without our code."""
    protected = json.loads((root / ".pvr/json").read_text())[f"_sigs/{name}.json"]["protected"]
    header = json.loads(base64.urlsafe_b64decode(protected + "=" * (-len(protected) % 4)))
    return header["pvs"]["include"], header["pvs"]["exclude"]


SIG, CONFIG = "_sigs/web.json", "_config/web/**"


@pytest.mark.parametrize(
    "words, include, exclude",
    [
        (["--part", "web"], ["web/**", CONFIG], ["web/src.json", SIG]),
        (["--part", "web", "--noconfig"], ["web/**"], ["web/src.json", SIG]),
        (["--part", "web", "--include", "**"], ["web/**", CONFIG], ["web/src.json", SIG]),
        (["--part", "web", "--include", "run.json", "--include", "*.squashfs", "-n"],
         ["web/run.json", "web/*.squashfs"], ["web/src.json", SIG]),
        (["--part", "web", "--exclude", "*.squashfs"], ["web/**", CONFIG], ["web/*.squashfs", SIG]),
        (["--raw", "web", "--include", "#spec", "--include", "*.md"], ["#spec", "*.md"], [SIG]),
        (["--raw", "web", "--include", "#spec", "--exclude", "__displaced__"], ["#spec"],
         ["__displaced__", SIG]),
    ],
)  # fmt: skip
def test_options_select_as_in_the_published_tool(
    pvr: PvrCommand, work: Path, keyring: Path, words: list[str], include: list[str], exclude: list[str]
) -> None:
    pvr(*sig(keyring), "add", *words)
    assert selection(work) == (include, exclude)
    pvr(*sig(keyring), "ls", "--allow-unsigned")


def test_the_bsp_keeps_what_belongs_to_the_device(pvr: PvrCommand, work: Path, keyring: Path) -> None:
    write(work, {"bsp/run.json": "{}", "bsp/build.json": "{}", "bsp/kernel.img": "k", "device.json": "{}"})
    pvr("add")
    pvr("commit")
    pvr(*sig(keyring), "add", "--part", "bsp", "--exclude", "build.json")
    assert selection(work, "bsp") == (
        ["bsp/**", "device.json", "#spec"],
        ["bsp/build.json", "_sigs/bsp.json"],
    )
    pvr(*sig(keyring), "add", "--part", "bsp", "--include", "kernel.img")
    assert selection(work, "bsp") == (
        ["bsp/kernel.img", "device.json", "#spec"],
        ["bsp/src.json", "_sigs/bsp.json"],
    )


def test_raw_wants_patterns(pvr: PvrCommand, work: Path, keyring: Path) -> None:
    said = pvr.both(*sig(keyring), "add", "--raw", "everything", status=2)[1]
    assert "needs patterns\n  hint: use --include PATTERN" in said


def test_a_pattern_without_effect_gets_a_warning(pvr: PvrCommand, work: Path, keyring: Path) -> None:
    said = pvr.both(
        *sig(keyring), "add", "--part", "web", "--include", "run.json", "--include", "web/root.squashfs"
    )[1]
    assert (
        'warning: no committed path matches "web/web/root.squashfs"' in said
        and '"web/run.json"' not in said
    )


def test_key_options_stand_before_the_verb_or_behind_it(pvr: PvrCommand, work: Path, keyring: Path) -> None:
    key, chain, roots = (str(keyring / name) for name in ("key.pem", "x5c.pem", "ca.crt"))
    pvr("sig", "add", "--part", "web", "--key", key, "--x5c", chain)
    signed = (work / ".pvr/json").read_bytes()
    pvr("sig", "--key", key, "add", "--x5c", chain, "--part", "web")
    pvr("sig", "--key", key, "--x5c", chain, "up")
    pvr("sig", "up", "--key", key, "--x5c", chain)
    assert (work / ".pvr/json").read_bytes() == signed
    assert pvr("sig", "--cacerts", roots, "ls") == pvr("sig", "ls", "--cacerts", roots)


def test_one_signature_of_several(pvr: PvrCommand, work: Path, keyring: Path) -> None:
    pvr(*sig(keyring), "add", "--part", "web")
    pvr(*sig(keyring), "add", "--raw", "docs", "--include", "README.md")
    found = json.loads(pvr(*sig(keyring), "ls", "docs", "--json"))
    assert found["protected"] == ["README.md"] and "web/run.json" in found["notseen"]
    assert (
        json.loads(pvr(*sig(keyring), "ls", "--json", "_sigs/web.json"))["protected"][0]
        == "web/root.squashfs"
    )
    write(work, {"web/root.squashfs": "changed", "README.md": "changed"})
    pvr("commit")
    before = json.loads((work / ".pvr/json").read_text())
    pvr(*sig(keyring), "up", "web")
    after = json.loads((work / ".pvr/json").read_text())
    assert {path for path in after if after[path] != before[path]} == {"_sigs/web.json"}
    pvr(*sig(keyring), "ls", "web")
    assert "signature _sigs/docs.json does not match" in pvr.both(*sig(keyring), "ls", status=2)[1]
    pvr(*sig(keyring), "update", "_sigs/docs.json")
    pvr(*sig(keyring), "ls")
    for verb in ("update", "ls"):
        assert (
            'unknown signature "wep"\n  hint: use "web"'
            in pvr.both(*sig(keyring), verb, "wep", status=2)[1]
        )


def test_signatures_themselves_are_shown(pvr: PvrCommand, work: Path, keyring: Path) -> None:
    pvr(*sig(keyring), "add", "--part", "web")
    committed = json.loads((work / ".pvr/json").read_text())["_sigs/web.json"]
    assert json.loads(pvr(*sig(keyring), "ls", "--with-sigs", "--json"))["signatures"] == {
        "_sigs/web.json": committed
    }
    last = pvr(*sig(keyring), "ls", "--with-sigs").splitlines()[-1]
    assert last.startswith("_sigs/web.json ") and json.loads(last.partition(" ")[2]) == committed


def test_a_signature_without_certificates(
    pvr: PvrCommand, work: Path, keyring: Path, tmp_path: Path
) -> None:
    own = public_key(keyring / "key.pem", tmp_path / "own.pem")
    pvr("sig", "add", "--key", str(keyring / "key.pem"), "--x5c", "no", "--part", "web")
    pvr("sig", "ls", "--pubkey", str(own))
    said = pvr.both("sig", "add", "--command", "signer", "--x5c", "no", "--part", "web", status=2)[1]
    assert "which key signs\n  hint: use --x5c PEM" in said


def test_signing_elsewhere(pvr: PvrCommand, work: Path, keyring: Path, tmp_path: Path) -> None:
    tools.need("openssl", package="openssl")
    request, signature, chain = tmp_path / "request", tmp_path / "signature", str(keyring / "x5c.pem")
    words = ["--raw", "docs", "--include", "README.md", "--algorithm", "ES256"]
    said = pvr.both("sig", "request", *words, "--x5c", chain, str(request))[1]
    assert said.endswith(f"with ES256, then: pvr sig attach --raw docs {request} SIGNATURE\n")
    subprocess.run(
        ["openssl", "dgst", "-sha256", "-sign", keyring / "key.pem", "-out", signature, request], check=True
    )
    pvr("sig", "attach", "--raw", "docs", str(request), str(signature))
    assert json.loads(pvr(*sig(keyring), "ls", "docs", "--json"))["protected"] == ["README.md"]


@pytest.mark.parametrize(
    "words, sentence",
    [
        (["update"], "the committed state has no signature"),
        (
            ["add", "--part", "web", "--key", "key.pem", "--command", "x"],
            "--key and --command are two ways to sign",
        ),
        (["add", "--part", "web", "--command", "sign 'it"], "has an unclosed quote"),
        (["add", "--part", "web", "--key", "no/such.pem"], "no/such.pem"),
        (["attach", "--part", "web", "no.request", "no.signature"], "no.request: No such file"),
        (["attach", "--raw", "", "README.md", "README.md"], "a signature needs a name"),
        (["attach", "--part", "web", "README.md", "/dev/zero"], "/dev/zero is not a regular file"),
        (["attach", "--part", "web", "/dev/zero", "README.md"], "/dev/zero is not a regular file"),
        (["add", "--part", "web", "--command", " ", "--x5c", "KEYS/x5c.pem"], "--command names no program"),
        (["add", "--part", "web", "--command", "", "--x5c", "KEYS/x5c.pem"], "--command names no program"),
        (
            ["add", "--part", "web", "--pkcs11", "x.so", "--token", "t"],
            "use --token LABEL and --label LABEL",
        ),
    ],
)
def test_mistakes_at_signing(
    pvr: PvrCommand, work: Path, keyring: Path, monkeypatch: pytest.MonkeyPatch, words: list[str],
    sentence: str,
) -> None:  # fmt: skip
    monkeypatch.setenv("PVR_PKCS11_PIN", "1234")
    words = [word.replace("KEYS", str(keyring)) for word in words]
    assert sentence in pvr.both("sig", *words, status=2)[1]


def test_a_signature_that_covers_the_new_one_gets_a_warning(
    pvr: PvrCommand, work: Path, keyring: Path
) -> None:
    pvr(*sig(keyring), "add", "--part", "web")
    assert "warning" not in pvr.both(*sig(keyring), "add", "--raw", "all", "--include", "*/*")[1]
    said = pvr.both(*sig(keyring), "add", "--part", "web", "--exclude", "run.json")[1]
    assert "_sigs/all.json covers what was signed now" in said and "pvr sig update all" in said
    pvr("-q", *sig(keyring), "update", "all")
    pvr(*sig(keyring), "ls")


def test_the_set_of_signatures_is_signed_with_a_rising_number(
    pvr: PvrCommand, work: Path, keyring: Path
) -> None:
    assert "has no signature" in pvr.both(*sig(keyring), "set", status=2)[1]
    pvr(*sig(keyring), "add", "--part", "web")
    assert "no set signature" in pvr.both(*sig(keyring), "ls", "--set", status=2)[1]
    said = pvr.both(*sig(keyring), "set")[1]
    assert "_sigs/_set.json is signed and committed" in said and "release 1" in said
    assert "as release 1" in pvr.both(*sig(keyring), "ls", "--set")[1]
    assert json.loads(pvr(*sig(keyring), "ls", "--json"))["release"] == 1
    pvr(*sig(keyring), "set", "--release", "7")
    assert "use a higher number" in pvr.both(*sig(keyring), "set", "--release", "6", status=2)[1]
    pvr(*sig(keyring), "set")
    assert json.loads(pvr(*sig(keyring), "ls", "--json"))["release"] == 8


def test_a_part_signed_anew_asks_for_its_set(pvr: PvrCommand, work: Path, keyring: Path) -> None:
    pvr(*sig(keyring), "add", "--part", "web")
    pvr(*sig(keyring), "set")
    write(work, {"web/run.json": '{"name": "web", "group": "root"}'})
    pvr("commit")
    said = pvr.both(*sig(keyring), "update", "web")[1]
    assert "_sigs/_set.json covers what was signed now" in said and "pvr sig update _set" in said
    assert "_sigs/_set.json" in pvr.both(*sig(keyring), "ls", status=2)[1]
    pvr(*sig(keyring), "update", "_set")
    assert json.loads(pvr(*sig(keyring), "ls", "--json"))["release"] == 1


def test_the_set_is_signed_elsewhere_too(
    pvr: PvrCommand, work: Path, keyring: Path, tmp_path: Path
) -> None:
    pvr(*sig(keyring), "add", "--part", "web")
    request, signature = tmp_path / "request", tmp_path / "signature"
    pvr("sig", "request", "--set", "--release", "3", "--x5c", str(keyring / "x5c.pem"), str(request))
    signer = keys.PemSigner.load(keyring / "key.pem", keyring / "x5c.pem")
    signature.write_bytes(signer.sign(request.read_bytes()))
    pvr("sig", "attach", "--set", str(request), str(signature))
    assert json.loads(pvr(*sig(keyring), "ls", "--set", "--json"))["release"] == 3


def piped(content: bytes) -> str:
    """As a shell's ``<(program)``, without a file that lies about."""
    reading, writing = os.pipe()
    os.write(writing, content)
    os.close(writing)
    return f"/dev/fd/{reading}"


def test_a_signature_and_a_table_may_come_through_a_pipe(
    pvr: PvrCommand, work: Path, keyring: Path, tmp_path: Path
) -> None:
    request = tmp_path / "request"
    pvr("sig", "request", "--part", "web", "--x5c", str(keyring / "x5c.pem"), str(request))
    signer = keys.PemSigner.load(keyring / "key.pem", keyring / "x5c.pem")
    signature = piped(signer.sign(request.read_bytes()))
    pvr("sig", "attach", "--part", "web", str(request), signature)
    table = b'{"#spec": "pantavisor-signers@1", "signers": [{"name": "test", "may": ["web/**"]}]}'
    assert signers_of(Path(piped(table)), b"") is not None


def test_a_table_is_read_once(work: Path, keyring: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A second time there is nothing left in a pipe."""
    monkeypatch.chdir(work)
    sign = [*sig(keyring), "add", "--part", "web"]
    assert cli.main(sign) == 0
    table = b'{"#spec": "pantavisor-signers@1", "signers": [{"name": "test", "may": ["web/**"]}]}'
    words = [*sig(keyring), "ls", "--allow-unsigned", "--signers", piped(table)]
    assert cli.main(words) == 0


def test_who_may_sign_is_asked_of_the_table(
    pvr: PvrCommand, work: Path, keyring: Path, tmp_path: Path
) -> None:
    pvr(*sig(keyring), "add", "--part", "web")
    table = tmp_path / "signers"
    table.write_text('{"#spec": "pantavisor-signers@1", "signers": [{"name": "test", "may": ["web/**"]}]}')
    pvr(*sig(keyring), "ls", "--signers", str(table))
    table.write_text('{"#spec": "pantavisor-signers@1", "signers": [{"name": "test", "may": ["db/**"]}]}')
    assert "may not sign web/" in pvr.both(*sig(keyring), "ls", "--signers", str(table), status=2)[1]
    assert "add --trust PEM" in pvr.both("verify", str(work), "--signers", str(table), status=2)[1]
    trust = ["--trust", str(keyring / "ca.crt"), "--allow-unsigned"]
    assert (
        "may not sign web/" in pvr.both("verify", str(work), *trust, "--signers", str(table), status=2)[1]
    )


def test_what_reaches_the_device_is_asked_of_the_table(
    pvr: PvrCommand, work: Path, keyring: Path, tmp_path: Path
) -> None:
    """As 'pvr verify' and devices do: who may sign a container may not give it the device."""
    run = '{"name": "web", "group": "app", "config": "lxc.container.conf"}'
    write(work, {"web/run.json": run, "web/lxc.container.conf": "lxc.hook.mount = /bin/sh"})
    pvr("add")
    pvr("commit")
    pvr(*sig(keyring), "add", "--part", "web")
    table = tmp_path / "signers"
    table.write_text('{"#spec": "pantavisor-signers@1", "signers": [{"name": "test", "may": ["web/**"]}]}')
    trust = ["--trust", str(keyring / "ca.crt"), "--allow-unsigned", "--signers", str(table)]
    for words in ([*sig(keyring), "ls", "--signers", str(table)], ["verify", ".", *trust]):
        said = pvr.both(*words, status=2)[1]
        assert "web/lxc.container.conf" in said and "is not signed by one who may sign the bsp" in said, (
            words
        )
        assert "lxc.hook.mount" in said
    table.write_text('{"#spec": "pantavisor-signers@1", "signers": [{"name": "test", "may": "all"}]}')
    pvr(*sig(keyring), "ls", "--signers", str(table))


def test_a_deployment_whose_signature_does_not_match_is_warned_of(
    pvr: PvrCommand, work: Path, keyring: Path, tmp_path: Path
) -> None:
    pvr(*sig(keyring), "add", "--part", "web")
    card = tmp_path / "card/trails"
    assert "refuses" not in pvr.both("deploy", "--commit", str(card / "0"), str(work))[1]
    (work / "web/root.squashfs").write_text("another")
    pvr("add")
    pvr("commit")
    said = pvr.both("deploy", str(card / "locals/next"), str(work))[1]
    assert "warning: a device that verifies refuses it: signature _sigs/web.json does not match" in said


def test_a_release_whose_part_is_exchanged_on_the_card_is_signed_there(
    pvr: PvrCommand, work: Path, keyring: Path, tmp_path: Path
) -> None:
    pvr(*sig(keyring), "add", "--part", "web")
    pvr(*sig(keyring), "set", "--release", "4")
    card, newer = tmp_path / "card/trails", tmp_path / "newer.tgz"
    pvr("deploy", "--commit", str(card / "0"), str(work))
    (work / "web/root.squashfs").write_text("another")
    pvr("add")
    pvr("commit")
    pvr(*sig(keyring), "update", "web")
    pvr("export", "--parts", "web", str(newer))
    sources = [str(card / "0"), str(newer)]
    said = pvr.both("deploy", str(card / "locals/one"), *sources)[1]
    assert "refuses it: signature _sigs/_set.json does not match" in said
    assert "; add --set and the key of the release" in said
    key = sig(keyring)[1:5]
    said = pvr.both("deploy", "--set", *key, str(card / "locals/two"), *sources)[1]
    assert "refuses" not in said
    made = Repository(card / "locals/two").state
    found = pvs.check_set(made, pvs.signatures(made))
    assert found is not None and found.release == 5
    assert "is release 4 already" in refused(pvr, card, sources, "--set", "--release", "3", *key)
    for words in (["--release", "9"], key[:2], key[2:], ["--command", "signer"]):
        assert "add --set" in refused(pvr, card, sources, *words)
    assert not (card / "locals/three").exists()


def test_a_release_on_the_card_is_newer_than_the_one_that_the_device_committed(
    pvr: PvrCommand, work: Path, keyring: Path, tmp_path: Path
) -> None:
    pvr(*sig(keyring), "add", "--part", "web")
    card, whole, key = tmp_path / "card/trails", tmp_path / "whole.tgz", sig(keyring)[1:5]
    pvr("export", str(whole))
    pvr(*sig(keyring), "set", "--release", "4")
    pvr("deploy", "--commit", str(card / "0"), str(work))
    assert "had release 4 already" in refused(pvr, card, [str(whole)], "--set", "--release", "3", *key)
    said = pvr.both("deploy", str(card / "locals/one"), str(whole))[1]
    assert "refuses it: it has no release, and this one has had 4; add --set and the key of the" in said
    for recorded, expected in ((b"", 5), (b"odd", 5), (b"8\n", 9)):
        (tmp_path / "card/config/release").write_bytes(recorded)
        target = card / f"locals/after{len(recorded)}"
        pvr("deploy", "--set", *key, str(target), str(whole))
        made = Repository(target).state
        found = pvs.check_set(made, pvs.signatures(made))
        assert found is not None and found.release == expected


def test_a_card_whose_committed_revision_is_broken_gets_another(
    pvr: PvrCommand, work: Path, keyring: Path, tmp_path: Path
) -> None:
    card, whole, key = tmp_path / "card/trails", tmp_path / "whole.tgz", sig(keyring)[1:5]
    pvr(*sig(keyring), "add", "--part", "web")
    pvr("export", str(whole))
    pvr("deploy", "--commit", str(card / "0"), str(whole))
    (card / "0/.pvr/json").write_text("{")
    pvr("deploy", str(card / "locals/one"), str(whole))
    pvr("deploy", "--set", *key, str(card / "locals/two"), str(whole))
    (tmp_path / "card/config/release").symlink_to("/dev/null")
    pvr("deploy", str(card / "locals/four"), str(whole))
    assert "is a symbolic link" in refused(pvr, card, [str(whole)], "--set", *key)


def refused(pvr: PvrCommand, card: Path, sources: list[str], *words: str) -> str:
    return pvr.both("deploy", *words, str(card / "locals/three"), *sources, status=2)[1]


def test_a_card_that_is_not_mounted_is_warned_of(pvr: PvrCommand, work: Path, tmp_path: Path) -> None:
    card = tmp_path / "card/trails"
    warning = "had no storage of a device around it, so one begins there"
    assert warning in pvr.both("deploy", str(card / "locals/next"), str(work))[1]
    assert warning not in pvr.both("deploy", str(card / "locals/other"), str(work))[1]
    assert warning not in pvr.both("deploy", "--commit", str(tmp_path / "new/trails/0"), str(work))[1]
