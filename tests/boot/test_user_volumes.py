# SPDX-License-Identifier: MIT
"""An image with User and VOLUME: its program writes to each kind of volume as that user, and what it wrote
lasts as long as the volume's persistence has it.
"""

from __future__ import annotations

import tarfile
from pathlib import Path

import pytest
from devtools import guest as qemu
from devtools import services
from made import Desk
from place import BOOT_SECONDS

PORT = 8094
UID = 1000
ANSWER_SECONDS = 600
# By the path of the volume: how it is asked for, and whether what is written there outlives a boot.
VOLUMES: dict[str, tuple[str | None, bool]] = {
    "/var/lib/app": (None, True),  # the image's own VOLUME, so permanent
    "/srv/revision": ("/srv/revision:revision", True),
    "/srv/boot": ("/srv/boot:boot", False),
    "/opt/permanent": ("ovl:/opt/permanent:permanent", True),
    "/opt/revision": ("ovl:/opt/revision:revision", True),
    "/opt/boot": ("ovl:/opt/boot:boot", False),
    "/home/app": (None, False),  # no volume: the root file system
}
# Of each place owner:group:mode, the image's file in it, whether it was written before, and can be now.
PROGRAM = """#!/bin/sh
for place in {places}; do
	[ -e $place/mark ] && before=old || before=new
	echo mark > $place/mark && wrote=yes || wrote=no
	echo "$place=$(stat -c %u:%g:%a $place),$(cat $place/seed),$before,$wrote"
done 2>&1 | tr '\\n' ' ' > /answers/result
echo "end" >> /answers/result
sync
printf '#!/bin/sh\\ncat /answers/result\\n' > /answers/answer
chmod 755 /answers/answer
exec nc -ll -p {port} -e /answers/answer
"""


def pack(root: Path, archive: Path) -> None:
    """The root file system as a tar, in which the places of VOLUMES belong to the user."""
    places = tuple(f".{place}" for place in (*VOLUMES, "/answers"))

    def own(member: tarfile.TarInfo) -> tarfile.TarInfo:
        is_users = member.name.startswith(places)
        member.uid = member.gid = UID if is_users else 0
        member.uname = member.gname = ""
        if member.name in places:
            member.mode = 0o2750
        return member

    with tarfile.open(archive, "w") as stream:
        stream.add(root, ".", filter=own)


@pytest.fixture
def made(machine: str, image: Path, tmp_path: Path) -> Path:
    desk = Desk(tmp_path, machine)
    root = desk.root("demo-system")
    for place in VOLUMES:
        (root / place[1:]).mkdir(parents=True)
        (root / place[1:] / "seed").write_text("seed")
    (root / "answers").mkdir()
    (root / "program").write_text(PROGRAM.format(places=" ".join(VOLUMES), port=PORT))
    (root / "program").chmod(0o755)
    with (root / "etc/passwd").open("a") as table:
        table.write(f"app:x:{UID}:{UID}::/home/app:/bin/sh\n")
    pack(root, tmp_path / "root.tar")
    words = [f"--volume={asked}" for asked, _ in VOLUMES.values() if asked]
    words += ["--config", "User=app", "--config", 'Volumes={"/var/lib/app":{}}']
    words += ["--config", 'Entrypoint=["/program"]']
    container = desk.container("writer", tmp_path / "root.tar", *words)
    return desk.image([desk.export("pantavisor-bsp"), desk.export("demo-system"), container])


def answer(made: Path, machine: str) -> dict[str, tuple[str, ...]]:
    """What the program found, by place: owner and mode, the image's file, old or new, written or not."""
    with qemu.Guest(qemu.Setup(made, machine, qemu.free_ports(PORT), persist=True)) as device:
        device.wait_for("revision 0 RUNNING", timeout=BOOT_SECONDS)
        line = services.ask_line(device.port(PORT), timeout=ANSWER_SECONDS)
    pairs = (word.partition("=") for word in line.split() if word != "end")
    return {place: tuple(found.split(",")) for place, _, found in pairs}


def test_a_user_writes_to_the_volumes_of_its_image_and_finds_what_outlives_a_boot(
    made: Path, machine: str
) -> None:
    first, second = answer(made, machine), answer(made, machine)
    kept = f"{UID}:{UID}:2750"
    assert first == dict.fromkeys(VOLUMES, (kept, "seed", "new", "yes"))
    assert second == {
        place: (kept, "seed", "old" if lasts else "new", "yes") for place, (_, lasts) in VOLUMES.items()
    }
