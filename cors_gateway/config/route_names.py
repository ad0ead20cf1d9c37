"""The names of routes: labels in logs and metrics, so that no two may be the same."""

import re

from cors_gateway.config.findings import Findings
from cors_gateway.config.route_schema import RouteSettings

__all__ = ["name_routes"]

NAME = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_.:/-]{0,62}[A-Za-z0-9_])?")
UNFIT = re.compile(r"[^A-Za-z0-9_.]+")
# A made name leaves room for a number behind it.
MADE_LENGTH = 56


def name_routes(routes: list[RouteSettings], findings: Findings) -> list[str]:
    """Take each route's name, or make one of its host and path."""
    taken: dict[str, int] = {}
    for index, route in enumerate(routes):
        if route.name is None:
            continue
        where = ("routes", index, "name")
        if not NAME.fullmatch(route.name):
            fix = "use up to 64 letters, digits and _ . : / -"
            findings.error(where, "{value} is no name", "it labels logs and metrics", fix)
        if (first := taken.setdefault(route.name, index)) != index:
            why = f"{findings.key(('routes', first))} has that name"
            findings.error(where, "{value} is taken", why, "give it another")
    counts: dict[str, int] = {}
    names = []
    for index, route in enumerate(routes):
        name = route.name or ""
        if not name:
            name = base = _made_name(route)
            while name in taken:
                counts[base] = counts.get(base, 1) + 1
                name = f"{base}-{counts[base]}"
            taken[name] = index
        names.append(name)
    return names


def _made_name(route: RouteSettings) -> str:
    """Make ``api.example.com-v1-orders`` of a host and ``/v1/orders``."""
    whole = f"{route.match.host or ''}{route.match.path or ''}"
    return UNFIT.sub("-", whole).strip("-.")[:MADE_LENGTH].rstrip("-.") or "root"
