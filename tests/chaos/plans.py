"""What a run will do, from a seed: conversations of clients, each request with a token of its own.

The same seed gives the same plan, and a conversation does not depend on those before it. Nothing is done
here. When things happen is up to the machine; no expectation depends on it.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import Enum
from itertools import count
from random import Random
from zlib import crc32

from tests.chaos.conducts import CONDUCTS, SPOILS, Call, Ending, Seen
from tests.chaos.payloads import HIDDEN, REFUSED, UNFINISHED

__all__ = [
    "FIXED_ORIGIN",
    "LATE_PATHS",
    "Ask",
    "Conversation",
    "Leaving",
    "Style",
    "conversations",
    "take",
]

LATE_PATHS = ("late0", "late1", "late2", "late3")
"""Where the requests of one client at a time go, so that it is known on which connection none is."""

FIXED_ORIGIN = "https://app.chaos.example"


class Style(Enum):
    """What a client is like; the value is how often it is one."""

    SERIES = ("one request after the other", 40)
    PIPELINED = ("all requests at once", 12)
    DIVIDED = ("requests in small pieces, with pauses", 6)
    OLD = ("HTTP/1.0", 4)
    LEAVING = ("leaves in the middle of its last request", 14)
    SPOILED = ("the API spoils the connection between two requests", 8)
    TUNNEL = ("a WebSocket", 5)
    DECLINED = ("a WebSocket that the API declines, with more behind", 2)
    REFUSED = ("a request that must be refused", 8)
    UNFINISHED = ("content that must be refused", 4)
    HIDDEN = ("a request in the content of another", 4)
    WAITING = ("sends the rest of its content when it has an answer", 3)
    PREFLIGHT = ("a preflight, and what it is for", 4)
    SLOW_READER = ("reads slowly", 1)
    HOPELESS = ("asks what is never answered", 1)


class Leaving(Enum):
    """How a client goes."""

    CLOSE = "close"
    RESET = "reset"
    HALF = "half-close"


@dataclass(frozen=True, slots=True)
class Ask:
    """One request."""

    token: str
    method: str = "GET"
    conduct: str = "plain"
    size: int = 1
    """How often the token is in the answer's content."""
    area: str = "c"
    """The first segment of the path, which selects the route."""
    upload: int | None = None
    """How often the token is in the request's content; ``None`` for no content."""
    chunks: int = 0
    """The largest chunk of the content; 0 for a length."""
    content: bytes | None = None
    """The content, where it is not made of the token."""
    origin: str = FIXED_ORIGIN
    """Empty for none."""
    expects_continue: bool = False
    minor_version: int = 1
    is_anonymous: bool = False
    """Whether only the target has the token, so that fields are the same as those before."""

    @property
    def call(self) -> Call:
        return Call(self.method, self.token.encode(), self.size)

    @property
    def expects(self) -> tuple[Seen, ...]:
        """What the client may see."""
        if self.area == "away":
            return ((502, Ending.WHOLE),)
        if self.area == "hang":
            return ((504, Ending.WHOLE),)
        return CONDUCTS[self.conduct].expects

    @property
    def is_repeatable(self) -> bool:
        """Whether the gateway may send it twice."""
        is_empty = self.body is None or (not self.body and not self.chunks)
        return self.method in {"GET", "HEAD", "PUT", "DELETE"} and is_empty

    @property
    def body(self) -> bytes | None:
        if self.content is not None:
            return self.content
        return None if self.upload is None else f"{self.token} ".encode() * self.upload

    def head(self, *more: str) -> bytes:
        """Give the request's head."""
        target = f"/{self.area}/{self.conduct}/{self.size}/{self.token}"
        lines = [f"{self.method} {target} HTTP/1.{self.minor_version}", "Host: gw.chaos.example"]
        if self.origin:
            lines.append(f"Origin: {self.origin}")
        if not self.is_anonymous:
            lines += [f"X-Token: {self.token}", f"Cookie: session={self.token}"]
        body = self.body
        if body is not None:
            lines.append(f"X-Check: {crc32(body):08x}")
            length = f"Content-Length: {len(body)}"
            lines.append("Transfer-Encoding: chunked" if self.chunks else length)
            if self.expects_continue:
                lines.append("Expect: 100-continue")
        return "\r\n".join([*lines, *more, "", ""]).encode()

    def framed(self) -> bytes:
        """Give the content as it goes over the wire."""
        body = self.body
        if body is None or not self.chunks:
            return body or b""
        rng, framed = Random(self.token), []
        while body:
            size = rng.randint(1, self.chunks)
            piece, body = body[:size], body[size:]
            extension = b";a=b" if rng.random() < 0.1 else b""
            framed.append(b"%x%b\r\n%b\r\n" % (len(piece), extension, piece))
        trailer = b"Authorization: %b\r\n" % self.token.encode() if rng.random() < 0.2 else b""
        return b"".join(framed) + b"0\r\n" + trailer + b"\r\n"


@dataclass(frozen=True, slots=True)
class Conversation:
    """What one client does."""

    number: int
    style: Style
    asks: tuple[Ask, ...]
    leaving: Leaving | None = None
    """How it goes, where it goes before the end."""
    share: float = 0.0
    """How much of the last request it has sent by then, or of the answer received, above 1; elsewhere
    a number to choose by."""
    name: str = ""
    """Of the payload, or of the spoil."""


def conversations(seed: int, first: int = 0) -> Iterator[Conversation]:
    """Plan conversations without end.

    Args:
        seed: of the run.
        first: the number of the first one.
    """
    for number in count(first):
        yield _conversation(number, Random(f"{seed}/{number}"))


