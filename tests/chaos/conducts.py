"""How an API treats one request: what it does on the wire, and what the client may see of it.

Both stand in one table, so that the API that acts and the client that expects cannot disagree. Every
answer carries the token of its request in fields and in content; what no client may ever see says POISON.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from random import Random

__all__ = ["CONDUCTS", "POISON", "SPOILS", "Call", "Conduct", "End", "Ending", "Move", "Seen"]

POISON = b"POISON"
UPLOADS = ("POST", "PUT")
METHODS = ("GET", "GET", "GET", "POST", "POST", "PUT", "DELETE")
MOMENT = 0.002
"""Seconds of a pause: long enough for what was sent to arrive alone, mostly."""


class Ending(Enum):
    """How a response ended for the client."""

    WHOLE = "whole"
    CUT = "cut off"
    NOTHING = "no answer"


class End(Enum):
    """How the API ends a connection."""

    CLOSE = "close"
    RESET = "reset"
    SILENCE = "silence"
    """It says nothing more, and waits for the other side to close."""


Move = bytes | float | End
"""Bytes to send, seconds to wait, or the end. After the last move the connection is kept."""

Seen = tuple[int, Ending]
"""The status, 0 without an answer, and how the response ended."""


@dataclass(frozen=True, slots=True)
class Call:
    """A request as the API sees it."""

    method: str
    token: bytes
    size: int
    """How often the token is in the content of a whole answer."""
    is_first: bool = True
    """Whether this token comes for the first time."""

    @property
    def content(self) -> bytes:
        """The content of a whole answer."""
        return (self.token + b" ") * self.size

    def head(
        self,
        *lines: bytes,
        status: bytes = b"200 OK",
        version: bytes = b"1.1",
        own_cors: bool = True,
    ) -> bytes:
        """Begin an answer that says whose it is."""
        named = [
            b"HTTP/%b %b" % (version, status),
            b"X-Token: " + self.token,
            b'ETag: "%b"' % self.token,
            b"Set-Cookie: session=" + self.token,
        ]
        if own_cors:
            named.append(b"Access-Control-Allow-Origin: https://" + POISON)
        return b"\r\n".join([*named, *lines, b"", b""])

    def counted(self, *lines: bytes, status: bytes = b"200 OK") -> bytes:
        """Give a whole answer of known length; to HEAD without its content."""
        head = self.head(*lines, b"Content-Length: %d" % len(self.content), status=status)
        return head if self.method == "HEAD" else head + self.content

    def chunks(self, most: int = 700) -> Iterable[bytes]:
        """Give the content in chunks, without the last one."""
        rng, content = Random(self.token), self.content
        while content:
            size = rng.randint(1, most)
            piece, content = content[:size], content[size:]
            yield b"%x\r\n%b\r\n" % (len(piece), piece)

    def poison(self) -> bytes:
        """Give a whole answer that nobody asked for."""
        return self.head(b"X-Odd: " + POISON, b"Content-Length: 6") + POISON


CHUNKED = b"Transfer-Encoding: chunked"
LAST = b"0\r\n\r\n"
OK: tuple[Seen, ...] = ((200, Ending.WHOLE),)
BAD: tuple[Seen, ...] = ((502, Ending.WHOLE),)
CUT: tuple[Seen, ...] = ((200, Ending.CUT),)
REFUSED_EARLY: tuple[Seen, ...] = ((413, Ending.WHOLE),)


@dataclass(frozen=True, slots=True)
class Conduct:
    """One way to treat a request."""

    moves: Callable[[Call], Iterable[Move]]
    expects: tuple[Seen, ...] = OK
    """What the client may see of it."""
    methods: tuple[str, ...] = METHODS
    weight: int = 2
    """How often it is chosen, among the others."""
    is_early: bool = False
    """Whether it answers before it has read the request's content."""
    is_last: bool = False
    """Whether nothing may be asked on its connection afterwards: more has come with the answer."""
    largest: int = 60
    """The largest ``size`` of a call. Where surplus bytes must come in one piece with an answer, a
    piece that the kernel does not divide; then nothing depends on what the gateway reads when."""


def _pieces(data: bytes, rng: Random) -> Iterable[Move]:
    """Divide a message at a few places, with pauses."""
    for at in sorted(rng.sample(range(1, len(data)), min(4, len(data) - 1)), reverse=True):
        data, last = data[:at], data[at:]
        yield last
        yield MOMENT
    yield data


def _divided(call: Call) -> list[Move]:
    return list(_pieces(call.counted(), Random(call.token)))[::-1]


