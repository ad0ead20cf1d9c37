"""The turns that most conversations through a gateway take: as far as the API, and the next one."""

from tests.wire.gateways import Gateway
from tests.wire.raw_client import RawClient
from tests.wire.raw_peer import RawPeer
from tests.wire.scripted_upstream import OK, ScriptedUpstream

__all__ = ["ask_through", "assert_next_is_served"]


async def ask_through(
    gateway: Gateway,
    api: ScriptedUpstream,
    *lines: str,
    method: str = "GET",
    client: RawClient | None = None,
) -> tuple[RawClient, RawPeer]:
    """Send a request's head through the gateway as far as the API, which has not answered yet."""
    client = client or await gateway.connects()
    await client.asks("/", *lines, method=method)
    peer = await api.accepts()
    assert (await peer.sees_head()).startswith(method.encode() + b" / HTTP/1.1\r\n")
    return client, peer


async def assert_next_is_served(
    gateway: Gateway,
    api: ScriptedUpstream,
    *,
    client: RawClient | None = None,
    peer: RawPeer | None = None,
) -> None:
    """Ask for something else.

    Args:
        gateway: under test.
        api: behind it.
        client: whose connection must have lived on; a new one if there is none.
        peer: the API's end of the connection that must be used again; a new one if there is none.
    """
    client = client or await gateway.connects()
    await client.asks("/next")
    peer = peer or await api.accepts()
    assert (await peer.sees_head()).startswith(b"GET /next HTTP/1.1\r\n")
    await peer.sends(OK)
    response = await client.gets()
    assert (response.status, response.content) == (200, b"ok")
