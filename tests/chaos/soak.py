"""The long form of the chaos run: ``make soak``, with ``ARGS`` such as ``--seed 7 --requests 500000``.

Prints the seed first: the same seed makes the same plan. At every rest it prints what the workers hold; at
the end what the clients saw, and what must not have been, with the last words on that connection.
"""

import argparse
import sys
from pathlib import Path
from random import SystemRandom
from tempfile import TemporaryDirectory
from time import monotonic

import uvloop

from tests.chaos.runs import Settings, chaos
from tests.chaos.stage import Rest

SLICES = 20
"""Rests in a run, after the warm-up."""


def main() -> int:
    parser = argparse.ArgumentParser(prog="make soak", description=__doc__)
    parser.add_argument("--seed", type=int, default=SystemRandom().randrange(1_000_000))
    parser.add_argument("--requests", type=int, default=200_000)
    parser.add_argument("--reload", type=float, default=0.0, help="every so many seconds")
    parser.add_argument("--kill", type=float, default=0.0, help="a worker every so many seconds")
    given = parser.parse_args()
    print(f"seed {given.seed}", flush=True)
    begun = monotonic()

    def tell(rest: Rest) -> None:
        rate, memory = rest.requests / (monotonic() - begun), rest.memory / 1024 / 1024
        print(
            f"{rest.requests:>9} requests, {rate:.0f} a second;"
            f" at rest {rest.descriptors} descriptors, {memory:.1f} MiB",
            flush=True,
        )

    settings = Settings(
        seed=given.seed,
        requests=given.requests // SLICES,
        slices=SLICES,
        idle=1500,
        reload_every=given.reload,
        kill_every=given.kill,
    )
    with TemporaryDirectory() as folder:
        result = uvloop.run(chaos(Path(folder), settings, tell))
    for what, count in result.seen.most_common():
        print(f"{count:>9} {what}")
    complaints = result.complaints()
    for complaint in complaints:
        print(f"\n{complaint}", file=sys.stderr)
    print(f"\nseed {given.seed}: {len(complaints)} things that must not be")
    return min(len(complaints), 1)


if __name__ == "__main__":
    raise SystemExit(main())
