# SPDX-License-Identifier: MIT
"""Credentials: found where docker keeps them, sent where they belong, and nowhere else."""

import base64
import json
import os
import re
import socket
import subprocess
import textwrap
import time
import urllib.parse
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pantavisor.errors import FormatError, NotFound, PantavisorError
from pantavisor.http.hosts import is_loopback
from pantavisor.oci import Platform
from pantavisor.ref import Ref
from pantavisor.registry import (
    AccessDenied,
    Client,
    Credentials,
    HttpError,
    RegistryError,
    RegistryOptions,
    Unreachable,
    auth,
    credentials,
)
from pantavisor.registry.options import Endpoint, endpoints, parse_insecure, parse_mirrors
from sim import registry as sim
from sim.registry import Registry, images

AMD64 = Platform.parse("linux/amd64")
OPTIONS = RegistryOptions(backoff=0.001, timeout=600.0, attempts=2)
SECRET = "correct-horse"


@pytest.fixture
def registry() -> Iterator[Registry]:
    with Registry() as running:
        running.add("web", "1", images.image())
        running.users = {"ada": SECRET}
        yield running


@pytest.fixture
def other() -> Iterator[Registry]:
    with Registry("127.0.0.2") as running:
        yield running


def ref(registry: Registry) -> Ref:
    return Ref.parse(f"{registry.host}/web:1")


def bearer(registry: Registry, realm: str = "") -> None:
    registry.challenge = f'Bearer realm="{realm or registry.url + "/token"}",service="sim"'


def mine(registry: Registry, password: str = SECRET) -> RegistryOptions:
    return replace(OPTIONS, credentials={registry.host: Credentials("ada", password)})


def docker_config(path: Path, **members: object) -> Path:
    path.write_text(json.dumps(members))
    return path


def auth_entry(name: str = "ada", password: str = SECRET) -> dict[str, str]:
    return {"auth": base64.b64encode(f"{name}:{password}".encode()).decode()}


def test_a_token_is_fetched_anonymously_once(registry: Registry) -> None:
    bearer(registry)
    client = Client(OPTIONS)
    client.resolve(ref(registry), AMD64)
    client.resolve(ref(registry), AMD64)
    assert registry.paths("/token") == ["/token?service=sim&scope=repository%3Aweb%3Apull"]
    assert not any("Authorization" in seen.headers for seen in registry.seen if "/token" in seen.path)


def test_an_expired_token_is_fetched_anew(registry: Registry) -> None:
    bearer(registry)
    client = Client(OPTIONS)
    client.resolve(ref(registry), AMD64)
    registry.tokens = {"none of them"}
    client.resolve(ref(registry), AMD64)
    assert len(registry.paths("/token")) == 2


@pytest.mark.parametrize("scheme", ["basic", "bearer"])
def test_credentials_open_the_door_and_wrong_ones_do_not(registry: Registry, scheme: str) -> None:
    if scheme == "basic":
        registry.challenge = 'Basic realm="sim"'
    else:
        bearer(registry)
    assert Client(mine(registry)).resolve(ref(registry), AMD64)
    with pytest.raises(AccessDenied, match="with the credentials given") as caught:
        Client(mine(registry, "wrong-horse")).resolve(ref(registry), AMD64)
    assert "wrong-horse" not in str(caught.value) + repr(caught.value)


def test_an_anonymous_pull_from_a_closed_registry_hints_at_log_in(registry: Registry) -> None:
    registry.challenge = 'Basic realm="sim"'
    with pytest.raises(AccessDenied, match=f"without credentials(?s:.*)docker login {registry.host}"):
        Client(OPTIONS).resolve(ref(registry), AMD64)
    assert len(registry.paths("/manifests/")) == 1, "without credentials there is nothing to try again"


