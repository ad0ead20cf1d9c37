"""Fields: grammar, look-up, connection options, and which lines do not travel on.

Decides: what a token and a field value are, which fields concern only one connection, which
connection options are an attack. Does not know: framing, CORS, configuration. RFC 9110 sections
5 and 7.6.1.

Fields are indexed once by :func:`index_fields`, after which every question is a look-up; what is
not to travel on is gathered as names and left out by :func:`strip_fields`.
"""

import re
from collections.abc import Iterable
from collections.abc import Set as AbstractSet

from cors_gateway.messages.heads import (
    FieldIndex,
    FieldLines,
    FieldSection,
    MessageError,
    section_of,
)

__all__ = [
    "CONNECTION_SPECIFIC",
    "FieldIndex",
    "check_connection_options",
    "check_fields",
    "connection_options",
    "connection_specific_names",
    "first_value",
    "index_fields",
    "is_field_value",
    "is_prohibited_connection_option",
    "is_token",
    "kept_lines",
    "merge_vary",
    "only_value",
    "parse_list",
    "strip_fields",
    "underscored_names",
]

CONNECTION_SPECIFIC = frozenset(
    {
        b"connection",
        b"http2-settings",
        b"keep-alive",
        b"proxy-authenticate",
        b"proxy-authentication-info",
        b"proxy-authorization",
        b"proxy-connection",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
    }
)
"""Fields that end here, listed in ``Connection`` or not (RFC 9110 section 7.6.1).

``Proxy-*`` credentials are meant for a forward proxy, and the gateway is none: the API must not
see them (section 11.7). ``Trailer`` announces what is dropped here (section 6.6.2).
"""

_PROHIBITED_OPTIONS = frozenset(
    {
        b"authorization",
        b"cookie",
        b"forwarded",
        b"host",
        b"origin",
        b"referer",
        b"set-cookie",
        b"vary",
        b"via",
        b"x-original-origin",
        b"x-real-ip",
        b"x-request-id",
    }
)
_PROHIBITED_OPTION_PREFIXES = (b"access-control-", b"content-", b"sec-", b"x-forwarded-")

_VOUCHED_NAMES = CONNECTION_SPECIFIC | {b"content-length", b"x-real-ip", b"x-request-id"}

_TOKEN_BYTES = b"!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_VALUE_BYTES = bytes([0x09, *range(0x20, 0x7F), *range(0x80, 0x100)])

_LIST_ITEM = re.compile(rb'(?:[^,"]|"(?:[^"\\]|\\.)*"?)+', re.DOTALL)

# What nearly every Connection field says, so that it is not taken apart each time.
_USUAL_OPTIONS: dict[tuple[bytes, ...], frozenset[bytes]] = {
    (): frozenset(),
    (b"keep-alive",): frozenset({b"keep-alive"}),
    (b"Keep-Alive",): frozenset({b"keep-alive"}),
    (b"close",): frozenset({b"close"}),
    (b"Upgrade",): frozenset({b"upgrade"}),
}


def is_token(value: bytes) -> bool:
    """Say whether a value is a token (RFC 9110 section 5.6.2)."""
    return bool(value) and not value.translate(None, _TOKEN_BYTES)


def is_field_value(value: bytes) -> bool:
    """Say whether a value is a field value (RFC 9110 section 5.5).

    Visible ASCII, obs-text, and white space inside; no control characters.
    """
    return not value.translate(None, _VALUE_BYTES) and value.strip(b" \t") == value


def check_fields(fields: FieldLines, status: int) -> None:
    """Refuse names that are no token and values with control characters.

    aiohttp's request parser has refused both already; its response parser lets control
    characters other than NUL, CR and LF pass.

    Raises:
        MessageError: With the status given: 400 for a client's fields, 502 for an upstream's.
    """
    names, values = zip(*fields, strict=True) if fields else ((), ())
    if b"" in names or b"".join(names).translate(None, _TOKEN_BYTES):
        raise MessageError(status, "A field name is malformed.")
    if b"".join(values).translate(None, _VALUE_BYTES):
        raise MessageError(status, "A field value holds control characters.")


def index_fields(fields: FieldLines) -> FieldIndex:
    """Gather the values by name, in one pass."""
    return section_of(fields).index


def first_value(index: FieldIndex, name: bytes) -> bytes | None:
    """Give the value of the first line of a name."""
    values = index.get(name)
    return values[0] if values else None


