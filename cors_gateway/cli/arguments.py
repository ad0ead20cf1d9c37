"""Flags that several verbs share."""

import argparse

__all__ = ["add_call", "add_config", "add_serving"]


def add_call(parser: argparse.ArgumentParser) -> None:
    """Declare what a page sends beside its method, and ``--json`` for what is said of it."""
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


def add_config(parser: argparse.ArgumentParser) -> None:
    """Declare ``-c FILE``."""
    parser.add_argument(
        "-c",
        "--config",
        metavar="FILE",
        help="the configuration; - is standard input (default: cors-gateway.yaml, "
        "config/gateway.yaml, /etc/cors-gateway/gateway.yaml)",
    )


def add_serving(parser: argparse.ArgumentParser, *, admin: str) -> None:
    """Declare how to serve: ``--listen``, ``--workers``, ``--admin`` with the default ``admin``."""
    parser.add_argument(
        "--listen",
        metavar="ADDR",
        help="host:port, :port, [::]:port or unix:/path; several with commas between "
        "(default: 0.0.0.0:8080, every IPv4 address; 127.0.0.1:8080 is this machine only)",
    )
    parser.add_argument(
        "--workers",
        metavar="N",
        help="processes; auto is the container's CPU quota, or one per CPU, 4 at most",
    )
    parser.add_argument(
        "--admin",
        metavar="ADDR|on|off",
        help=f"where health, metrics and explanations are (default: {admin})",
    )