@pytest.mark.parametrize("scheme", ["basic", "bearer"])
def test_a_wrong_password_is_not_a_missing_one(registry: Registry, tmp_path: Path, scheme: str) -> None:
    if scheme == "basic":
        registry.challenge = 'Basic realm="sim"'
    else:
        bearer(registry)
    auth = base64.b64encode(b"ada:wrong-horse").decode()
    file = tmp_path / "auth.json"
    file.write_text(json.dumps({"auths": {registry.host: {"auth": auth}}}))
    with pytest.raises(AccessDenied, match=f"with the credentials of {file}") as caught:
        Client(replace(OPTIONS, auth_file=file)).resolve(ref(registry), AMD64)
    assert "ada" not in str(caught.value) and auth not in str(caught.value)


@pytest.mark.parametrize(
    "scope", ["aws", "repository:upstream/app:pull", "repository:a:pull repository:b:pull"]
)
def test_a_token_is_asked_for_the_scope_that_the_challenge_names(registry: Registry, scope: str) -> None:
    registry.challenge = f'Bearer realm="{registry.url}/token",service="sim",scope="{scope}"'
    registry.only_scope = scope.split()[0]
    assert Client(OPTIONS).resolve(ref(registry), AMD64)
    asked = urllib.parse.parse_qs(urllib.parse.urlsplit(registry.paths("/token")[0]).query)
    assert asked == {"scope": scope.split(), "service": ["sim"]}


def test_a_challenge_that_wants_more_is_answered_once_more(registry: Registry) -> None:
    registry.challenge = f'Bearer realm="{registry.url}/token",service="sim"'
    registry.only_scope = "wide"
    wider = {"WWW-Authenticate": registry.challenge + ',scope="wide",error="insufficient_scope"'}

    def refuse(handler: Any) -> None:
        known = handler.headers.get("Authorization", "").removeprefix("Bearer ") in registry.tokens
        sent = "Authorization" in handler.headers
        if known:
            handler.give_content()
        else:
            handler.give(403 if sent else 401, b"{}", wider if sent else narrow)

    narrow = {"WWW-Authenticate": registry.challenge}
    registry.misbehave("/v2/web/", refuse)
    assert Client(OPTIONS).resolve(ref(registry), AMD64)
    assert len(registry.paths("/token")) == 2


def test_a_challenge_that_never_ends_is_given_up(registry: Registry) -> None:
    bearer(registry)
    registry.only_scope = "none of ours"
    with pytest.raises(AccessDenied):
        Client(OPTIONS).resolve(ref(registry), AMD64)
    assert len(registry.paths("/token")) == 1


@pytest.mark.parametrize("status", [401, 403, 404])
@pytest.mark.parametrize("scheme", ["Basic", "Bearer"])
def test_what_a_registry_hides_without_credentials_is_had_with_them(
    registry: Registry, status: int, scheme: str
) -> None:
    registry.challenge = (
        'Basic realm="sim"' if scheme == "Basic" else f'Bearer realm="{registry.url}/token",service="sim"'
    )
    registry.hides_as = status
    options = replace(OPTIONS, credentials={registry.host: Credentials("ada", SECRET)})
    assert Client(options).resolve(ref(registry), AMD64)
    assert registry.paths("/v2/").count("/v2/") <= 2  # whether it speaks https is asked there too


def test_what_is_not_there_at_all_is_asked_for_once(registry: Registry) -> None:
    with pytest.raises(PantavisorError, match=r"has no image web:9(.|\n)*private"):
        Client(OPTIONS).resolve(Ref.parse(f"{registry.host}/web:9"), AMD64)
    assert len(registry.paths("/manifests/")) == 1


def test_forbidden_is_reported_so(registry: Registry) -> None:
    registry.misbehave("/manifests/", sim.answer(403))
    with pytest.raises(AccessDenied, match="forbids image web:1"):
        Client(OPTIONS).resolve(ref(registry), AMD64)


@pytest.mark.parametrize("scheme", ["basic", "bearer"])
def test_a_redirect_to_another_host_carries_no_credentials(
    registry: Registry, other: Registry, scheme: str
) -> None:
    if scheme == "basic":
        registry.challenge = 'Basic realm="sim"'
    else:
        bearer(registry)
    other.blobs = registry.blobs
    client = Client(mine(registry))
    client.manifest(ref(registry))
    registry.misbehave("/blobs/", sim.redirect(lambda path: f"{other.url}{path}"))
    assert client.resolve(ref(registry), AMD64)
    assert other.seen and not any("Authorization" in seen.headers for seen in other.seen)
    assert any("Authorization" in seen.headers for seen in registry.seen if "/blobs/" in seen.path)


