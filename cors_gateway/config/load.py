"""From a text to a snapshot: document, settings, policies, routes, and all that is wrong.

The order of the stages is here; what each can find wrong is its own. A stage works on what the
ones before it left, so that all mistakes are reported at once. The only effects are those of the
``Reader``.
"""

import gc
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from ipaddress import ip_network

from cors_gateway.config.document import parse_document
from cors_gateway.config.expectations import Expectation, compile_expectations
from cors_gateway.config.field_types import UNIX_PEERS
from cors_gateway.config.findings import Findings
from cors_gateway.config.listeners import ListenerTable
from cors_gateway.config.nodes import Document
from cors_gateway.config.policies import PolicyTable, PublicSuffixes
from cors_gateway.config.problems import Problem
from cors_gateway.config.public_suffixes import has_public_suffix_below
from cors_gateway.config.route_table import RouteTable
from cors_gateway.config.schema import ServerSettings, Settings
from cors_gateway.config.secret_files import find_secret_files
from cors_gateway.config.substitution import Filling, Reader, substitute
from cors_gateway.config.validation import validate_settings
from cors_gateway.cors.origins import parse_origin, suggest_origin
from cors_gateway.cors.policy import Policy
from cors_gateway.cors.public_suffixes import IsPublicSuffix
from cors_gateway.routes import Router
from cors_gateway.snapshot import (
    Admin,
    Drain,
    Limits,
    Listener,
    LogSettings,
    Network,
    Route,
    Snapshot,
    Timeouts,
)

__all__ = ["Loaded", "load", "load_document"]


@dataclass(frozen=True, slots=True)
class Loaded:
    """What came of a configuration."""

    snapshot: Snapshot | None
    """``None`` where a problem is an error."""
    settings: Settings | None
    """What was understood; ``None`` where nothing was. Complete where there is a snapshot."""
    problems: tuple[Problem, ...]
    """Errors and warnings, in the order of the file."""
    expectations: tuple[Expectation, ...]
    """The ``tests:`` of the document."""
    document: Document
    filling: Filling
    """The document's values, and which of them came from outside."""


@contextmanager
def _collector_paused() -> Iterator[None]:
    """Keep the garbage collector from walking a large document again and again.

    Nearly all that is made while loading stays until its end: with 10,000 routes, looking for
    garbage in it took three quarters of the time.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


@_collector_paused()
def load(
    text: str | bytes,
    name: str,
    reader: Reader,
    is_public_suffix: IsPublicSuffix,
    is_registry_suffix: IsPublicSuffix | None = None,
    has_public_suffix_below: IsPublicSuffix = has_public_suffix_below,
) -> Loaded:
    """Load a configuration from its YAML text.

    Args:
        text: the file's content.
        name: the file's name, for positions.
        reader: where substitutions come from.
        is_public_suffix: whether names below a domain belong to different parties.
        is_registry_suffix: whether a domain is a registry's; a good guess without it.
        has_public_suffix_below: whether a name below a domain is a public suffix.
    """
    content = text if isinstance(text, bytes) else text.encode(errors="surrogatepass")
    digest = sha256(content).hexdigest()
    suffixes = PublicSuffixes(is_public_suffix, is_registry_suffix, has_public_suffix_below)
    return load_document(parse_document(text, name), digest, reader, suffixes)


@_collector_paused()
def load_document(
    document: Document, digest: str, reader: Reader, suffixes: PublicSuffixes
) -> Loaded:
    """Load a configuration from a document, however it was made."""
    filling = substitute(document, reader)
    findings = Findings(document, filling)
    settings: Settings | None = None
    snapshot: Snapshot | None = None
    expectations: tuple[Expectation, ...] = ()
    if document.root is not None or not document.problems:
        settings = validate_settings(findings)
    if settings is not None:
        policies = PolicyTable(settings, findings, suffixes)
        secrets = find_secret_files(settings, filling, reader)
        routes = RouteTable(findings, policies, reader, secrets).compile_routes(settings.routes)
        policies.warn_of_unused(filling.value)
        expectations = compile_expectations(settings.tests, findings)
        table = ListenerTable(findings, reader)
        listeners = table.compile_listeners(settings.server)
        admin = table.compile_admin(settings.admin)
        public_origin = _public_origin(settings.server, findings)
        networks = _networks(settings.server.trusted_proxies, findings)
        if not findings.has_errors():
            default = None if policies.default is None else policies.default.policy
            snapshot = _snapshot(
                settings,
                document.name,
                digest,
                routes,
                default,
                listeners,
                admin,
                public_origin,
                networks,
            )
    return Loaded(snapshot, settings, findings.problems(), expectations, document, filling)


def _public_origin(server: ServerSettings, findings: Findings) -> bytes | None:
    text = server.public_origin
    if text is None:
        return None
    origin = parse_origin(text.encode(errors="replace"))
    if origin is None or origin.scheme not in ("http", "https"):
        suggestion = suggest_origin(text)
        fix = f'did you mean "{suggestion}"?' if suggestion else 'write "https://www.example.com"'
        why = "an origin is http(s)://host[:port]"
        findings.error(("server", "publicOrigin"), "{value} is no origin", why, fix)
    return text.encode(errors="replace")


def _networks(proxies: Sequence[str], findings: Findings) -> tuple[Network, ...]:
    networks = {index: ip_network(text) for index, text in enumerate(proxies) if text != UNIX_PEERS}
    for index, network in networks.items():
        if network.prefixlen == 0:
            findings.warning(
                ("server", "trustedProxies", index),
                "{value} trusts everyone",
                "any client can then forge X-Forwarded-For, -Proto and -Host",
                "name the proxies' networks",
            )
    return tuple(networks.values())


def _snapshot(
    settings: Settings,
    name: str,
    digest: str,
    routes: tuple[Route, ...],
    default_policy: Policy | None,
    listeners: tuple[Listener, ...],
    admin: Admin | None,
    public_origin: bytes | None,
    networks: tuple[Network, ...],
) -> Snapshot:
    server = settings.server
    limits = server.limits
    timeouts = server.timeouts
    return Snapshot(
        router=Router(routes),
        routes=routes,
        default_policy=default_policy,
        listeners=listeners,
        admin=admin,
        workers=None if server.workers == "auto" else server.workers,
        public_origin=public_origin,
        trusted_proxies=networks,
        trusts_unix=UNIX_PEERS in server.trusted_proxies,
        limits=Limits(
            connections=limits.connections,
            target_bytes=limits.target,
            field_section_bytes=limits.field_section,
            field_lines=limits.field_lines,
            content_bytes=limits.content,
            requests_per_connection=limits.requests_per_connection,
        ),
        timeouts=Timeouts(
            head=timeouts.head,
            content=timeouts.content,
            write=timeouts.write,
            keep_alive=timeouts.keep_alive,
        ),
        drain=Drain(delay=server.drain.delay, timeout=server.drain.timeout),
        log=LogSettings(settings.log.level, settings.log.format, settings.log.access),
        source=name,
        digest=digest,
    )
