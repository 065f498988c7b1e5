# SPDX-License-Identifier: MIT
"""BitBake's front door to the library: the only code that imports ``bb``.

``addpylib`` imports the modules below and follows their functions for the signatures of tasks.
BitBake 2.8 asks for the source file of everything in them that can be called, and ends with a traceback
where there is none: what ``typing`` has, they import for the type checker only.
"""

BBIMPORTS = ["tool", "tasks", "recipe", "sources", "fetcher", "tags", "variables", "initramfs", "bills"]