def test_a_redirect_to_another_port_carries_no_credentials(registry: Registry) -> None:
    registry.challenge = 'Basic realm="sim"'
    with Registry() as neighbour:
        neighbour.blobs = registry.blobs
        client = Client(mine(registry))
        client.manifest(ref(registry))
        registry.misbehave("/blobs/", sim.redirect(lambda path: f"{neighbour.url}{path}"))
        assert client.resolve(ref(registry), AMD64)
        assert neighbour.seen and not any("Authorization" in seen.headers for seen in neighbour.seen)


def test_a_host_redirected_to_cannot_challenge_for_credentials(registry: Registry, other: Registry) -> None:
    registry.misbehave("/manifests/", sim.redirect(lambda path: f"{other.url}{path}"))
    other.challenge = f'Bearer realm="{other.url}/token",service="x"'
    with pytest.raises(AccessDenied):
        Client(mine(registry)).resolve(ref(registry), AMD64)
    assert not other.paths("/token")
    assert SECRET not in str(other.seen) and base64.b64encode(b"ada:").decode()[:5] not in str(other.seen)


def test_a_token_server_that_redirects_gets_no_credentials_there(
    registry: Registry, other: Registry
) -> None:
    bearer(registry)
    registry.misbehave("/token", sim.redirect(lambda path: f"{other.url}{path}"))
    with pytest.raises(PantavisorError):
        Client(mine(registry)).resolve(ref(registry), AMD64)
    assert not any("Authorization" in seen.headers for seen in other.seen)


def test_redirects_are_counted(registry: Registry) -> None:
    registry.misbehave("/manifests/", sim.redirect(lambda path: path))
    with pytest.raises(HttpError, match="redirects more than 5 times"):
        Client(OPTIONS).resolve(ref(registry), AMD64)


@pytest.mark.parametrize(
    "target",
    ["file:///etc/passwd", "ftp://127.0.0.1/x", "http://", "//[::1", "http://x:99999/", "", "http://x:0/"],
)
def test_odd_redirects_are_refused(registry: Registry, target: str) -> None:
    registry.misbehave("/manifests/", sim.redirect(lambda path: target))
    with pytest.raises(PantavisorError):
        Client(OPTIONS).resolve(ref(registry), AMD64)


def test_an_identity_token_is_exchanged(registry: Registry) -> None:
    bearer(registry)
    options = replace(OPTIONS, credentials={registry.host: Credentials(identity_token="refresh-me")})
    assert Client(options).resolve(ref(registry), AMD64)
    exchange = next(seen for seen in registry.seen if "/token" in seen.path)
    assert exchange.method == "POST" and b"refresh_token=refresh-me" in exchange.body


def test_a_registry_token_is_used_as_it_is(registry: Registry) -> None:
    bearer(registry)
    registry.tokens = {"given"}
    options = replace(OPTIONS, credentials={registry.host: Credentials(registry_token="given")})
    assert Client(options).resolve(ref(registry), AMD64)
    assert not registry.paths("/token")


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{}", b'{"token":5}', b'{"token":"a b"}', b'{"token":"a\\nX: y"}', b"x" * 10**6]
)
def test_a_token_server_without_a_token_is_refused(registry: Registry, body: bytes) -> None:
    bearer(registry)
    registry.misbehave("/token", sim.answer(200, {}, body))
    with pytest.raises(RegistryError, match="gives no token"):
        Client(OPTIONS).resolve(ref(registry), AMD64)


@pytest.mark.parametrize(
    "realm", ["http://example.com/token", "ftp://x/", "nonsense", "http://x:bad/", "https://"]
)
def test_odd_token_servers_are_not_asked(realm: str) -> None:
    endpoint = Endpoint("registry.example", "web", "registry.example", insecure=False)
    with pytest.raises(HttpError):
        auth._checked_realm(endpoint, "https://registry.example", realm)


