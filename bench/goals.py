"""What the gateway should cost at most: one table, and what a run says to each line of it."""

from collections.abc import Callable
from dataclasses import dataclass

from bench.peers import BASE, GATEWAY, PLAIN
from bench.results import Results, ratio
from bench.traffic import DISTINCT

__all__ = ["GOALS", "Goal", "Outcome", "outcomes"]


@dataclass(frozen=True, slots=True)
class Goal:
    """A figure that should not be exceeded."""

    key: str
    """Of the workload."""
    what: str
    at_most: float
    measured: Callable[[Results, str], float | None]
    """In a run, of the gateway of that name."""
    unit: str = "×"


@dataclass(frozen=True, slots=True)
class Outcome:
    """A goal, and what was found."""

    goal: Goal
    measured: float | None

    @property
    def is_reached(self) -> bool:
        """Whether the figure, as it is shown, does not exceed the goal."""
        return self.measured is not None and round(self.measured, 2) <= self.goal.at_most


def _beside(key: str, what: str, at_most: float) -> Goal:
    """Compare CPU time for one of what is counted with nginx's."""

    def measured(results: Results, gateway: str) -> float | None:
        return _ratio(results, key, gateway, BASE.name)

    return Goal(key, f"{what}: CPU against nginx", at_most, measured)


def _flat(key: str, what: str, few: str, many: str) -> Goal:
    """Compare the gateway that knows many with the gateway that knows few."""

    def measured(results: Results, gateway: str) -> float | None:
        return _ratio(results, key, f"{gateway}, {many}", f"{gateway}, {few}")

    return Goal(key, f"{what}, {many} against {few}: CPU", 1.05, measured)


def _ratio(results: Results, key: str, of: str, to: str) -> float | None:
    workload = results.workload(key)
    return ratio(workload.thing(of), workload.thing(to)) if workload else None


def _against_plain(results: Results, gateway: str) -> float | None:
    return _ratio(results, "a", gateway, PLAIN.name)


def _start(results: Results, gateway: str) -> float | None:
    footprint = results.footprints.get(gateway)
    return footprint.median_start if footprint else None


GOALS = (
    _beside("a", "small GET, fields as before", 0.95),
    _beside("b", "small GET, fields and target differ", 1.15),
    _beside("c", "POST of 1 KiB", 1.2),
    _beside("d", "preflight", 1.0),
    _beside("e", "refused origin", 0.95),
    _beside("f-64k", "64 KiB response", 0.8),
    _beside("f-1m", "1 MiB response", 0.35),
    _beside("f-100m", "100 MiB response", 0.28),
    _beside("g-counted", "10 MiB upload, counted", 0.6),
    _beside("g-chunked", "10 MiB upload, chunked", 0.6),
    _beside("h-64k", "64 KiB of unknown length", 1.0),
    _beside("h-1m", "1 MiB of unknown length", 1.0),
    _beside("j-small", "WebSocket, 100 bytes", 1.0),
    _beside("j-large", "WebSocket, 64 KiB", 1.0),
    _beside("k", "a new connection for each request", 1.2),
    _flat("l-routes", "routes", "1", "10,000"),
    _flat("l-routes", "routes", "1", f"10,000 of which {DISTINCT:,} asked"),
    _flat("l-origins", "origins", "10", "100,000"),
    _flat("l-origins", "origins", "10", f"100,000 of which {DISTINCT:,} asking"),
    Goal("m", "start-up", 0.5, _start, "s"),
    Goal("a", "small GET: CPU against the plain aiohttp proxy", 0.2, _against_plain),
)


def outcomes(results: Results, gateway: str = GATEWAY.name) -> list[Outcome]:
    """Say to each goal what was found of a gateway; nothing where its workload was left out."""
    return [Outcome(goal, goal.measured(results, gateway)) for goal in GOALS]