def take(plan: Iterator[Conversation], requests: int) -> Iterator[Conversation]:
    """Go on with a plan until it has made so many requests."""
    while requests > 0:
        conversation = next(plan)
        requests -= len(conversation.asks)
        yield conversation


_STYLES = [style for style in Style if style.value[1]]
_STYLE_WEIGHTS = [style.value[1] for style in _STYLES]
_NAMES = list(CONDUCTS)
_WEIGHTS = [CONDUCTS[name].weight for name in _NAMES]


def _conversation(number: int, rng: Random) -> Conversation:
    style = rng.choices(_STYLES, _STYLE_WEIGHTS)[0]
    match style:
        case Style.SERIES | Style.DIVIDED:
            asks = _asks(number, rng, rng.randint(1, 8))
        case Style.PIPELINED:
            asks = _asks(number, rng, rng.randint(2, 8), expects=False)
        case Style.OLD:
            asks = (_ask(number, 0, rng, version=0),)
        case Style.LEAVING:
            asks = _asks(number, rng, rng.randint(1, 4))
            share = rng.choice([rng.random(), rng.random(), 1.0, 1.0, 1 + rng.random()])
            return Conversation(number, style, asks, rng.choice(list(Leaving)), share)
        case Style.SPOILED:
            area = rng.choice(LATE_PATHS)
            asks = tuple(_plain(number, index, rng, area=area) for index in range(2))
            name, share = rng.choice(list(SPOILS)), rng.random()
            return Conversation(number, style, asks, share=share, name=name)
        case Style.WAITING:
            upload, token = rng.randint(2, 900), _token(number, 0)
            first = Ask(token, "POST", "early-careless", rng.randint(4, 60), upload=upload)
            asks = (first, _plain(number, 1, rng))
        case Style.REFUSED | Style.UNFINISHED:
            name = rng.choice(list(REFUSED if style is Style.REFUSED else UNFINISHED))
            asks = tuple(_plain(number, index, rng) for index in range(2))
            return Conversation(number, style, asks, name=name)
        case Style.HIDDEN:
            name = rng.choice(list(HIDDEN))
            hidden = b"GET /smuggled/%b HTTP/1.1\r\nHost: a\r\n\r\n" % _token(number, 0).encode()
            chunks = rng.choice([0, 0, 9000])
            first = Ask(_token(number, 0), HIDDEN[name], content=hidden, chunks=chunks)
            return Conversation(number, style, (first, _plain(number, 1, rng)), name=name)
        case Style.PREFLIGHT:
            token = _token(number, 0)
            origin = rng.choice([f"https://{token}.chaos.example", "https://strange.example"])
            first = Ask(token, "OPTIONS", origin=origin, upload=rng.choice([None, 9]))
            asks = (first, _ask(number, 1, rng))
        case Style.TUNNEL:
            ask = Ask(_token(number, 0), conduct="tunnel", size=rng.randint(1, 30))
            leaving = rng.choice([Leaving.HALF, Leaving.HALF, Leaving.RESET])
            return Conversation(number, style, (ask,), leaving, rng.random())
        case Style.DECLINED:
            first = Ask(_token(number, 0), conduct="declined")
            asks = (first, _plain(number, 1, rng))
        case Style.SLOW_READER:
            asks = (Ask(_token(number, 0), conduct="large", size=rng.randint(20_000, 60_000)),)
        case Style.HOPELESS:
            area = rng.choice(["hang", "away", "away", "away"])
            hopeless = _plain(number, 0, rng, area=area)
            asks = (replace(hopeless, conduct="hang"), _plain(number, 1, rng))
    return Conversation(number, style, asks)


def _asks(number: int, rng: Random, many: int, *, expects: bool = True) -> tuple[Ask, ...]:
    return tuple(_ask(number, index, rng, expects=expects) for index in range(many))


def _token(number: int, index: int) -> str:
    return f"tok{number:06x}{index:02x}"


def _origin(token: str, rng: Random) -> str:
    strange = "https://strange.example"
    return rng.choice([f"https://{token}.chaos.example", FIXED_ORIGIN, FIXED_ORIGIN, strange, ""])


def _plain(number: int, index: int, rng: Random, area: str = "c") -> Ask:
    method = rng.choice(["GET", "POST"])
    token = _token(number, index)
    return Ask(
        token,
        method,
        size=rng.randint(1, 60),
        area=area,
        upload=rng.randint(0, 60) if method == "POST" else None,
        origin=_origin(token, rng),
    )


def _ask(number: int, index: int, rng: Random, *, expects: bool = True, version: int = 1) -> Ask:
    name = rng.choices(_NAMES, _WEIGHTS)[0]
    conduct, token = CONDUCTS[name], _token(number, index)
    method = rng.choice(conduct.methods)
    has_content = method == "POST" or conduct.is_early or (method == "PUT" and rng.random() < 0.5)
    upload = None
    if has_content:
        upload = rng.choice([1, 60, 60, 3000, 30_000]) if conduct.is_early else rng.randint(0, 90)
        if rng.random() < 0.02:
            upload = 20_000
    return Ask(
        token,
        method,
        name,
        rng.randint(1, conduct.largest),
        upload=upload,
        chunks=rng.choice([0, 0, 5000, 90]) if version else 0,
        origin=_origin(token, rng),
        expects_continue=expects and bool(upload) and version == 1 and rng.random() < 0.2,
        minor_version=version,
        is_anonymous=rng.random() < 0.4,
    )
