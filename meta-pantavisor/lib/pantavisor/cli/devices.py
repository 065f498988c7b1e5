# SPDX-License-Identifier: MIT
"""Sources that may be devices in the network; the environment sets how these are reached."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from .. import repo
from ..objects import ObjectPool
from ..state import State
from .console import Console

if TYPE_CHECKING:
    from ..http import HttpOptions


def opener(console: Console) -> repo.Opener:
    """Opens what repo.open_local() opens, and devices."""

    @contextmanager
    def opened(source: repo.StateSource) -> Iterator[tuple[State, ObjectPool]]:
        if not source.url:
            with repo.open_local(source) as found:
                yield found
            return
        from .. import remote

        device = remote.Device(source.url, options())
        console.line(f"asking {device.session.host} for its state")
        yield device.state(), remote.DevicePool(device, _counter(console))

    return opened


def _counter(console: Console) -> Callable[[int], None]:
    total = 0

    def advance(count: int) -> None:
        nonlocal total
        total += count
        console.amount("receiving", total)

    return advance


def options() -> HttpOptions:
    """As curl understands SSL_CERT_FILE and *_proxy."""
    from .. import http
    from ..http import proxies

    ca_file = os.environ.get("SSL_CERT_FILE")
    return http.HttpOptions(
        proxies=proxies.from_environment(os.environ), ca_file=Path(ca_file) if ca_file else None
    )