def only_value(index: FieldIndex, name: bytes) -> bytes | None:
    """Give a value that nobody can have added to; ``None`` where there are several lines."""
    values = index.get(name, ())
    return values[0] if len(values) == 1 else None


def parse_list(values: Iterable[bytes]) -> tuple[bytes, ...]:
    """Split values into their list items, without empty ones (RFC 9110 section 5.6.1).

    A comma inside a quoted string does not separate; an open quoted string ends with its line.
    """
    items: list[bytes] = []
    for value in values:
        if b'"' in value:
            items += [item.strip(b" \t") for item in _LIST_ITEM.findall(value)]
        else:
            items += [item.strip(b" \t") for item in value.split(b",")]
    return tuple([item for item in items if item])


def connection_options(index: FieldIndex) -> frozenset[bytes]:
    """Read the connection options, in lower case (RFC 9110 section 7.6.1)."""
    values = index.get(b"connection", ())
    usual = _USUAL_OPTIONS.get(values)
    if usual is not None:
        return usual
    # Options are tokens: a quote has no meaning here and must not hide a comma.
    items = b",".join(values).lower().split(b",")
    return frozenset([item.strip(b" \t") for item in items]) - {b""}


def is_prohibited_connection_option(option: bytes) -> bool:
    """Say whether dropping the field of that name would deceive somebody.

    RFC 9110 section 7.6.1: a field meant for all recipients must not be listed. Who lists one wants
    this hop to remove what the next hop frames, authenticates or decides by.
    """
    return option in _PROHIBITED_OPTIONS or option.startswith(_PROHIBITED_OPTION_PREFIXES)


def check_connection_options(options: AbstractSet[bytes]) -> None:
    """Refuse a request that lists what must travel on, or anything that is no token.

    Raises:
        MessageError: 400. We are stricter: RFC 9110 only forbids sending such options.
    """
    for option in options:
        if not is_token(option) or is_prohibited_connection_option(option):
            raise MessageError(400, "A connection option is not allowed.")


def strip_fields(fields: FieldLines, lower_names: AbstractSet[bytes]) -> FieldLines:
    """Leave out the lines of these names; the order and bytes of the others stay."""
    return tuple([line for line in fields if line[0].lower() not in lower_names])


def kept_lines(section: FieldSection, lower_names: AbstractSet[bytes]) -> list[bytes]:
    """Give the lines of a section, ready to be sent on, without those of these names."""
    names = section.names
    return [
        line for line, name in zip(section.lines, names, strict=True) if name not in lower_names
    ]


def connection_specific_names(options: AbstractSet[bytes]) -> frozenset[bytes]:
    """Name what concerns one connection only: always, or because its options list it.

    Prohibited options are ignored: requests with one were refused, and a response keeps its
    ``Content-Length`` whatever its ``Connection`` says.
    """
    if not options:
        return CONNECTION_SPECIFIC
    return CONNECTION_SPECIFIC.union(
        option for option in options if not is_prohibited_connection_option(option)
    )


def underscored_names(index: FieldIndex, lower_names: AbstractSet[bytes]) -> frozenset[bytes]:
    """Find the received names that an application would take for one of these names.

    CGI and WSGI spell ``-`` and ``_`` alike (RFC 3875 section 4.1.18): ``X_Forwarded_For`` would
    arrive beside, or instead of, the ``X-Forwarded-For`` that the gateway vouches for.

    Args:
        index: The request's fields.
        lower_names: What the gateway sets beside the names that it always frames or vouches by.
    """
    if b"_" not in b"".join(index):
        return frozenset()
    dashed = {name: name.replace(b"_", b"-") for name in index if b"_" in name}
    return frozenset(
        [
            name
            for name, meant in dashed.items()
            if meant in lower_names or meant in _VOUCHED_NAMES or meant.startswith(b"x-forwarded-")
        ]
    )


def merge_vary(values: tuple[bytes, ...], tokens: tuple[bytes, ...]) -> bytes | None:
    """Unite the upstream's ``Vary`` with names of our own (RFC 9110 section 12.5.5).

    The upstream's names come first, as it wrote them; names are compared without case. Its ``*``
    already says more than any name and stands alone.
    """
    merged: dict[bytes, bytes] = {}
    for item in (*parse_list(values), *tokens):
        merged.setdefault(item.lower(), item)
    if b"*" in merged:
        return b"*"
    return b", ".join(merged.values()) if merged else None
