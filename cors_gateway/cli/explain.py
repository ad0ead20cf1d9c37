"""``explain``: what a browser and the gateway do with a request, and what would change it."""

import argparse
import json
import sys

from cors_gateway.cli.arguments import add_call, add_config
from cors_gateway.cli.colours import Colour, has_colours, paint
from cors_gateway.cli.endings import Exit, RefusedError
from cors_gateway.cli.sources import SUFFIXES, load, snapshot_of
from cors_gateway.explain.explanation import Explanation, explain, home_of
from cors_gateway.explain.question import QuestionError, parse_header, parse_question
from cors_gateway.explain.remedies import find_remedy
from cors_gateway.explain.wording import as_data, render_text, tell_verdict

__all__ = ["add_arguments", "run"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    parser.usage = "%(prog)s [options] URL-or-path"
    parser.epilog = (
        "Exit code 0: the browser lets the page read the answer, or its WebSocket comes about; 1: "
        "neither. Nothing is sent; the API is taken to answer 200 without CORS headers, and to "
        "accept a WebSocket."
    )
    add_config(parser)
    parser.add_argument(
        "--origin", metavar="ORIGIN", help="whose page calls; without it: no browser, as with curl"
    )
    parser.add_argument("--method", metavar="METHOD", default="GET", help="default: GET")
    add_call(parser)
    parser.add_argument(
        "url", metavar="URL-or-path", help="what it calls; ws://… and wss://… are WebSockets"
    )


def run(options: argparse.Namespace) -> int:
    """Print the explanation."""
    loaded = load(options.config)
    snapshot = snapshot_of(loaded)
    try:
        question = parse_question(
            options.url,
            origin=options.origin,
            method=options.method,
            headers=[parse_header(text) for text in options.header],
            credentials=options.credentials,
            home=home_of(snapshot),
        )
        explanation = explain(snapshot, question, SUFFIXES.is_public_suffix)
        remedy = find_remedy(loaded, explanation, SUFFIXES)
    except QuestionError as error:
        raise RefusedError(str(error), Exit.USAGE) from error
    if options.json:
        print(json.dumps(as_data(explanation, remedy), indent=2))
    else:
        print(_paint(render_text(explanation, remedy), explanation), end="")
    return Exit.FINE if explanation.is_readable else Exit.INVALID


def _paint(text: str, explanation: Explanation) -> str:
    """Let the verdict stand out on a terminal."""
    verdict = tell_verdict(explanation)
    colour: Colour = "green" if explanation.is_readable else "red"
    return text.replace(verdict, paint(verdict, colour, wanted=has_colours(sys.stdout)))
