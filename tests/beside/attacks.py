"""Requests that somebody could read otherwise: rows of group D."""

from tests.beside.case import Case, Look
from tests.beside.conversation import OK, Script
from tests.beside.looks import api_got, client_got, rounds, taken, tunnel

__all__ = ["ATTACKS"]

HOST = b"Host: gw.example\r\n"
POST = b"POST / HTTP/1.1\r\n" + HOST
GET = b"GET / HTTP/1.1\r\n" + HOST
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"
REFUSED = "400"
PASSED = "passed on"
SPOOFED = b"X-Forwarded-For: 6.6.6.6\r\nX-Forwarded-Proto: https\r\n"


def refused(
    row: str, what: str, asks: bytes, nginx: str, haproxy: str, *, right: tuple[str, ...] = ("400",)
) -> Case:
    """Make a case of a request that is to reach no API."""
    return Case(row, what, right, nginx, haproxy, (asks,), taken)


def head(row: str, what: str, line: bytes, nginx: str, haproxy: str) -> Case:
    """Make a case of a line in a head."""
    return refused(row, what, GET + line + b"\r\n\r\n", nginx, haproxy)


def chunks(what: str, data: bytes, nginx: str, haproxy: str, *, row: str = "D6") -> Case:
    """Make a case of chunks."""
    return refused(row, what, CHUNKED + data, nginx, haproxy)


def line(
    what: str, first: bytes, nginx: str, haproxy: str, *, right: tuple[str, ...] = ("400",)
) -> Case:
    """Make a case of a request line."""
    return refused("D13", what, first + b"\r\n" + HOST + b"\r\n", nginx, haproxy, right=right)


def target(row: str, path: bytes, nginx: str, haproxy: str) -> Case:
    """Make a case of a request target; ``/admin`` is closed in all three."""
    request = b"GET " + path + b" HTTP/1.1\r\n" + HOST + b"Origin: https://evil.example\r\n\r\n"
    shown = ascii(path)[2:-1].replace("\\\\", "\\")
    return refused(row, f"the target {shown}", request, nginx, haproxy, right=("400", "403"))


def other(
    row: str, what: str, right: str, nginx: str, haproxy: str, asks: bytes, look: Look,
    *api: Script,
) -> Case:  # fmt: skip
    """Make a case that is looked at otherwise."""
    return Case(row, what, (right,), nginx, haproxy, (asks,), look, api or ((OK,),))


