"""A mistake in the configuration, as data, and how it is worded.

A problem is a value: where it is, what is wrong, why that is wrong, and what would be right.
Sentences are made here and nowhere else, so that every mistake reads the same. This module does
not know what can be wrong.
"""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

__all__ = [
    "Path",
    "Position",
    "Problem",
    "Severity",
    "UnfitValueError",
    "has_errors",
    "quote",
    "render_github",
    "render_json",
    "render_text",
    "serialize_path",
    "sort_problems",
]

Path = tuple[str | int, ...]
"""Where a value stands in a document: keys and indices from its root."""

QUOTED_LENGTH = 100
PLAIN_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")


class Severity(StrEnum):
    """Whether a problem keeps the document from loading."""

    ERROR = "error"
    WARNING = "warning"


class Position(NamedTuple):
    """Where something was written: a place in a file, or the name of a flag or a variable."""

    source: str
    line: int = 0
    """Counted from 1; 0 where the source has no lines."""
    column: int = 0
    """Counted from 1, in characters."""
    is_value: bool = False
    """The source is a flag or a variable: its name says what is meant, as a key does in a file."""

    def __str__(self) -> str:
        return f"{self.source}:{self.line}:{self.column}" if self.line else self.source


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake."""

    severity: Severity
    path: Path
    what: str
    why: str
    fix: str
    position: Position

    def __str__(self) -> str:
        key = "" if self.position.is_value else serialize_path(self.path)
        mark = "warning: " if self.severity is Severity.WARNING else ""
        return f"{self.position}: {key + ': ' if key else ''}{mark}{self.sentence}"

    @property
    def sentence(self) -> str:
        """What, why, and the fix, in one line."""
        return ", ".join(part for part in (self.what, self.why, self.fix) if part)


class UnfitValueError(ValueError):
    """A value is not what its key asks for; the caller knows where it stands.

    ``{value}`` and ``{key}`` stand for the value and its key: whoever words the problem knows
    whether the value may be shown. Anything else derived from the value stands in double quotes.
    """

    def __init__(self, what: str, why: str = "", fix: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.why = why
        self.fix = fix


def quote(value: object) -> str:
    """Show a value in a sentence: shortened, and with nothing that could move a cursor."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        text = json.dumps(value, ensure_ascii=not value.isprintable())
    elif isinstance(value, list):
        return "a list"
    elif isinstance(value, dict):
        return "a block"
    else:
        text = str(value)
    return text if len(text) <= QUOTED_LENGTH else f"{text[: QUOTED_LENGTH - 2]}…{text[-1]}"


def serialize_path(path: Path) -> str:
    """Write a path as people do: ``routes[0].cors.allowOrigins[2]``."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        elif PLAIN_KEY.fullmatch(part):
            text += f".{part}" if text else part
        else:
            text += f"[{quote(part)}]"
    return text


def has_errors(problems: Iterable[Problem]) -> bool:
    """Say whether any of the problems keeps the document from loading."""
    return any(problem.severity is Severity.ERROR for problem in problems)


def sort_problems(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """Put problems in the order in which a reader of the file meets them, each once."""
    return tuple(
        sorted(
            dict.fromkeys(problems),
            key=lambda problem: (problem.position.line, problem.position.column),
        )
    )


def render_text(problems: Iterable[Problem]) -> str:
    """Write a line for each: ``FILE:LINE:COL: key.path: what, why, the fix``, or ``--flag: what …``."""
    return "".join(f"{problem}\n" for problem in problems)


def render_json(problems: Iterable[Problem]) -> str:
    """Write the problems as a JSON array, for programs."""
    rows = [
        {
            "severity": problem.severity.value,
            "source": problem.position.source,
            "line": problem.position.line,
            "column": problem.position.column,
            "key": serialize_path(problem.path),
            "what": problem.what,
            "why": problem.why,
            "fix": problem.fix,
        }
        for problem in problems
    ]
    return json.dumps(rows, indent=2, ensure_ascii=False) + "\n"


def render_github(problems: Iterable[Problem]) -> str:
    """Write the problems as workflow commands, which GitHub shows beside the line."""
    lines = []
    for problem in problems:
        properties = f"file={_escape_property(problem.position.source)}"
        if problem.position.line:
            properties += f",line={problem.position.line},col={problem.position.column}"
        if problem.path:
            properties += f",title={_escape_property(serialize_path(problem.path))}"
        lines.append(f"::{problem.severity.value} {properties}::{_escape(problem.sentence)}\n")
    return "".join(lines)


def _escape(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _escape_property(text: str) -> str:
    return _escape(text).replace(":", "%3A").replace(",", "%2C")
