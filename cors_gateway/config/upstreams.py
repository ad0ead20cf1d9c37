"""The upstreams of a document as they run, and the fields that are changed on the way to them."""

from cors_gateway.config.addresses import UpstreamAddress, parse_upstream_url
from cors_gateway.config.findings import Findings
from cors_gateway.config.problems import Path, UnfitValueError, quote
from cors_gateway.config.request_fields import check_field_name
from cors_gateway.config.route_schema import (
    HeaderSettings,
    PoolSettings,
    UpstreamSettings,
    UpstreamTimeoutSettings,
)
from cors_gateway.cors.origins import parse_origin, suggest_origin
from cors_gateway.snapshot import Endpoint, PoolLimits, Upstream, UpstreamTimeouts

__all__ = ["UpstreamTable", "compile_headers", "compile_origin"]

UpstreamKey = tuple[str, UpstreamTimeoutSettings, PoolSettings]


class UpstreamTable:
    """Compiles the upstreams of one document, each once."""

    def __init__(self, findings: Findings) -> None:
        self._findings = findings
        self._upstreams: dict[UpstreamKey, Upstream] = {}

    def compile_upstream(self, upstream: UpstreamSettings, path: Path) -> Upstream | None:
        """Compile where an API is and how long to wait; equal settings give one upstream."""
        found = self._url(upstream, path)
        if found is None:
            return None
        url, where = found
        key = (url, upstream.timeouts, upstream.pool)
        if (known := self._upstreams.get(key)) is not None:
            return known
        parts = parse_upstream_url(url)
        compiled = Upstream(
            url=_url_for_people(url, parts, self._findings.filled_text(where)),
            endpoints=(Endpoint(*parts.address),),
            authority=parts.authority.encode(),
            base_path=parts.base_path.encode(),
            timeouts=UpstreamTimeouts(
                connect=upstream.timeouts.connect,
                response=upstream.timeouts.response,
                idle=upstream.timeouts.idle,
                tunnel=upstream.timeouts.tunnel,
            ),
            pool=PoolLimits(connections=upstream.pool.connections, idle=upstream.pool.idle),
        )
        self._upstreams[key] = compiled
        return compiled

    def _url(self, upstream: UpstreamSettings, path: Path) -> tuple[str, Path] | None:
        """Find the URL and where it stands."""
        where = (*path, "urls")
        if upstream.url is not None and upstream.urls is not None:
            why = "url is there already"
            self._findings.error(where, "urls is one too many", why, "remove one", at_key=True)
            return None
        if upstream.urls is not None and len(upstream.urls) > 1:
            why = "requests go to one upstream so far"
            self._findings.error(where, "several urls are not supported yet", why, "keep one")
            return None
        if upstream.url is not None:
            return upstream.url, (*path, "url")
        if upstream.urls:
            return upstream.urls[0], (*where, 0)
        if not self._findings.is_touched(where):
            fix = "write url: http://host:port"
            self._findings.error((*path, "url"), "url is missing", "a route leads to an API", fix)
        return None


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
    return f"http://{parts.authority}{path}"


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