# Where credentials come from.


def found(path: Path, text: str, **changes: object) -> Credentials:
    options = RegistryOptions(docker_config=path, **changes)  # type: ignore[arg-type]
    result = credentials.find(endpoints(Ref.parse(text), options)[-1], options)
    assert result is not None
    return result


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("registry.example:5000", "registry.example:5000/a/b"),
        ("https://registry.example/v1/", "registry.example/a"),
        ("https://registry.example", "registry.example/a"),
        ("https://index.docker.io/v1/", "nginx"),
        ("docker.io", "nginx"),
        ("registry.example/team", "registry.example/team/app"),
    ],
)
def test_docker_config_keys_in_all_spellings(tmp_path: Path, key: str, text: str) -> None:
    config = docker_config(tmp_path / "config.json", auths={key: auth_entry()})
    assert found(config, text) == Credentials("ada", SECRET)


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_base64_of_credentials_may_be_broken_into_lines(tmp_path: Path, end: str) -> None:
    entry = auth_entry("a" * 90)
    entry["auth"] = end.join(textwrap.wrap(entry["auth"], 76)) + end
    config = docker_config(tmp_path / "config.json", auths={"r.example": entry})
    assert found(config, "r.example/x").username == "a" * 90


def test_the_narrowest_key_wins_and_other_hosts_get_nothing(tmp_path: Path) -> None:
    auths = {"r.example": auth_entry("wide"), "r.example/team": auth_entry("narrow")}
    config = docker_config(tmp_path / "config.json", auths=auths)
    assert found(config, "r.example/team/app").username == "narrow"
    assert found(config, "r.example/other").username == "wide"
    for text in ("r.example:5000/team/app", "xr.example/team/app", "example/team/app:1", "nginx"):
        options = RegistryOptions(docker_config=config)
        assert credentials.find(endpoints(Ref.parse(text), options)[-1], options) is None


def test_explicit_beats_auth_file_beats_docker_config(tmp_path: Path) -> None:
    one = docker_config(tmp_path / "one.json", auths={"r.example": auth_entry("one")})
    two = docker_config(tmp_path / "two.json", auths={"r.example": auth_entry("two")})
    assert found(one, "r.example/x", auth_file=two).username == "two"
    explicit = {"r.example": Credentials("three", "x")}
    assert found(one, "r.example/x", auth_file=two, credentials=explicit).username == "three"


def test_a_missing_auth_file_is_an_error_and_a_missing_default_is_not(tmp_path: Path) -> None:
    endpoint = endpoints(Ref.parse("nginx"), OPTIONS)[-1]
    assert credentials.find(endpoint, replace(OPTIONS, docker_config=tmp_path / "no.json")) is None
    with pytest.raises(NotFound, match=r"no\.json does not exist"):
        credentials.find(endpoint, replace(OPTIONS, auth_file=tmp_path / "no.json"))


@pytest.mark.parametrize("text", ["", "[]", "{", '{"auths":{"r.example":{"auth":"%"}}}'])
def test_a_broken_config_is_named_and_never_quoted(tmp_path: Path, text: str) -> None:
    (tmp_path / "config.json").write_text(text)
    with pytest.raises(FormatError, match=r"config\.json"):
        found(tmp_path / "config.json", "r.example/x")


def helper(folder: Path, name: str, script: str) -> None:
    path = folder / f"docker-credential-{name}"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


def test_a_credential_helper_is_asked_for_its_host(tmp_path: Path) -> None:
    helper(tmp_path, "sim", 'read host; printf \'{"Username":"%s","Secret":"s"}\' "$host"')
    environment = {"PATH": f"{tmp_path}:{os.environ['PATH']}"}
    config = docker_config(tmp_path / "c.json", credHelpers={"r.example:5000": "sim"}, credsStore="sim")
    assert found(config, "r.example:5000/x", helper_environment=environment).username == "r.example:5000"
    assert found(config, "else.example/x", helper_environment=environment).username == "else.example"
    assert found(config, "nginx", helper_environment=environment).username == "https://index.docker.io/v1/"


