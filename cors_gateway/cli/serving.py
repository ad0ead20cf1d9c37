"""Starting to serve: what ``run`` and ``proxy`` have in common once a configuration is loaded."""

import asyncio
import contextlib
import sys
from collections.abc import Callable, Collection
from contextlib import AsyncExitStack

from cors_gateway import __version__
from cors_gateway.cli.admin_listener import AdminListener
from cors_gateway.cli.colours import has_colours
from cors_gateway.cli.endings import Exit, RefusedError
from cors_gateway.cli.sources import snapshot_of
from cors_gateway.cli.welcome import welcome
from cors_gateway.config.load import Loaded
from cors_gateway.config.problems import render_text
from cors_gateway.process.listening import ListenError
from cors_gateway.process.logging import Report, describe_fault, tell
from cors_gateway.process.overview import NotLoadedError
from cors_gateway.process.recruits import NOBODY, Recruits
from cors_gateway.process.supervisor import GaveUpError, StartError, Supervisor
from cors_gateway.process.telling import Telling
from cors_gateway.process.watching import FileWatch
from cors_gateway.snapshot import Snapshot

__all__ = ["serve"]

Watched = Callable[[], Collection[str]]
"""Gives the files at whose change the configuration is loaded again."""


def serve(
    loaded: Loaded,
    load_again: Callable[[], Loaded],
    watched: Watched | None = None,
    recruits: Recruits = NOBODY,
) -> int:
    """Listen, say so in one line, and serve until a signal says stop.

    Args:
        loaded: what to serve.
        load_again: gives what a reload is to serve.
        watched: the files that make it reload by themselves; ``None`` where none do.
        recruits: who may become workers.

    Raises:
        RefusedError: it could not start, or not go on.
    """
    snapshot = snapshot_of(loaded)
    try:
        asyncio.run(_serve(loaded, snapshot, load_again, watched, recruits))
    except (ListenError, StartError, GaveUpError) as error:
        raise RefusedError(str(error), Exit.COULD_NOT_START) from error
    return Exit.FINE


async def _serve(
    loaded: Loaded,
    snapshot: Snapshot,
    load_again: Callable[[], Loaded],
    watched: Watched | None,
    recruits: Recruits,
) -> None:
    report = Telling(snapshot.log)
    asyncio.get_running_loop().set_exception_handler(
        lambda _, context: report("error", describe_fault(context))
    )
    async with AsyncExitStack() as stack:
        admin = AdminListener(report)
        stack.callback(admin.close_sockets)
        admin.bind(snapshot.admin)
        watch: FileWatch | None = None

        def load_what_is_watched() -> Loaded:
            if watch is not None:
                # Or what somebody has loaded by hand would be loaded once more.
                watch.take_as_told()
            return load_again()

        supervisor = Supervisor(
            loaded, _reloader(load_what_is_watched, report), report, followers=[report, admin]
        )
        stack.push_async_callback(supervisor.close)
        if not await supervisor.start(recruits):
            return
        stack.push_async_callback(admin.close)
        admin_url = admin.open(supervisor)
        if watched is not None:
            watch = _watch(supervisor, watched)
            stack.callback(watch.close)
            watch.start()
            supervisor.is_watched = True
        _announce(snapshot, supervisor, admin_url)
        await _run(supervisor, admin)


async def _run(supervisor: Supervisor, admin: AdminListener) -> None:
    """Serve until a signal says stop, which does not wait until admin answers."""
    loop = asyncio.get_running_loop()
    answering = loop.create_task(admin.answer())
    running = loop.create_task(supervisor.run())
    await asyncio.wait({answering, running}, return_when=asyncio.FIRST_COMPLETED)
    if answering.done():
        answering.result()
    await running
    answering.cancel()


def _watch(supervisor: Supervisor, watched: Watched) -> FileWatch:
    loop = asyncio.get_running_loop()
    snapshot = supervisor.snapshot

    def reload() -> None:
        # The loop may be closed by the time that a slow volume has been read.
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(supervisor.want_reload, "its files have changed")

    return FileWatch(watched, reload, {snapshot.source: snapshot.digest})


def _reloader(load_again: Callable[[], Loaded], report: Report) -> Callable[[], Loaded]:
    def reload() -> Loaded:
        try:
            loaded = load_again()
        except RefusedError as refusal:
            raise NotLoadedError(str(refusal)) from refusal
        if loaded.snapshot is None:
            raise NotLoadedError(render_text(loaded.problems).rstrip("\n"))
        for line in render_text(loaded.problems).splitlines():
            report("warning", line)
        return loaded

    return reload


def _announce(snapshot: Snapshot, supervisor: Supervisor, admin_url: str) -> None:
    urls = supervisor.urls()
    text = f"cors-gateway {__version__} listening on {', '.join(urls)}\n"
    if admin_url:
        text += f"cors-gateway: admin on {admin_url}\n"
    if supervisor.is_watched:
        text += f"cors-gateway: watching {snapshot.source}\n"
    if sys.stdout.isatty():
        colour = has_colours(sys.stdout)
        text += welcome(snapshot, urls, admin_url=admin_url or None, colour=colour)
    # Nobody has to read it.
    tell(text, sys.stdout)
