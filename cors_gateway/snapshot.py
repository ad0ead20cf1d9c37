"""The immutable running configuration: everything that a request's decision depends on.

A snapshot is made once, by ``config/``, and never changed; a reload makes another one. What can
be known at load is already bytes here, so that a request only selects and joins.

This module knows no file, no YAML and no socket.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_address

from cors_gateway.cors.policy import Policy
from cors_gateway.messages.cookies import CookieRewrite
from cors_gateway.messages.fields import CONNECTION_SPECIFIC
from cors_gateway.messages.forwarding import FORWARDING_NAMES
from cors_gateway.messages.redirects import RedirectRewrite
from cors_gateway.routes import Router

__all__ = [
    "Admin",
    "Endpoint",
    "FileTree",
    "HealthCheck",
    "Limits",
    "Listener",
    "ListenerTls",
    "LogSettings",
    "PoolLimits",
    "Route",
    "Snapshot",
    "Timeouts",
    "Upstream",
    "UpstreamTimeouts",
    "UpstreamTls",
]

Network = IPv4Network | IPv6Network


@dataclass(frozen=True, slots=True)
class ListenerTls:
    """What a listener proves itself with: paths of PEM files, read again when they change."""

    certificate: str
    """The certificate, and behind it those that lead to a root."""
    key: str


@dataclass(frozen=True, slots=True)
class Listener:
    """Where the gateway accepts connections: ``host`` and ``port``, or a unix socket's path."""

    host: str = "0.0.0.0"  # noqa: S104 - the documented default: a gateway is there to be reached
    port: int = 8080
    unix_path: str | None = None
    tls: ListenerTls | None = None
    """``None`` speaks plain HTTP."""


@dataclass(frozen=True, slots=True)
class Admin:
    """The listener of those who run the gateway: health, metrics, explanations."""

    listener: Listener = Listener("127.0.0.1", 9901)
    hosts: frozenset[str] = frozenset()
    """Names beside addresses and local ones by which it may be called; in lower case."""
    is_default: bool = True
    """Whether nobody chose the address, so that the gateway starts without it if it is taken."""


@dataclass(frozen=True, slots=True)
class Limits:
    """The bounds on one client, in bytes and counts."""

    connections: int = 1024
    target_bytes: int = 8 * 1024
    field_section_bytes: int = 32 * 1024
    field_lines: int = 100
    content_bytes: int | None = None
    """The longest request content, or ``None`` for no bound."""
    requests_per_connection: int | None = 1000
    """After how many a connection is closed in order, or ``None`` for never."""


@dataclass(frozen=True, slots=True)
class Timeouts:
    """How long a client may take, in seconds."""

    head: float = 10.0
    content: float = 30.0
    write: float = 30.0
    keep_alive: float = 75.0


@dataclass(frozen=True, slots=True)
class Drain:
    """How a stop ends: ``delay`` still accepting, then at most ``timeout``; seconds."""

    delay: float = 0.0
    timeout: float = 7.0


@dataclass(frozen=True, slots=True)
class LogSettings:
    """What is logged and how."""

    level: str = "info"
    format: str = "auto"
    access: bool = True


@dataclass(frozen=True, slots=True)
class UpstreamTimeouts:
    """How long an API may take, in seconds."""

    connect: float = 3.0
    response: float = 60.0
    """From the end of the request to the head of the response."""
    idle: float = 60.0
    """Between two pieces of a response's content."""
    tunnel: float = 3600.0
    """Silence in a tunnel or an event stream."""


@dataclass(frozen=True, slots=True)
class PoolLimits:
    """The bounds on the connections to one upstream."""

    connections: int = 1_000_000
    """By default as many as there are clients, whose number has a bound of its own."""
    idle: float = 15.0
    """Seconds that an unused connection is kept."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One place where an API listens: ``host`` and ``port``, or a unix socket's path."""

    host: str = ""
    """A name, which may stand for several addresses, or an address."""
    port: int = 80
    unix_path: str | None = None


@dataclass(frozen=True, slots=True)
class UpstreamTls:
    """How an API proves itself, and the gateway to it: paths of PEM files."""

    server_name: str = ""
    """What its certificate must be for; empty for the endpoint's own host."""
    ca: str | None = None
    """The authorities that may vouch for it; ``None`` for those that the system trusts."""
    certificate: str | None = None
    """The gateway's own, where the API asks for one."""
    key: str | None = None


@dataclass(frozen=True, slots=True)
class FileTree:
    """A folder whose files are served in the place of an API."""

    root: str
    """The folder's absolute path."""
    fallback: str | None = None
    """A file below it that stands for paths of the application's own; ``None`` for a 404."""
    prefix: str = ""
    """The path that stands for the folder, as on the wire."""


@dataclass(frozen=True, slots=True)
class HealthCheck:
    """What the addresses of an API are asked, again and again, to see which of them answer."""

    target: bytes
    """To ask for, as on the wire; the upstream's base path is not put in front."""
    authority: bytes
    """What ``Host`` says."""
    interval: float = 5.0
    """Seconds between two checks of one address."""
    timeout: float = 2.0
    """Seconds from the beginning of a check to the head of the answer."""
    statuses: frozenset[int] = frozenset()
    """Those of an address that is well; empty for every 2xx."""


