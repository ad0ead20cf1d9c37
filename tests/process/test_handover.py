"""Handing another snapshot over to real workers, each on a port of its own: all serve it, or none."""

import asyncio
import os
import signal
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from http.client import HTTPConnection
from pathlib import Path
from typing import Self

import pytest

from cors_gateway.process import handover, silence, worker_process
from cors_gateway.process.control import Order, to_line
from cors_gateway.process.handover import hand_over
from cors_gateway.process.listening import ListenError
from cors_gateway.process.overview import NotLoadedError
from cors_gateway.process.place import Place
from cors_gateway.process.worker_process import WorkerProcess
from cors_gateway.routes import Router
from cors_gateway.snapshot import (
    Drain,
    Endpoint,
    Listener,
    ListenerTls,
    Route,
    Snapshot,
    Upstream,
    UpstreamTls,
)
from tests.process.tls_rig import Authority

PATIENCE = 60.0


def snapshot(name: str, tls: UpstreamTls | None = None, **settings: object) -> Snapshot:
    """One that takes requests for ``/NAME`` alone, to where nobody answers."""
    upstream = Upstream("http://127.0.0.1:9", (Endpoint("127.0.0.1", 9),), tls)
    route = Route(name, b"/" + name.encode(), upstream)
    return replace(Snapshot(Router([route]), (route,)), **settings)  # type: ignore[arg-type]


@dataclass
class Crew:
    """Places with workers, and the port of each."""

    places: list[Place]
    ports: list[int]
    commits: int = 0
    told: list[str] = field(default_factory=list)

    @property
    def workers(self) -> list[WorkerProcess]:
        return [place.worker for place in self.places if place.worker is not None]

    def commit(self) -> None:
        self.commits += 1

    async def goes_over(self, to: Snapshot) -> bool:
        return await hand_over(to, self.places, (), self.commit, self.report)

    async def those_that_leave_follow(self, to: Snapshot) -> bool:
        return await hand_over(to, (), self.workers, self.commit, self.report)

    def report(self, level: str, text: str) -> None:
        self.told.append(f"{level}: {text}")

    async def serve(self) -> list[str]:
        """Say for each worker which snapshot decides."""
        return [await asyncio.to_thread(_asked, port) for port in self.ports]

    def pid(self, index: int) -> int:
        return self.workers[index].view.pid


def _asked(port: int) -> str:
    for name in ("old", "new"):
        connection = HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
        connection.request("GET", f"/{name}")
        status = connection.getresponse().status
        connection.close()
        if status == 502:
            return name
    return "none"


