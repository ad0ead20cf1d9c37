"""Routes that no request can reach, because others take all that they match.

Longer paths and named hosts never hide a route; only routes with the same host and path do. Among
those, the ones with methods come first, then file order, as in ``cors_gateway/routes.py``.
"""

from cors_gateway.config.findings import Findings
from cors_gateway.config.route_schema import RouteSettings

__all__ = ["refuse_unreachable"]

FIX = "remove it, or give it other methods, another host or path"


def refuse_unreachable(routes: list[RouteSettings], findings: Findings) -> None:
    """Report routes that are hidden wholly (an error) or for some methods (a warning)."""
    groups: dict[tuple[str | None, str], list[int]] = {}
    for index, route in enumerate(routes):
        if route.match.path and not findings.is_touched(("routes", index, "match")):
            groups.setdefault((route.match.host, route.match.path), []).append(index)
    for group in groups.values():
        if len(group) > 1:
            _check_group(routes, group, findings)


def _check_group(routes: list[RouteSettings], group: list[int], findings: Findings) -> None:
    taken: dict[str, int] = {}
    for_all: int | None = None
    for index in group:
        methods = routes[index].match.methods
        path = ("routes", index, "match")
        if methods is None:
            if for_all is None:
                for_all = index
            else:
                why = f"{findings.key(('routes', for_all))} takes all that it matches"
                findings.error(path, "the route is unreachable", why, FIX)
            continue
        lost = [method for method in dict.fromkeys(methods) if method in taken]
        if lost:
            first = findings.key(("routes", taken[lost[0]]))
            if len(lost) == len(set(methods)):
                why = f"{first} takes {', '.join(lost)} on this path"
                findings.error(path, "the route is unreachable", why, FIX)
            else:
                what = f"{', '.join(lost)} never gets here"
                fix = "remove it from one of them"
                why = f"{first} takes it on this path"
                findings.warning((*path, "methods"), what, why, fix)
        for method in methods:
            taken.setdefault(method, index)
