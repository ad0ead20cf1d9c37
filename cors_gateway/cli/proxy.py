"""``proxy``: serve one API without a file."""

import argparse
import os
from contextlib import nullcontext

from cors_gateway.cli.arguments import add_serving
from cors_gateway.cli.variables import (
    ALLOW_CREDENTIALS,
    ALLOW_ORIGINS,
    UPSTREAM,
    workers_wanted,
)
from cors_gateway.process.recruits import NOBODY, recruit_early

__all__ = ["add_arguments", "run"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    parser.epilog = (
        f"{UPSTREAM}, {ALLOW_ORIGINS} and {ALLOW_CREDENTIALS} stand in for --to, --allow-origin "
        "and --credentials."
    )
    parser.add_argument("--to", metavar="URL", help="the API, such as http://localhost:5000")
    parser.add_argument(
        "--allow-origin",
        metavar="ORIGIN",
        action="append",
        help="whose pages may call it: https://app.example.com, https://*.example.com, "
        "http://localhost:* (repeatable)",
    )
    parser.add_argument("--credentials", action="store_true", help="pages may send cookies")
    parser.add_argument(
        "--allow-method", metavar="METHOD", action="append", help="beside GET, HEAD and POST"
    )
    parser.add_argument(
        "--allow-header",
        metavar="NAME",
        action="append",
        help="beside Content-Type and X-Requested-With",
    )
    parser.add_argument("--max-age", metavar="TIME", help="how long preflights are remembered")
    add_serving(parser, admin="off")
    parser.add_argument(
        "--print-config", action="store_true", help="print the configuration and do not serve"
    )


def run(options: argparse.Namespace) -> int:
    """Serve until a signal says stop, or print what would be served."""
    wanted = workers_wanted(options.workers, os.environ)
    with nullcontext(NOBODY) if options.print_config else recruit_early(wanted) as recruits:
        # Not before: workers load what they need while this does.
        from cors_gateway.cli.run_flags import run_flags  # noqa: PLC0415

        return run_flags(options, recruits)
