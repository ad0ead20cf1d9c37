"""``schema``: print the JSON Schema of a configuration, for editors."""

import argparse
import json

from cors_gateway.cli.endings import Exit
from cors_gateway.config.json_schema import json_schema

__all__ = ["add_arguments", "run"]


def add_arguments(_parser: argparse.ArgumentParser) -> None:
    """Declare no flags."""


def run(_options: argparse.Namespace) -> int:
    """Print the schema."""
    print(json.dumps(json_schema(), indent=2, ensure_ascii=False))
    return Exit.FINE
