"""Whether the gateway has become much slower than it was: ``make bench-guard``.

A few workloads, briefly, beside nginx; the ratios of this run are told beside those that were recorded, both from the
best round of each, so they are not quite the medians that documents show. Machines differ and are busy, so only a
ratio above twice the recorded one is a failure, and only one that stays so when it is measured again.
"""

import sys
from collections.abc import Iterator
from dataclasses import dataclass

from bench.machine import BenchError, require
from bench.peers import BASE, GATEWAY
from bench.results import RECORDED, Measured, Results, least_ratio, read
from bench.turns import Site, run, site
from bench.workloads import WORKLOADS, Workload

__all__ = ["GUARDED", "TOLERATED", "Comparison", "compare", "main", "measure", "verdict"]

GUARDED = ("a", "b", "d", "f-1m")
TOLERATED = 2.0
"""How many times the recorded ratio is let pass."""
TRIES = 5
"""How often a workload may be measured until its ratio is let pass."""
ROUNDS = 3
SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Comparison:
    """A workload's CPU time against nginx's: now, and when it was recorded."""

    title: str
    now: float
    recorded: float

    @property
    def is_worse(self) -> bool:
        """Whether that is no noise any more."""
        return self.now > self.recorded * TOLERATED

    def __str__(self) -> str:
        words = f"{self.title:40} {self.now:6.2f} × nginx, recorded {self.recorded:.2f}"
        return words + (f"  MORE THAN {TOLERATED:g} TIMES" if self.is_worse else "")


def compare(now: Results, recorded: Results) -> Iterator[Comparison]:
    """Compare what both runs have.

    Raises:
        BenchError: a guarded workload is missing in one of them.
    """
    for key in GUARDED:
        yield _compare_one(key, now, recorded)


def _compare_one(key: str, now: Results, recorded: Results) -> Comparison:
    title = next(workload.title for workload in WORKLOADS if workload.key == key)
    return Comparison(title, _ratio(now, key, title), _ratio(recorded, key, title))


def _ratio(results: Results, key: str, title: str) -> float:
    measured = results.workload(key)
    if measured is None:
        raise BenchError(f"{title}: it was not measured")
    found = least_ratio(measured.thing(GATEWAY.name), measured.thing(BASE.name))
    if found is None:
        why = "; ".join(f"{name}: {each}" for name, each in measured.failed.items())
        raise BenchError(f"{title}: there is nothing to compare. {why}")
    return found


def verdict(comparisons: list[Comparison]) -> int:
    """Give the exit status."""
    return int(any(comparison.is_worse for comparison in comparisons))


def measure(where: Site, workload: Workload, recorded: Results) -> Measured:
    """Measure a guarded workload, again where its ratio is too high: few machines stay as busy.

    Raises:
        BenchError: there is nothing to compare.
    """
    measured = run(where, workload, ROUNDS, SECONDS, (BASE, GATEWAY))
    for _ in range(TRIES - 1):
        now = Results("", "", "", 0, ROUNDS, SECONDS, {}, [measured])
        if not _compare_one(workload.key, now, recorded).is_worse:
            break
        measured = run(where, workload, ROUNDS, SECONDS, (BASE, GATEWAY))
    return measured


def main() -> int:
    """Measure, tell, and say by the status whether it is bearable."""
    try:
        require(("nginx", "wrk", "taskset"))
        recorded = read(RECORDED)
        now = Results("", "", "", 0, ROUNDS, SECONDS, {})
        with site() as where:
            for workload in WORKLOADS:
                if workload.key in GUARDED:
                    now.workloads.append(measure(where, workload, recorded))
        comparisons = list(compare(now, recorded))
    except BenchError as error:
        print(f"bench: {error}", file=sys.stderr)
        return 2
    print(
        f"CPU time against nginx's in the same run, best rounds; recorded on {recorded.date[:10]}:"
    )
    for comparison in comparisons:
        print(f"  {comparison}")
    return verdict(comparisons)


if __name__ == "__main__":
    sys.exit(main())
