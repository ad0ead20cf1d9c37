"""Log lines leave without holding anybody up."""

import io
import json
import threading

import pytest

from cors_gateway.process import logging
from cors_gateway.process.logging import LogWriter, access_logger, is_json, report_event
from cors_gateway.snapshot import LogSettings
from cors_gateway.wire.record import AccessRecord


class Blocked(io.StringIO):
    """A pipe that nobody empties, until it is let go."""

    def __init__(self) -> None:
        super().__init__()
        self.let_go = threading.Event()

    def write(self, text: str) -> int:
        self.let_go.wait(10)
        return super().write(text)


def test_lines_are_written_in_order() -> None:
    stream = io.StringIO()
    writer = LogWriter(stream)
    for number in range(100):
        writer.write(f"{number}\n")
    writer.close()
    assert stream.getvalue() == "".join(f"{number}\n" for number in range(100))


def test_lines_that_nobody_takes_are_dropped_and_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logging, "QUEUED_BATCHES", 4)
    stream = Blocked()
    writer = LogWriter(stream)
    for _ in range(20):
        writer.write("line\n")
    assert writer.dropped >= 15
    writer.close(timeout=0.05)
    stream.let_go.set()


def test_the_operator_is_told_of_lost_lines_once_there_is_room_again(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(logging, "QUEUED_BATCHES", 4)
    stream = Blocked()
    writer = LogWriter(stream)
    for _ in range(20):
        writer.write("line\n")
    lost = writer.dropped
    stream.let_go.set()
    writer.close()
    assert f"{lost} batches of log lines were lost" in capsys.readouterr().err
    assert writer.dropped == 0


def test_a_stream_that_breaks_drops_lines_and_not_the_thread() -> None:
    stream = io.StringIO()
    stream.close()
    writer = LogWriter(stream)
    writer.write("a\n")
    writer.write("b\n")
    writer.close()
    assert writer.dropped == 2


@pytest.mark.parametrize(
    "settings, lines",
    [
        (LogSettings(), 2),
        (LogSettings(level="debug"), 2),
        (LogSettings(level="warning"), 0),
        (LogSettings(access=False), 0),
    ],
)
@pytest.mark.parametrize("json_lines", [True, False])
def test_requests_are_logged_where_that_is_asked_for(
    settings: LogSettings, lines: int, json_lines: bool
) -> None:
    stream = io.StringIO()
    writer = LogWriter(stream)
    log = access_logger(settings, writer, json_lines=json_lines)
    if log is not None:
        log([AccessRecord(b"1", "192.0.2.1"), AccessRecord(b"2", "192.0.2.1")])
    writer.close()
    assert (log is not None) is bool(lines)
    assert len(stream.getvalue().splitlines()) == lines
    if lines and json_lines:
        assert json.loads(stream.getvalue().splitlines()[1])["request_id"] == "2"


@pytest.mark.parametrize("format_, expected", [("json", True), ("text", False), ("auto", True)])
def test_the_format_follows_the_stream_unless_it_is_named(format_: str, expected: bool) -> None:
    assert is_json(LogSettings(format=format_), io.StringIO()) is expected


def test_an_event_is_one_line_for_people_or_machines() -> None:
    stream = io.StringIO()
    report_event("warning", "a thing", json_lines=False, stream=stream)
    report_event("error", "b\nthing", json_lines=True, stream=stream)
    first, second = stream.getvalue().splitlines()
    assert first == "cors-gateway: warning: a thing"
    assert json.loads(second)["msg"] == "b\nthing"
