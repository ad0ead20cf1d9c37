"""The long form of the fuzzing: ``python -m tests.fuzz.rounds [--minutes 5] [--seed N] [-- ARGS]``.

Each round runs every property with many examples from a seed of its own, until the time is used or
a round fails. Its seed is printed: ``--seed`` begins with it again.
"""

import argparse
import os
import random
import subprocess
import sys
from time import monotonic

FACTOR = 20


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=5.0)
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument(
        "rest", nargs="*", help="arguments for pytest, e.g. tests/fuzz/test_fuzz_heads.py"
    )
    options = parser.parse_args()
    ends = monotonic() + options.minutes * 60
    seed = random.SystemRandom().randrange(2**32) if options.seed is None else options.seed
    rounds = 0
    while not rounds or monotonic() < ends:
        rounds += 1
        print(f"round {rounds}: --seed {seed}", flush=True)
        argv = [sys.executable, "-m", "pytest", "-q", "-x", f"--hypothesis-seed={seed}"]
        argv += ["-o", "faulthandler_timeout=3600"]  # a property may take its time here
        status = subprocess.call(
            [*argv, *(options.rest or ["tests/fuzz"])],
            env={**os.environ, "FUZZ_FACTOR": str(FACTOR)},
        )
        if status:
            print(f"round {rounds} failed; again by: --seed {seed}")
            return status
        seed += 1
    print(f"{rounds} rounds, and nothing found")
    return 0


if __name__ == "__main__":
    sys.exit(main())
