"""A worker that goes over to another snapshot: in which order, and what it does not take for prepared."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from cors_gateway.process.control import pack_snapshot
from cors_gateway.process.folders import Folders
from cors_gateway.process.takeover import Takeover
from cors_gateway.routes import Router
from cors_gateway.snapshot import Listener, ListenerTls, LogSettings, Snapshot
from cors_gateway.wire.plane import Plane
from cors_gateway.wire.record import AccessRecord


def snapshot(level: str) -> Snapshot:
    return Snapshot(Router(()), (), listeners=(), log=LogSettings(level=level))


GONE = ListenerTls("/nowhere/a.pem", "/nowhere/a.key")
"""Files that are no listener's any more."""


class Worker:
    """What goes over, and what it does then."""

    def __init__(self) -> None:
        loop = asyncio.get_running_loop()
        self.done: list[str] = []
        self.plane = Plane(snapshot("info"), loop, lambda _: self.done.append("records"))
        certificates: Any = {GONE: object()}
        self.takeover = Takeover(self.plane, certificates, Folders(loop), self._follow_log)

    def _follow_log(self, settings: LogSettings) -> None:
        self.done.append(settings.level)

    async def prepares(self, edition: int, content: bytes) -> str:
        answered = self.plane.loop.create_future()
        self.takeover.prepare(edition, content, answered.set_result)
        answer: str = await answered
        return answer


async def test_requests_that_have_ended_are_logged_as_was_wanted_then() -> None:
    worker = Worker()
    worker.plane.report(AccessRecord(b"1", "127.0.0.1", 0.0))
    assert await worker.prepares(1, pack_snapshot(snapshot("error"))) == ""
    assert worker.done == []
    worker.takeover.commit(1)

    assert worker.done == ["records", "error"]
    assert worker.plane.snapshot.log.level == "error"


async def test_what_cannot_be_read_is_said_and_changes_nothing() -> None:
    worker = Worker()

    assert "UnpicklingError" in await worker.prepares(1, b"no pickle")
    with pytest.raises(RuntimeError, match="never prepared"):
        worker.takeover.commit(1)
    assert worker.plane.snapshot.log.level == "info"


async def test_files_of_listeners_are_read_only_where_there_still_are_such() -> None:
    """Who is leaving is handed a snapshot whose listeners others serve."""
    worker = Worker()
    listener = Listener("127.0.0.1", 0, None, GONE)

    assert await worker.prepares(1, pack_snapshot(snapshot("error"))) == ""
    with_it = replace(snapshot("error"), listeners=(listener,))
    assert "/nowhere/a.pem" in await worker.prepares(2, pack_snapshot(with_it))


async def test_nothing_is_served_that_was_given_up_or_belongs_to_another_attempt() -> None:
    worker = Worker()
    content = pack_snapshot(snapshot("error"))
    late = asyncio.ensure_future(worker.prepares(1, content))
    await asyncio.sleep(0)
    worker.takeover.forget(1)
    assert await late == ""
    with pytest.raises(RuntimeError, match="never prepared"):
        worker.takeover.commit(1)
    await worker.prepares(2, content)
    worker.takeover.forget(1)
    with pytest.raises(RuntimeError, match="never prepared"):
        worker.takeover.commit(3)

    assert worker.plane.snapshot.log.level == "info"
