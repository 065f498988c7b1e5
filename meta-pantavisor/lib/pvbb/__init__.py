# SPDX-License-Identifier: MIT
"""BitBake's front door to the library: the only code that imports ``bb``.

``addpylib`` imports the modules below and follows their functions for the signatures of tasks.
"""

BBIMPORTS = ["tool", "tasks", "wiring", "fetcher", "tags", "variables"]
