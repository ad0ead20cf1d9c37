"""What a load prints is read, and what is no whole run is told from one."""

import pytest

from bench.load import Counted, Round, read_counted
from bench.machine import BenchError
from bench.turns import complaint
from bench.workloads import WORKLOADS

BY_KEY = {workload.key: workload for workload in WORKLOADS}
PRINTED = """\
Running 1s test @ http://127.0.0.1:1
  1 threads and 16 connections
  12345 requests in 1.10s, 2.00MB read
counted {"requests": 12345, "bytes": 2097152, "seconds": 1.100000, "refused": 1, "broken": 2}
"""


def test_the_line_that_says_what_was_done_is_found_among_others() -> None:
    assert read_counted(PRINTED) == Counted(12345, 2097152, 1.1, refused=1, broken=2)


def test_a_load_that_says_nothing_is_shown_as_it_is() -> None:
    with pytest.raises(BenchError, match="unable to connect"):
        read_counted("unable to connect to 127.0.0.1:1\n")


@pytest.mark.parametrize(
    "key, counted, why",
    [
        pytest.param("a", Counted(10, 1000, 1.0), "", id="all was answered"),
        pytest.param("a", Counted(0, 0, 1.0), "nothing was answered", id="nothing was"),
        pytest.param("a", Counted(10, 1000, 1.0, broken=3), "3 connections", id="some failed"),
        pytest.param("a", Counted(10, 1000, 1.0, refused=1), "1 of 10", id="one was refused"),
        pytest.param("e", Counted(10, 1000, 1.0, refused=10), "", id="all are to be refused"),
        pytest.param("e", Counted(10, 1000, 1.0, refused=9), "9 of 10", id="one was let in"),
        pytest.param("f-100m", Counted(0, 2**20, 1.0), "", id="the first large one still comes"),
    ],
)
def test_a_round_counts_only_if_all_went_as_it_should(key: str, counted: Counted, why: str) -> None:
    found = complaint(BY_KEY[key], Round(counted, 0.5))

    assert found.startswith(why)
    assert bool(found) is bool(why)
