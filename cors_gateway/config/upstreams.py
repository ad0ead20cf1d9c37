"""The upstreams of a document as they run, and the fields that are changed on the way to them."""

from cors_gateway.config.addresses import Address, UpstreamAddress, parse_upstream_url
from cors_gateway.config.findings import Findings
from cors_gateway.config.flaws import Flaw
from cors_gateway.config.health_schema import HealthCheckSettings
from cors_gateway.config.problems import Path, UnfitValueError, quote
from cors_gateway.config.request_fields import check_field_name
from cors_gateway.config.route_schema import (
    HeaderSettings,
    PoolSettings,
    UpstreamSettings,
    UpstreamTimeoutSettings,
    UpstreamTlsSettings,
)
from cors_gateway.config.substitution import Reader
from cors_gateway.cors.origins import parse_origin, suggest_origin
from cors_gateway.snapshot import (
    Endpoint,
    HealthCheck,
    PoolLimits,
    Upstream,
    UpstreamTimeouts,
    UpstreamTls,
)

__all__ = ["UpstreamTable", "compile_headers", "compile_origin"]

UpstreamKey = tuple[
    tuple[str, ...],
    UpstreamTlsSettings | None,
    UpstreamTimeoutSettings,
    PoolSettings,
    HealthCheck | None,
]
Written = tuple[str, Path]
"""A URL and where it stands."""


class UpstreamTable:
    """Compiles the upstreams of one document, each once."""

    def __init__(self, findings: Findings, reader: Reader) -> None:
        self._findings = findings
        self._reader = reader
        self._upstreams: dict[UpstreamKey, Upstream] = {}

    def compile_upstream(self, upstream: UpstreamSettings, path: Path) -> Upstream | None:
        """Compile where an API is and how long to wait; equal settings give one upstream."""
        written = self._urls(upstream, path)
        parts = [parse_upstream_url(url) for url, _ in written]
        tls = self._tls(upstream.tls, parts, (*path, "tls"))
        if not written or not self._fit(written, parts):
            return None
        if upstream.host == "upstream" and len({each.authority for each in parts}) > 1:
            what, why = "{value} could be any of several hosts", "the urls are of different ones"
            self._findings.error((*path, "host"), what, why, "write the host, or preserve")
        urls = tuple(url for url, _ in written)
        own_name = upstream.host in {"preserve", "upstream"}
        host = parts[0].authority if own_name else upstream.host
        health_check = self._health_check(upstream.health_check, host, (*path, "healthCheck"))
        key = (urls, upstream.tls, upstream.timeouts, upstream.pool, health_check)
        if (known := self._upstreams.get(key)) is not None:
            return known
        compiled = Upstream(
            url=",".join(
                _url_for_people(url, each, self._findings.filled_text(where))
                for (url, where), each in zip(written, parts, strict=True)
            ),
            endpoints=tuple(Endpoint(*each.address) for each in parts),
            tls=tls,
            authority=parts[0].authority.encode(),
            base_path=parts[0].base_path.encode(),
            timeouts=UpstreamTimeouts(
                connect=upstream.timeouts.connect,
                response=upstream.timeouts.response,
                idle=upstream.timeouts.idle,
                tunnel=upstream.timeouts.tunnel,
            ),
            pool=_pool_limits(upstream.pool),
            health_check=health_check,
        )
        self._upstreams[key] = compiled
        return compiled

    def _health_check(
        self, check: HealthCheckSettings | None, host: str, path: Path
    ) -> HealthCheck | None:
        """Compile what its addresses are asked, under the name by which requests call them."""
        if check is None:
            return None
        if check.path is None:
            if not self._findings.is_touched((*path, "path")):
                why = "it says what the API is asked for"
                self._findings.error((*path, "path"), "path is missing", why, "write path: /health")
            return None
        return HealthCheck(
            target=check.path.encode(),
            authority=host.encode(),
            interval=check.interval,
            timeout=check.timeout,
            statuses=frozenset(check.status),
        )

    def _urls(self, upstream: UpstreamSettings, path: Path) -> list[Written]:
        """Find the URLs and where they stand."""
        where = (*path, "urls")
        if upstream.url is not None and upstream.urls is not None:
            why = "url is there already"
            self._findings.error(where, "urls is one too many", why, "remove one", at_key=True)
            return []
        if upstream.url is not None:
            return [(upstream.url, (*path, "url"))]
        if upstream.urls:
            return [(url, (*where, index)) for index, url in enumerate(upstream.urls)]
        if not self._findings.is_touched(where):
            fix = "write url: http://host:port"
            self._findings.error((*path, "url"), "url is missing", "a route leads to an API", fix)
        return []

    def _fit(self, written: list[Written], parts: list[UpstreamAddress]) -> bool:
        """Say whether all URLs can stand for one API, and report those that cannot."""
        first = parts[0]
        seen: set[Address] = set()
        fits = True
        for (_, where), each in zip(written, parts, strict=True):
            if each.address in seen:
                self._findings.error(where, "{value} is there twice", "", "remove one")
            elif each.is_tls != first.is_tls:
                why = "all urls of an upstream are https, or none is"
                fix = "correct it, or make it a route of its own"
                self._findings.error(where, "{value} is not called like the first", why, fix)
            elif each.base_path != first.base_path:
                why = "all urls of an upstream have one path"
                fix = "correct it, or make it a route of its own"
                self._findings.error(where, "{value} has another path than the first", why, fix)
            else:
                seen.add(each.address)
                continue
            fits = False
        return fits

    def _tls(
        self, tls: UpstreamTlsSettings | None, parts: list[UpstreamAddress], path: Path
    ) -> UpstreamTls | None:
        """Compile what an API proves itself with, and report files that cannot be used."""
        is_https = bool(parts) and parts[0].is_tls
        if tls is None:
            return UpstreamTls() if is_https else None
        if parts and not is_https:
            fix = "write https:// in the URL, or remove it"
            why = "the API is called without TLS"
            self._findings.error(path, "{key} has no effect", why, fix, at_key=True)
        ca, certificate, key = (
            None if name is None else self._reader.locate(name)
            for name in (tls.ca, tls.certificate, tls.key)
        )
        flaws: list[Flaw] = []
        if ca is not None:
            flaws += self._reader.check_authorities(ca)
        if certificate is not None and key is not None:
            flaws += self._reader.check_pair(certificate, key)
        elif certificate is not None or key is not None:
            missing = "key" if key is None else "certificate"
            if not self._findings.is_touched((*path, missing)):
                why = "a certificate and its key go together"
                fix = f"write {missing}: client-{missing}.pem"
                self._findings.error(path, f"{missing} is missing", why, fix)
        places = {role: (*path, role) for role in ("ca", "certificate", "key")}
        self._findings.report_flaws(flaws, places, consequence="the API may refuse it")
        server_name = (tls.server_name or "").removeprefix("[").removesuffix("]")
        return UpstreamTls(server_name, ca, certificate, key)


