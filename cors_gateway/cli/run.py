"""``run``: serve what a configuration says."""

import argparse

from cors_gateway.cli.arguments import (
    add_config,
    add_later_flags,
    add_listen,
    add_workers,
    refuse_later_flags,
)
from cors_gateway.cli.overrides import Flags
from cors_gateway.cli.serving import serve
from cors_gateway.cli.sources import load, snapshot_of, warn

__all__ = ["SUMMARY", "add_arguments", "run"]

SUMMARY = "serve what a configuration says"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    parser.epilog = (
        "Every flag has a variable (CORS_GATEWAY_CONFIG, CORS_GATEWAY_LISTEN, "
        "CORS_GATEWAY_WORKERS). Without a file: CORS_GATEWAY_UPSTREAM, CORS_GATEWAY_ALLOW_ORIGINS "
        "and CORS_GATEWAY_ALLOW_CREDENTIALS say what to serve. PORT, WEB_CONCURRENCY and "
        "FORWARDED_ALLOW_IPS count where nothing else is said."
    )
    add_config(parser)
    add_listen(parser)
    add_workers(parser)
    add_later_flags(parser)


def run(options: argparse.Namespace) -> int:
    """Serve until a signal says stop."""
    refuse_later_flags(options)
    loaded = load(options.config, Flags(options.listen, options.workers))
    warn(loaded)
    return serve(snapshot_of(loaded))
