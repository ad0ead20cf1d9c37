"""A gibibyte each way through one worker: not a byte is wrong, and next to none is kept."""

import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest

from tests.peers.processes import GATEWAY_LISTENS
from tests.peers.processes import running as running_program
from tests.process.bulk import (
    BULK_PATIENCE,
    MEBIBYTE,
    PATIENT,
    Arriving,
    BrokenOffError,
    api,
    digest,
    in_thread,
    send,
)
from tests.process.running_worker import RunningWorker, children_of, memory_peak_of, worker

GIBIBYTE = 1024
"""In pieces."""

MEMORY = 80 * MEBIBYTE
"""What a worker may have resident at most, Python and all modules included."""

BEYOND_32_BITS = 2**32 + 2 * MEBIBYTE
"""Whoever counts in 32 bits takes this for two mebibytes, and stops before the four that are sent."""

GET = b"GET / HTTP/1.1\r\nHost: gw.example\r\n\r\n"
NO_CONTENT = b"HTTP/1.1 204 No Content\r\n\r\n"


COMMAND = """
server: {listen: "127.0.0.1:0"}
routes:
- match: {path: /}
  upstream: {url: "http://127.0.0.1:%d", timeouts: {connect: 60s, response: 10m, idle: 10m}}
  cors: false
"""


def framing_field(framing: str, length: int) -> bytes:
    match framing:
        case "counted":
            return b"Content-Length: %d\r\n" % length
        case "chunked":
            return b"Transfer-Encoding: chunked\r\n"
        case _:
            return b""


def answers(sock: socket.socket, framing: str, count: int) -> None:
    """Answer one request with so many pieces."""
    Arriving(sock)
    sock.sendall(b"HTTP/1.1 200 OK\r\n" + framing_field(framing, count * MEBIBYTE) + b"\r\n")
    send(sock, count, chunked=framing == "chunked")


def downloads(running: RunningWorker, count: int) -> None:
    with running.connects(BULK_PATIENCE) as client:
        client.sendall(GET)
        assert Arriving(client).read() == digest(count)


def uploads(running: RunningWorker, framing: str, count: int) -> None:
    field = framing_field(framing, count * MEBIBYTE)
    with running.connects(BULK_PATIENCE) as client:
        client.sendall(b"PUT / HTTP/1.1\r\nHost: gw.example\r\n" + field + b"\r\n")
        send(client, count, chunked=framing == "chunked")
        assert Arriving(client).head.startswith(b"HTTP/1.1 204 ")


def takes(sock: socket.socket, count: int) -> None:
    """Take one request with so many pieces."""
    assert Arriving(sock).read() == digest(count)
    sock.sendall(NO_CONTENT)


@pytest.mark.row("B40")
@pytest.mark.parametrize("framing", ["counted", "chunked", "until close"])
def test_1_gib_comes_down_whole(framing: str) -> None:
    with (
        api(lambda sock: answers(sock, framing, GIBIBYTE)) as port,
        worker(port, **PATIENT) as running,
    ):
        downloads(running, GIBIBYTE)
        assert running.memory_peak() < MEMORY


@pytest.mark.row("B40", "A18")
@pytest.mark.parametrize("framing", ["chunked", "until close"])
def test_1_gib_comes_down_to_an_http_1_0_client_until_close(framing: str) -> None:
    with (
        api(lambda sock: answers(sock, framing, GIBIBYTE)) as port,
        worker(port, **PATIENT) as running,
        running.connects(BULK_PATIENCE) as client,
    ):
        client.sendall(b"GET / HTTP/1.0\r\nHost: gw.example\r\n\r\n")
        response = Arriving(client)
        assert b"Transfer-Encoding" not in response.head
        assert b"Content-Length" not in response.head
        assert response.read() == digest(GIBIBYTE)
        assert running.memory_peak() < MEMORY


@pytest.mark.row("B40")
@pytest.mark.parametrize("framing", ["counted", "chunked"])
def test_1_gib_goes_up_whole(framing: str) -> None:
    with api(lambda sock: takes(sock, GIBIBYTE)) as port, worker(port, **PATIENT) as running:
        uploads(running, framing, GIBIBYTE)
        assert running.memory_peak() < MEMORY


@pytest.mark.row("B40")
def test_1_gib_passes_the_command_itself_each_way(tmp_path: Path) -> None:
    """The configuration and what reads it are in memory too."""

    def speaks(sock: socket.socket) -> None:
        if sock.recv(4, socket.MSG_PEEK) == b"GET ":
            answers(sock, "counted", GIBIBYTE)
        else:
            takes(sock, GIBIBYTE)

    with api(speaks, 2) as port:
        config = tmp_path / "gateway.yaml"
        config.write_text(COMMAND % port, "utf-8")
        argv = [sys.executable, "-m", "cors_gateway", "run", "-c", str(config)]
        with running_program(argv) as program:
            listens = int(program.wait_for(GATEWAY_LISTENS)[1].rpartition(":")[2])
            gateway = RunningWorker(program.process, listens)
            downloads(gateway, GIBIBYTE)
            uploads(gateway, "counted", GIBIBYTE)
            pid = program.process.pid
            assert max(map(memory_peak_of, [pid, *children_of(pid)])) < MEMORY


