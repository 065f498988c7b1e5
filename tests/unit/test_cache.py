# SPDX-License-Identifier: MIT
"""The cache: it gives back what it was given or nothing, is shared, bounded, the user's own, and never in
the way.
"""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
import sqlite3
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from pantavisor import cache
from pantavisor.cache import Cache, place
from pantavisor.errors import FormatError, PantavisorError
from sim import tools

LARGE = 1 << 40
MIB = 1024 * 1024


def key(number: int) -> bytes:
    return number.to_bytes(32, "big")


def value(number: int, size: int = 20_000) -> bytes:
    return random.Random(number).randbytes(size)


class Said(list[str]):
    """What a cache had to say."""

    def open(self, directory: Path, max_bytes: int = LARGE) -> Cache:
        return Cache(directory, max_bytes, note=self.append)


@pytest.fixture(autouse=True)
def others_may_not_write() -> Iterator[None]:
    """Of what the tests make by hand. Where each user has a group, umask is 002."""
    before = os.umask(0o022)
    yield
    os.umask(before)


@pytest.fixture
def said() -> Said:
    return Said()


def filled(said: Said, directory: Path, count: int, max_bytes: int = LARGE) -> Cache:
    made = said.open(directory, max_bytes)
    for number in range(count):
        made.put(key(number), value(number))
    made.flush()
    return made


def found(made: Cache, count: int) -> set[int]:
    """The numbers of entries that are there, each with the right value."""
    values = {number: made.get(key(number)) for number in range(count)}
    assert all(packed in (None, value(number)) for number, packed in values.items())
    return {number for number, packed in values.items() if packed is not None}


def test_what_was_put_is_found_at_once_and_by_the_next_process(tmp_path: Path, said: Said) -> None:
    made = said.open(tmp_path / "c")
    made.put(key(1), b"")
    made.put(key(2), b"two")
    assert (made.get(key(1)), made.get(key(2)), made.get(key(3))) == (b"", b"two", None)
    assert said.open(tmp_path / "c").get(key(2)) is None
    made.flush()
    later = said.open(tmp_path / "c")
    assert (later.get(key(1)), later.get(key(2)), later.get(key(3))) == (b"", b"two", None)
    assert said == []


def test_only_the_user_may_enter_the_directory_that_is_made(tmp_path: Path, said: Said) -> None:
    filled(said, tmp_path / "a" / "b", 1)
    assert stat.S_IMODE((tmp_path / "a" / "b").stat().st_mode) == 0o700


def test_a_report_counts_and_clear_removes(tmp_path: Path, said: Said) -> None:
    made = filled(said, tmp_path / "c", 100)
    report = made.report()
    assert (report.entries, report.max_bytes) == (100, LARGE) and 2_000_000 < report.bytes < 2_500_000
    assert said.open(tmp_path / "c").clear() == report.bytes
    assert list((tmp_path / "c").iterdir()) == []
    assert (said.open(tmp_path / "c").report().entries, said.open(tmp_path / "c").clear()) == (0, 0)


def test_who_has_it_open_while_it_is_removed_goes_on(tmp_path: Path, said: Said) -> None:
    made = filled(said, tmp_path / "c", 10)
    said.open(tmp_path / "c").clear()
    for number in range(10, 200):
        made.put(key(number), value(number))
    made.flush()
    found(made, 200)
    later = filled(said, tmp_path / "c", 20)
    assert found(later, 20) == set(range(20))


def test_it_stays_below_its_size_and_the_least_recently_used_go_first(
    tmp_path: Path, said: Said, monkeypatch: pytest.MonkeyPatch
) -> None:
    limit = 4 * MIB
    start = time.time()
    filled(said, tmp_path / "c", 150, limit)
    monkeypatch.setattr(time, "time", lambda: start + 2 * 3600)
    used = said.open(tmp_path / "c", limit)
    for number in range(20):
        assert used.get(key(number)) == value(number)
    used.flush()
    monkeypatch.setattr(time, "time", lambda: start + 4 * 3600)
    for number in range(1000, 1100):
        used.put(key(number), value(number))
    used.flush()
    assert used.report().bytes <= limit
    left = found(used, 150)
    assert set(range(20)) <= left < set(range(150))
    assert used.get(key(1099)) == value(1099)