@pytest.fixture
async def crew(request: pytest.FixtureRequest) -> AsyncIterator[Crew]:
    """Workers that serve ``old``: one, or as many as a test says; they are replaced when they die."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(getattr(request, "param", 1))]
    for sock in sockets:
        sock.setblocking(False)
    log_lock = os.memfd_create("log-lock")
    places = [
        Place(number, snapshot("old"), [sock], log_lock) for number, sock in enumerate(sockets)
    ]
    await asyncio.gather(*(place.fill() for place in places))
    for place in places:
        place.minding = asyncio.ensure_future(place.mind(lambda *_: None))
    crew = Crew(places, [sock.getsockname()[1] for sock in sockets])
    yield crew
    for place in places:
        minding, worker = place.minding, place.leave()
        if minding is not None:
            with suppress(asyncio.CancelledError):
                await minding
        if worker is not None:
            worker.kill()
            await worker.wait()
    for sock in sockets:
        sock.close()
    os.close(log_lock)


two = pytest.mark.parametrize("crew", [2], indirect=True, ids=["two workers"])


@two
async def test_all_go_over_and_go_on(crew: Crew) -> None:
    before = [worker.view.pid for worker in crew.workers]
    assert await crew.serve() == ["old", "old"]
    assert await crew.goes_over(snapshot("new"))

    assert await crew.serve() == ["new", "new"]
    assert [worker.view.pid for worker in crew.workers] == before
    assert crew.commits == 1


@two
async def test_where_one_cannot_none_does(crew: Crew, monkeypatch: pytest.MonkeyPatch) -> None:
    prepare = WorkerProcess.prepare

    async def cannot(self: WorkerProcess, edition: int, packed: bytes) -> str | None:
        said = await prepare(self, edition, packed)
        return "as the test wants it" if self.slot else said

    with monkeypatch.context() as patched:
        patched.setattr(WorkerProcess, "prepare", cannot)
        with pytest.raises(NotLoadedError, match="as the test wants it"):
            await crew.goes_over(snapshot("new"))
    assert (await crew.serve(), crew.commits) == (["old", "old"], 0)

    assert await crew.goes_over(snapshot("new"))
    assert await crew.serve() == ["new", "new"]


@two
async def test_one_that_does_not_answer_keeps_the_others_from_it(
    crew: Crew, monkeypatch: pytest.MonkeyPatch
) -> None:
    os.kill(crew.pid(1), signal.SIGSTOP)
    with monkeypatch.context() as patched:
        patched.setattr(worker_process, "PREPARE_SECONDS", 1.0)
        with pytest.raises(NotLoadedError, match=r"worker \d .* was not ready for it within 1 s"):
            await crew.goes_over(snapshot("new"))
    os.kill(crew.pid(1), signal.SIGCONT)
    assert (await crew.serve(), crew.commits) == (["old", "old"], 0)

    # What it says late of that attempt is not taken for this one's.
    assert await crew.goes_over(snapshot("new"))
    assert await crew.serve() == ["new", "new"]


async def one_that_stops(self: WorkerProcess, edition: int, packed: bytes) -> str | None:
    said = await prepare_as_ever(self, edition, packed)
    os.kill(self.view.pid, signal.SIGSTOP)
    return said


async def one_that_dies(self: WorkerProcess, edition: int, packed: bytes) -> str | None:
    said = await prepare_as_ever(self, edition, packed)
    os.kill(self.view.pid, signal.SIGKILL)
    return said


prepare_as_ever = WorkerProcess.prepare


@pytest.mark.parametrize("fails", [one_that_stops, one_that_dies], ids=["stopped", "killed"])
async def test_one_that_was_ready_and_does_not_go_over_is_replaced_by_one_that_does(
    crew: Crew, monkeypatch: pytest.MonkeyPatch, fails: Callable[..., object]
) -> None:
    monkeypatch.setattr(worker_process, "COMMIT_SECONDS", 0.5)
    monkeypatch.setattr(WorkerProcess, "prepare", fails)
    before = crew.pid(0)

    assert await crew.goes_over(snapshot("new"))
    assert (await crew.serve(), crew.commits) == (["new"], 1)
    assert crew.pid(0) != before


async def test_one_that_dies_before_it_is_ready_leaves_it_to_others(
    crew: Crew, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There are none here, so whoever wanted it has to start some."""
    asked = asyncio.Event()

    async def prepare(self: WorkerProcess, edition: int, packed: bytes) -> str | None:
        asked.set()
        return await prepare_as_ever(self, edition, packed)

    monkeypatch.setattr(WorkerProcess, "prepare", prepare)
    os.kill(crew.pid(0), signal.SIGSTOP)
    going = asyncio.ensure_future(crew.goes_over(snapshot("new")))
    await asked.wait()
    os.kill(crew.pid(0), signal.SIGKILL)

    assert await going is False
    assert (await crew.serve(), crew.commits) == (["old"], 0)


async def test_one_that_starts_meanwhile_is_waited_for(crew: Crew) -> None:
    before = crew.pid(0)
    os.kill(before, signal.SIGKILL)
    while not crew.workers or crew.pid(0) == before:  # noqa: ASYNC110 - nobody tells
        await asyncio.sleep(0.01)

    assert await crew.goes_over(snapshot("new"))
    assert await crew.serve() == ["new"]


async def test_one_that_is_leaving_goes_over_and_holds_nobody_up(crew: Crew) -> None:
    assert await crew.those_that_leave_follow(snapshot("new"))

    assert await crew.serve() == ["new"]
    assert crew.told == []


async def refuses(*_: object) -> str:
    return "as the test wants it"


async def says_nothing(*_: object) -> str:
    await asyncio.sleep(PATIENCE)
    return ""


@pytest.mark.parametrize(
    "prepare, why",
    [(refuses, "as the test wants it"), (says_nothing, "it was not ready for it within 0.1 s")],
    ids=["refuses", "says nothing"],
)
async def test_one_that_is_leaving_and_cannot_follow_drains(
    crew: Crew, monkeypatch: pytest.MonkeyPatch, prepare: Callable[..., object], why: str
) -> None:
    """Or it would answer by what is old for as long as its clients stay."""
    monkeypatch.setattr(WorkerProcess, "prepare", prepare)
    monkeypatch.setattr(handover, "LEAVING_SECONDS", 0.1)
    [worker] = crew.workers
    with IdleClient(crew.ports[0]) as client:
        assert await crew.those_that_leave_follow(snapshot("new"))

        assert await asyncio.to_thread(client.is_closed)
    assert await worker.wait() == 0
    assert crew.told == [
        f"warning: {worker.name} drains, as it cannot go over with the others: {why}"
    ]


