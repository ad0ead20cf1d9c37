"""``run``: serve what a configuration says."""

import argparse

from cors_gateway.cli.arguments import (
    add_config,
    add_later_flags,
    add_serving,
    refuse_later_flags,
)
from cors_gateway.cli.endings import RefusedError
from cors_gateway.cli.overrides import Flags
from cors_gateway.cli.serving import serve
from cors_gateway.cli.sources import find_source, load_source, warn
from cors_gateway.config.load import Loaded

__all__ = ["add_arguments", "run"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    parser.epilog = (
        "Every flag has a variable (CORS_GATEWAY_CONFIG, CORS_GATEWAY_LISTEN, "
        "CORS_GATEWAY_WORKERS, CORS_GATEWAY_ADMIN). Without a file: CORS_GATEWAY_UPSTREAM, CORS_GATEWAY_ALLOW_ORIGINS "
        "and CORS_GATEWAY_ALLOW_CREDENTIALS say what to serve. PORT, WEB_CONCURRENCY and "
        "FORWARDED_ALLOW_IPS count where nothing else is said."
    )
    add_config(parser)
    add_serving(parser, admin="127.0.0.1:9901")
    add_later_flags(parser)


def run(options: argparse.Namespace) -> int:
    """Serve until a signal says stop."""
    refuse_later_flags(options)
    flags = Flags(options.listen, options.workers, options.admin)
    source = find_source(options.config)
    loaded = load_source(source, flags)
    warn(loaded)
    return serve(loaded, lambda: _load_again(source, flags))


def _load_again(source: str | None, flags: Flags) -> Loaded:
    if source == "-":
        raise RefusedError("the configuration came from standard input, which has been read")
    return load_source(source, flags)
