# SPDX-License-Identifier: GPL-2.0-only
"""What bb imports of the PR server. This build has none: PRSERV_HOST is empty."""
