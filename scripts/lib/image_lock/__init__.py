# SPDX-License-Identifier: MIT
"""scripts/lock: the digests of all images of a build, in one file."""
