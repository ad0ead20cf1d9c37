"""Where things are: listeners, upstream URLs, hosts, networks and route paths.

Each ``parse_`` returns the parts or raises ``UnfitValueError``. Grammar: RFC 3986, section 3.2.2 and
3.3, without user information. Stricter than that: a path that a server could read in two ways
cannot be a route's.
"""

import re
from difflib import get_close_matches
from ipaddress import (
    AddressValueError,
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_interface,
    ip_network,
)
from typing import NamedTuple

from cors_gateway.config.problems import UnfitValueError

__all__ = [
    "Address",
    "UpstreamAddress",
    "parse_authority",
    "parse_host",
    "parse_listener",
    "parse_network",
    "parse_path",
    "parse_server_name",
    "parse_upstream_url",
]

LABEL = r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
HOST_NAME = re.compile(rf"{LABEL}(?:\.{LABEL})*\.?")
NUMERIC_END = re.compile(r"(?:.*\.)?(?:\d+|0[xX][0-9A-Fa-f]*)\.?")
MAX_HOST = 254
# sockaddr_un holds 108 bytes with the final zero.
MAX_UNIX_PATH = 107

SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")
# What is all digits behind the colon is a port, and http a host.
SCHEME_WITHOUT_SLASHES = re.compile(r"(https?):(/?)(?!/)(?!\d+(?:/|$))", re.IGNORECASE)
WEBSOCKET_SCHEMES = {"ws": "http", "wss": "https"}
# As near as htp is to http, and not as ftp.
LIKENESS = 0.75
SEGMENT_BYTES = re.compile(r"(?:[A-Za-z0-9._~!$&'()*+,;=:@/-]|%[0-9A-Fa-f]{2})*")
AMBIGUOUS = re.compile(r"//|;|%2f|%5c|%00|%2e", re.IGNORECASE)


class Address(NamedTuple):
    """Something to bind or to connect to."""

    host: str = ""
    """Without brackets."""
    port: int = 0
    unix_path: str | None = None


class UpstreamAddress(NamedTuple):
    """The parts of an upstream's URL."""

    address: Address
    authority: str
    """What ``Host`` says when the upstream is called by its own name."""
    base_path: str
    """Put in front of every target; no slash at its end."""
    is_tls: bool = False
    """Whether it is called over TLS."""


def parse_listener(text: str) -> Address:
    """Read ``host:port``, ``:port``, ``[::]:port`` or ``unix:/path``."""
    if text.startswith("unix:"):
        return Address(unix_path=_unix_path(text))
    if text.isdecimal():
        _port(text, least=0)
        fix = f'write ":{text}"'
        raise UnfitValueError("{value} has no colon", "it could be a host or a port", fix)
    if found := SCHEME.match(text):
        fix = f'did you mean "{text[found.end() :].rstrip("/")}"?'
        raise UnfitValueError("{value} is a URL", "a listener is an address", fix)
    host, colon, port = text.rpartition(":")
    if not colon or "]" in port:
        if text:
            _host(text)
        raise UnfitValueError("{value} has no port", "", f'write "{text}:8080"')
    if host in {"", "*"}:
        return Address("0.0.0.0", _port(port, least=0))  # noqa: S104 - what was asked for
    return Address(_host(host, port), _port(port, least=0))


def parse_upstream_url(text: str) -> UpstreamAddress:
    """Read ``http://host[:port][/path]``, the same with ``https``, or ``unix:/path``."""
    if text.startswith("unix:"):
        return UpstreamAddress(Address(unix_path=_unix_path(text)), "localhost", "")
    found = SCHEME.match(text)
    near = None if found else SCHEME_WITHOUT_SLASHES.match(text)
    start = found or near
    rest = text[start.end() :] if start else text
    authority, slash, path = rest.partition("/")
    path = slash + path
    if "@" in authority:
        why = "what stands in a URL shows in logs and status pages"
        fix = "send it with upstream.headers.set, for example Authorization"
        raise UnfitValueError("the URL holds a user name or password", why, fix)
    if near is not None:
        scheme = near[1].lower()
        what = "{value} lacks a slash" if near[2] else "{value} lacks two slashes"
        meant = f'did you mean "{scheme}://{rest}"?'
        raise UnfitValueError(what, "", meant if _is_authority(rest) else f"write {scheme}://host")
    if found is None:
        fix = f'did you mean "http://{text}"?' if _is_authority(text) else "write http://host:port"
        raise UnfitValueError("{value} has no scheme", "", fix)
    scheme = found[1].lower()
    if scheme not in {"http", "https"}:
        raise _other_scheme(scheme, rest)
    if "?" in rest or "#" in rest:
        why = "the query is the client's"
        raise UnfitValueError("{value} has a query or a fragment", why, "remove it")
    default = 443 if scheme == "https" else 80
    host, port = _authority(authority, default=default, before=f"{scheme}://")
    if not SEGMENT_BYTES.fullmatch(path) or _has_dot_segment(path) or "//" in path:
        fix = "write it percent-encoded, without //, . and .."
        raise UnfitValueError("{value} has a path that is not clear", "", fix)
    canonical = f"[{host}]" if ":" in host else host
    name = canonical if port == default else f"{canonical}:{port}"
    return UpstreamAddress(Address(host, port), name, path.rstrip("/"), scheme == "https")


