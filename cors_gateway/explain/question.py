"""A page's request as a question: what a browser sends for it, over the wire, to the gateway.

Follows the Fetch standard for what a page may set (section 2.2.2) and for the preflight (section
4.8), Fetch Metadata for ``Sec-Fetch-Site``, and RFC 6455 for the handshake of a WebSocket. Knows no
route and no policy.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import ip_address

from cors_gateway.cors.browser import BrowserRequest, normalize_method, unsafe_header_names
from cors_gateway.cors.methods import RECEIVABLE_METHODS, is_forbidden_method
from cors_gateway.cors.origins import TupleOrigin, is_loopback, parse_origin, serialize_origin
from cors_gateway.cors.public_suffixes import IsPublicSuffix, registrable_domain
from cors_gateway.cors.request_headers import is_forbidden_request_header
from cors_gateway.explain.urls import UrlError, parse_url
from cors_gateway.messages.fields import is_field_value, is_token
from cors_gateway.messages.heads import FieldLines, RequestHead
from cors_gateway.messages.targets import parse_authority

__all__ = [
    "Question",
    "QuestionError",
    "Site",
    "check_receivable",
    "is_local",
    "is_trustworthy",
    "parse_header",
    "parse_question",
    "say_unreceivable",
]

_SENT_WITHOUT_ORIGIN = frozenset({b"GET", b"HEAD"})

# What a handshake has beside Host and Origin; the key is the RFC's own sample (section 1.3).
_HANDSHAKE: FieldLines = (
    (b"Connection", b"Upgrade"),
    (b"Upgrade", b"websocket"),
    (b"Sec-WebSocket-Version", b"13"),
    (b"Sec-WebSocket-Key", b"dGhlIHNhbXBsZSBub25jZQ=="),
)

Site = str
"""``same-origin``, ``same-site`` or ``cross-site``, as in ``Sec-Fetch-Site``."""


class QuestionError(ValueError):
    """The question makes no sense; the text says how to ask it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A request that a page, or a program without a page, wants to send."""

    origin: bytes | None
    """The page's; ``None`` where no browser is involved."""
    scheme: str
    """``http`` or ``https``, also of a WebSocket's handshake."""
    authority: bytes
    """What ``Host`` says: in lower case, without a default port."""
    target: bytes
    method: bytes
    """As it goes on the wire."""
    headers: FieldLines = ()
    """Those that the page sets and its browser lets it set."""
    ignored: tuple[bytes, ...] = ()
    """Names that browsers do not let a page set."""
    credentials: bool = False
    is_websocket: bool = False
    """It opens a WebSocket: to which browsers do not apply CORS, and send their cookies always."""
    host_is_known: bool = True
    respelled_from: str = ""
    """The URL as it was given, where its target is sent in another spelling."""

    @property
    def url(self) -> str:
        """The whole URL, for a person."""
        scheme = self.scheme.replace("http", "ws") if self.is_websocket else self.scheme
        return f"{scheme}://{self.authority.decode()}{self.target.decode()}"

    @property
    def own_origin(self) -> TupleOrigin:
        """The origin of a page that the gateway itself would serve."""
        host, port = parse_authority(self.authority)
        return TupleOrigin(self.scheme, host.decode(), port)

    @property
    def is_mixed_content(self) -> bool:
        """Whether the browser sends nothing: a page on https calls what anyone can listen to.

        As Chromium has it, only pages on https are held to that.
        """
        page = parse_origin(self.origin or b"")
        return page is not None and page.scheme == "https" and not is_trustworthy(self.own_origin)

    def browser_request(self) -> BrowserRequest:
        """The request as the browser's own checks see it."""
        return BrowserRequest(self.origin or b"", self.method, self.headers, self.credentials)

    def site(self, is_public_suffix: IsPublicSuffix) -> Site | None:
        """Compare the page with what it calls; ``None`` where there is no page."""
        if self.origin is None:
            return None
        own, page = self.own_origin, parse_origin(self.origin)
        if self.origin == serialize_origin(own):
            return "same-origin"
        if page is None or page.scheme != own.scheme:
            return "cross-site"
        domains = [registrable_domain(host, is_public_suffix) for host in (page.host, own.host)]
        return "same-site" if domains[0] == domains[1] else "cross-site"

    def preflight(self, site: Site) -> RequestHead:
        """Write the request by which the browser asks for permission."""
        lines = [(b"Access-Control-Request-Method", self.method)]
        if names := unsafe_header_names(self.browser_request()):
            lines.append((b"Access-Control-Request-Headers", b",".join(names)))
        return self._head(b"OPTIONS", (*self._from_page(site), *lines))

    def request(self, site: Site | None) -> RequestHead:
        """Write the request itself."""
        if self.is_websocket:
            # Chromium tells nothing of itself here: a handshake has no Sec-Fetch-Site.
            origin = () if self.origin is None else ((b"Origin", self.origin),)
            return self._head(self.method, (*origin, *_HANDSHAKE))
        if site is None:
            return self._head(self.method, self.headers)
        lines = self._from_page(site)
        if site == "same-origin" and self.method in _SENT_WITHOUT_ORIGIN:
            lines = tuple(line for line in lines if line[0] != b"Origin")
        return self._head(self.method, (*lines, *self.headers))

    def _head(self, method: bytes, lines: FieldLines) -> RequestHead:
        return RequestHead(method, self.target, 1, ((b"Host", self.authority), *lines))

    def _from_page(self, site: Site) -> FieldLines:
        lines: FieldLines = ((b"Origin", self.origin or b""),)
        if not is_trustworthy(self.own_origin):
            return lines
        # Browsers tell of themselves only where nobody on the way can listen.
        return (*lines, (b"Sec-Fetch-Mode", b"cors"), (b"Sec-Fetch-Site", site.encode()))