ATTACKS = (
    refused(
        "D5", "chunks in HTTP/1.0",
        b"POST / HTTP/1.0\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n",
        REFUSED, PASSED,
    ),
    chunks("a space behind a chunk's size", b"3 \r\nabc\r\n0\r\n\r\n", PASSED, PASSED),
    chunks("a tab behind a chunk's size", b"3\t\r\nabc\r\n0\r\n\r\n", PASSED, PASSED),
    chunks("NUL in a chunk's extension", b"3;a\0\r\nabc\r\n0\r\n\r\n", PASSED, PASSED),
    chunks("bare LF behind a chunk's size", b"3\nabc\r\n0\r\n\r\n", PASSED, PASSED),
    chunks("bare LF behind a chunk", b"3\r\nabc\n0\r\n\r\n", PASSED, PASSED),
    chunks("bare LF behind the last size", b"3\r\nabc\r\n0\n\r\n", PASSED, PASSED),
    chunks("bare LF at the end of chunks", b"3\r\nabc\r\n0\r\n\n", PASSED, PASSED),
    chunks(
        "a chunk's extension of 40,000 bytes", b"3;" + b"a" * 40_000 + b"\r\nabc\r\n0\r\n\r\n",
        PASSED, REFUSED, row="D7",
    ),
    chunks("a trailer without a colon", b"3\r\nabc\r\n0\r\nx\r\n\r\n", PASSED, REFUSED, row="D8"),
    chunks(
        "10,000 trailers", b"3\r\nabc\r\n0\r\n" + b"a: b\r\n" * 10_000 + b"\r\n",
        PASSED, REFUSED, row="D8",
    ),
    head("D9", "bare LF between two fields", b"A: b\nC: d", PASSED, PASSED),
    head("D9", "bare LF in front of Transfer-Encoding",
         b"A: b\nTransfer-Encoding: chunked\r\n\r\n0", PASSED, PASSED),
    head("D9", "NUL in a value", b"A: b\0c", REFUSED, PASSED),
    head("D9", "a control character in a value", b"A: b\x01c", PASSED, PASSED),
    head("D9", "DEL in a value", b"A: b\x7fc", PASSED, PASSED),
    refused("D9", "a bare CR in front", b"\r" + GET + b"\r\n", PASSED, REFUSED),
    refused("D11", "no Host", b"GET / HTTP/1.1\r\n\r\n", REFUSED, PASSED),
    refused("D11", "Host twice", GET + HOST + b"\r\n", REFUSED, PASSED),
    *(
        refused(
            "D11", f"Host: {host}", f"GET / HTTP/1.1\r\nHost: {host}\r\n\r\n".encode(), nginx,
            PASSED,
        )
        for host, nginx in (
            ("a b", REFUSED), ("a/b", REFUSED), ("u@a", PASSED), ("a:x", PASSED),
            ("[::1", PASSED), ("<a>", PASSED),
        )
    ),
    line("two spaces", b"GET  / HTTP/1.1", PASSED, PASSED),
    line("a space at the end", b"GET / HTTP/1.1 ", PASSED, REFUSED),
    line("a tab", b"GET\t/ HTTP/1.1", REFUSED, PASSED),
    line("HTTP/2.0", b"GET / HTTP/2.0", "505", PASSED, right=("505", "400")),
    line("HTTP/0.9", b"GET / HTTP/0.9", REFUSED, PASSED, right=("505", "400")),
    line("HTTP/1.10", b"GET / HTTP/1.10", PASSED, REFUSED),
    refused("D13", "no version", b"GET /\r\n\r\n", PASSED, REFUSED),
    target("D14", b"/a%00", REFUSED, PASSED),
    target("D14", b"/a\\b", PASSED, PASSED),
    target("D14", b"/a#b", PASSED, REFUSED),
    target("D14", b"/\xe9", PASSED, REFUSED),
    target("D14", b"*", REFUSED, PASSED),
    target("D15", b"/public/../admin", "403", PASSED),
    target("D15", b"/public/%2e%2e/admin", "403", PASSED),
    target("D15", b"/public/..;/admin", PASSED, PASSED),
    target("D15", b"/%61dmin", "403", PASSED),
    target("D15", b"//admin", "403", PASSED),
    other(
        "D16", "a field that Connection names goes no further", "taken out", PASSED, PASSED,
        GET + b"Connection: X-Mine\r\nX-Mine: 1\r\n\r\n", api_got("X-Mine"),
    ),
    other(
        "D17", "an invented X-Forwarded-For", "taken out", PASSED, PASSED,
        GET + SPOOFED + b"\r\n", api_got("X-Forwarded-For", b"6.6.6.6"),
    ),
    other(
        "D17", "an invented X-Forwarded-Proto", "taken out", PASSED, PASSED,
        GET + SPOOFED + b"\r\n", api_got("X-Forwarded-Proto", b"https"),
    ),
    other(
        "D18", "X_Forwarded_For", "taken out", "taken out", PASSED,
        GET + b"X_Forwarded_For: 6.6.6.6\r\n\r\n", api_got("X_Forwarded_For"),
    ),
    other(
        "D20", "an API that allows every origin by itself", "taken out", PASSED, PASSED,
        GET + b"Origin: https://evil.example\r\n\r\n", client_got("Access-Control-Allow-Origin"),
        (OK.replace(b"OK\r\n", b"OK\r\nAccess-Control-Allow-Origin: https://evil.example\r\n"),),
    ),
    other(
        "D23", "an upgrade to h2c, which the API takes", "502", "a tunnel", "a tunnel",
        GET + b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AA\r\n\r\n",
        tunnel,
        (b"HTTP/1.1 101 Switching\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n",),
    ),
    Case(
        "D33", "a route that leads back to the gateway", ("508 after one round",),
        "round and round", "round and round", (GET + b"\r\n",), rounds, leads_back=True,
    ),
)  # fmt: skip
