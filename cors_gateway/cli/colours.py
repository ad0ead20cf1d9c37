"""Colours for a terminal: where they may stand, and the few that there are.

No colour carries a meaning that the words beside it do not.
"""

import os
from collections.abc import Mapping
from typing import Literal, TextIO

__all__ = ["Colour", "has_colours", "paint"]

Colour = Literal["bold", "red", "green", "yellow"]

CODES: Mapping[Colour, int] = {"bold": 1, "red": 31, "green": 32, "yellow": 33}


def has_colours(stream: TextIO) -> bool:
    """Say whether whoever reads a stream wants colours: a terminal, and nobody said no.

    ``NO_COLOR`` says so with any value but an empty one (no-color.org); ``TERM=dumb`` is a terminal
    that cannot.
    """
    if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return False
    return stream.isatty()


def paint(text: str, colour: Colour, *, wanted: bool) -> str:
    """Give a text its colour, or leave it as it is where none is wanted."""
    return f"\x1b[{CODES[colour]}m{text}\x1b[0m" if wanted and text else text
