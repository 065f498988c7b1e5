# SPDX-License-Identifier: MIT
"""HTTP to foreign servers: bounded requests with proxies, TLS, redirects, and an end to everything that
takes too long.

    client        Http: one request, Answer: what comes back
    body          Body: what is sent with a request
    options       HttpOptions: proxies, certificates, patience
    errors        HttpError: what can go wrong on the way
    exchange      one request on its way, and the sentence for each failure
    deadline      how long an answer may take as a whole
    proxies reach tls hosts  which way to a host, whether at all, and whom to believe there
"""

from __future__ import annotations

from .body import Body
from .client import Answer, Http, origin
from .errors import AccessDenied, HttpError, TooSlow, Unreachable
from .options import HttpOptions

__all__ = [
    "AccessDenied",
    "Answer",
    "Body",
    "Http",
    "HttpError",
    "HttpOptions",
    "TooSlow",
    "Unreachable",
    "origin",
]
