"""What can be seen of the processes from outside: their state, and how reloads went."""

from dataclasses import dataclass
from enum import StrEnum

__all__ = ["Reloads", "WorkerState", "WorkerView"]


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


@dataclass(frozen=True, slots=True)
class Reloads:
    """How loading the configuration again went."""

    succeeded: int = 0
    failed: int = 0
    last_success: float = 0.0
    """When what is served was loaded, in seconds since the epoch; the start counts."""
    last_problem: str = ""
    """Why the last attempt failed; empty where it did not."""
