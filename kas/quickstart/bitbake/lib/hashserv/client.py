# SPDX-License-Identifier: GPL-2.0-only
"""Imported by bb.siggen, which asks the package for clients."""
