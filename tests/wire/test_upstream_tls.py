"""APIs that speak TLS: verified always, named where they fail, never spoken to without it: row B46."""

import asyncio
import datetime as dt
import hashlib
import select
import socket
import ssl
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import trustme

from cors_gateway.snapshot import Endpoint, PoolLimits, Snapshot, UpstreamTimeouts, UpstreamTls
from tests.peers.ports import free_port
from tests.peers.servers import nginx
from tests.wire.backends import Backend
from tests.wire.conftest import StartGateway
from tests.wire.gateways import APP, Gateway, route_to, snapshot_of, until
from tests.wire.raw_client import Response
from tests.wire.raw_peer import RawPeer
from tests.wire.scripted_upstream import OK, Script, ScriptedUpstream

DAY = dt.timedelta(days=1)
NOW = dt.datetime.now(dt.UTC)
CA = trustme.CA()


@pytest.fixture
def ca(tmp_path: Path) -> str:
    path = tmp_path / "ca.pem"
    CA.cert_pem.write_to_path(str(path))
    return str(path)


def server_context(*names: str, authority: trustme.CA = CA, **settings: Any) -> ssl.SSLContext:
    """Make what a server proves itself with."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*names, **settings).configure_cert(context)
    return context


def to(
    port: int, host: str = "localhost", tls: UpstreamTls | None = None, **upstream: Any
) -> Snapshot:
    return snapshot_of(
        route_to(port, upstream={"endpoints": (Endpoint(host, port),), "tls": tls, **upstream})
    )


async def ask(gateway: Gateway, *, method: str = "GET", path: str = "/") -> Response:
    client = await gateway.connects()
    await client.asks(path, f"Origin: {APP}", method=method)
    response = await client.gets(method)
    client.closes()
    return response


class SecurePeer:
    """A server's end of TLS, record by record."""

    def __init__(self, peer: RawPeer, context: ssl.SSLContext) -> None:
        self.peer = peer
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self.incoming, self.outgoing, server_side=True)

    async def does(self, step: Any) -> Any:
        """Do a step of TLS, as many bytes as it takes."""
        while True:
            try:
                result = step()
            except ssl.SSLWantReadError:
                await self.flushes()
                data = await self.peer.loop.sock_recv(self.peer.sock, 65536)
                assert data, "the gateway closed"
                self.incoming.write(data)
            else:
                await self.flushes()
                return result

    async def flushes(self) -> None:
        if self.outgoing.pending:
            await self.peer.sends(self.outgoing.read())

    async def answers(self, response: bytes) -> None:
        request = b""
        while b"\r\n\r\n" not in request:
            request += await self.does(lambda: self.tls.read(65536))
        await self.does(lambda: self.tls.write(response))


async def secure_peer(api: ScriptedUpstream, context: ssl.SSLContext) -> SecurePeer:
    peer = SecurePeer(await api.accepts(), context)
    await peer.does(peer.tls.do_handshake)
    return peer


def refusing(context: ssl.SSLContext) -> Script:
    """Make a server whose handshake fails, and which says so by an alert."""

    async def refuse(peer: RawPeer) -> None:
        secure = SecurePeer(peer, context)
        with pytest.raises(ssl.SSLError):
            await secure.does(secure.tls.do_handshake)
        await secure.flushes()
        await peer.sees_rest()
        peer.closes()

    return refuse


@pytest.fixture
async def started() -> AsyncIterator[list[Backend]]:
    """What a test has started, to be ended."""
    backends: list[Backend] = []
    yield backends
    for backend in backends:
        backend.dies()
    await until(lambda: not any(backend.transports for backend in backends))


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
async def test_a_connection_is_kept_and_used_again(
    start_gateway: StartGateway, ca: str, started: list[Backend], host: str, version: ssl.TLSVersion
) -> None:
    context = server_context(host)
    context.minimum_version = context.maximum_version = version
    started.append(backend := await Backend("a", tls=context).starts())
    gateway = await start_gateway(to(backend.port, host, UpstreamTls(ca=ca)))
    methods = ["GET", "POST"] * 25
    answers = [(await ask(gateway, method=method)).content for method in methods]
    assert answers == [b"a"] * 50
    assert backend.connected == 1


async def test_the_name_of_the_certificate_may_be_another_than_the_host(
    start_gateway: StartGateway, ca: str, started: list[Backend]
) -> None:
    asked: list[str | None] = []
    context = server_context("api.internal")
    context.sni_callback = lambda _, name, __: asked.append(name)
    started.append(backend := await Backend("a", tls=context).starts())
    tls = UpstreamTls("api.internal", ca)
    gateway = await start_gateway(to(backend.port, "127.0.0.1", tls))
    assert (await ask(gateway)).content == b"a"
    assert asked == ["api.internal"]


