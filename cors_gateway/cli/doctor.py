"""``doctor``: ask an API what it says to browsers, name what is wrong with that, and propose a route."""

import argparse
import json
import sys

from cors_gateway.cli.arguments import add_call
from cors_gateway.cli.colours import Colour, has_colours, paint
from cors_gateway.cli.endings import Exit, RefusedError
from cors_gateway.cli.sources import SUFFIXES
from cors_gateway.doctor.case import Exchange, Probe
from cors_gateway.doctor.examination import examine
from cors_gateway.doctor.opening import ASSUMED_PAGE, MOST_PAGES, open_case
from cors_gateway.doctor.probes import MOST_REQUESTS
from cors_gateway.doctor.report import (
    as_data,
    tell_answer,
    tell_begin,
    tell_end,
    tell_probe,
    tell_verdict,
)
from cors_gateway.explain.question import QuestionError, parse_header

__all__ = ["add_arguments", "run"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    parser.usage = "%(prog)s [options] URL"
    parser.epilog = (
        f"Sends {MOST_REQUESTS} requests at most, one after the other, and says each before: GET or "
        "HEAD, and OPTIONS as a browser asks; some from origins that are nobody's. Exit code 0: "
        "pages of that origin can call it, and nothing dangerous was seen; 1: it says what is "
        "wrong, or that there is no answer."
    )
    parser.add_argument(
        "--origin",
        metavar="ORIGIN",
        action="append",
        default=[],
        help=f"whose page calls it; repeatable, {MOST_PAGES} at most (default: {ASSUMED_PAGE})",
    )
    parser.add_argument(
        "--method",
        metavar="METHOD",
        help="that the page uses; others than GET and HEAD are asked for and never sent (default: "
        "POST of JSON, or GET where a header is given)",
    )
    add_call(parser)
    parser.add_argument("url", metavar="URL", help="of something in the API that can be read")


def run(options: argparse.Namespace) -> int:
    """Examine, and tell."""
    try:
        case = open_case(
            options.url,
            options.origin,
            SUFFIXES.is_public_suffix,
            method=options.method,
            headers=[parse_header(text) for text in options.header],
            credentials=options.credentials,
        )
    except QuestionError as error:
        raise RefusedError(str(error), Exit.USAGE) from error
    # What is sent is also told where a program reads the rest.
    course = sys.stderr if options.json else sys.stdout
    print(tell_begin(case), file=course, flush=True)

    def before(probe: Probe) -> None:
        print(tell_probe(probe), file=course, flush=True)

    def after(exchange: Exchange) -> None:
        print(tell_answer(exchange), file=course, flush=True)

    examination = examine(case, SUFFIXES.is_public_suffix, before=before, after=after)
    verdict = tell_verdict(examination)
    if options.json:
        print(json.dumps(as_data(examination), indent=2))
    else:
        colour: Colour = "green" if examination.is_fine else "red"
        print("\n" + paint(verdict, colour, wanted=has_colours(sys.stdout)))
        print(tell_end(examination), end="")
    return Exit.FINE if examination.is_fine else Exit.INVALID
