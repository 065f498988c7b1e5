# SPDX-License-Identifier: MIT
"""What holds for all tests."""

import os

# None finds what an earlier one packed; those of the cache name one of their own.
os.environ["PVR_CACHE_DIR"] = ""
