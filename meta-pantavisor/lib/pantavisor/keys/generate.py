# SPDX-License-Identifier: MIT
"""A certificate authority and a signing key of one's own."""

from __future__ import annotations

import datetime
import os
from pathlib import Path
from typing import Optional

from .. import atomic, names
from ..errors import PantavisorError
from ..pvs import ALGORITHMS
from . import publickey
from .engine import PrivateKey, engine
from .issue import DAYS, Subject, certificate, check_terms
from .pem import as_pem

RSA_BITS = 3072


def generate(
    directory: Path,
    *,
    common_name: str,
    algorithm: str = publickey.RS256,
    days: int = DAYS,
    start: Optional[datetime.datetime] = None,
) -> None:
    """Make ca.key.pem, ca.crt, key.pem and x5c.pem in a new ``directory``; all of it or nothing.

    ``start`` is when the certificates begin to be valid, now by default, and ``days`` how long they are.
    Raises PantavisorError if the directory exists, or someone else makes it at the same moment: keys are
    never overwritten.
    """
    _check(directory, common_name, algorithm, days)
    start = start or datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0)
    authority = f"{common_name} CA"
    (root_text, root_key), (leaf_text, leaf_key) = _new_key(algorithm), _new_key(algorithm)
    root = Subject.of(authority, publickey.parse(root_key.info))
    leaf = Subject.of(common_name, publickey.parse(leaf_key.info))
    directory.parent.mkdir(parents=True, exist_ok=True)
    try:
        with atomic.new_directory(directory) as folder:
            folder.chmod(0o700)
            # The public half first: a folder that holds x5c.pem and key.pem is never added to a state, and
            # a killed command must not leave one that is. The folder itself appears whole or not at all.
            _write_new(
                folder / "x5c.pem", as_pem(certificate(leaf, root, root_key, start, days)), mode=0o644
            )
            _write_new(
                folder / "ca.crt", as_pem(certificate(root, root, root_key, start, days)), mode=0o644
            )
            _write_new(folder / "key.pem", leaf_text, mode=0o600)
            _write_new(folder / "ca.key.pem", root_text, mode=0o600)
    except OSError:
        # Parsers of one build may race for it: where another made the directory meanwhile, that one stays
        # and ours is removed.
        if not (directory / "x5c.pem").exists():
            raise
        raise _exists(directory) from None


def _check(directory: Path, common_name: str, algorithm: str, days: int) -> None:
    if directory.exists():
        raise _exists(directory)
    if algorithm not in ALGORITHMS:
        raise names.unknown(algorithm, ALGORITHMS, what="algorithm")
    check_terms(common_name, days)


def _exists(directory: Path) -> PantavisorError:
    return PantavisorError(
        f"{directory} exists already", hint="name another directory: keys are never overwritten"
    )


def _new_key(algorithm: str) -> tuple[bytes, PrivateKey]:
    """In PEM, and to be used."""
    text = engine().make(algorithm, RSA_BITS)
    return text, engine().load(text)


def _write_new(path: Path, data: bytes, *, mode: int) -> None:
    with os.fdopen(
        os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode), "wb"
    ) as stream:
        stream.write(data)
        stream.flush()
        os.fchmod(stream.fileno(), mode)  # whatever the umask is
        os.fsync(stream.fileno())
