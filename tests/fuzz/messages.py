"""Strategies for messages: well-formed ones, and such as are nearly so.

What is odd here has been read in two ways by some server or proxy before.
"""

from collections.abc import Iterator, Sequence
from typing import TypeVar

from hypothesis import strategies as st

T = TypeVar("T")

__all__ = [
    "ODD_BYTES",
    "field_lines",
    "mutated",
    "request_heads",
    "request_oddities",
    "response_heads",
    "response_oddities",
    "segments",
    "targets",
]

ODD_BYTES = [
    b"\r\n",
    b"\n",
    b"\r",
    b"\r\n\r\n",
    b"\n\n",
    b"\x00",
    b"\x0b",
    b"\x7f",
    b"\x85",
    b"\xa0",
    b"\xff",
    b" ",
    b"\t",
    b":",
    b",",
    b";",
    b'"',
    b"0",
    b"-",
    b"+",
    b"#",
    b"%2e",
    b"[",
    b"//",
    b"\\",
    b"\r\n ",
    b"Content-Length: 3\r\n",
    b"Transfer-Encoding: chunked\r\n",
]

METHODS = [b"GET", b"HEAD", b"POST", b"PUT", b"OPTIONS", b"DELETE", b"PATCH", b"QUERY", b"M-SEARCH"]
ODD_METHODS = [b"CONNECT", b"TRACE", b"get", b"PRI", b"X", b"", b"G\tT", b"SOURCE", b"GET\x00"]
VERSIONS = [b"HTTP/1.1", b"HTTP/1.1", b"HTTP/1.0"]
ODD_VERSIONS = [
    b"HTTP/2.0",
    b"HTTP/0.9",
    b"HTTP/1.2",
    b"http/1.1",
    b"RTSP/1.0",
    b"HTTP/1.1 ",
    b"",
    b"ICE/1.0",
]
TARGET_PARTS = [
    b"/", b"/a", b"/api", b"/b%20c", b"?", b"?x=1", b"&", b";v=1", b"|", b'"', b"{}", b"^", b"%c3%a9", b":", b"@", b"[::1]",
    b"/api/x", b"=", b"%", b"%zz", b"*", b"!$'()", b"~",
]  # fmt: skip
ODD_TARGET_PARTS = [
    b"//", b"/..", b"/.", b"%2e", b"%2F", b"%5c", b"%00", b"\\", b"#", b"\xc3\xa9", b"\t", b" ", b"/%2e%2e/", b"..;/",
]  # fmt: skip
ODD_STARTS = [
    b"http://gw.example",
    b"http://a@gw.example:80",
    b"HTTPS://other.example/",
    b"*",
    b"ftp://a",
    b"gw.example:80",
    b"",
]

