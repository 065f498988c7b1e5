# SPDX-License-Identifier: MIT
"""Headers of tar archives: ustar, GNU and pax, old forms included. Contents are left to who reads them.

header    the next member's header, after all that extends it
pax       pax records
numbers   octal, base 256, and the decimal text of pax records
form      what a tar of an export may hold that is not a file
"""

from __future__ import annotations

from .header import BLOCK, Header, HeaderReader, padded, show

__all__ = ["BLOCK", "Header", "HeaderReader", "padded", "show"]
