"""A gateway of this process and an API behind it, for one conversation after the other.

Hypothesis calls its tests many times, and shrinks what fails; so the event loop, the gateway and the
API are made once, and each example is one run of that loop.
"""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import h11
import uvloop

from cors_gateway.snapshot import Timeouts
from tests.fuzz.strict_reading import Request
from tests.wire.gateways import Gateway, route_to, snapshot_of
from tests.wire.raw_client import RawClient

__all__ = ["AnswersByH11", "Talking", "sends_pieces", "talking"]

T = TypeVar("T")

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]

CHUNK = 65536
PATIENCE = 60.0


class Talking:
    """The loop, the gateway and what the API does."""

    def __init__(self, loop: asyncio.AbstractEventLoop, serve: Serve) -> None:
        """Make a gateway that is not started.

        Args:
            loop: nobody else's.
            serve: what the API does with a connection; some outlast an example.
        """
        self._loop = loop
        self._serve = serve
        self._serving: set[asyncio.Task[None]] = set()
        self.gateway: Gateway

    def run(self, conversation: Coroutine[Any, Any, T]) -> T:
        """Run one conversation to its end, and see that nothing escaped to the event loop."""
        result = self._loop.run_until_complete(asyncio.wait_for(conversation, PATIENCE))
        for client in self.gateway.clients:
            client.closes()
        self.gateway.clients.clear()
        self.gateway.records.clear()
        assert self.gateway.faults == []
        return result

    async def start(self) -> None:
        listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        port = listener.getsockname()[1]
        self._server = await asyncio.start_server(self._accept, sock=listener)
        own = socket.create_server(("127.0.0.1", 0), backlog=512)
        timeouts = Timeouts(head=PATIENCE, content=PATIENCE, write=PATIENCE, keep_alive=PATIENCE)
        self.gateway = Gateway(snapshot_of(route_to(port), timeouts=timeouts), own)
        await self.gateway.start()

    async def stop(self) -> None:
        await self.gateway.stop()
        self._server.close()
        for task in self._serving:
            task.cancel()
        await asyncio.gather(*self._serving, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._serving.add(task)
        try:
            await self._serve(reader, writer)
        except OSError:
            pass  # the gateway has gone in the middle: some examples want that
        finally:
            self._serving.discard(task)
            writer.close()


@contextmanager
def talking(serve: Serve) -> Iterator[Talking]:
    """Start all of it; at the end see that nothing is left."""
    loop = uvloop.new_event_loop()
    rig = Talking(loop, serve)
    try:
        loop.run_until_complete(rig.start())
        yield rig
        loop.run_until_complete(rig.stop())
        loop.run_until_complete(loop.shutdown_asyncgens())
    finally:
        loop.close()


class AnswersByH11:
    """An API that reads by h11, notes each whole request and says which one it was."""

    def __init__(self) -> None:
        self.seen: list[Request] = []
        self.refused: list[str] = []
        """What h11 would not take: the gateway must not send such."""

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = h11.Connection(h11.SERVER)
        while True:
            try:
                event = connection.next_event()
            except h11.RemoteProtocolError as error:
                # The end in the middle of a request is what a client that goes away leads to.
                if connection.trailing_data != (b"", True):
                    self.refused.append(str(error))
                return
            if event is h11.NEED_DATA:
                connection.receive_data(await reader.read(CHUNK))
            elif isinstance(event, h11.Request):
                fields = tuple((bytes(name), bytes(value)) for name, value in event.headers)
                request, content = Request(event.method, event.target, 1, fields), b""
            elif isinstance(event, h11.Data):
                content += event.data
            elif isinstance(event, h11.EndOfMessage):
                self.seen.append(Request(request.method, request.target, 1, fields, content))
                headers = [("X-Serial", str(len(self.seen))), ("Content-Length", "2")]
                said = connection.send(h11.Response(status_code=200, headers=headers)) or b""
                if request.method != b"HEAD":
                    said += connection.send(h11.Data(data=b"ok")) or b""
                said += connection.send(h11.EndOfMessage()) or b""
                writer.write(said)
                await writer.drain()
                if connection.our_state is not h11.DONE or connection.their_state is not h11.DONE:
                    return
                connection.start_next_cycle()
            else:
                return


async def sends_pieces(client: RawClient, pieces: list[bytes]) -> None:
    """Send bytes in segments, as far as the gateway takes them."""
    try:
        for piece in pieces:
            await client.sends(piece)
            await asyncio.sleep(0)
    except OSError:
        pass  # it has refused something and closed
