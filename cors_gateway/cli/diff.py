"""``diff``: say what changes when one configuration takes the place of another."""

import argparse
import json
import sys
from collections.abc import Iterable, Sequence

from cors_gateway.cli.colours import has_colours, paint
from cors_gateway.cli.endings import Exit, RefusedError
from cors_gateway.cli.sources import load, warn
from cors_gateway.config.load import Loaded
from cors_gateway.config.problems import render_text
from cors_gateway.differences.compare import compare
from cors_gateway.differences.difference import Difference

__all__ = ["add_arguments", "run"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    parser.usage = "%(prog)s [options] OLD NEW"
    parser.add_argument("old", metavar="OLD", help="a configuration; - is standard input")
    parser.add_argument("new", metavar="NEW", help="the one that is to take its place")
    parser.add_argument(
        "--strict", action="store_true", help="end with 1 where somebody may do more than before"
    )
    parser.add_argument("--format", choices=FORMATS, default="text", help="default: text")


def run(options: argparse.Namespace) -> int:
    """Print every difference; those first by which somebody may do what nobody could before."""
    if options.old == options.new == "-":
        raise RefusedError("standard input can be one of the two only", Exit.USAGE)
    old, new = load(options.old), load(options.new)
    warn(new)
    if mistakes := _mistakes((old, new)):
        raise RefusedError(mistakes)
    differences = sorted(compare(old, new), key=lambda difference: not difference.is_wider)
    print(FORMATS[options.format](differences), end="")
    is_wider = any(difference.is_wider for difference in differences)
    return Exit.INVALID if options.strict and is_wider else Exit.FINE


def _mistakes(loaded: Iterable[Loaded]) -> str:
    """Give what is wrong with those that do not load, warnings among it."""
    return "".join(render_text(each.problems) for each in loaded if each.snapshot is None)


def _render_text(differences: Sequence[Difference]) -> str:
    wanted = has_colours(sys.stdout)
    lines = []
    for difference in differences:
        mark = paint("wider: ", "red", wanted=wanted) if difference.is_wider else ""
        place = f"{difference.source}: " if difference.source else ""
        lines.append(f"{place}{mark}{difference.text}\n")
    return f"{''.join(lines)}{_count(differences)}\n"


def _count(differences: Sequence[Difference]) -> str:
    if not differences:
        return "no difference"
    wider = sum(difference.is_wider for difference in differences)
    count = len(differences)
    return f"{count} difference{'s' if count != 1 else ''}, {wider or 'none'} of them wider"


def _render_json(differences: Sequence[Difference]) -> str:
    rows = [
        {"text": each.text, "wider": each.is_wider, "source": each.source} for each in differences
    ]
    return json.dumps(rows, indent=2, ensure_ascii=False) + "\n"


FORMATS = {"text": _render_text, "json": _render_json}
