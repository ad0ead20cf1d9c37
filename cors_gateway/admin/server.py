"""The admin listener: its paths, and what holds for every request to it.

Decides who is answered and in which form; what the answers say is for the modules beside this one.
Nothing changes by GET, and one path alone takes POST. Whatever fails inside is told to the operator and
answered with 500.
"""

import asyncio
import contextlib
import json
import socket
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

from aiohttp import web

from cors_gateway import __version__
from cors_gateway.admin.asking import EXAMPLE, explain_as_json, explain_as_text, read_question
from cors_gateway.admin.clients import Clients, Report, mark, prolong
from cors_gateway.admin.health import describe, spell_time, unreadiness
from cors_gateway.admin.hosts import HostError, check_host
from cors_gateway.admin.metrics import expose, look_at
from cors_gateway.admin.overview import Overview, served
from cors_gateway.admin.processes import Processes
from cors_gateway.admin.reloading import Reloading
from cors_gateway.admin.senders import SenderError, check_sender
from cors_gateway.admin.turns import BusyError, Turns
from cors_gateway.config.load import Loaded
from cors_gateway.config.render import effective_settings, render
from cors_gateway.explain.listing import routes_as_data
from cors_gateway.explain.question import QuestionError
from cors_gateway.snapshot import Snapshot

__all__ = ["PATHS", "Serving", "serve_admin"]

PATHS = {
    "/livez": "the process answers; /healthz is the same",
    "/readyz": "whether requests are served; ?verbose says more",
    "/metrics": "numbers for Prometheus",
    "/config": "the configuration that is served; ?format=yaml",
    "/routes": "the routes, in the order in which they are tried",
    "/explain": f"what becomes of a request, and why: {EXAMPLE}",
    "/reload": "by POST: load the configuration again, and say what has changed",
}
"""Each path, and what it is for."""

READING = ("GET", "HEAD")
CHANGING = ("POST",)
CHANGED_BY = frozenset({"/reload"})
"""Paths by which something changes; all others are for reading."""

FAREWELL = 0.5
"""Seconds for answers that are being made when admin ends."""

PLAIN = "text/plain"
JSON = "application/json"
FORMATS_OF_CONFIG = ("json", "yaml")
FORMATS_OF_EXPLAIN = ("json", "text")
FORMATS_OF_RELOAD = ("json", "text")

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True)
class Serving:
    """Admin on one socket."""

    stop_listening: Callable[[], None]
    """Takes no more connections; the socket is closed."""
    wait_until_gone: Callable[[], Awaitable[None]]
    """Waits for those that there are."""


@contextlib.asynccontextmanager
async def serve_admin(
    overview: Overview, sock: socket.socket, report: Report
) -> AsyncIterator[Serving]:
    """Answer on a listening socket, which is closed at the end.

    Args:
        overview: the gateway.
        sock: bound; TCP or unix.
        report: tells the operator what failed: a level and a message.
    """
    # Signals are the supervisor's. What is answered at the end is not waited for: a job cannot be
    # stopped.
    application = _application(overview, report)
    runner = web.AppRunner(application, handle_signals=False, shutdown_timeout=FAREWELL)
    await runner.setup()
    if runner.server is None:
        raise RuntimeError("aiohttp has made no server")
    clients = Clients(runner.server, report)
    loop = asyncio.get_running_loop()
    create: Any = loop.create_unix_server if sock.family == socket.AF_UNIX else loop.create_server
    listening: asyncio.Server = await create(clients, sock=sock)
    try:
        yield Serving(listening.close, clients.wait_until_gone)
    finally:
        listening.close()
        clients.close()
        await runner.cleanup()


def _application(overview: Overview, report: Report) -> web.Application:
    pages = _Pages(overview)
    application = web.Application(middlewares=[_guard(overview, report)])
    application.on_response_prepare.append(_mark)
    application.router.add_routes(
        [
            web.get("/", pages.index),
            web.get("/livez", pages.livez),
            web.get("/healthz", pages.livez),
            web.get("/readyz", pages.readyz),
            web.get("/metrics", pages.metrics),
            web.get("/config", pages.config),
            web.get("/routes", pages.routes),
            web.get("/explain", pages.explain),
            web.post("/reload", pages.reload),
        ]
    )
    return application


async def _mark(_request: web.Request, answer: web.StreamResponse) -> None:
    mark(answer.headers)


def _guard(overview: Overview, report: Report) -> Any:
    """Make what stands before every page: who may ask, and what an answer is like."""

    @web.middleware
    async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            answer = _refuse(request, overview) or await handler(request)
        except HostError as error:
            answer = _text(str(error), error.status)
        except SenderError as error:
            answer = _text(str(error), 403)
        except QuestionError as error:
            answer = _text(str(error), 400)
        except BusyError:
            answer = _text("there is too much to do, ask again in a while", 503)
            answer.headers["Retry-After"] = "5"
        except web.HTTPNotFound:
            answer = _text(f"there is nothing here\n\n{_list_paths()}", 404)
        except Exception as error:  # noqa: BLE001 - admin lives on
            report("error", f"admin: {request.path!a} failed: {_locate(error)}")
            answer = _text("it failed; the log says more", 500)
        # One answer for a connection, so that nobody can keep one.
        answer.force_close()
        return answer

    return guard


