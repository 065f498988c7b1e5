# SPDX-License-Identifier: MIT
"""A registry from outside leads no client to services of this machine, and gets nothing they say."""

import socket
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pantavisor.errors import PantavisorError
from pantavisor.http import reach
from pantavisor.oci import Platform
from pantavisor.ref import Ref
from pantavisor.registry import AccessDenied, Client, Credentials, RegistryOptions
from sim import registry as sim
from sim.registry import Registry, images

AMD64 = Platform.parse("linux/amd64")
LOCAL = (
    "localhost", "localhost.", "LOCALHOST:80", "a.localhost", "127.0.0.1", "127.9.9.9:1", "127.1",
    "0x7f000001", "2130706433", "017700000001", "0.0.0.0", "0", "[::1]", "::1", "::", "::ffff:127.0.0.1",
    "169.254.169.254", "fe80::1", "[fe80::1%eth0]:80",
)  # fmt: skip
FAR = (
    "example.org", "localhost.evil.test", "127.0.0.1.evil.test", "10.0.0.1", "192.168.1.1:5000", "fd00::1",
    "8.8.8.8", "", "x",
)  # fmt: skip


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("tls") / "both.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
         "-days", "2", "-subj", "/CN=evil.test", "-addext", "subjectAltName=DNS:evil.test,DNS:other.test",
         "-keyout", path, "-out", f"{path}.crt"],
        check=True, capture_output=True,
    )  # fmt: skip
    path.write_text(path.read_text() + Path(f"{path}.crt").read_text())
    return path


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> "dict[str, str]":
    """What names of .test resolve to; for connecting, all are here."""
    found = {"evil.test": "127.0.0.1", "other.test": "127.0.0.1"}
    real = socket.getaddrinfo
    monkeypatch.setattr(
        socket, "getaddrinfo", lambda host, *more, **named: real(found.get(host, host), *more, **named)
    )
    return found


@pytest.fixture
def evil(certificate: Path, names: "dict[str, str]") -> Iterator[Registry]:
    """A registry with a name and TLS, as one in the Internet."""
    with Registry(certificate=str(certificate)) as running:
        running.add("web", "1", images.image())
        running.users = {"ada": "horse"}
        yield running


@pytest.fixture
def victim() -> Iterator[Registry]:
    """A service of this machine."""
    with Registry() as running:
        yield running


def port(registry: Registry) -> str:
    return registry.host.rpartition(":")[2]


def ask(registry: Registry, certificate: Path, given: Any = None) -> None:
    host = f"evil.test:{port(registry)}"
    options = RegistryOptions(
        ca_file=certificate, attempts=1, timeout=600.0, credentials={host: given} if given else {}
    )
    Client(options).resolve(Ref.parse(f"{host}/web:1"), AMD64)


@pytest.mark.parametrize("host", LOCAL)
def test_every_spelling_of_this_machine_is_known(host: str) -> None:
    assert reach.is_local(host)
    reach.check(host, "localhost:5000")
    with pytest.raises(
        AccessDenied,
        match=r"evil.test refers to .*, which is this machine or its link\n  hint: use a server",
    ):
        reach.check(host, "evil.test")


@pytest.mark.parametrize("host", FAR)
def test_other_hosts_are_not_this_machine(host: str) -> None:
    assert not reach.is_local(host)
    reach.check(host, "evil.test")


@pytest.mark.parametrize(
    "given", [None, Credentials("ada", "horse"), Credentials(identity_token="refresh-me")]
)
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_no_token_realm_leads_to_a_local_service(
    evil: Registry, victim: Registry, certificate: Path, scheme: str, given: Any
) -> None:
    evil.challenge = f'Bearer realm="{scheme}://{victim.host}/admin/shutdown?now=1",service="x"'
    with pytest.raises(AccessDenied, match="which is this machine"):
        ask(evil, certificate, given)
    assert not victim.seen and not any("Authorization" in seen.headers for seen in evil.seen)


@pytest.mark.parametrize("part", ["/manifests/", "/blobs/"])
def test_no_redirect_leads_to_a_local_service(evil: Registry, certificate: Path, part: str) -> None:
    with Registry(certificate=str(certificate)) as victim:
        victim.blobs = evil.blobs
        evil.misbehave(part, sim.redirect(lambda path: f"{victim.url}{path}"))
        with pytest.raises(AccessDenied, match="which is this machine"):
            ask(evil, certificate)
        assert not victim.seen


def test_a_token_server_elsewhere_does_not_redirect_to_a_local_service(
    evil: Registry, victim: Registry, certificate: Path
) -> None:
    evil.challenge = f'Bearer realm="https://other.test:{port(evil)}/token",service="x"'
    evil.misbehave("/token", sim.redirect(lambda path: f"https://{victim.host}{path}"))
    with pytest.raises(AccessDenied, match="which is this machine"):
        ask(evil, certificate)
    assert not victim.seen


def test_a_token_server_elsewhere_is_asked_by_tls(evil: Registry, certificate: Path) -> None:
    evil.challenge = f'Bearer realm="https://other.test:{port(evil)}/token",service="x"'
    ask(evil, certificate, Credentials("ada", "horse"))
    evil.challenge = f'Bearer realm="http://other.test:{port(evil)}/token",service="x"'
    with pytest.raises(AccessDenied, match="in plain text to other.test"):
        ask(evil, certificate, Credentials("ada", "horse"))


def test_a_name_that_resolves_to_this_machine_is_not_connected_to(
    names: "dict[str, str]", victim: Registry
) -> None:
    connect, place = reach.connector("far.test"), ("evil.test", int(port(victim)))
    names["far.test"] = "192.0.2.1"
    with pytest.raises(AccessDenied, match="far.test refers to evil.test"):
        connect(place, 5.0)
    names["far.test"] = "127.0.0.2"
    connect(place, 5.0).close()
    reach.connector("localhost")(place, 5.0).close()


def test_a_local_registry_may_have_local_servers(victim: Registry) -> None:
    with Registry("127.0.0.2") as registry:
        registry.add("web", "1", images.image())
        registry.challenge = f'Bearer realm="{victim.url}/token",service="x"'
        registry.tokens = victim.tokens
        client = Client(RegistryOptions(attempts=1, timeout=600.0))
        assert client.resolve(Ref.parse(f"{registry.host}/web:1"), AMD64)
        assert victim.paths("/token")


def test_a_plain_registry_elsewhere_reaches_no_local_service(
    victim: Registry, names: "dict[str, str]", certificate: Path
) -> None:
    with Registry() as registry:
        registry.challenge = f'Bearer realm="{victim.url}/token",service="x"'
        host = f"evil.test:{port(registry)}"
        options = RegistryOptions(attempts=1, timeout=600.0, insecure=frozenset([host]))
        for credentials in ({}, {host: Credentials("ada", "horse")}):
            with pytest.raises(PantavisorError, match="which is this machine"):
                Client(replace(options, credentials=credentials)).resolve(Ref.parse(f"{host}/web:1"), AMD64)
        assert not victim.seen
