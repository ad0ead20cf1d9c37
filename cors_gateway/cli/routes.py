"""``routes``: list the routes in the order in which they are tried."""

import argparse
import json
from collections.abc import Iterable, Sequence

from cors_gateway.cli.arguments import add_config
from cors_gateway.cli.endings import Exit
from cors_gateway.cli.sources import load, snapshot_of
from cors_gateway.explain.listing import name_policy, routes_as_data, routes_in_order
from cors_gateway.snapshot import Route

__all__ = ["add_arguments", "run"]

HEADINGS = ("HOST", "PATH", "METHODS", "UPSTREAM", "POLICY", "WRITTEN AT")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    add_config(parser)
    parser.add_argument("--json", action="store_true", help="for programs")


def run(options: argparse.Namespace) -> int:
    """Print a table, or JSON."""
    snapshot = snapshot_of(load(options.config))
    if options.json:
        print(json.dumps(routes_as_data(snapshot), indent=2))
    else:
        print(_table([HEADINGS, *map(_row, routes_in_order(snapshot))]))
    return Exit.FINE


def _row(route: Route) -> tuple[str, ...]:
    methods = ",".join(sorted(method.decode() for method in route.methods or ()))
    return (
        "*" if route.host is None else route.host.decode(),
        route.path.decode(),
        methods or "*",
        route.upstream.url,
        name_policy(route),
        route.source,
    )


def _table(rows: Sequence[Sequence[str]]) -> str:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(_line(row, widths) for row in rows)


def _line(row: Iterable[str], widths: Iterable[int]) -> str:
    cells = zip(row, widths, strict=True)
    return "  ".join(cell.ljust(width) for cell, width in cells).rstrip()
