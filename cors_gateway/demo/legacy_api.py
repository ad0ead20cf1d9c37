"""A small legacy API: orders, a login with a session cookie, an upload, a slow answer.

It stands for the API that nobody can change: it answers what it is asked, ``OPTIONS`` with 405, and
has never heard of CORS. It keeps everything in memory and trusts everybody: it is for loopback.
"""

import asyncio
import hashlib
import secrets
from dataclasses import dataclass, field
from http import HTTPStatus
from json import JSONDecodeError
from typing import Any

from aiohttp import web

__all__ = ["legacy_api"]

MAX_ORDERS = 100
SESSION_COOKIE = "legacy_session"
SLOW_LINES = 5
SLOW_SECONDS = 0.2


@dataclass
class _Memory:
    """What the API remembers until it stops."""

    orders: dict[int, dict[str, Any]] = field(default_factory=dict)
    users: dict[str, str] = field(default_factory=dict)
    """Session → user."""


MEMORY = web.AppKey("memory", _Memory)


def legacy_api() -> web.Application:
    """Make the API, with two orders in it."""
    application = web.Application()
    application[MEMORY] = _Memory(
        {
            1: {"id": 1, "item": "green tea", "count": 2},
            2: {"id": 2, "item": "ginger biscuits", "count": 12},
        }
    )
    application.add_routes(
        [
            web.get("/orders", _list_orders),
            web.post("/orders", _create_order),
            web.put("/orders/{number:[0-9]{1,9}}", _change_order),
            web.post("/login", _log_in),
            web.get("/me", _who_am_i),
            web.get("/broken", _break_down),
            web.post("/upload", _upload),
            web.get("/slow", _answer_slowly),
        ]
    )
    return application


def _problem(status: HTTPStatus) -> web.Response:
    return web.json_response({"error": status.phrase}, status=status)


async def _read_object(request: web.Request) -> dict[str, Any]:
    try:
        value = await request.json()
    except (JSONDecodeError, UnicodeDecodeError, LookupError):
        value = None
    if not isinstance(value, dict):
        raise web.HTTPBadRequest(
            text='{"error": "a JSON object is expected"}', content_type="application/json"
        )
    return value


async def _list_orders(request: web.Request) -> web.Response:
    orders = list(request.app[MEMORY].orders.values())
    return web.json_response(orders, headers={"X-Total-Count": str(len(orders))})


async def _create_order(request: web.Request) -> web.Response:
    orders = request.app[MEMORY].orders
    content = await _read_object(request)
    if len(orders) >= MAX_ORDERS:
        return _problem(HTTPStatus.INSUFFICIENT_STORAGE)
    order = {**content, "id": max(orders) + 1}
    orders[order["id"]] = order
    return web.json_response(
        order, status=HTTPStatus.CREATED, headers={"Location": f"/orders/{order['id']}"}
    )


async def _change_order(request: web.Request) -> web.Response:
    orders = request.app[MEMORY].orders
    number = int(request.match_info["number"])
    if not request.headers.get("Authorization", "").startswith("Bearer "):
        return _problem(HTTPStatus.UNAUTHORIZED)
    content = await _read_object(request)
    if number not in orders:
        return _problem(HTTPStatus.NOT_FOUND)
    orders[number] = {**content, "id": number}
    return web.json_response(orders[number])


async def _log_in(request: web.Request) -> web.Response:
    users = request.app[MEMORY].users
    user = str((await _read_object(request)).get("user", "guest"))[:64]
    if len(users) >= MAX_ORDERS:
        users.clear()
    session = secrets.token_urlsafe()
    users[session] = user
    response = web.json_response({"user": user})
    response.set_cookie(SESSION_COOKIE, session, httponly=True, samesite="Lax")
    return response


async def _who_am_i(request: web.Request) -> web.Response:
    user = request.app[MEMORY].users.get(request.cookies.get(SESSION_COOKIE, ""))
    if user is None:
        return _problem(HTTPStatus.UNAUTHORIZED)
    return web.json_response({"user": user})


async def _break_down(_request: web.Request) -> web.Response:
    return _problem(HTTPStatus.INTERNAL_SERVER_ERROR)


async def _upload(request: web.Request) -> web.Response:
    digest, length = hashlib.sha256(), 0
    async for piece in request.content.iter_any():
        digest.update(piece)
        length += len(piece)
    return web.json_response({"length": length, "sha256": digest.hexdigest()})


async def _answer_slowly(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "text/plain; charset=utf-8"})
    await response.prepare(request)
    for number in range(1, SLOW_LINES + 1):
        await response.write(f"line {number} of {SLOW_LINES}\n".encode())
        await asyncio.sleep(SLOW_SECONDS)
    return response