async def test_where_the_moment_does_not_come_nobody_goes_over(crew: Crew) -> None:
    def cannot() -> None:
        raise ListenError("as the test wants it")

    with pytest.raises(ListenError):
        await hand_over(snapshot("new"), crew.places, (), cannot, crew.report)
    assert await crew.serve() == ["old"]


class IdleClient:
    """A connection that is idle, after it was answered once."""

    def __init__(self, port: int) -> None:
        self._connection = HTTPConnection("127.0.0.1", port, timeout=PATIENCE)

    def __enter__(self) -> Self:
        self._connection.request("GET", "/")
        self._connection.getresponse().read()
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def is_closed(self) -> bool:
        return self._connection.sock.recv(1) == b""


async def test_one_that_waits_accepts_nobody_until_it_is_told_to() -> None:
    with socket.create_server(("127.0.0.1", 0)) as sock:
        sock.setblocking(False)
        place = Place(0, snapshot("old"), [sock], 2)
        await place.fill(waits=True)
        assert place.worker is not None
        try:
            asked = asyncio.ensure_future(asyncio.to_thread(_asked, sock.getsockname()[1]))
            await asyncio.sleep(0.3)
            assert not asked.done()
            place.worker.order(Order.ACCEPT)

            assert await asked == "old"
        finally:
            place.worker.kill()
            await place.worker.wait()


async def test_one_that_waits_ends_without_having_accepted() -> None:
    """Who is in the queue is for others."""
    with socket.create_server(("127.0.0.1", 0)) as sock:
        sock.setblocking(False)
        place = Place(0, snapshot("old", drain=Drain(delay=600.0)), [sock], 2)
        await place.fill(waits=True)
        assert place.worker is not None
        with socket.create_connection(sock.getsockname()):
            place.worker.order(Order.RETIRE)
            assert await place.worker.wait() == 0

            sock.accept()[0].close()


async def test_one_that_has_a_successor_accepts_nobody_while_it_drains(crew: Crew) -> None:
    """Its successor has the same listening sockets, and both get the order to drain."""
    assert await crew.goes_over(snapshot("old", drain=Drain(delay=600.0)))
    [worker] = crew.workers
    # At once, so that it reads both before it follows the first.
    worker._control.write(b"".join(to_line({"do": each}) for each in (Order.RETIRE, Order.DRAIN)))
    async with asyncio.timeout(PATIENCE):
        assert await worker.wait() == 0

    assert await crew.serve() == ["old"]


def test_one_that_hangs_is_replaced_before_a_reload_gives_up() -> None:
    assert worker_process.PREPARE_SECONDS > silence.PATIENCE + 5


async def test_the_files_of_tls_are_read_before_anything_changes(
    crew: Crew, tmp_path: Path
) -> None:
    tls = UpstreamTls(ca=str(tmp_path / "ca.pem"))

    with pytest.raises(NotLoadedError, match=r"TLS files of the upstream .* No such file"):
        await crew.goes_over(snapshot("new", tls))
    assert await crew.serve() == ["old"]
    Authority(tmp_path)
    assert await crew.goes_over(snapshot("new", tls))
    assert await crew.serve() == ["new"]


async def test_a_certificate_that_is_gone_keeps_what_is_served(tmp_path: Path) -> None:
    certificate, key = Authority(tmp_path).issues("a")
    listener = Listener(port=0, tls=ListenerTls(str(certificate), str(key)))
    with socket.create_server(("127.0.0.1", 0)) as sock:
        sock.setblocking(False)
        place = Place(0, snapshot("old", listeners=(listener,)), [sock], 2)
        await place.fill()
        assert place.worker is not None
        try:
            key.unlink()
            to = snapshot("new", listeners=(listener,))
            with pytest.raises(NotLoadedError, match=r"a\.key"):
                await hand_over(to, [place], (), lambda: None, lambda *_: None)
            assert place.snapshot.routes[0].name == "old"
        finally:
            place.worker.kill()
            await place.worker.wait()
