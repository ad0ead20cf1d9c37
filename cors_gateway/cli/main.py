"""``cors-gateway``: the command, its verbs and its exit codes.

A mistake of the person who called it never shows as a traceback: it is one sentence on standard
error, with what to do about it. Only the module of the verb that was asked for is loaded.
"""

import argparse
import os
import re
import signal
import sys
from collections.abc import Iterable, Sequence
from importlib import import_module
from textwrap import fill, wrap
from typing import NoReturn

from cors_gateway import __version__
from cors_gateway.cli.endings import Exit, RefusedError
from cors_gateway.cli.verbs import MEANT, MEANT_FLAGS, QUICK, VERBS

__all__ = ["main"]

PROGRAM = "cors-gateway"

SERVING = frozenset({"run", "proxy"})

INTERRUPTED = 130
"""What shells have for SIGINT."""

HELP = f"""\
usage: {PROGRAM} COMMAND [options]

Stands in front of an API and gives browsers the CORS they need.
{{verbs}}

example:
  {QUICK}

{PROGRAM} COMMAND --help says more, {PROGRAM} --version which one this is.
Exit codes: 0 fine, 1 invalid or refused, 2 usage, 3 could not start.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return its exit code.

    Args:
        arguments: without the program's name; those of the process by default.
    """
    _fill_descriptors()
    _prepare_streams()
    if os.getpid() == 1:
        _let_signals_end_us()
    try:
        code = _run(list(sys.argv[1:] if arguments is None else arguments))
    except RefusedError as refusal:
        _say(str(refusal))
        code = refusal.code
    except BrokenPipeError:
        code = Exit.INVALID
    except OSError as error:
        _say(error.strerror or str(error))
        code = Exit.INVALID
    except ModuleNotFoundError as error:
        if str(error.name).startswith("cors_gateway"):
            raise
        # Only here is it worth its import.
        from cors_gateway.process.lacking import describe_lacking  # noqa: PLC0415

        _say(describe_lacking(error))
        code = Exit.COULD_NOT_START
    except KeyboardInterrupt:
        code = INTERRUPTED
    return code if _flush() else code or Exit.INVALID


def _run(words: list[str]) -> int:
    """Find the verb, and run it."""
    if words[:1] == ["help"]:
        words = [*words[1:2], "--help"]
    match words:
        case []:
            sys.stderr.write(_help())
            return Exit.USAGE
        case ["-h" | "--help", *_]:
            print(_help(), end="")
            return Exit.FINE
        case ["--version", *_]:
            print(f"{PROGRAM} {__version__}")
            return Exit.FINE
        case [name, *rest] if name in VERBS:
            return _run_verb(name, rest)
    raise RefusedError(f"{_unknown(words[0])} See {PROGRAM} --help", Exit.USAGE)


def _run_verb(name: str, words: list[str]) -> int:
    if name in SERVING:
        # It means "load again". Until somebody can, it must not mean "end", which it does by itself.
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
    module = import_module(f"cors_gateway.cli.{name}")
    summary = VERBS[name].summary
    parser = _Parser(
        prog=f"{PROGRAM} {name}",
        usage="%(prog)s [options]",
        description=f"{summary[0].upper()}{summary[1:]}.",
        formatter_class=_Formatter,
        allow_abbrev=False,
    )
    module.add_arguments(parser)
    parser.epilog = f"{parser.epilog or ''}\n\nexample:\n  {VERBS[name].example}"
    options, surplus = parser.parse_known_args(words)
    if surplus:
        parser.refuse(surplus)
    code: int = module.run(options)
    return code


class _Formatter(argparse.HelpFormatter):
    """Fills paragraphs, without breaking names; what is set apart by indentation stays as it is."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, max_help_position=27)

    def _split_lines(self, text: str, width: int) -> list[str]:
        return wrap(" ".join(text.split()), width, break_on_hyphens=False)

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        return "\n\n".join(
            paragraph
            if "\n  " in paragraph
            else fill(paragraph, width, initial_indent=indent, break_on_hyphens=False)
            for paragraph in text.strip().split("\n\n")
        )


class _Parser(argparse.ArgumentParser):
    """Names the remedy beside a mistake of usage."""

    def error(self, message: str) -> NoReturn:
        see = " See" if message.endswith("?") else "; see"
        self.exit(Exit.USAGE, f"{self.prog}: {message}{see} {self.prog} --help\n")

    def refuse(self, surplus: Sequence[str]) -> NoReturn:
        """Say what was probably meant by words that nothing takes."""
        rows = re.findall(r"^  -.*?(?:  |$)", self.format_help(), re.MULTILINE)
        flags = re.findall(r"--?[a-z-]+", " ".join(rows))
        word = next((word for word in surplus if word.startswith("-")), surplus[0])
        flag, _, value = word.partition("=")
        if flag.startswith("-"):
            meant = MEANT_FLAGS.get(flag.lower())
            near = meant if meant in flags else _nearest(flag, flags)
            if flag == "--port" and near == "--listen":
                values = [value, *surplus[surplus.index(word) + 1 :]]
                near += f" :{next(filter(str.isdecimal, values), 8080)}"
            self.error(f"there is no {flag}{f', did you mean {near}?' if near else ''}")
        if "-c" in flags:
            self.error(f"nothing takes {word!r}, did you mean -c {word}?")
        self.error(f"nothing takes {word!r}")


def _help() -> str:
    width = max(map(len, VERBS))
    verbs = (f"  {name:{width}}  {verb.summary}" for name, verb in VERBS.items())
    return HELP.format(verbs="\n".join(verbs))


def _unknown(word: str) -> str:
    """Say what was probably meant by a word that is no verb."""
    if word.startswith("-"):
        return f"{word} is not known here, the command comes first, as in {PROGRAM} run {word}."
    meant = MEANT.get(word.lower()) or _nearest(word.lower(), VERBS)
    if meant:
        return f"there is no command {word!r}, did you mean {meant}?"
    return f"there is no command {word!r}, the commands are {', '.join(VERBS)}."


def _nearest(word: str, words: Iterable[str]) -> str | None:
    # Only here is it worth its import.
    from difflib import get_close_matches  # noqa: PLC0415

    return next(iter(get_close_matches(word, list(words), 1)), None)


def _say(text: str) -> None:
    """Print a refusal; problems of a file name it themselves, line by line."""
    print(text.rstrip("\n") if text.endswith("\n") else f"{PROGRAM}: {text}", file=sys.stderr)


def _let_signals_end_us() -> None:
    """Have TERM end a container also before anything is served.

    The kernel lets process 1 ignore what it has no handler for; ``docker stop`` would wait 10 s.
    """

    def end(*_: object) -> NoReturn:
        raise SystemExit(Exit.FINE)

    for number in (signal.SIGTERM, signal.SIGQUIT):
        signal.signal(number, end)


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


def _fill_descriptors() -> None:
    """Put something where standard input, output or error is closed, also for child processes.

    Or the next thing that is opened has its number, and is written to.
    """
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= 2:
        os.set_inheritable(descriptor, True)  # noqa: FBT003 - the signature of the system's
    os.close(descriptor)


def _prepare_streams() -> None:
    """Have somewhere to print, whatever the environment: no encoding error, no missing stream."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: PTH123, SIM115
        elif hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
