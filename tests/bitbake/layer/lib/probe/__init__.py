# SPDX-License-Identifier: MIT
"""A library that a task calls by full dotted name."""

BBIMPORTS = ["words"]
