"""One difference between two configurations.

This module knows neither a log nor a terminal.
"""

from dataclasses import dataclass

__all__ = ["Difference"]


@dataclass(frozen=True, slots=True)
class Difference:
    """Something that the new configuration does in another way than the old."""

    text: str
    """One line, without the values of secrets."""
    is_wider: bool
    """Whether somebody may now do what nobody could before."""
    source: str = ""
    """``FILE:LINE`` of where it stands; empty where it has no line."""
