"""``reload``: have a running gateway load its configuration again, and say what changed.

It asks the admin listener, so that it learns what came of it; the signal HUP does the same and tells
the log alone.
"""

import argparse

from cors_gateway.cli.admin_call import (
    REMEDY,
    Answer,
    LateError,
    add_address,
    add_timeout,
    ask,
    find_admin,
    parse_seconds,
)
from cors_gateway.cli.endings import Exit, RefusedError

__all__ = ["add_arguments", "run"]

PATH = "/reload"
STILL_LOADED = "it may still be loaded: see /readyz?verbose"
MOST_BYTES = 1024 * 1024
"""Of an answer: many mistakes take many lines."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    parser.epilog = (
        "Exit code 0: the gateway serves what its configuration says now; 1: it has mistakes, and what "
        "was served before is served on, or the gateway cannot be asked."
    )
    add_address(parser)
    # Where the listeners change, other workers have to start first.
    add_timeout(parser, "60")


def run(options: argparse.Namespace) -> int:
    """Ask for it, and print what changed."""
    seconds = parse_seconds(options.timeout)
    places = find_admin(options.admin, "send it the signal HUP")
    try:
        answer = ask(places, "POST", PATH, seconds, MOST_BYTES)
    except LateError as late:
        raise LateError(late.url, seconds, STILL_LOADED) from late
    _judge(answer)
    print(answer.text)
    return Exit.FINE


def _judge(answer: Answer) -> None:
    """Take 200 for done.

    Raises:
        RefusedError: it is something else; the text says what.
    """
    if not answer.is_admin:
        raise RefusedError(f"{answer.url}: what answers is no admin listener; {REMEDY}")
    if answer.status == 422:
        # What is wrong with a configuration is said as by validate: a line each, with its place.
        raise RefusedError(answer.text)
    if answer.status != 200:
        raise RefusedError(f"{answer.url}: it answers {answer.status} {answer.text}".rstrip())
