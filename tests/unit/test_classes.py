# SPDX-License-Identifier: MIT
"""The layer's classes keep their promises: documented variables, defaults, and hashes that know what a job
reads.
"""

import ast
import re
from pathlib import Path

import pytest

LAYER = Path(__file__).resolve().parents[2] / "meta-pantavisor"
CLASSES = {path.stem: path.read_text() for path in (LAYER / "classes").glob("*.bbclass")}
RECIPES = [path.read_text() for path in LAYER.glob("recipes-*/*/*.bb")]
# Set for every recipe by the build itself, or places, which must not change a hash.
OUTSIDE = {"B", "T", "PN", "MACHINE", "UNPACKDIR", "WORKDIR", "DEPLOY_DIR_IMAGE", "PVR_EXPORT",
           "PVROOT_DEPLOY_DIR", "PVR_OCI_DIR", "PVR_LIBSQUASHFS", "PVS_KEY", "PVS_X5C", "PVS_CA",
           "PVS_COMMAND", "PVS_PKCS11", "PVS_PKCS11_TOKEN", "PVS_PKCS11_LABEL", "IMAGE_LINK_NAME",
           "PVROOT_STORAGE"}  # fmt: skip


@pytest.mark.parametrize("name", sorted(CLASSES))
def test_every_public_variable_has_a_default_and_a_doc(name: str) -> None:
    text = CLASSES[name]
    for variable in re.findall(r"^(\w+) \?\?= ", text, re.MULTILINE):
        if variable in ("EFI_BOOT_IMAGE",):
            continue
        documented = any(f"\n{variable}[doc] = " in other for other in (*CLASSES.values(), *RECIPES))
        assert documented, f"{variable} of {name}.bbclass has no [doc]"


def test_every_documented_variable_is_in_the_list_for_recipes() -> None:
    files = [path for kind in ("*.bbclass", "*.bb", "*.inc", "*.conf") for path in LAYER.rglob(kind)]
    documented = {
        name for path in files for name in re.findall(r"^(\w+)\[doc\] = ", path.read_text(), re.MULTILINE)
    }
    listed = set(re.findall(r"\w+", (LAYER / "docs/RECIPE-API.md").read_text()))
    assert len(documented) > 40 and documented <= listed, documented - listed


@pytest.mark.parametrize("name", sorted(CLASSES))
def test_a_python_task_body_is_one_call_by_full_dotted_name(name: str) -> None:
    for body in re.findall(r"^python \w*\s*\(\)\s*\{\n(.*?)^\}", CLASSES[name], re.MULTILINE | re.DOTALL):
        assert re.fullmatch(r"    pvbb\.\w+\.\w+\(d\)\n", body), body


@pytest.mark.parametrize(
    ("function", "names"),
    [
        ("export_container", "pvr-container"),
        ("export_bsp", "bsp-pvrexport"),
        ("build_root", "pvroot-image pvroot-parts"),
        ("build_storage", "pvroot-parts"),
        ("check_image", "pvroot-wic"),
    ],
)
def test_a_job_reads_only_variables_that_its_task_hash_knows(function: str, names: str) -> None:
    module = "tasks" if function.startswith("export") else "root"
    source = (LAYER / f"lib/pvbb/{module}.py").read_text()
    text = "".join(CLASSES[name] for name in names.split())
    body = re.search(rf"^def {function}\(.*?(?=^def )", source, re.MULTILINE | re.DOTALL)
    assert body
    called = "".join(
        found.group()
        for helper in re.findall(r"(_\w+)\(d", body.group())
        if (found := re.search(rf"^def {helper}\(.*?(?=^def |\Z)", source, re.MULTILINE | re.DOTALL))
    )
    read = set(re.findall(r'"((?:PVR|PVROOT|PVS|IMAGE|SOURCE)_\w+)"', body.group() + called))
    listed = set(" ".join(re.findall(r'\[vardeps\] \+= "([^"]*)"', text)).split())
    assert read - OUTSIDE <= listed


def imported_by_bitbake() -> list[Path]:
    """The modules of which BitBake asks for each function's source."""
    (statement,) = [
        node
        for node in ast.parse((LAYER / "lib/pvbb/__init__.py").read_text()).body
        if isinstance(node, ast.Assign)
    ]
    return [LAYER / f"lib/pvbb/{name}.py" for name in ast.literal_eval(statement.value)]


@pytest.mark.parametrize("path", imported_by_bitbake(), ids=lambda path: path.stem)
def test_no_word_of_typing_is_a_name_at_run_time(path: Path) -> None:
    # Optional and Union can be called, but have no source file: BitBake 2.8 ends with a traceback.
    imports = [node for node in ast.parse(path.read_text()).body if isinstance(node, ast.ImportFrom)]
    names = {name.name for node in imports if node.module == "typing" for name in node.names}
    assert names <= {"TYPE_CHECKING"}
