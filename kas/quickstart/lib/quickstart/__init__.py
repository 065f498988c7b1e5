# SPDX-License-Identifier: MIT
"""What the core's classes call: where files are found, how sources, sysroots, licences and deployed files
are handled.

Standard library only. Tasks call these functions by full dotted name, so that BitBake's hashes follow an
edit here.
"""

# What BitBake's addpylib imports.
BBIMPORTS = ["clean", "deploy", "licences", "mesonfile", "recipe", "source", "sysroot", "tree"]
