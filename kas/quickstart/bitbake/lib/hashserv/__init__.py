# SPDX-License-Identifier: GPL-2.0-only
"""What bb imports of the hash equivalence server. This build has none: BB_HASHSERVE is empty."""

import re


def is_valid_unihash(unihash):
    """Whether bb.siggen may use the text as a task's hash."""
    return re.fullmatch(r"[0-9a-f]{40,128}", unihash) is not None


def create_client(address, **credentials):
    raise ConnectionError(
        f"no hash equivalence server can be reached at {address}: this build has no client"
    )


def create_server(address, *arguments, **options):
    raise NotImplementedError(f"no hash equivalence server can serve {address}: leave BB_HASHSERVE empty")
