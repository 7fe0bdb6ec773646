"""The web server's limits, over real sockets: bodies, slow clients, websocket frames, slow readers, the end."""

import base64
import http.client
import json
import os
import select
import signal
import socket
import struct
import subprocess
import sys
import time
from contextlib import closing, contextmanager

import pytest

from tests.bench.product import wait_for
from tests.environment import ROOT
from tests.runs.server.limits_server import FRAME, LIMITS, MAX_BODY_BYTES, MAX_UPLOAD_BYTES, N_FRAMES, N_SLOW_PARTS

SECONDS = 10.0
SLOW_READER = LIMITS["SLOW_READER_SECONDS"]


@contextmanager
def served():
    """Run a server; give its process and port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "tests.runs.server.limits_server", str(port)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        try:
            assert process.stdout.readline() == "ready\n"
            yield process, port
        finally:
            process.kill()


@pytest.fixture(scope="module")
def port():
    """The port of a running server."""
    with served() as (_, port):
        yield port


def connect(port, text=b"", *, receive_buffer=0):
    client = socket.socket()
    if receive_buffer:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    client.settimeout(SECONDS)
    client.connect(("127.0.0.1", port))
    client.sendall(text)
    return client


def head(method="POST", path="/", **headers):
    lines = [f"{method} {path} HTTP/1.1", "Host: x", *(f"{k.replace('_', '-')}: {v}" for k, v in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode()


def answer(client):
    """Return status and parsed body of one answer."""
    with client.makefile("rb") as file:
        status = int(file.readline().split()[1])
        length = 0
        while (line := file.readline()) not in (b"\r\n", b""):
            name, _, value = line.partition(b":")
            length = int(value) if name.lower() == b"content-length" else length
        return status, json.loads(file.read(length))


def upgraded(port, path, **options):
    key = base64.b64encode(os.urandom(16)).decode()
    request = head(
        "GET", path, Connection="Upgrade", Upgrade="websocket", Sec_WebSocket_Key=key, Sec_WebSocket_Version=13
    )
    client = connect(port, request, **options)
    text = b""
    while not text.endswith(b"\r\n\r\n"):
        text += client.recv(1)
    assert b" 101 " in text
    return client


def masked(payload):
    length = (
        struct.pack("!BBH", 0x81, 0x80 | 126, len(payload))
        if len(payload) > 125
        else bytes([0x81, 0x80 | len(payload)])
    )
    return length + b"\0\0\0\0" + payload


def test_body_within_the_limit_passes(port):
    with connect(port, head(Content_Length=MAX_BODY_BYTES) + b"x" * MAX_BODY_BYTES) as client:
        assert answer(client)[1]["length"] == MAX_BODY_BYTES


def test_chunked_body_within_the_limit_passes(port):
    with connect(port, head(Transfer_Encoding="chunked") + b"3\r\nabc\r\n0\r\n\r\n") as client:
        assert answer(client)[1]["length"] == 3


def test_malformed_form_reaches_the_application(port):
    with connect(port, head(Content_Type="multipart/form-data", Content_Length=3) + b"a=b") as client:
        assert answer(client)[1]["length"] == 3


def test_connection_serves_one_request_after_the_other(port):
    with connect(port, head("GET")) as client:
        assert answer(client)[0] == 200
        client.sendall(head("GET"))
        assert answer(client)[0] == 200


def test_body_that_says_it_is_too_large_is_refused_unseen(port):
    with connect(port, head(Content_Length=300_000_000)) as client:
        status, body = answer(client)
    assert (status, body["fields"]) == (413, {})
    assert "200,000 bytes" in body["error"]


def test_body_announced_with_expect_is_refused_before_it_is_sent(port):
    with connect(port, head(Content_Length=300_000_000, Expect="100-continue")) as client:
        assert answer(client)[0] == 413


def test_chunked_body_is_refused_when_it_grows_too_large(port):
    chunk = b"ffff\r\n" + b"x" * 0xFFFF + b"\r\n"
    with connect(port, head(Transfer_Encoding="chunked") + chunk * 4) as client:
        assert answer(client)[0] == 413


def test_refused_client_that_goes_on_sending_still_reads_why(port):
    with connect(port, head(Content_Length=10_000_000) + b"x" * 500_000) as client:
        assert answer(client)[0] == 413


@pytest.mark.parametrize("who", [{"Cookie": "who=known"}, {"Authorization": "Bearer known"}])
def test_file_of_somebody_known_passes_where_files_are_taken(port, who):
    request = head(path="/data/import?next=1", Content_Length=MAX_UPLOAD_BYTES, Expect="100-continue", **who)
    with connect(port, request) as client:
        assert client.recv(25) == b"HTTP/1.1 100 Continue\r\n\r\n"
        client.sendall(b"x" * MAX_UPLOAD_BYTES)
        assert answer(client)[1]["length"] == MAX_UPLOAD_BYTES
        client.sendall(head(Content_Length=MAX_BODY_BYTES + 1))  # the next request of the connection is as any other
        assert answer(client)[0] == 413


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (head(path="/data/import", Content_Length=MAX_UPLOAD_BYTES), 401),
        (head(path="/data/import", Content_Length=MAX_UPLOAD_BYTES, Cookie="who=else"), 401),
        (head(path="/data", Content_Length=MAX_UPLOAD_BYTES, Cookie="who=known"), 413),
        (head("PUT", path="/data/import", Content_Length=MAX_UPLOAD_BYTES, Cookie="who=known"), 413),
        (head(path="/data/import", Content_Length=9 * MAX_UPLOAD_BYTES, Cookie="who=known"), 413),
    ],
    ids=["nobody", "somebody else", "elsewhere", "another method", "too large"],
)
def test_large_body_of_anybody_else_or_anywhere_else_is_refused(port, request_, status):
    with connect(port, request_ + b"x" * 50_000) as client:
        assert answer(client)[0] == status


@contextmanager
def arriving(port, who="known", n=2):
    """Have bodies of a user arrive, half of each."""
    request = head(path="/data/import", Content_Length=MAX_UPLOAD_BYTES, Expect="100-continue", Cookie=f"who={who}")
    clients = [connect(port, request) for _ in range(n)]
    for client in clients:
        assert client.recv(25) == b"HTTP/1.1 100 Continue\r\n\r\n"
        client.sendall(b"x" * (MAX_UPLOAD_BYTES // 2))
    try:
        yield clients
    finally:
        for client in clients:
            client.close()


def refused(port, who="known"):
    """Announce one more body; return what it is refused with, or None when it is taken as a whole."""
    request = head(path="/data/import", Content_Length=MAX_UPLOAD_BYTES, Expect="100-continue", Cookie=f"who={who}")
    with connect(port, request) as client:
        assert client.recv(25) == b"HTTP/1.1 100 Continue\r\n\r\n"
        if select.select([client], [], [], 1.5)[0]:
            return client.recv(1_000).decode()
        client.sendall(b"x" * MAX_UPLOAD_BYTES)
        status, body = answer(client)
        return None if status == 200 else f"HTTP/1.1 {status} {body}"


def test_third_body_of_one_user_at_a_time_is_refused(port):
    with arriving(port) as clients:
        told = refused(port)
        assert told.startswith("HTTP/1.1 429")
        assert "Retry-After: 10\r\n" in told
        assert "2 of your uploads are in progress" in told
        assert refused(port, "other") is None
        clients[0].sendall(b"x" * (MAX_UPLOAD_BYTES // 2))
        assert answer(clients[0])[0] == 200
        wait_for(lambda: refused(port) is None, 20, "a place after the end of a body")
    wait_for(lambda: refused(port) is None, 20, "places after the end of connections")


def test_places_come_back_from_clients_that_vanish(port):
    for _ in range(4):
        with arriving(port, n=1):
            pass

    def are_two_taken():
        with arriving(port) as clients:
            for client in clients:
                client.sendall(b"x" * (MAX_UPLOAD_BYTES // 2))
            return [answer(client)[0] for client in clients] == [200, 200]

    wait_for(are_two_taken, 10, "both places of the user")


def test_body_for_which_the_disk_has_no_room_is_refused_unseen(port):
    with arriving(port), arriving(port, "other", n=1):
        told = refused(port, "other")
        assert told.startswith("HTTP/1.1 507")
        assert "nearly full" in told


@pytest.mark.parametrize("text", [b"GET / HT", b"GET / HTTP/1.1\r\nHost: x\r\n", head(Content_Length=100) + b"x"])
def test_request_that_never_ends_is_cut(port, text):
    with connect(port, text) as client:
        assert answer(client)[0] == 408
        assert client.recv(1) == b""


def test_head_that_drips_is_cut_although_it_is_never_silent(port):
    began = time.monotonic()
    with connect(port, b"GET / HTTP/1.1\r\n") as client:
        client.settimeout(0.05)
        while time.monotonic() - began < SECONDS:
            try:
                client.sendall(b"X")
                assert client.recv(100).startswith(b"HTTP/1.1 408")
                break
            except TimeoutError:
                continue
    assert time.monotonic() - began < 60


def test_head_that_is_too_large_is_refused(port):
    with connect(port, b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 4_000 + b"\r\n\r\n") as client:
        assert client.recv(100).startswith(b"HTTP/1.1 400")


@pytest.mark.parametrize(
    "line", [b"X: a\0b", b"X : a", b"X\xff: a", b"Content-Length: 1\r\nTransfer-Encoding: chunked"]
)
def test_malformed_head_is_refused(port, line):
    with connect(port, b"GET / HTTP/1.1\r\nHost: x\r\n" + line + b"\r\n\r\n") as client:
        assert client.recv(100).startswith(b"HTTP/1.1 400")


@pytest.mark.parametrize("frame", [masked(b"x" * 3_000), b"\x81\x01x", b"\xff\xff\xff\xff"])
def test_websocket_frame_that_is_too_large_or_garbage_ends_the_socket(port, frame):
    with upgraded(port, "/quiet") as client:
        client.sendall(frame)
        assert is_cut(client)


def test_websocket_limit_is_for_what_comes_in_only(port):
    with upgraded(port, "/large") as client:
        assert client.recv(4, socket.MSG_WAITALL)[:2] == b"\x81\x7e"  # a whole text frame of up to 64 KB
        assert len(client.recv(50_000, socket.MSG_WAITALL)) == 50_000


def is_cut(client):
    """Wait until the server has ended the connection, whether or not something is left to read."""
    poll = select.poll()
    poll.register(client, select.POLLRDHUP)
    return bool(poll.poll(SECONDS * 1_000))


def test_reader_that_does_not_read_holds_its_sender_back_and_is_cut_at_last(port):
    with upgraded(port, "/flood", receive_buffer=4_096) as silent:
        with connect(port, head("GET")) as client:
            n_sent = answer(client)[1]["sent"]
        assert 0 < n_sent < N_FRAMES / 2  # the rest waits in the application, not in the server's memory
        assert is_cut(silent)


def test_server_ends_at_once_although_a_request_has_not_come_in():
    with served() as (process, port), connect(port, b"GET / HTTP/1.1\r\n"), upgraded(port, "/quiet"):
        process.send_signal(signal.SIGTERM)
        assert process.wait(5) == 0


def fetched(port, path):
    """Return the body of an answer in parts; raises IncompleteRead, or ConnectionError, when it was cut."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=SECONDS)
    with closing(connection):
        connection.request("GET", path)
        return connection.getresponse().read()


def test_file_that_flows_may_take_longer_than_an_answer_may_take_to_begin(port):
    assert fetched(port, "/slow") == b"part" * N_SLOW_PARTS


def test_file_comes_whole_at_full_speed(port):
    assert len(fetched(port, "/pour")) == N_FRAMES * len(FRAME)


def test_file_that_stalls_is_cut_so_that_nobody_takes_it_for_whole(port):
    with pytest.raises((http.client.IncompleteRead, ConnectionError)):
        fetched(port, "/stall")


def test_reader_of_a_file_that_does_not_read_holds_it_back_and_is_cut_off(port):
    def n_parts():
        with connect(port, head("GET")) as other:
            return answer(other)[1]["parts"]

    before = n_parts()
    with connect(port, head("GET", "/pour"), receive_buffer=4_096) as silent:
        time.sleep(SLOW_READER / 2)
        assert 0 < n_parts() - before < N_FRAMES / 2
        assert is_cut(silent)


def test_connection_serves_on_after_a_file(port):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=SECONDS)
    with closing(connection):
        for _ in range(3):
            connection.request("GET", "/pour")
            assert len(connection.getresponse().read()) == N_FRAMES * len(FRAME)
