"""What a run has found, as it is kept: JSON that says by itself where, when and with what it was measured."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from pydantic import TypeAdapter

from bench.machine import ROOT

__all__ = [
    "LATEST",
    "RECORDED",
    "Figures",
    "Footprint",
    "Measured",
    "Results",
    "least_ratio",
    "ratio",
    "read",
    "write",
]

RECORDED = ROOT / "bench" / "results" / "recorded.json"
"""What the documents show, and what ``make bench-guard`` compares with."""
LATEST = ROOT / "bench" / "results" / "latest.json"
"""What the last ``make bench`` has found here."""


@dataclass(frozen=True, slots=True)
class Figures:
    """Of one thing, a figure a round."""

    cpu: list[float] = field(default_factory=list)
    """Microseconds of CPU time for one of what is counted."""
    rate: list[float] = field(default_factory=list)
    """How many of them in a second."""
    busy: list[float] = field(default_factory=list)
    """What share of a CPU it took; 1 is a CPU that had nothing left."""

    def add(self, count: float, seconds: float, cpu: float) -> None:
        """Note a round."""
        self.cpu.append(round(cpu / count * 1e6, 3))
        self.rate.append(round(count / seconds, 3))
        self.busy.append(round(cpu / seconds, 3))


@dataclass(frozen=True, slots=True)
class Measured:
    """A workload, and the things that it was asked of; a thing is a peer, or ``PEER, VARIATION``."""

    key: str
    title: str
    unit: str
    things: dict[str, Figures] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    """Things that should have been measured, and what happened."""
    note: str = ""
    """What they do differently, or why some were not asked."""

    def thing(self, name: str) -> Figures | None:
        """Give the figures of a thing, if there are any."""
        found = self.things.get(name)
        return found if found and found.cpu else None


@dataclass(frozen=True, slots=True)
class Footprint:
    """Start-up and memory of a peer; sizes in bytes."""

    ready_after: list[float]
    """Seconds from the command to the first answer, of several starts."""
    start_cpu: list[float]
    """Seconds of CPU time until then: the same on a machine that is busy."""
    at_rest: int
    for_each_idle: float
    """Connection that is kept alive."""
    idle: int
    """How many there were."""
    at_load: int
    """While it is asked as much as it can take."""

    @property
    def median_start(self) -> float:
        """Seconds from the command to the first answer, of several starts."""
        return median(self.ready_after)


@dataclass(frozen=True, slots=True)
class Results:
    """One run."""

    date: str
    commit: str
    cpu: str
    cpus: int
    rounds: int
    seconds: float
    versions: dict[str, str]
    """By name; of gateways all that ``cors-gateway version`` says."""
    workloads: list[Measured] = field(default_factory=list)
    footprints: dict[str, Footprint] = field(default_factory=dict)
    loading: dict[str, list[float]] = field(default_factory=dict)
    """Seconds to load 100,000 origins of a kind, and what one decision costs against one origin."""

    def workload(self, key: str) -> Measured | None:
        """Give a workload, if it was measured."""
        return next((each for each in self.workloads if each.key == key), None)


def ratio(
    of: Figures | None,
    to: Figures | None,
    *,
    rate: bool = False,
) -> float | None:
    """Compare two things round by round, and give the median: what disturbs a round disturbs both."""
    if of is None or to is None:
        return None
    pairs: Sequence[tuple[float, float]] = list(
        zip(of.rate, to.rate, strict=False) if rate else zip(of.cpu, to.cpu, strict=False)
    )
    found = [one / other for one, other in pairs if other > 0]
    return median(found) if found else None


def least_ratio(of: Figures | None, to: Figures | None) -> float | None:
    """Compare the least CPU time of each in any round: noise only adds, to both of them."""
    if not (of and to and of.cpu and to.cpu and min(to.cpu) > 0):
        return None
    return min(of.cpu) / min(to.cpu)


_ADAPTER = TypeAdapter(Results)


def read(path: Path) -> Results:
    """Read what was kept."""
    return _ADAPTER.validate_json(path.read_bytes())


def write(path: Path, results: Results) -> None:
    """Keep it, readable for people and for ``git diff``."""
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(_ADAPTER.dump_json(results, indent=1) + b"\n")
