r"""What a URL, as a person gives it, is on the wire: scheme, authority and request target.

For a page's request that is what the URL standard (section 4.4, the basic URL parser) has a browser
make of it: no white space around it, no tabs or line breaks in it, ``/`` for ``\``, no dot segments,
and percent-encoding where characters need it. A program's request is sent as it was typed, apart
from that encoding. Only http, https, ws and wss; a host must be spelled as ``Host`` has it.
"""

import re
from typing import NamedTuple

from cors_gateway.messages.heads import MessageError
from cors_gateway.messages.targets import parse_authority

__all__ = ["DEFAULT_SCHEME", "UNKNOWN_HOST", "Url", "UrlError", "parse_url"]

UNKNOWN_HOST = "gateway.invalid"
"""Stands for the gateway where only a path was given and nothing says what it is called."""

DEFAULT_SCHEME = "https"
"""What browsers are taken to speak where nothing is said."""

HOW = "write http://host/path or /path"

DEFAULT_PORTS = {"http": 80, "https": 443}

_WEBSOCKET_SCHEMES = {"ws": "http", "wss": "https"}

_URL = re.compile(r"(https?|wss?)://([^/?#]*)([^?#]*)([^#]*)(?:#.*)?", re.IGNORECASE | re.DOTALL)
_HOST_AND_PORT = re.compile(
    r"(?:[a-z0-9.-]+|\[[0-9a-f:.]+\]):[0-9]+(?=[/?#]|$)|localhost(?=[/?#]|$)", re.IGNORECASE
)
_STRIPPED = "".join(map(chr, range(0x21)))
_REMOVED = re.compile(r"[\t\r\n]")
_BEFORE_QUERY = re.compile(r"[^?#]*")
_DOT = re.compile(r"\.|%2e", re.IGNORECASE)
_TWO_DOTS = re.compile(r"(?:\.|%2e){2}", re.IGNORECASE)
# All but what stands for itself; what is encoded already stays. In a query "'" does not, and
# "^", "`", "{" and "}" do.
_ENCODED_IN_PATH = re.compile(r"[^\x21\x23-\x3b\x3d\x3f-\x5d\x5f\x61-\x7a\x7c\x7e]")
_ENCODED_IN_QUERY = re.compile(r"[^\x21\x23-\x26\x28-\x3b\x3d\x3f-\x7e]")


class UrlError(ValueError):
    """It is no URL that can be called; the text says how to write one."""


class Url(NamedTuple):
    """A URL's parts as they are sent."""

    scheme: str
    """``http`` or ``https``; those of a WebSocket's handshake for ``ws`` and ``wss``."""
    is_websocket: bool
    authority: bytes
    """In lower case, without a default port."""
    target: bytes
    is_respelled: bool
    """Whether the target is not what was given."""
    host_is_known: bool


def parse_url(text: str, *, home: str | None, by_browser: bool) -> Url:
    """Read a URL, or a path of the gateway's.

    Args:
        text: as it was given.
        home: what the gateway's own URLs begin with, if that is known.
        by_browser: whether a browser sends it.

    Raises:
        UrlError: with how to write it.
    """
    cleaned = _clean(text) if by_browser else text
    is_path = cleaned.startswith("/")
    whole = (home or f"{DEFAULT_SCHEME}://{UNKNOWN_HOST}") + cleaned if is_path else cleaned
    found = _URL.fullmatch(whole)
    if found is None:
        meant = f"did you mean http://{cleaned}?" if _HOST_AND_PORT.match(cleaned) else HOW
        raise UrlError(f"{text!a} is neither a URL nor a path: {meant}")
    path, query = found[3] or "/", found[4]
    given = found[1].lower()
    scheme = _WEBSOCKET_SCHEMES.get(given, given)
    sent = _remove_dot_segments(path) if by_browser else path
    target = _encode(_ENCODED_IN_PATH, sent) + _encode(_ENCODED_IN_QUERY, query)
    return Url(
        scheme,
        given in _WEBSOCKET_SCHEMES,
        _authority(found[2], scheme),
        target.encode("ascii"),
        is_respelled=cleaned != text or target != path + query,
        host_is_known=not is_path or home is not None,
    )


def _clean(text: str) -> str:
    """Do what a browser does before it looks for the parts."""
    text = _REMOVED.sub("", text.strip(_STRIPPED))
    return _BEFORE_QUERY.sub(lambda found: found[0].replace("\\", "/"), text, count=1)


def _remove_dot_segments(path: str) -> str:
    kept: list[str] = []
    segments = path.split("/")[1:]
    for number, segment in enumerate(segments, start=1):
        if _TWO_DOTS.fullmatch(segment):
            del kept[-1:]
        elif not _DOT.fullmatch(segment):
            kept.append(segment)
            continue
        if number == len(segments):
            kept.append("")
    return "/" + "/".join(kept)


def _authority(text: str, scheme: str) -> bytes:
    try:
        host, port = parse_authority(text.encode("ascii"))
    except (MessageError, UnicodeEncodeError):
        raise UrlError(f"{text!a} is no host: write host or host:port, in ASCII") from None
    if port is None or port == DEFAULT_PORTS[scheme]:
        return host
    return b"%b:%d" % (host, port)


def _encode(encoded: re.Pattern[str], text: str) -> str:
    return encoded.sub(_percent_encode, text)


def _percent_encode(found: re.Match[str]) -> str:
    return "".join(f"%{byte:02X}" for byte in found[0].encode(errors="surrogateescape"))
