"""Flags that several verbs share."""

import argparse
import os

from cors_gateway.cli.endings import Exit, RefusedError
from cors_gateway.cli.variables import ADMIN, WATCH, given

__all__ = ["add_config", "add_later_flags", "add_listen", "add_workers", "refuse_later_flags"]


def add_config(parser: argparse.ArgumentParser) -> None:
    """Declare ``-c FILE``."""
    parser.add_argument(
        "-c",
        "--config",
        metavar="FILE",
        help="the configuration; - is standard input (default: cors-gateway.yaml, "
        "config/gateway.yaml, /etc/cors-gateway/gateway.yaml)",
    )


def add_listen(parser: argparse.ArgumentParser) -> None:
    """Declare ``--listen ADDR``."""
    parser.add_argument(
        "--listen",
        metavar="ADDR",
        help="host:port, :port, [::]:port or unix:/path; several with commas between",
    )


def add_workers(parser: argparse.ArgumentParser) -> None:
    """Declare ``--workers N``."""
    parser.add_argument("--workers", metavar="N", help="processes: 1 or auto, which is one")


def add_later_flags(parser: argparse.ArgumentParser) -> None:
    """Take the flags of ``run`` that are agreed and not built, so that they can be refused."""
    parser.add_argument("--watch", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--admin", metavar="ADDR", help=argparse.SUPPRESS)


def refuse_later_flags(options: argparse.Namespace) -> None:
    """Refuse what is agreed and not built, rather than to pass over it.

    Raises:
        RefusedError: naming the flag or the variable.
    """
    watch, admin = given(os.environ, WATCH), given(os.environ, ADMIN)
    if options.watch:
        raise _not_yet("--watch", "restart the gateway after a change")
    if watch and watch.value.lower() not in {"0", "false", "no", "off"}:
        raise _not_yet(WATCH, "unset it, and restart the gateway after a change")
    if options.admin and options.admin != "off":
        raise _not_yet("--admin", "leave it out, or write --admin off")
    if admin and admin.value != "off" and not options.admin:
        raise _not_yet(ADMIN, "unset it, or set it to off")


def _not_yet(name: str, remedy: str) -> RefusedError:
    return RefusedError(f"{name} is not supported yet: {remedy}", Exit.USAGE)
