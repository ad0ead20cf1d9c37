"""What can be seen of the processes from outside: their state, and how reloads went."""

from dataclasses import dataclass
from enum import StrEnum

from cors_gateway.differences.difference import Difference

__all__ = [
    "LONG_SILENCE",
    "NotLoadedError",
    "NotNowError",
    "Reloaded",
    "Reloads",
    "WorkerState",
    "WorkerView",
]

LONG_SILENCE = 12.0
"""Seconds that a worker says nothing before that means something: two of its reports are missing."""


class WorkerState(StrEnum):
    """What a worker is at."""

    STARTING = "starting"
    READY = "ready"
    RETIRING = "retiring"
    """It accepts nothing more, and ends when its requests have."""


@dataclass(frozen=True, slots=True)
class WorkerView:
    """One worker."""

    slot: int
    """Its number, from 0; the one that takes its place has it too."""
    pid: int
    state: WorkerState
    started: float
    """In seconds since the epoch."""
    silence: float = 0.0
    """Seconds since it said something."""

    @property
    def name(self) -> str:
        """What it is called where people read of it."""
        return f"worker {self.slot + 1} (pid {self.pid})"

    @property
    def is_silent(self) -> bool:
        """Whether it has said nothing for so long that it may serve nobody."""
        return self.silence >= LONG_SILENCE


@dataclass(frozen=True, slots=True)
class Reloads:
    """How loading the configuration again went."""

    succeeded: int = 0
    failed: int = 0
    last_success: float = 0.0
    """When what is served was loaded, in seconds since the epoch; the start counts."""
    last_problem: str = ""
    """Why the last attempt failed; empty where it did not."""
    began: float = 0.0
    """When the one that is in progress began, in seconds since the epoch; 0 where none is."""


@dataclass(frozen=True, slots=True)
class Reloaded:
    """What came of loading the configuration again."""

    source: str
    """The file's name."""
    differences: tuple[Difference, ...]
    """Those that make something wider first."""
    in_place: bool
    """Whether the workers went on; otherwise others took their places."""

    def lines(self) -> list[str]:
        """Write each difference as a line."""
        return [
            ("wider: " if each.is_wider else "")
            + each.text
            + (f" ({each.source})" if each.source else "")
            for each in self.differences
        ]

    def summary(self) -> str:
        """Say in one line what has changed."""
        if not self.differences:
            return f"reloaded {self.source}: nothing has changed"
        number = len(self.differences)
        wider = sum(each.is_wider for each in self.differences)
        changes = "1 difference" if number == 1 else f"{number} differences"
        return f"reloaded {self.source}: {changes}" + (f", {wider} wider" if wider else "")


class NotLoadedError(Exception):
    """The configuration cannot be loaded again; the text says why."""


class NotNowError(NotLoadedError):
    """It is not the time for it; nothing was tried."""
