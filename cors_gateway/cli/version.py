"""``version``: what is running, for a report of a fault."""

import argparse
import platform
from importlib.metadata import version
from importlib.util import find_spec

from cors_gateway import __version__
from cors_gateway.cli.endings import Exit

__all__ = ["add_arguments", "run"]


def add_arguments(_parser: argparse.ArgumentParser) -> None:
    """Declare no flags."""


def run(_options: argparse.Namespace) -> int:
    """Print one line."""
    stands_on = ", ".join(f"{name} {version(name)}" for name in ("aiohttp", "uvloop", "pydantic"))
    form = "compiled" if _is_compiled() else "interpreted"
    print(f"cors-gateway {__version__} ({form}, Python {platform.python_version()}, {stands_on})")
    return Exit.FINE


def _is_compiled() -> bool:
    """Say whether the wheel came with compiled modules, of which this one stands for all."""
    found = find_spec("cors_gateway.plan")
    return found is not None and not str(found.origin).endswith(".py")
