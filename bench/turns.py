"""Things take turns: all that a workload compares run side by side, and are asked one after the other."""

import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import trustme

from bench.check import check
from bench.load import Load, Round, Target
from bench.machine import BenchError, Cpus, find_cpus, free_ports
from bench.peers import Peer
from bench.processes import pinned, wait_until_it_listens
from bench.results import Figures, Measured
from bench.scenario import Scenario, Setup, route
from bench.upstream import api
from bench.workloads import Workload

__all__ = ["WARM_UP", "Site", "Thing", "run", "site", "started"]

WARM_UP = 0.4
"""Seconds that are not counted: connections are opened, memory is got, code is compiled."""
LONGER = (4, 16)
"""What a turn is made longer by, on a machine that is so busy."""
IN_MEMORY = Path("/dev/shm")


@dataclass(frozen=True, slots=True)
class Site:
    """Where all of it happens."""

    folder: Path
    cpus: Cpus
    api: int
    live: int
    """The port where the API of streams and WebSockets is while they are measured."""
    certificate: Path
    key: Path


@dataclass(frozen=True, slots=True)
class Thing:
    """A peer in a scenario, as it runs."""

    name: str
    target: Target
    load: Load


@contextmanager
def site() -> Iterator[Site]:
    """Prepare a folder, in memory where there is such a place, and the API."""
    with ExitStack() as stack:
        parent = IN_MEMORY if IN_MEMORY.is_dir() else None
        name = stack.enter_context(TemporaryDirectory(prefix="bench-", dir=parent))
        folder, cpus = Path(name), find_cpus()
        issued = trustme.CA().issue_cert("127.0.0.1")
        issued.cert_chain_pems[0].write_to_path(folder / "cert.pem")
        issued.private_key_pem.write_to_path(folder / "key.pem")
        yield Site(
            folder=folder,
            cpus=cpus,
            api=stack.enter_context(api(folder / "api", cpus)),
            live=free_ports(1)[0],
            certificate=folder / "cert.pem",
            key=folder / "key.pem",
        )


@contextmanager
def started(
    where: Site, name: str, peer: Peer, scenario: Scenario, api: int | None = None
) -> Iterator[Target]:
    """Run a peer in a scenario, from its command until it listens.

    Args:
        where: the place.
        name: what it is called there.
        peer: who it is.
        scenario: what it is set up for.
        api: the port of its API, if not the scenario's.
    """
    folder = where.folder / f"thing-{name.replace(' ', '-').replace(',', '')}"
    folder.mkdir(exist_ok=True)
    port = free_ports(1)[0]
    upstream = api or (where.live if scenario.live else where.api)
    setup = Setup(scenario, folder, port, upstream, where.certificate, where.key)
    cpus = where.cpus.for_workers(scenario.workers)
    try:
        with pinned(name, peer.command(setup), cpus, folder) as program:
            wait_until_it_listens(program, port)
            yield Target(program.pid, port, upstream, scenario.tls, where.cpus.load)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def run(
    where: Site,
    workload: Workload,
    rounds: int,
    seconds: float,
    peers: Sequence[Peer] | None = None,
    show: Callable[[str], object] = sys.stderr.write,
) -> Measured:
    """Measure a workload.

    Args:
        where: the place.
        workload: what is asked.
        rounds: how often each thing has its turn; some workloads multiply that.
        seconds: how long a turn is.
        peers: of whom, if not of all that the workload knows.
        show: is told where it stands.

    A thing that fails is left out from then on, and named: the others have not waited for nothing.
    """
    measured = Measured(
        workload.key,
        workload.title,
        workload.unit,
        note=workload.note,
    )
    with ExitStack() as stack:
        things = list(_things(where, workload, peers, measured, stack))
        rounds *= workload.times
        for number in range(rounds + 1):
            is_warm_up = number == 0
            for thing in things:
                if thing.name in measured.failed or (is_warm_up and thing.load.settle):
                    continue
                show(f"\r{workload.title}: round {number} of {rounds}, {thing.name}\033[K")
                try:
                    took = _turn(where, workload, thing, WARM_UP if is_warm_up else seconds)
                except BenchError as error:
                    measured.failed[thing.name] = str(error)
                    continue
                if not is_warm_up:
                    each = workload.unit_bytes
                    counted = took.counted
                    count = counted.bytes / each if each else counted.requests
                    figures = measured.things.setdefault(thing.name, Figures())
                    figures.add(count, counted.seconds, took.cpu)
        show("\r\033[K")
    for name in measured.failed:
        measured.things.pop(name, None)
    return measured


def _things(
    where: Site,
    workload: Workload,
    peers: Sequence[Peer] | None,
    measured: Measured,
    stack: ExitStack,
) -> Iterator[Thing]:
    """Start all that take turns; one that does not start, or does something else, is noted."""
    for variation in workload.variations:
        for peer in workload.peers:
            if peers is not None and peer not in peers:
                continue
            name = f"{peer.name}, {variation.name}" if variation.name else peer.name
            scenario = variation.scenario
            try:
                if scenario.live:
                    # Live APIs know nothing of what is checked: the same set-up is asked before another.
                    with started(where, name, peer, scenario, where.api) as target:
                        _check(name, target, scenario)
                target = stack.enter_context(started(where, name, peer, scenario))
                if not scenario.live:
                    _check(name, target, scenario)
            except BenchError as error:
                measured.failed[name] = str(error)
            else:
                yield Thing(name, target, variation.load or workload.load)


def _check(name: str, target: Target, scenario: Scenario) -> None:
    check(name, target.port, tls=target.tls, path=route(0) if scenario.routes else "")


def _turn(where: Site, workload: Workload, thing: Thing, seconds: float) -> Round:
    """Let a thing have its turn: a longer one, if nothing was whole at its end."""
    for factor in (1, *LONGER):
        took = thing.load.run(thing.target, seconds * workload.factor * factor, where.folder)
        if not is_empty(workload, took):
            break
    if why := complaint(workload, took):
        raise BenchError(why)
    return took


def is_empty(workload: Workload, took: Round) -> bool:
    """Say whether nothing can be divided by what was counted."""
    return not (took.counted.bytes if workload.unit_bytes else took.counted.requests)


def complaint(workload: Workload, took: Round) -> str:
    """Say why a round does not count; nothing if it does."""
    counted = took.counted
    if counted.broken:
        return f"{counted.broken} connections failed"
    if is_empty(workload, took):
        return "nothing was answered"
    expected = counted.requests if workload.refused else 0
    if counted.refused != expected:
        return f"{counted.refused} of {counted.requests} requests were refused"
    return ""
