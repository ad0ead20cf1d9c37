"""Clients that stall, leave or want what is not there: rows of groups A and C."""

from tests.beside.case import SILENCE, Case, Look, Seen
from tests.beside.conversation import OK, Script, Step
from tests.beside.looks import answer, api_got, api_is_left, client_got, ending, taken, tunnel

__all__ = ["CLIENTS"]

HOST = b"Host: gw.example\r\n"
GET = b"GET / HTTP/1.1\r\n" + HOST + b"\r\n"
OLD = b"GET / HTTP/1.0\r\n\r\n"
SAYS = b"HTTP/1.1 200 OK\r\n"
STREAM = SAYS + b"Content-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
TOLD, UNTOLD = "the API is told", f"{SILENCE} towards the API"
PASSED = "passed on"


def leaves(row: str, what: str, api: Script, how: Step) -> Case:
    """Make a case of a client that leaves; HAProxy does not look whether it is still there."""
    asks = (GET, Step.ARRIVAL, 0.1, how)
    return Case(row, what, (TOLD,), TOLD, UNTOLD, asks, api_is_left, (api,), answers=0)


def asked(
    row: str, what: str, right: tuple[str, ...], nginx: str, haproxy: str, asks: bytes,
    look: Look = taken, *api: bytes | float | Step,
) -> Case:  # fmt: skip
    """Make a case of one request."""
    return Case(row, what, right, nginx, haproxy, (asks,), look, (api or (OK,),))


def event(seen: Seen) -> str:
    """Say whether half an event has come."""
    return "it comes at once" if b"data:" in seen.rest else SILENCE


CLIENTS = (
    Case(
        "A3", "a head of one byte every 0.25 s, the time for it being 2 s",
        ("408", "closed without an answer"), "closed without an answer", SILENCE,
        tuple(step for byte in GET[:10] for step in (bytes([byte]), 0.25)), answer,
        has_short_times=True,
    ),
    leaves("A8", "it closes while it waits", (b"",), Step.CLOSE),
    leaves("A8", "it resets while it waits", (b"",), Step.RESET),
    leaves("A9", "it leaves a silent stream", (STREAM + b"1\r\na\r\n",), Step.CLOSE),
    asked(
        "A18", "chunks for a client of HTTP/1.0", ("taken out",), "taken out", PASSED, OLD,
        client_got("Transfer-Encoding"),
        SAYS + b"Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
    ),
    asked(
        "A18", "the same, and they break off", ("200, ended by a reset", "200, cut off"), "200, looks whole",
        "200, cut off", OLD, ending,
        SAYS + b"Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n", Step.CLOSE,
    ),
    asked("A27", "OPTIONS *", ("204", PASSED), "400", PASSED, b"OPTIONS * HTTP/1.1\r\n" + HOST + b"\r\n"),
    asked(
        "A27", "Max-Forwards: 0", ("204",), PASSED, PASSED,
        b"OPTIONS / HTTP/1.1\r\n" + HOST + b"Max-Forwards: 0\r\n\r\n",
    ),
    asked(
        "A28", "TRACE with a cookie", ("405",), "405", PASSED,
        b"TRACE / HTTP/1.1\r\n" + HOST + b"Cookie: session=1\r\n\r\n",
    ),
    asked(
        "A28", "CONNECT", ("405", "400"), "400", PASSED,
        b"CONNECT evil.example:22 HTTP/1.1\r\nHost: evil.example:22\r\n\r\n",
    ),
    asked(
        "A30", "a target of another scheme", ("400",), PASSED, PASSED,
        b"GET ftp://gw.example/x HTTP/1.1\r\n" + HOST + b"\r\n",
    ),
    asked(
        "A30", "a target with a host, and no Host", ("400",), "400", PASSED,
        b"GET http://gw.example/x HTTP/1.1\r\n\r\n",
    ),
    Case(
        "B41", "half an event, and then nothing", ("it comes at once",), SILENCE,
        "it comes at once", (GET,), event,
        ((SAYS + b"Content-Type: text/event-stream\r\n\r\ndata:",),), awaits=b"data:",
    ),
    asked(
        "C1", "a WebSocket", (PASSED,), "taken out", PASSED,
        b"GET / HTTP/1.1\r\n" + HOST + b"Connection: Upgrade\r\nUpgrade: websocket\r\n"
        b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
        api_got("Upgrade"),
    ),
    asked(
        "C6", "an upgrade that no route names, which the API takes", ("502",), "a tunnel",
        "a tunnel", b"GET / HTTP/1.1\r\n" + HOST + b"Connection: Upgrade\r\nUpgrade: foo\r\n\r\n",
        tunnel, b"HTTP/1.1 101 Switching\r\nConnection: Upgrade\r\nUpgrade: foo\r\n\r\n",
    ),
)  # fmt: skip
