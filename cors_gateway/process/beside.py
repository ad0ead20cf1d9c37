"""A job that may take long, beside the event loop: in a thread that nobody has to wait for.

Not in an executor: the interpreter waits for its threads at the end, and one that reads from a disk
that hangs would keep the process from ending.
"""

import asyncio
import contextlib
import threading
from collections.abc import Callable
from typing import TypeVar

__all__ = ["finish_beside", "start_beside"]

T = TypeVar("T")


def start_beside(job: Callable[[], T], name: str) -> asyncio.Future[T]:
    """Run ``job`` in a daemon thread; the future gives or raises what it does.

    A job cannot be stopped: whoever cancels the future only stops waiting.

    Raises:
        RuntimeError: no thread can be had.
    """
    loop = asyncio.get_running_loop()
    done: asyncio.Future[T] = loop.create_future()

    def settle(settle_it: Callable[[], None]) -> None:
        if not done.done():
            settle_it()

    def work() -> None:
        try:
            result = job()
        except Exception as error:  # noqa: BLE001 - it is raised where the job was asked for
            settle_it = _later(done.set_exception, error)
        else:
            settle_it = _later(done.set_result, result)
        # The loop may have ended; then nobody waits.
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(settle, settle_it)

    threading.Thread(target=work, name=name, daemon=True).start()
    return done


async def finish_beside(job: Callable[[], T], name: str, seconds: float) -> T | None:
    """Run ``job`` as ``start_beside`` does, and wait for it; ``None`` if it takes too long."""
    future = start_beside(job, name)
    try:
        await asyncio.wait({future}, timeout=seconds)
        return future.result() if future.done() else None
    finally:
        # What comes of it later is nobody's.
        future.cancel()


def _later(call: Callable[[T], None], value: T) -> Callable[[], None]:
    return lambda: call(value)
