# SPDX-License-Identifier: MIT
"""Which of the host's package sources are the distribution's own."""

from __future__ import annotations

from pathlib import Path

import pytest
from debpkg import apt, host, sources
from debpkg.errors import DebError

DEBIAN = host.Distribution("debian", "bookworm")
UBUNTU = host.Distribution("ubuntu", "noble")

DEB822 = """\
# a comment
Types: deb deb-src
URIs: http://archive.example/debian
Suites: bookworm bookworm-updates bookworm-backports
Components: main non-free-firmware
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb
URIs: https://shop.example/debian
Suites: bookworm
Components: main
Signed-By: /usr/share/keyrings/shop.gpg

Enabled: no
Types: deb
URIs: http://disabled.example/debian
Suites: bookworm
Components: main

Types: deb
URIs: http://key.example/debian
Suites: bookworm-security
Components: main
Signed-By:
 -----BEGIN PGP PUBLIC KEY BLOCK-----
 .
 -----END PGP PUBLIC KEY BLOCK-----
"""

LINES = """\
deb http://archive.example/ubuntu noble main universe # the archive
deb [arch=amd64 signed-by=/usr/share/keyrings/ubuntu-archive-keyring.gpg] \
http://sec.example noble-security main
deb-src http://archive.example/ubuntu noble main
#deb http://old.example/ubuntu noble main
deb https://vendor.example/apt stable main
deb http://vendor.example/apt noble vendor
deb cdrom:[Ubuntu]/ noble main
"""


def own(text: str, distribution: host.Distribution, architecture: str = "amd64") -> list[tuple[str, str]]:
    parse = sources.parse_deb822 if "Types:" in text else sources.parse_list
    kept = sources.own_archive(parse(text), distribution=distribution, architecture=architecture)
    assert all(source.signed_by == distribution.keyring for source in kept)
    return [(source.uri, source.suite) for source in kept]


def test_only_the_release_s_own_signed_suites_are_kept() -> None:
    uri = "http://archive.example/debian"
    assert own(DEB822, DEBIAN) == [(uri, "bookworm"), (uri, "bookworm-updates")]


def test_lines_are_read_with_their_options() -> None:
    uri = "http://archive.example/ubuntu"
    assert own(LINES, UBUNTU) == [(uri, "noble"), ("http://sec.example", "noble-security")]
    assert own(LINES, UBUNTU, "arm64") == [(uri, "noble")]


def test_an_entry_of_another_release_is_not_ours() -> None:
    assert own(DEB822, host.Distribution("debian", "trixie")) == []


def test_rendered_sources_name_one_architecture_and_one_keyring() -> None:
    kept = sources.own_archive(sources.parse_deb822(DEB822), distribution=DEBIAN, architecture="arm64")
    again = sources.parse_deb822(sources.render(kept, architecture="arm64"))
    assert {source.architectures for source in again} == {("arm64",)}
    assert {source.signed_by for source in again} == {DEBIAN.keyring}


def test_debian_has_every_architecture_in_one_archive() -> None:
    kept = sources.own_archive(sources.parse_deb822(DEB822), distribution=DEBIAN, architecture="arm64")
    assert kept == sources.for_architecture(
        kept, distribution=DEBIAN, architecture="arm64", native="amd64", foreign_uri=""
    )


def test_ubuntu_s_other_archive_must_be_named() -> None:
    kept = sources.own_archive(sources.parse_list(LINES), distribution=UBUNTU, architecture="arm64")
    with pytest.raises(DebError, match="DEB_FOREIGN_URI"):
        sources.for_architecture(
            kept, distribution=UBUNTU, architecture="arm64", native="amd64", foreign_uri=""
        )
    other = sources.for_architecture(
        kept, distribution=UBUNTU, architecture="arm64", native="amd64", foreign_uri="http://other.example"
    )
    assert [(source.uri, source.suite) for source in other] == [("http://other.example", "noble")]


def test_the_host_s_files_are_read_in_both_forms(tmp_path: Path) -> None:
    (tmp_path / "sources.list.d").mkdir()
    (tmp_path / "sources.list").write_text(LINES)
    (tmp_path / "sources.list.d/debian.sources").write_text(DEB822)
    (tmp_path / "sources.list.d/old.sources.disabled").write_text(DEB822.replace("archive", "never"))
    uris = {source.uri for source in sources.read_host(str(tmp_path))}
    assert {"http://archive.example/ubuntu", "http://archive.example/debian"} <= uris
    assert not any("never" in uri for uri in uris)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('ID=debian\nVERSION_CODENAME=bookworm\nPRETTY_NAME="Debian 12"\n', "debian:bookworm"),
        ('# x\nID="ubuntu"\nVERSION_CODENAME=noble\n', "ubuntu:noble"),
    ],
)
def test_the_distribution_is_what_os_release_names(text: str, expected: str) -> None:
    assert str(host.Distribution.parse(text)) == expected


@pytest.mark.parametrize("text", ["", 'ID=fedora\nVERSION_CODENAME=""\n', "ID=debian\n"])
def test_another_system_is_refused_with_a_hint(text: str) -> None:
    with pytest.raises(DebError, match="hint: use Debian or Ubuntu"):
        host.Distribution.parse(text)


def test_the_client_s_configuration_keeps_proxies_but_no_hooks() -> None:
    dump = 'Acquire::http::Proxy "http://proxy.example:3128";\nAPT::Update::Post-Invoke:: "rm x";\n'
    dump += 'Acquire::IndexTargets::deb::DEP-11::MetaKey "x";\nDir::State "/var/lib/apt";\n'
    kept = [line for line in dump.splitlines() if apt.is_kept(line)]
    assert kept == ['Acquire::http::Proxy "http://proxy.example:3128";']
    text = apt.render_config(Path("/build/state"), "arm64", kept)
    assert kept[0] in text
    assert 'Dir::State::status "/build/state/status";' in text
    assert 'APT::Architectures { "arm64"; };' in text
    assert "Post-Invoke" not in text
