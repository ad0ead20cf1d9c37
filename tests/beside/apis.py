"""APIs that are slow, broken or sloppy: rows of group B."""

from tests.beside.case import SILENCE, Case, Look
from tests.beside.conversation import OK, Script, Step
from tests.beside.looks import answer, client_got, ending, interim, readable, second_answer

__all__ = ["APIS"]

GET = b"GET / HTTP/1.1\r\nHost: gw.example\r\n\r\n"
OF_A_PAGE = b"GET / HTTP/1.1\r\nHost: gw.example\r\nOrigin: https://app.example\r\n\r\n"
UPLOAD = b"POST / HTTP/1.1\r\nHost: gw.example\r\nContent-Length: 500000\r\n\r\n" + b"x" * 50_000
ORDER = b"POST / HTTP/1.1\r\nHost: gw.example\r\nContent-Length: 2\r\n\r\nhi"
SAYS = b"HTTP/1.1 200 OK\r\n"
NO_MORE, BARE = "closed without an answer", "bytes without a head"


def broken(row: str, what: str, nginx: str, haproxy: str, *api: bytes | float | Step) -> Case:
    """Make a case of an answer that cannot be trusted."""
    return Case(row, what, ("502",), nginx, haproxy, (GET,), answer, (api,))


def fields(row: str, what: str, lines: bytes, nginx: str, haproxy: str) -> Case:
    """Make a case of a head that cannot be trusted, with two bytes of content."""
    return broken(row, what, nginx, haproxy, SAYS + lines + b"\r\n\r\nok")


def length(value: bytes, haproxy: str = "502") -> Case:
    """Make a case of a length that is none."""
    lines = b"Content-Length: " + value
    shown = " and ".join(value.decode().split("\r\nContent-Length: "))
    return fields("B22", f"Content-Length: {shown}", lines, SILENCE, haproxy)


def coding(value: bytes) -> Case:
    """Make a case of a transfer coding that is not exactly ``chunked``, and is read as if it were."""
    content = b"\r\n\r\n2\r\nok\r\n0\r\n\r\n"
    message = SAYS + b"Transfer-Encoding: " + value + content
    what = f"Transfer-Encoding: {value.decode()}"
    return broken("B23", what, "200", "502", message, Step.CLOSE)


def control(what: str, value: bytes, nginx: str = "200") -> Case:
    """Make a case of a character that no value has."""
    return fields("B34", what, b"A: " + value + b"\r\nContent-Length: 2", nginx, "200")


def sloppy(
    row: str, what: str, right: str, nginx: str, haproxy: str, look: Look,
    *api: bytes | float | Step, asks: Script = (GET,),
) -> Case:  # fmt: skip
    """Make a case of an answer that can be put right."""
    return Case(row, what, (right,), nginx, haproxy, asks, look, (api,))


APIS = (
    sloppy(
        "B7", "it closes a new connection; a page wants to know why", "502, readable for the page",
        "502, unreadable for the page", "502, unreadable for the page", readable, Step.CLOSE,
        asks=(OF_A_PAGE,),
    ),
    Case(
        "B9", "it closes a used connection when a POST comes", ("502",), "502", NO_MORE,
        (GET, Step.ANSWER, ORDER), second_answer, ((OK,), (Step.CLOSE,), (OK,)), answers=2,
    ),
    broken("B13", "a banner of SSH", BARE, "502",
           b"SSH-2.0-OpenSSH_9.2\r\n", Step.CLOSE),
    broken("B13", "a page without a head", BARE, "502", b"<html>", Step.CLOSE),
    broken("B13", "an alert of TLS", BARE, "502",
           b"\x15\x03\x01\x00\x02\x02\x46", Step.CLOSE),
    broken("B13", "the status 99", SILENCE, BARE,
           b"HTTP/1.1 99 X\r\nContent-Length: 2\r\n\r\nok"),
    sloppy(
        "B14", "a header of 20,000 bytes", "200", "502", "502", answer,
        SAYS + b"A: " + b"a" * 20_000 + b"\r\nContent-Length: 2\r\n\r\nok",
    ),
    sloppy(
        "B14", "200 headers", "200", "200", "502", answer,
        SAYS + b"A: b\r\n" * 200 + b"Content-Length: 2\r\n\r\nok",
    ),
    sloppy(
        "B20", "204 with a length", "taken out", "passed on", "taken out",
        client_got("Content-Length"), b"HTTP/1.1 204 No\r\nContent-Length: 5\r\n\r\nhello",
    ),
    length(b"2\r\nContent-Length: 5"), length(b"-2"), length(b"two"), length(b"0x2"),
    length(b"2, 5"), length(b"99999999999999999999"),
    coding(b"xchunked"), coding(b"gzip, chunked"), coding(b"chunked, gzip"),
    coding(b"chunked, chunked"),
    Case(
        "B26", "it refuses an upload that has just begun", ("413",), SILENCE, "413", (UPLOAD,),
        answer, ((b"HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno",),), begins_early=True,
    ),
    sloppy(
        "B28", "103 before its answer", "1 interim, 200", SILENCE, "1 interim, 200", interim,
        b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + OK,
    ),
    sloppy(
        "B28", "100 that nobody has asked for", "200", SILENCE, "200", answer,
        b"HTTP/1.1 100 Continue\r\n\r\n" + OK,
    ),
    sloppy(
        "B28", "103 for a client of HTTP/1.0", "200", SILENCE, "1 interim, 200", interim,
        b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + OK, asks=(b"GET / HTTP/1.0\r\n\r\n",),
    ),
    sloppy(
        "B29", "100 interim answers", "16 interim, 502", SILENCE, "100 interim, 200", interim,
        b"HTTP/1.1 102 Processing\r\n\r\n" * 100 + OK,
    ),
    broken("B30", "101 unasked", SILENCE, "502",
           b"HTTP/1.1 101 Switching\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\nbytes"),
    sloppy(
        "B31", "content until close, ended by a reset", "200, cut off", "200, cut off",
        "200, looks whole", ending, b"HTTP/1.0 200 OK\r\n\r\nhello", 0.5, Step.RESET,
    ),
    sloppy(
        "B32", "a header that Connection names", "taken out", "passed on", "passed on",
        client_got("X-Mine"), SAYS + b"Connection: X-Mine\r\nX-Mine: 1\r\nContent-Length: 2\r\n\r\nok",
    ),
    control("NUL in a value", b"a\0b", nginx="502"),
    control("a control character in a value", b"a\x01b"),
    control("an escape sequence in a value", b"a\x1b[31mb"),
    sloppy(
        "B36", "two Access-Control-Allow-Origin", "taken out", "passed on", "passed on",
        client_got("Access-Control-Allow-Origin", b"*"),
        SAYS + b"Access-Control-Allow-Origin: *\r\nAccess-Control-Allow-Origin: x\r\n"
        b"Content-Length: 2\r\n\r\nok",
        asks=(OF_A_PAGE,),
    ),
)  # fmt: skip
