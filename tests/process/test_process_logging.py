"""Log lines leave whole and in order, in bounded memory, and never hold anybody up."""

import contextlib
import fcntl
import io
import json
import os
import re
import resource
import select
import signal
import socket
import subprocess
import sys
import tempfile
import termios
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TextIO

import pytest

from cors_gateway.process.logging import (
    MAX_WAITING,
    LogWriter,
    access_logger,
    is_json,
    report_event,
)
from cors_gateway.snapshot import LogSettings
from cors_gateway.wire.record import AccessRecord
from tests.peers.processes import SMALL
from tests.process.running_worker import RunningWorker, memory_peak_of, worker
from tests.stress.measuring import metric

PATIENCE = 30.0
MEBIBYTE = 1024 * 1024


class Pipe:
    """A pipe, and what the operator is told of the writer into it."""

    def __init__(self) -> None:
        self.reading, writing = os.pipe()
        self.stream: TextIO = os.fdopen(writing, "w")
        self.told: list[str] = []
        self.read = b""
        self._reader: threading.Thread | None = None

    def writer(self, lock_fd: int | None = None) -> LogWriter:
        return LogWriter(self.stream, lock_fd, self._take)

    def _take(self, level: str, message: str) -> None:
        assert level == "warning"
        self.told.append(message)

    def holds(self) -> int:
        """Give how many bytes wait in it."""
        return int.from_bytes(fcntl.ioctl(self.reading, termios.FIONREAD, bytes(4)), sys.byteorder)

    def is_read(self) -> None:
        self._reader = threading.Thread(target=self._read_all, daemon=True)
        self._reader.start()

    def _read_all(self) -> None:
        while data := os.read(self.reading, 65536):
            self.read += data

    def all_read(self) -> bytes:
        """Give everything that was written, once nobody has the pipe open any more."""
        self.stream.close()
        if self._reader is None:
            self.is_read()
        assert self._reader is not None
        self._reader.join(PATIENCE)
        assert not self._reader.is_alive()
        return self.read

    def close(self) -> None:
        # The reader first: who is stuck in writing then comes free.
        with contextlib.suppress(OSError):
            os.close(self.reading)
        with contextlib.suppress(OSError):
            self.stream.close()


@pytest.fixture
def pipe() -> Iterator[Pipe]:
    made = Pipe()
    yield made
    made.close()


def until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "it has not come about"
        time.sleep(0.005)


def lines(count: int, length: int) -> str:
    return "".join(f"{number:06}{'x' * (length - 7)}\n" for number in range(count))


# Where somebody reads.


def test_lines_are_written_in_order(pipe: Pipe) -> None:
    pipe.is_read()
    writer = pipe.writer()
    for number in range(1000):
        writer.write(f"{number}\n" * 3)
    writer.close(PATIENCE)
    assert pipe.all_read() == b"".join(b"%d\n" % number * 3 for number in range(1000))
    assert (writer.lost_lines, writer.waiting_bytes, pipe.told) == (0, 0, [])


@pytest.mark.parametrize(
    "length",
    [
        pytest.param(10, id="many in a piece"),
        pytest.param(4096, id="exactly one piece"),
        pytest.param(4097, id="just longer than a piece"),
        pytest.param(300_000, id="longer than the pipe"),
    ],
)
def test_lines_of_any_length_arrive_as_they_are(pipe: Pipe, length: int) -> None:
    pipe.is_read()
    writer = pipe.writer()
    writer.write(lines(7, length))
    writer.write("last\n")
    writer.close(PATIENCE)
    assert pipe.all_read().decode() == lines(7, length) + "last\n"


