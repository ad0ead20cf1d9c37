"""``routes``: list the routes in the order in which they are tried."""

import argparse
import json
from collections.abc import Iterable, Sequence

from cors_gateway.cli.arguments import add_config
from cors_gateway.cli.endings import Exit
from cors_gateway.cli.sources import load, snapshot_of
from cors_gateway.snapshot import Route

__all__ = ["SUMMARY", "add_arguments", "run"]

SUMMARY = "list the routes, most specific first"
HEADINGS = ("HOST", "PATH", "METHODS", "UPSTREAM", "POLICY", "WRITTEN AT")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    add_config(parser)
    parser.add_argument("--json", action="store_true", help="for programs")


def run(options: argparse.Namespace) -> int:
    """Print a table, or JSON."""
    # Host before path, longest path, then methods, then file order; sorting keeps the last.
    found = sorted(
        snapshot_of(load(options.config)).routes,
        key=lambda route: (
            route.host is None,
            route.host or b"",
            -len(route.path),
            route.path,
            route.methods is None,
        ),
    )
    if options.json:
        print(json.dumps([_row_for_programs(route) for route in found], indent=2))
    else:
        print(_table([HEADINGS, *map(_row, found)]))
    return Exit.FINE


def _row(route: Route) -> tuple[str, ...]:
    methods = ",".join(sorted(method.decode() for method in route.methods or ()))
    return (
        "*" if route.host is None else route.host.decode(),
        route.path.decode(),
        methods or "*",
        route.upstream.url,
        _policy_of(route),
        route.source,
    )


def _row_for_programs(route: Route) -> dict[str, object]:
    return {
        "name": route.name,
        "host": None if route.host is None else route.host.decode(),
        "path": route.path.decode(),
        "methods": None if route.methods is None else sorted(m.decode() for m in route.methods),
        "upstream": route.upstream.url,
        "stripPrefix": route.strip_prefix,
        "policy": None if route.policy is None else _policy_of(route),
        "source": route.source,
    }


def _policy_of(route: Route) -> str:
    return "none" if route.policy is None else route.policy_name or route.policy_key


def _table(rows: Sequence[Sequence[str]]) -> str:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(_line(row, widths) for row in rows)


def _line(row: Iterable[str], widths: Iterable[int]) -> str:
    cells = zip(row, widths, strict=True)
    return "  ".join(cell.ljust(width) for cell, width in cells).rstrip()