def parse_authority(text: str) -> str:
    """Check ``host[:port]``, as a ``Host`` field has it."""
    _refuse_url(text, "a Host is host or host:port")
    _authority(text, default=80)
    return text


def parse_server_name(text: str) -> str:
    """Check the host that a certificate is for."""
    why = "a certificate is for a host"
    _refuse_url(text, why, keep_port=False)
    if ":" in text.rpartition("]")[2] and not _is_ipv6(text.strip("[]")):
        raise UnfitValueError("{value} has a port", why, "remove the port")
    _host(text)
    return text


def parse_host(text: str) -> str:
    """Read the host a route is for: in lower case and without a port."""
    if "*" in text:
        why = "a route is for one host or, without the key, for all"
        raise UnfitValueError("{value} has a wildcard", why, "write one route for each host")
    _refuse_url(text, "a host is a name or an address", keep_port=False)
    if text.startswith("["):
        host, bracket, port = text.partition("]")
        host += bracket
    elif _is_ipv6(text):
        host, port = text, ""
    else:
        host, colon, port = text.partition(":")
        port = colon + port
    if port:
        what = "{value} has a colon and no port" if port == ":" else "{value} has a port"
        why = "requests match by host on every port"
        raise UnfitValueError(what, why, f'write "{host}"')
    name = _host(host).lower()
    return f"[{name}]" if ":" in name else name.removesuffix(".")


def parse_network(text: str) -> IPv4Network | IPv6Network:
    """Read an address or a network in CIDR notation."""
    try:
        return ip_network(text)
    except ValueError:
        pass
    try:
        network = ip_interface(text).network
    except ValueError:
        fix = "write it like 10.0.0.0/8 or fd00::/8, or unix for unix sockets"
        if text == "*":
            fix = "write 0.0.0.0/0 and ::/0 if every peer is really to be trusted"
        raise UnfitValueError("{value} is not a network", "", fix) from None
    why = "its address is not the first of its network"
    raise UnfitValueError("{value} names two things", why, f'did you mean "{network}"?')


def parse_path(text: str) -> str:
    """Check a route's path, as it stands on the wire; without a slash at its end."""
    if SCHEME.match(text):
        fix = "write the path here and the host under match.host"
        raise UnfitValueError("{value} is a URL", "", fix)
    if not text.startswith("/"):
        raise UnfitValueError("{value} does not begin with /", "", f'write "/{text}"')
    if "?" in text or "#" in text:
        why = "routes are chosen by path only"
        raise UnfitValueError("{value} has a query or a fragment", why, "remove it")
    if "*" in text:
        prefix = text.partition("*")[0].rstrip("/") or "/"
        why = "a path matches all that is below it, whole segments only"
        raise UnfitValueError("{value} has a wildcard", why, f'write "{prefix}"')
    if not SEGMENT_BYTES.fullmatch(text):
        why = "a path is compared as it stands on the wire"
        raise UnfitValueError("{value} is not percent-encoded", why, "encode it: é is %C3%A9")
    if AMBIGUOUS.search(text) or _has_dot_segment(text):
        why = "servers read //, ;, dot segments and encoded slashes or dots in different ways"
        raise UnfitValueError("{value} is ambiguous", why, "write the plain path")
    return text.rstrip("/") or "/"


def _unix_path(text: str) -> str:
    path = text.removeprefix("unix:")
    if path.startswith("//"):
        raise UnfitValueError(
            "{value} has slashes too many", "", f'write "unix:/{path.lstrip("/")}"'
        )
    if not path.startswith("/") or path.endswith("/") or "\0" in path:
        raise UnfitValueError("{value} is no unix socket", "", "write unix:/absolute/path")
    if len(path.encode(errors="surrogateescape")) > MAX_UNIX_PATH:
        why = f"the system allows {MAX_UNIX_PATH} bytes"
        raise UnfitValueError("{value} is too long", why, "use a shorter path")
    return path


