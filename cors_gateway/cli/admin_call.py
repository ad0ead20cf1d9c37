"""Asking a running gateway's admin listener: where that is, and one request over a bare socket.

For verbs that containers run every few seconds: it imports nothing that takes time, and reads no
configuration. The environment has to say where admin is, if not at its usual place. What an answer
means is for the verb.
"""

import argparse
import contextlib
import os
import re
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from time import monotonic

from cors_gateway.cli.endings import RefusedError

__all__ = [
    "REMEDY",
    "Answer",
    "LateError",
    "add_address",
    "add_timeout",
    "ask",
    "find_admin",
    "parse_seconds",
]

# As in variables, which would load what reads configurations.
ADMIN = "CORS_GATEWAY_ADMIN"
USUAL = "127.0.0.1:9901"
REMEDY = f"is the gateway running, and its admin listener there? Say where with --admin or {ADMIN}"
NO_ADMIN = frozenset({"off", "false", "no", "0"})
OWN_NAME = b"server: cors-gateway"
SWITCHED_ON = frozenset({"on", "true"})
"""What ``run`` takes for the usual address."""
STATUS_LINE = re.compile(rb"HTTP/1\.[01] ([1-5][0-9]{2})(?: |\r|\Z)")

# Who listens on every address is asked on this machine. Where IPv6 is switched off, [::] is there
# and ::1 is not.
HERE = {
    "": ("127.0.0.1",),
    "*": ("127.0.0.1",),
    "0.0.0.0": ("127.0.0.1",),  # noqa: S104 - compared, not bound
    "[::]": ("::1", "127.0.0.1"),
}

Place = tuple[str, int] | str
"""Host and port, or the path of a unix socket."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What was answered."""

    status: int
    text: str
    """What may be shown on a terminal; empty where it may not."""
    is_admin: bool
    """Whether a gateway's admin listener says to be one."""
    url: str
    """Who was asked for what, for people."""


class LateError(RefusedError):
    """There was no answer in time."""

    def __init__(
        self, url: str, seconds: float, means: str = "the gateway is stuck or overloaded"
    ) -> None:
        """Say who did not answer, within how many seconds, and what that means."""
        super().__init__(f"{url}: no answer within {seconds:g} s, {means}; --timeout waits longer")
        self.url = url


def add_address(parser: argparse.ArgumentParser) -> None:
    """Declare ``--admin``."""
    parser.add_argument(
        "--admin",
        metavar="ADDR",
        help=f"where its admin listener is: host:port or unix:/path (default: ${ADMIN}, {USUAL})",
    )


def add_timeout(parser: argparse.ArgumentParser, usual: str) -> None:
    """Declare ``--timeout``; it is text, so that the verb decides how a mistake ends."""
    parser.add_argument(
        "--timeout",
        metavar="SECONDS",
        default=usual,
        help=f"how long to wait for it (default: {usual})",
    )


def parse_seconds(text: str) -> float:
    """Read ``--timeout``.

    Raises:
        RefusedError: it is no number of seconds.
    """
    with contextlib.suppress(ValueError):
        if 0 < float(text) <= 3600:
            return float(text)
    raise RefusedError(f"{text!r} is no --timeout: write a number of seconds, such as 3")


def find_admin(flag: str | None, without: str) -> Sequence[Place]:
    """Say where to ask, one place after the other.

    Args:
        flag: what ``--admin`` says.
        without: what to do where there is no admin listener.

    Raises:
        RefusedError: there is none, or that is no address of one.
    """
    address = flag or os.environ.get(ADMIN, "").strip() or USUAL
    if address.lower() in SWITCHED_ON:
        address = USUAL
    if address.lower() in NO_ADMIN:
        where = "--admin" if flag else ADMIN
        raise RefusedError(
            f"admin is off ({where} says {address}), so there is nothing to ask: let the gateway "
            f"have it, e.g. --admin {USUAL}, or {without}"
        )
    if address.startswith("unix:/"):
        return [address.removeprefix("unix:")]
    host, colon, port = address.rpartition(":")
    is_port = port.isascii() and port.isdecimal() and len(port) < 6 and 0 < int(port) < 65536
    if not (colon and is_port) or "/" in host:
        raise RefusedError(
            f"{address!r} is no address of an admin listener: write host:port, such as {USUAL}, "
            "or unix:/path"
        )
    return [(name, int(port)) for name in HERE.get(host, (host.strip("[]"),))]


def ask(places: Sequence[Place], method: str, path: str, seconds: float, most_bytes: int) -> Answer:
    """Send a request without content; receive the answer, or as much of it as is worth looking at.

    Raises:
        LateError: there is no answer in time.
        RefusedError: there is no answer, or it is none of HTTP.
    """
    url = _spell(places[0], path)
    try:
        received = _exchange(places, f"{method} {path}", monotonic() + seconds, most_bytes)
    except TimeoutError:
        raise LateError(url, seconds) from None
    except (OSError, UnicodeError) as error:
        why = getattr(error, "strerror", None) or error
        raise RefusedError(f"{url}: {why}; {REMEDY}") from error
    head, end, content = received.partition(b"\r\n\r\n")
    found = STATUS_LINE.match(head)
    if not (found and end):
        raise RefusedError(f"{url}: what answers is no gateway; {REMEDY}")
    text = content.decode(errors="replace").strip()
    return Answer(
        int(found[1]),
        text if text.replace("\n", "").isprintable() else "",
        OWN_NAME in head.lower().split(b"\r\n"),
        url,
    )


def _spell(place: Place, path: str) -> str:
    if isinstance(place, str):
        return f"unix:{place} {path}"
    host, port = place
    return f"http://[{host}]:{port}{path}" if ":" in host else f"http://{host}:{port}{path}"


def _exchange(places: Sequence[Place], request: str, deadline: float, most_bytes: int) -> bytes:
    answer = b""
    with _connect(places, deadline) as connection:
        # The name by which it may always be called: it is not the name that is checked here.
        connection.sendall(
            f"{request} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode()
        )
        while len(answer) < most_bytes:
            connection.settimeout(_left(deadline))
            received = connection.recv(most_bytes)
            if not received:
                break
            answer += received
    return answer


def _connect(places: Sequence[Place], deadline: float) -> socket.socket:
    *others, last = places
    for place in others:
        with contextlib.suppress(OSError):
            return _connect_to(place, deadline)
    return _connect_to(last, deadline)


def _connect_to(place: Place, deadline: float) -> socket.socket:
    if not isinstance(place, str):
        return socket.create_connection(place, _left(deadline))
    connection = socket.socket(socket.AF_UNIX)
    connection.settimeout(_left(deadline))
    try:
        connection.connect(place)
    except OSError:
        connection.close()
        raise
    return connection


def _left(deadline: float) -> float:
    left = deadline - monotonic()
    if left <= 0:
        raise TimeoutError
    return left