def test_one_tick_may_bring_more_than_may_wait(pipe: Pipe) -> None:
    pipe.is_read()
    writer = pipe.writer()
    text = lines(MAX_WAITING // 1000 + 100, 1000)
    writer.write(text)
    writer.close(PATIENCE)
    assert len(pipe.all_read()) == len(text)


def test_what_utf_8_does_not_have_is_escaped(pipe: Pipe) -> None:
    writer = pipe.writer()
    writer.write("a\udcffb\n")
    writer.close(PATIENCE)
    assert pipe.all_read() == b"a\\udcffb\n"


def test_a_pipe_that_somebody_else_made_non_blocking_gets_every_line(pipe: Pipe) -> None:
    os.set_blocking(pipe.stream.fileno(), False)
    writer = pipe.writer()
    text = lines(1000, 1000)
    writer.write(text)
    until(lambda: os.read(pipe.reading, 1))
    pipe.is_read()
    writer.close(PATIENCE)
    assert len(pipe.all_read()) == len(text) - 1
    assert writer.lost_lines == 0


def test_being_too_late_for_the_room_in_a_pipe_loses_nothing(pipe: Pipe) -> None:
    fill(pipe.stream.fileno())
    os.set_blocking(pipe.stream.fileno(), False)
    assert pipe.writer()._write(b"a\n") == 0


# Where nobody does, or it cannot be written.


def test_a_pipe_that_nobody_reads_costs_bounded_memory_and_the_operator_hears_of_it(
    pipe: Pipe,
) -> None:
    writer = pipe.writer()
    batch = lines(1000, 1000)
    for _ in range(12):
        writer.write(batch)
    assert writer.waiting_bytes <= MAX_WAITING
    assert writer.lost_lines > 0
    until(lambda: pipe.told)
    for _ in range(5):
        writer.write(batch)
    time.sleep(0.3)
    assert pipe.told == ["the access log cannot be written (nobody reads it): lines are lost"]

    lost = writer.lost_lines
    pipe.is_read()
    until(lambda: len(pipe.told) > 1)
    assert pipe.told[1] == f"{lost} lines of the access log were lost"
    writer.write("after\n")
    writer.close(PATIENCE)
    written = pipe.all_read()
    assert written.count(b"\n") == 17_000 - lost + 1
    assert {len(line) for line in written.splitlines()} == {999, len("after")}
    assert len(pipe.told) == 2


def test_every_time_that_lines_are_lost_is_told(pipe: Pipe) -> None:
    writer = pipe.writer()
    os.set_blocking(pipe.reading, False)
    for turn in (1, 2, 3):
        for _ in range(6):
            writer.write(lines(1000, 1000))
        until(lambda turn=turn: len(pipe.told) == 2 * turn - 1)  # type: ignore[misc]
        while len(pipe.told) < 2 * turn:
            with contextlib.suppress(BlockingIOError):
                os.read(pipe.reading, 65536)
    writer.close(PATIENCE)
    assert sum(int(told.split()[0]) for told in pipe.told[1::2]) == writer.lost_lines


def test_closing_waits_for_nobody_longer_than_it_was_told(pipe: Pipe) -> None:
    writer = pipe.writer()
    writer.write(lines(1000, 1000))
    writer.write("last\n")
    until(lambda: is_full(pipe.stream.fileno()) and pipe.holds() == writer._written)
    writer.close(timeout=0.3)
    assert pipe.told == [f"{writer.lost_lines} lines of the access log were lost"]
    written = pipe.all_read()
    assert written.endswith(b"\n")
    assert writer.lost_lines == 1001 - written.count(b"\n")


def test_what_a_write_that_never_ends_keeps_from_being_written_is_counted(pipe: Pipe) -> None:
    began, may_end = threading.Event(), threading.Event()

    class Stuck(LogWriter):
        """Its disk does not answer, which no pipe can show."""

        def _write(self, piece: bytes) -> int:
            if piece == b"second\n":
                began.set()
                assert may_end.wait(PATIENCE)
            return super()._write(piece)

    writer = Stuck(pipe.stream, report=pipe._take)
    writer.write("first\n")
    until(lambda: not writer.waiting_bytes)
    writer.write("second\n")
    assert began.wait(PATIENCE)
    writer.write("third\nfourth\n")
    writer.close(timeout=0.1)
    assert (writer.lost_lines, writer.waiting_bytes) == (3, 0)
    assert pipe.told == ["3 lines of the access log were lost"]
    may_end.set()
    until(lambda: not writer._thread.is_alive())
    assert (writer.lost_lines, writer.waiting_bytes) == (3, 0)


def test_what_comes_after_closing_is_lost_and_counted(pipe: Pipe) -> None:
    writer = pipe.writer()
    writer.close(PATIENCE)
    writer.write("a\nb\n")
    assert writer.lost_lines == 2


def test_a_pipe_without_a_reader_loses_lines_and_not_the_thread(pipe: Pipe) -> None:
    writer = pipe.writer()
    os.close(pipe.reading)
    for turn in (1, 2, 3):
        writer.write("a\nb\n")
        until(lambda turn=turn: writer.lost_lines == 2 * turn)  # type: ignore[misc]
    assert pipe.told == ["the access log cannot be written (Broken pipe): lines are lost"]
    writer.close(PATIENCE)
    assert pipe.told[1:] == ["6 lines of the access log were lost"]


def closed_stream() -> io.StringIO:
    stream = io.StringIO()
    stream.close()
    return stream


@pytest.mark.parametrize(
    "stream",
    [
        pytest.param(None, id="none"),
        pytest.param(closed_stream(), id="closed"),
        pytest.param(io.StringIO(), id="without a descriptor"),
    ],
)
def test_a_stream_that_is_none_loses_every_line(stream: TextIO | None) -> None:
    told: list[str] = []
    writer = LogWriter(stream, report=lambda _, message: told.append(message))
    writer.write("a\nb\n")
    until(lambda: told)
    writer.write("c\n")
    writer.close(PATIENCE)
    assert writer.lost_lines == 3
    assert told == [
        "the access log cannot be written (it is closed): lines are lost",
        "3 lines of the access log were lost",
    ]


def test_closing_the_stream_does_not_lead_lines_elsewhere(pipe: Pipe, tmp_path: Path) -> None:
    writer = pipe.writer()
    number = pipe.stream.fileno()
    pipe.stream.close()
    with (tmp_path / "other").open("wb") as other:
        assert other.fileno() == number
        writer.write("a\n")
        writer.close(PATIENCE)
    assert (tmp_path / "other").read_bytes() == b""
    assert pipe.all_read() == b"a\n"


@pytest.mark.row("F7")
def test_a_full_disk_is_told_of_once() -> None:
    told: list[str] = []
    with Path("/dev/full").open("w") as full:
        writer = LogWriter(full, report=lambda _, message: told.append(message))
        for turn in (1, 2, 3):
            writer.write(lines(20, 1000))
            until(lambda turn=turn: writer.lost_lines == 20 * turn)  # type: ignore[misc]
        assert told == [
            "the access log cannot be written (No space left on device): lines are lost"
        ]
        writer.close(PATIENCE)
    assert told[1:] == ["60 lines of the access log were lost"]


def test_a_line_that_broke_off_spoils_no_other(tmp_path: Path) -> None:
    path = tmp_path / "log"
    told: list[str] = []
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    with path.open("w") as stream:
        writer = LogWriter(stream, report=lambda _, message: told.append(message))
        resource.setrlimit(resource.RLIMIT_FSIZE, (2500, hard))
        try:
            writer.write(lines(5, 1000))
            until(lambda: writer.lost_lines)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        writer.write("whole\n")
        writer.close(PATIENCE)
    written = path.read_text("ascii").splitlines()
    assert [len(line) for line in written] == [999, 999, 500, 5]
    assert (written[-1], writer.lost_lines) == ("whole", 3)
    assert told[1:] == ["3 lines of the access log were lost"]


# Several processes that write to one place.

WRITING = """
import json, sys
from cors_gateway.process.logging import LogWriter

name, lock = sys.argv[1], int(sys.argv[2])
writer = LogWriter(sys.stdout, None if lock < 0 else lock)
for number in range(300):
    length = 60_000 if number % 50 == 0 else number
    writer.write(json.dumps({"name": name, "number": number, "text": name * length}) + "\\n")
writer.close(60)
"""


@contextlib.contextmanager
def writing(names: str, lock_fd: int, stdout: int) -> Iterator[list[subprocess.Popen[bytes]]]:
    started = [
        subprocess.Popen(
            [sys.executable, "-c", WRITING, name, str(lock_fd)],
            stdout=stdout,
            pass_fds=[lock_fd] if lock_fd >= 0 else [],
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        )
        for name in names
    ]
    try:
        yield started
    finally:
        for process in started:
            process.kill()
            process.wait()


def test_lines_of_several_processes_stay_whole(pipe: Pipe) -> None:
    fcntl.fcntl(pipe.reading, fcntl.F_SETPIPE_SZ, 4096)  # so that every line has to wait
    with tempfile.TemporaryFile() as lock:
        with writing("abcd", lock.fileno(), pipe.stream.fileno()) as processes:
            pipe.is_read()
            for process in processes:
                assert process.wait(60) == 0
        written = [json.loads(line) for line in pipe.all_read().splitlines()]
    for name in "abcd":
        numbers = [line["number"] for line in written if line["name"] == name]
        assert numbers == list(range(300))
    assert all(set(line["text"]) <= {line["name"]} for line in written)


def locked_by_another(lock_fd: int, release: int) -> subprocess.Popen[bytes]:
    """Start a process that has the lock until ``release`` is closed; it says when it has it."""
    code = (
        "import fcntl, os, sys; fcntl.lockf(int(sys.argv[1]), fcntl.LOCK_EX);"
        "os.write(1, b'!'); os.read(int(sys.argv[2]), 1)"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(lock_fd), str(release)],
        stdout=subprocess.PIPE,
        pass_fds=[lock_fd, release],
    )
    assert process.stdout is not None
    assert process.stdout.read(1) == b"!"
    return process


