"""A value that no file gives: by whom it was given, as problems with it name its place."""

from typing import NamedTuple

from cors_gateway.config.problems import Position

__all__ = ["Given"]


class Given(NamedTuple):
    """A value, and the flag or variable that it was given by."""

    value: str
    source: str

    @property
    def position(self) -> Position:
        """Where a problem with it is."""
        return Position(self.source, is_value=True)
