"""``make bench``: measure, tell, and keep what was found.

It takes some eight minutes. ``ARGS="--only a,f,m"`` chooses workloads by their letters, ``--rounds`` and
``--seconds`` how often and how long each thing has its turn. ``--record`` (``make bench-record``) makes the run the
one that the documents show and ``make bench-guard`` compares with.
"""

import argparse
import os
import sys
from datetime import UTC, datetime
from pathlib import Path

from bench import deciding
from bench.footprint import footprints
from bench.machine import ROOT, BenchError, commit, cpu_name, require, versions
from bench.picture import picture
from bench.report import terminal
from bench.results import LATEST, RECORDED, Results, write
from bench.turns import run, site
from bench.workloads import FOOTPRINT, KEYS, WORKLOADS, chosen

__all__ = ["PICTURE", "main"]

PICTURE = ROOT / "docs" / "images" / "speed.svg"
PROGRAMS = ("nginx", "haproxy", "caddy", "wrk", "taskset")


def main() -> int:
    """Measure what was asked for."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--only", metavar="A,B,…", default=",".join(KEYS))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=1.0)
    parser.add_argument("--record", action="store_true")
    words = parser.parse_args()
    try:
        keys = chosen(words.only)
    except ValueError as error:
        parser.error(str(error))
    if words.record and set(keys) != set(KEYS):
        parser.error("--record needs all workloads, of one run")
    if not (1 <= words.rounds <= 50 and 0.2 <= words.seconds <= 30):
        parser.error("1 to 50 rounds of 0.2 to 30 seconds")
    try:
        results = measure(keys, words.rounds, words.seconds)
    except BenchError as error:
        print(f"\nbench: {error}", file=sys.stderr)
        return 1
    print(terminal(results))
    write(LATEST, results)
    kept: list[Path] = [LATEST]
    LATEST.with_suffix(".svg").write_text(picture(results), "utf-8")
    failed = any(measured.failed for measured in results.workloads)
    if words.record and not failed:
        write(RECORDED, results)
        PICTURE.write_text(picture(results), "utf-8")
        kept += [RECORDED, PICTURE]
    for path in kept:
        print(f"written: {path.relative_to(ROOT)}")
    return int(failed)


def measure(keys: list[str], rounds: int, seconds: float) -> Results:
    """Measure workloads, telling where it stands."""
    require(PROGRAMS)
    results = Results(
        date=datetime.now(UTC).isoformat(timespec="seconds"),
        commit=commit(),
        cpu=cpu_name(),
        cpus=len(os.sched_getaffinity(0)),
        rounds=rounds,
        seconds=seconds,
        versions=versions(),
    )
    with site() as where:
        for workload in WORKLOADS:
            if workload.key in keys:
                results.workloads.append(run(where, workload, rounds, seconds))
        if FOOTPRINT in keys:
            results.footprints.update(footprints(where, max(rounds, 3)))
    if "l-origins" in keys:
        results.loading.update(deciding.measure())
    return results


if __name__ == "__main__":
    sys.exit(main())
