"""WebSocket by the ``websockets`` library on both sides: what it says direct, it says through.

Each test opens two connections, one to the server itself and one through the gateway, does the
same on both, and compares what either side has seen.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.http11 import Request, Response
from websockets.protocol import State
from websockets.typing import Origin, Subprotocol

from tests.real.caller import ORIGIN
from tests.real.conftest import GatewayTo

MEBIBYTE = 1024 * 1024
SECONDS = 30.0
SUBPROTOCOLS = (Subprotocol("orders.v2"), Subprotocol("orders.v1"))


@dataclass
class Seen:
    """What the server has seen of one connection."""

    messages: list[str | bytes] = field(default_factory=list)
    pongs: int = 0
    code: int | None = None
    reason: str | None = None
    ended: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass
class Server:
    """A server that sends every message back, and notes what it sees."""

    port: int = 0
    requests: list[Request] = field(default_factory=list)
    connections: list[ServerConnection] = field(default_factory=list)
    seen: list[Seen] = field(default_factory=list)

    def look_at(self, connection: ServerConnection, request: Request) -> Response | None:
        self.requests.append(request)
        if request.path.startswith("/refuse/"):
            return connection.respond(int(request.path.rpartition("/")[2]), "no\n")
        return None

    async def talk(self, connection: ServerConnection) -> None:
        self.connections.append(connection)
        self.seen.append(seen := Seen())
        try:
            async for message in connection:
                seen.messages.append(message)
                await connection.send(message)
        except ConnectionClosed:
            pass
        finally:
            seen.code, seen.reason = connection.close_code, connection.close_reason
            seen.ended.set()


def choose(_: ServerConnection, offered: Sequence[Subprotocol]) -> Subprotocol | None:
    return next((one for one in SUBPROTOCOLS if one in offered), None)


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    state = Server()
    async with serve(
        state.talk,
        "127.0.0.1",
        0,
        process_request=state.look_at,
        select_subprotocol=choose,
        max_size=None,
    ) as running:
        state.port = next(iter(running.sockets)).getsockname()[1]
        yield state


@dataclass
class Pair:
    """Connections to the same server: direct, and through the gateway."""

    direct: ClientConnection
    through: ClientConnection

    async def both(self, use: Callable[[ClientConnection], Awaitable[Any]]) -> None:
        """Do the same on both and see that it comes to the same."""
        async with asyncio.timeout(SECONDS):
            assert await use(self.through) == await use(self.direct)


async def opened(url: str, **settings: Any) -> ClientConnection:
    return await connect(
        url, origin=Origin(ORIGIN), max_size=None, open_timeout=SECONDS, **settings
    )


@pytest.fixture
async def urls(server: Server, gateway_to: GatewayTo) -> tuple[str, str]:
    """The server's own address, and the gateway's."""
    gateway = await asyncio.to_thread(gateway_to, server.port)
    return f"ws://127.0.0.1:{server.port}", f"ws://127.0.0.1:{gateway.port}"


async def pair_of(urls: tuple[str, str], path: str = "/", **settings: Any) -> Pair:
    return Pair(*[await opened(url + path, **settings) for url in urls])


@pytest.mark.row("C1")
@pytest.mark.parametrize("compression", ["deflate", None])
@pytest.mark.parametrize("offered", [None, ["orders.v1"], ["unknown", "orders.v1", "orders.v2"]])
async def test_the_same_is_negotiated(
    server: Server, urls: tuple[str, str], compression: str | None, offered: list[str] | None
) -> None:
    pair = await pair_of(urls, "/a?b=%20c", compression=compression, subprotocols=offered)

    def agreed(connection: ClientConnection) -> tuple[Any, ...]:
        assert connection.response is not None
        fields = {
            name: value
            for name, value in connection.response.headers.raw_items()
            if name not in {"Sec-WebSocket-Accept", "Date"}
        }
        extensions = [str(extension) for extension in connection.protocol.extensions]
        return connection.subprotocol, extensions, connection.response.status_code, fields

    assert agreed(pair.through) == agreed(pair.direct)
    assert server.requests[0].path == server.requests[1].path == "/a?b=%20c"
    await pair.direct.close()
    await pair.through.close()


@pytest.mark.row("C9")
@pytest.mark.parametrize("compression", ["deflate", None])
async def test_messages_of_every_size_come_back_as_they_were(
    server: Server, urls: tuple[str, str], compression: str | None
) -> None:
    pair = await pair_of(urls, compression=compression)

    async def echoes(connection: ClientConnection) -> list[bool]:
        same = []
        for length in (0, 1, 125, 126, 65535, 65536, MEBIBYTE, 16 * MEBIBYTE):
            for message in (os.urandom(length), "é" * (length // 2)):
                await connection.send(message)
                same.append(await connection.recv() == message)
        return same

    async with asyncio.timeout(120):
        assert all(await echoes(pair.through))
    await pair.through.close()
    await pair.direct.close()


@pytest.mark.row("C9")
async def test_fragments_and_many_small_messages_keep_their_order(
    server: Server, urls: tuple[str, str]
) -> None:
    pair = await pair_of(urls)

    async def talks(connection: ClientConnection) -> list[str | bytes]:
        async def fragments() -> AsyncIterator[str]:
            for number in range(100):
                yield f"{number},"

        async def sends() -> None:
            for number in range(5000):
                await connection.send(str(number))

        await connection.send(fragments())
        answers = [await connection.recv()]
        sending = asyncio.get_running_loop().create_task(sends())
        answers += [await connection.recv() for _ in range(5000)]
        await sending
        return answers

    await pair.both(talks)
    assert server.seen[0].messages == server.seen[1].messages
    await pair.through.close()
    await pair.direct.close()


@pytest.mark.row("C10")
async def test_pings_are_answered_by_the_other_end(server: Server, urls: tuple[str, str]) -> None:
    pair = await pair_of(urls, ping_interval=None)
    for client, server_side in zip((pair.direct, pair.through), server.connections, strict=True):
        for one in (client, server_side):
            answered = await one.ping(b"are you there?")
            async with asyncio.timeout(SECONDS):
                assert await answered >= 0
    await pair.through.close()
    await pair.direct.close()


@pytest.mark.row("C10")
@pytest.mark.parametrize("who", ["client", "server"])
async def test_close_codes_and_reasons_arrive_unchanged(
    server: Server, urls: tuple[str, str], who: str
) -> None:
    pair = await pair_of(urls)
    for number, client in enumerate((pair.direct, pair.through)):
        if who == "client":
            await client.close(4321, "so long ☕")
        else:
            await server.connections[number].close(4321, "so long ☕")
        await client.wait_closed()
        assert (client.close_code, client.close_reason) == (4321, "so long ☕")
        async with asyncio.timeout(SECONDS):
            await server.seen[number].ended.wait()
        assert (server.seen[number].code, server.seen[number].reason) == (4321, "so long ☕")


@pytest.mark.row("C2")
@pytest.mark.parametrize("status", [401, 404, 426, 500])
async def test_a_refusal_of_the_server_is_what_the_client_gets(
    server: Server, urls: tuple[str, str], status: int
) -> None:
    answers = []
    for url in urls:
        with pytest.raises(InvalidStatus) as caught:
            await opened(f"{url}/refuse/{status}")
        response = caught.value.response
        upgrade = response.headers.get("Upgrade")
        answers.append((response.status_code, response.body, upgrade))
    assert answers[0] == answers[1]


@pytest.mark.row("C14")
@pytest.mark.parametrize("origin", ["https://evil.example", "null"])
async def test_a_stranger_never_reaches_the_server(
    server: Server, urls: tuple[str, str], origin: str
) -> None:
    with pytest.raises(InvalidStatus) as caught:
        await connect(urls[1], origin=Origin(origin))
    assert caught.value.response.status_code == 403
    assert server.requests == []


@pytest.mark.row("C11")
@pytest.mark.parametrize("who", ["client", "server"])
async def test_a_side_that_is_gone_is_missed_at_once(
    server: Server, urls: tuple[str, str], who: str
) -> None:
    client = await opened(urls[1])
    await client.send("hello")
    assert await client.recv() == "hello"
    async with asyncio.timeout(SECONDS):
        if who == "client":
            client.transport.abort()
            await server.seen[0].ended.wait()
            assert server.seen[0].code in {None, 1006}
        else:
            server.connections[0].transport.abort()
            await client.wait_closed()
            assert client.close_code == 1006
    assert client.state is State.CLOSED


@pytest.mark.row("C12")
async def test_a_server_that_does_not_read_makes_the_client_wait(
    server: Server, urls: tuple[str, str]
) -> None:
    """The server's echoes fill up, for nobody reads them; then it reads no more itself."""
    client = await opened(urls[1], compression=None)
    message = bytes(MEBIBYTE)
    sent = 0
    try:
        while sent < 512:
            async with asyncio.timeout(2):
                await client.send(message)
            sent += 1
    except TimeoutError:
        pass
    assert sent < 512
    client.transport.abort()
