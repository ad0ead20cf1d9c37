"""Starting to serve: what ``run`` and ``proxy`` have in common once a configuration is loaded."""

import asyncio
import contextlib
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
from cors_gateway.process.listening import ListenError, bind, url_of
from cors_gateway.process.logging import is_json, report_event
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
        asyncio.run(_serve(loaded, snapshot, _reloader(load_again)))
    except (ListenError, StartError, GaveUpError) as error:
        raise RefusedError(str(error), Exit.COULD_NOT_START) from error
    return Exit.FINE


async def _serve(loaded: Loaded, snapshot: Snapshot, load_again: Callable[[], Loaded]) -> None:
    json_lines = is_json(snapshot.log, sys.stdout)

    def report(level: str, message: str) -> None:
        # Nobody has to read it.
        with contextlib.suppress(OSError, ValueError):
            report_event(level, message, json_lines=json_lines)

    async with AsyncExitStack() as stack:
        admin = _bind_admin(stack, snapshot.admin, report)
        supervisor = Supervisor(loaded, load_again, report)
        stack.push_async_callback(supervisor.close)
        await supervisor.start()
        admin_url = ""
        if admin is not None and snapshot.admin is not None:
            admin_url = url_of(admin, snapshot.admin.listener)
            # It takes a third of a second to import, which nobody without it should wait for.
            from cors_gateway.admin.server import serve_admin  # noqa: PLC0415

            await stack.enter_async_context(serve_admin(supervisor, admin, report))
        _announce(snapshot, supervisor.urls(), admin_url)
        await supervisor.run()


def _bind_admin(
    stack: AsyncExitStack, admin: Admin | None, report: Callable[[str, str], None]
) -> socket.socket | None:
    """Bind before anything starts; give way only with an address that nobody chose."""
    if admin is None:
        return None
    try:
        return stack.enter_context(bind(admin.listener, flag="--admin"))
    except ListenError as error:
        if not admin.is_default:
            raise
        report("warning", NO_ADMIN.format(error=error))
        return None


def _reloader(load_again: Callable[[], Loaded]) -> Callable[[], Loaded]:
    def reload() -> Loaded:
        try:
            loaded = load_again()
        except RefusedError as refusal:
            raise NotLoadedError(str(refusal)) from refusal
        if loaded.snapshot is None:
            raise NotLoadedError(render_text(loaded.problems).rstrip("\n"))
        sys.stderr.write(render_text(loaded.problems))
        return loaded

    return reload


def _announce(snapshot: Snapshot, urls: list[str], admin_url: str) -> None:
    # Nobody has to read it.
    with contextlib.suppress(OSError):
        print(f"cors-gateway {__version__} listening on {', '.join(urls)}", flush=True)
        if admin_url:
            print(f"cors-gateway: admin on {admin_url}", flush=True)
        if sys.stdout.isatty():
            colour = has_colours(sys.stdout)
            text = welcome(snapshot, urls, admin_url=admin_url or None, colour=colour)
            print(text, end="", flush=True)
