"""``python -m cors_gateway.demo``: the legacy API, its page, and the gateway between them.

The gateway is a child process started by its own command; where it listens is read from the line
that it prints. Signals are passed on to it, and its end is the end of the demonstration.
"""

import argparse
import asyncio
import os
import re
import signal
import socket
import sys
from contextlib import AsyncExitStack
from pathlib import Path
from urllib.parse import urlsplit

from aiohttp import web

from cors_gateway.demo.legacy_api import legacy_api
from cors_gateway.demo.page import page

__all__ = ["main"]

DEFAULT_HOST, DEFAULT_PORT = "127.0.0.1", 8080
UPSTREAM_VARIABLE = "LEGACY_API_URL"
"""What the example configuration names as the address of the API."""
LISTENING = re.compile(rb"listening on (https?://[^\s,]+)")
LOOPBACK_NAMES = frozenset({"0.0.0.0", "127.0.0.1", "::", "::1"})  # noqa: S104 - compared, not bound


def main(arguments: list[str] | None = None) -> int:
    """Run the demonstration until a signal or until the gateway ends; return its exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m cors_gateway.demo",
        description="A legacy API without CORS, a page on another origin, and the gateway.",
    )
    parser.add_argument("--config", type=Path, default=Path("config/gateway.yaml"), metavar="FILE")
    parser.add_argument("--listen", metavar="ADDR", help="where the gateway listens")
    parser.add_argument(
        "--api-port", type=int, default=0, metavar="PORT", help="default: a free one"
    )
    parser.add_argument(
        "--page-port", type=int, default=0, metavar="PORT", help="default: a free one"
    )
    options = parser.parse_args(arguments)
    if not options.config.is_file():
        parser.error(f"{options.config} is not there: name a configuration by --config FILE")
    try:
        return asyncio.run(_demonstrate(options))
    except BrokenPipeError:
        # Who read our output has seen enough, as in `make run | head`.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        sys.stderr.write(f"demo: could not start: {error.strerror or error}\n")
        return 3


async def _demonstrate(options: argparse.Namespace) -> int:
    async with AsyncExitStack() as stack:
        api_port = await _serve(stack, legacy_api(), options.api_port)
        child = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "cors_gateway", "run"),
            *("-c", str(options.config)),
            *("--listen", options.listen or _usual_address()),
            env={**os.environ, UPSTREAM_VARIABLE: f"http://127.0.0.1:{api_port}"},
            stdout=asyncio.subprocess.PIPE,
            # Out of the terminal's foreground, or ^C would reach it twice, which means "now".
            process_group=0,
        )
        stack.push_async_callback(_end, child)
        _pass_signals_on(child)
        while child.stdout and (line := await child.stdout.readline()):
            sys.stdout.write(line.decode(errors="backslashreplace"))
            if found := LISTENING.search(line):
                gateway = _address_for_browsers(found[1].decode())
                api = f"http://localhost:{api_port}"
                served = page(api=api, gateway=gateway)
                page_port = await _serve(stack, served, options.page_port)
                _say_where_to_look(api, gateway, f"http://localhost:{page_port}", options.config)
            sys.stdout.flush()
        return await child.wait()


async def _serve(stack: AsyncExitStack, application: web.Application, port: int) -> int:
    """Serve an application on loopback until the stack unwinds; return its port."""
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=1)
    await runner.setup()
    stack.push_async_callback(runner.cleanup)
    await web.TCPSite(runner, "127.0.0.1", port).start()
    bound: int = runner.addresses[0][1]
    return bound


def _usual_address() -> str:
    """Return the default address, or one with a free port if somebody listens there."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((DEFAULT_HOST, DEFAULT_PORT))
        except OSError as error:
            sys.stderr.write(
                f"demo: {DEFAULT_HOST}:{DEFAULT_PORT} cannot be had ({error.strerror}), so the "
                "gateway takes a free port; --listen ADDR chooses one\n"
            )
            return f"{DEFAULT_HOST}:0"
    return f"{DEFAULT_HOST}:{DEFAULT_PORT}"


def _address_for_browsers(bound: str) -> str:
    """Return the name under which a page's cookies count as same-site with the page."""
    address = urlsplit(bound)
    host = "localhost" if address.hostname in LOOPBACK_NAMES else address.hostname
    return f"{address.scheme}://{host}:{address.port}"


def _pass_signals_on(child: asyncio.subprocess.Process) -> None:
    def pass_on(number: signal.Signals) -> None:
        if child.returncode is None:
            child.send_signal(number)

    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, pass_on, number)


async def _end(child: asyncio.subprocess.Process) -> None:
    """Leave no gateway behind when the demonstration itself fails."""
    if child.returncode is None:
        child.terminate()
        await child.wait()


def _say_where_to_look(api: str, gateway: str, page_url: str, config: Path) -> None:
    sys.stdout.write(
        f"""
  {page_url}  open this: the page, which calls the API both ways
  {api}  the legacy API, which knows nothing of CORS
  {gateway}  the gateway in front of it, as {config} says

Or ask as a browser would:
  curl -i -H 'Origin: {page_url}' {gateway}/orders

"""
    )


if __name__ == "__main__":
    sys.exit(main())
