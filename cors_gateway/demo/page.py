"""The page's server: its files, the calls that it makes, and why they end as they do.

The page stands on an origin of its own, which is what makes a browser ask for CORS. Nothing on it
comes from elsewhere, and its Content-Security-Policy says so. It can ask only for what is in
``calls``: this server fetches no address that a page names.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from importlib.resources import files
from urllib.parse import urlsplit

from aiohttp import ClientSession, web

from cors_gateway.demo.calls import CALLS
from cors_gateway.demo.places import Places
from cors_gateway.demo.reasons import AT_ONCE, explain_call

__all__ = ["page"]

FILES = {
    "/": ("index.html", "text/html"),
    "/style.css": ("style.css", "text/css"),
    "/cards.css": ("cards.css", "text/css"),
    "/icon.svg": ("icon.svg", "image/svg+xml"),
    "/theme.js": ("theme.js", "text/javascript"),
    "/main.js": ("main.js", "text/javascript"),
    "/calling.js": ("calling.js", "text/javascript"),
    "/cards.js": ("cards.js", "text/javascript"),
    "/reasons.js": ("reasons.js", "text/javascript"),
    "/markup.js": ("markup.js", "text/javascript"),
}
"""Path → file in the package, and its media type."""

PLACES = web.AppKey("places", Places)
SESSION = web.AppKey("session", ClientSession)
TURNS = web.AppKey("turns", asyncio.Semaphore)
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def page(places: Places) -> web.Application:
    """Make the page's server.

    Args:
        places: where everything is; looked at anew for each request.
    """
    application = web.Application(middlewares=[_stay_at_home])
    application[PLACES] = places
    application[TURNS] = asyncio.Semaphore(AT_ONCE)
    application.cleanup_ctx.append(_session)
    application.on_response_prepare.append(_protect)
    application.add_routes([web.get(path, _show) for path in FILES])
    application.add_routes(
        [web.get("/demo.json", _tell_what_to_call), web.get("/reasons/{name}", _tell_why)]
    )
    return application


async def _session(application: web.Application) -> AsyncIterator[None]:
    async with ClientSession() as session:
        application[SESSION] = session
        yield


@web.middleware
async def _stay_at_home(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Have one origin, which is the one that the policy names, and no other name lead here."""
    home = request.app[PLACES].page
    if request.host != urlsplit(home).netloc:
        raise web.HTTPFound(f"{home}/")
    return await handler(request)


async def _protect(request: web.Request, response: web.StreamResponse) -> None:
    places = request.app[PLACES]
    called = [place for place in (places.api, places.gateway) if place]
    sockets = [place.replace("http", "ws", 1) for place in called]
    reachable = " ".join(["'self'", *called, *sockets])
    response.headers["Content-Security-Policy"] = (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
        f"connect-src {reachable}; base-uri 'none'; "
        "form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; "
        "trusted-types 'none'"
    )
    response.headers["X-Content-Type-Options"] = "nosniff"
    # Ports are given out again: what another demonstration left behind would be shown.
    response.headers["Cache-Control"] = "no-store"


async def _show(request: web.Request) -> web.Response:
    name, media_type = FILES[request.path]
    content = files("cors_gateway.demo").joinpath("web", name).read_bytes()
    return web.Response(body=content, content_type=media_type, charset="utf-8")


async def _tell_what_to_call(request: web.Request) -> web.Response:
    places = request.app[PLACES]
    return web.json_response(
        {
            "page": places.page,
            "api": places.api,
            "gateway": places.gateway,
            "admin": places.admin,
            "config": str(places.config),
            "calls": [call.as_data() for call in CALLS],
        }
    )


async def _tell_why(request: web.Request) -> web.Response:
    call = next((call for call in CALLS if call.name == request.match_info["name"]), None)
    if call is None:
        raise web.HTTPNotFound
    app = request.app
    return web.json_response(await explain_call(app[SESSION], call, app[PLACES], app[TURNS]))
