"""``make bench``: measure, tell, and keep what was found.

It takes some twenty minutes. ``ARGS="--only a,f,m"`` chooses workloads by their letters, ``--rounds`` and
``--seconds`` how often and how long each thing has its turn. ``--record`` (``make bench-record``) makes the run the
one that the documents show and ``make bench-guard`` compares with: of all workloads, of what is committed, and with
the compiled gateway beside. ``--check`` only says whether it could begin.
"""

import argparse
import os
import sys
from datetime import UTC, datetime
from pathlib import Path

from bench import deciding
from bench.footprint import footprints
from bench.machine import ROOT, BenchError, changes, commit, cpu_name, require, versions
from bench.peers import GATEWAY, GATEWAYS, OTHER
from bench.peers.gateway import COMMAND, program
from bench.peers.gateway import OTHER as OTHER_COMMAND
from bench.picture import picture
from bench.report import terminal
from bench.results import LATEST, RECORDED, Results, write
from bench.turns import run, site
from bench.workloads import FOOTPRINT, KEYS, WORKLOADS, chosen

__all__ = ["PICTURE", "main"]

PICTURE = ROOT / "docs" / "images" / "speed.svg"
PROGRAMS = ("nginx", "haproxy", "caddy", "wrk", "taskset")
STARTS = 10
"""How often each is started: a start is short, and the machine's noise is not."""


def main() -> int:
    """Measure what was asked for."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--only", metavar="A,B,…", default=",".join(KEYS))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=1.0)
    parser.add_argument("--record", action="store_true")
    parser.add_argument("--check", action="store_true")
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
        require(PROGRAMS)
        if words.record:
            refuse_what_cannot_be_repeated()
        if words.check:
            return 0
        results = measure(keys, words.rounds, words.seconds)
    except BenchError as error:
        print(f"\nbench: {error}", file=sys.stderr)
        return 1
    print(terminal(results))
    drawn = LATEST.with_suffix(".svg")
    write(LATEST, results)
    drawn.write_text(picture(results), "utf-8")
    kept: list[Path] = [LATEST, drawn]
    failed = any(measured.failed for measured in results.workloads)
    if words.record and not failed:
        write(RECORDED, results)
        PICTURE.write_text(picture(results), "utf-8")
        kept += [RECORDED, PICTURE]
    for path in kept:
        print(f"written: {path.relative_to(ROOT)}")
    return int(failed)


def refuse_what_cannot_be_repeated() -> None:
    """See to it that what is recorded is what the commit that it names gives anybody.

    Raises:
        BenchError: it would be something else.
    """
    if COMMAND in os.environ:
        raise BenchError(f"{COMMAND} names another gateway than this tree's: that is not recorded")
    if OTHER_COMMAND not in os.environ:
        raise BenchError("the compiled gateway has to be beside: make bench-record brings it")
    if changed := changes():
        raise BenchError(
            "what is recorded must have been committed; these have not:\n" + "\n".join(changed)
        )


def measure(keys: list[str], rounds: int, seconds: float) -> Results:
    """Measure workloads, telling where it stands."""
    variables = {GATEWAY: COMMAND, OTHER: OTHER_COMMAND}
    results = Results(
        date=datetime.now(UTC).isoformat(timespec="seconds"),
        commit=commit(),
        cpu=cpu_name(),
        cpus=len(os.sched_getaffinity(0)),
        rounds=rounds,
        seconds=seconds,
        versions=versions({peer.name: program(variables[peer]) for peer in GATEWAYS}),
    )
    with site() as where:
        for workload in WORKLOADS:
            if workload.key in keys:
                results.workloads.append(run(where, workload, rounds, seconds))
        if FOOTPRINT in keys:
            results.footprints.update(footprints(where, max(rounds, STARTS)))
    if "l-origins" in keys:
        results.loading.update(deciding.measure())
    return results


if __name__ == "__main__":
    sys.exit(main())
