"""WebSocket over TLS: from the client, to the server, both; and to a server on a unix socket."""

import asyncio
import json
import os
import re
import ssl
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import trustme
from websockets.asyncio.client import ClientConnection, connect
from websockets.asyncio.server import Server, ServerConnection, serve, unix_serve
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.typing import Origin, Subprotocol

from tests.peers.processes import gateway
from tests.real.caller import ORIGIN

MEBIBYTE = 1024 * 1024
SECONDS = 60.0
CLIENTS = ["ws", "wss"]
SERVERS = ["http", "https", "unix"]


def choose(_: ServerConnection, offered: object) -> Subprotocol | None:
    return Subprotocol("orders.v1") if offered else None


async def talk(connection: ServerConnection) -> None:
    """Send every message back; close as one is told to."""
    try:
        async for message in connection:
            if message == "close":
                await connection.close(4321, "so long ☕")
            else:
                await connection.send(message)
    except ConnectionClosed:
        pass


@dataclass
class Files:
    """An authority, and what it has issued."""

    authority: trustme.CA
    directory: Path

    @property
    def ca(self) -> str:
        return str(self.directory / "ca.pem")

    def pair(self) -> dict[str, str]:
        return {
            "certificate": str(self.directory / "cert.pem"),
            "key": str(self.directory / "key.pem"),
        }

    def server_context(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*self.pair().values())
        return context


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    made = Files(trustme.CA(), tmp_path_factory.mktemp("tls"))
    made.authority.cert_pem.write_to_path(made.ca)
    issued = made.authority.issue_cert("localhost", "127.0.0.1")
    certificate, key = made.pair().values()
    issued.private_key_pem.write_to_path(key)
    for blob in issued.cert_chain_pems:
        blob.write_to_path(certificate, append=True)
    return made


@pytest.fixture
async def upstreams(files: Files, tmp_path: Path) -> AsyncIterator[dict[str, object]]:
    """The settings that lead to each server."""
    socket_path = str(tmp_path / "s")
    async with (
        serve(talk, "127.0.0.1", 0, select_subprotocol=choose, max_size=None) as plain,
        serve(
            talk,
            "127.0.0.1",
            0,
            ssl=files.server_context(),
            select_subprotocol=choose,
            max_size=None,
        ) as secure,
        unix_serve(talk, socket_path, select_subprotocol=choose, max_size=None),
    ):
        yield {
            "http": {"url": f"http://127.0.0.1:{port_of(plain)}"},
            "https": {"url": f"https://127.0.0.1:{port_of(secure)}", "tls": {"ca": files.ca}},
            "unix": {"url": f"unix:{socket_path}"},
        }


def port_of(server: Server) -> int:
    port: int = next(iter(server.sockets)).getsockname()[1]
    return port


@pytest.fixture
def urls(
    files: Files, upstreams: dict[str, object], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, str]]:
    """The gateway's addresses, in the clear and not."""
    settings = {
        "server": {
            "listen": ["127.0.0.1:0", {"address": "localhost:0", "tls": files.pair()}],
        },
        "defaults": {"cors": {"allowOrigins": [ORIGIN], "requireOrigin": True}},
        "routes": [
            {"match": {"path": f"/{name}"}, "upstream": upstream}
            for name, upstream in upstreams.items()
        ],
    }
    with gateway(tmp_path_factory.mktemp("gateway"), json.dumps(settings)) as running:
        ports = re.findall(r"(https?)://[^:]+:(\d+)", "".join(running.printed))
        yield {
            scheme.replace("http", "ws"): f"{scheme.replace('http', 'ws')}://localhost:{port}"
            for scheme, port in ports
        }


async def opened(
    files: Files, url: str, origin: str | None = ORIGIN, *, deflate: bool = True
) -> ClientConnection:
    context = None
    if url.startswith("wss:"):
        context = ssl.create_default_context(cafile=files.ca)
    return await connect(
        url,
        ssl=context,
        origin=None if origin is None else Origin(origin),
        subprotocols=[Subprotocol("orders.v1")],
        compression="deflate" if deflate else None,
        max_size=None,
        open_timeout=SECONDS,
    )


@pytest.mark.row("C1", "C9", "C10")
@pytest.mark.parametrize("server", SERVERS)
@pytest.mark.parametrize("client", CLIENTS)
async def test_what_is_said_arrives(
    files: Files, urls: dict[str, str], client: str, server: str
) -> None:
    connection = await opened(files, f"{urls[client]}/{server}")
    assert connection.subprotocol == "orders.v1"
    assert [str(each) for each in connection.protocol.extensions]
    async with asyncio.timeout(SECONDS):
        for message in ("é", b"\0\xff", os.urandom(8 * MEBIBYTE), "a" * MEBIBYTE):
            await connection.send(message)
            assert await connection.recv() == message
        assert await (await connection.ping()) >= 0
        await connection.send("close")
        await connection.wait_closed()
    assert (connection.close_code, connection.close_reason) == (4321, "so long ☕")


@pytest.mark.row("C14")
@pytest.mark.parametrize("origin", ["https://evil.example", "null", None])
@pytest.mark.parametrize("client", CLIENTS)
async def test_a_stranger_is_refused(
    files: Files, urls: dict[str, str], client: str, origin: str | None
) -> None:
    with pytest.raises(InvalidStatus) as caught:
        await opened(files, f"{urls[client]}/https", origin)
    assert caught.value.response.status_code == 403


@pytest.mark.row("C14")
async def test_a_page_of_our_own_origin_may(files: Files, urls: dict[str, str]) -> None:
    own = urls["wss"].replace("wss:", "https:")
    connection = await opened(files, f"{urls['wss']}/https", own)
    await connection.send("hello")
    assert await connection.recv() == "hello"
    await connection.close()


@pytest.mark.row("C12")
@pytest.mark.parametrize("server", SERVERS)
@pytest.mark.parametrize("client", CLIENTS)
async def test_what_waits_is_not_lost(
    files: Files, urls: dict[str, str], client: str, server: str
) -> None:
    """The echoes fill all that there is, and then are read."""
    connection = await opened(files, f"{urls[client]}/{server}", deflate=False)
    message = os.urandom(64 * 1024)

    async def sends() -> None:
        for _ in range(256):
            await connection.send(message)

    sending = asyncio.get_running_loop().create_task(sends())
    await asyncio.sleep(0.5)
    async with asyncio.timeout(SECONDS):
        for _ in range(256):
            assert await connection.recv() == message
        await sending
    await connection.close()
