"""``healthcheck``: ask a running gateway whether it is ready, and end with 0 or 1.

For containers, which start it every few seconds: so it speaks HTTP over a bare socket and imports
nothing that takes time. It reads no configuration; the environment of the container has to say
where admin is, if not at its usual place. Docker reserves an exit code of 2.
"""

import argparse
import contextlib
import os
import re
import socket
import sys
from collections.abc import Sequence
from time import monotonic
from typing import NoReturn

from cors_gateway.cli.endings import Exit, RefusedError

__all__ = ["add_arguments", "run"]

# As in variables, which would load what reads configurations.
ADMIN = "CORS_GATEWAY_ADMIN"
USUAL = "127.0.0.1:9901"
PATH = "/readyz"
REMEDY = f"is the gateway running, and its admin listener there? Say where with --admin or {ADMIN}"
NO_ADMIN = frozenset({"off", "false", "no", "0"})
OWN_NAME = b"server: cors-gateway"
SWITCHED_ON = frozenset({"on", "true"})
"""What ``run`` takes for the usual address."""
STATUS_LINE = re.compile(rb"HTTP/1\.[01] ([1-5][0-9]{2})(?: |\r|\Z)")
MOST_BYTES = 16 * 1024
"""Of an answer that are looked at."""

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


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    parser.epilog = "Exit code 0: the gateway serves requests; 1: it does not, or cannot be asked."
    parser.add_argument(
        "--admin",
        metavar="ADDR",
        help=f"where its admin listener is: host:port or unix:/path (default: ${ADMIN}, {USUAL})",
    )
    parser.exit = _exit  # type: ignore[method-assign]  # a mistake of usage, too, ends with 1
    # Text, so that a mistake ends with 1 as well.
    parser.add_argument(
        "--timeout", metavar="SECONDS", default="3", help="how long to wait for it (default: 3)"
    )


def run(options: argparse.Namespace) -> int:
    """Ask, and say in one line what came of it."""
    address = options.admin or os.environ.get(ADMIN, "").strip() or USUAL
    if address.lower() in SWITCHED_ON:
        address = USUAL
    seconds = _parse_seconds(options.timeout)
    if address.lower() in NO_ADMIN:
        where = "--admin" if options.admin else ADMIN
        raise RefusedError(
            f"admin is off ({where} says {address}), so there is nothing to ask: let the gateway "
            f"have it, e.g. --admin {USUAL}, or do without a healthcheck"
        )
    places = _places(address)
    url = _spell(places[0])
    try:
        answer = _ask(places, monotonic() + seconds)
    except TimeoutError:
        raise RefusedError(
            f"{url}: no answer within {seconds:g} s, the gateway is stuck or overloaded; "
            "--timeout waits longer"
        ) from None
    except (OSError, UnicodeError) as error:
        why = getattr(error, "strerror", None) or error
        raise RefusedError(f"{url}: {why}; {REMEDY}") from error
    _judge(answer, url)
    print(f"ok: {url}")
    return Exit.FINE


def _exit(status: int = 0, message: str | None = None) -> NoReturn:
    sys.stderr.write(message or "")
    sys.exit(min(status, Exit.INVALID))


def _parse_seconds(text: str) -> float:
    with contextlib.suppress(ValueError):
        if 0 < float(text) <= 3600:
            return float(text)
    raise RefusedError(f"{text!r} is no --timeout: write a number of seconds, such as 3")


def _places(address: str) -> Sequence[Place]:
    """Read where to ask, one after the other."""
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


def _spell(place: Place) -> str:
    if isinstance(place, str):
        return f"unix:{place} {PATH}"
    host, port = place
    return f"http://[{host}]:{port}{PATH}" if ":" in host else f"http://{host}:{port}{PATH}"


def _ask(places: Sequence[Place], deadline: float) -> bytes:
    """Send the question; receive the answer, or as much of it as is worth looking at."""
    answer = b""
    with _connect(places, deadline) as connection:
        # The name by which it may always be called: it is not the name that is checked here.
        connection.sendall(
            f"GET {PATH} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode()
        )
        while len(answer) < MOST_BYTES:
            connection.settimeout(_left(deadline))
            received = connection.recv(MOST_BYTES)
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


def _judge(answer: bytes, url: str) -> None:
    """Take 200 for yes.

    Raises:
        RefusedError: it is something else; the text says what.
    """
    head, end, content = answer.partition(b"\r\n\r\n")
    found = STATUS_LINE.match(head)
    if not (found and end):
        raise RefusedError(f"{url}: what answers is no gateway; {REMEDY}")
    status = int(found[1])
    is_admin = OWN_NAME in head.lower().split(b"\r\n")
    if status == 200 and is_admin:
        return
    if status == 200:
        # Such as an API that says yes to everything, seen through the gateway's public listener.
        raise RefusedError(f"{url}: what answers is no admin listener; {REMEDY}")
    said = content.partition(b"\n")[0].decode(errors="replace").strip()
    shown = said if said.isprintable() else ""
    if status == 503:
        raise RefusedError(f"{url}: {shown or 'not ready'}")
    told = f"{status} {shown}".rstrip()
    raise RefusedError(f"{url}: it answers {told}; {REMEDY}")