def test_a_smaller_size_takes_effect_with_the_next_entry(tmp_path: Path, said: Said) -> None:
    filled(said, tmp_path / "c", 300)
    smaller = said.open(tmp_path / "c", 2 * MIB)
    smaller.put(key(1000), value(1000))
    smaller.flush()
    assert smaller.report().bytes <= 2 * MIB and smaller.get(key(1000)) == value(1000)


@pytest.mark.parametrize("seed", range(30))
def test_a_damaged_file_gives_right_values_or_none(tmp_path: Path, said: Said, seed: int) -> None:
    filled(said, tmp_path / "c", 60)
    file = tmp_path / "c" / place.FILE
    chance = random.Random(seed)
    data = bytearray(file.read_bytes())
    for _ in range(chance.choice([1, 5, 200])):
        at = chance.randrange(len(data) if chance.random() < 0.7 else 32 * 1024)
        data[at] ^= 1 << chance.randrange(8)
    if chance.random() < 0.3:
        del data[chance.randrange(len(data)) :]
    file.write_bytes(data)
    made = said.open(tmp_path / "c")
    found(made, 60)
    for number in range(60):
        made.put(key(number), value(number))
    made.flush()
    found(said.open(tmp_path / "c"), 60)
    assert said == []


@pytest.mark.parametrize(
    "content", [b"", b"not a database" * 1000, bytes(MIB)], ids=["nothing", "text", "zeros"]
)
def test_what_is_not_a_database_is_begun_again(tmp_path: Path, said: Said, content: bytes) -> None:
    (tmp_path / place.FILE).write_bytes(content)
    assert found(filled(said, tmp_path, 60), 60) == set(range(60))
    assert found(said.open(tmp_path), 60) == set(range(60)) and said == []


def test_entries_that_changed_places_are_dropped(tmp_path: Path, said: Said) -> None:
    filled(said, tmp_path, 10)
    with sqlite3.connect(tmp_path / place.FILE) as database:
        database.execute("UPDATE content SET number = number + 1000")
        database.execute("UPDATE content SET number = 1011 - number")
    made = said.open(tmp_path)
    assert found(made, 10) == set() and made.report().entries == 0


def test_a_cache_with_tables_of_another_form_is_begun_again(tmp_path: Path, said: Said) -> None:
    with sqlite3.connect(tmp_path / place.FILE) as database:
        database.execute("CREATE TABLE entry (something)")
    assert found(filled(said, tmp_path, 10), 10) == set(range(10))


def write_for_ever(directory: Path, first: int) -> None:
    made = Cache(directory, LARGE, note=lambda text: os._exit(3))
    for number in range(first, first + 100_000):
        made.put(key(number), value(number, 200))
        made.flush()


@pytest.mark.parametrize("seed", range(5))
def test_a_process_that_is_killed_loses_nothing_of_what_was_written(
    tmp_path: Path, said: Said, seed: int
) -> None:
    filled(said, tmp_path, 20)
    process = multiprocessing.Process(target=write_for_ever, args=(tmp_path, 1000))
    process.start()
    file, size = tmp_path / place.FILE, (tmp_path / place.FILE).stat().st_size
    while file.stat().st_size == size:
        time.sleep(0.001)
    time.sleep(random.Random(seed).random() / 20)
    assert process.pid is not None
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    assert process.exitcode == -signal.SIGKILL
    made = said.open(tmp_path)
    assert found(made, 20) == set(range(20)) and made.report().entries > 20 and said == []


