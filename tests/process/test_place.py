"""A worker's place: who comes after one that has ended, with real processes that are no workers."""

import pytest

from cors_gateway.process import recruits, restarts, worker_process
from cors_gateway.process.place import GaveUpError, Place
from cors_gateway.process.worker_process import WorkerFailedError, WorkerProcess
from cors_gateway.routes import Router
from cors_gateway.snapshot import Snapshot

EMPTY = Snapshot(Router(()), (), listeners=())


async def test_one_that_is_never_ready_has_not_lived_however_long_it_took(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It is not started again for ever, though each attempt lasts longer than a short life."""
    monkeypatch.setattr(recruits, "MODULE", "http.server")
    monkeypatch.setattr(worker_process, "START_SECONDS", 0.3)
    monkeypatch.setattr(restarts, "LONG_LIFE", 0.1)
    monkeypatch.setattr(restarts, "DELAYS", (0.0, 0.0, 0.0))
    left: list[tuple[str, float | None]] = []
    hangs = Place(0, EMPTY, [], 2)
    with pytest.raises(WorkerFailedError, match=r"it was not ready within 0\.3 s"):
        await hangs.fill()

    with pytest.raises(GaveUpError, match="it was not ready"):
        await hangs.mind(lambda _, why, delay: left.append((why, delay)))

    assert left == [("it was not ready within 0.3 s", 0.0)] * 3 + [
        ("it was not ready within 0.3 s", None)
    ]


async def test_a_process_that_cannot_be_started_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    async def cannot_start(*_: object, **__: object) -> WorkerProcess:
        raise OSError(11, "Resource temporarily unavailable")

    monkeypatch.setattr(WorkerProcess, "start", cannot_start)

    with pytest.raises(WorkerFailedError, match="no process could be started: Resource temp"):
        await Place(0, EMPTY, [], 2).fill()
