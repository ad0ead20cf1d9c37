"""What has been counted: numbers by metric and by the values of its labels, ready to be added up.

A worker gives one of itself, the supervisor adds those of all of them. Adding knows no order and no
grouping. Counters and histograms outlive the worker that counted them, gauges do not.

What the names mean is in ``metrics``. This module counts nothing.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Self, TypeVar

from cors_gateway.process.metrics import DURATIONS

__all__ = ["Durations", "Labels", "Numbers", "Tally"]

Labels = tuple[str, ...]
"""The values of a metric's labels, in the order of the table."""

Numbers = dict[str, dict[Labels, float]]
"""By metric, then by labels."""

_T = TypeVar("_T")


@dataclass(slots=True)
class Durations:
    """How many durations fell into which bucket, and how long they were together."""

    counts: list[int] = field(default_factory=lambda: [0] * (len(DURATIONS) + 1))
    """By bucket, each for itself; the last is for what is longer than every bound."""
    total: float = 0.0
    """Seconds."""

    def add(self, other: "Durations") -> None:
        """Take over what ``other`` has counted."""
        self.counts = [a + b for a, b in zip(self.counts, other.counts, strict=True)]
        self.total += other.total

    @property
    def count(self) -> int:
        """How many there were."""
        return sum(self.counts)


@dataclass(slots=True)
class Tally:
    """Numbers of one worker, or of several together."""

    counters: Numbers = field(default_factory=dict)
    gauges: Numbers = field(default_factory=dict)
    histograms: dict[str, dict[Labels, Durations]] = field(default_factory=dict)

    def count(self, name: str, labels: Labels = (), number: float = 1) -> None:
        """Add to a counter."""
        _add_number(self.counters, name, labels, number)

    def measure(self, name: str, labels: Labels = (), number: float = 1) -> None:
        """Add to a gauge."""
        _add_number(self.gauges, name, labels, number)

    def time(self, name: str, labels: Labels, durations: Durations) -> None:
        """Add to a histogram."""
        self.histograms.setdefault(name, {}).setdefault(labels, Durations()).add(durations)

    def add(self, other: "Tally") -> None:
        """Take over what another has counted."""
        for mine, theirs in ((self.counters, other.counters), (self.gauges, other.gauges)):
            for name, labels, number in _each(theirs):
                _add_number(mine, name, labels, number)
        for name, labels, durations in _each(other.histograms):
            self.time(name, labels, durations)

    def without_gauges(self) -> "Tally":
        """Give what outlives a worker."""
        left = Tally()
        left.add(Tally(self.counters, {}, self.histograms))
        return left

    def as_data(self) -> dict[str, Any]:
        """Give what JSON can hold; ``from_data`` reads it."""
        return {
            "counters": _pairs(self.counters),
            "gauges": _pairs(self.gauges),
            "histograms": {
                name: [
                    [list(labels), each.counts, each.total] for labels, each in by_labels.items()
                ]
                for name, by_labels in self.histograms.items()
            },
        }

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> Self:
        """Read what ``as_data`` gave.

        Raises:
            KeyError, TypeError, ValueError: it is something else.
        """
        return cls(
            _numbers(data["counters"]),
            _numbers(data["gauges"]),
            {
                name: {
                    tuple(labels): Durations(list(counts), total)
                    for labels, counts, total in entries
                }
                for name, entries in data["histograms"].items()
            },
        )


def _add_number(numbers: Numbers, name: str, labels: Labels, number: float) -> None:
    by_labels = numbers.setdefault(name, {})
    by_labels[labels] = by_labels.get(labels, 0) + number


def _each(named: Mapping[str, Mapping[Labels, _T]]) -> Iterable[tuple[str, Labels, _T]]:
    for name, by_labels in named.items():
        for labels, value in by_labels.items():
            yield name, labels, value


def _pairs(numbers: Numbers) -> dict[str, list[Any]]:
    return {
        name: [[list(labels), number] for labels, number in by_labels.items()]
        for name, by_labels in numbers.items()
    }


def _numbers(data: Mapping[str, Any]) -> Numbers:
    return {
        name: {tuple(labels): number for labels, number in entries}
        for name, entries in data.items()
    }