def parse_question(
    url: str,
    *,
    origin: str | None = None,
    method: str = "GET",
    headers: Sequence[tuple[bytes, bytes]] = (),
    credentials: bool = False,
    websocket: bool = False,
    home: str | None = None,
) -> Question:
    """Read a question as a person asks it.

    Args:
        url: what is called; a path stands for one of the gateway's own. With ``ws`` and ``wss`` it
            is a WebSocket's.
        origin: of the page that calls it.
        method: as the page gives it to ``fetch``.
        headers: those that the page sets.
        credentials: whether the page says ``credentials: 'include'``; nothing to a WebSocket.
        websocket: whether a path is a WebSocket's.
        home: what the gateway's own URLs begin with, if that is known.

    Raises:
        QuestionError: with how to ask it.
    """
    try:
        parts = parse_url(url, home=home, by_browser=origin is not None)
    except UrlError as error:
        raise QuestionError(str(error)) from None
    if origin is not None and not origin.strip():
        remedy = "name the page's, or leave it out for a program without a browser"
        raise QuestionError(f"the origin is empty: {remedy}")
    is_websocket = websocket or parts.is_websocket
    if is_websocket and "#" in url:
        raise QuestionError(f"{url!a} opens no WebSocket: leave out # and what follows")
    if is_websocket and (method.upper() != "GET" or headers):
        why = "it is asked for with GET, and browsers let no page set a header of that"
        raise QuestionError(f"a WebSocket takes no method and no header: {why}")
    verb = method.encode(errors="replace")
    if not is_token(verb):
        raise QuestionError(f"{method!a} is no method: write one, such as PUT")
    if origin is not None:
        verb = normalize_method(verb)
        if is_forbidden_method(verb):
            raise QuestionError(f"no page can send {method}: browsers forbid it to all of them")
    elif not is_forbidden_method(verb):
        check_receivable(verb)
    names = [name for name, _ in headers]
    if origin is None and any(name.lower() == b"origin" for name in names):
        raise QuestionError("say where the page is from as the origin, not as a header")
    ignored = tuple(
        name for name in names if origin is not None and is_forbidden_request_header(name)
    )
    return Question(
        origin=None if origin is None else origin.encode(errors="backslashreplace"),
        scheme=parts.scheme,
        authority=parts.authority,
        target=parts.target,
        method=verb,
        headers=tuple(line for line in headers if line[0] not in ignored),
        ignored=ignored,
        credentials=credentials and origin is not None and not is_websocket,
        is_websocket=is_websocket,
        host_is_known=parts.host_is_known,
        respelled_from=url if parts.is_respelled else "",
    )


def parse_header(text: str) -> tuple[bytes, bytes]:
    """Read ``Name: value``, or a name alone.

    Raises:
        QuestionError: it is neither.
    """
    name, _, value = text.partition(":")
    try:
        line = name.strip().encode("ascii"), value.strip().encode("latin-1")
    except UnicodeEncodeError:
        line = b"", b""
    if not is_token(line[0]) or not is_field_value(line[1]):
        raise QuestionError(f"{text!a} is no header: write 'Name: value'")
    return line


def check_receivable(method: bytes) -> None:
    """Check that the gateway's parser lets a method through: what it refuses, no policy sees.

    Raises:
        QuestionError: it does not.
    """
    if refused := say_unreceivable(method):
        raise QuestionError(refused)


def say_unreceivable(method: bytes) -> str:
    """Say what to do about a method that the gateway's parser refuses; empty where it does not."""
    if method in RECEIVABLE_METHODS:
        return ""
    upper = method.upper()
    remedy = f"write {upper.decode()}" if upper in RECEIVABLE_METHODS else "use another"
    return f"the gateway answers {method.decode()} with 501: {remedy}"


def is_trustworthy(origin: TupleOrigin) -> bool:
    """Say whether nobody on the way to an origin can listen or answer."""
    return origin.scheme == "https" or is_loopback(origin.host)


def is_local(host: str) -> bool:
    """Say whether a host is this machine or one in the neighbourhood."""
    if is_loopback(host) or host.endswith(".local"):
        return True
    try:
        return ip_address(host.strip("[]")).is_private
    except ValueError:
        return False
