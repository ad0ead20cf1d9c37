"""Where the system's programs are that tests run: those that pip cannot install."""

import shutil

__all__ = ["find_program", "missing_programs", "path_of"]

ALSO_LOOKED_IN = "/usr/sbin"
"""Debian puts servers here, and leaves it out of the PATH of users."""


def find_program(name: str) -> str | None:
    """Return the path of a program, or ``None`` if it is not installed."""
    return shutil.which(name) or shutil.which(name, path=ALSO_LOOKED_IN)


def path_of(name: str) -> str:
    """Return the path of a program that a ``system`` marker has asked for."""
    path = find_program(name)
    assert path is not None, f"{name} is missing: mark the test with system({name!r})"
    return path


def missing_programs(names: tuple[str, ...]) -> list[str]:
    """Return those that are not installed."""
    return [name for name in names if find_program(name) is None]
