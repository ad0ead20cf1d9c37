"""What attackers send: requests that are refused, content that is, and requests hidden in content.

``TOKEN`` stands for a token that the API must never see; ``OWN`` for the request's.
"""

from collections.abc import Mapping

__all__ = ["HIDDEN", "REFUSED", "UNFINISHED"]

_HOST = b"Host: gw.chaos.example\r\n"
_SMUGGLED = b"GET /smuggled/TOKEN HTTP/1.1\r\n" + _HOST + b"\r\n"
_POST = b"POST /c/plain/1/TOKEN HTTP/1.1\r\n" + _HOST
_GET = b"GET /c/plain/1/TOKEN HTTP/1.1\r\n" + _HOST
_CHUNKS = b"3\r\nabc\r\n0\r\n\r\n"


def _coded(coding: bytes) -> bytes:
    return _POST + b"Transfer-Encoding:" + coding + b"\r\n\r\n" + _CHUNKS + _SMUGGLED


def _counted(*lengths: bytes) -> bytes:
    lines = b"".join(b"Content-Length:%b\r\n" % length for length in lengths)
    return _POST + lines + b"\r\nhello" + _SMUGGLED


def _lines(*lines: bytes) -> bytes:
    return _GET + b"".join(line + b"\r\n" for line in lines) + b"\r\n" + _SMUGGLED


REFUSED: Mapping[str, bytes] = {
    "length, then chunks": _POST
    + b"Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
    + _SMUGGLED,
    "chunks, then length": _POST
    + b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n"
    + _SMUGGLED,
    "two equal lengths": _counted(b" 5", b" 5"),
    "two lengths": _counted(b" 5", b" 0"),
    "a list of lengths": _counted(b" 5, 5"),
    "a signed length": _counted(b" +5"),
    "a hexadecimal length": _counted(b" 0x5"),
    "an empty length": _counted(b""),
    "gzip, chunked": _coded(b" gzip, chunked"),
    "chunked twice": _coded(b" chunked, chunked"),
    "xchunked": _coded(b" xchunked"),
    "quoted": _coded(b' "chunked"'),
    "a vertical tab": _coded(b" \x0bchunked"),
    "chunked with NUL": _coded(b" chunked\0"),
    "folded": _coded(b"\r\n chunked"),
    "a space before the colon": _lines(b"Transfer-Encoding : chunked"),
    "a line that is folded": _lines(b"A: b", b" Transfer-Encoding: chunked"),
    "a line without a name": _lines(b": chunked"),
    "a bare CR": _lines(b"A: b\rTransfer-Encoding: chunked"),
    "two hosts": _lines(b"Host: other.example"),
    "no host": b"GET /c/plain/1/TOKEN HTTP/1.1\r\n\r\n" + _SMUGGLED,
    "chunks in HTTP/1.0": b"POST /c/plain/1/TOKEN HTTP/1.0\r\n"
    + _HOST
    + b"Transfer-Encoding: chunked\r\n\r\n"
    + _CHUNKS,
    "two spaces": b"GET  /c/plain/1/TOKEN HTTP/1.1\r\n" + _HOST + b"\r\n",
    "HTTP/2.0": b"GET /c/plain/1/TOKEN HTTP/2.0\r\n" + _HOST + b"\r\n" + _SMUGGLED,
    "HTTP/0.9": b"GET /c/plain/1/TOKEN\r\n\r\n",
    "dot segments": b"GET /c/../smuggled/TOKEN HTTP/1.1\r\n" + _HOST + b"\r\n",
    "encoded dot segments": b"GET /c/%2e%2e/smuggled/TOKEN HTTP/1.1\r\n" + _HOST + b"\r\n",
    "NUL in the path": b"GET /c/plain/1/TOKEN%00 HTTP/1.1\r\n" + _HOST + b"\r\n",
    "another route by decoding": b"GET /c%2f..%2fTOKEN HTTP/1.1\r\n" + _HOST + b"\r\n",
    "Connection: host": _lines(b"Connection: Host"),
    "Connection: origin": _lines(b"Connection: close, Origin"),
    "two origins": _GET + b"Origin: https://a.example\r\nOrigin: https://b.example\r\n\r\n",
    "TRACE": b"TRACE /c/plain/1/TOKEN HTTP/1.1\r\n" + _HOST + b"\r\n",
    "CONNECT": b"CONNECT gw.chaos.example:80 HTTP/1.1\r\n" + _HOST + b"\r\n",
    "TLS": bytes.fromhex("16030100a5010000a10303") + b"TOKEN" * 20,
    "a long target": b"GET /c/plain/1/TOKEN?" + b"a" * 9000 + b" HTTP/1.1\r\n" + _HOST + b"\r\n",
    "many lines": _lines(*[b"A: b"] * 150),
    "many bytes": _lines(*[b"A: " + b"b" * 4000] * 10),
    "nowhere": b"GET /nowhere/TOKEN HTTP/1.1\r\nHost: other.example\r\n\r\n",
}
"""By name. Each gets one answer of the gateway's own, and the API hears nothing."""


def _chunked(content: bytes) -> bytes:
    return _POST + b"Transfer-Encoding: chunked\r\n\r\n" + content + _SMUGGLED


UNFINISHED: Mapping[str, bytes] = {
    "0x in a size": _chunked(b"0x3\r\nabc\r\n0\r\n\r\n"),
    "a signed size": _chunked(b"+3\r\nabc\r\n0\r\n\r\n"),
    "a space before a size": _chunked(b" 3\r\nabc\r\n0\r\n\r\n"),
    "a huge size": _chunked(b"ffffffffffffffff3\r\nabc\r\n0\r\n\r\n"),
    "a bare LF behind a size": _chunked(b"3\nabc\r\n0\r\n\r\n"),
    "a bare LF in an extension": _chunked(b"3;a\nb\r\nabc\r\n0\r\n\r\n"),
    "a bare LF behind a chunk": _chunked(b"3\r\nabc\n0\r\n\r\n"),
    "no line end behind a chunk": _chunked(b"3\r\nabc0\r\n\r\n"),
    "a long chunk": _chunked(b"3\r\nabcdef\r\n0\r\n\r\n"),
    "a size that is none": _chunked(b"3\r\nabc\r\nGET / HTTP/1.1\r\n\r\n"),
    "an extension without end": _chunked(b"3;" + b"a" * 20_000 + b"\r\nabc\r\n0\r\n\r\n"),
}
"""By name. Each gets a 400, and the API never gets a whole request."""

HIDDEN: Mapping[str, str] = {
    "GET with content": "GET",
    "POST with content": "POST",
    "DELETE with content": "DELETE",
    "a preflight with content": "OPTIONS",
}
"""By name, the method. The content is a request, which is never looked at."""