HOSTS = [b"gw.example", b"gw.example:80", b"[::1]:8080", b"127.0.0.1", b"a_b", b"GW.example."]
FIELDS = [
    (b"Content-Length", b"0"), (b"Content-Length", b"3"), (b"Content-Length", b"40"), (b"content-length", b"100"),
    (b"Transfer-Encoding", b"chunked"), (b"transfer-encoding", b"Chunked"), (b"Content_Length", b"3"),
    (b"Transfer_Encoding", b"chunked"), (b"Connection", b"close"), (b"Connection", b"keep-alive"), (b"Connection", b"X-A, te"),
    (b"Connection", b","), (b"Connection", b""), (b"Keep-Alive", b"timeout=5"), (b"TE", b"trailers"), (b"Trailer", b"X-A"),
    (b"Proxy-Connection", b"keep-alive"), (b"HTTP2-Settings", b"AAMAAABk"), (b"Connection", b"Upgrade"), (b"Upgrade", b"h2c"),
    (b"X-A", b""), (b"X-A", b"1"), (b"X-A", b"\x80\xff"), (b"X-A", b"a\tb"), (b"X-A", b"\t1 "), (b"x-a", b" x"), (b"A!#$%&'*+.^`|~", b"x"),
    (b"Accept", b"*/*"), (b"User-Agent", b"x (y; z)"), (b"Authorization", b"Basic eA=="), (b"Content-Type", b"a/b"), (b"Origin", b"https://app.example"),
    (b"Origin", b"https://evil.example"), (b"Origin", b"null"), (b"Cookie", b"a=b; c"), (b"Vary", b"*"), (b"Set-Cookie", b"a=b"),
    (b"Access-Control-Request-Method", b"PUT"), (b"Access-Control-Request-Headers", b"x-a, x-b"),
    (b"X-Forwarded-For", b"1.2.3.4"), (b"X_Forwarded_For", b"1.2.3.4"), (b"Forwarded", b'for="x;y"'), (b"Via", b"1.1 x"),
    (b"Expect", b"100-continue"), (b"Max-Forwards", b"0"), (b"Max-Forwards", b"7"), (b"Proxy", b"x"), (b"X-Request-ID", b"mine"),
]  # fmt: skip
ODD_FIELDS = [
    (b"Content-Length", b"03"), (b"Content-Length", b"+3"), (b"Content-Length", b"3, 3"), (b"Content-Length", b"-1"),
    (b"Content-Length", b"0x3"), (b"Content-Length", b""), (b"Content-Length", b"9223372036854775808"),
    (b"content-length", b"3\x0b"), (b"Transfer-Encoding", b"identity"), (b"Transfer-Encoding", b"gzip, chunked"),
    (b"Transfer-Encoding", b"chunked, chunked"), (b"Transfer-Encoding", b""), (b"Transfer-Encoding", b"xchunked"),
    (b"Transfer-Encoding", b'"chunked"'), (b"Transfer-Encoding ", b"chunked"), (b"Transfer-Encoding", b"\x0bchunked"),
    (b"Transfer-Encoding", b"chunked;q=1"), (b"Host", b"gw.example"), (b"Host", b"evil.example"), (b"Host", b""),
    (b"Host", b"a b"), (b"Host", b"a,b"), (b"Connection", b"Content-Length"), (b"Connection", b"Transfer-Encoding"),
    (b"Connection", b"Origin"), (b"Connection", b'"close"'), (b"X-A", b"\x00"), (b"X-A", b"a\x1bb"), (b"", b"x"),
    (b"X-A ", b"1"), (b"X:A", b"1"), (b"X A", b"1"), (b"X\xe9", b"1"), (b" X-A", b"1"), (b"X-A\t", b"1"), (b"Expect", b"x"),
]  # fmt: skip

ODD_LINE_ENDS = [b"\n", b"\r", b"\r\n ", b"\r\r\n", b"\n\r\n", b"\x00\r\n", b""]

ONE_IN = 25
"""How rarely a part of a head is odd, so that a good part of the heads is not refused for it."""


