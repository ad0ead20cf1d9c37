"""How a command ends: its exit codes, and the refusal that says what to do instead."""

from enum import IntEnum

__all__ = ["Exit", "RefusedError"]


class Exit(IntEnum):
    """The exit codes."""

    FINE = 0
    INVALID = 1
    """The configuration is wrong or missing, or the answer to what was asked is no."""
    USAGE = 2
    """The command was not spelled right; argparse has the same."""
    COULD_NOT_START = 3


class RefusedError(Exception):
    """A command cannot do what was asked; the text says why and what to do about it."""

    def __init__(self, message: str, code: Exit = Exit.INVALID) -> None:
        """Refuse with a sentence for a person."""
        super().__init__(message)
        self.code = code
