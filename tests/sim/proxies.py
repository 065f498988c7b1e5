# SPDX-License-Identifier: MIT
"""no_proxy as Go 1.19 (net/http) and curl 7.88 read it: each row was seen with both."""

NAMES = ("https://r.example/", "https://a.r.example/", "http://r.example:5000/")
# no_proxy -> for each of NAMES whether Go, and whether curl, goes directly
DOMAINS = {
    "": ("no no", "no no", "no no"),
    "*": ("go curl", "go curl", "go curl"),
    "r.example": ("go curl", "go curl", "go curl"),
    "R.EXAMPLE": ("go curl", "go curl", "go curl"),
    " r.example ": ("go curl", "go curl", "go curl"),
    "x,r.example": ("go curl", "go curl", "go curl"),
    "x r.example": ("no curl", "no curl", "no curl"),
    "r.example.": ("no curl", "no curl", "no curl"),
    ".r.example": ("no curl", "go curl", "no curl"),
    "example": ("go curl", "go curl", "go curl"),
    "ample": ("no no", "no no", "no no"),
    "r.example:443": ("go no", "go no", "no no"),
    "r.example:5000": ("no no", "no no", "go no"),
}
ADDRESSES = {
    ("http://10.1.2.3:5000/", "10.0.0.0/8"): "go curl",
    ("http://10.1.2.3:5000/", "10.1.2.3"): "go curl",
    ("http://10.1.2.3:5000/", "10.1.2.3/32"): "go curl",
    ("http://10.1.2.3:5000/", "10.1.2.3:5000"): "go no",
    ("http://10.1.2.3:5000/", "10.1.2.3:5001"): "no no",
    ("http://10.1.2.3:5000/", "10.0.0.0/33"): "no no",
    ("http://10.1.2.3:5000/", "10."): "no no",
    ("http://10.1.2.3:5000/", "127.0.0.0/8"): "no no",
    ("http://[fd00::1]:5000/", "fd00::/8"): "go no",
    ("http://[fd00::1]:5000/", "fd00::1"): "go curl",
    ("http://[fd00::1]:5000/", "FD00::1"): "go curl",
    ("http://[fd00::1]:5000/", "fd00:0:0::1"): "go no",
    ("http://[fd00::1]:5000/", "[fd00::1]:5000"): "go no",
    ("http://[fd00::1]:5000/", "[fd00::1]:443"): "no no",
}


def rows() -> "list[tuple[str, str, bool, bool]]":
    """URL, no_proxy, and whether Go and curl go directly."""
    seen = [
        (url, no_proxy, verdict)
        for no_proxy, found in DOMAINS.items()
        for url, verdict in zip(NAMES, found)
    ]
    seen += [(url, no_proxy, verdict) for (url, no_proxy), verdict in ADDRESSES.items()]
    return [(url, no_proxy, "go" in verdict, "curl" in verdict) for url, no_proxy, verdict in seen]
