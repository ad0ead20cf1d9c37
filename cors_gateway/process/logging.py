"""Where log lines go: a thread of their own, which never holds a request up.

Standard output may be a pipe that nobody empties, a disk that is full, or closed. So lines wait for
a thread, in bounded memory; what does not fit, or cannot be written, is lost and counted. The
operator is told on standard error when lines begin to be lost, and how many it were once they can
be written again; in between every request is served as ever.

Lines stay whole. A pipe takes at most ``PIPE_BUF`` bytes in one piece; so no piece is longer, and
each is of whole lines. Where several processes write to one place they take turns by a lock, which
keeps a line together that is longer than a piece.
"""

import contextlib
import errno
import fcntl
import json
import os
import select
import sys
import threading
import traceback
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import PurePath
from time import monotonic, sleep
from typing import Any, TextIO

from cors_gateway.snapshot import LogSettings
from cors_gateway.wire.record import AccessRecord, serialize_json, serialize_text

__all__ = [
    "LEVELS",
    "LogWriter",
    "Report",
    "access_logger",
    "describe_error",
    "describe_fault",
    "is_json",
    "report_event",
    "reporter",
    "tell",
]

LEVELS = ("debug", "info", "warning", "error")
"""What an event can be, the least important first."""

MAX_WAITING = 4 * 1024 * 1024
"""Bytes that may wait to be written; those of a single tick may be more."""

PATIENCE = 0.1
"""Seconds between two looks at a reader that does not read, or at another process' turn."""

Report = Callable[[str, str], None]
"""Takes the level of an event, and its text."""


class LogWriter:
    """Writes lines to a stream from a thread of its own."""

    def __init__(
        self, stream: TextIO | None, lock_fd: int | None = None, report: Report | None = None
    ) -> None:
        """Begin to write.

        Args:
            stream: what is written to; ``None`` where it was closed before the program began.
            lock_fd: a descriptor of a file by which the processes that write to one place take
                turns; ``None`` where this is the only one.
            report: tells the operator; on standard error where ``None``.
        """
        self._descriptor = _copy_descriptor(stream)
        self._poll = select.poll()
        self._lock_fd = lock_fd
        self._report = report or _report_plainly
        self._changed = threading.Condition()
        self._waiting: deque[bytes] = deque()
        self._in_hand = b""
        self._written = 0
        self._ends_at: float | None = None
        self._is_torn = False
        self._is_losing = False
        self._told = 0
        self.waiting_bytes = 0
        """Bytes that wait to be written."""
        self.lost_lines = 0
        """Lines that were not written, since the beginning."""
        self._thread = threading.Thread(target=self._run, name="log", daemon=True)
        self._thread.start()

    def write(self, text: str) -> None:
        """Hand over whole lines without waiting."""
        data = text.encode("utf-8", "backslashreplace")
        with self._changed:
            is_full = self.waiting_bytes and self.waiting_bytes + len(data) > MAX_WAITING
            if is_full or self._ends_at is not None:
                self.lost_lines += data.count(b"\n")
                return
            self.waiting_bytes += len(data)
            self._waiting.append(data)
            self._changed.notify()

    def close(self, timeout: float = 1.0) -> None:
        """Write what is waiting, for at most ``timeout`` seconds."""
        with self._changed:
            # The rest of the time is for the thread to count what is left.
            self._ends_at = monotonic() + 0.9 * timeout
            self._changed.notify()
        self._thread.join(timeout)
        with self._changed:
            # It may be stuck in a write, or the machine so busy that it has not had its turn.
            self._count_hand()
            self.lost_lines += sum(data.count(b"\n") for data in self._waiting)
            self._waiting.clear()
            self.waiting_bytes = 0
        self._tell_recovery()

    # What the thread does.

    def _run(self) -> None:
        if self._descriptor is not None:
            self._poll.register(self._descriptor, select.POLLOUT)
        while (data := self._next()) is not None:
            with self._turn() as has_turn:
                if has_turn:
                    self._write_pieces(data)
            is_written = self._written == len(data)
            with self._changed:
                self._count_hand()
                is_idle = not self._waiting and self._ends_at is None
            if is_written and is_idle:
                self._tell_recovery()
        if self._descriptor is not None:
            os.close(self._descriptor)

    def _next(self) -> bytes | None:
        with self._changed:
            while not self._waiting and self._ends_at is None:
                self._changed.wait()
            if not self._waiting:
                return None
            self._in_hand = self._waiting.popleft()
            self._written = 0
            return self._in_hand

    def _count_hand(self) -> None:
        """Count what is in hand as written or lost, but once."""
        self.waiting_bytes -= len(self._in_hand)
        self.lost_lines += self._in_hand.count(b"\n", self._written)
        self._in_hand = b""

    def _write_pieces(self, data: bytes) -> None:
        """Write lines, as far as they are taken."""
        try:
            while self._written < len(data) and self._is_ready():
                if self._is_torn:
                    self._write(b"\n")
                    self._is_torn = False
                else:
                    end = _piece_end(data, self._written)
                    self._written += self._write(data[self._written : end])
        except OSError as error:
            self._tell_loss(error.strerror or str(error), certain=True)
        # What follows a line that broke off must not become a part of it.
        ends_whole = self._written == 0 or data[self._written - 1] == ord("\n")
        self._is_torn = self._is_torn or not ends_whole

    def _write(self, piece: bytes) -> int:
        if self._descriptor is None:
            raise OSError(errno.EBADF, "it is closed")
        try:
            return os.write(self._descriptor, piece)
        except BlockingIOError:
            # Somebody else has made it non-blocking, and was quicker.
            sleep(PATIENCE)
            return 0

    def _is_ready(self) -> bool:
        """Wait until something can be written; ``False`` when the time to close is over."""
        while (seconds := self._patience()) > 0:
            if self._descriptor is None or self._poll.poll(seconds * 1000):
                return True
            self._tell_loss("nobody reads it")
        return False

    @contextlib.contextmanager
    def _turn(self) -> Iterator[bool]:
        """Keep the other processes from writing, if there are any; ``False`` if time is over."""
        if self._lock_fd is None:
            yield True
            return
        wait = 0.001
        while not _try_lock(self._lock_fd):
            seconds = self._patience()
            if seconds <= 0:
                yield False
                return
            self._tell_loss("nobody reads it")
            # Not a lock that waits: it could not be given up when the time to close is over.
            sleep(min(wait, seconds))
            wait = min(2 * wait, PATIENCE)
        try:
            yield True
        finally:
            with contextlib.suppress(OSError):
                fcntl.lockf(self._lock_fd, fcntl.LOCK_UN)

    def _patience(self) -> float:
        """Give the seconds to wait for anything; none when the time to close is over."""
        ends_at = self._ends_at
        return PATIENCE if ends_at is None else min(PATIENCE, ends_at - monotonic())

    # What the operator is told: once when it begins, once when it is over.

    def _tell_loss(self, why: str, *, certain: bool = False) -> None:
        """Tell that lines are being lost, if they are."""
        is_new = not self._is_losing and (certain or self.lost_lines > self._told)
        # A thread that writes while Python ends could bring it down: ``close`` tells the rest.
        if is_new and self._ends_at is None:
            self._is_losing = True
            self._report("warning", f"the access log cannot be written ({why}): lines are lost")

    def _tell_recovery(self) -> None:
        """Tell how many lines were lost, if any were."""
        lost = self.lost_lines - self._told
        self._told += lost
        self._is_losing = False
        if lost:
            self._report("warning", f"{lost} lines of the access log were lost")