def _slow(call: Call) -> Iterable[Move]:
    yield call.head(CHUNKED)
    for chunk in call.chunks(200):
        yield MOMENT
        yield chunk
    yield LAST


def _events(call: Call) -> Iterable[Move]:
    yield call.head(b"Content-Type: text/event-stream", CHUNKED)
    for _ in range(call.size):
        yield MOMENT
        event = b"%b " % call.token
        yield b"%x\r\n%b\r\n" % (len(event), event)
    yield LAST


def _interims(call: Call) -> Iterable[Move]:
    for status in (b"102 Processing", b"103 Early Hints", b"100 Continue"):
        yield b"HTTP/1.1 %b\r\nX-Token: %b\r\n\r\n" % (status, call.token)
    yield call.counted()


def _then(*ends: Move) -> Callable[[Call], Iterable[Move]]:
    return lambda call: (call.counted(), *ends)


def _says(text: bytes, end: End) -> Callable[[Call], Iterable[Move]]:
    """Say something that is no answer."""
    return lambda call: (text.replace(b"TOKEN", call.token), end) if text else (end,)


def _part(call: Call, end: End) -> Iterable[Move]:
    answer = call.counted()
    return (answer[: len(answer) - len(call.content) // 2 - 1], end)


def _surplus_behind(status: bytes) -> Callable[[Call], Iterable[Move]]:
    """Send content behind a head that can have none."""
    return lambda call: (
        call.head(b"Content-Length: 6", status=status) + POISON,
        End.CLOSE if call.token[-1] % 2 else 0.0,
    )


CONDUCTS: Mapping[str, Conduct] = {
    # A whole answer, in whatever way it comes.
    "plain": Conduct(lambda call: (call.counted(),), weight=40, methods=(*METHODS, "HEAD")),
    "chunked": Conduct(lambda call: (call.head(CHUNKED), *call.chunks(), LAST), weight=8),
    "crumbs": Conduct(lambda call: (call.head(CHUNKED), b"".join(call.chunks(2)) + LAST)),
    "slow": Conduct(_slow, largest=20),
    "divided": Conduct(_divided),
    "events": Conduct(_events, methods=("GET",), largest=10),
    "large": Conduct(lambda call: (call.counted(),), largest=30_000, weight=1, methods=("GET",)),
    "large-chunks": Conduct(
        lambda call: (call.head(CHUNKED), *call.chunks(40_000), LAST),
        largest=30_000,
        weight=1,
        methods=("GET",),
    ),
    "interims": Conduct(_interims),
    "until-close": Conduct(lambda call: (call.head(), call.content, End.CLOSE)),
    "version-1.0": Conduct(lambda call: (call.head(version=b"1.0") + call.content, End.CLOSE)),
    "says-close": Conduct(lambda call: (call.counted(b"Connection: close, X-Gone"), End.CLOSE)),
    "bare-lf": Conduct(lambda call: (call.counted().replace(b"\r\n", b"\n"),)),
    "own-error": Conduct(
        lambda call: (call.counted(status=b"500 Oops"),), expects=((500, Ending.WHOLE),)
    ),
    "closes-quietly": Conduct(_then(End.CLOSE), weight=4),
    "resets-quietly": Conduct(_then(MOMENT, End.RESET), weight=4),
    "closes-first": Conduct(
        lambda call: (End.CLOSE,) if call.is_first else (call.counted(),), expects=OK + BAD
    ),
    # A whole answer, and something behind it that is nobody's.
    "surplus": Conduct(lambda call: (call.counted() + POISON,), is_last=True),
    "twice": Conduct(lambda call: (call.counted() + call.poison(),), weight=4, is_last=True),
    "half-twice": Conduct(lambda call: (call.counted() + call.poison()[:40],), is_last=True),
    "chunked-twice": Conduct(
        lambda call: (call.head(CHUNKED) + b"".join(call.chunks()) + LAST + call.poison(),),
        is_last=True,
    ),
    "then-408": Conduct(
        lambda call: (call.counted() + b"HTTP/1.1 408 %b\r\n\r\n" % POISON, End.CLOSE)
    ),
    "then-interim": Conduct(
        lambda call: (call.counted() + b"HTTP/1.1 103 Hints\r\nX-Odd: %b\r\n\r\n" % POISON,),
        is_last=True,
    ),
    "trailers": Conduct(
        lambda call: (
            call.head(CHUNKED, b"Trailer: Set-Cookie"),
            b"".join(call.chunks()) + b"0\r\nSet-Cookie: session=%b\r\nX-Odd: 1\r\n\r\n" % POISON,
        ),
        weight=4,
    ),
    "content-to-head": Conduct(
        lambda call: (call.counted() + POISON,), methods=("HEAD",), is_last=True
    ),
    "content-in-204": Conduct(
        _surplus_behind(b"204 None"), expects=((204, Ending.WHOLE),), is_last=True
    ),
    "content-in-304": Conduct(
        _surplus_behind(b"304 Same"), expects=((304, Ending.WHOLE),), methods=("GET",), is_last=True
    ),
    # An answer before the content has been read.
    "early": Conduct(
        lambda call: (call.counted(status=b"413 Much"),),
        expects=REFUSED_EARLY,
        methods=UPLOADS,
        is_early=True,
    ),
    "early-close": Conduct(
        lambda call: (call.counted(status=b"413 Much"), End.CLOSE),
        expects=REFUSED_EARLY,
        methods=UPLOADS,
        is_early=True,
    ),
    "early-reset": Conduct(
        lambda call: (call.counted(status=b"413 Much"), MOMENT, End.RESET),
        expects=REFUSED_EARLY,
        methods=UPLOADS,
        is_early=True,
    ),
    "early-none": Conduct(_says(b"", End.RESET), expects=BAD, methods=UPLOADS, is_early=True),
    # It takes the content for its next request, and complains: so nothing may come behind. This is
    # only for a client that waits for the answer before it sends the rest.
    "early-careless": Conduct(
        lambda call: (call.counted(status=b"413 Much"),),
        expects=REFUSED_EARLY,
        methods=UPLOADS,
        weight=0,
        is_early=True,
    ),
    # No answer.
    "no-answer": Conduct(_says(b"", End.CLOSE), expects=BAD, weight=3),
    "no-answer-reset": Conduct(_says(b"", End.RESET), expects=BAD, weight=3),
    "one-byte": Conduct(_says(b"H", End.CLOSE), expects=BAD),
    "one-byte-first": Conduct(
        lambda call: (b"H", End.CLOSE) if call.is_first else (call.counted(),),
        expects=BAD,
        methods=("GET",),
    ),
    "half-head": Conduct(_says(b"HTTP/1.1 200 OK\r\nX-Token: TOKEN\r\nX-", End.CLOSE), expects=BAD),
    "half-head-reset": Conduct(_says(b"HTTP/1.1 200 OK\r\nX-Token", End.RESET), expects=BAD),
    "banner": Conduct(_says(b"SSH-2.0-OpenSSH_9.2 TOKEN\r\n\r\n", End.SILENCE), expects=BAD),
    "noise": Conduct(_says(bytes(range(256)), End.CLOSE), expects=BAD, weight=1),
    "length-and-chunks": Conduct(
        lambda call: (call.head(CHUNKED, b"Content-Length: 6") + LAST,), expects=BAD
    ),
    "two-lengths": Conduct(
        lambda call: (call.head(b"Content-Length: 6", b"Content-Length: 7") + POISON,),
        expects=BAD,
    ),
    "odd-length": Conduct(lambda call: (call.head(b"Content-Length: +6"),), expects=BAD),
    "nul": Conduct(lambda call: (call.counted(b"X-Odd: a\0b"),), expects=BAD),
    "unasked-101": Conduct(
        _says(b"HTTP/1.1 101 Go\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n", End.SILENCE),
        expects=BAD,
    ),
    "endless-interims": Conduct(
        lambda call: (b"HTTP/1.1 102 Wait\r\n\r\n" * 40, End.SILENCE), expects=BAD, weight=1
    ),
    # An answer that breaks off.
    "short": Conduct(lambda call: _part(call, End.CLOSE), expects=CUT),
    "short-reset": Conduct(lambda call: _part(call, End.RESET), expects=CUT + BAD),
    "no-last-chunk": Conduct(
        lambda call: (call.head(CHUNKED), *call.chunks(), End.CLOSE), expects=CUT
    ),
    "odd-chunk": Conduct(
        lambda call: (call.head(CHUNKED) + b"".join(call.chunks()) + b"0x3\r\nabc\r\n" + LAST,),
        expects=CUT + BAD,
    ),
}
"""By the name that is in a request's target."""

SPOILS: Mapping[str, Callable[[Call], Move]] = {
    "answer": Call.poison,
    "half": lambda call: call.poison()[:50],
    "408": lambda _: b"HTTP/1.1 408 %b\r\nConnection: close\r\n\r\n" % POISON,
    "100": lambda _: b"HTTP/1.1 100 Continue\r\n\r\n",
    "line": lambda _: b"\r\n",
    "byte": lambda _: b"x",
    "close": lambda _: End.CLOSE,
    "reset": lambda _: End.RESET,
}
"""What an API does to a connection on which nothing is asked."""
