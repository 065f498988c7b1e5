# SPDX-License-Identifier: MIT
"""The quickstart's core: sources, sysroots, deployed files, hashes and cleaning, by real builds."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from conftest import CORE, Build

ORDER = [
    "do_fetch", "do_unpack", "do_patch", "do_configure", "do_speak", "do_compile", "do_install",
    "do_deploy",
]  # fmt: skip


@pytest.fixture(scope="module")
def built(build: Build) -> Build:
    build.run("hello", "greeter", "deployed", "probe-meson").succeeded()
    return build


def test_tasks_run_in_the_order_of_openembedded_core(built: Build) -> None:
    ran = built.ran("hello")
    # Both follow do_compile; which of the two comes first is the scheduler's choice.
    free = {"do_install", "do_deploy"}
    assert [task for task in ran if task in ORDER and task not in free] == [
        task for task in ORDER if task not in free
    ]
    assert all(ran.index("do_compile") < ran.index(task) for task in free)
    assert ran.index("do_fetch") < ran.index("do_prepare_recipe_sysroot") < ran.index("do_configure")
    assert ran.index("do_install") < ran.index("do_populate_sysroot")


def test_file_source_is_unpacked_and_patched_in_unpackdir(built: Build) -> None:
    script = built.work("hello") / "sources" / "hello-1.0" / "hello.sh"
    assert script.read_text().splitlines()[-1] == "echo HELLO"


def test_library_function_runs_by_its_dotted_name(built: Build) -> None:
    assert built.deployed("greeting.txt").read_text() == "hello from hello\n"


def test_depends_reaches_the_sysroot_through_others_by_hard_links(built: Build) -> None:
    folder = built.work("greeter") / "sources" / "greeter-1.0"
    assert (folder / "said.txt").read_text() == "HELLO\n"
    assert int((folder / "links.txt").read_text()) > 1
    assert os.readlink(built.work("greeter") / "recipe-sysroot/usr/share/hello/link") == "../../bin/hello"


def test_meson_builds_against_the_sysroot_and_the_program_runs(built: Build) -> None:
    folder = built.work("probe-meson") / "recipe-sysroot/usr/lib/x86_64-linux-gnu"
    done = subprocess.run(
        [built.deployed("answer")],
        env={"LD_LIBRARY_PATH": str(folder)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "42\n"


def test_meson_builds_for_another_machine_in_the_same_build_directory(built: Build) -> None:
    built.run("probe-meson", MACHINE="qemuarm64").succeeded()
    header = built.deployed("answer", "qemuarm64").read_bytes()[:20]
    # e_machine of ELF: 183 is AArch64.
    assert header[:4] == b"\x7fELF" and int.from_bytes(header[18:20], "little") == 183
    assert built.deployed("answer").read_bytes()[18] == 62


def test_second_build_does_nothing(built: Build) -> None:
    before = built.ran("hello")
    result = built.run("hello", "greeter", "deployed", "probe-meson").succeeded()
    assert "didn't need to be rerun and all succeeded" in result.output
    assert built.ran("hello") == before


def test_edited_class_library_source_and_recipe_rebuild_what_they_made(built: Build) -> None:
    replace(built.layer / "classes/probe-deploy.bbclass", '"text"', '"other"')
    replace(built.layer / "lib/probe/words.py", "hello from", "hail from")
    replace(built.layer / "recipes-probe/hello/hello/shout.patch", "+echo HELLO", "+echo HOWDY")
    built.run("hello", "greeter", "deployed").succeeded()
    assert built.deployed("one.txt").read_text() == "other one.txt\n"
    assert built.deployed("greeting.txt").read_text() == "hail from hello\n"
    assert (built.work("greeter") / "sources/greeter-1.0/said.txt").read_text() == "HOWDY\n"


def test_file_that_is_no_longer_deployed_vanishes(built: Build) -> None:
    assert built.deployed("two/two.txt").exists()
    replace(built.layer / "classes/probe-deploy.bbclass", "one.txt two/two.txt", "one.txt three.txt")
    built.run("deployed").succeeded()
    assert not built.deployed("two").exists()
    assert built.deployed("three.txt").exists() and built.deployed("one.txt").exists()


def test_file_of_another_recipe_is_not_overwritten(built: Build) -> None:
    result = built.run("deployed-thief").failed()
    assert "one.txt is already deployed by deployed" in result.output
    assert "bitbake -c clean deployed" in result.output


def test_changed_licence_stops_the_build_with_the_line_to_read(built: Build) -> None:
    path = built.layer / "recipes-probe/hello/hello/hello-1.0/COPYING"
    path.write_text("other")
    result = built.run("hello").failed()
    path.write_text("hello")
    assert "is not the licence of LIC_FILES_CHKSUM" in result.output
    assert "file://COPYING;md5=795f3202b17cb6bc3d4b771d8c6c9eaf" in result.output


def test_patch_that_does_not_apply_stops_the_build(built: Build) -> None:
    path = built.layer / "recipes-probe/hello/hello/hello-1.0/hello.sh"
    usual = path.read_text()
    path.write_text("#!/bin/sh\necho bye\n")
    result = built.run("hello").failed()
    path.write_text(usual)
    assert "shout.patch does not apply" in result.output


def test_cleanall_leaves_nothing_of_a_recipe_and_only_of_it(built: Build) -> None:
    built.run("hello", "deployed").succeeded()
    built.run("-c", "cleanall", "deployed").succeeded()
    assert not built.deployed("one.txt").exists() and built.deployed("greeting.txt").exists()
    assert not list(built.directory.glob("tmp/stamps/*/deployed/*do_deploy*"))
    assert not list(built.directory.glob("tmp/work/*/deployed/*/image"))
    built.run("deployed").succeeded()
    assert built.deployed("one.txt").exists()


def test_two_build_directories_agree_on_every_hash(built: Build, tmp_path: Path) -> None:
    other = Build.make(tmp_path)
    for name in ("classes", "lib", "recipes-probe"):
        subprocess.run(["cp", "-rT", built.layer / name, other.layer / name], check=True)
    recipes = ("hello", "greeter", "deployed", "probe-meson", "surroundings")
    built.run("-S", "none", *recipes)
    other.run("-S", "none", *recipes)
    assert stamps(other) and stamps(other) <= stamps(built)


def stamps(build: Build) -> set[str]:
    root = build.directory / "tmp" / "stamps"
    return {str(path.relative_to(root)) for path in root.rglob("*.sigdata.*")}


def test_unknown_machine_is_named(build: Build) -> None:
    result = build.run("-p", MACHINE="toaster")
    assert result.status == 1 and "conf/machine/toaster.conf" in result.output


def replace(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text, path
    path.write_text(text.replace(old, new))


def test_sourcing_the_environment_twice_changes_nothing(tmp_path: Path) -> None:
    command = (
        '. "$0" "$1" && . "$0" "$1" && pwd && printf "%s\\n" "$PATH" | tr : "\\n" | grep -c bitbake/bin'
    )
    done = subprocess.run(
        ["bash", "-c", command, CORE / "oe-init-build-env", tmp_path / "b"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == [str(tmp_path / "b"), "1"]