def _copy_descriptor(stream: TextIO | None) -> int | None:
    """Copy a stream's descriptor: the number may be something else's once the stream is closed."""
    if stream is not None:
        with contextlib.suppress(OSError, ValueError):
            return os.dup(stream.fileno())
    return None


def _piece_end(data: bytes, start: int) -> int:
    """Give where a piece of whole lines ends, or one of a line that is longer than a piece."""
    return data.rfind(b"\n", start, start + select.PIPE_BUF) + 1 or start + select.PIPE_BUF


def _try_lock(descriptor: int) -> bool:
    """Take the lock if nobody has it; where there can be none, everybody writes as they can."""
    try:
        fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        return error.errno not in {errno.EACCES, errno.EAGAIN}
    return True


def _report_plainly(level: str, message: str) -> None:
    report_event(level, message, json_lines=False)


def is_json(settings: LogSettings, stream: TextIO | None) -> bool:
    """Say whether lines are JSON; ``auto`` is text on a terminal only."""
    if settings.format != "auto":
        return settings.format == "json"
    return stream is None or stream.closed or not stream.isatty()


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


def reporter(settings: LogSettings, *, json_lines: bool) -> Report:
    """Make what tells the operator, as far as the log's level goes."""

    def report(level: str, message: str) -> None:
        if LEVELS.index(level) >= LEVELS.index(settings.level):
            report_event(level, message, json_lines=json_lines)

    return report


def report_event(
    level: str, message: str, *, json_lines: bool, stream: TextIO | None = None
) -> None:
    """Tell the operator of something other than a request, on standard error.

    In one piece, so that it stays whole among others' lines; and not at all where nobody reads:
    what is going on is worth more than being told.
    """
    if json_lines:
        time = datetime.now(UTC).isoformat(timespec="milliseconds")
        message = json.dumps({"time": time, "level": level, "msg": message})
    else:
        message = f"cors-gateway: {level}: {message}"
    tell(f"{message}\n", stream or sys.stderr)


def describe_fault(context: Mapping[str, Any]) -> str:
    """Say in one line what nobody caught, and where it came from: what asyncio hands over."""
    parts = [str(context.get("message", "unhandled error"))]
    error = context.get("exception")
    if isinstance(error, BaseException):
        parts += [
            f"{PurePath(frame.filename).name}:{frame.lineno} {frame.name}"
            for frame in traceback.extract_tb(error.__traceback__)
        ]
        parts.append(repr(error))
    return ": ".join(parts)


def describe_error(error: Exception, *worded: type[Exception]) -> str:
    """Give the words of an error that has some for people, and where any other one came from.

    Args:
        error: what was caught.
        worded: the kinds that were raised with words for people.
    """
    if isinstance(error, worded):
        return str(error)
    return describe_fault({"message": "internal error", "exception": error})


def tell(text: str, stream: TextIO | None) -> None:
    """Write to whoever reads a stream, without waiting for it; what it does not take is lost."""
    if stream is None:
        return
    with contextlib.suppress(OSError, ValueError):
        stream.flush()
        try:
            descriptor = stream.fileno()
        except OSError:
            # It has none, so there is nobody to wait for.
            stream.write(text)
            return
        poll = select.poll()
        poll.register(descriptor, select.POLLOUT)
        left = text.encode("utf-8", "backslashreplace")
        # What says that it takes something takes this much.
        while left and poll.poll(0):
            left = left[os.write(descriptor, left[: select.PIPE_BUF]) :]
