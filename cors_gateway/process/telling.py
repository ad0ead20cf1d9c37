"""What a process tells, in the form and from the level on that the configuration now says.

Both kinds outlive a configuration: whoever has been handed one of them goes on with it when another
configuration is served. How lines are written is for ``logging``.
"""

import sys
from collections.abc import Sequence

from cors_gateway.process.logging import LogWriter, access_logger, is_json, reporter
from cors_gateway.snapshot import LogSettings, Snapshot
from cors_gateway.wire.record import AccessRecord

__all__ = ["AccessLog", "Telling"]


class Telling:
    """Tells the operator what is not a request: a ``Report``, and a ``Follower``."""

    def __init__(self, settings: LogSettings) -> None:
        """Tell as ``settings`` say."""
        self._next = settings
        self.follow(settings)

    def __call__(self, level: str, message: str) -> None:
        """Tell of an event, if its level is told."""
        self._report(level, message)

    def follow(self, settings: LogSettings) -> None:
        """Tell as ``settings`` say from now on."""
        self._report = reporter(settings, json_lines=is_json(settings, sys.stdout))

    async def prepare(self, snapshot: Snapshot) -> None:
        """Take what is to count after ``commit``."""
        self._next = snapshot.log

    def commit(self) -> None:
        """Tell as that says."""
        self.follow(self._next)

    def forget(self) -> None:
        """Tell on as before."""


class AccessLog:
    """Writes a line for each request, if that is wanted."""

    def __init__(self, settings: LogSettings, writer: LogWriter) -> None:
        """Write as ``settings`` say, to ``writer``."""
        self._writer = writer
        self.follow(settings)

    def __call__(self, records: Sequence[AccessRecord]) -> None:
        """Take the records of requests that have ended."""
        if self._log is not None:
            self._log(records)

    def follow(self, settings: LogSettings) -> None:
        """Write as ``settings`` say from now on."""
        json_lines = is_json(settings, sys.stdout)
        self._log = access_logger(settings, self._writer, json_lines=json_lines)
