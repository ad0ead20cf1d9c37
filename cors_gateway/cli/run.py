"""``run``: serve what a configuration says."""

import argparse
import os

from cors_gateway.cli.arguments import add_config, add_serving
from cors_gateway.cli.endings import Exit, RefusedError
from cors_gateway.cli.overrides import Flags
from cors_gateway.cli.serving import serve
from cors_gateway.cli.sources import files_of, find_source, load_source, warn
from cors_gateway.cli.variables import WATCH, given
from cors_gateway.config.load import Loaded

__all__ = ["add_arguments", "run"]

YES = frozenset({"true", "on", "yes", "1"})
NO = frozenset({"false", "off", "no", "0"})


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    parser.epilog = (
        "Every flag has a variable (CORS_GATEWAY_CONFIG, CORS_GATEWAY_LISTEN, "
        "CORS_GATEWAY_WORKERS, CORS_GATEWAY_ADMIN, CORS_GATEWAY_WATCH). Without a file: "
        "CORS_GATEWAY_UPSTREAM, CORS_GATEWAY_ALLOW_ORIGINS "
        "and CORS_GATEWAY_ALLOW_CREDENTIALS say what to serve. PORT, WEB_CONCURRENCY and "
        "FORWARDED_ALLOW_IPS count where nothing else is said."
    )
    add_config(parser)
    add_serving(parser, admin="127.0.0.1:9901")
    parser.add_argument(
        "--watch",
        action="store_true",
        help="load the configuration again whenever the content of its files changes",
    )


def run(options: argparse.Namespace) -> int:
    """Serve until a signal says stop."""
    flags = Flags(options.listen, options.workers, options.admin)
    wanted_by = _who_wants_to_watch(flag=options.watch)
    source = _Source(find_source(options.config), flags)
    if wanted_by and source.name in {None, "-"}:
        where = "the environment" if source.name is None else "standard input"
        remedy = "leave it out" if wanted_by.startswith("-") else "unset it"
        raise RefusedError(
            f"{wanted_by}: the configuration comes from {where}, which cannot change, so there "
            f"is nothing to watch: {remedy}, or name a file with -c FILE",
            Exit.USAGE,
        )
    loaded = source.load()
    warn(loaded)
    return serve(loaded, source.load_again, (lambda: source.files) if wanted_by else None)


def _who_wants_to_watch(*, flag: bool) -> str:
    """Name the flag or the variable that says so; empty where neither does."""
    if flag:
        return "--watch"
    variable = given(os.environ, WATCH)
    if variable is None or variable.value.lower() in NO:
        return ""
    if variable.value.lower() in YES:
        return WATCH
    raise RefusedError(f"{WATCH} is true or false, not {variable.value!r}", Exit.USAGE)


class _Source:
    """What is served comes from here, also when it is loaded again."""

    def __init__(self, name: str | None, flags: Flags) -> None:
        self.name = name
        """A file's, ``-`` for standard input, ``None`` for the environment."""
        self.files: frozenset[str] = frozenset()
        """What its content depends on, as far as the last time told."""
        self._flags = flags

    def load(self) -> Loaded:
        """Load it.

        Raises:
            RefusedError: it cannot be read, or says too little.
        """
        loaded = load_source(self.name, self._flags)
        # One that has mistakes may not tell of every file.
        before = self.files if loaded.snapshot is None else frozenset()
        self.files = before | files_of(loaded)
        return loaded

    def load_again(self) -> Loaded:
        """Load it as often as one likes.

        Raises:
            RefusedError: it cannot be read, not again, or says too little.
        """
        if self.name == "-":
            raise RefusedError("the configuration came from standard input, which has been read")
        return self.load()
