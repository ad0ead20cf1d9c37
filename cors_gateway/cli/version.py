"""``version``: what is running, for a report of a fault."""

import argparse
import platform
from importlib.metadata import version

from cors_gateway import __version__
from cors_gateway.cli.endings import Exit

__all__ = ["add_arguments", "run"]


def add_arguments(_parser: argparse.ArgumentParser) -> None:
    """Declare no flags."""


def run(_options: argparse.Namespace) -> int:
    """Print one line."""
    stands_on = ", ".join(f"{name} {version(name)}" for name in ("aiohttp", "uvloop", "pydantic"))
    print(f"cors-gateway {__version__} (Python {platform.python_version()}, {stands_on})")
    return Exit.FINE
