"""What nginx or HAProxy serve and this gateway refuses: the other way round, told as plainly."""

from tests.beside.case import SILENCE, Case
from tests.beside.conversation import OK, Script, Step
from tests.beside.looks import answer, interim, taken

__all__ = ["CHOICES"]

HOST = b"Host: gw.example\r\n"
GET = b"GET / HTTP/1.1\r\n" + HOST + b"\r\n"
POST = b"POST / HTTP/1.1\r\n" + HOST
CHUNKS = b"2\r\nok\r\n0\r\n\r\n"
PASSED = "passed on"


def asked(row: str, what: str, ours: str, asks: bytes) -> Case:
    """Make a case of a request that both pass on."""
    return Case(row, what, (ours,), PASSED, PASSED, (asks,), taken)


def answered(row: str, what: str, *api: bytes | float | Step) -> Case:
    """Make a case of an answer that both pass on."""
    return Case(row, what, ("502",), "200", "200", (GET,), answer, (api,))


ENDS: Script = (GET, Step.NO_MORE)

CHOICES = (
    Case(
        "A12", "it closes its sending side and waits", ("closed without an answer",),
        "closed without an answer", "200", ENDS, answer, ((0.3, OK),),
    ),
    Case(
        "A20", "an API that refuses content before it is sent", ("1 interim, 401",),
        f"1 interim, {SILENCE}", "401",
        (POST + b"Content-Length: 5\r\nExpect: 100-continue\r\n\r\n",), interim,
        ((b"HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n",),), begins_early=True,
    ),
    asked("A29", "a method that nobody has registered", "501", b"FOO / HTTP/1.1\r\n" + HOST + b"\r\n"),
    answered(
        "B21", "a length and chunks",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n" + CHUNKS,
    ),
    answered("B22", "the same length twice", OK.replace(b"OK\r\n", b"OK\r\nContent-Length: 2\r\n")),
    asked(
        "D6", "a space in front of a chunk's extension", "400",
        POST + b"Transfer-Encoding: chunked\r\n\r\n2 ;a\r\nok\r\n0\r\n\r\n",
    ),
    asked("D11", "Host: a,b", "400", b"GET / HTTP/1.1\r\nHost: a,b\r\n\r\n"),
    asked("D13", "HTTP/1.2", "505", b"GET / HTTP/1.2\r\n" + HOST + b"\r\n"),
)  # fmt: skip
