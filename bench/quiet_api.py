"""An API for connections that do nothing: an answer of two bytes, or an event stream that says one thing.

A program of its own: ``python -m bench.quiet_api PORT``.
"""

import asyncio
import sys
from typing import cast

import uvloop

__all__ = ["EVENTS", "OK"]

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
EVENTS = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: hello\n\n"
END = b"\r\n\r\n"


class Api(asyncio.Protocol):
    """One connection, on which requests have no content."""

    transport: asyncio.Transport

    def __init__(self) -> None:
        self.heads = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        *heads, self.heads = (self.heads + data).split(END)
        for head in heads:
            self.transport.write(EVENTS if head.startswith(b"GET /events ") else OK)


async def main(port: int) -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Api, "127.0.0.1", port, backlog=4096)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1])))
