"""``healthcheck``: ask a running gateway whether it is ready, and end with 0 or 1.

For containers, which start it every few seconds. Docker reserves an exit code of 2, so that a
mistake of usage ends with 1 as well.
"""

import argparse
import sys
from typing import NoReturn

from cors_gateway.cli.admin_call import (
    REMEDY,
    Answer,
    add_address,
    add_timeout,
    ask,
    find_admin,
    parse_seconds,
)
from cors_gateway.cli.endings import Exit, RefusedError

__all__ = ["add_arguments", "run"]

PATH = "/readyz"
MOST_BYTES = 16 * 1024
"""Of an answer that are looked at."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    parser.epilog = "Exit code 0: the gateway serves requests; 1: it does not, or cannot be asked."
    add_address(parser)
    parser.exit = _exit  # type: ignore[method-assign]  # a mistake of usage, too, ends with 1
    add_timeout(parser, "3")


def run(options: argparse.Namespace) -> int:
    """Ask, and say in one line what came of it."""
    seconds = parse_seconds(options.timeout)
    places = find_admin(options.admin, "do without a healthcheck")
    answer = ask(places, "GET", PATH, seconds, MOST_BYTES)
    _judge(answer)
    print(f"ok: {answer.url}")
    return Exit.FINE


def _exit(status: int = 0, message: str | None = None) -> NoReturn:
    sys.stderr.write(message or "")
    sys.exit(min(status, Exit.INVALID))


def _judge(answer: Answer) -> None:
    """Take 200 for yes.

    Raises:
        RefusedError: it is something else; the text says what.
    """
    if answer.status == 200 and answer.is_admin:
        return
    if answer.status == 200:
        # Such as an API that says yes to everything, seen through the gateway's public listener.
        raise RefusedError(f"{answer.url}: what answers is no admin listener; {REMEDY}")
    shown = answer.text.partition("\n")[0]
    if answer.status == 503:
        raise RefusedError(f"{answer.url}: {shown or 'not ready'}")
    told = f"{answer.status} {shown}".rstrip()
    raise RefusedError(f"{answer.url}: it answers {told}; {REMEDY}")