@pytest.mark.parametrize("then", ["released", "kept"])
def test_who_has_the_turn_is_waited_for_but_not_when_closing(pipe: Pipe, then: str) -> None:
    holding, releasing = os.pipe()
    with tempfile.TemporaryFile() as lock:
        process = locked_by_another(lock.fileno(), holding)
        writer = pipe.writer(lock.fileno())
        writer.write("a\n")
        os.set_blocking(pipe.reading, False)
        time.sleep(0.3)
        with pytest.raises(BlockingIOError):
            os.read(pipe.reading, 1)
        if then == "released":
            os.write(releasing, b"!")
            writer.close(PATIENCE)
        else:
            writer.close(timeout=0.3)
            os.write(releasing, b"!")
        until(lambda: not writer._thread.is_alive())
        os.set_blocking(pipe.reading, True)
        assert pipe.all_read() == (b"a\n" if then == "released" else b"")
        assert writer.lost_lines == (0 if then == "released" else 1)
        process.communicate(timeout=PATIENCE)
    os.close(holding)
    os.close(releasing)


def test_the_turn_is_given_back(pipe: Pipe) -> None:
    with tempfile.TemporaryFile() as lock:
        writer = pipe.writer(lock.fileno())
        writer.write("a\n")
        until(lambda: writer.waiting_bytes == 0)
        code = "import fcntl, sys; fcntl.lockf(int(sys.argv[1]), fcntl.LOCK_EX | fcntl.LOCK_NB)"
        subprocess.run(
            [sys.executable, "-c", code, str(lock.fileno())], pass_fds=[lock.fileno()], check=True
        )
        writer.close(PATIENCE)


