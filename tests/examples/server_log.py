"""What a server of an example has been asked, by the lines that it prints of its own accord.

That nothing more is to come is known by asking for a path that no page asks for, and waiting for
that: threads write in the order of arrival.
"""

import re
from contextlib import suppress
from dataclasses import dataclass
from itertools import count
from urllib.error import HTTPError
from urllib.request import urlopen

from tests.examples.stacks import Stack

__all__ = ["ServerLog"]

COLOURS = re.compile(r"\x1b\[[0-9;]*m")
WERKZEUG = r'"([A-Z]+ \S+) HTTP/1\.[01]" (\d{3})'
"""What a Flask application prints of an answer."""
NUMBERS = count(1)


@dataclass
class ServerLog:
    """The log of one server, from where it was made or last read."""

    stack: Stack
    process: str = "api"
    line: str = WERKZEUG
    """A regular expression for what it prints of one request; its groups are what counts of it."""
    seen: int = 0

    def __post_init__(self) -> None:
        """Pass over what stands there already."""
        self.news()

    def news(self) -> list[str]:
        """Return what it has been asked since: ``METHOD /target STATUS``, or what ``line`` finds."""
        last = f"/last-{next(NUMBERS)}"
        with suppress(HTTPError):
            urlopen(self.stack.url(self.process) + last).close()
        self.stack.wait_for(self.process, re.escape(last))
        lines = (COLOURS.sub("", line) for line in self.stack.lines(self.process))
        found = (re.search(self.line, line) for line in lines)
        asked = [" ".join(match.groups()) for match in found if match]
        end = next(index for index, line in enumerate(asked) if last in line)
        fresh, self.seen = asked[self.seen : end], end + 1
        return fresh
