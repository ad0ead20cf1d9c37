"""The page that calls the legacy API twice, straight and through the gateway.

It is one file without anything from elsewhere; the two addresses come to it as JSON. It is served
on an origin of its own, which is what makes a browser ask for CORS.
"""

from importlib.resources import files

from aiohttp import web

__all__ = ["page"]


def page(*, api: str, gateway: str) -> web.Application:
    """Make the page's server.

    Args:
        api: where a browser reaches the API itself, e.g. ``http://localhost:5000``.
        gateway: where it reaches the same API through the gateway.
    """
    html = files("cors_gateway.demo").joinpath("page.html").read_text("utf-8")

    async def show(_request: web.Request) -> web.Response:
        return web.Response(text=html, content_type="text/html")

    async def tell_addresses(_request: web.Request) -> web.Response:
        return web.json_response({"api": api, "gateway": gateway})

    application = web.Application()
    application.add_routes([web.get("/", show), web.get("/addresses.json", tell_addresses)])
    return application