FAULTY: dict[str, dict[str, Any]] = {
    "tls-certificate-expired": {"not_before": NOW - 30 * DAY, "not_after": NOW - DAY},
    "tls-certificate-not-yet-valid": {"not_before": NOW + DAY, "not_after": NOW + 30 * DAY},
    "tls-certificate-untrusted": {"authority": trustme.CA()},
    "tls-certificate-wrong-host": {"name": "other.example"},
}


@pytest.mark.parametrize("problem", FAULTY)
@pytest.mark.row("B46")
async def test_b46_a_certificate_that_proves_nothing_is_a_502_that_says_why(
    start_gateway: StartGateway, ca: str, started: list[Backend], problem: str
) -> None:
    settings = dict(FAULTY[problem])
    context = server_context(settings.pop("name", "localhost"), **settings)
    started.append(backend := await Backend("a", tls=context).starts())
    gateway = await start_gateway(to(backend.port, tls=UpstreamTls(ca=ca)))
    for _ in range(2):
        response = await ask(gateway, method="POST")
        assert response.status == 502
        assert response.value("Proxy-Status") == b"cors-gateway; error=tls_certificate_error"
        assert response.value("Access-Control-Allow-Origin") == APP.encode()
        assert f":problem:{problem}".encode() in response.content
        assert b"certificate" in response.content
        assert (await gateway.record()).problem == problem
    assert backend.lines == []
    assert gateway.open_upstreams == 0


async def test_without_a_ca_of_its_own_an_api_is_verified_by_the_system(
    start_gateway: StartGateway, started: list[Backend]
) -> None:
    started.append(backend := await Backend("a", tls=server_context("localhost")).starts())
    gateway = await start_gateway(to(backend.port, tls=UpstreamTls()))
    assert b":tls-certificate-untrusted" in (await ask(gateway)).content
    assert backend.lines == []


@pytest.mark.filterwarnings("ignore:.*TLSv1_1 is deprecated:DeprecationWarning")
@pytest.mark.row("B46")
async def test_b46_a_server_of_tls_1_1_is_refused(
    start_gateway: StartGateway, api: ScriptedUpstream, ca: str
) -> None:
    context = server_context("127.0.0.1")
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
    api.runs(refusing(context))
    gateway = await start_gateway(to(api.port, "127.0.0.1", UpstreamTls(ca=ca)))
    response = await ask(gateway)
    assert response.status == 502
    assert response.value("Proxy-Status") == b"cors-gateway; error=tls_protocol_error"


@pytest.mark.parametrize("known", [True, False])
async def test_an_api_that_asks_for_a_certificate_gets_ours(
    start_gateway: StartGateway, ca: str, started: list[Backend], tmp_path: Path, known: bool
) -> None:
    own = (CA if known else trustme.CA()).issue_cert("gateway@example")
    own.private_key_pem.write_to_path(str(tmp_path / "key.pem"))
    for blob in own.cert_chain_pems:
        blob.write_to_path(str(tmp_path / "cert.pem"), append=True)
    context = server_context("localhost")
    context.verify_mode = ssl.CERT_REQUIRED
    CA.configure_trust(context)
    started.append(backend := await Backend("a", tls=context).starts())
    tls = UpstreamTls("", ca, str(tmp_path / "cert.pem"), str(tmp_path / "key.pem"))
    gateway = await start_gateway(to(backend.port, tls=tls))
    response = await ask(gateway)
    assert (response.status, bool(backend.lines)) == ((200, True) if known else (502, False))


@pytest.mark.parametrize(
    "version",
    [
        ssl.TLSVersion.TLSv1_2,
        # Here a client may send before the server has seen its certificate.
        ssl.TLSVersion.TLSv1_3,
    ],
)
async def test_an_api_that_asks_for_a_certificate_in_vain_is_a_502(
    start_gateway: StartGateway,
    api: ScriptedUpstream,
    ca: str,
    version: ssl.TLSVersion,
) -> None:
    context = server_context("127.0.0.1")
    context.verify_mode = ssl.CERT_REQUIRED
    context.minimum_version = context.maximum_version = version
    CA.configure_trust(context)
    api.runs(refusing(context))
    gateway = await start_gateway(to(api.port, "127.0.0.1", UpstreamTls(ca=ca)))
    response = await ask(gateway)
    assert response.status == 502
    assert b":tls-alert" in response.content


@pytest.mark.row("B46")
async def test_b46_a_handshake_that_stalls_is_a_504_and_frees_the_socket(
    start_gateway: StartGateway, api: ScriptedUpstream, ca: str
) -> None:
    timeouts = UpstreamTimeouts(connect=0.3)
    gateway = await start_gateway(to(api.port, "127.0.0.1", UpstreamTls(ca=ca), timeouts=timeouts))
    client = await gateway.connects()
    await client.asks()
    peer = await api.accepts()
    response = await client.gets()
    assert (response.status, response.value("Proxy-Status")) == (
        504,
        b"cors-gateway; error=connection_timeout",
    )
    assert b":tls-timeout" in response.content
    hello = await peer.sees_rest()
    assert hello.startswith(b"\x16\x03\x01")
    assert b"GET" not in hello
    assert gateway.open_upstreams == 0


