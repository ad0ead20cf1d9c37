"""``run``: serve what a configuration says."""

import argparse
import os

from cors_gateway.cli.arguments import add_config, add_serving
from cors_gateway.cli.endings import Exit, RefusedError
from cors_gateway.cli.variables import WATCH, given, workers_wanted
from cors_gateway.process.recruits import recruit_early

__all__ = ["add_arguments", "run"]

YES = frozenset({"true", "on", "yes", "1"})
NO = frozenset({"false", "off", "no", "0"})


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    parser.epilog = (
        "Every flag has a variable (CORS_GATEWAY_CONFIG, CORS_GATEWAY_LISTEN, "
        "CORS_GATEWAY_WORKERS, CORS_GATEWAY_ADMIN, CORS_GATEWAY_WATCH). Without a file: "
        "CORS_GATEWAY_UPSTREAM, CORS_GATEWAY_ALLOW_ORIGINS "
        "and CORS_GATEWAY_ALLOW_CREDENTIALS say what to serve. PORT, WEB_CONCURRENCY and "
        "FORWARDED_ALLOW_IPS count where nothing else is said."
    )
    add_config(parser)
    add_serving(parser, admin="127.0.0.1:9901")
    parser.add_argument(
        "--watch",
        action="store_true",
        help="load the configuration again whenever the content of its files changes",
    )


def run(options: argparse.Namespace) -> int:
    """Serve until a signal says stop."""
    wanted_by = _who_wants_to_watch(flag=options.watch)
    with recruit_early(workers_wanted(options.workers, os.environ)) as recruits:
        # Not before: workers load what they need while this does.
        from cors_gateway.cli.run_file import run_file  # noqa: PLC0415

        return run_file(options, wanted_by, recruits)


def _who_wants_to_watch(*, flag: bool) -> str:
    """Name the flag or the variable that says so; empty where neither does."""
    if flag:
        return "--watch"
    variable = given(os.environ, WATCH)
    if variable is None or variable.value.lower() in NO:
        return ""
    if variable.value.lower() in YES:
        return WATCH
    raise RefusedError(f"{WATCH} is true or false, not {variable.value!r}", Exit.USAGE)
