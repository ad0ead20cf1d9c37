"""Every load says what it has done: here each is for an API alone, without anything between."""

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.live import event, frame
from bench.load import Counted, Live, Target, Wrk, read_counted
from bench.machine import BenchError, free_ports
from bench.traffic import DISTINCT, different, same
from bench.turns import Site, site
from bench.workloads import WORKLOADS

SECONDS = 0.3
CPU = min(os.sched_getaffinity(0))
SCRIPTS = [
    pytest.param(load, id=" ".join(filter(None, (workload.key, variation.name))))
    for workload in WORKLOADS
    for variation in workload.variations
    if isinstance(load := variation.load or workload.load, Wrk)
]


def directly(port: int) -> Target:
    """Aim at an API; whose CPU time is counted is of no importance."""
    return Target(pid=os.getpid(), port=port, api=port, tls=False, cpu=CPU)


@pytest.fixture(scope="module")
def where() -> Iterator[Site]:
    with site() as found:
        yield found


@pytest.mark.system("nginx", "wrk")
@pytest.mark.parametrize("load", SCRIPTS)
def test_a_script_is_understood_by_wrk_and_by_the_api(where: Site, load: Wrk) -> None:
    counted = Counted(0, 0, 0)
    for seconds in (SECONDS, 3, 10, 30):  # until something is done, on a machine that is busy
        counted = load.run(directly(where.api), seconds, where.folder).counted
        if counted.bytes:
            break

    assert counted.bytes > 0
    assert (counted.refused, counted.broken) == (0, 0)
    assert counted.seconds > 0


@pytest.mark.system("nginx", "wrk")
def test_what_comes_before_a_load_has_settled_is_not_counted(
    where: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[Counted] = []

    def read(printed: str) -> Counted:
        told.append(read_counted(printed))
        return told[-1]

    monkeypatch.setattr("bench.load.read_counted", read)
    load = Wrk(same("GET", "/files/64k"), 2, settle=2.0)
    counted = load.run(directly(where.api), SECONDS, where.folder).counted

    assert 0 < counted.bytes < told[0].bytes
    assert counted.seconds < told[0].seconds
    assert counted.requests == told[0].requests > 0


@pytest.mark.system("wrk")
def test_a_load_that_cannot_begin_is_told_though_it_should_settle(tmp_path: Path) -> None:
    nobody = free_ports(1)[0]

    with pytest.raises(BenchError, match="did not say"):
        Wrk(same("GET", "/"), 2, settle=0.5).run(directly(nobody), SECONDS, tmp_path)


@pytest.mark.system("nginx", "wrk")
def test_requests_that_should_differ_do(where: Site, tmp_path: Path) -> None:
    """As the API has logged them, of one connection."""
    scripts = {workload.key: workload.load for workload in WORKLOADS}
    load = scripts["b"]
    assert isinstance(load, Wrk)
    heads = tmp_path / "heads"
    heads.touch()
    # What wrk would send is written down before it is sent.
    told = load.script.replace(
        "requests[i] = wrk.format",
        f'local f = io.open("{heads}", "a") f:write(h["Origin"], " ", h["Cookie"], "\\n") f:close() '
        "requests[i] = wrk.format",
    )
    Wrk(told, 1).run(directly(where.api), SECONDS, where.folder)
    lines = heads.read_text("utf-8").splitlines()
    origins = {line.partition(" ")[0] for line in lines}

    assert len(lines) == len(set(lines)) == DISTINCT
    assert len(origins) == 10
    assert all(re.fullmatch(r"https://app00000\d\.example\.com", origin) for origin in origins)


@pytest.mark.parametrize(
    "routes, asked",
    [
        pytest.param(range(9, 10), {"/service-000009"}, id="one of ten"),
        pytest.param(range(3), {f"/service-00000{number}" for number in range(3)}, id="all"),
    ],
)
@pytest.mark.system("nginx", "wrk")
def test_requests_go_to_the_routes_that_are_asked(
    where: Site, tmp_path: Path, routes: range, asked: set[str]
) -> None:
    targets = tmp_path / "targets"
    told = different(routes=routes).replace(
        "return requests[at]",
        f'local f = io.open("{targets}", "a") f:write(requests[at]:match("^GET (%S+)"), "\\n") f:close() '
        "return requests[at]",
    )
    Wrk(told, 1).run(directly(where.api), 1, where.folder)
    seen = {line.rpartition("/orders/")[0] for line in targets.read_text("utf-8").split()}

    assert seen <= asked
    assert seen


@pytest.mark.parametrize("kind", ["events", "websocket"])
@pytest.mark.parametrize("size", [100, 70_000])
def test_connections_that_stay_are_counted(kind: str, size: int, tmp_path: Path) -> None:
    took = Live(kind, 5, size).run(directly(free_ports(1)[0]), SECONDS, tmp_path)

    assert took.counted.requests >= 5
    assert took.counted.bytes == took.counted.requests * size


def test_connections_that_are_not_answered_are_told(tmp_path: Path) -> None:
    port, nobody = free_ports(2)
    target = Target(pid=os.getpid(), port=nobody, api=port, tls=False, cpu=CPU)

    with pytest.raises(BenchError, match="were not opened"):
        Live("events", 5, 100).run(target, SECONDS, tmp_path)


def test_frames_are_as_the_standard_says() -> None:
    """RFC 6455, 5.2: the length in 7, 16 or 64 bits, and a client's mask, which is zero here."""
    assert frame(5, masked=False) == b"\x82\x05xxxxx"
    assert frame(5, masked=True) == b"\x82\x85\x00\x00\x00\x00xxxxx"
    assert frame(126, masked=False)[:4] == b"\x82\x7e\x00\x7e"
    assert frame(65536, masked=True)[:10] == b"\x82\xff\x00\x00\x00\x00\x00\x01\x00\x00"


def test_an_event_is_a_chunk() -> None:
    assert event(3) == b"c\r\ndata: xxx~\n\n\r\n"
