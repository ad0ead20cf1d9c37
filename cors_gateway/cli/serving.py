"""Starting to serve: what ``run`` and ``proxy`` have in common once a configuration is loaded."""

import asyncio
import socket
import sys
from collections.abc import Callable
from contextlib import AsyncExitStack

from cors_gateway import __version__
from cors_gateway.cli.colours import has_colours
from cors_gateway.cli.endings import Exit, RefusedError
from cors_gateway.cli.sources import snapshot_of
from cors_gateway.cli.welcome import welcome
from cors_gateway.config.load import Loaded
from cors_gateway.config.problems import render_text
from cors_gateway.process.listening import ListenError, url_of
from cors_gateway.process.logging import Report, describe_fault, is_json, reporter, tell
from cors_gateway.process.socket_table import SocketTable
from cors_gateway.process.supervisor import GaveUpError, NotLoadedError, StartError, Supervisor
from cors_gateway.snapshot import Admin, Snapshot
from cors_gateway.wire.heads import has_c_parser

__all__ = ["serve"]

NO_C_PARSER = (
    "aiohttp came without its C parser, and what reads requests without it is not strict enough: "
    "install an aiohttp wheel for this platform, and unset AIOHTTP_NO_EXTENSIONS"
)
NO_ADMIN = "there is no admin listener, {error}; --admin off does without"


def serve(loaded: Loaded, load_again: Callable[[], Loaded]) -> int:
    """Listen, say so in one line, and serve until a signal says stop.

    Args:
        loaded: what to serve.
        load_again: gives what a reload is to serve.

    Raises:
        RefusedError: it could not start, or not go on.
    """
    snapshot = snapshot_of(loaded)
    if not has_c_parser():
        raise RefusedError(NO_C_PARSER, Exit.COULD_NOT_START)
    try:
        asyncio.run(_serve(loaded, snapshot, load_again))
    except (ListenError, StartError, GaveUpError) as error:
        raise RefusedError(str(error), Exit.COULD_NOT_START) from error
    return Exit.FINE


async def _serve(loaded: Loaded, snapshot: Snapshot, load_again: Callable[[], Loaded]) -> None:
    report = reporter(snapshot.log, json_lines=is_json(snapshot.log, sys.stdout))
    asyncio.get_running_loop().set_exception_handler(
        lambda _, context: report("error", describe_fault(context))
    )
    async with AsyncExitStack() as stack:
        admin_sockets = SocketTable("--admin")
        stack.callback(admin_sockets.close)
        admin = snapshot.admin
        if admin is not None and not admin.is_default:
            admin_sockets.take([admin.listener], 1)
        supervisor = Supervisor(loaded, _reloader(load_again, report), report)
        stack.push_async_callback(supervisor.close)
        if not await supervisor.start():
            return
        admin_url = ""
        if admin is not None and (sock := _admin_socket(admin_sockets, admin, report)):
            admin_url = url_of(sock, admin.listener)
            # It takes a third of a second to import, which nobody without it should wait for.
            from cors_gateway.admin.server import serve_admin  # noqa: PLC0415

            await stack.enter_async_context(serve_admin(supervisor, sock, report))
        _announce(snapshot, supervisor.urls(), admin_url)
        await supervisor.run()


def _admin_socket(sockets: SocketTable, admin: Admin, report: Report) -> socket.socket | None:
    """Give what was bound before anything started, or bind an address that nobody chose.

    That one gives way, also to the gateway's own listeners.
    """
    try:
        [[sock]] = sockets.take([admin.listener], 1)
    except ListenError as error:
        report("warning", NO_ADMIN.format(error=error))
        return None
    return sock


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


def _announce(snapshot: Snapshot, urls: list[str], admin_url: str) -> None:
    text = f"cors-gateway {__version__} listening on {', '.join(urls)}\n"
    if admin_url:
        text += f"cors-gateway: admin on {admin_url}\n"
    if sys.stdout.isatty():
        colour = has_colours(sys.stdout)
        text += welcome(snapshot, urls, admin_url=admin_url or None, colour=colour)
    # Nobody has to read it.
    tell(text, sys.stdout)
