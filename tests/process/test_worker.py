"""A worker as a real process: signals, drains, and a log that nobody reads."""

import json
import os
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import suppress

import pytest

from cors_gateway.process.logging import describe_fault, report_event
from tests.process.running_worker import RunningWorker, worker

PATIENCE = 30.0
"""Seconds; far less than the drain of those tests in which something ends 'at once'."""

GET = b"GET /a HTTP/1.1\r\nHost: gw.example\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class Api:
    """A listening socket of the test; what arrives is answered by hand."""

    def __init__(self) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.listener.settimeout(PATIENCE)
        self.port = self.listener.getsockname()[1]
        self.connections: list[socket.socket] = []

    def accepts(self) -> socket.socket:
        connection, _ = self.listener.accept()
        connection.settimeout(PATIENCE)
        self.connections.append(connection)
        assert receive_head(connection).startswith(b"GET /a ")
        return connection

    def answers_all(self) -> None:
        threading.Thread(target=self._accept_all, daemon=True).start()

    def _accept_all(self) -> None:
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            self.connections.append(connection)
            threading.Thread(target=self._answer, args=[connection], daemon=True).start()

    @staticmethod
    def _answer(connection: socket.socket) -> None:
        try:
            while receive_head(connection):
                connection.sendall(OK)
        except OSError:
            pass

    def close(self) -> None:
        self.listener.close()
        for connection in self.connections:
            connection.close()


def receive_head(connection: socket.socket) -> bytes:
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        byte = connection.recv(1)
        if not byte:
            return b""
        head += byte
    return head


def receive_rest(connection: socket.socket) -> bytes:
    rest = b""
    while data := connection.recv(65536):
        rest += data
    return rest


def ask(connection: socket.socket) -> bytes:
    connection.sendall(GET)
    head = receive_head(connection)
    assert connection.recv(2) == b"ok"
    return head


@pytest.fixture
def api() -> Iterator[Api]:
    upstream = Api()
    yield upstream
    upstream.close()


@pytest.mark.row("F1")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGQUIT, signal.SIGINT])
def test_f1_an_idle_worker_stops_at_once(api: Api, number: signal.Signals) -> None:
    api.answers_all()
    with (
        worker(api.port, timeout=600.0) as running,
        running.connects() as client,
        running.connects() as begun,
    ):
        assert b"Connection: close" not in ask(client)
        begun.sendall(b"GET /half")
        running.is_told(number)
        assert running.ends(within=PATIENCE) == 0
        assert client.recv(1) == b""
        assert begun.recv(1) == b""


@pytest.mark.row("F2")
def test_f2_a_request_in_progress_is_finished_and_its_connection_closed(api: Api) -> None:
    with worker(api.port, timeout=600.0) as running, running.connects() as client:
        client.sendall(GET)
        peer = api.accepts()
        running.is_told(signal.SIGTERM)
        refused(running)
        peer.sendall(OK)
        assert b"\r\nConnection: close\r\n" in receive_head(client)
        assert receive_rest(client) == b"ok"
        assert running.ends(within=PATIENCE) == 0


@pytest.mark.row("F2")
def test_f2_a_response_that_has_begun_is_finished_too(api: Api) -> None:
    with worker(api.port, timeout=600.0) as running, running.connects() as client:
        client.sendall(GET)
        peer = api.accepts()
        peer.sendall(OK[:-1])
        receive_head(client)
        assert client.recv(1) == b"o"
        running.is_told(signal.SIGTERM)
        refused(running)
        peer.sendall(b"k")
        assert receive_rest(client) == b"k"
        assert running.ends(within=PATIENCE) == 0


