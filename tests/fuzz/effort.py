"""How hard the fuzzing tries: in the suite a little, and always the same; by ``make fuzz`` much more.

The long form draws at random, remembers in ``.hypothesis`` what has failed, and tries that first.
"""

import os
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from hypothesis import HealthCheck, Phase, example, settings
from hypothesis.database import DirectoryBasedExampleDatabase

__all__ = ["FACTOR", "also", "fuzzed"]

Test = TypeVar("Test", bound=Callable[..., Any])

FACTOR = int(os.environ.get("FUZZ_FACTOR", "0"))
"""How many times the suite's examples; 0 in the suite."""


def fuzzed(examples: int) -> settings:
    """Return the settings of a property.

    Args:
        examples: how many the suite tries.
    """
    database = DirectoryBasedExampleDatabase(".hypothesis/examples") if FACTOR else None
    return settings(
        max_examples=examples * max(1, FACTOR),
        derandomize=not FACTOR,
        database=database,
        deadline=None,  # nothing here is about speed
        print_blob=bool(FACTOR),
        phases=[Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )


def also(cases: Iterable[tuple[Any, ...]]) -> Callable[[Test], Test]:
    """Have a property hold for these cases in any event, before any is drawn."""

    def decorate(test: Test) -> Test:
        for case in cases:
            test = example(*case)(test)
        return test

    return decorate
