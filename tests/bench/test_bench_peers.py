"""All who are measured do the same work, in every scenario; what does not is found out."""

import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from bench.check import check, shortcomings
from bench.load import Counted, Round, Target
from bench.machine import BenchError, free_ports
from bench.peers import LARGE_BUFFERS, NGINX, PEERS, Peer, nginx
from bench.scenario import Scenario, Setup, route
from bench.turns import WARM_UP, Site, run, site, started
from bench.workloads import WORKLOADS

pytestmark = pytest.mark.system("nginx", "haproxy", "caddy")

USED = {
    (peer.name, variation.scenario): peer
    for workload in WORKLOADS
    for variation in workload.variations
    for peer in workload.peers
    # The large ones differ from small ones in numbers alone.
    if variation.scenario.routes <= 100 and variation.scenario.origins <= 100
}


@pytest.fixture(scope="module")
def where() -> Iterator[Site]:
    with site() as found:
        yield found


@pytest.mark.parametrize(
    "peer, scenario",
    [
        pytest.param(peer, scenario, id=f"{name}, {scenario}")
        for (name, scenario), peer in USED.items()
    ],
)
def test_it_does_the_same_work(where: Site, peer: Peer, scenario: Scenario) -> None:
    path = route(0) if scenario.routes else ""
    with started(where, peer.name, peer, scenario, where.api) as target:
        assert list(shortcomings(target.port, tls=scenario.tls, path=path)) == []


def test_everyone_is_looked_at() -> None:
    assert set(USED.values()) == {*PEERS, LARGE_BUFFERS}


@pytest.mark.parametrize("path", ["", route(0)])
def test_a_peer_that_only_passes_on_is_found_out(where: Site, path: str) -> None:
    found = list(shortcomings(where.api, path=path))

    assert any("access-control-allow-origin is none" in each for each in found)
    assert any(each.startswith("a preflight: ") for each in found)
    assert any(each.startswith("a refused origin: 200") for each in found)
    assert any("the API gets X-Forwarded-For" in each for each in found)
    with pytest.raises(BenchError, match="nobody does not do the same work"):
        check("nobody", where.api, tls=False)


def test_a_peer_is_asked_before_it_gets_the_api_of_live_connections(where: Site) -> None:
    def without_allowlist(setup: Setup) -> Sequence[str]:
        return nginx.command(replace(setup, scenario=replace(setup.scenario, origins=0)))

    asked = next(workload for workload in WORKLOADS if workload.key == "j-small")
    workload = replace(asked, peers=(Peer("it", without_allowlist), NGINX), load=Counting())

    measured = run(where, workload, rounds=1, seconds=0.1, show=lambda _: None)

    assert measured.failed.keys() == {"it"}
    assert "does not do the same work" in measured.failed["it"]
    assert measured.things.keys() == {"nginx"}


def ends_at_once(_: Setup) -> list[str]:
    return [sys.executable, "-c", "print('no such option'); raise SystemExit(1)"]


def test_a_peer_that_does_not_start_is_told_with_what_it_printed(where: Site) -> None:
    with (
        pytest.raises(BenchError, match=r"(?s)it did not start.*no such option"),
        started(where, "it", Peer("it", ends_at_once), Scenario()),
    ):
        pass


def test_ports_that_are_free_differ() -> None:
    assert len(set(free_ports(5))) == 5


def test_what_fails_is_left_out_and_the_others_are_measured(where: Site) -> None:
    asked = next(workload for workload in WORKLOADS if workload.key == "d")
    does_not_start = Peer("it", ends_at_once)
    workload = replace(asked, peers=(does_not_start, NGINX), load=Counting())

    measured = run(where, workload, rounds=2, seconds=0.1, show=lambda _: None)

    assert measured.failed.keys() == {"it"}
    assert measured.things.keys() == {"nginx"}
    assert measured.things["nginx"].cpu == [1000.0, 1000.0]


def test_what_fails_in_a_round_has_no_figures(where: Site) -> None:
    asked = next(workload for workload in WORKLOADS if workload.key == "d")
    workload = replace(asked, peers=(NGINX,), load=Counting(broken_at=3))

    measured = run(where, workload, rounds=3, seconds=0.1, show=lambda _: None)

    assert measured.failed == {"nginx": "1 connections failed"}
    assert measured.things == {}


def test_a_turn_at_whose_end_nothing_is_whole_is_made_longer(where: Site) -> None:
    asked = next(workload for workload in WORKLOADS if workload.key == "d")
    load = Counting(slow=2.0)

    measured = run(
        where,
        replace(asked, peers=(NGINX,), load=load),
        rounds=1,
        seconds=1.0,
        show=lambda _: None,
    )

    assert measured.failed == {}
    assert load.asked == [WARM_UP, WARM_UP * 4, WARM_UP * 16, 1.0, 4.0]


def test_who_answers_nothing_even_then_has_failed(where: Site) -> None:
    asked = next(workload for workload in WORKLOADS if workload.key == "d")
    workload = replace(asked, peers=(NGINX,), load=Counting(slow=1e6))

    measured = run(where, workload, rounds=1, seconds=1.0, show=lambda _: None)

    assert measured.failed == {"nginx": "nothing was answered"}


def test_rounds_are_more_where_a_few_per_cent_are_asked(where: Site) -> None:
    asked = next(workload for workload in WORKLOADS if workload.key == "d")
    workload = replace(asked, peers=(NGINX,), load=Counting(), times=3)

    measured = run(where, workload, rounds=2, seconds=0.1, show=lambda _: None)

    assert len(measured.things["nginx"].cpu) == 6


def test_what_settles_in_each_turn_needs_no_warm_up(where: Site) -> None:
    asked = next(workload for workload in WORKLOADS if workload.key == "d")
    load = Counting(settle=1.0)
    run(
        where,
        replace(asked, peers=(NGINX,), load=load),
        rounds=2,
        seconds=0.1,
        show=lambda _: None,
    )

    assert load.asked == [0.1, 0.1]


class Counting:
    """A load that does nothing, and says that a request took a millisecond of CPU time."""

    def __init__(self, broken_at: int = 0, slow: float = 0.0, settle: float = 0.0) -> None:
        self.settle = settle
        self.asked: list[float] = []
        self.broken_at = broken_at
        self.slow = slow

    def run(self, target: Target, seconds: float, folder: Path) -> Round:
        self.asked.append(seconds)
        count = int(seconds > self.slow)
        return Round(
            Counted(count, count, 1.0, broken=int(len(self.asked) == self.broken_at)), 0.001
        )