def _other_scheme(scheme: str, rest: str) -> UnfitValueError:
    """Say what to write in place of a scheme that leads to no API."""
    what = "{value} has a scheme that is no upstream's"
    if _is_authority(rest):
        if (plain := WEBSOCKET_SCHEMES.get(scheme)) is not None:
            return UnfitValueError(
                what, f"WebSocket passes through {plain}", f'write "{plain}://{rest}"'
            )
        if near := get_close_matches(scheme, ("http", "https"), n=1, cutoff=LIKENESS):
            return UnfitValueError(what, "", f'did you mean "{near[0]}://{rest}"?')
    return UnfitValueError(what, "", "write http://host:port, https://host or unix:/path")


def _refuse_url(text: str, why: str, *, keep_port: bool = True) -> None:
    """Refuse a URL where only a part of it belongs."""
    found = SCHEME.match(text)
    if found is None:
        return
    meant = re.split(r"[/?#]", text[found.end() :], maxsplit=1)[0].rpartition("@")[2]
    if not keep_port:
        meant = re.sub(r":\d*$", "", meant)
    fix = f'did you mean "{meant}"?' if _is_authority(meant) else "write the host alone"
    raise UnfitValueError("{value} is a URL", why, fix)


def _authority(text: str, *, default: int, before: str = "") -> tuple[str, int]:
    host, colon, port = text.rpartition(":")
    bare = host.strip("[]")
    is_bare = ":" in host and not _is_ipv6(bare) and _is_ipv6(text.strip("[]"))
    if not colon or "]" in port or is_bare:
        host, port = text, ""
    elif not port:
        raise UnfitValueError("{value} has a colon and no port", "", "write the port, or no colon")
    return _host(host, port, before), _port(port, least=1) if port else default


def _is_authority(text: str) -> bool:
    try:
        _authority(text.partition("/")[0], default=80)
    except UnfitValueError:
        return False
    return True


def _host(text: str, port: str = "", before: str = "") -> str:
    """Check a host; an IPv6 address in brackets loses them.

    Args:
        text: what was written.
        port: what stands behind it, for the sentence.
        before: what stands before it, for the sentence.
    """
    fix = "write a name, an IPv4 address, or an IPv6 address in brackets"
    if text.startswith("[") and text.endswith("]"):
        try:
            return IPv6Address(text[1:-1]).compressed
        except AddressValueError:
            raise UnfitValueError("{value} has a bad IPv6 address", "", fix) from None
    if not text:
        raise UnfitValueError("{value} has no host", "", fix)
    if not text.isascii():
        encoded = _punycode(text)
        fix = f'write "{encoded}"' if encoded else "write it in ASCII (punycode)"
        raise UnfitValueError("{value} has a host that is not ASCII", "DNS has ASCII names", fix)
    if ":" in text:
        bare = text.strip("[]")
        what = "{value} has a bad host"
        if bare == text:
            what = "{value} has an IPv6 address without brackets"
        elif text.count("[") != text.count("]"):
            what = "{value} lacks a bracket"
        if _is_ipv6(bare):
            fix = f'did you mean "{before}[{bare}]{port and f":{port}"}"?'
        raise UnfitValueError(what, "", fix)
    if len(text) > MAX_HOST or not HOST_NAME.fullmatch(text):
        raise UnfitValueError("{value} has a bad host", "", fix)
    if NUMERIC_END.fullmatch(text):
        try:
            return str(IPv4Address(text))
        except AddressValueError:
            raise UnfitValueError("{value} has a bad IPv4 address", "", fix) from None
    return text


def _is_ipv6(text: str) -> bool:
    try:
        IPv6Address(text)
    except AddressValueError:
        return False
    return True


def _punycode(host: str) -> str:
    try:
        return host.encode("idna").decode()
    except UnicodeError:
        return ""


def _port(text: str, *, least: int) -> int:
    if text.isascii() and text.isdecimal() and len(text) <= 5 and least <= int(text) <= 65535:
        return int(text)
    raise UnfitValueError(
        "{value} has a bad port", "", f"write a port from {max(least, 1)} to 65535"
    )


def _has_dot_segment(path: str) -> bool:
    return any(segment in {".", ".."} for segment in path.split("/"))