def test_without_a_lock_to_be_had_lines_are_written_all_the_same(pipe: Pipe) -> None:
    with tempfile.TemporaryFile() as file, Path(f"/proc/self/fd/{file.fileno()}").open() as lock:
        with pytest.raises(OSError):
            fcntl.lockf(lock, fcntl.LOCK_EX)  # it is open for reading only
        writer = pipe.writer(lock.fileno())
        writer.write("a\n")
        writer.close(PATIENCE)
    assert pipe.all_read() == b"a\n"


FLOODING = """
import os, sys, time
from cors_gateway.process.logging import LogWriter

writer = LogWriter(sys.stdout, report=lambda level, message: None)
batch = "x" * 999 + "\\n"
for _ in range(400):
    writer.write(batch * 500)
os.write(2, b"%d" % writer.lost_lines)
time.sleep(60)
"""


def test_a_flood_of_lines_that_nobody_reads_does_not_fill_the_memory(pipe: Pipe) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", FLOODING],
        stdout=pipe.stream,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    )
    try:
        assert process.stderr is not None
        assert int(process.stderr.read(6)) > 190_000
        # 200 MB went in; 4 MiB of it wait.
        assert memory_peak_of(process.pid) < 100 * MEBIBYTE
    finally:
        process.kill()
        process.communicate()


# A worker whose log is stuck.

HEAD = (
    b"GET /%06d HTTP/1.1\r\nHost: gw.example\r\nConnection: keep-alive\r\nUser-Agent: "
    + b"\xe9" * 255
    + b"\r\n\r\n"
)
"""Its line is longer than two kilobytes: each of the last bytes is escaped."""


