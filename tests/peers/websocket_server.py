"""A WebSocket server by ``websockets``, for pages to talk to. It has never heard of origins.

``/echo/NAME`` sends back what it gets; ``/greet/NAME`` speaks first; ``/close/NAME?code=&reason=``
closes; ``/hold/NAME`` reads nothing until ``/release/NAME``; ``/refuse/NAME?status=`` refuses;
``/break/NAME`` drops a connection without a word. What the server notices is a line of JSON on its
output.
"""

import asyncio
import json
from collections import defaultdict
from collections.abc import Sequence
from http import HTTPStatus
from urllib.parse import parse_qsl, urlsplit

from websockets import ConnectionClosed
from websockets.asyncio.server import ServerConnection, serve
from websockets.http11 import Request, Response
from websockets.typing import Subprotocol

__all__: list[str] = []

BLANK = "<!doctype html><title>a page</title><link rel=icon href=data:,>"
SUBPROTOCOLS = (Subprotocol("orders.v2"), Subprotocol("orders.v1"))

connections: dict[str, ServerConnection] = {}
released: defaultdict[str, asyncio.Event] = defaultdict(asyncio.Event)


def note(what: str, name: str, **more: object) -> None:
    print(json.dumps({"what": what, "name": name, **more}, separators=(",", ":")), flush=True)


def read_target(target: str) -> tuple[str, str, dict[str, str]]:
    """Return what is asked for, of which name, and the query."""
    parts = urlsplit(target)
    what, _, name = parts.path.removeprefix("/").partition("/")
    return what, name, dict(parse_qsl(parts.query, keep_blank_values=True))


def look_at(connection: ServerConnection, request: Request) -> Response | None:
    """Answer what is no handshake, or is to be refused."""
    what, name, query = read_target(request.path)
    match what:
        case "blank":
            page = connection.respond(HTTPStatus.OK, BLANK)
            del page.headers["Content-Type"]
            page.headers["Content-Type"] = "text/html"
            return page
        case "release":
            released[name].set()
        case "break":
            connections[name].transport.abort()
        case "refuse":
            note("asked", name)
            return connection.respond(HTTPStatus(int(query["status"])), "no")
        case _:
            fields = {key.lower(): value for key, value in request.headers.raw_items()}
            note("asked", name, fields=fields)
            if what == "hold":
                # What is to fill buffers must not be compressed.
                request.headers.pop("Sec-WebSocket-Extensions", None)
            return None
    return connection.respond(HTTPStatus.NO_CONTENT, "")


def choose(_: ServerConnection, offered: Sequence[Subprotocol]) -> Subprotocol | None:
    """Choose the best that is offered; a page need not offer any."""
    return next((protocol for protocol in SUBPROTOCOLS if protocol in offered), None)


async def talk(connection: ServerConnection) -> None:
    assert connection.request is not None
    what, name, query = read_target(connection.request.path)
    connections[name] = connection
    note("opened", name)
    try:
        if what == "greet":
            await connection.send("welcome ☕")
        elif what == "close":
            await connection.close(int(query["code"]), query["reason"])
        elif what == "hold":
            await released[name].wait()
        async for message in connection:
            if what == "hold":
                note("received", name, length=len(message))
            else:
                await connection.send(message)
    except ConnectionClosed:
        pass
    finally:
        await connection.wait_closed()
        note("closed", name, code=connection.close_code, reason=connection.close_reason)


async def main() -> None:
    async with serve(
        talk, "127.0.0.1", 0, select_subprotocol=choose, process_request=look_at, max_size=None
    ) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        print(f"listening on http://127.0.0.1:{port}", flush=True)
        await asyncio.get_running_loop().create_future()


if __name__ == "__main__":
    asyncio.run(main())
