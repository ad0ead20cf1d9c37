"""``render``: show what a configuration amounts to, with defaults, without secrets."""

import argparse

from cors_gateway.cli.arguments import add_config, add_serving
from cors_gateway.cli.endings import Exit
from cors_gateway.cli.overrides import Flags
from cors_gateway.cli.sources import load, snapshot_of
from cors_gateway.config.render import render

__all__ = ["add_arguments", "run"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    add_config(parser)
    add_serving(parser, admin="127.0.0.1:9901")


def run(options: argparse.Namespace) -> int:
    """Print the effective configuration as YAML."""
    loaded = load(options.config, Flags(options.listen, options.workers, options.admin))
    snapshot_of(loaded)
    print(render(loaded), end="")
    return Exit.FINE