def write_some(directory: Path, first: int) -> None:
    made = Cache(directory, LARGE, note=lambda text: os._exit(3))
    for number in range(first, first + 300):
        made.put(key(number), value(number))
    made.flush()
    assert found(made, 300) >= set(range(first, first + 300)) & set(range(300))


def test_processes_share_it(tmp_path: Path, said: Said) -> None:
    processes = [multiprocessing.Process(target=write_some, args=(tmp_path, 100 * n)) for n in range(4)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
        assert process.exitcode == 0
    made = said.open(tmp_path)
    assert made.report().entries == 600 and found(made, 600) == set(range(600))


def test_a_directory_of_another_user_is_not_used(tmp_path: Path, said: Said) -> None:
    tools.need_root()
    filled(said, tmp_path / "c", 10)
    os.chown(tmp_path / "c", 65533, -1)
    check_not_used(said, tmp_path / "c", "belongs to the user number 65533")


def test_a_file_of_another_user_is_not_used(tmp_path: Path, said: Said) -> None:
    tools.need_root()
    filled(said, tmp_path / "c", 10)
    os.chown(tmp_path / "c" / place.FILE, 65533, -1)
    check_not_used(said, tmp_path / "c", "belongs to the user number 65533")


@pytest.mark.parametrize("name", ["", place.FILE, f"{place.FILE}-journal"])
@pytest.mark.parametrize("mode", [0o020, 0o002])
def test_what_others_can_write_to_is_not_used(tmp_path: Path, said: Said, name: str, mode: int) -> None:
    filled(said, tmp_path / "c", 10)
    path = tmp_path / "c" / name
    path.touch(0o644)
    path.chmod(path.stat().st_mode | mode)
    check_not_used(said, tmp_path / "c", "can be written to by other users")
    assert f"run: chmod go-w {path}; or set PVR_CACHE_DIR" in said[0]


def test_a_link_in_the_place_of_the_file_is_not_followed(tmp_path: Path, said: Said) -> None:
    (tmp_path / "c").mkdir()
    (tmp_path / "c" / place.FILE).symlink_to(tmp_path / "elsewhere")
    check_not_used(said, tmp_path / "c", "is not a regular file")
    assert not (tmp_path / "elsewhere").exists()


def test_a_link_to_the_directory_is_judged_by_where_it_leads(tmp_path: Path, said: Said) -> None:
    (tmp_path / "link").symlink_to("c")
    (tmp_path / "c").mkdir()
    assert found(filled(said, tmp_path / "link", 10), 10) == set(range(10)) and said == []
    (tmp_path / "c").chmod(0o777)
    check_not_used(said, tmp_path / "link", "can be written to by other users")


def test_a_file_in_the_place_of_the_directory_is_told(tmp_path: Path, said: Said) -> None:
    (tmp_path / "c").write_bytes(b"mine")
    check_not_used(said, tmp_path / "c", "File exists")
    assert (tmp_path / "c").read_bytes() == b"mine"


def check_not_used(said: Said, directory: Path, reason: str) -> None:
    """Nothing is read or written, and that is said once."""
    made = filled(said, directory, 200)
    assert found(made, 200) == set()
    assert len(said) == 1 and reason in said[0] and "set PVR_CACHE_DIR to" in said[0]
    for ask in (made.report, made.clear):
        with pytest.raises(PantavisorError, match=reason):
            ask()


AS_NOBODY = """
import sys
from pathlib import Path
from test_cache import *
said = Said()
made = said.open(Path(sys.argv[1]))
assert found(made, 20) == set(range(int(sys.argv[2]))), said
for number in range(100, 200):
    made.put(key(number), value(number))
made.flush()
assert made.get(key(100)) is None
print(*said, sep="\\n")
"""


@pytest.mark.parametrize("count", [10, 0])
def test_a_directory_that_cannot_be_written_is_read_and_told_once(count: int, said: Said) -> None:
    nobody = tools.nobody()
    with tools.open_folder() as folder:
        if count:
            filled(said, folder / "c", count)
        else:
            (folder / "c").mkdir()
        owner = 65534
        for path in (folder / "c", *(folder / "c").iterdir()):
            os.chown(path, owner, owner)
            path.chmod(0o555 if path.is_dir() else 0o444)
        path = os.pathsep.join([os.path.dirname(__file__), *sys.path])
        done = subprocess.run(
            [*nobody, sys.executable, "-B", "-c", AS_NOBODY, str(folder / "c"), str(count)],
            cwd=folder, env={"PYTHONPATH": path}, capture_output=True, text=True,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        (line,) = done.stdout.splitlines()
        assert ("nothing more is written" if count else "the cache is not used") in line


def test_a_full_disk_is_told_once_and_what_is_there_is_read(tmp_path: Path, said: Said) -> None:
    tools.need_root()
    tools.run("mount", "-t", "tmpfs", "-o", "size=3m,mode=700", "tmpfs", tmp_path)
    try:
        made = filled(said, tmp_path, 300)
        assert len(said) == 1 and "nothing more is written" in said[0]
        assert 20 < len(found(made, 300)) < 200
        later = said.open(tmp_path)
        assert 20 < len(found(later, 300)) < 200 and len(said) == 1
        del made, later
    finally:
        tools.run("umount", "-l", tmp_path)


@pytest.mark.parametrize(
    ("text", "size"), [("1M", MIB), ("4G", 4 << 30), ("1048576", MIB), ("2048K", 2 * MIB), ("1T", 1 << 40)]
)
def test_sizes(text: str, size: int) -> None:
    assert cache.byte_count(text) == size


@pytest.mark.parametrize("text", ["", "0", "1K", "4g", "4 G", "-1M", "4GB", "1.5G", "9" * 30, "٤G"])
def test_what_is_not_a_size_is_refused(text: str) -> None:
    with pytest.raises(FormatError, match="is not the size of a cache") as caught:
        cache.byte_count(text)
    assert caught.value.hint is not None and caught.value.hint.startswith("use ")


def test_a_table_without_the_sizes_of_its_entries_is_begun_again(tmp_path: Path, said: Said) -> None:
    with sqlite3.connect(tmp_path / place.FILE) as database:
        database.execute("CREATE TABLE entry (number INTEGER PRIMARY KEY, key BLOB UNIQUE, used, bytes)")
        database.execute("INSERT INTO entry VALUES (5, x'00', 0, NULL)")
    assert found(filled(said, tmp_path, 200, 4 * MIB), 200) and said == []


def test_who_holds_the_file_for_long_is_waited_for_once(
    tmp_path: Path, said: Said, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pantavisor.cache.entries._WAIT_SECONDS", 0.2)
    filled(said, tmp_path, 10)
    other = sqlite3.connect(tmp_path / place.FILE, isolation_level=None)
    made = said.open(tmp_path)
    assert made.get(key(1)) == value(1)
    other.execute("BEGIN EXCLUSIVE")
    begin = time.monotonic()
    for again in (made, said.open(tmp_path)):
        assert found(again, 10) == set()
    assert time.monotonic() - begin < 1.0
    assert len(said) == 2 and all("another process" in sentence for sentence in said)
    other.close()


WITHOUT_SQLITE = """
import sys
from pathlib import Path
sys.modules["sqlite3"] = None
from pantavisor.cli import main
from pantavisor.cache import Cache
said = []
made = Cache(Path(sys.argv[1]), 1 << 30, note=said.append)
made.put(b"key", b"value")
made.flush()
assert made.get(b"key") is None
print(*said, sep="\\n")
"""


def test_python_without_sqlite_goes_on_without_a_cache(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_SQLITE, str(tmp_path)],
        env={"PYTHONPATH": os.pathsep.join(sys.path)}, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    (line,) = done.stdout.splitlines()
    assert "the cache is not used" in line and "sqlite3" in line