def refused(running: RunningWorker) -> None:
    """Wait until no more connections are accepted."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        try:
            with running.connects() as client:
                client.settimeout(0.05)
                client.recv(1)
        except ConnectionRefusedError:
            return
        except OSError:
            pass
        time.sleep(0.01)
    pytest.fail("connections are still accepted")


def is_stopping(running: RunningWorker) -> None:
    """Wait until answers say that their connection will close."""
    deadline = time.monotonic() + PATIENCE
    is_told = False
    while not is_told:
        assert time.monotonic() < deadline, "it has not heard the signal"
        with running.connects() as client:
            is_told = b"Connection: close" in ask(client)


@pytest.mark.row("F2")
def test_f2_connections_are_accepted_while_a_stop_is_delayed(api: Api) -> None:
    api.answers_all()
    with worker(api.port, delay=600.0) as running:
        running.is_told(signal.SIGTERM)
        is_stopping(running)
        with running.connects() as client:
            ask(client)
        assert running.process.poll() is None


@pytest.mark.row("F3")
def test_f3_a_stream_is_cut_off_when_the_drain_has_lasted_too_long(api: Api) -> None:
    with worker(api.port, timeout=0.4) as running, running.connects() as client:
        client.sendall(GET)
        peer = api.accepts()
        peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: 1\n\n")
        receive_head(client)
        assert client.recv(100) == b"9\r\ndata: 1\n\n\r\n"
        start = time.monotonic()
        running.is_told(signal.SIGTERM)
        assert running.ends(within=PATIENCE) == 0
        assert time.monotonic() - start > 0.35
        # Without the last chunk: the client can tell that content is missing.
        assert receive_rest(client) == b""


@pytest.mark.row("F3")
def test_f3_who_waits_for_an_answer_is_told_that_the_gateway_stops(api: Api) -> None:
    log = subprocess.PIPE
    with worker(api.port, log, timeout=0.4) as running, running.connects() as client:
        client.sendall(GET)
        api.accepts()
        running.is_told(signal.SIGTERM)
        assert receive_head(client).startswith(b"HTTP/1.1 503 ")
        assert b"urn:cors-gateway:problem:stopping" in receive_rest(client)
        assert running.ends(within=PATIENCE) == 0
        assert running.process.stdout is not None
        assert json.loads(running.process.stdout.readline())["problem"] == "stopping"


@pytest.mark.row("F4")
def test_f4_a_second_signal_means_now(api: Api) -> None:
    with worker(api.port, timeout=600.0) as running, running.connects() as client:
        client.sendall(GET)
        api.accepts()
        running.is_told(signal.SIGTERM)
        refused(running)
        assert running.process.poll() is None
        running.is_told(signal.SIGINT)
        assert running.ends(within=PATIENCE) == 0


@pytest.mark.row("F4")
def test_f4_a_second_signal_ends_the_delay_as_well(api: Api) -> None:
    api.answers_all()
    with worker(api.port, delay=600.0) as running:
        running.is_told(signal.SIGTERM)
        is_stopping(running)
        running.is_told(signal.SIGTERM)
        assert running.ends(within=PATIENCE) == 0


def test_one_line_of_the_log_for_each_request(api: Api) -> None:
    api.answers_all()
    with worker(api.port, subprocess.PIPE) as running:
        with running.connects() as client:
            for _ in range(3):
                ask(client)
        running.is_told(signal.SIGTERM)
        assert running.process.stdout is not None
        lines = [json.loads(line) for line in running.process.stdout.read().splitlines()]
        assert running.ends(within=PATIENCE) == 0
    assert [(line["http.response.status_code"], line["url.path"]) for line in lines] == [
        (200, "/a")
    ] * 3
    assert len({line["request_id"] for line in lines}) == 3


@pytest.mark.row("F6")
@pytest.mark.parametrize("then", ["stays", "goes"])
def test_f6_a_log_that_nobody_reads_stops_nobody(api: Api, then: str) -> None:
    api.answers_all()
    reading, writing = os.pipe()
    with worker(api.port, writing) as running, running.connects() as client:
        os.close(writing)
        for _ in range(600):
            ask(client)
        running.is_told(signal.SIGTERM)
        if then == "goes":
            os.close(reading)
        assert running.ends(within=PATIENCE) == 0
    if then == "stays":
        os.close(reading)


@pytest.mark.row("F6")
def test_f6_a_log_that_is_closed_stops_nobody(api: Api) -> None:
    api.answers_all()
    reading, writing = os.pipe()
    with worker(api.port, writing) as running, running.connects() as client:
        os.close(writing)
        os.close(reading)
        ask(client)
        time.sleep(0.4)
        ask(client)
        running.is_told(signal.SIGTERM)
        assert running.ends(within=PATIENCE) == 0


def is_served(running: RunningWorker) -> bool:
    with running.connects() as client, suppress(ConnectionError):
        client.sendall(GET)
        return receive_head(client).startswith(b"HTTP/1.1 200 ")
    return False


@pytest.mark.row("F8")
def test_f8_without_descriptors_what_is_open_goes_on_and_the_rest_recovers(api: Api) -> None:
    api.answers_all()
    with worker(api.port, files=40) as running:
        with running.connects() as first:
            ask(first)
            crowd = [running.connects() for _ in range(60)]
            ask(first)
            for client in crowd:
                client.close()
            time.sleep(0.3)
            ask(first)
        deadline = time.monotonic() + PATIENCE
        while not is_served(running):
            assert time.monotonic() < deadline, "it does not recover"


@pytest.mark.row("F10")
def test_f10_a_mistake_of_ours_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ValueError) as caught:
        int("a\nb")
    told = describe_fault({"message": "in request x", "exception": caught.value})
    report_event("error", told, json_lines=True)
    report_event("error", describe_fault({}), json_lines=False)
    first, second = capsys.readouterr().err.splitlines()
    assert "in request x" in json.loads(first)["msg"]
    assert "test_worker.py" in first
    assert "unhandled error" in second