@dataclass(frozen=True, slots=True)
class Upstream:
    """An API: where it is and how long to wait for it. Or a folder of files.

    Two routes with equal upstreams share one pool: equality is by value.
    """

    url: str
    """As configured, without userinfo, several with commas between: for people to read."""
    endpoints: tuple[Endpoint, ...] = ()
    """Where it listens; a request goes to the one with the fewest requests in progress."""
    tls: UpstreamTls | None = None
    """``None`` speaks plain HTTP to it."""
    authority: bytes = b""
    """What ``Host`` says where a route sends the upstream's own name."""
    base_path: bytes = b""
    """Put in front of every target; no slash at its end."""
    timeouts: UpstreamTimeouts = UpstreamTimeouts()
    pool: PoolLimits = PoolLimits()
    files: FileTree | None = None
    """What is served by the gateway itself; there is no endpoint then."""
    health_check: HealthCheck | None = None
    """``None`` asks nothing: only requests show which addresses work."""


@dataclass(frozen=True, slots=True, eq=False)
class Route:
    """One entry of ``routes``: which requests it takes, where they go, under which policy."""

    name: str
    path: bytes
    """A prefix by whole segments, as on the wire; ``/`` takes everything."""
    upstream: Upstream
    policy: Policy | None = None
    """``None`` is ``cors: false``: transparent, nothing added and nothing stripped."""
    host: bytes | None = None
    """In lower case and without a port; ``None`` takes every host."""
    methods: frozenset[bytes] | None = None
    strip_prefix: bool = False
    upgrades: frozenset[bytes] = frozenset({b"websocket"})
    """The protocols that a client may switch to, in lower case."""
    host_field: bytes | None = None
    """The ``Host`` sent upstream; ``None`` preserves the client's."""
    origin_field: bytes | None = None
    """The ``Origin`` sent upstream instead of the client's; ``b""`` drops it, ``None`` keeps it."""
    set_fields: tuple[tuple[bytes, bytes], ...] = ()
    remove_fields: frozenset[bytes] = frozenset()
    """Names in lower case."""
    cookies: CookieRewrite | None = None
    """What changes on the API's cookies; ``None`` leaves them alone."""
    redirects: RedirectRewrite | None = None
    """How the API's redirects become ours; ``None`` leaves them alone."""
    source: str = ""
    """``FILE:LINE`` of the route."""
    policy_name: str | None = None
    """The name under ``corsPolicies``, if it has one."""
    policy_source: str = ""
    """``FILE:LINE`` of the policy's block."""
    policy_key: str = ""
    """The key path of the policy's block, e.g. ``corsPolicies.spa`` or ``routes[0].cors``."""
    owned_fields: frozenset[bytes] = field(init=False)
    """Names that a client cannot have its way with, not even spelled with underscores."""
    dropped_fields: frozenset[bytes] = field(init=False)
    """Names that are not forwarded as the client sent them."""

    def forwarded_target(self, path: bytes, query: bytes) -> bytes:
        """Give what the API is asked for; the query has its question mark."""
        if self.strip_prefix:
            path = path[len(self.path.rstrip(b"/")) :]
            if not path.startswith(b"/"):
                path = b"/" + path
        return self.upstream.base_path + path + query

    def __post_init__(self) -> None:
        """Derive at load what every request would have to."""
        # CGI would make Proxy the variable HTTP_PROXY, which libraries obey (CVE-2016-5385).
        dropped = CONNECTION_SPECIFIC | {b"expect", b"proxy", b"x-request-id"}
        dropped |= self.remove_fields | {name.lower() for name, _ in self.set_fields}
        if self.origin_field is not None:
            dropped |= {b"origin"}
        object.__setattr__(self, "dropped_fields", dropped)
        object.__setattr__(
            self,
            "owned_fields",
            dropped | FORWARDING_NAMES | {b"host", b"content-length", b"origin", b"via"},
        )


@dataclass(frozen=True, slots=True, eq=False)
class Snapshot:
    """The whole running configuration."""

    router: Router[Route]
    routes: tuple[Route, ...]
    """In file order."""
    default_policy: Policy | None = None
    """For answers that match no route; ``None`` where ``defaults.cors`` is false or missing."""
    listeners: tuple[Listener, ...] = (Listener(),)
    admin: Admin | None = Admin()
    """``None`` where there is none."""
    workers: int | None = None
    """Processes that serve; ``None`` for as many as the machine is good for."""
    public_origin: bytes | None = None
    trusted_proxies: tuple[Network, ...] = ()
    trusts_unix: bool = False
    """Whether whoever connects to a unix socket is a trusted proxy."""
    limits: Limits = Limits()
    timeouts: Timeouts = Timeouts()
    drain: Drain = Drain()
    log: LogSettings = LogSettings()
    source: str = ""
    """The file's name."""
    digest: str = ""
    """Of the document's text, to tell two configurations apart."""

    def trusts(self, address: str) -> bool:
        """Say whether a peer's ``X-Forwarded-*`` count; a unix socket's peer has no address."""
        if not address:
            return self.trusts_unix
        return bool(self.trusted_proxies) and _is_within(address, self.trusted_proxies)


@lru_cache(maxsize=4096)
def _is_within(address: str, networks: Sequence[Network]) -> bool:
    try:
        ip = ip_address(address)
    except ValueError:
        return False
    mapped = getattr(ip, "ipv4_mapped", None)
    return any((mapped or ip) in network for network in networks)