@pytest.mark.row("B40")
def test_content_that_is_echoed_while_it_is_sent_comes_back_whole() -> None:
    count = 200
    field = framing_field("counted", count * MEBIBYTE)

    def echoes(sock: socket.socket) -> None:
        request = Arriving(sock)
        sock.sendall(b"HTTP/1.1 200 OK\r\n" + field + b"\r\n")
        request.echo(sock)

    with (
        api(echoes) as port,
        worker(port, **PATIENT) as running,
        running.connects(BULK_PATIENCE) as client,
    ):
        client.sendall(b"POST / HTTP/1.1\r\nHost: gw.example\r\n" + field + b"\r\n")
        with in_thread(lambda: send(client, count)):
            assert Arriving(client).read() == digest(count)
        assert running.memory_peak() < MEMORY


@pytest.mark.row("B40")
def test_8_transfers_at_once_are_whole_and_share_the_memory() -> None:
    """Four each way, by both framings, none waiting for another."""
    count = 100
    begun = threading.Barrier(8, timeout=BULK_PATIENCE)

    def speaks(sock: socket.socket) -> None:
        request = Arriving(sock)
        begun.wait()
        if request.head.startswith(b"PUT "):
            assert request.read() == digest(count)
            sock.sendall(NO_CONTENT)
            return
        framing = "chunked" if b"/chunked" in request.head else "counted"
        sock.sendall(b"HTTP/1.1 200 OK\r\n" + framing_field(framing, count * MEBIBYTE) + b"\r\n")
        send(sock, count, chunked=framing == "chunked")

    def downloads_from(running: RunningWorker, framing: str) -> None:
        with running.connects(BULK_PATIENCE) as client:
            client.sendall(GET.replace(b"/", b"/" + framing.encode(), 1))
            assert Arriving(client).read() == digest(count)

    with (
        api(speaks, 8) as port,
        worker(port, **PATIENT) as running,
        ThreadPoolExecutor(8) as threads,
    ):
        transfers = [
            threads.submit(transfer, *arguments)
            for framing in ("counted", "chunked") * 2
            for transfer, arguments in (
                (downloads_from, (running, framing)),
                (uploads, (running, framing, count)),
            )
        ]
        for transfer in transfers:
            transfer.result()
        assert running.memory_peak() < MEMORY


@pytest.mark.row("B15", "B16")
@pytest.mark.parametrize("framing", ["counted", "chunked"])
def test_a_response_longer_than_32_bits_count_is_relayed_until_it_breaks_off(framing: str) -> None:
    def speaks(sock: socket.socket) -> None:
        Arriving(sock)
        sock.sendall(b"HTTP/1.1 200 OK\r\n" + framing_field(framing, BEYOND_32_BITS) + b"\r\n")
        if framing == "chunked":
            sock.sendall(b"%x\r\n" % BEYOND_32_BITS)
        send(sock, 4)

    with (
        api(speaks) as port,
        worker(port, **PATIENT) as running,
        running.connects(BULK_PATIENCE) as client,
    ):
        client.sendall(GET)
        response = Arriving(client)
        assert framing_field(framing, BEYOND_32_BITS) in response.head
        with pytest.raises(BrokenOffError):
            response.read()
        assert response.length == 4 * MEBIBYTE


@pytest.mark.row("A6", "A7")
@pytest.mark.parametrize("framing", ["counted", "chunked"])
def test_a_request_longer_than_32_bits_count_is_relayed_until_it_breaks_off(framing: str) -> None:
    arrived = threading.Event()

    def speaks(sock: socket.socket) -> None:
        request = Arriving(sock)
        assert framing_field(framing, BEYOND_32_BITS) in request.head
        with pytest.raises((BrokenOffError, ConnectionResetError)):
            request.read(lambda length: arrived.set() if length == 4 * MEBIBYTE else None)
        assert request.length == 4 * MEBIBYTE

    with (
        api(speaks) as port,
        worker(port, **PATIENT) as running,
        running.connects(BULK_PATIENCE) as client,
    ):
        field = framing_field(framing, BEYOND_32_BITS)
        client.sendall(b"PUT / HTTP/1.1\r\nHost: gw.example\r\n" + field + b"\r\n")
        if framing == "chunked":
            client.sendall(b"%x\r\n" % BEYOND_32_BITS)
        send(client, 4)
        assert arrived.wait(BULK_PATIENCE)
        client.shutdown(socket.SHUT_WR)
        assert client.recv(100) == b""


@pytest.mark.system("curl")
@pytest.mark.row("A11")
def test_a_download_at_a_limited_rate_holds_up_no_other(tmp_path: Path) -> None:
    """Curl takes 1000 seconds for what the others get meanwhile, and memory does not tell of it."""
    count = 100
    argv = ["curl", "-sS", "--limit-rate", "100K", "-o", str(tmp_path / "slow")]

    def speaks(sock: socket.socket) -> None:
        with suppress(ConnectionError):  # curl is stopped before its end
            answers(sock, "counted", count)

    with api(speaks, 6) as port, worker(port, **PATIENT) as running:
        with subprocess.Popen([*argv, f"http://127.0.0.1:{running.port}/"]) as curl:
            try:
                while not (tmp_path / "slow").exists():
                    time.sleep(0.01)
                for _ in range(5):
                    downloads(running, count)
                assert curl.poll() is None, "curl was not slow"
                assert 0 < (tmp_path / "slow").stat().st_size < count * MEBIBYTE
            finally:
                curl.kill()
        assert running.memory_peak() < MEMORY
