"""``explain``: what a browser and the gateway do with a request, and what would change it."""

import argparse
import json

from cors_gateway.cli.arguments import add_config
from cors_gateway.cli.endings import Exit, RefusedError
from cors_gateway.cli.sources import SUFFIXES, load, snapshot_of
from cors_gateway.explain.explanation import explain, home_of
from cors_gateway.explain.question import QuestionError, parse_header, parse_question
from cors_gateway.explain.remedies import find_remedy
from cors_gateway.explain.wording import as_data, render_text

__all__ = ["SUMMARY", "add_arguments", "run"]

SUMMARY = "say what becomes of a request, and what would change it"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
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
    parser.add_argument(
        "--header",
        metavar="'NAME: VALUE'",
        action="append",
        default=[],
        help="that the page sets (repeatable)",
    )
    parser.add_argument(
        "--credentials", action="store_true", help="the page says credentials: 'include'"
    )
    parser.add_argument("--json", action="store_true", help="for programs")
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
        print(render_text(explanation, remedy), end="")
    return Exit.FINE if explanation.is_readable else Exit.INVALID
