"""The routes of a configuration in the order in which they are tried, and what is told of each.

Decides what a list of routes says. How it looks is for who shows it: a table, JSON.
"""

from typing import Any

from cors_gateway.snapshot import Route, Snapshot

__all__ = ["name_policy", "routes_as_data", "routes_in_order"]


def routes_in_order(snapshot: Snapshot) -> list[Route]:
    """Sort the routes: host before path, longest path, then methods, then file order."""
    return sorted(
        snapshot.routes,
        key=lambda route: (
            route.host is None,
            route.host or b"",
            -len(route.path),
            route.path,
            route.methods is None,
        ),
    )


def routes_as_data(snapshot: Snapshot) -> list[dict[str, Any]]:
    """Give the routes as JSON has them."""
    return [
        {
            "name": route.name,
            "host": None if route.host is None else route.host.decode(),
            "path": route.path.decode(),
            "methods": None if route.methods is None else sorted(m.decode() for m in route.methods),
            "upstream": route.upstream.url,
            "stripPrefix": route.strip_prefix,
            "policy": None if route.policy is None else name_policy(route),
            "source": route.source,
        }
        for route in routes_in_order(snapshot)
    ]


def name_policy(route: Route) -> str:
    """Name a route's policy, or where its block stands."""
    return "none" if route.policy is None else route.policy_name or route.policy_key
