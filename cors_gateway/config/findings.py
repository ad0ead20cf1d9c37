"""The problems of one document, gathered from every stage of loading it.

A stage says what is wrong at which path; here that becomes a sentence at a position. A value that
came from the environment or a file is never shown: its expression stands in its place. A value
that was refused is taken out before the next stage, so that one mistake neither hides another nor
is reported twice. This module does not know what can be wrong.
"""

import re
from collections.abc import Iterable, Mapping

from cors_gateway.config.flaws import REFUSED_BY_CLIENTS, Flaw
from cors_gateway.config.nodes import Document, Scalar, Value, find_node
from cors_gateway.config.problems import (
    Path,
    Problem,
    Severity,
    UnfitValueError,
    has_errors,
    quote,
    serialize_path,
    sort_problems,
)
from cors_gateway.config.substitution import Filling

__all__ = ["Findings"]

# Everything that is derived from a value stands in double quotes: see UnfitValueError.
DERIVED = re.compile(r'"[^"]*"')
# Shorter texts occur by accident: replacing them everywhere would garble the sentences.
SHORTEST_SECRET = 4
LONGEST_SENTENCE = 500


class Findings:
    """What was found so far, and what is left of the document."""

    def __init__(self, document: Document, filling: Filling) -> None:
        self.document = document
        self._filling = filling
        self._problems = [*document.problems, *filling.problems]
        self._removed: set[Path] = set()
        self._around_removed: set[Path] = set()
        self._kept: dict[Path, list[int]] = {}
        self._foreign = {
            text: known.expression
            for known in filling.filled.values()
            for text in known.values
            if len(text) >= SHORTEST_SECRET
        }
        for path in (*document.broken, *filling.failed):
            self.remove(path)

    def problems(self) -> tuple[Problem, ...]:
        """All problems, in the order of the file."""
        return sort_problems(self._problems)

    def has_errors(self) -> bool:
        """Say whether the document must not be used."""
        return has_errors(self._problems)

    def error(
        self, path: Path, what: str, why: str = "", fix: str = "", *, at_key: bool = False
    ) -> None:
        """Add a mistake at ``path``, given as in the document without what was removed."""
        self._add(Severity.ERROR, path, (what, why, fix), at_key=at_key)

    def warning(
        self, path: Path, what: str, why: str = "", fix: str = "", *, at_key: bool = False
    ) -> None:
        """Add something that loads and probably is not what was meant."""
        self._add(Severity.WARNING, path, (what, why, fix), at_key=at_key)

    def refuse(self, path: Path, problem: UnfitValueError, *, at_key: bool = False) -> None:
        """Add the mistake that a ``parse_`` or ``check_`` function found."""
        self.error(path, problem.what, problem.why, problem.fix, at_key=at_key)

    def report_flaws(
        self,
        flaws: Iterable[Flaw],
        places: Mapping[str, Path],
        consequence: str = REFUSED_BY_CLIENTS,
    ) -> None:
        """Put what is wrong with named files where they are named.

        Args:
            flaws: what a ``Reader`` found.
            places: where each role's file is named.
            consequence: what comes of a certificate that is not valid at the time.
        """
        for flaw in flaws:
            add = self.warning if flaw.is_warning else self.error
            add(places[flaw.role], flaw.what, flaw.why, flaw.remedy(consequence))

    def remove(self, path: Path) -> None:
        """Take the value at ``path`` out of what is left; ``path`` as in the whole document."""
        path = self._written(path)
        self._removed.add(path)
        for length in range(len(path)):
            self._around_removed.add(path[:length])

    def is_touched(self, path: Path) -> bool:
        """Say whether something at, above or below ``path`` was removed."""
        path = self.original(path)
        return path in self._around_removed or self._is_removed(path)

    def original(self, path: Path) -> Path:
        """Translate a path of what is left into one of the whole document."""
        if not self._kept:
            return path
        whole: Path = ()
        for part in path:
            kept = self._kept.get(whole)
            index = kept[part] if kept is not None and isinstance(part, int) else part
            whole = (*whole, index)
        return whole

    def key(self, path: Path) -> str:
        """Write a path as people do; it is given as in what is left."""
        return serialize_path(self.original(path))

    def line(self, path: Path) -> str:
        """Say in which line something stands: ``FILE:LINE``."""
        position = self.document.position(self.original(path))
        return f"{position.source}:{position.line}" if position.line else position.source

    def filled_text(self, path: Path) -> str | None:
        """Give the document's own text of a value that holds something from outside."""
        known = self._filling.filled.get(self._written(self.original(path)))
        return None if known is None else known.text

    def remaining(self) -> Value:
        """The document's value without what was removed."""
        self._kept = {}
        return self._without_removed(self._filling.value, ())

    def _without_removed(self, value: Value, path: Path) -> Value:
        if path in self._around_removed and isinstance(value, dict):
            return {
                key: self._without_removed(item, inner)
                for key, item in value.items()
                if (inner := (*path, key)) not in self._removed
            }
        if path in self._around_removed and isinstance(value, list):
            kept = [index for index in range(len(value)) if (*path, index) not in self._removed]
            self._kept[path] = kept
            return [self._without_removed(value[index], (*path, index)) for index in kept]
        return value

    def _is_removed(self, path: Path) -> bool:
        return bool(self._removed) and any(
            path[:length] in self._removed for length in range(1, len(path) + 1)
        )

    def _add(
        self, severity: Severity, path: Path, sentence: tuple[str, str, str], *, at_key: bool
    ) -> None:
        path = self.original(path)
        if self._is_removed(path):
            return
        path = self._written(path)
        position = self.document.position(path, at_key=at_key)
        what, why, fix = (self._worded(text, path) for text in sentence)
        if path in self._filling.filled and fix != sentence[2]:
            fix = "correct it where it is set"
        self._problems.append(Problem(severity, path, what, why, fix, position))

    def _written(self, path: Path) -> Path:
        """Cut a path where the document has the short form: ``upstream: URL`` for its ``url``."""
        _, node, rest = find_node(self.document.root, path)
        return path[: len(path) - len(rest)] if isinstance(node, Scalar) else path

    def _worded(self, text: str, path: Path) -> str:
        known = self._filling.filled.get(path)
        if known is not None:
            for value in sorted(filter(None, known.values), key=len, reverse=True):
                text = text.replace(value, known.expression)
            text = DERIVED.sub(lambda _: known.expression, text)
            if any(_reveals(text, value) for value in known.values):
                text = f"{known.expression} is refused here"
        for value, expression in self._foreign.items():
            text = text.replace(value, expression)
        text = text.replace("{key}", _last_key(path))
        if "{value}" in text:
            text = text.replace("{value}", self._shown(path))
        if len(text) > LONGEST_SENTENCE:
            text = f"{text[:LONGEST_SENTENCE]}…"
        return text if text.isprintable() else ascii(text)[1:-1]

    def _shown(self, path: Path) -> str:
        known = self._filling.filled.get(path)
        if known is not None:
            return known.expression
        # Keys of other services stand there, even written out.
        return "the value" if path[-3:-1] == ("headers", "set") else quote(self._value(path))

    def _value(self, path: Path) -> object:
        value: object = self._filling.value
        for part in path:
            if isinstance(value, dict) and isinstance(part, str):
                value = value.get(part)
            elif isinstance(value, list) and isinstance(part, int) and part < len(value):
                value = value[part]
            else:
                return value
        return value


def _last_key(path: Path) -> str:
    return next((part for part in reversed(path) if isinstance(part, str)), "the configuration")


def _reveals(text: str, value: str) -> bool:
    """Say whether a sentence holds a piece of a value."""
    text = text.lower()
    return any(piece in text for piece in re.findall(r"\w{4,}", value.lower()))
