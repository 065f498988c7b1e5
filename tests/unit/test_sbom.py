# SPDX-License-Identifier: MIT
"""Bills of materials: valid by the schemas of their specifications, whole, and the same bytes again."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pantavisor import cli, inspect, jobs, sbom
from pantavisor.errors import FormatError, NotFound
from pantavisor.packages import purl
from sim import built, roots, tools
from sim import device as sim

CREATED = "2026-01-02T03:04:05Z"
FILES = {
    "etc/os-release": b"ID=debian\nVERSION_ID=12\n",
    "var/lib/dpkg/status": roots.status("bash 5.2-1+b1", "libc6 1:2.36"),
    "opt/node_modules/@a/b/package.json": b'{"name": "@a/b", "version": "1.0.0", "license": "ISC"}',
    "opt/x.dist-info/METADATA": b"Name: Some_Thing.x\nVersion: 2\n",
}


@pytest.fixture(scope="module")
def device(tmp_path_factory: pytest.TempPathFactory) -> sim.Device:
    return sim.make(tmp_path_factory.mktemp("device") / "device")


@pytest.fixture(scope="module")
def target(device: sim.Device, tmp_path_factory: pytest.TempPathFactory) -> Path:
    source = {
        "#spec": "service-manifest-src@1",
        "docker_digest": f"registry.test:5000/team/Web@sha256:{'0' * 64}",
        "docker_platform": "linux/arm64",
        "docker_tag": "1.0",
    }
    state = device.state.with_files({"web/root.squashfs": roots.put(device, FILES), "web/src.json": source})
    path = tmp_path_factory.mktemp("target") / "device.tgz"
    sim.export.write(path, state, device.pool)
    return path


def written(target: Path, form: str) -> dict[str, Any]:
    found = json.loads(sbom.render(target, form, created=CREATED))
    assert isinstance(found, dict)
    return found


def test_cyclonedx_is_valid_by_its_own_schema(target: Path) -> None:
    try:
        from cyclonedx.schema import SchemaVersion
        from cyclonedx.validation.json import JsonStrictValidator
    except ImportError:
        tools.miss("the Python package cyclonedx-python-lib is not installed: run scripts/setup")
    validator = JsonStrictValidator(SchemaVersion.V1_6)
    assert validator.validate_str(json.dumps(written(target, "cyclonedx"))) is None
    broken = {**written(target, "cyclonedx"), "components": [{"name": "of no type"}]}
    assert validator.validate_str(json.dumps(broken)) is not None


def test_spdx_is_valid_by_the_model_of_its_specification(target: Path) -> None:
    try:
        from spdx_python_model import v3_0_1
    except ImportError:
        tools.miss("the Python package spdx-python-model is not installed: run scripts/setup")
    found = v3_0_1.SHACLObjectSet()
    text = sbom.render(target, "spdx", created=CREATED)
    v3_0_1.JSONLDDeserializer().read(io.BytesIO(text), found)
    assert found.link() == set()
    purls = {item.software_packageUrl for item in found.foreach_type("software_Package")} - {None}
    assert {"pkg:npm/%40a/b@1.0.0", "pkg:pypi/some-thing.x@2"} < purls
    (document,) = found.foreach_type("SpdxDocument")
    (bill,) = document.rootElement
    assert [root.name for root in bill.rootElement] == ["device.tgz"]
    with pytest.raises(ValueError, match="not a valid"):
        bent = text.replace(b'"relationshipType": "contains"', b'"relationshipType": "holds"')
        v3_0_1.JSONLDDeserializer().read(io.BytesIO(bent), v3_0_1.SHACLObjectSet())


def test_package_urls_are_those_of_the_reference_implementation(target: Path) -> None:
    try:
        from packageurl import PackageURL
    except ImportError:
        tools.miss("the Python package packageurl-python is not installed: run scripts/setup")
    urls = [
        url for part in written(target, "cyclonedx")["components"]
        for url in (part.get("purl"), *(item.get("purl") for item in part["components"])) if url
    ]  # fmt: skip
    assert len(urls) == 5
    for url in urls:
        assert PackageURL.from_string(url).to_string() == url


def test_both_formats_have_every_file_and_package_of_the_state(target: Path) -> None:
    (revision,) = inspect.inspect(target).revisions
    files = {(file.path, file.digest) for file in revision.files}
    packages = {
        (item.name, item.version, purl(item, part.inventory.distribution))
        for part in revision.parts
        if part.inventory
        for item in part.inventory.packages
    }
    assert len(packages) == 4
    parts = {part["name"]: part for part in written(target, "cyclonedx")["components"]}
    assert set(parts) == {"bsp", "safe", "web", "device"}
    inside = [item for part in parts.values() for item in part["components"]]
    assert {
        (item["name"], item["hashes"][0]["content"]) for item in inside if item["type"] == "file"
    } == files
    assert {
        (item["name"], item["version"], item["purl"]) for item in inside if item["type"] == "library"
    } == packages
    graph = written(target, "spdx")["@graph"]
    assert {
        (item["name"], item["verifiedUsing"][0]["hashValue"])
        for item in graph
        if item["type"] == "software_File"
    } == files
    listed = [item for item in graph if "/package/" in item.get("spdxId", "")]
    assert {
        (item["name"], item["software_packageVersion"], item["software_packageUrl"]) for item in listed
    } == packages


def test_each_element_is_named_once_and_is_in_something(target: Path) -> None:
    graph = written(target, "spdx")["@graph"]
    identifiers = [item["spdxId"] for item in graph if "spdxId" in item]
    assert len(identifiers) == len(set(identifiers))
    contained = [name for item in graph if item["type"] == "Relationship" for name in item["to"]]
    assert len(contained) == len(set(contained))
    things = {item["spdxId"] for item in graph if item["type"] in ("software_File", "software_Package")}
    assert things - set(contained) == {item["spdxId"] for item in graph if item.get("name") == "device.tgz"
                                       and item["type"] == "software_Package"}  # fmt: skip


def test_the_image_of_a_container_has_its_package_url(target: Path) -> None:
    (web,) = [part for part in written(target, "cyclonedx")["components"] if part["name"] == "web"]
    assert web["type"] == "container" and web["version"] == f"sha256:{'0' * 64}"
    assert web["purl"] == (
        f"pkg:oci/web@sha256:{'0' * 64}?arch=arm64&repository_url=registry.test:5000/team/Web&tag=1.0"
    )


@pytest.mark.parametrize("form", sbom.FORMATS)
def test_the_same_state_makes_the_same_bytes(target: Path, device: sim.Device, form: str) -> None:
    assert sbom.render(target, form, created=CREATED) == sbom.render(target, form, created=CREATED)
    identity = {
        "spdx": lambda text: text["@graph"][1]["spdxId"],
        "cyclonedx": lambda text: text["serialNumber"],
    }
    assert identity[form](written(target, form)) != identity[form](written(device.export(), form))


def test_what_could_not_be_read_makes_a_part_incomplete(device: sim.Device, tmp_path: Path) -> None:
    bent = roots.exported(device, tmp_path / "a.tgz", device.pool.put_bytes(b"no squashfs" * 100))
    document = written(bent, "cyclonedx")
    assert document["compositions"] == [{"aggregate": "incomplete", "assemblies": ["part/web"]}]
    (web,) = [part for part in document["components"] if part["name"] == "web"]
    assert "web/root.squashfs is not read" in web["properties"][0]["value"]
    contains: Mapping[str, str] = {
        item["from"].rpartition("/")[2]: item["completeness"]
        for item in written(bent, "spdx")["@graph"]
        if item["type"] == "Relationship"
    }
    assert {name for name, value in contains.items() if value == "incomplete"} == {"web"}


def test_the_command_writes_a_file_or_prints(
    target: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1767323045")
    assert cli.main(["sbom", str(target), "--format", "cyclonedx"]) == 0
    printed = capsys.readouterr().out
    assert json.loads(printed)["metadata"]["timestamp"] == CREATED
    assert (
        cli.main(["sbom", str(target), "--format", "cyclonedx", "--out", str(tmp_path / "a.cdx.json")]) == 0
    )
    assert (tmp_path / "a.cdx.json").read_text() == printed


def test_what_holds_no_state_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.img").write_bytes(bytes(1024 * 1024))
    with pytest.raises(NotFound, match="holds no state to list"):
        sbom.render(tmp_path / "x.img", "spdx", created=CREATED)


def test_a_build_writes_them_next_to_its_image(tmp_path: Path) -> None:
    built.sources(tmp_path / "given")
    (tmp_path / "made").mkdir()
    *exports, root = built.all_jobs(tmp_path / "given", tmp_path / "made")
    for job in exports:
        built.run(job)
    assert isinstance(root, jobs.BuildRoot)
    path = tmp_path / "root.json"
    path.write_text(built.document(replace(root, sbom=("spdx", "cyclonedx"))))
    assert cli.main(["build-root", "--job", str(path)]) == 0
    written_by_build = (tmp_path / "made/device.spdx.json").read_bytes()
    assert written_by_build == sbom.render(root.output, "spdx", created="2023-11-14T22:13:20Z")
    assert json.loads((tmp_path / "made/device.cdx.json").read_bytes())["specVersion"] == "1.6"


def test_a_build_refuses_an_unknown_format_before_it_makes_anything(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = built.all_jobs(tmp_path / "given", tmp_path / "made")[-1]
    assert isinstance(root, jobs.BuildRoot)
    (tmp_path / "root.json").write_text(built.document(replace(root, sbom=("spdy",))))
    assert cli.main(["build-root", "--job", str(tmp_path / "root.json")]) == 2
    assert 'unknown format of a bill of materials "spdy"\n  hint: use "spdx"' in capsys.readouterr().err


def of_a_build(folder: Path, *more: dict[str, Any], **changes: Any) -> Path:
    """What a build wrote about an image, in the form of openembedded-core's documents."""
    base, note = "http://spdx.org/spdxdocs/rootfs-1/", "_:CreationInfo0"
    created = {"created": CREATED, "createdBy": [f"{base}agent"], "specVersion": "3.0.1"}
    head = {"profileConformance": ["build", "core", "security", "software"], "rootElement": [f"{base}sbom"]}
    elsewhere = {"type": "ExternalMap", "externalSpdxId": f"{base}elsewhere"}
    named = [
        ("Agent", "agent", {"name": "OpenEmbedded"}),
        ("software_Package", "rootfs", {"name": "greeter-image"}),
        ("software_Package", "greeter", {"name": "greeter", "software_packageVersion": "1.0"}),
        ("Relationship", "contains", {"from": f"{base}rootfs", "to": [f"{base}greeter"],
                                      "relationshipType": "contains"}),
        ("software_Sbom", "sbom", {"rootElement": [f"{base}rootfs"]}),
        ("SpdxDocument", "document", {**head, "import": [elsewhere], **changes}),
    ]  # fmt: skip
    graph = [
        {"type": "CreationInfo", "@id": note, **created},
        *({"type": kind, "spdxId": base + at, "creationInfo": note, **rest} for kind, at, rest in named),
        *more,
    ]
    path = folder / f"{len(list(folder.iterdir()))}.spdx.json"
    path.write_text(json.dumps({"@context": written_context(), "@graph": graph}))
    return path


