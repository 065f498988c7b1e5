# SPDX-License-Identifier: MIT
"""What do_speak says."""


def greeting(d):
    """The text of greeting.txt."""
    return f"hello from {d.getVar('PN')}\n"