def test_helpers_that_know_nothing_lie_or_are_missing(tmp_path: Path) -> None:
    environment = {"PATH": f"{tmp_path}:{os.environ['PATH']}"}
    endpoint = endpoints(Ref.parse("r.example/x"), OPTIONS)[-1]

    def ask(name: str) -> object:
        config = docker_config(tmp_path / "c.json", credsStore=name)
        return credentials.find(
            endpoint, replace(OPTIONS, docker_config=config, helper_environment=environment)
        )

    helper(tmp_path, "empty", "echo credentials not found in native keychain; exit 1")
    assert ask("empty") is None
    helper(tmp_path, "token", 'echo \'{"Username":"<token>","Secret":"t"}\'')
    assert ask("token") == Credentials(identity_token="t")
    helper(tmp_path, "liar", "echo nonsense")
    with pytest.raises(FormatError, match="no username and secret"):
        ask("liar")
    helper(tmp_path, "null", 'echo \'{"Username":null,"Secret":5}\'')
    with pytest.raises(FormatError, match="no username and secret"):
        ask("null")
    helper(tmp_path, "endless", "exec yes")
    with pytest.raises(FormatError, match="more than 65536 bytes"):
        ask("endless")
    with pytest.raises(FormatError, match="is not in PATH"):
        ask("missing")
    with pytest.raises(FormatError, match="cannot name a credential helper"):
        ask("../../bin/sh")


@pytest.mark.parametrize(
    "script",
    ["exec sleep 999", "sleep 999; true", "exec >&-; exec sleep 999", "sleep 999 & exec >&-; wait"],
)
def test_a_helper_that_hangs_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str
) -> None:
    monkeypatch.setattr(credentials, "HELPER_TIMEOUT", 0.3)
    helper(tmp_path, "slow", script)
    config = docker_config(tmp_path / "c.json", credsStore="slow")
    began = time.monotonic()
    with pytest.raises(FormatError, match="does not answer within"):
        found(config, "r.example/x", helper_environment={"PATH": f"{tmp_path}:{os.environ['PATH']}"})
    assert time.monotonic() - began < 600


def test_nothing_secret_shows_in_a_repr() -> None:
    options = RegistryOptions(credentials={"x": Credentials("ada", SECRET, "refresh", "bearer")})
    assert not re.search(f"{SECRET}|refresh|'bearer'", repr(options).replace("refresh=", ""))


# Challenges, mirrors, hosts, TLS.


def test_challenges_are_parsed_as_rfc_9110_writes_them() -> None:
    text = 'Negotiate, Bearer realm="https://a/t?x=1,2",service=reg , Basic realm="a \\"b\\", c"'
    assert auth.parse_challenges([text, "Bearer realm=x"]) == [
        auth.Challenge("negotiate", {}),
        auth.Challenge("bearer", {"realm": "https://a/t?x=1,2", "service": "reg"}),
        auth.Challenge("basic", {"realm": 'a "b", c'}),
        auth.Challenge("bearer", {"realm": "x"}),
    ]


@given(st.text(max_size=200))
def test_any_challenge_is_parsed_without_a_word(text: str) -> None:
    auth.parse_challenges([text])


@given(st.text(alphabet='Bearer realm="\\,= ', max_size=60))
def test_any_almost_challenge_too(text: str) -> None:
    auth.parse_challenges([text])