def _url_for_people(url: str, parts: UpstreamAddress, written: str | None) -> str:
    """Spell an upstream without what came from the environment or a file, but for its address.

    Listings and every line of the access log show it.

    Args:
        url: as it is called.
        parts: of the URL.
        written: the document's own text, where that is another.
    """
    if written is None:
        return url
    if parts.address.unix_path is not None:
        return written
    # A path that the document spells to its end is no secret of the environment's.
    path = parts.base_path if written.rstrip("/").endswith(parts.base_path) else ""
    scheme = "https" if parts.is_tls else "http"
    return f"{scheme}://{parts.authority}{path}"


def compile_origin(origin: str, path: Path, findings: Findings) -> bytes | None:
    """Compile ``upstream.origin``: ``None`` keeps the client's, ``b""`` drops it."""
    if origin == "keep":
        return None
    if origin == "drop":
        return b""
    value = origin.encode(errors="replace")
    if parse_origin(value) is None:
        suggestion = suggest_origin(origin)
        fix = f'did you mean "{suggestion}"?' if suggestion else "write keep, drop or an origin"
        why = "an origin is scheme://host[:port]"
        findings.error(path, "{value} is no origin", why, fix)
    return value


def _pool_limits(pool: PoolSettings) -> PoolLimits:
    if pool.connections is None:
        return PoolLimits(idle=pool.idle)
    return PoolLimits(pool.connections, pool.idle)


def compile_headers(
    headers: HeaderSettings, path: Path, findings: Findings
) -> tuple[tuple[tuple[bytes, bytes], ...], frozenset[bytes]]:
    """Compile ``upstream.headers``: the fields to set, and the names to remove in lower case."""
    seen: dict[str, str] = {}
    for name in headers.set_:
        where = (*path, "set", name)
        try:
            check_field_name(name)
        except UnfitValueError as problem:
            what = problem.what.replace("{value}", quote(name))
            findings.error(where, what, problem.why, problem.fix, at_key=True)
        if (first := seen.setdefault(name.lower(), name)) != name:
            why = f"{first} is the same header"
            findings.error(where, "{key} is set twice", why, "remove one", at_key=True)
    for index, name in enumerate(headers.remove):
        where = (*path, "remove", index)
        try:
            check_field_name(name)
        except UnfitValueError as problem:
            findings.refuse(where, problem)
        if name.lower() in seen:
            why = "setting it replaces the client's already"
            findings.error(where, "{value} is set and removed", why, "remove one")
    set_fields = tuple(
        (name.encode(errors="replace"), value.encode()) for name, value in headers.set_.items()
    )
    return set_fields, frozenset(name.lower().encode(errors="replace") for name in headers.remove)