def _refuse(request: web.Request, overview: Overview) -> web.Response | None:
    """Look at what has nothing to do with the page that is asked for.

    Raises:
        HostError: it is called by a name that it must not have.
        web.HTTPNotFound: there is no such page.
        SenderError: it would change something, and a page sends it that must not.
    """
    admin, lines = served(overview).admin, request.headers.getall
    check_host(lines("Host", []), admin.hosts if admin else ())
    if not request.raw_path.startswith("/"):
        return _text("ask for a path", 400)
    if isinstance(request.match_info.http_exception, web.HTTPNotFound):
        # Said before what else is wrong with it: with another method nothing would be here either.
        raise request.match_info.http_exception
    methods = CHANGING if request.path in CHANGED_BY else READING
    if request.method not in methods:
        verb = "is" if len(methods) == 1 else "are"
        answer = _text(f"only {' and '.join(methods)} {verb} answered here", 405)
        answer.headers["Allow"] = ", ".join(methods)
        return answer
    if methods is CHANGING:
        check_sender(
            lines("Host")[0], lines("Origin", []), lines("Sec-Fetch-Site", []), lines("Referer", [])
        )
    if request.body_exists:
        return _text("no request has content here", 413)
    return None


class _Pages:
    """What is answered on each path."""

    def __init__(self, overview: Overview) -> None:
        self._overview = overview
        self._explanations = Turns()
        # Apart, so that who asks much keeps no numbers from anyone.
        self._documents = Turns()
        self._processes = Processes()
        self._reloading = Reloading(overview)

    async def index(self, _request: web.Request) -> web.Response:
        return _text(f"cors-gateway {__version__}\n\n{_list_paths()}")

    async def livez(self, _request: web.Request) -> web.Response:
        return _text("ok")

    async def readyz(self, request: web.Request) -> web.Response:
        why = unreadiness(self._overview)
        status = 503 if why else 200
        if "verbose" in request.query:
            return _text(describe(self._overview), status)
        return _text(f"not ready: {why}" if why else "ok", status)

    async def metrics(self, request: web.Request) -> web.Response:
        tally = await self._overview.gather()
        facts = look_at(self._overview)
        accept = ",".join(request.headers.getall("Accept", []))
        content, content_type = await self._documents.do(
            lambda: expose(facts, tally, self._processes, accept)
        )
        return web.Response(body=content, headers={"Content-Type": content_type})

    async def config(self, request: web.Request) -> web.Response:
        form = _form_of(request, FORMATS_OF_CONFIG)
        loaded, snapshot = self._overview.loaded, served(self._overview)
        loaded_at = self._overview.loaded_at
        if form == "yaml":
            text = await self._documents.do(lambda: render(loaded))
            return web.Response(text=text, content_type="application/yaml")
        return _json(await self._documents.do(lambda: _config_as_json(loaded, snapshot, loaded_at)))

    async def routes(self, _request: web.Request) -> web.Response:
        snapshot = served(self._overview)
        return _json(await self._documents.do(lambda: _to_json(routes_as_data(snapshot))))

    async def explain(self, request: web.Request) -> web.Response:
        form = _form_of(request, FORMATS_OF_EXPLAIN)
        loaded, snapshot = self._overview.loaded, served(self._overview)
        question = read_question(request.query.items(), snapshot)
        if form == "text" or (not form and _prefers_text(request)):
            return _text(
                await self._explanations.do(lambda: explain_as_text(loaded, snapshot, question))
            )
        return _json(
            await self._explanations.do(lambda: explain_as_json(loaded, snapshot, question))
        )

    async def reload(self, request: web.Request) -> web.Response:
        form = _form_of(request, FORMATS_OF_RELOAD)
        is_json = form == "json" or (not form and _prefers_json(request))
        prolong(request)
        status, text, data = await self._reloading.reload()
        answer = _json(_to_json(data), status) if is_json else _text(text, status)
        if status == 503:
            answer.headers["Retry-After"] = "5"
        return answer


def _form_of(request: web.Request, forms: tuple[str, ...]) -> str:
    """Read which form is wanted; empty where nothing is said.

    Raises:
        QuestionError: there is no such form.
    """
    form = request.query.get("format", "")
    if form and form not in forms:
        raise QuestionError(f"format is {' or '.join(forms)}, not {form!a}")
    return form


def _prefers_text(request: web.Request) -> bool:
    accepted = _accepted(request)
    return PLAIN in accepted and JSON not in accepted


def _prefers_json(request: web.Request) -> bool:
    accepted = _accepted(request)
    return JSON in accepted and PLAIN not in accepted


def _accepted(request: web.Request) -> set[str]:
    return {
        item.partition(";")[0].strip().lower()
        for line in request.headers.getall("Accept", [])
        for item in line.split(",")
    }


def _config_as_json(loaded: Loaded, snapshot: Snapshot, loaded_at: float) -> str:
    return _to_json(
        {
            "source": snapshot.source,
            "digest": snapshot.digest,
            "loadedAt": spell_time(loaded_at),
            "settings": effective_settings(loaded),
        }
    )


def _to_json(data: object) -> str:
    return json.dumps(data, indent=2, ensure_ascii=False) + "\n"


def _json(text: str, status: int = 200) -> web.Response:
    return web.Response(text=text, status=status, content_type=JSON)


def _text(text: str, status: int = 200) -> web.Response:
    if not text.endswith("\n"):
        text += "\n"
    return web.Response(text=text, status=status, content_type=PLAIN)


def _list_paths() -> str:
    width = max(map(len, PATHS))
    return "".join(f"{path:{width}}  {use}\n" for path, use in PATHS.items())


def _locate(error: Exception) -> str:
    """Say in one line what failed, and where."""
    frames = traceback.extract_tb(error.__traceback__)
    places = [f"{PurePath(frame.filename).name}:{frame.lineno} {frame.name}" for frame in frames]
    return ": ".join([*places, repr(error)])
