# SPDX-License-Identifier: MIT
"""Making devices.

first_revision  signed exports to the first revision and its disk image     build(), assemble()
laid_out        an image that another tool laid out                         check_laid_out()
confs           what LXC reads of a container
memory          whether the memory that containers may take fits into the board
ports           whether two containers expose one port of the device
waits           whether groups wait as long as containers may take
unsupported     what published devices have and the runtime of this project refuses
new_signatures  a finished image signed by another key                      sign_again()
drive           a disk that nothing else uses
flash           one image onto several disks, each read back                flash()
unit_list       the plan: a line for each unit                              read_units()
ledger          which serial numbers were given
identities      identifiers of a disk that are a unit's own
personalise     a unit's record onto an image or disk                       Place
station         all of it for one unit, and its birth certificate           Station, make_unit()
"""

from __future__ import annotations

from .first_revision import REVISION, assemble, build
from .flash import Flashed, flash
from .laid_out import check_laid_out
from .ledger import EVENTS
from .ledger import accept as accept_ledger
from .ledger import new as new_ledger
from .ledger import read as read_ledger
from .new_signatures import sign_again
from .personalise import Place
from .station import Station, check_ledger, make_unit, read_certificate
from .unit_list import read as read_units

__all__ = [
    "EVENTS",
    "REVISION",
    "Flashed",
    "Place",
    "Station",
    "accept_ledger",
    "assemble",
    "build",
    "check_laid_out",
    "check_ledger",
    "flash",
    "make_unit",
    "new_ledger",
    "read_certificate",
    "read_ledger",
    "read_units",
    "sign_again",
]