@pytest.mark.row("B46")
async def test_b46_plain_http_on_the_port_is_a_502_and_no_downgrade(
    start_gateway: StartGateway, api: ScriptedUpstream, ca: str
) -> None:
    received: list[bytes] = []

    async def refuse(peer: RawPeer) -> None:
        received.append(await peer.receives(100))
        await peer.sends(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
        received.append(await peer.sees_rest())

    api.runs(refuse)
    gateway = await start_gateway(to(api.port, "127.0.0.1", UpstreamTls(ca=ca)))
    response = await ask(gateway)
    assert response.status == 502
    assert b":tls-protocol-error" in response.content
    await until(lambda: len(received) == 2)
    assert len(api.connections) == 1
    assert b"GET" not in b"".join(received)


@pytest.mark.parametrize("how", ["closes", "resets"])
@pytest.mark.row("B46")
async def test_b46_a_server_that_goes_during_the_handshake_is_a_502(
    start_gateway: StartGateway, api: ScriptedUpstream, ca: str, how: str
) -> None:
    async def leave(peer: RawPeer) -> None:
        await peer.receives(100)
        peer.resets() if how == "resets" else peer.closes()

    api.runs(leave)
    gateway = await start_gateway(to(api.port, "127.0.0.1", UpstreamTls(ca=ca)))
    response = await ask(gateway)
    assert response.status == 502
    assert b":connection-terminated" in response.content


async def test_one_bad_certificate_among_several_addresses_costs_nobody_an_error(
    start_gateway: StartGateway, ca: str, started: list[Backend]
) -> None:
    expired = server_context("localhost", **FAULTY["tls-certificate-expired"])
    for name, context in (("bad", expired), ("good", server_context("localhost"))):
        started.append(await Backend(name, tls=context).starts())
    endpoints = tuple(Endpoint("localhost", each.port) for each in started)
    upstream = {"endpoints": endpoints, "tls": UpstreamTls(ca=ca)}
    gateway = await start_gateway(snapshot_of(route_to(0, upstream=upstream)))
    answers = [(await ask(gateway, method="POST")).content for _ in range(20)]
    assert answers == [b"good"] * 20


async def test_each_of_several_hosts_proves_its_own_name(
    start_gateway: StartGateway, ca: str, started: list[Backend]
) -> None:
    for host in ("127.0.0.1", "127.0.0.2"):
        started.append(Backend(host, host, tls=server_context(host)))
        await started[-1].starts()
    endpoints = tuple(Endpoint(each.host, each.port) for each in started)
    upstream = {"endpoints": endpoints, "tls": UpstreamTls(ca=ca)}
    gateway = await start_gateway(snapshot_of(route_to(0, upstream=upstream)))
    assert {(await ask(gateway)).content for _ in range(4)} == {b"127.0.0.1", b"127.0.0.2"}


async def test_files_that_are_gone_are_a_500_until_they_are_back(
    start_gateway: StartGateway, started: list[Backend], tmp_path: Path
) -> None:
    started.append(backend := await Backend("a", tls=server_context("localhost")).starts())
    nowhere = tmp_path / "not-yet.pem"
    gateway = await start_gateway(to(backend.port, tls=UpstreamTls(ca=str(nowhere))))
    response = await ask(gateway)
    assert response.status == 500
    assert b":tls-files" in response.content
    assert {type(fault["exception"]) for fault in gateway.faults} == {FileNotFoundError}
    gateway.faults.clear()
    CA.cert_pem.write_to_path(str(nowhere))
    assert (await ask(gateway)).content == b"a"


@pytest.fixture
async def secure(start_gateway: StartGateway, api: ScriptedUpstream, ca: str) -> Gateway:
    return await start_gateway(to(api.port, "127.0.0.1", UpstreamTls(ca=ca)))


@pytest.mark.row("B24")
async def test_b24_an_unsolicited_response_over_tls_is_delivered_to_nobody(
    secure: Gateway, api: ScriptedUpstream
) -> None:
    context = server_context("127.0.0.1")
    client = await secure.connects()
    for _ in range(3):
        await client.asks()
        peer = await secure_peer(api, context)
        await peer.answers(OK)
        assert (await client.gets()).content == b"ok"
        (pool,) = secure.plane._pools.values()
        (connection,) = pool._open
        assert connection.transport is not None
        arrived = select.poll()
        arrived.register(connection.transport.get_extra_info("socket").fileno(), select.POLLIN)
        # Or Nagle's algorithm holds it back until the request has gone the other way.
        peer.peer.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        peer.tls.write(OK.replace(b"ok", b"no"))
        peer.peer.sock.send(peer.outgoing.read())
        # It lies in the kernel, and the event loop has not seen it, when the request comes.
        assert arrived.poll(5000)
        (place,) = pool._places
        assert pool._take_idle(place, repeatable=True) is None
        assert list(place.idle) == [connection]
        client.sock.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        other = await secure_peer(api, context)
        await other.answers(OK)
        assert (await client.gets()).content == b"ok"
        other.peer.closes()
        await until(lambda: secure.open_upstreams == 0)


@pytest.mark.parametrize("orderly", [True, False])
async def test_content_until_close_is_whole_only_if_tls_says_so(
    secure: Gateway, api: ScriptedUpstream, orderly: bool
) -> None:
    client = await secure.connects()
    await client.asks()
    peer = await secure_peer(api, server_context("127.0.0.1"))
    await peer.answers(b"HTTP/1.1 200 OK\r\n\r\nabc")
    await client.sees_head()
    await client.sees(b"3\r\nabc\r\n")
    if orderly:
        with pytest.raises(ssl.SSLWantReadError):
            peer.tls.unwrap()
        await peer.flushes()
        await client.sees(b"0\r\n\r\n")
    else:
        peer.peer.closes()
        await client.sees_end()


@pytest.mark.row("A10")
@pytest.mark.parametrize("framing", ["counted", "until close"])
async def test_an_api_that_closes_behind_its_last_byte_leaves_it_to_a_slow_client(
    secure: Gateway, api: ScriptedUpstream, framing: str
) -> None:
    """The gateway reads no more for the client than it can keep, or the end would drop it."""
    content = bytes(range(256)) * 32768
    client = await secure.connects(receive_buffer=4096)
    await client.asks("/", "Connection: close")
    peer = await secure_peer(api, server_context("127.0.0.1"))
    line = b"Content-Length: %d\r\n" % len(content) if framing == "counted" else b""
    head = b"HTTP/1.1 200 OK\r\nConnection: close\r\n" + line + b"\r\n"
    sending = peer.peer.loop.create_task(peer.answers(head + content), name="api")
    assert b" 200 " in await client.sees_head()
    received = bytearray()
    while not sending.done():
        received += await client.receives(65536)
    with pytest.raises(ssl.SSLWantReadError):
        peer.tls.unwrap()
    await peer.flushes()
    peer.peer.says_no_more()
    await asyncio.sleep(0.3)
    received += await client.sees_rest()
    if framing == "counted":
        assert received == content
    else:
        assert received.endswith(b"\r\n0\r\n\r\n")
        assert received.count(content[:256]) > 30000
    await sending


async def test_large_content_arrives_unchanged_both_ways(
    start_gateway: StartGateway, ca: str
) -> None:
    context = server_context("localhost")
    received = hashlib.sha256()
    content = bytes(range(256)) * 16384

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        received.update(await reader.readexactly(len(content)))
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(content) + content)
        await writer.drain()
        await reader.read()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    port = server.sockets[0].getsockname()[1]
    gateway = await start_gateway(to(port, tls=UpstreamTls(ca=ca), pool=PoolLimits(idle=0.05)))
    client = await gateway.connects()
    asking = asyncio.ensure_future(client.asks(method="POST", content=content))
    response = await client.gets()
    await asking
    assert response.content == content
    assert received.digest() == hashlib.sha256(content).digest()
    await until(lambda: gateway.open_upstreams == 0)
    server.close()
    await until(lambda: {t.get_name() for t in asyncio.all_tasks()} <= {"api", _current()})


def _current() -> str:
    task = asyncio.current_task()
    return "" if task is None else task.get_name()


@pytest.mark.system("nginx")
async def test_nginx_as_an_https_api_keeps_the_connection(
    start_gateway: StartGateway, ca: str, tmp_path: Path
) -> None:
    own = CA.issue_cert("localhost")
    own.private_key_and_cert_chain_pem.write_to_path(str(tmp_path / "own.pem"))
    port = free_port()
    server = f"""
    listen 127.0.0.1:{port} ssl;
    ssl_protocols TLSv1.2 TLSv1.3;
    ssl_certificate {tmp_path}/own.pem;
    ssl_certificate_key {tmp_path}/own.pem;
    location / {{ return 200 "$connection $connection_requests $ssl_protocol"; }}
"""
    with nginx(tmp_path, server):
        gateway = await start_gateway(to(port, tls=UpstreamTls(ca=ca)))
        said = [(await ask(gateway)).content.split() for _ in range(20)]
        assert len({connection for connection, _, _ in said}) == 1
        assert [int(count) for _, count, _ in said] == list(range(1, 21))
        assert said[0][2] == b"TLSv1.3"
