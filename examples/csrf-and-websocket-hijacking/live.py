"""The bank's notices by WebSocket, for whoever has the session cookie. It never looks at Origin."""

import asyncio
import json
import os
from http import HTTPStatus
from http.cookies import SimpleCookie

from bank import app
from flask.sessions import SecureCookieSessionInterface
from itsdangerous import BadData
from websockets.asyncio.server import ServerConnection, serve
from websockets.http11 import Request, Response

hits: list[str] = []
serializer = SecureCookieSessionInterface().get_signing_serializer(app)


def user_of(request: Request | None) -> str | None:
    if request is None or serializer is None:
        return None
    cookies = SimpleCookie(request.headers.get("Cookie", ""))
    try:
        return str(serializer.loads(cookies["session"].value)["user"])
    except (KeyError, BadData):
        return None


def count_the_hit(connection: ServerConnection, request: Request) -> Response | None:
    if request.path == "/hits":
        return connection.respond(HTTPStatus.OK, json.dumps(hits))
    user = user_of(request)
    hits.append(f"GET {request.path}")
    print(f"hit {len(hits)}: {hits[-1]} as {user or 'nobody'}", flush=True)
    return None if user else connection.respond(HTTPStatus.UNAUTHORIZED, "log in first\n")


async def tell(connection: ServerConnection) -> None:
    await connection.send(f"for {user_of(connection.request)} only: your new PIN is 4711")
    await connection.wait_closed()


async def main() -> None:
    port = int(os.environ["LIVE_PORT"])
    async with serve(tell, "127.0.0.1", port, process_request=count_the_hit):
        await asyncio.get_running_loop().create_future()


asyncio.run(main())
