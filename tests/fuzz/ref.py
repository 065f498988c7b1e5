# SPDX-License-Identifier: MIT
"""References and transports: what is parsed has one spelling, which parses as the same value."""

from __future__ import annotations

from pantavisor.digest import Digest
from pantavisor.errors import PantavisorError
from pantavisor.ref import TRANSPORTS, ImageSource, Ref

WORDS = (*(f"{name}:" for name in TRANSPORTS), "docker://", "docker.io", "index.docker.io", "library/",
         "localhost", "sha256:", "sha512:", "a" * 64, "f" * 128, ":latest", "[::1]", ":5000/",
         "@sha256:" + "0" * 64)  # fmt: skip


def one_input(content: bytes) -> None:
    text = content.decode("utf-8", "surrogateescape")  # as arguments of a process come
    for kind in (Ref, ImageSource, Digest):
        try:
            value = kind.parse(text)
        except PantavisorError as error:
            assert len(str(error)) < 3000 + 2 * len(text)
            continue
        assert kind.parse(str(value)) == value
        assert str(kind.parse(str(value))) == str(value)


def seeds() -> dict[str, bytes]:
    digest = "@sha256:" + "0123456789abcdef" * 4
    texts = [
        "nginx", "nginx:1.27", "library/nginx" + digest, "docker.io/library/nginx:1.27" + digest,
        "localhost:5000/a/b__c-d.e:x", "[fe80::1]:5000/app", "index.docker.io/app", "docker://Host/app:tag",
        "docker-daemon:app:1", "docker-archive:a:app:1", "docker-daemon:sha256:" + "a" * 64,
        "oci:folder:name@1", "oci-archive:/a/b.tar", "ostree:/x", "sha512:" + "b" * 128,
    ]  # fmt: skip
    return {f"ref{index}": text.encode() for index, text in enumerate(texts)}
