# SPDX-License-Identifier: MIT
"""BitBake's front door to the library: the only code that imports ``bb``.

``addpylib`` imports the modules below and follows their functions for the signatures of tasks.
BitBake 2.8 asks for the source file of everything in them that can be called, and ends with a traceback
where there is none: what ``typing`` has, they import for the type checker only.

    recipe sources tags  what a recipe has about its image, while it is parsed
    values variables overrides  whether values, variables and overrides are of those that exist
    outside        what recipes name outside of the build
    assignments lost  the lines that assign variables, and those that lose what they set
    fetcher downloads registries  docker:// in SRC_URI, and what of images lies in DL_DIR
    imagelock      the lock file of images
    tasks root tool  the bodies of the tasks of parts and of images, and how they run the library
    arguments      the template arguments of a container
    signing        which file, program or token has which key
    boards         what is known of machines
    kernelconfig   whether a kernel has what devices need
    initramfs deviceconfig  what an initramfs holds
    bills          what other recipes know of the packages in images
    published appwords  names and options of the published layer
"""

BBIMPORTS = [
    "tool", "tasks", "root", "recipe", "bills", "boards", "fetcher", "initramfs", "kernelconfig",
    "outside", "sources", "tags", "variables",
]  # fmt: skip
