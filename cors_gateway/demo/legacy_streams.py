"""What of the legacy API takes its time: server-sent events, a slow answer, a WebSocket.

Like the rest of it, this has never heard of CORS or of origins.
"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress

from aiohttp import WSMsgType, web

__all__ = ["echo", "send_events", "send_lines"]

PIECES = 5
PAUSE = 0.2
"""Seconds between two pieces."""
MAX_MESSAGE = 64 * 1024


async def send_events(request: web.Request) -> web.StreamResponse:
    """Send some events, and end the stream."""
    events = [
        f"id: {number}\ndata: parcel {number} has left\n\n" for number in range(1, PIECES + 1)
    ]
    return await _send(request, "text/event-stream", events)


async def send_lines(request: web.Request) -> web.StreamResponse:
    """Send an answer line by line."""
    lines = [f"line {number} of {PIECES}\n" for number in range(1, PIECES + 1)]
    return await _send(request, "text/plain; charset=utf-8", lines)


async def _send(
    request: web.Request, content_type: str, pieces: Sequence[str]
) -> web.StreamResponse:
    response = web.StreamResponse(
        headers={"Content-Type": content_type, "Cache-Control": "no-store"}
    )
    # Whoever listens may leave at any time.
    with suppress(ConnectionResetError):
        await response.prepare(request)
        for piece in pieces:
            await response.write(piece.encode())
            await asyncio.sleep(PAUSE)
    return response


async def echo(request: web.Request) -> web.WebSocketResponse:
    """Send each message back, to whoever connects."""
    socket = web.WebSocketResponse(max_msg_size=MAX_MESSAGE)
    await socket.prepare(request)
    async for message in socket:
        if message.type is WSMsgType.TEXT:
            await socket.send_str(message.data)
        elif message.type is WSMsgType.BINARY:
            await socket.send_bytes(message.data)
    return socket
