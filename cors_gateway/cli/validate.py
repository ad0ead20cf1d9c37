"""``validate``: check a configuration as a start would, and run its tests."""

import argparse
import sys
from collections.abc import Iterable

from cors_gateway.cli.arguments import add_config
from cors_gateway.cli.colours import has_colours, paint
from cors_gateway.cli.endings import Exit, RefusedError
from cors_gateway.cli.sources import SUFFIXES, load, warn
from cors_gateway.config.load import Loaded
from cors_gateway.config.problems import Problem, has_errors, render_github, render_json
from cors_gateway.explain.expectations import check_expectations

__all__ = ["add_arguments", "run"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    parser.usage = "%(prog)s [options] [FILE]"
    add_config(parser)
    parser.add_argument("file", metavar="FILE", nargs="?", help="the same as -c FILE")
    parser.add_argument("--tests", action="store_true", help="run the tests: of the configuration")
    parser.add_argument("--strict", action="store_true", help="take warnings for errors")
    parser.add_argument("--format", choices=FORMATS, default="text", help="default: text")


def run(options: argparse.Namespace) -> int:
    """Print every problem, or that there is none."""
    if options.config and options.file:
        raise RefusedError("two files are named: leave out one of them", Exit.USAGE)
    loaded = load(options.config or options.file)
    warn(loaded)
    problems: tuple[Problem, ...] = loaded.problems
    if options.tests and loaded.snapshot is not None:
        problems += check_expectations(loaded, SUFFIXES)
    print(FORMATS[options.format](problems), end="")
    is_wrong = has_errors(problems) or (options.strict and bool(problems))
    if options.format == "text":
        if is_wrong:
            print(_count(problems, strict=options.strict), file=sys.stderr)
        else:
            print(_summary(loaded, problems, tested=options.tests))
    return Exit.INVALID if is_wrong else Exit.FINE


def _summary(loaded: Loaded, problems: tuple[Problem, ...], *, tested: bool) -> str:
    """Say in one line that all is well, and how much of it there is."""
    routes = loaded.snapshot.routes if loaded.snapshot else ()
    policies = {id(route.policy): route.policy for route in routes if route.policy is not None}
    origins = sum(
        len(policy.settings.allow_origins) + len(policy.settings.allow_origin_regex)
        for policy in policies.values()
    )
    counts = [
        _number(len(routes), "route"),
        _number(len(policies), "policy", "policies"),
        _number(origins, "origin"),
    ]
    if tested:
        counts.append(f"{_number(len(loaded.expectations), 'test')} passed")
    elif loaded.expectations:
        counts.append(f"{_number(len(loaded.expectations), 'test')} not run (--tests)")
    if problems:
        counts.append(_number(len(problems), "warning"))
    ok = paint("ok", "green", wanted=has_colours(sys.stdout))
    return f"{loaded.document.name}: {ok}: {', '.join(counts)}"


def _render_text(problems: Iterable[Problem]) -> str:
    """Write a line for each problem, its place in the colour of what it is."""
    wanted = has_colours(sys.stdout)
    lines = []
    for problem in problems:
        place = str(problem.position)
        painted = paint(place, "red" if has_errors([problem]) else "yellow", wanted=wanted)
        lines.append(f"{painted}{str(problem).removeprefix(place)}\n")
    return "".join(lines)


def _count(problems: tuple[Problem, ...], *, strict: bool) -> str:
    errors = sum(has_errors([problem]) for problem in problems)
    counts = [_number(errors, "error"), _number(len(problems) - errors, "warning")]
    return f"{', '.join(counts)}{', which --strict refuses' if strict and not errors else ''}"


def _number(count: int, one: str, several: str = "") -> str:
    return f"{count} {one if count == 1 else several or one + 's'}"


FORMATS = {"text": _render_text, "json": render_json, "github": render_github}
