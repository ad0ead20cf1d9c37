"""``demo``: an API without CORS, a page that calls it, and the gateway between them."""

import argparse
import asyncio
import os
import sys
from pathlib import Path

from cors_gateway.cli.endings import Exit, RefusedError
from cors_gateway.demo.running import demonstrate

__all__ = ["add_arguments", "run"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    parser.epilog = (
        "Everything is on loopback and on free ports. A configuration of your own finds the API "
        "in ${LEGACY_API_URL} and the page's origin in ${DEMO_PAGE_ORIGIN}."
    )
    parser.add_argument(
        "-c",
        "--config",
        type=Path,
        metavar="FILE",
        help="what the gateway runs (default: a file that comes with it)",
    )
    parser.add_argument(
        "--listen", metavar="ADDR", help="where the gateway listens (default: 127.0.0.1:0)"
    )


def run(options: argparse.Namespace) -> int:
    """Run the demonstration until a signal says stop."""
    if options.config is not None and not options.config.is_file():
        raise RefusedError(f"{options.config} is not there: name a file by -c FILE")
    try:
        return asyncio.run(demonstrate(options.config, options.listen))
    except BrokenPipeError:
        # Who read our output has seen enough, as in `make run | head`.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return Exit.FINE
    except OSError as error:
        text = f"the demonstration could not start: {error.strerror or error}"
        raise RefusedError(text, Exit.COULD_NOT_START) from error