def written_context() -> str:
    return f"https://spdx.org/rdf/{sbom.spdx.VERSION}/spdx-context.jsonld"


def test_what_a_build_lists_of_a_part_is_in_the_document_of_the_state(target: Path, tmp_path: Path) -> None:
    try:
        from spdx_python_model import v3_0_1
    except ImportError:
        tools.miss("the Python package spdx-python-model is not installed: run scripts/setup")
    built = [("web", of_a_build(tmp_path)), ("web", of_a_build(tmp_path)), ("bsp", of_a_build(tmp_path))]
    text = sbom.render(target, "spdx", created=CREATED, built=built)
    assert text == sbom.render(target, "spdx", created=CREATED, built=built)
    found = v3_0_1.SHACLObjectSet()
    v3_0_1.JSONLDDeserializer().read(io.BytesIO(text), found)
    assert found.link() == set()
    (document,) = found.foreach_type("SpdxDocument")
    assert set(document.profileConformance) >= {
        v3_0_1.ProfileIdentifierType.build,
        v3_0_1.ProfileIdentifierType.security,
    }
    assert len(document.import_) == 1
    (rootfs,) = (item for item in found.foreach_type("software_Package") if item.name == "greeter-image")
    holders = [item.from_.name for item in found.foreach_type("Relationship") if rootfs in item.to]
    assert sorted(holders) == ["bsp", "web", "web"]
    assert rootfs.creationInfo.createdBy[0].name == "OpenEmbedded"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("{}", "is not a document in SPDX 3.0.1"),
        ('{"@context": "@", "@graph": [7]}', "is not a document in SPDX 3.0.1"),
        ('{"@context": "@", "@graph": [{"type": "Tool"}]}', "is not a document in SPDX 3.0.1"),
        ('{"@context": "@", "@graph": []}', "0 elements SpdxDocument, not one"),
        ('{"@context": "@", "@graph": [{"type": "SpdxDocument", "spdxId": "a", "rootElement": 1}]}',
         "names nothing that it is about"),
        ('{"@context": "@", "@graph": [{"type": "SpdxDocument", "@id": "_:a"}]}', "names nothing that"),
        ('{"@context": "@", "@graph": [{"type": "SpdxDocument", "spdxId": "a"},'
         ' {"type": "SpdxDocument", "@id": "_:a"}]}', "2 elements SpdxDocument"),
        ("[" * 1000, "nested"),
    ],
)  # fmt: skip
def test_what_is_no_document_of_a_build_is_refused(
    target: Path, tmp_path: Path, text: str, sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "a.json"
    path.write_text(text.replace('"@"', json.dumps(written_context())))
    words = ["sbom", str(target), "--out", str(tmp_path / "out")]
    assert cli.main([*words, "--built", f"web={path}"]) == 2
    assert sentence in capsys.readouterr().err and not (tmp_path / "out").exists()


def test_members_of_a_wrong_type_and_a_second_element_of_a_name_are_left_out(
    target: Path, tmp_path: Path
) -> None:
    again = {"type": "Agent", "spdxId": "http://spdx.org/spdxdocs/rootfs-1/agent", "name": "another"}
    for wrong in (7, "x", [{}], {"a": 1}):
        changes = {"profileConformance": wrong, "import": wrong}
        path = of_a_build(tmp_path, again, **changes)
        graph = json.loads(sbom.render(target, "spdx", created=CREATED, built=[("web", path)]))["@graph"]
        names = [element["spdxId"] for element in graph if "spdxId" in element]
        assert len(names) == len(set(names))
        (head,) = (element for element in graph if element["type"] == "SpdxDocument")
        assert head["profileConformance"] == ["core", "software"]


def test_an_element_of_a_build_takes_no_name_of_ours(target: Path, tmp_path: Path) -> None:
    ours = sbom.spdx.identifier(sbom.subject(target), "web")
    taken = [{"type": "Agent", "spdxId": f"{ours}/built/{number}"} for number in (1, 2)]
    built = [("web", of_a_build(tmp_path, *taken)), ("web", of_a_build(tmp_path))]
    graph = json.loads(sbom.render(target, "spdx", created=CREATED, built=built))["@graph"]
    names = [element["spdxId"] for element in graph if "spdxId" in element]
    assert len(names) == len(set(names))


def test_a_number_that_no_reader_holds_is_refused(target: Path, tmp_path: Path) -> None:
    path = of_a_build(tmp_path, {"type": "Agent", "spdxId": "http://a.example/b", "score": "@"})
    path.write_text(path.read_text().replace('"@"', f"1{'0' * 320}.5"))
    with pytest.raises(FormatError, match="a number of 321 digits") as caught:
        sbom.render(target, "spdx", created=CREATED, built=[("web", path)])
    assert caught.value.hint


@pytest.mark.parametrize(
    ("words", "sentence"),
    [(["--built", "wb=FILE"], 'use "web"'), (["--built", "web"], "is not PART=FILE"),
     (["--built", "web=FILE", "--format", "cyclonedx"], "cannot be taken into cyclonedx")],
)  # fmt: skip
def test_a_document_of_a_build_is_for_a_part_and_for_spdx(
    target: Path, tmp_path: Path, words: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    given = [word.replace("FILE", str(of_a_build(tmp_path))) for word in words]
    try:
        status = cli.main(["sbom", str(target), *given])
    except SystemExit as error:
        status = error.code  # type: ignore[assignment]
    assert status == 2 and sentence in capsys.readouterr().err


def test_a_build_takes_in_what_it_knows_of_its_exports(tmp_path: Path) -> None:
    built.sources(tmp_path / "given")
    (tmp_path / "made").mkdir()
    *exports, root = built.all_jobs(tmp_path / "given", tmp_path / "made")
    for job in exports:
        built.run(job)
    assert isinstance(root, jobs.BuildRoot)
    document = of_a_build(tmp_path / "given")
    known = replace(root, sbom=("spdx", "cyclonedx"), built={str(root.exports[0]): (document,)})
    (tmp_path / "root.json").write_text(built.document(known))
    assert cli.main(["build-root", "--job", str(tmp_path / "root.json")]) == 0
    assert b"greeter-image" in (tmp_path / "made/device.spdx.json").read_bytes()
