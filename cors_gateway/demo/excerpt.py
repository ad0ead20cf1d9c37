"""The lines of a configuration that made a difference, cut from its text with their numbers.

It goes by indentation alone: the text has been loaded already, by the gateway, and what is shown is
what a person sees in an editor, with the comment lines left out.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import takewhile

__all__ = ["Line", "excerpt"]


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a file."""

    number: int
    """From 1."""
    text: str
    key: str = ""
    """Which of the keys that were asked for it belongs to; empty for what only leads there."""

    @property
    def depth(self) -> int:
        """How far it is indented."""
        return len(self.text) - len(self.text.lstrip())


def excerpt(text: str, number: int, keys: Sequence[str]) -> list[Line]:
    """Cut out the lines of some keys in a block, and the lines that lead to them.

    Args:
        text: of the whole file.
        number: of the block's first line, from 1.
        keys: which of its keys.
    """
    lines = [Line(at, line) for at, line in enumerate(text.splitlines(), 1) if _is_written(line)]
    first = next((index for index, line in enumerate(lines) if line.number == number), None)
    if first is None:
        return []
    block = list(takewhile(lambda line: line.depth >= lines[first].depth, lines[first:]))
    found = {line.number: line for line in _lines_of(block, keys)}
    return [*_above(lines[: first + 1]), *(found[at] for at in sorted(found))]


def _is_written(line: str) -> bool:
    return bool(line.strip()) and not line.lstrip().startswith("#")


def _lines_of(block: Sequence[Line], keys: Sequence[str]) -> Iterator[Line]:
    for index, line in enumerate(block):
        key = next((key for key in keys if _opens(line.text, key)), None)
        if key is not None:
            inside = takewhile(lambda other: _is_inside(other, line), block[index + 1 :])  # noqa: B023
            for part in (line, *inside):
                yield Line(part.number, part.text, key)


def _opens(text: str, key: str) -> bool:
    """Say whether a key stands in a line: at its beginning, or in braces."""
    return re.search(rf"(?:^\s*(?:- )?|[{{,]\s*){key}\s*:", text) is not None


def _is_inside(line: Line, opening: Line) -> bool:
    """Say whether a line belongs to an earlier one; items may stand as far left as their list."""
    is_item = line.text.lstrip().startswith("- ")
    return line.depth > opening.depth or (is_item and line.depth == opening.depth)


def _above(lines: Sequence[Line]) -> list[Line]:
    """Return the lines that the last one is inside of, outermost first."""
    above: list[Line] = []
    depth = lines[-1].depth
    for line in reversed(lines):
        if line.depth < depth:
            depth = line.depth
            above.insert(0, line)
    return above
