"""Where log lines go: a thread of their own, behind a bounded queue.

Standard output may be a pipe that nobody empties. Writing to it from the event loop would stop
every request; so lines are handed to a thread, and dropped and counted when it cannot keep up.
"""

import json
import sys
import threading
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from queue import Full, Queue
from typing import TextIO

from cors_gateway.snapshot import LogSettings
from cors_gateway.wire.record import AccessRecord, serialize_json, serialize_text

__all__ = ["LogWriter", "access_logger", "is_json", "report_event"]

QUEUED_BATCHES = 1024
"""Batches of lines that may wait; one is written per tick."""


class LogWriter:
    """Writes batches of lines to a stream from a thread of its own."""

    def __init__(self, stream: TextIO) -> None:
        """Begin to write to ``stream``."""
        self._stream = stream
        self._queue: Queue[str | None] = Queue(QUEUED_BATCHES)
        self.dropped = 0
        """Batches lost, and not told of yet, because the stream did not take them."""
        self._thread = threading.Thread(target=self._write_all, name="log", daemon=True)
        self._thread.start()

    def write(self, text: str) -> None:
        """Hand over ``text`` without waiting."""
        try:
            self._queue.put_nowait(text)
        except Full:
            self.dropped += 1

    def close(self, timeout: float = 1.0) -> None:
        """Write what is waiting, for at most ``timeout`` seconds."""
        try:
            self._queue.put(None, timeout=timeout)
        except Full:
            return
        self._thread.join(timeout)

    def _write_all(self) -> None:
        while (text := self._queue.get()) is not None:
            try:
                self._stream.write(text)
                self._stream.flush()
            except (OSError, ValueError):
                self.dropped += 1
            else:
                self._confess()

    def _confess(self) -> None:
        """Tell of lines that were lost, once the stream takes lines again."""
        if self.dropped:
            lost, self.dropped = self.dropped, 0
            report_event("warning", f"{lost} batches of log lines were lost", json_lines=False)


def is_json(settings: LogSettings, stream: TextIO) -> bool:
    """Say whether lines are JSON; ``auto`` is text on a terminal only."""
    return settings.format == "json" or (settings.format == "auto" and not stream.isatty())


def access_logger(
    settings: LogSettings, writer: LogWriter, *, json_lines: bool
) -> Callable[[Sequence[AccessRecord]], None] | None:
    """Make what turns records into lines; ``None`` where access is not logged."""
    if not settings.access or settings.level not in {"debug", "info"}:
        return None
    serialize = serialize_json if json_lines else serialize_text

    def log(records: Sequence[AccessRecord]) -> None:
        writer.write("".join(f"{serialize(record)}\n" for record in records))

    return log


def report_event(
    level: str, message: str, *, json_lines: bool, stream: TextIO | None = None
) -> None:
    """Tell the operator of something other than a request, on standard error."""
    stream = stream or sys.stderr
    if json_lines:
        time = datetime.now(UTC).isoformat(timespec="milliseconds")
        message = json.dumps({"time": time, "level": level, "msg": message})
    else:
        message = f"cors-gateway: {level}: {message}"
    print(message, file=stream, flush=True)