def test_mirrors_are_parsed_and_odd_ones_refused() -> None:
    assert parse_mirrors(["docker.io=localhost:5000/hub", "docker.io=m.example", "a.b=c.d"]) == {
        "docker.io": ("localhost:5000/hub", "m.example"),
        "a.b": ("c.d",),
    }
    for word in (
        "docker.io",
        "=x.y",
        "docker.io=",
        "docker.io=https://m.example",
        "hub=m.example",
        "a.b=U_P:1/x",
    ):
        with pytest.raises(FormatError):
            parse_mirrors([word])


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("localhost", True), ("localhost:5000", True), ("127.0.0.1:5000", True), ("127.9.9.9", True),
        ("[::1]:5000", True), ("[::1]", True), ("127.0.0.1.evil.example", False),
        ("localhost.evil.example:80", False), ("10.0.0.1", False), ("[fe80::1]:5000", False),
    ],
)  # fmt: skip
def test_loopback_is_recognised(host: str, loopback: bool) -> None:
    assert is_loopback(host) is loopback
    assert endpoints(Ref.parse(f"{host}/x"), OPTIONS)[0].insecure is loopback


def test_options_follow_the_environment() -> None:
    options = RegistryOptions.from_environment(
        {
            "HOME": "/h",
            "https_proxy": "http://p:1",
            "NO_PROXY": "a,b",
            "SSL_CERT_FILE": "/ca",
            "PATH": "/bin",
        },
        attempts=2,
    )
    assert options.docker_config == Path("/h/.docker/config.json") and options.ca_file == Path("/ca")
    assert options.proxies == {"https": "http://p:1", "no": "a,b"} and options.attempts == 2
    assert options.podman_files == (Path("/h/.config/containers/auth.json"),)
    both = RegistryOptions.from_environment(
        {"HOME": "/h", "XDG_RUNTIME_DIR": "/run/user/1", "XDG_CONFIG_HOME": "/c"}
    )
    assert both.podman_files == (Path("/run/user/1/containers/auth.json"), Path("/c/containers/auth.json"))
    nothing = RegistryOptions.from_environment({})
    assert nothing.docker_config is None and nothing.podman_files == ()


def test_what_podman_login_keeps_is_found_behind_docker_s(tmp_path: Path) -> None:
    docker = docker_config(tmp_path / "config.json", auths={"r.example": auth_entry("docker")})
    auths = {"r.example": auth_entry("podman"), "r.example:5000/team": auth_entry("team")}
    files = (tmp_path / "none.json", docker_config(tmp_path / "auth.json", auths=auths))
    assert found(docker, "r.example/x", podman_files=files).username == "docker"
    assert found(docker, "r.example:5000/team/x", podman_files=files).username == "team"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("tls") / "both.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
         "-days", "2", "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", path,
         "-out", f"{path}.crt"],
        check=True, capture_output=True,
    )  # fmt: skip
    path.write_text(path.read_text() + Path(f"{path}.crt").read_text())
    return str(path)