def mostly(values: Sequence[T], odd: Sequence[T]) -> st.SearchStrategy[T]:
    """Draw of two lists at once: each draw costs more than a long list does."""
    return st.sampled_from([*values] * -(-ONE_IN * len(odd) // len(values)) + [*odd])


field_lines = st.lists(mostly(FIELDS, ODD_FIELDS), max_size=4)
targets = st.builds(
    lambda start, parts: start + b"".join(parts),
    mostly([b"/"], ODD_STARTS),
    st.lists(mostly(TARGET_PARTS, ODD_TARGET_PARTS), max_size=3),
)
ODD_SPACES = [b"  ", b"\t", b"", b"\r ", b"\x00"]
start_lines = st.builds(
    lambda *parts: b"".join(parts),
    mostly(METHODS, ODD_METHODS),
    mostly([b" "], ODD_SPACES),
    targets,
    mostly([b" "], ODD_SPACES),
    mostly(VERSIONS, ODD_VERSIONS),
)
hosts = st.sampled_from(HOSTS)


@st.composite
def heads(draw: st.DrawFn, start: bytes, fields: list[tuple[bytes, bytes]]) -> bytes:
    lines = [start, *map(b": ".join, fields), b"", b""]
    odd_end = draw(mostly([None], ODD_LINE_ENDS))
    if odd_end is not None:
        at = draw(st.integers(0, len(lines) - 2))
        lines[at : at + 2] = [lines[at] + odd_end + lines[at + 1]]
    return b"\r\n".join(lines)


@st.composite
def request_heads(draw: st.DrawFn) -> bytes:
    """Draw a request's head, with a Host in most cases."""
    fields = draw(field_lines)
    if draw(mostly([True], [False])):
        fields.insert(draw(st.integers(0, len(fields))), (b"Host", draw(hosts)))
    return draw(heads(draw(start_lines), fields))


STATUSES = b"200 204 304 404 103 100 101 500 999 206 301 401".split()
ODD_STATUSES = [b"000", b"099", b"20", b"2000", b"-20", b" 200", b"20x"]
REASONS = [b" OK", b"", b" ", b" Not \xe9", b" a\tb", b"  x"]
ODD_REASONS = [b" \x00", b" \x7f"]
status_lines = st.builds(
    lambda version, status, reason: version + b" " + status + reason,
    mostly(VERSIONS, ODD_VERSIONS),
    mostly(STATUSES, ODD_STATUSES),
    mostly(REASONS, ODD_REASONS),
)


@st.composite
def response_heads(draw: st.DrawFn) -> bytes:
    """Draw a response's head."""
    return draw(heads(draw(status_lines), draw(field_lines)))


def request_oddities() -> Iterator[bytes]:
    """Give a request's head with each odd thing once, and nothing else odd in it."""
    parts = [b"GET", b" ", b"/", b" ", b"HTTP/1.1"]
    odd_parts = [
        ODD_METHODS,
        ODD_SPACES,
        [*ODD_STARTS, *(b"/x" + part for part in ODD_TARGET_PARTS)],
        ODD_SPACES,
        ODD_VERSIONS,
    ]
    for at, odd in enumerate(odd_parts):
        for part in odd:
            start = b"".join([*parts[:at], part, *parts[at + 1 :]])
            yield start + b"\r\nHost: gw.example\r\n\r\n"
    for name, value in (*FIELDS, *ODD_FIELDS):
        yield b"POST / HTTP/1.1\r\nHost: gw.example\r\n%b: %b\r\n\r\n" % (name, value)
    for end in ODD_LINE_ENDS:
        yield b"GET / HTTP/1.1%bHost: gw.example\r\nX-A: b\r\n\r\n" % end
        yield b"GET / HTTP/1.1\r\nHost: gw.example%bX-A: b\r\n\r\n" % end
        yield b"GET / HTTP/1.1\r\nHost: gw.example\r\nX-A: b%b\r\n" % end


def response_oddities() -> Iterator[bytes]:
    """Give a response's head with each odd thing once."""
    for start in (
        *(b"HTTP/1.1 %b OK" % status for status in (*STATUSES, *ODD_STATUSES)),
        *(b"%b 200 OK" % version for version in (*VERSIONS, *ODD_VERSIONS)),
        *(b"HTTP/1.1 200" + reason for reason in (*REASONS, *ODD_REASONS)),
    ):
        yield start + b"\r\nX-A: b\r\n\r\n"
    for name, value in (*FIELDS, *ODD_FIELDS):
        yield b"HTTP/1.1 200 OK\r\n%b: %b\r\n\r\n" % (name, value)
    for end in ODD_LINE_ENDS:
        yield b"HTTP/1.1 200 OK%bX-A: b\r\n\r\n" % end
        yield b"HTTP/1.1 200 OK\r\nX-A: b%bX-B: c\r\n\r\n" % end
        yield b"HTTP/1.1 200 OK\r\nX-A: b%b\r\n" % end


@st.composite
def mutated(draw: st.DrawFn, originals: Sequence[bytes]) -> bytes:
    """Draw one of some messages and change it in a few places."""
    message = draw(st.sampled_from(originals))
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.integers(0, len(message)))
        upto = at + draw(st.integers(0, 4))
        message = (
            message[:at] + draw(st.sampled_from(ODD_BYTES) | st.binary(max_size=3)) + message[upto:]
        )
    return message


@st.composite
def segments(draw: st.DrawFn, data: bytes) -> list[bytes]:
    """Cut bytes into the pieces in which they arrive."""
    cuts = sorted(set(draw(st.lists(st.integers(0, len(data)), max_size=5))))
    return [
        data[start:end]
        for start, end in zip([0, *cuts], [*cuts, len(data)], strict=True)
        if end > start
    ]
