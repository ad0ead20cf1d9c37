"""What an example's Flask application has answered, by its own log.

The log of werkzeug says it as it always does. That nothing more is to come is known by asking
for a path that no page asks for, and waiting for that: threads write in the order of arrival.
"""

import re
from contextlib import suppress
from dataclasses import dataclass
from itertools import count
from urllib.error import HTTPError
from urllib.request import urlopen

from tests.examples.stacks import Stack

__all__ = ["FlaskLog"]

COLOURS = re.compile(r"\x1b\[[0-9;]*m")
ANSWERED = re.compile(r'"([A-Z]+ \S+) HTTP/1\.[01]" (\d{3})')
NUMBERS = count(1)


@dataclass
class FlaskLog:
    """The log of one application, read from where it was last read."""

    stack: Stack
    process: str = "api"
    seen: int = 0

    def news(self) -> list[str]:
        """Return what it has answered since, each as ``METHOD /target STATUS``."""
        last = f"/last-{next(NUMBERS)}"
        with suppress(HTTPError):
            urlopen(self.stack.url(self.process) + last).close()
        self.stack.wait_for(self.process, re.escape(last))
        lines = [COLOURS.sub("", line) for line in self.stack.lines(self.process)]
        answered = [f"{found[1]} {found[2]}" for line in lines if (found := ANSWERED.search(line))]
        end = next(index for index, line in enumerate(answered) if last in line)
        fresh, self.seen = answered[self.seen : end], end + 1
        return fresh
