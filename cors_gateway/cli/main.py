"""``cors-gateway``: the command, its verbs and its exit codes.

A mistake of the person who called it never shows as a traceback: it is one sentence on standard
error, with what to do about it.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from types import ModuleType
from typing import NoReturn

from cors_gateway import __version__
from cors_gateway.cli import explain, proxy, render, routes, run, schema, validate, version
from cors_gateway.cli.endings import Exit, RefusedError

__all__ = ["main"]

VERBS: dict[str, ModuleType] = {
    "run": run,
    "proxy": proxy,
    "validate": validate,
    "explain": explain,
    "render": render,
    "schema": schema,
    "routes": routes,
    "version": version,
}

INTERRUPTED = 130
"""What shells have for SIGINT."""

EXAMPLE = """\
example:
  cors-gateway proxy --to http://localhost:5000 --allow-origin https://app.example.com

exit codes: 0 fine, 1 invalid or refused, 2 usage, 3 could not start
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return its exit code.

    Args:
        arguments: without the program's name; those of the process by default.
    """
    _prepare_streams()
    options = _parser().parse_args(arguments)
    try:
        code: int = options.verb(options)
    except RefusedError as refusal:
        _say(str(refusal))
        code = refusal.code
    except BrokenPipeError:
        code = Exit.INVALID
    except OSError as error:
        _say(error.strerror or str(error))
        code = Exit.INVALID
    except KeyboardInterrupt:
        code = INTERRUPTED
    return code if _flush() else code or Exit.INVALID


class _Parser(argparse.ArgumentParser):
    """Names the remedy beside a mistake of usage."""

    def error(self, message: str) -> NoReturn:
        self.exit(Exit.USAGE, f"{self.prog}: {message}; see {self.prog} --help\n")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="cors-gateway",
        description="Stands in front of an API and gives browsers the CORS they need.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"cors-gateway {__version__}")
    verbs = parser.add_subparsers(
        title="commands", metavar="COMMAND", required=True, prog="cors-gateway"
    )
    for name, module in VERBS.items():
        verb = verbs.add_parser(
            name, help=module.SUMMARY, description=module.SUMMARY + ".", allow_abbrev=False
        )
        verb.set_defaults(verb=module.run)
        module.add_arguments(verb)
    return parser


def _say(text: str) -> None:
    """Print a refusal; problems of a file name it themselves, line by line."""
    print(text.rstrip("\n") if text.endswith("\n") else f"cors-gateway: {text}", file=sys.stderr)


def _flush() -> bool:
    """Write what is still buffered; say whether all of it went out or was not wanted any more."""
    try:
        sys.stdout.flush()
    except OSError as error:
        # Or the interpreter would try once more at its end, and complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if not isinstance(error, BrokenPipeError):
            _say(f"cannot write: {error.strerror}")
            return False
    return True


def _prepare_streams() -> None:
    """Have somewhere to print, whatever the environment: no encoding error, no missing stream."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: PTH123, SIM115
        elif hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
