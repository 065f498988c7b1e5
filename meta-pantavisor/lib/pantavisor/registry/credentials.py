# SPDX-License-Identifier: MIT
"""Credentials from docker's config.json: ``auths``, and the helper programs of ``credHelpers`` and
``credsStore``.

The keys of ``auths`` are host[:port], in older files a URL, with podman also host/repository. Nothing
secret that is found here is ever part of a message.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
import selectors
import shutil
import subprocess
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, Optional

from .. import cjson, regular
from ..errors import FormatError, NotFound
from .options import Credentials, Endpoint, RegistryOptions

MAX_FILE_BYTES = 1024 * 1024
HELPER_TIMEOUT = 30.0  # seconds; a helper may ask a key ring
MAX_HELPER_BYTES = 64 * 1024
_HELPER_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_HUB_KEYS = ("https://index.docker.io/v1/", "index.docker.io", "docker.io", "registry-1.docker.io")


def find(endpoint: Endpoint, options: RegistryOptions) -> Optional[Credentials]:
    """The credentials for ``endpoint``, or None for an anonymous pull. Raises FormatError for a broken
    file, NotFound for one that was named and is missing.
    """
    for host in (endpoint.name, endpoint.host):
        if host in options.credentials:
            return options.credentials[host]
    if options.auth_file is not None and not options.auth_file.is_file():
        raise NotFound(f"auth file {options.auth_file} does not exist")
    usual = (options.docker_config, *options.podman_files, *options.other_files)
    for path in (options.auth_file, *usual):
        if path is not None and path.is_file():
            found = _in_file(path, endpoint, options)
            if found is not None:
                return replace(found, place=str(path))
    return None


def _in_file(path: Path, endpoint: Endpoint, options: RegistryOptions) -> Optional[Credentials]:
    config = cjson.load_object(_read(path), what=str(path), max_bytes=MAX_FILE_BYTES)
    helpers = config.get("credHelpers")
    keys = _keys(endpoint)
    for key in keys:
        helper = helpers.get(key) if isinstance(helpers, dict) else None
        if isinstance(helper, str):
            return _from_helper(helper, key, options)
    auths = config.get("auths")
    entries = {_plain(key): value for key, value in auths.items()} if isinstance(auths, dict) else {}
    for key in keys:
        found = _from_entry(entries.get(_plain(key)), path, key)
        if found is not None:
            return found
    store = config.get("credsStore")
    if isinstance(store, str) and store:
        # Docker stores Docker Hub under its old URL and every other registry under its host.
        return _from_helper(store, keys[0] if endpoint.name == "docker.io" else endpoint.name, options)
    return None


def _read(path: Path) -> bytes:
    try:
        with regular.opened(path) as stream:
            return stream.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise FormatError(f"{path} cannot be read: {error.strerror}") from error


def _keys(endpoint: Endpoint) -> list[str]:
    if endpoint.name == "docker.io":
        return list(_HUB_KEYS)
    parts = endpoint.repository.split("/")
    return ["/".join([endpoint.name, *parts[:count]]) for count in range(len(parts), -1, -1)]


def _plain(key: str) -> str:
    bare = key.partition("://")[2] or key
    # "https://host/v1/" is an old spelling of "host"; "host/team" is podman's narrower key.
    return re.sub(r"/v[12]/?$", "", bare).rstrip("/")


def _from_entry(entry: Any, path: Path, key: str) -> Optional[Credentials]:
    if not isinstance(entry, dict):
        return None
    texts = {
        name: str(entry.get(name) or "")
        for name in ("auth", "username", "password", "identitytoken", "registrytoken")
    }
    username, password = texts["username"], texts["password"]
    if texts["auth"]:
        try:
            # Line breaks within are what ``base64`` without -w0 writes, and Go reads.
            encoded = texts["auth"].replace("\r", "").replace("\n", "")
            username, _, password = base64.b64decode(encoded, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError) as error:
            raise FormatError(
                f'{path}: "auth" of {key} is not base64', hint=f"run: docker login {key}"
            ) from error
    if not (username or texts["identitytoken"] or texts["registrytoken"]):
        return None
    return Credentials(username, password.rstrip("\0"), texts["identitytoken"], texts["registrytoken"])


def _from_helper(helper: str, key: str, options: RegistryOptions) -> Optional[Credentials]:
    if not _HELPER_NAME.fullmatch(helper):
        raise FormatError(f'"{helper[:64]}" cannot name a credential helper')
    if not options.helper_environment:
        return None
    program = f"docker-credential-{helper}"
    try:
        status, answer = _run(_which(program, options), key, options)
    except subprocess.TimeoutExpired as error:
        raise FormatError(f"{program} does not answer within {HELPER_TIMEOUT:.0f} seconds") from error
    except OSError as error:
        raise FormatError(f"{program} does not run: {error.strerror}", hint="log in again") from error
    if len(answer) > MAX_HELPER_BYTES:
        raise FormatError(f"{program} answers with more than {MAX_HELPER_BYTES} bytes")
    if status != 0:
        return None  # helpers have no other way to report that they know nothing
    return _helper_answer(answer, program)


def _run(path: str, key: str, options: RegistryOptions) -> tuple[int, bytes]:
    """Status and answer of a helper, which is not let talk longer than the limits.
    Raises TimeoutExpired.
    """
    end = time.monotonic() + HELPER_TIMEOUT
    answer = b""
    with subprocess.Popen(
        [path, "get"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=dict(options.helper_environment),
        bufsize=0,
    ) as process, selectors.DefaultSelector() as ready:  # fmt: skip
        assert process.stdin is not None and process.stdout is not None
        try:
            with suppress(BrokenPipeError), process.stdin as question:
                question.write(key.encode())
            ready.register(process.stdout, selectors.EVENT_READ)
            while len(answer) <= MAX_HELPER_BYTES:
                # What it started may hold the stream open after its end,
                # so its end is not waited for instead.
                if not ready.select(max(0.0, end - time.monotonic())):
                    raise subprocess.TimeoutExpired(path, HELPER_TIMEOUT)
                chunk = process.stdout.read(MAX_HELPER_BYTES)
                if not chunk:
                    return process.wait(max(0.0, end - time.monotonic())), answer
                answer += chunk
            return 0, answer
        finally:
            process.kill()


def _helper_answer(answer: bytes, program: str) -> Optional[Credentials]:
    try:
        value = json.loads(answer)
        username, secret = value["Username"], value["Secret"]
        if not (isinstance(username, str) and isinstance(secret, str)):
            raise TypeError("no strings")
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise FormatError(f"{program} gives no username and secret") from error
    if username == "<token>":
        return Credentials(identity_token=secret)
    return Credentials(username, secret)


def _which(program: str, options: RegistryOptions) -> str:
    found = shutil.which(program, path=options.helper_environment.get("PATH"))
    if found is None:
        raise FormatError(
            f"{program}, which docker's config.json names, is not in PATH",
            hint="install it, or name another auth file",
        )
    return found
