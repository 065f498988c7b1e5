# SPDX-License-Identifier: MIT
"""The quickstart board support from the host distribution's binary packages, by its ordinary package
client.

``host`` and ``sources`` find which distribution this is and where its own archive lies, ``apt`` asks it,
``record`` keeps the answer, ``tasks`` is what the classes call. ``cpio``, ``elf``, ``kmod`` and ``tarball``
turn unpacked packages into an initramfs and a tarball of modules. Standard library only.
"""

# What BitBake's addpylib imports, so that classes may call it by full dotted name.
BBIMPORTS = ["host", "tasks"]
