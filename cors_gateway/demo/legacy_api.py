"""A small legacy API: orders, a login with a session cookie, an upload, and ways to fail.

It stands for the API that nobody can change: it answers what it is asked, ``OPTIONS`` with 405, and
has never heard of CORS. It keeps everything in memory and trusts everybody: it is for loopback.
What takes its time is in ``legacy_streams``.
"""

import asyncio
import hashlib
import secrets
from dataclasses import dataclass, field
from http import HTTPStatus
from json import JSONDecodeError
from typing import Any

from aiohttp import web

from cors_gateway.demo.legacy_streams import echo, send_events, send_lines

__all__ = ["legacy_api"]

MAX_ORDERS = 100
ONE_ORDER = "/orders/{number:[0-9]{1,9}}"
SESSION_COOKIE = "legacy_session"
UPLOAD_PAUSE = 0.01
"""Seconds to rest after each piece of an upload, so that a person sees it progress."""


@dataclass
class _Memory:
    """What the API remembers until it stops."""

    orders: dict[int, dict[str, Any]] = field(default_factory=dict)
    last_number: int = 0
    users: dict[str, str] = field(default_factory=dict)
    """Session → user."""


MEMORY = web.AppKey("memory", _Memory)


def legacy_api() -> web.Application:
    """Make the API, with two orders in it."""
    application = web.Application()
    application[MEMORY] = memory = _Memory()
    for item, count in [("green tea", 2), ("ginger biscuits", 12)]:
        _add_order(memory, {"item": item, "count": count})
    application.add_routes(
        [
            web.get("/orders", _list_orders),
            web.post("/orders", _create_order),
            web.get(ONE_ORDER, _show_order),
            web.put(ONE_ORDER, _change_order),
            web.delete(ONE_ORDER, _delete_order),
            web.post("/login", _log_in),
            web.get("/me", _who_am_i),
            web.post("/upload", _upload),
            web.get("/events", send_events),
            web.get("/echo", echo),
            web.get("/slow", send_lines),
            web.get("/broken", _break_down),
            web.get("/crash", _crash),
        ]
    )
    return application


def _problem(status: HTTPStatus, detail: str = "") -> web.Response:
    return web.json_response({"error": detail or status.phrase}, status=status)


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


def _add_order(memory: _Memory, content: dict[str, Any]) -> dict[str, Any]:
    memory.last_number += 1
    return _keep_order(memory, memory.last_number, content)


def _keep_order(memory: _Memory, number: int, content: dict[str, Any]) -> dict[str, Any]:
    """Keep an order under its number, whatever number its content claims."""
    memory.orders[number] = {"id": number} | content | {"id": number}
    return memory.orders[number]


async def _list_orders(request: web.Request) -> web.Response:
    orders = list(request.app[MEMORY].orders.values())
    return web.json_response(orders, headers={"X-Total-Count": str(len(orders))})


async def _create_order(request: web.Request) -> web.Response:
    memory = request.app[MEMORY]
    content = await _read_object(request)
    if len(memory.orders) >= MAX_ORDERS:
        return _problem(HTTPStatus.INSUFFICIENT_STORAGE)
    order = _add_order(memory, content)
    return web.json_response(
        order, status=HTTPStatus.CREATED, headers={"Location": f"/orders/{order['id']}"}
    )


async def _show_order(request: web.Request) -> web.Response:
    order = request.app[MEMORY].orders.get(int(request.match_info["number"]))
    return _problem(HTTPStatus.NOT_FOUND) if order is None else web.json_response(order)


async def _change_order(request: web.Request) -> web.Response:
    memory = request.app[MEMORY]
    number = int(request.match_info["number"])
    if not _has_token(request):
        return _problem(HTTPStatus.UNAUTHORIZED)
    content = await _read_object(request)
    if number not in memory.orders:
        return _problem(HTTPStatus.NOT_FOUND)
    return web.json_response(_keep_order(memory, number, content))


async def _delete_order(request: web.Request) -> web.Response:
    if not _has_token(request):
        return _problem(HTTPStatus.UNAUTHORIZED)
    if request.app[MEMORY].orders.pop(int(request.match_info["number"]), None) is None:
        return _problem(HTTPStatus.NOT_FOUND)
    return web.Response(status=HTTPStatus.NO_CONTENT)


def _has_token(request: web.Request) -> bool:
    return request.headers.get("Authorization", "").startswith("Bearer ")


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


async def _upload(request: web.Request) -> web.Response:
    digest, length = hashlib.sha256(), 0
    async for piece in request.content.iter_any():
        digest.update(piece)
        length += len(piece)
        await asyncio.sleep(UPLOAD_PAUSE)
    return web.json_response({"length": length, "sha256": digest.hexdigest()})


async def _break_down(_request: web.Request) -> web.Response:
    return _problem(
        HTTPStatus.INTERNAL_SERVER_ERROR, "the database is locked: ask Ada, and try again at ten"
    )


async def _crash(request: web.Request) -> web.Response:
    """Hang up without a word, as a server does whose process has just died."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response()