class Api:
    """An API that answers everything, one connection at a time for each thread."""

    def __init__(self) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self.listener.accept()
                threading.Thread(target=self._answer, args=[connection], daemon=True).start()

    def _answer(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            heads = b""
            while data := connection.recv(65536):
                heads += data
                while b"\r\n\r\n" in heads:
                    heads = heads.partition(b"\r\n\r\n")[2]
                    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")


@pytest.fixture
def api() -> Iterator[Api]:
    upstream = Api()
    yield upstream
    upstream.listener.close()


def ask(client: socket.socket, first: int, count: int) -> None:
    """Make requests, and see that each is answered."""
    for number in range(first, first + count):
        client.sendall(HEAD % number)
        answer = b""
        while not answer.endswith(b"ok"):
            data = client.recv(65536)
            assert data, "the connection was closed"
            answer += data
        assert answer.startswith(b"HTTP/1.1 200 ")


@pytest.mark.row("F6")
def test_f6_requests_are_served_while_the_log_is_stuck_and_it_goes_on_when_it_is_read(
    api: Api, pipe: Pipe, capfd: pytest.CaptureFixture[str]
) -> None:
    errors = ""

    def told(word: str) -> bool:
        nonlocal errors
        errors += capfd.readouterr().err
        return word in errors

    with worker(api.port, pipe.stream) as running:

        def ask_anew(first: int, requests: int) -> None:
            # One connection is good for a thousand.
            with running.connects(PATIENCE) as client:
                ask(client, first, requests)

        count = 0
        while not told("lines are lost"):
            ask_anew(count, 200)
            count += 200
        ask_anew(count, 200)
        pipe.is_read()
        until(lambda: told("were lost"))
        ask_anew(count + 200, 1)
        until(lambda: b"/%06d" % (count + 200) in pipe.read)
        running.is_told(signal.SIGTERM)
        assert running.ends(PATIENCE) == 0
    written = [json.loads(line)["url.path"] for line in pipe.all_read().splitlines()]
    told_of = [json.loads(line)["msg"] for line in errors.splitlines()]
    assert len(told_of) == 2
    lost = int(told_of[1].split()[0])
    assert len(written) == len(set(written)) == count + 201 - lost
    assert written == sorted(written)
    assert written[-1] == f"/{count + 200:06}"


def only_answers(running: RunningWorker) -> None:
    with running.connects(PATIENCE) as client:
        ask(client, 0, 20)
        time.sleep(0.6)
        ask(client, 20, 20)
    running.is_told(signal.SIGTERM)
    assert running.ends(PATIENCE) == 0


@pytest.mark.row("F7")
def test_f6_requests_are_served_while_the_disk_is_full(
    api: Api, capfd: pytest.CaptureFixture[str]
) -> None:
    with Path("/dev/full").open("w") as full, worker(api.port, full) as running:
        only_answers(running)
    first, last = capfd.readouterr().err.splitlines()
    assert "(No space left on device): lines are lost" in first
    assert "40 lines of the access log were lost" in last


@pytest.mark.row("F7")
def test_f7_a_disk_that_was_full_is_written_to_again(
    api: Api, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """A limit on the size of files stands for the disk: that can be lifted without privileges."""
    errors = ""

    def told(word: str) -> bool:
        nonlocal errors
        errors += capfd.readouterr().err
        return word in errors

    def sees(path: str) -> bool:
        return path in log.read_text("ascii")

    log = tmp_path / "log"
    with log.open("w") as file, worker(api.port, file) as running, running.connects() as client:
        pid = running.process.pid
        ask(client, 0, 1)
        until(lambda: sees("/000000"))
        unlimited = resource.prlimit(pid, resource.RLIMIT_FSIZE)
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (log.stat().st_size, unlimited[1]))
        ask(client, 1, 10)
        until(lambda: told("lines are lost"))
        ask(client, 11, 10)
        resource.prlimit(pid, resource.RLIMIT_FSIZE, unlimited)
        for number in range(21, 1000):
            ask(client, number, 1)
            time.sleep(0.05)
            if told("were lost"):
                break
        until(lambda: sees(f"/{number:06}"))
        running.is_told(signal.SIGTERM)
        assert running.ends(PATIENCE) == 0
        until(lambda: told("were lost"))
    first, *rest = [json.loads(line)["msg"] for line in errors.splitlines()]
    written = [json.loads(line)["url.path"] for line in log.read_text().splitlines()]
    assert "(File too large)" in first
    assert len([line for line in rest if "lines are lost" in line]) == 0
    assert sum(int(line.split()[0]) for line in rest) == number + 1 - len(written)
    assert written[-1] == f"/{number:06}"


@contextlib.contextmanager
def standard_error(descriptor: int) -> Iterator[None]:
    """Let processes that begin now have another standard error."""
    ours = os.dup(2)
    os.dup2(descriptor, 2)
    try:
        yield
    finally:
        os.dup2(ours, 2)
        os.close(ours)


@pytest.mark.row("F6")
def test_f6_requests_are_served_while_nobody_reads_what_the_operator_is_told(
    api: Api, pipe: Pipe
) -> None:
    fill(pipe.stream.fileno())
    with Path("/dev/full").open("w") as full, contextlib.ExitStack() as stack:
        with standard_error(pipe.stream.fileno()):
            running = stack.enter_context(worker(api.port, full))
        only_answers(running)
    assert b"lost" not in pipe.all_read()


# The whole command, and where its standard output leads.


@contextlib.contextmanager
def command(
    config: Path, stdout: int, settings: str, *flags: str
) -> Iterator[subprocess.Popen[bytes]]:
    """Run the command before no API at all."""
    config.write_text(
        "routes: [{match: {path: /}, upstream: 'http://127.0.0.1:1', cors: {allowOrigins: [https://a.example]}}]\n"
        + settings
    )
    argv = [sys.executable, "-m", "cors_gateway", "run", "-c", str(config)]
    argv += ["--listen", "127.0.0.1:0", *flags]
    with subprocess.Popen(argv, stdout=stdout, env={**os.environ, **SMALL}) as process:
        try:
            yield process
        finally:
            process.terminate()


def ports_in(said: bytes) -> list[int]:
    """Give where it listens, clients first."""
    return [int(port) for port in re.findall(rb"http://127\.0\.0\.1:(\d+)", said)]


HOSTILE = (
    b"GET /a\x1b[31m HTTP/1.1\r\nHost: gw\r\n\r\n",
    b"GET /a\r200 GET /fake HTTP/1.1\r\nHost: gw\r\n\r\n",
    b"GET /a\n200 GET /fake HTTP/1.1\r\nHost: gw\r\n\r\n",
    b"GET /%0d%0a%1b[31m HTTP/1.1\r\nHost: gw\r\n\r\n",
    b"GET /\x9b31m\xc2\x85\xe2\x80\xa8 HTTP/1.1\r\nHost: gw\r\n\r\n",
    b"G\x1b[31mT / HTTP/1.1\r\nHost: gw\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: gw\r\nUser-Agent: \x1b]0;x\x07\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: gw\r\nUser-Agent: a\r200 GET /fake\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: gw\r\nUser-Agent: \x85\x9b31m\t\xff\xe2\x80\xa8\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: gw\r\nOrigin: \x9b31m\x85\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: gw\x1b[31m\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: gw\r\nX-Request-ID: \x1b[31m\x85\r\n\r\n",
)
"""Requests that would end a line of the log, or speak to the terminal of who reads it."""


@pytest.mark.row("D32")
@pytest.mark.parametrize("format_", ["json", "text"])
def test_d32_each_request_is_one_printable_line(tmp_path: Path, format_: str) -> None:
    log = tmp_path / "log"
    settings = f"log: {{format: {format_}}}\n"
    with log.open("wb") as file, command(tmp_path / "a.yaml", file.fileno(), settings) as process:
        until(lambda: log.read_bytes().endswith(b"\n"))
        said = log.read_bytes()
        port = ports_in(said)[0]
        for request in HOSTILE:
            with socket.create_connection(("127.0.0.1", port), PATIENCE) as client:
                client.sendall(request)
                assert client.recv(9) == b"HTTP/1.1 "
        process.terminate()
        assert process.wait(PATIENCE) == 0
    lines = log.read_bytes().removeprefix(said).split(b"\n")
    assert lines.pop() == b""
    assert len(lines) == len(HOSTILE)
    for line in lines:
        assert line.isascii()
        assert line.decode("ascii").isprintable(), line


@pytest.mark.row("F6")
def test_f6_lines_that_are_lost_are_counted(tmp_path: Path, pipe: Pipe) -> None:
    stdout = pipe.stream.fileno()
    with command(tmp_path / "a.yaml", stdout, "", "--admin", "127.0.0.1:0"):
        said = b""
        while said.count(b"\n") < 2:
            said += os.read(pipe.reading, 65536)
        port, admin = ports_in(said)
        assert metric(admin, "log_lines_lost_total") == 0
        os.close(pipe.reading)
        with socket.create_connection(("127.0.0.1", port), PATIENCE) as client:
            for _ in range(7):
                client.sendall(b"OPTIONS * HTTP/1.1\r\nHost: gw\r\n\r\n")
                assert client.recv(65536).startswith(b"HTTP/1.1 204 ")
        until(lambda: metric(admin, "log_lines_lost_total") == 7)


# What is written, and how.


@pytest.mark.parametrize(
    "settings, count",
    [
        (LogSettings(), 2),
        (LogSettings(level="debug"), 2),
        (LogSettings(level="warning"), 0),
        (LogSettings(access=False), 0),
    ],
)
@pytest.mark.parametrize("json_lines", [True, False])
def test_requests_are_logged_where_that_is_asked_for(
    pipe: Pipe, settings: LogSettings, count: int, json_lines: bool
) -> None:
    writer = pipe.writer()
    log = access_logger(settings, writer, json_lines=json_lines)
    if log is not None:
        log([AccessRecord(b"1", "192.0.2.1"), AccessRecord(b"2", "192.0.2.1")])
    writer.close(PATIENCE)
    written = pipe.all_read().splitlines()
    assert (log is not None) is bool(count)
    assert len(written) == count
    if count and json_lines:
        assert json.loads(written[1])["request_id"] == "2"


@pytest.mark.parametrize("format_, expected", [("json", True), ("text", False), ("auto", True)])
@pytest.mark.parametrize("stream", [io.StringIO(), closed_stream(), None])
def test_the_format_follows_the_stream_unless_it_is_named(
    stream: TextIO | None, format_: str, expected: bool
) -> None:
    assert is_json(LogSettings(format=format_), stream) is expected


def test_on_a_terminal_lines_are_for_people() -> None:
    main, terminal = os.openpty()
    with os.fdopen(terminal, "w") as stream:
        assert not is_json(LogSettings(), stream)
    os.close(main)


def test_an_event_is_one_line_for_people_or_machines() -> None:
    stream = io.StringIO()
    report_event("warning", "a thing", json_lines=False, stream=stream)
    report_event("error", "b\nthing", json_lines=True, stream=stream)
    first, second = stream.getvalue().splitlines()
    assert first == "cors-gateway: warning: a thing"
    assert json.loads(second)["msg"] == "b\nthing"


def test_an_event_waits_for_nobody_who_does_not_read(pipe: Pipe) -> None:
    fill(pipe.stream.fileno())
    telling = threading.Thread(
        target=report_event,
        args=["warning", "a thing"],
        kwargs={"json_lines": True, "stream": pipe.stream},
        daemon=True,
    )
    telling.start()
    telling.join(PATIENCE)
    assert not telling.is_alive()
    assert b"thing" not in pipe.all_read()


@pytest.mark.parametrize("how", ["its reader has gone", "it was closed", "there is none"])
def test_an_event_that_cannot_be_told_harms_nobody(
    pipe: Pipe, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    if how == "its reader has gone":
        os.close(pipe.reading)
    elif how == "it was closed":
        pipe.stream.close()
    monkeypatch.setattr(sys, "stderr", None if how == "there is none" else pipe.stream)
    monkeypatch.setattr(sys, "stdout", None)
    report_event("warning", "a thing", json_lines=False)


def is_full(descriptor: int) -> bool:
    """Say whether a pipe takes no more."""
    poll = select.poll()
    poll.register(descriptor, select.POLLOUT)
    return not poll.poll(0)


def fill(descriptor: int) -> None:
    """Write into a pipe until it takes no more."""
    os.set_blocking(descriptor, False)
    written: Any = True
    while written:
        try:
            os.write(descriptor, b"." * 4096)
        except BlockingIOError:
            written = False
    os.set_blocking(descriptor, True)
