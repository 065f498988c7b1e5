# SPDX-License-Identifier: MIT
"""How registries are reached: hosts, mirrors, credentials and patience; the rest are options of HTTP."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Optional

from ..errors import FormatError
from ..http import HttpOptions, proxies
from ..http.hosts import host_name, is_loopback
from ..ref import DEFAULT_HOST, Ref

# Docker Hub's name is not the name of its registry.
_HUB = "registry-1.docker.io"
# Of the environment and of recipes.
INSECURE_VARIABLE = "PVR_INSECURE_REGISTRIES"
MIRRORS_VARIABLE = "PVR_REGISTRY_MIRRORS"


@dataclass(frozen=True)
class Credentials:
    """A name and password, or the identity token that ``docker login`` got in their place."""

    username: str = ""
    password: str = field(default="", repr=False)
    identity_token: str = field(default="", repr=False)
    registry_token: str = field(default="", repr=False)
    place: str = field(default="", compare=False)
    """The file that has them or names the program that gave them; empty for those of the command line."""


@dataclass(frozen=True)
class RegistryOptions(HttpOptions):
    """Nothing here is read from the environment; see ``from_environment``."""

    insecure: frozenset[str] = frozenset()
    """host[:port] that may be reached by plain HTTP or with an untrusted certificate;
    loopback always may.
    """
    mirrors: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """host -> mirror-host[:port][/prefix], tried in order before the host itself."""
    credentials: Mapping[str, Credentials] = field(default_factory=dict)
    """host[:port] -> credentials; these win over every file."""
    auth_file: Optional[Path] = None
    """Credentials in the form of ~/.docker/config.json; must exist."""
    docker_config: Optional[Path] = None
    """The same, but only used where it exists."""
    podman_files: tuple[Path, ...] = ()
    """Likewise, after docker's."""
    other_files: tuple[Path, ...] = ()
    """Likewise, after all others: those of another home."""
    helper_environment: Mapping[str, str] = field(default_factory=dict)
    """Environment (PATH, HOME) in which credential helpers are found and run; empty: none is run."""
    blob_cache: Optional[Path] = None
    """Blobs are kept here as sha256/<hex> and shared."""
    parallel: int = 3
    attempts: int = 5
    backoff: float = 0.5
    """Seconds before the second attempt; doubled for each further one."""
    max_wait: float = 60.0
    """Seconds that a registry may ask us to wait."""
    insecure_hint: str = "--insecure-registry {} or PVR_INSECURE_REGISTRIES"

    @classmethod
    def from_environment(cls, environment: Mapping[str, str], **changes: Any) -> RegistryOptions:
        """As docker and podman understand HOME, DOCKER_CONFIG, REGISTRY_AUTH_FILE, XDG_*, SSL_CERT_FILE and
        *_proxy.
        """

        home = environment.get("HOME", "")
        folder = environment.get("DOCKER_CONFIG") or (f"{home}/.docker" if home else "")
        auth_file = environment.get("REGISTRY_AUTH_FILE")
        ca_file = environment.get("SSL_CERT_FILE")
        values: dict[str, Any] = {
            "docker_config": Path(folder, "config.json") if folder else None,
            "podman_files": tuple(
                Path(folder, "containers/auth.json") for folder in _podman_folders(environment)
            ),
            "auth_file": Path(auth_file) if auth_file else None,
            "ca_file": Path(ca_file) if ca_file else None,
            "certificate_folders": tuple(Path(folder) for folder in _certificate_folders(home)),
            "helper_environment": {key: environment[key] for key in ("PATH", "HOME") if key in environment},
            "proxies": proxies.from_environment(environment),
        }
        values.update(changes)
        return cls(**values)

    @classmethod
    def from_variables(
        cls,
        variables: Callable[[str], Optional[str]],
        environment: Mapping[str, str],
        *,
        insecure: Iterable[str] = (),
        mirrors: Iterable[str] = (),
        **changes: Any,
    ) -> RegistryOptions:
        """As ``from_environment``, with the words given, then those of PVR_INSECURE_REGISTRIES and
        PVR_REGISTRY_MIRRORS.

        ``variables`` gives the value of a variable, of the environment or of a recipe. Raises FormatError.
        """
        hosts = [*insecure, *(variables(INSECURE_VARIABLE) or "").split()]
        pairs = [*mirrors, *(variables(MIRRORS_VARIABLE) or "").split()]
        return cls.from_environment(
            environment, insecure=parse_insecure(hosts), mirrors=parse_mirrors(pairs), **changes
        )


def _certificate_folders(home: str) -> list[str]:
    own = [f"{home}/.config/containers/certs.d", f"{home}/.config/docker/certs.d"] if home else []
    return [*own, "/etc/containers/certs.d", "/etc/docker/certs.d"]


def _podman_folders(environment: Mapping[str, str]) -> list[str]:
    """Where ``podman login`` and ``skopeo login`` keep what they are given:
    until logging out, or for good.
    """
    home = environment.get("HOME", "")
    config_home = environment.get("XDG_CONFIG_HOME") or (f"{home}/.config" if home else "")
    return [folder for folder in (environment.get("XDG_RUNTIME_DIR", ""), config_home) if folder]


@dataclass(frozen=True)
class Endpoint:
    """One place to ask for a repository. ``host`` is host[:port] as connected to, ``name`` as people write
    it.
    """

    host: str
    repository: str
    name: str
    insecure: bool
    mirror: bool = False


def endpoints(ref: Ref, options: RegistryOptions) -> list[Endpoint]:
    """Where to ask for ``ref``, best first."""
    found = []
    for mirror in options.mirrors.get(ref.host, ()):
        host, _, prefix = mirror.strip("/").partition("/")
        repository = f"{prefix}/{ref.repository}" if prefix else ref.repository
        found.append(_endpoint(host, repository, options, mirror=True))
    found.append(_endpoint(ref.host, ref.repository, options, mirror=False))
    return found


def parse_insecure(words: Iterable[str]) -> frozenset[str]:
    """``host[:port]`` of registries without TLS. Raises FormatError for what would never be a registry's
    host.
    """
    hosts = frozenset(words)
    for word in sorted(hosts):
        if "/" in word or "," in word or not word:
            host = (word.partition("://")[2] or word).partition("/")[0].partition(",")[0]
            example = host or "registry.lan:5000"
            hint = f'write host[:port], such as "{example}", with blanks between several'
            raise FormatError(f'"{word}" is not the host of a registry', hint=hint)
    return hosts


def parse_mirrors(words: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """``host=mirror-host[:port][/prefix]`` pairs. Raises FormatError."""
    mirrors: dict[str, tuple[str, ...]] = {}
    for word in words:
        host, equals, mirror = word.partition("=")
        if not (equals and host and mirror) or "://" in word:
            raise FormatError(
                f'"{word}" is not a registry mirror',
                hint='write host=mirror, such as "docker.io=localhost:5000/hub"',
            )
        # The same rules as for references: what is not a host here would not be one in a URL either.
        for text in (f"{host}/x", f"{mirror.strip('/')}/x"):
            if Ref.parse(text).host != text.partition("/")[0]:
                raise FormatError(
                    f'"{word}" does not name two registries', hint="write each host with a dot, or a port"
                )
        mirrors[host] = (*mirrors.get(host, ()), mirror)
    return mirrors


def _endpoint(host: str, repository: str, options: RegistryOptions, *, mirror: bool) -> Endpoint:
    insecure = host in options.insecure or host_name(host) in options.insecure or is_loopback(host)
    return Endpoint(_HUB if host == DEFAULT_HOST else host, repository, host, insecure, mirror)
