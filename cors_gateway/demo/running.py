"""Running the demonstration: the legacy API, its page, and the gateway as a child process.

Where the gateway listens is read from the lines that it prints. A signal that says stop is passed
on to it, and its end is the end of the demonstration.
"""

import asyncio
import os
import re
import signal
import sys
from contextlib import AsyncExitStack
from pathlib import Path
from urllib.parse import urlsplit

from aiohttp import web

from cors_gateway.demo.leash import leashed
from cors_gateway.demo.legacy_api import legacy_api
from cors_gateway.demo.page import page
from cors_gateway.demo.places import Places

__all__ = ["demonstrate"]

FREE_PORT = "127.0.0.1:0"
LISTENING = re.compile(rb"cors-gateway \S+ listening on .*?(https?://[^\s,]+)")
ADMIN = re.compile(rb"cors-gateway: admin on (http://\S+)")
LOOPBACK_NAMES = frozenset({"0.0.0.0", "127.0.0.1", "::", "::1"})  # noqa: S104 - compared, not bound
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGQUIT, signal.SIGHUP)


class _Gateway:
    """The gateway's process, and whether it was asked to stop."""

    def __init__(self) -> None:
        self.process: asyncio.subprocess.Process | None = None
        self.is_asked_to_stop = False

    async def start(self, places: Places, listen: str) -> asyncio.subprocess.Process:
        argv = [sys.executable, "-P", "-m", "cors_gateway", "run", "-c", str(places.config)]
        argv += ["--listen", listen, "--admin", FREE_PORT, "--workers", "1"]
        # What somebody has set for a gateway of their own is not meant for this one.
        own = {name: v for name, v in os.environ.items() if not name.startswith("CORS_GATEWAY_")}
        self.process = await asyncio.create_subprocess_exec(
            *leashed(*argv),
            env={**own, **places.variables},
            stdout=asyncio.subprocess.PIPE,
            # Out of the terminal's foreground, or ^C would reach it twice, which means "now".
            process_group=0,
        )
        if self.is_asked_to_stop:
            self.process.terminate()
        return self.process

    def stop(self) -> None:
        """Pass on that it is time to stop; once more means now."""
        self.is_asked_to_stop = True
        if self.process is not None and self.process.returncode is None:
            # TERM, whichever it was: until the gateway listens INT would print a traceback.
            self.process.terminate()

    async def end(self) -> None:
        """Leave no gateway behind when the demonstration itself fails."""
        if self.process is not None and self.process.returncode is None:
            self.process.terminate()
            await self.process.wait()

    def exit_status(self, code: int) -> int:
        """Return what a shell would have for how it ended; an end that was asked for is fine."""
        if self.is_asked_to_stop and code == -signal.SIGTERM:
            return 0
        return code if code >= 0 else 128 - code


async def demonstrate(config: Path | None = None, listen: str | None = None) -> int:
    """Run until a signal or until the gateway ends; return its exit status.

    Args:
        config: what the gateway runs; by default what comes with the package.
        listen: where it listens; by default on a free port.

    Raises:
        OSError: what is served on loopback beside the gateway cannot be.
    """
    async with AsyncExitStack() as stack:
        places = Places(config or Path(__file__).with_name("gateway.yaml"))
        gateway = _Gateway()
        loop = asyncio.get_running_loop()
        for number in STOP_SIGNALS:
            loop.add_signal_handler(number, gateway.stop)
        places.api = f"http://localhost:{await _serve(stack, legacy_api())}"
        places.page = f"http://localhost:{await _serve(stack, page(places))}"
        places.variables = {
            "DEMO_PAGE_ORIGIN": places.page,
            "LEGACY_API_URL": places.api.replace("localhost", "127.0.0.1"),
        }
        stack.push_async_callback(gateway.end)
        process = await gateway.start(places, listen or FREE_PORT)
        await _follow(process, places)
        return gateway.exit_status(await process.wait())


async def _follow(gateway: asyncio.subprocess.Process, places: Places) -> None:
    """Pass on what the gateway prints, until it ends, and note where it listens."""
    while gateway.stdout and (line := await gateway.stdout.readline()):
        sys.stdout.write(line.decode(errors="backslashreplace"))
        if not places.gateway and (found := LISTENING.match(line)):
            places.gateway = _address_for_browsers(found[1].decode())
        elif not places.admin and (found := ADMIN.match(line)):
            places.admin = found[1].decode()
            _say_where_to_look(places)
        sys.stdout.flush()


async def _serve(stack: AsyncExitStack, application: web.Application) -> int:
    """Serve an application on loopback until the stack unwinds; return its port."""
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=1)
    await runner.setup()
    stack.push_async_callback(runner.cleanup)
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    bound: int = runner.addresses[0][1]
    return bound


def _address_for_browsers(bound: str) -> str:
    """Return the name under which a page's cookies count as same-site with the page."""
    address = urlsplit(bound)
    is_here = address.hostname in LOOPBACK_NAMES
    return f"{address.scheme}://localhost:{address.port}" if is_here else bound


def _say_where_to_look(places: Places) -> None:
    sys.stdout.write(
        f"""
  {places.page}  open this: a page that calls the API both ways, and says why
  {places.api}  the legacy API, which knows nothing of CORS
  {places.gateway}  the gateway in front of it, on {_shortest(places.config)}
  {places.admin}  its admin listener: /explain, /metrics, /readyz, /routes

Or ask as a browser would:
  curl -i -H 'Origin: {places.page}' {places.gateway}/orders

^C ends it. What follows is the gateway's log.

"""
    )


def _shortest(file: Path) -> Path:
    """Spell a file as a person in this directory would."""
    return file.relative_to(Path.cwd()) if file.is_relative_to(Path.cwd()) else file
