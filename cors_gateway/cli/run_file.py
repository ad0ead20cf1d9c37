"""Serving what a file, standard input or the environment says, again at each reload.

This is what ``run`` does once workers are on their way: it loads all that a configuration takes.
"""

import argparse

from cors_gateway.cli.endings import Exit, RefusedError
from cors_gateway.cli.overrides import Flags
from cors_gateway.cli.serving import serve
from cors_gateway.cli.sources import files_of, find_source, load_source, warn
from cors_gateway.config.load import Loaded
from cors_gateway.process.recruits import Recruits

__all__ = ["run_file"]


def run_file(options: argparse.Namespace, wanted_by: str, recruits: Recruits) -> int:
    """Serve until a signal says stop.

    Args:
        options: the flags of ``run``.
        wanted_by: the flag or the variable that has the files watched; empty where none does.
        recruits: who may become workers.
    """
    flags = Flags(options.listen, options.workers, options.admin)
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
    watched = (lambda: source.files) if wanted_by else None
    return serve(loaded, source.load_again, watched, recruits)


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
