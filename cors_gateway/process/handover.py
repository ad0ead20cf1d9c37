"""Handing another snapshot over to workers: all of them serve it from one moment on, or none does.

Each gets ready first, which may fail and changes nothing. When all have, each is told to go over,
which cannot fail and takes one step of its event loop. A worker that is gone by then, or that does
not go over, is replaced by one that begins with what the others serve. Meanwhile no worker starts:
it would begin with what is about to be old.

Those that are leaving hold nobody up. Whoever of them cannot follow is told to drain: it would answer by what
is old for as long as its clients stay.

What a worker does for it is in ``takeover``.
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from itertools import count

from cors_gateway.process.beside import start_beside
from cors_gateway.process.control import Order, pack_snapshot
from cors_gateway.process.logging import Report
from cors_gateway.process.overview import NotLoadedError, WorkerState
from cors_gateway.process.place import Place
from cors_gateway.process.worker_process import WorkerProcess
from cors_gateway.snapshot import Snapshot

__all__ = ["hand_over"]

LEAVING_SECONDS = 5.0
"""In which one that is leaving gets ready after the others have."""

_editions = count(1)
"""Tell the steps of one attempt from those of another."""


async def hand_over(
    snapshot: Snapshot,
    places: Sequence[Place],
    leaving: Iterable[WorkerProcess],
    commit: Callable[[], None],
    report: Report,
    then: Callable[[], None] = lambda: None,
) -> bool:
    """Have every place serve ``snapshot``.

    Args:
        snapshot: with the listeners that the places have.
        places: where workers work; none where only ``leaving`` is to go over.
        leaving: workers that accept nothing more but still have clients, who may ask again. They
            go over too if they can, and hold nobody up.
        commit: called at the moment from which on it is served. Where it raises, nothing changes.
        report: tells the operator who cannot follow.
        then: called in the same step, when all have been told: what they are told next comes after.

    Returns:
        Whether it is served; not where no worker is there who could have tried it.

    Raises:
        NotLoadedError: a worker cannot serve it, or does not answer; nothing has changed.
    """
    packed = await start_beside(lambda: pack_snapshot(snapshot), "pack")
    edition = next(_editions)
    leaving = tuple(leaving)
    try:
        await asyncio.gather(*(place.hold() for place in places))
        present = [place.worker for place in places if place.worker is not None]
        workers = [worker for worker in present if worker.state is WorkerState.READY]
        answers = await _prepare(edition, packed, workers, leaving)
        ready = [worker for worker, answer in answers.items() if answer == ""]
        if places and not any(worker in ready for worker in workers):
            for worker in ready:
                worker.forget(edition)
            return False
        commit()
        for place in places:
            place.snapshot = snapshot
        going = [worker.commit(edition) for worker in ready]
        then()
    finally:
        for place in places:
            place.go_on()
    for worker in leaving:
        if why := answers[worker]:
            worker.order(Order.DRAIN)
            report("warning", f"{worker.name} drains, as it cannot go over with the others: {why}")
    await asyncio.gather(*going)
    return True


async def _prepare(
    edition: int, packed: bytes, workers: Sequence[WorkerProcess], leaving: Sequence[WorkerProcess]
) -> dict[WorkerProcess, str | None]:
    """Say of each why it is not ready; nothing where it is, ``None`` where it is gone.

    Raises:
        NotLoadedError: one of ``workers`` is there and does not get ready.
    """
    preparing = {
        worker: asyncio.ensure_future(worker.prepare(edition, packed))
        for worker in (*workers, *leaving)
    }
    answers: dict[WorkerProcess, str | None] = {}
    try:
        refusals = await asyncio.gather(*(preparing[worker] for worker in workers))
        if leaving:
            late = [preparing[worker] for worker in leaving]
            await asyncio.wait(late, timeout=LEAVING_SECONDS)
        if refusal := next(filter(None, refusals), ""):
            raise NotLoadedError(refusal)
        late_text = f"it was not ready for it within {LEAVING_SECONDS:g} s"
        answers = {
            worker: task.result() if task.done() else late_text
            for worker, task in preparing.items()
        }
        return answers
    finally:
        for worker, task in preparing.items():
            if answers.get(worker) != "":
                task.cancel()
                worker.forget(edition)
