"""The same bytes through the gateway, nginx and HAProxy with their defaults, side by side.

Each case stands for a row of ``docs/faults.md``, most for one in which at least one of the two does worse. The gateway
has to do what is right, and they what they are known to do: so a case also tells when a later version of
theirs has caught up, and ``docs/matrix.md`` does not say anything of them that is not so.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.beside.case import Case, play
from tests.beside.every_case import CASES, STRICTER
from tests.beside.sides import Side, sides

pytestmark = pytest.mark.system("nginx", "haproxy")


def those(cases: tuple[Case, ...], *, with_short_times: bool) -> list[object]:
    return [
        pytest.param(case, id=f"{case.row} {case.what}")
        for case in cases
        if case.has_short_times is with_short_times
    ]


@pytest.fixture(scope="module")
def usual(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Side, ...]]:
    with sides(tmp_path_factory.mktemp("usual")) as three:
        yield three


@pytest.fixture(scope="module")
def hasty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Side, ...]]:
    with sides(tmp_path_factory.mktemp("hasty"), has_short_times=True) as three:
        yield three


def played(case: Case, three: tuple[Side, ...]) -> dict[str, str]:
    """Play a case through all three at once."""
    with ThreadPoolExecutor(len(three)) as threads:
        saying = {
            side.name: threads.submit(play, case, side.name, side.address, side.api)
            for side in three
        }
    return {name: said.result() for name, said in saying.items()}


@pytest.mark.parametrize("case", those((*CASES, *STRICTER), with_short_times=False))
def test_ours_is_right_and_theirs_is_as_written_down(case: Case, usual: tuple[Side, ...]) -> None:
    assert played(case, usual) == {name: case.said(name) for name in ("ours", "nginx", "haproxy")}


@pytest.mark.parametrize("case", those(CASES, with_short_times=True))
def test_so_it_is_where_their_times_are_short(case: Case, hasty: tuple[Side, ...]) -> None:
    assert played(case, hasty) == {name: case.said(name) for name in ("ours", "nginx", "haproxy")}


def test_in_each_case_one_of_them_does_worse() -> None:
    for case in CASES:
        assert case.does_worse("nginx") or case.does_worse("haproxy"), case.what


def test_where_it_is_stricter_one_of_them_serves() -> None:
    for case in STRICTER:
        assert {case.nginx, case.haproxy} & {"200", "401", "passed on"}, case.what


def test_no_case_is_there_twice() -> None:
    names = [(case.row, case.what) for case in (*CASES, *STRICTER)]
    assert len(names) == len(set(names))
