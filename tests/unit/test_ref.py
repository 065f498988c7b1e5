# SPDX-License-Identifier: MIT
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pantavisor.digest import Digest
from pantavisor.errors import FormatError
from pantavisor.ref import ImageSource, Ref

HEX = "0123456789abcdef" * 4
DIGEST = f"sha256:{HEX}"


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("nginx", "docker.io/library/nginx:latest"),
        ("nginx:1.27", "docker.io/library/nginx:1.27"),
        ("docker://nginx", "docker.io/library/nginx:latest"),
        ("bitnami/nginx", "docker.io/bitnami/nginx:latest"),
        ("docker.io/nginx", "docker.io/library/nginx:latest"),
        ("index.docker.io/library/nginx", "docker.io/library/nginx:latest"),
        ("localhost/app", "localhost/app:latest"),
        ("localhost:5000/app:2", "localhost:5000/app:2"),
        ("ghcr.io/o/r/x", "ghcr.io/o/r/x:latest"),
        ("[::1]:5000/app", "[::1]:5000/app:latest"),
        ("[2001:db8::1]/app:1", "[2001:db8::1]/app:1"),
        ("10.0.0.1:80/app", "10.0.0.1:80/app:latest"),
        ("UPPER/app", "UPPER/app:latest"),
        ("a__b/c-d.e--f", "docker.io/a__b/c-d.e--f:latest"),
        (f"nginx@{DIGEST}", f"docker.io/library/nginx@{DIGEST}"),
        (f"r.io:1/x:V_1.2-3@{DIGEST}", f"r.io:1/x:V_1.2-3@{DIGEST}"),
        (f"nginx@sha512:{HEX * 2}", f"docker.io/library/nginx@sha512:{HEX * 2}"),
        ("docker:27", "docker.io/library/docker:27"),
        ("oci:1", "docker.io/library/oci:1"),
    ],
)
def test_references_in_all_spellings(text: str, canonical: str) -> None:
    ref = Ref.parse(text)
    assert str(ref) == canonical and Ref.parse(canonical) == ref


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "is empty"), ("docker://", "is empty"), ("x" * 2000, "longer than"),
        ("nginx:", 'has the tag ""'), ("nginx:" + "t" * 129, "has the tag"), ("nginx:-1", "has the tag"),
        ("NGINX", r"upper-case.*(.|\n)*library/nginx"),
        ("a//b", "path component"), ("/nginx", "path component"), ("a/b/", "path component"),
        ("a b", "path component"), ("-x", "path component"), ("x_", "path component"),
        ("a___b", "path component"), ("a/../b", "path component"), (HEX, "is an image id"),
        ("nginx@latest", "is not a digest"), (f"nginx@sha256:{HEX[:-1]}", "is not a digest"),
        (f"nginx@{DIGEST.upper()}", "is not a digest"), ("a@b@c", "is not a digest"),
        ("h.io:0/x", "names the host"), ("h.io:99999/x", "names the host"), ("-h.io/x", "names the host"),
        ("[::1/x", "names the host"), ("h_h.io/x", "names the host"), ("h.io:x/y", "names the host"),
        ("ada:pw@h.io/x", "is not a digest"), ("nginx\n", "path component"), ("nginx:1\n", "has the tag"),
        ("ngìnx", "path component"), ("a/" * 200 + "b", "longer than"),
        ("http://h.io/x", "names the host|path component"),
    ],
)  # fmt: skip
def test_what_is_not_a_reference_is_refused_with_a_hint(text: str, sentence: str) -> None:
    with pytest.raises(FormatError, match=sentence):
        Ref.parse(text)


def test_a_pin_keeps_the_tag() -> None:
    assert (
        str(Ref.parse("nginx:1").with_digest(Digest.parse(DIGEST))) == f"docker.io/library/nginx:1@{DIGEST}"
    )


LABEL = st.from_regex(r"[a-z0-9]{1,8}([._-][a-z0-9]{1,8})?", fullmatch=True)


@given(
    st.just("localhost")
    | st.from_regex(r"[a-z][a-z0-9]{0,9}\.[a-z]{2,5}(:[1-9][0-9]{0,3})?", fullmatch=True),
    st.lists(LABEL, min_size=1, max_size=4),
    st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,20}", fullmatch=True),
    st.booleans(),
)  # fmt: skip
def test_what_is_well_formed_reads_back(host: str, parts: list[str], tag: str, pinned: bool) -> None:
    if host == "docker.io" and len(parts) == 1:
        parts = ["library", *parts]
    text = f"{host}/{'/'.join(parts)}:{tag}{f'@{DIGEST}' if pinned else ''}"
    assert str(Ref.parse(text)) == text


@given(st.one_of(st.text(max_size=60), st.text(alphabet="ab.:/@[]-_A0 \n", max_size=40)))
def test_any_text_is_refused_or_has_one_spelling(text: str) -> None:
    try:
        ref = Ref.parse(text)
    except FormatError:
        return
    assert Ref.parse(str(ref)) == ref and "\n" not in str(ref) and ".." not in ref.repository


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("nginx", "docker://docker.io/library/nginx:latest"),
        ("docker://localhost:5000/x:1", "docker://localhost:5000/x:1"),
        ("docker-daemon:nginx:1", "docker-daemon:docker.io/library/nginx:1"),
        (f"docker-daemon:{DIGEST}", f"docker-daemon:{DIGEST}"),
        ("docker-archive:/a/b.tar", "docker-archive:/a/b.tar"),
        ("docker-archive:b.tar:nginx", "docker-archive:b.tar:docker.io/library/nginx:latest"),
        ("oci:some/dir:v1.2", "oci:some/dir:v1.2"),
        ("oci-archive:x.tar", "oci-archive:x.tar"),
    ],
)
def test_transports_are_distinguished(text: str, canonical: str) -> None:
    assert str(ImageSource.parse(text)) == canonical


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("oci-archve:/x.tar", 'use "oci-archive"'), ("dir:/x", "unknown transport"),
        ("oci:", "names nothing"), ("http://h.io/x", "unknown transport"),
        ("docker-archive::x", "names no path"), ("oci:x:a b", "is not the name"),
        ("docker-daemon:A", "upper-case"), ("docker-archive:x.tar:A", "upper-case"),
    ],
)  # fmt: skip
def test_odd_sources_are_refused(text: str, sentence: str) -> None:
    with pytest.raises(FormatError, match=sentence):
        ImageSource.parse(text)


@given(st.one_of(st.text(max_size=60), st.text(alphabet="oci:-ardhve/.@ ", max_size=30)))
def test_any_source_is_read_or_refused(text: str) -> None:
    try:
        source = ImageSource.parse(text)
    except FormatError:
        return
    assert source.ref or source.path or source.name
