# SPDX-License-Identifier: MIT
"""What the commands in scripts/ are made of.

steps.py      a long work step by step, for a person; every program's lines in a log
first_build.py    scripts/quickstart, once there is a Python
run_tests.py  scripts/test: suites side by side
suites.py     what they are
reference.py  scripts/reference: the chapter on commands of docs/pvr.md
guest.py      a disk image in QEMU: how it is called, its console
services.py   what a guest's ports answer
"""
