"""Field sections of the plainest form, read at once; every other form is for aiohttp's parser.

Decides: whether a section is written as nearly everybody writes it (RFC 9112 section 5, and less than it
allows): each line a token, a colon, one space, a value without white space around it, and CRLF. Such a
section has one reading only, and what leaves for the other side is the received line itself. Does not know:
what a field means, but for those that say where a message ends, and for repeated ones: where the parser
could object, the section is not plain. So whatever is plain the parser takes too, with the same fields;
tests hold the two side by side.
"""

import re
from typing import Final

from cors_gateway.messages.heads import FieldIndex, FieldSection

__all__ = ["read_plain_fields"]

_VALUE_BYTES: Final = bytes([0x09, *range(0x20, 0x7F), *range(0x80, 0x100)])
_TOKEN_BYTES: Final = (
    b"!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
)
_LINE_END: Final = b"\r\n"

_LENGTH: Final = re.compile(rb"0|[1-9][0-9]{0,17}")
_PERSISTENCE: Final = frozenset({b"keep-alive", b"Keep-Alive", b"close", b"Close"})
_PARSERS_OWN: Final = frozenset({b"sec-websocket-key1", b"upgrade", b"http2-settings"})
"""Names that the parser looks at for reasons of its own."""

_REPEATED: Final = frozenset({b"set-cookie", b"vary", b"link", b"www-authenticate"})
"""Names that responses repeat as a matter of course."""


def read_plain_fields(raw: bytes, max_lines: int, *, of_request: bool) -> FieldSection | None:
    """Read the field section of a whole head; ``None`` where it is not plain.

    Args:
        raw: the head from its first line to its empty line.
        max_lines: of the section.
        of_request: whether it is a request's. Those repeat no field, and name a host.
    """
    if b":  " in raw or b" \r\n" in raw or b"\t" in raw:
        return None
    lines = raw.split(_LINE_END)
    if raw.translate(None, _VALUE_BYTES) != _LINE_END * (len(lines) - 1):
        return None
    del lines[-2:], lines[:1]
    if len(lines) > max_lines:
        return None
    try:
        index: dict[bytes, tuple[bytes, ...]] = {
            name.lower(): (value,) for name, value in [line.split(b": ", 1) for line in lines]
        }
    except ValueError:  # not every line has a colon and a space
        return None
    names = list(index)
    if len(names) < len(lines):
        if of_request:
            return None
        names = [line.partition(b": ")[0].lower() for line in lines]
        index = _gather(names, lines)
        if any(len(values) > 1 and name not in _REPEATED for name, values in index.items()):
            return None
    if (
        b"" in index
        or b"".join(names).translate(None, _TOKEN_BYTES)
        or not _PARSERS_OWN.isdisjoint(index)
    ):
        return None
    if of_request and b"host" not in index:
        return None
    return FieldSection(lines, names, index, is_plain=True) if _is_framed_plainly(index) else None


def _gather(names: list[bytes], lines: list[bytes]) -> dict[bytes, tuple[bytes, ...]]:
    index: dict[bytes, tuple[bytes, ...]] = {}
    for name, line in zip(names, lines, strict=True):
        index[name] = (*index.get(name, ()), line[len(name) + 2 :])
    return index


def _is_framed_plainly(index: FieldIndex) -> bool:
    """Say whether what tells the end of the message is written in the one usual way, if at all."""
    lengths = index.get(b"content-length")
    codings = index.get(b"transfer-encoding")
    options = index.get(b"connection")
    if lengths is not None and (codings is not None or not _LENGTH.fullmatch(lengths[0])):
        return False
    if codings is not None and codings[0] != b"chunked":
        return False
    return options is None or options[0] in _PERSISTENCE
