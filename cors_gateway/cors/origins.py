"""Origins as browsers serialize them (Fetch section 3.2, HTML section 7.1.1), and nothing else.

``parse_origin`` accepts exactly what a browser can send for a tuple origin: lower case, ASCII, no
default port, hosts in their canonical spelling. ``urllib.parse`` is no help here: it strips bytes,
raises on brackets and forgives what must not be forgiven. An opaque origin (``null``) has no
tuple, and is the business of whoever asks.

We are stricter than the URL standard: a host's labels hold letters, digits, ``-`` and ``_`` only,
no host ends in a dot and no port is 0. Such origins exist in theory, and nobody wants them named.
"""

import unicodedata
from dataclasses import dataclass
from ipaddress import AddressValueError, IPv4Address, IPv6Address
from string import ascii_lowercase, digits

__all__ = [
    "MAX_ORIGIN_BYTES",
    "TupleOrigin",
    "is_ip_address",
    "is_loopback",
    "parse_origin",
    "respell_origin",
    "serialize_origin",
    "suggest_origin",
]

MAX_ORIGIN_BYTES = 326
"""64 for a scheme, 3 for ``://``, 253 for a host, 6 for a port."""

_MAX_SCHEME_BYTES = 64
_MAX_HOST_BYTES = 253
_MAX_LABEL_BYTES = 63
_SCHEME_CHARACTERS = ascii_lowercase + digits + "+-."
_HOST_CHARACTERS = ascii_lowercase + digits + "-_."
_DEFAULT_PORTS = {"http": 80, "https": 443, "ws": 80, "wss": 443, "ftp": 21}
_OTHER_DOTS = str.maketrans({"。": ".", "．": ".", "｡": "."})  # noqa: RUF001


@dataclass(frozen=True, slots=True)
class TupleOrigin:
    """A scheme, a host and a port."""

    scheme: str
    host: str
    """As serialized: an IPv6 address stands in its brackets."""
    port: int | None
    """``None`` is the scheme's default, which is never written."""


def parse_origin(value: bytes) -> TupleOrigin | None:
    """Parse a serialized tuple origin; ``None`` for anything that no browser would send."""
    if len(value) > MAX_ORIGIN_BYTES or not value.isascii():
        return None
    scheme, separator, rest = value.decode("ascii").partition("://")
    if not separator or not _is_scheme(scheme):
        return None
    if rest.startswith("["):
        address, bracket, tail = rest.partition("]")
        host = address + bracket
        if not _is_canonical_ipv6(host) or (tail and tail[0] != ":"):
            return None
        colon, port_text = tail[:1], tail[1:]
    else:
        host, colon, port_text = rest.partition(":")
        if not _is_host(host):
            return None
    if not colon:
        return TupleOrigin(scheme, host, None)
    port = _parse_port(port_text)
    if port is None or port == _DEFAULT_PORTS.get(scheme):
        return None
    return TupleOrigin(scheme, host, port)


def serialize_origin(origin: TupleOrigin) -> bytes:
    """Spell an origin as a browser does."""
    port = "" if origin.port is None else f":{origin.port}"
    return f"{origin.scheme}://{origin.host}{port}".encode("ascii")


def is_ip_address(host: str) -> bool:
    """Say whether a parsed host is an address and no name."""
    return host.startswith("[") or host.rpartition(".")[2].isdigit()


def is_loopback(host: str) -> bool:
    """Say whether a parsed host can only be the machine that the browser runs on."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    return host == "[::1]" or (is_ip_address(host) and host.startswith("127."))


def suggest_origin(text: str) -> str | None:
    """Spell the origin that a text was probably meant to name; ``None`` where that is a guess."""
    suggestion = respell_origin(text)
    if suggestion == text or parse_origin(suggestion.encode("ascii", "replace")) is None:
        return None
    return suggestion


def respell_origin(text: str) -> str:
    """Spell a text as an origin would be: without path, userinfo, default port, capitals.

    The result need not be an origin: whoever asks checks it. Wildcards survive.
    """
    text = unicodedata.normalize("NFKC", text).translate(_OTHER_DOTS).strip().strip("'\"").lower()
    scheme, separator, rest = text.partition("://")
    if not separator:
        word, colon, rest = text.partition(":")
        scheme = word if colon and word in {"http", "https"} else ""
        rest = (rest if scheme else text).lstrip("/")
    for delimiter in "/?#\\":
        rest = rest.partition(delimiter)[0]
    rest = rest.rpartition("@")[2]
    host, colon, port = (rest, "", "") if rest.endswith("]") else _split_port(rest)
    host = ".".join(_to_ascii_label(label) for label in host.rstrip(".").split("."))
    if host.startswith("["):
        host = _respell_ipv6(host)
    if not scheme:
        scheme = "http" if is_loopback(host) else "https"
    if colon and (not port or port == str(_DEFAULT_PORTS.get(scheme))):
        colon = port = ""
    return f"{scheme}://{host}{colon}{port}"


def _split_port(text: str) -> tuple[str, str, str]:
    host, colon, port = text.rpartition(":")
    return (host, colon, port) if colon else (text, "", "")


def _is_scheme(text: str) -> bool:
    return (
        0 < len(text) <= _MAX_SCHEME_BYTES
        and text[0] in ascii_lowercase
        and not text.strip(_SCHEME_CHARACTERS)
    )


def _is_host(host: str) -> bool:
    if not 0 < len(host) <= _MAX_HOST_BYTES or host.strip(_HOST_CHARACTERS):
        return False
    labels = host.split(".")
    if not all(0 < len(label) <= _MAX_LABEL_BYTES for label in labels):
        return False
    last = labels[-1]
    if last.isdigit() or last.startswith("0x"):
        # A host whose last label is a number is an IPv4 address or no host at all.
        try:
            IPv4Address(host)
        except AddressValueError:
            return False
    return True


def _is_canonical_ipv6(host: str) -> bool:
    return host == _respell_ipv6(host)


def _respell_ipv6(host: str) -> str:
    """Serialize a bracketed IPv6 address as the URL standard does; empty if it is none.

    ``str(IPv6Address(...))`` differs between versions of Python on mapped IPv4 addresses.
    """
    try:
        packed = IPv6Address(host[1:-1]).packed if host.endswith("]") else b""
    except AddressValueError:
        packed = b""
    if not packed or "%" in host:
        return ""
    pieces = [packed[i : i + 2].hex().lstrip("0") or "0" for i in range(0, 16, 2)]
    best_start, best_length = 0, 1
    for start in range(8):
        length = 0
        while start + length < 8 and pieces[start + length] == "0":
            length += 1
        if length > best_length:
            best_start, best_length = start, length
    if best_length > 1:
        head = ":".join(pieces[:best_start])
        tail = ":".join(pieces[best_start + best_length :])
        return f"[{head}::{tail}]"
    return f"[{':'.join(pieces)}]"


def _parse_port(text: str) -> int | None:
    if not 0 < len(text) <= 5 or not text.isdigit() or text[0] == "0":
        return None
    port = int(text)
    return port if port <= 65535 else None


def _to_ascii_label(label: str) -> str:
    if label.isascii() or not label.isprintable():
        return label
    return "xn--" + label.encode("punycode").decode("ascii")