def test_tls_is_verified_unless_the_host_is_loopback_or_named(
    certificate: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Registry(certificate=certificate) as secure:
        secure.add("web", "1", images.image())
        assert Client(OPTIONS).resolve(ref(secure), AMD64)
        monkeypatch.setattr("pantavisor.registry.options.is_loopback", lambda host: False)
        monkeypatch.setattr("pantavisor.http.client.is_loopback", lambda host: False)
        with pytest.raises(Unreachable, match=r"certificate of .* is not trusted(.|\n)*SSL_CERT_FILE"):
            Client(OPTIONS).resolve(ref(secure), AMD64)
        assert Client(replace(OPTIONS, ca_file=Path(certificate))).resolve(ref(secure), AMD64)
        assert Client(replace(OPTIONS, insecure=frozenset(["127.0.0.1"]))).resolve(ref(secure), AMD64)


def test_certificates_are_found_where_docker_keeps_them_for_the_host(
    certificate: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("pantavisor.registry.options.is_loopback", lambda host: False)
    monkeypatch.setattr("pantavisor.http.client.is_loopback", lambda host: False)
    folders = (tmp_path / "none", tmp_path / "certs.d")
    options = replace(OPTIONS, certificate_folders=folders, attempts=1)
    with Registry(certificate=certificate, clients=certificate) as secure:
        secure.add("web", "1", images.image())
        mine = folders[1] / secure.host
        (folders[1] / "127.0.0.1").mkdir(parents=True)
        (folders[1] / "127.0.0.1/ca.crt").write_text(Path(certificate).read_text())  # for port 443
        with pytest.raises(Unreachable, match=rf"not trusted(.|\n)*certs.d/{secure.host}/ca.crt"):
            Client(options).resolve(ref(secure), AMD64)
        mine.mkdir()
        (mine / "ca.crt").write_text(Path(certificate).read_text())
        with pytest.raises(Unreachable):
            Client(options).resolve(ref(secure), AMD64)  # who is asking?
        for name in ("client.cert", "client.key"):
            (mine / name).write_text(Path(certificate).read_text())
        assert Client(options).resolve(ref(secure), AMD64)
        (mine / "ca.crt").write_text("rubbish")
        with pytest.raises(HttpError, match="ca.crt cannot be used"):
            Client(options).resolve(ref(secure), AMD64)


def test_https_is_never_left_for_http(certificate: str, registry: Registry) -> None:
    with Registry(certificate=certificate) as secure:
        secure.misbehave("/manifests/", sim.redirect(lambda path: f"{registry.url}{path}"))
        with pytest.raises(HttpError, match="from https to plain http"):
            Client(OPTIONS).resolve(ref(secure), AMD64)
    assert not registry.seen


def test_a_plain_http_registry_that_is_not_local_is_refused(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pantavisor.registry.options.is_loopback", lambda host: False)
    hint = f"--insecure-registry {registry.host} or PVR_INSECURE_REGISTRIES"
    with pytest.raises(Unreachable, match=rf"{registry.host} does not speak TLS(.|\n)*{hint}"):
        Client(OPTIONS).resolve(ref(registry), AMD64)
    assert not registry.seen
    assert Client(replace(OPTIONS, insecure=frozenset([registry.host]))).resolve(ref(registry), AMD64)


def test_a_proxy_is_used_where_no_proxy_does_not_say_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    with Registry() as proxy:
        made = images.image()
        options = replace(
            OPTIONS, insecure=frozenset(["r.example"]), proxies={"http": f"http://ada:pw@{proxy.host}"}
        )
        body = {"Content-Type": made.media_type}
        proxy.misbehave("http://r.example/v2/web/manifests/1", sim.answer(200, body, made.manifest))
        proxy.misbehave("http://r.example/v2/web/blobs/", sim.answer(200, {}, made.config))
        client = Client(options)
        client._session._bases["r.example"] = "http://r.example"
        assert client.resolve(Ref.parse("r.example/web:1"), AMD64)
        assert proxy.seen[0].headers["Proxy-Authorization"].startswith("Basic ")
        direct = Client(replace(options, proxies={**options.proxies, "no": ".example"}, attempts=1))
        direct._session._bases["r.example"] = "http://r.example"
        count = len(proxy.seen)
        with pytest.raises(Unreachable):
            direct.resolve(Ref.parse("r.example/web:1"), AMD64)
        assert len(proxy.seen) == count


def test_an_unreachable_proxy_is_named_and_an_odd_exception_is_none() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        dead = f"127.0.0.1:{free.getsockname()[1]}"
    for no_proxy in ("", "[::1", "]"):
        proxies = {"https": f"http://ada:secret@{dead}", "no": no_proxy}
        with pytest.raises(Unreachable, match=f"through the proxy {dead}") as caught:
            Client(replace(OPTIONS, proxies=proxies, attempts=1)).resolve(
                Ref.parse("r.example/web:1"), AMD64
            )
        assert "secret" not in str(caught.value)


@pytest.mark.parametrize("word", ["http://r.lan:5000", "r.lan:5000/", "r.lan:5000/team", "r.lan:5000,a:1"])
def test_an_insecure_registry_is_a_host(word: str) -> None:
    """Another word would be taken for the host of no registry, and be without effect."""
    assert parse_insecure(["r.lan:5000", "r.lan", "[::1]:5000"]) == {"r.lan:5000", "r.lan", "[::1]:5000"}
    with pytest.raises(
        FormatError, match=r'is not the host of a registry\n  hint: write .*, such as "r.lan:5000"'
    ):
        parse_insecure([word])
