# SPDX-License-Identifier: MIT
"""From the laptop to the control socket: pvr, pv-sdk and the runtime's own server of the socket."""

from __future__ import annotations

import hashlib
import http.client
import json
import os
import resource
import select
import signal
import socket
import time
import urllib.parse
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from random import Random

import pytest
from pantavisor import repo
from pantavisor.repo import StateSource
from sim import built
from sim.laptop import BOUNDED, Served, fill, serve
from sim.pvr_command import PvrCommand

ABSENT = "0" * 64
WHOLE = b"GET /cgi-bin/pvr/json HTTP/1.1\r\nHost: device\r\n\r\n"
SLOW_BODY = b"POST /cgi-bin/pvr/steps HTTP/1.1\r\nHost: device\r\nContent-Length: 1000\r\n\r\n{"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Signed exports of a whole device, and the keys that signed them."""
    folder = tmp_path_factory.mktemp("made")
    built.exports(folder)
    return folder


@pytest.fixture
def served(made: Path, tmp_path: Path) -> Iterator[Served]:
    sources = [StateSource(made / f"{name}.tgz") for name in ("web", "safe", "bsp")]
    repo.deploy(tmp_path / "storage/trails/0", sources, commit=True)
    with serve(tmp_path / "storage", made / "given/keys/ca.crt", tmp_path / "served") as door:
        yield door


@pytest.fixture
def pvr(capsys: pytest.CaptureFixture[str]) -> PvrCommand:
    return PvrCommand(capsys)


@pytest.fixture
def work(
    pvr: PvrCommand, served: Served, made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """A clone of the device in which web has a larger file; committed, not signed."""
    monkeypatch.chdir(tmp_path)
    pvr("clone", served.url, "work")
    monkeypatch.chdir(tmp_path / "work")
    (tmp_path / "work/web/page").write_bytes(bytes(range(256)) * 40_000)
    pvr("add")
    pvr("commit", "-m", "a page")
    return tmp_path / "work"


def sign(pvr: PvrCommand, made: Path) -> None:
    keys = made / "given/keys"
    pvr("sig", "--key", str(keys / "key.pem"), "--x5c", str(keys / "x5c.pem"), "update")


def test_a_clone_is_changed_signed_and_posted(
    pvr: PvrCommand, served: Served, work: Path, made: Path, tmp_path: Path
) -> None:
    sign(pvr, made)
    found = json.loads(pvr("post", "--json"))
    assert (found["status"], found["message"], found["objects"]) == ("DONE", "kept", 1)
    assert (tmp_path / f"storage/trails/{found['revision']}/.pv/commitmsg").read_text() == "a page"
    pvr("clone", served.url, str(tmp_path / "again"))
    assert (tmp_path / "again/.pvr/json").read_bytes() == (work / ".pvr/json").read_bytes()
    assert (tmp_path / "again/web/page").read_bytes() == (work / "web/page").read_bytes()


def test_a_post_finds_room_on_a_device_that_has_none(
    pvr: PvrCommand, served: Served, work: Path, made: Path, tmp_path: Path
) -> None:
    sign(pvr, made)
    fill(tmp_path / "storage")
    found = json.loads(pvr("post", "--json"))
    assert (found["status"], found["message"]) == ("DONE", "kept")
    (trail,) = (tmp_path / "storage/trails/locals").iterdir()
    assert found["revision"] == f"locals/{trail.name}"
    assert (trail / "web/page").read_bytes() == (work / "web/page").read_bytes()


def test_what_is_not_signed_is_refused_with_the_reason(
    pvr: PvrCommand, served: Served, work: Path, tmp_path: Path
) -> None:
    _, notes = pvr.both("post", status=2)
    assert "refuses revision locals/pvr-" in notes and "signature" in notes
    assert not list((tmp_path / "storage/trails").glob("locals/*"))


def test_an_upload_that_broke_off_goes_on(
    pvr: PvrCommand, served: Served, work: Path, made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sign(pvr, made)
    content = (work / "web/page").read_bytes()
    object_id = hashlib.sha256(content).hexdigest()
    half = len(content) // 2
    broken = connect(served)
    broken.putrequest("PUT", f"{path_of(served)}/blobs/{object_id}")
    broken.putheader("Content-Length", str(len(content)))
    broken.endheaders(content[:half])
    broken.close()
    part = tmp_path / f"storage/objects/.part-{object_id}"
    while not part.exists() or part.stat().st_size < half:
        pass
    sent: list[tuple[int, int]] = []
    monkeypatch.setattr(
        "pantavisor.cli.post._Watcher.sent", lambda _, done, total: sent.append((done, total))
    )
    assert json.loads(pvr("post", "--json"))["status"] == "DONE"
    assert sent[0] == (half, len(content)) and sent[-1] == (len(content), len(content))


def connect(served: Served) -> http.client.HTTPConnection:
    return http.client.HTTPConnection(urllib.parse.urlsplit(served.url).netloc, timeout=600)


def path_of(served: Served) -> str:
    return urllib.parse.urlsplit(served.url).path


def test_published_ways_of_asking_are_understood(served: Served, work: Path) -> None:
    """What published tools send: see tests/vectors."""
    state = json.loads((work / ".pvr/json").read_bytes())
    known = state["web/root.squashfs"]
    status, answer = served.ask("GET", f"/objects/{known}")
    place = f"http://device:12368/cgi-bin/pvr/blobs/{known}"
    assert status == 200 and json.loads(answer)["signed-geturl"] == place
    offer = {"id": "", "objectname": "x", "sha256sum": known, "size": "7", "now": ""}
    assert served.ask("POST", "/objects/", json.dumps(offer).encode())[0] == 409
    offer["sha256sum"] = ABSENT
    status, answer = served.ask("POST", "/objects/", json.dumps(offer).encode())
    assert status == 200 and json.loads(answer)["signed-puturl"].endswith(f"/blobs/{ABSENT}")
    assert json.loads(served.ask("GET", "/.pvrremote")[1])["pvr-spec"] == "pvr-pantahub-1"
    # Without a name, as they post, it gets one made of the state.
    body = b'{"commit-msg":"x","rev":-1,"state":' + served.ask("GET", "/json")[1].encode() + b"}"
    status, answer = served.ask("POST", "/steps", body)
    assert status == 200 and json.loads(answer)["revlocal"].startswith("locals/pvr-")
    assert served.ask("GET", "/progress/" + json.loads(answer)["revlocal"])[0] == 200


HOSTILE = [
    (400, "GET", "/json", "Host: second"),
    (400, "GET", "/json", "Content-Length: -1"),
    (413, "GET", "/json", "Content-Length: " + "9" * 30),
    (400, "PUT", f"/blobs/{ABSENT}", "Transfer-Encoding: chunked"),
    (403, "GET", "/json", "Origin: http://page"),
    (403, "POST", "/steps", "origin: null"),
    (403, "PUT", f"/blobs/{ABSENT}", "Sec-Fetch-Site: cross-site"),
    (403, "GET", "/json", "Accept-Language: en"),
    (404, "GET", "", ""),
    (404, "GET", "/", ""),
    (404, "GET", "/other", ""),
    (404, "GET", "/../../steps/current", ""),
    (404, "GET", "/progress/..", ""),
    (404, "GET", "/progress/locals/../../x", ""),
    (400, "GET", "/progress/locals/a%20b", ""),
    (400, "GET", "/progress/locals/a%0d%0aX:", ""),
    (404, "GET", "/progress/" + "9" * 400, ""),
    (414, "GET", "/progress/" + "9" * 5000, ""),
    (431, "GET", "/json", "X: " + "9" * 9000),
    (400, "DELETE", "/json", ""),
    (400, "PUT", "/json", ""),
    (400, "x" * 1000, "/json", ""),
    (400, "GET", "/blobs/..", ""),
    (400, "GET", f"/blobs/{ABSENT}x", ""),
    (400, "GET", f"/blobs/{'A' * 64}", ""),
    (400, "GET", f"/blobs/{ABSENT}", ""),
    (404, "GET", f"/objects/{ABSENT}", ""),
    (400, "PUT", f"/blobs/{ABSENT}", "Content-Range: bytes 0-1/*"),
    (400, "PUT", f"/blobs/{ABSENT}", "Content-Range: bytes 0-" + "9" * 40 + "/1"),
]  # fmt: skip
RAW = [
    (400, b"\x16\x03\x01\x02\x00\r\n\r\n"),
    (400, b"GET /cgi-bin/pvr/json HTTP/1.1\r\n\r\n"),
    (400, b'GET /cgi-bin/pvr/json HTTP/1.1\r\nHost: a"b\r\n\r\n'),
    (400, b"GET /cgi-bin/pvr/json HTTP/1.1\r\nHost: " + b"a" * 300 + b"\r\n\r\n"),
    (400, b"GET /cgi-bin/pvr/json HTTP/1.1\r\nHost:\r\n\r\n"),
    (411, b"POST /cgi-bin/pvr/steps HTTP/1.1\r\nHost: a\r\n\r\n"),
    (413, b"POST /cgi-bin/pvr/steps HTTP/1.1\r\nHost: a\r\nContent-Length: 5000000\r\n\r\n"),
    (413, b"POST /cgi-bin/pvr/objects/ HTTP/1.1\r\nHost: a\r\nContent-Length: 20000\r\n\r\n"),
    (400, b"POST /cgi-bin/pvr/steps HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nabc"),
    (400, b"GET /cgi-bin"),
    (0, b""),
]
BODIES = [
    b"", b"{}", b"[]", b"\0", b"{" * 500, b'{"state":1}', b'{"state":"' + b"0" * 64 + b'"}',
    b'{"rev":"0","state":{}}', b'{"rev":"locals/../x","state":{}}',
    b'{"rev":"locals/a","rev":"locals/b","state":{}}', b'{"rev":"locals/a","commit-msg":"\xff","state":{}}',
    b'{"rev":"locals/a\\u0000","state":[]}', b'{"sha256sum":"' + b"0" * 64 + b'","size":"-1"}',
    b'{"sha256sum":"' + b"0" * 64 + b'","size":"9999999999999999999999"}',
]  # fmt: skip


def test_hostile_requests_are_refused(served: Served, tmp_path: Path) -> None:
    for wanted, method, path, field in HOSTILE:
        status, answer = served.ask(method, path, b"", *filter(None, [field]))
        assert (status, list(json.loads(answer))) == (wanted, ["Error"]), (method[:20], path, field)
    for wanted, data in RAW:
        assert served.raw(data, ends=True)[0] == wanted, data[:80]
    for body in BODIES:
        assert served.ask("POST", "/steps", body)[0] == 400, body
        assert served.ask("POST", "/objects/", body)[0] == 400, body
    for body in (b'{"rev":"locals/a","state":{}}', b'{"commit-msg":5,"state":{"#spec":"x"}}'):
        assert served.ask("POST", "/steps", body)[0] == 422, body
    assert not list((tmp_path / "storage/trails").glob("locals/*"))
    assert served.ask("GET", "/json")[0] == 200


def test_callers_that_dawdle_keep_others_waiting_for_seconds_only(served: Served) -> None:
    with ExitStack() as stack:
        for host in range(2, 6):
            for _ in range(8):
                stack.enter_context(dawdle(served, f"127.0.0.{host}"))
        assert served.ask("GET", "/json")[0] == 200


def test_slow_callers_of_one_host_keep_no_other_host_out(served: Served) -> None:
    with ExitStack() as stack:
        for _ in range(8):
            stack.enter_context(dawdle(served, "127.0.0.1"))
        # On a busy machine the first ones are let go before the last one comes.
        assert any(is_refused(stack.enter_context(dawdle(served, "127.0.0.1"))) for _ in range(50))
        other = stack.enter_context(dawdle(served, "127.0.0.2"))
        other.sendall(b"-bin/pvr/json HTTP/1.1\r\nHost: device\r\n\r\n")
        assert other.recv(12) == b"HTTP/1.1 200"


def test_a_host_with_two_addresses_keeps_no_other_host_out(served: Served) -> None:
    with ExitStack() as stack:
        for address in ("127.0.0.1", "127.0.0.2"):
            for _ in range(8):
                stack.enter_context(dawdle(served, address))
        other = stack.enter_context(dawdle(served, "127.0.0.3"))
        other.sendall(b"-bin/pvr/json HTTP/1.1\r\nHost: device\r\n\r\n")
        # Sooner than one of the others is let go.
        other.settimeout(5)
        assert other.recv(12) == b"HTTP/1.1 200"


def test_slow_heads_of_many_networks_keep_nobody_waiting(served: Served) -> None:
    """They have all places; who comes then has the one of the first of them."""
    with ExitStack() as stack:
        hold_all_places(stack, served, b"GET /cgi")
        for host in range(8, 11):
            other = stack.enter_context(dawdle(served, f"127.0.0.{host}", WHOLE))
            # Sooner than one of the others is let go.
            other.settimeout(5)
            assert other.recv(12) == b"HTTP/1.1 200"


def test_slow_bodies_of_many_networks_have_others_come_again(served: Served) -> None:
    with ExitStack() as stack:
        hold_all_places(stack, served, SLOW_BODY)
        for host in range(8, 28):
            other = stack.enter_context(dawdle(served, "127.0.0.1", WHOLE))
            if other.recv(12) == b"HTTP/1.1 503":
                break
            # On a busy machine it came in the place of one that had not begun.
            stack.enter_context(dawdle(served, f"127.0.0.{host}", SLOW_BODY))
            time.sleep(0.5)
        else:
            pytest.fail("none is asked to come again")


def hold_all_places(stack: ExitStack, served: Served, words: bytes) -> None:
    """Twelve for two hosts, and one for each of four others."""
    for host in (2,) * 8 + (3,) * 4 + (4, 5, 6, 7):
        stack.enter_context(dawdle(served, f"127.0.0.{host}", words))


def test_too_many_callers_of_the_control_socket_learn_when_to_come_again(served: Served) -> None:
    with ExitStack() as stack:
        for _ in range(8):
            other = stack.enter_context(socket.socket(socket.AF_UNIX))
            other.connect(str(served.socket))
            other.sendall(b"GET /st")
        caller = stack.enter_context(socket.create_connection(("127.0.0.1", served.port), timeout=600))
        caller.sendall(b"GET /cgi-bin/pvr/json HTTP/1.1\r\nHost: device\r\n\r\n")
        found = b"".join(iter(lambda: caller.recv(4096), b""))
    assert found.startswith(b"HTTP/1.1 503 ") and b"\r\nRetry-After: 1\r\n" in found


def test_a_call_has_its_bound_on_memory_and_the_largest_state_fits_in_it(
    made: Path, tmp_path: Path
) -> None:
    """As many nodes, and as long a text, as a state may have."""
    repo.deploy(tmp_path / "storage/trails/0", [StateSource(made / "web.tgz")], commit=True)
    nodes = ",".join(f'"{number:05x}":0' for number in range(131_000))
    state = f'{{"#spec":"pantavisor-service-system@1","a":{{{nodes}}}}}'
    body = f'{{"rev":"locals/large","state":{state}}}'.ljust(4 * 1024 * 1024).encode()
    roots = made / "given/keys/ca.crt"
    with serve(tmp_path / "storage", roots, tmp_path / "served", sdk=BOUNDED) as door:
        assert door.ask("POST", "/steps", body)[0] == 422
        with dawdle(door, "127.0.0.1"):
            assert soon(lambda: 128 * 1024 * 1024 in address_spaces(door.sdk))


def address_spaces(parent: int) -> list[int]:
    """What each child may have at most, in bytes."""
    children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
    return [resource.prlimit(int(child), resource.RLIMIT_AS)[1] for child in children]


def soon(condition: Callable[[], bool]) -> bool:
    for _ in range(600):
        if condition():
            return True
        time.sleep(0.1)
    return False


def test_a_shortage_of_descriptors_costs_a_wait_and_no_time_of_the_processor(served: Served) -> None:
    limits = resource.prlimit(served.sdk, resource.RLIMIT_NOFILE)
    # It waits with a descriptor for the next caller, and begins again once it goes on.
    os.kill(served.sdk, signal.SIGSTOP)
    assert soon(lambda: stat_of(served.sdk)[0] == "T")
    resource.prlimit(served.sdk, resource.RLIMIT_NOFILE, (3, limits[1]))
    os.kill(served.sdk, signal.SIGCONT)
    before = cpu_seconds(served.sdk)
    with socket.create_connection(("127.0.0.1", served.port), timeout=600) as caller:
        caller.sendall(WHOLE)
        assert not select.select([caller], [], [], 2)[0]
        assert cpu_seconds(served.sdk) - before < 0.5
        resource.prlimit(served.sdk, resource.RLIMIT_NOFILE, limits)
        assert caller.recv(65536).startswith(b"HTTP/1.1 200")


def cpu_seconds(process: int) -> float:
    fields = stat_of(process)
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def stat_of(process: int) -> list[str]:
    """From the state on."""
    return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()


def test_callers_that_were_answered_are_in_nobodys_way(served: Served) -> None:
    """More of them than there are places, whose bodies do not come: each is answered at once."""
    head = b"PUT /cgi-bin/pvr/json HTTP/1.1\r\nHost: device\r\nContent-Length: 9\r\n\r\n"
    with ExitStack() as stack:
        for _ in range(40):
            caller = socket.create_connection(("127.0.0.1", served.port), timeout=600)
            stack.enter_context(caller).sendall(head)
            assert caller.recv(12) == b"HTTP/1.1 400"


def is_refused(caller: socket.socket) -> bool:
    return bool(select.select([caller], [], [], 0.5)[0]) and b"too many connections" in caller.recv(4096)


def dawdle(served: Served, host: str, words: bytes = b"GET /cgi") -> socket.socket:
    """A caller from ``host``, whose request does not end."""
    address = ("127.0.0.1", served.port)
    caller = socket.create_connection(address, timeout=600, source_address=(host, 0))
    caller.sendall(words)
    return caller


def test_mutated_requests_break_nothing(served: Served) -> None:
    body = b'{"commit-msg":"a","rev":"locals/a","state":{"#spec":"pantavisor-service-system@1"}}'
    lines = ("POST /cgi-bin/pvr/steps HTTP/1.1", "Host: a:1", f"Content-Length: {len(body)}", "", "")
    head = "\r\n".join(lines).encode()
    random = Random(1)
    for _ in range(300):
        data = bytearray(head + body)
        for _ in range(random.randrange(1, 6)):
            place = random.randrange(len(data))
            data[place : place + random.randrange(3)] = random.randbytes(random.randrange(3))
        assert served.raw(bytes(data), ends=True)[0] in (0, 400, 403, 404, 411, 413, 417, 422, 505)
    assert served.ask("GET", "/json")[0] == 200
