"""What a person at a terminal sees once the gateway listens: where to look, and a line to try.

Pure: the text is returned. The line to try is asked of the routes and of the policy, so that it
shows what it promises; where nothing can be promised, there is none.
"""

import shlex
from collections.abc import Iterator, Sequence
from typing import NamedTuple
from urllib.parse import urlsplit

from cors_gateway.cli.colours import paint
from cors_gateway.cli.samples import sample_origin
from cors_gateway.cli.variables import ALLOW_ORIGINS
from cors_gateway.explain.listing import name_policy, routes_in_order
from cors_gateway.snapshot import Route, Snapshot

__all__ = ["welcome"]

MAX_ROUTES = 6
"""Lines; of more routes the last line says how many there are."""

MAX_CELL = 48
"""Characters of a column but the last."""

NAMELESS = frozenset({"--allow-origin", ALLOW_ORIGINS})
"""Where policies stand to which nobody gave a name."""

WILDCARDS = frozenset({"0.0.0.0", "::"})  # noqa: S104 - compared, not bound


class _Row(NamedTuple):
    """One route, for a person."""

    place: str
    upstream: str
    policy: str


def welcome(snapshot: Snapshot, urls: Sequence[str], *, admin_url: str | None, colour: bool) -> str:
    """Write what ``run`` and ``proxy`` print on a terminal after the line that says where.

    Args:
        snapshot: what is served.
        urls: where it listens, as announced.
        admin_url: where the admin listener is, if there is one.
        colour: whether the terminal has colours.
    """
    lines = ["", *_table(routes_in_order(snapshot), colour=colour), ""]
    if call := _call(snapshot, urls):
        lines.append(f"  try    {paint(call, 'bold', wanted=colour)}")
    if admin_url is not None:
        lines.append(f"  admin  {_tell_admin(_reachable(admin_url))}")
    lines += ["  stop   ^C", ""]
    return "\n".join(lines) + "\n"


def _tell_admin(url: str) -> str:
    if url.startswith("unix:"):
        return url
    return f"{url}/readyz?verbose  {url}/metrics"


def _table(routes: Sequence[Route], *, colour: bool) -> Iterator[str]:
    shown = routes if len(routes) <= MAX_ROUTES else routes[: MAX_ROUTES - 1]
    rows = [_row(route) for route in shown]
    places = max((len(row.place) for row in rows), default=0)
    upstreams = max((len(row.upstream) for row in rows), default=0)
    for row in rows:
        place = paint(row.place, "bold", wanted=colour) + " " * (places - len(row.place))
        yield f"  {place}  →  {row.upstream:{upstreams}}  {row.policy}"
    if len(shown) < len(routes):
        yield f"  … and {len(routes) - len(shown)} more: cors-gateway routes"


def _row(route: Route) -> _Row:
    host = "" if route.host is None else route.host.decode()
    methods = "" if route.methods is None else f"{','.join(_methods(route))} "
    return _Row(
        _cut(methods + host + route.path.decode()), _cut(route.upstream.url), _tell_policy(route)
    )


def _methods(route: Route) -> list[str]:
    return sorted(method.decode() for method in route.methods or ())


def _tell_policy(route: Route) -> str:
    if route.policy is None:
        return "cors: false"
    settings = route.policy.settings
    count = len(settings.allow_origins) + len(settings.allow_origin_regex)
    origins = f"{count} {'origin' if count == 1 else 'origins'}"
    if "*" in settings.allow_origins:
        origins = "any origin"
    if route.policy_source in NAMELESS:
        return origins
    return f"{_cut(name_policy(route))} ({origins})"


def _cut(text: str) -> str:
    return text if len(text) <= MAX_CELL else f"{text[: MAX_CELL - 1]}…"


def _call(snapshot: Snapshot, urls: Sequence[str]) -> str | None:
    """Write a command line that shows what a page of an allowed origin gets."""
    if not urls:
        return None
    # What speaks TCP and no TLS needs the fewest words.
    url = min(urls, key=lambda url: (not url.startswith("http://"), url.startswith("unix:")))
    for route in snapshot.routes:
        origin = None if route.policy is None else sample_origin(route.policy)
        if origin is not None and (method := _first_method(snapshot, route, url)):
            return _curl(route, url, method, origin)
    return None


def _first_method(snapshot: Snapshot, route: Route, url: str) -> str | None:
    """Give a method by which a request for exactly the path of a route comes to it."""
    host = route.host or (urlsplit(_reachable(url)).hostname or "localhost").encode()
    for method in ("GET", *_methods(route)):
        if snapshot.router.match(host, route.path, method.encode()).route is route:
            return method
    return None


def _curl(route: Route, url: str, method: str, origin: str) -> str:
    words = ["curl", "-i"]
    if url.startswith("unix:"):
        words += ["--unix-socket", url.removeprefix("unix:")]
        url = "http://localhost"
    elif url.startswith("https:"):
        # Nobody's certificate is for a loopback address.
        words.append("-k")
    if route.host is not None:
        words += ["-H", f"Host: {route.host.decode()}"]
    words += ["-H", f"Origin: {origin}"]
    if method != "GET":
        # What only a preflight asks changes nothing.
        words += ["-X", "OPTIONS", "-H", f"Access-Control-Request-Method: {method}"]
    return shlex.join([*words, _reachable(url) + route.path.decode()])


def _reachable(url: str) -> str:
    """Put a name that can be called in the place of all addresses."""
    parts = urlsplit(url)
    if parts.hostname not in WILDCARDS:
        return url
    return parts._replace(netloc=f"localhost:{parts.port}").geturl()
