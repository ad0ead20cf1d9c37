"""Another snapshot in the place of the one that is served: what has begun goes on, what begins is new."""

from pathlib import Path

import pytest
import trustme

from cors_gateway.snapshot import (
    Limits,
    PoolLimits,
    Route,
    Snapshot,
    Timeouts,
    UpstreamTimeouts,
    UpstreamTls,
)
from cors_gateway.wire.trust import client_context
from tests.wire.conftest import StartGateway
from tests.wire.gateways import APP, Gateway, policy, route_to, snapshot_of, until
from tests.wire.raw_client import RawClient
from tests.wire.raw_peer import End, RawPeer
from tests.wire.scripted_upstream import OK, ScriptedUpstream
from tests.wire.test_tunnel import switched
from tests.wire.test_upstream_tls import CA, secure_peer, server_context, to

OTHER = "https://other.example"
GRANTED = "Access-Control-Allow-Origin"
STREAM = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"


def goes_over(gateway: Gateway, *routes: Route, **settings: object) -> None:
    gateway.plane.go_over_to(snapshot_of(*routes, **settings), {})


async def asked(
    gateway: Gateway, api: ScriptedUpstream, target: str = "/", origin: str = APP
) -> tuple[RawClient, RawPeer]:
    """Send a request, and let the API read it."""
    client = await gateway.connects()
    await client.asks(target, f"Origin: {origin}")
    peer = await api.accepts()
    await peer.sees_head()
    return client, peer


def opened(gateway: Gateway) -> dict[str, int]:
    """Connections to APIs so far, by the name of a route."""
    counted: dict[str, int] = {}
    for name, usage in gateway.plane.pool_usages():
        counted[name] = counted.get(name, 0) + usage.opened
    return counted


class TestARequestInProgress:
    @pytest.mark.row("E6")
    async def test_keeps_its_policy_and_the_next_has_the_other(
        self, gateway: Gateway, api: ScriptedUpstream
    ) -> None:
        client, peer = await asked(gateway, api)
        goes_over(gateway, route_to(api.port, policy=policy(allow_origins=(OTHER,))))
        await client.asks("/", f"Origin: {APP}")
        await client.asks("/", f"Origin: {OTHER}")
        granted = []
        for _ in range(3):
            await peer.sends(OK)
            granted.append((await client.gets()).value(GRANTED))

        assert granted == [APP.encode(), None, OTHER.encode()]

    async def test_keeps_its_timeouts_and_the_next_has_the_others(
        self, gateway: Gateway, api: ScriptedUpstream
    ) -> None:
        client, peer = await asked(gateway, api)
        hasty = {"timeouts": UpstreamTimeouts(response=0.5)}
        goes_over(gateway, route_to(api.port, upstream=hasty))
        other, _ = await asked(gateway, api)

        assert (await other.gets()).status == 504
        await peer.sends(OK)
        assert (await client.gets()).status == 200

    async def test_whose_route_is_gone_is_answered(
        self, gateway: Gateway, api: ScriptedUpstream
    ) -> None:
        client, peer = await asked(gateway, api)
        goes_over(gateway)
        await peer.sends(OK)

        assert (await client.gets()).content == b"ok"
        await client.asks()
        assert (await client.gets()).status == 404

    async def test_an_event_stream_goes_on_and_so_does_its_connection(
        self, gateway: Gateway, api: ScriptedUpstream
    ) -> None:
        client, peer = await asked(gateway, api)
        await peer.sends(STREAM + b"data: 1\n\n")
        await client.sees_head()
        goes_over(gateway)
        await client.receives(len(b"9\r\ndata: 1\n\n\r\n"))
        await peer.sends(b"data: 2\n\n")

        await client.sees(b"9\r\ndata: 2\n\n\r\n")
        assert opened(gateway) == {"api": 1}
        peer.closes()
        await client.sees(b"0\r\n\r\n")
        await until(lambda: not gateway.plane._pools._ending)

    async def test_a_tunnel_goes_on(self, gateway: Gateway, api: ScriptedUpstream) -> None:
        client, peer = await switched(gateway, api)
        goes_over(gateway)
        await client.sends(b"ping")
        await peer.sees(b"ping")
        await peer.sends(b"pong")

        await client.sees(b"pong")
        client.closes()
        peer.closes()
        await until(lambda: not gateway.plane._pools._ending)

    async def test_that_waits_for_a_connection_of_a_pool_that_goes_gets_one(
        self, start_gateway: StartGateway, api: ScriptedUpstream
    ) -> None:
        narrow = {"pool": PoolLimits(connections=1)}
        gateway = await start_gateway(snapshot_of(route_to(api.port, upstream=narrow)))
        first, peer = await asked(gateway, api)
        second = await gateway.connects()
        await second.asks()
        (pool,) = gateway.plane.pools.values()
        await until(lambda: pool.usage().waiting == 1)
        goes_over(gateway)
        await peer.sends(OK)
        await first.gets()
        await peer.sees_head()
        await peer.sends(OK)

        assert (await second.gets()).content == b"ok"
        await peer.sees_end()


class TestLimitsAndTimeouts:
    async def test_count_from_the_next_request_on(
        self, gateway: Gateway, api: ScriptedUpstream
    ) -> None:
        api.answers(OK)
        client = await gateway.connects()
        await client.asks("/" + "a" * 100)
        before = await client.gets()
        goes_over(gateway, route_to(api.port), limits=Limits(target_bytes=50))
        await client.asks("/" + "a" * 100)

        assert (before.status, (await client.gets()).status) == (200, 414)

    async def test_of_idle_connections_count_after_their_next_request(
        self, gateway: Gateway, api: ScriptedUpstream
    ) -> None:
        api.answers(OK)
        client = await gateway.connects()
        await client.asks()
        await client.gets()
        goes_over(gateway, route_to(api.port), timeouts=Timeouts(keep_alive=0.05))
        await client.sees_nothing(0.2)
        await client.asks()
        await client.gets()

        await client.sees_end(End.CLOSED)


class TestPools:
    async def test_an_equal_upstream_keeps_its_connections(
        self, gateway: Gateway, api: ScriptedUpstream
    ) -> None:
        api.answers(OK)
        client = await gateway.connects()
        for _ in range(3):
            await client.asks()
            await client.gets()
            goes_over(gateway, route_to(api.port))

        assert len(api.connections) == 1

    async def test_another_upstream_has_its_own(
        self, gateway: Gateway, api: ScriptedUpstream
    ) -> None:
        """A connection that one of them has is never the other's."""
        client, peer = await asked(gateway, api)
        await peer.sends(OK)
        await client.gets()
        goes_over(gateway, route_to(api.port, upstream={"base_path": b"/v2"}))

        await peer.sees_end()
        await client.asks()
        other = await api.accepts()
        assert (await other.sees_head()).startswith(b"GET /v2/ ")
        await other.sends(OK)
        await client.gets()

    async def test_what_is_busy_closes_when_its_request_has_ended(
        self, gateway: Gateway, api: ScriptedUpstream
    ) -> None:
        client, peer = await asked(gateway, api)
        goes_over(gateway)
        await peer.sees_nothing()
        await peer.sends(OK)

        await peer.sees_end()
        assert (await client.gets()).status == 200
        await until(lambda: not gateway.plane._pools._ending)

    async def test_one_that_comes_back_is_another(
        self, gateway: Gateway, api: ScriptedUpstream
    ) -> None:
        """What was let go stays so, though the same API is wanted again."""
        first, before = await asked(gateway, api)
        goes_over(gateway)
        goes_over(gateway, route_to(api.port))
        second, after = await asked(gateway, api)
        for peer in (before, after):
            await peer.sends(OK)
        await first.gets()
        await second.gets()

        await before.sees_end()
        await after.sees_nothing()

    async def test_no_counter_falls_when_routes_change_their_names_and_upstreams(
        self, start_gateway: StartGateway, api: ScriptedUpstream
    ) -> None:
        def routes(first: str, second: str) -> Snapshot:
            other = {"base_path": b"/b"}
            return snapshot_of(
                route_to(api.port, name=first, path=b"/a"),
                route_to(api.port, name=second, path=b"/b", upstream=other),
            )

        gateway = await start_gateway(routes("one", "two"))
        first = await asked(gateway, api, "/a")
        second = await asked(gateway, api, "/b")
        third = await asked(gateway, api, "/b")
        seen = [opened(gateway)]
        for snapshot in (
            routes("two", "one"),
            routes("one", "three"),
            snapshot_of(),
            routes("one", "two"),
        ):
            gateway.plane.go_over_to(snapshot, {})
            seen.append(opened(gateway))
        for client, peer in (first, second, third):
            await peer.sends(OK)
            await client.gets()
        await until(lambda: not gateway.plane._pools._ending)
        fourth = await asked(gateway, api, "/a")
        seen.append(opened(gateway))
        await fourth[1].sends(OK)
        await fourth[0].gets()

        assert seen[:-1] == [{"one": 1, "two": 2}] * 2 + [
            {"one": 1, "two": 2, "three": 0},
            {"one": 1, "two": 2, "three": 0},
            {"one": 1, "two": 2, "three": 0},
        ]
        assert seen[-1] == {"one": 2, "two": 2, "three": 0}

    async def test_a_hundred_of_them_leave_nothing(
        self, gateway: Gateway, api: ScriptedUpstream
    ) -> None:
        api.answers(OK)
        client = await gateway.connects()
        for number in range(100):
            other = {"base_path": b"/%d" % number}
            goes_over(gateway, route_to(api.port, upstream=other))
            await client.asks()
            assert (await client.gets()).content == b"ok"
        pools = gateway.plane._pools

        await until(lambda: not pools._ending)
        assert (len(pools), gateway.open_upstreams) == (1, 1)
        assert opened(gateway) == {"api": 100}
        assert list(pools._resolver._names) == []

    async def test_tls_begins_with_what_its_files_say_now(
        self, start_gateway: StartGateway, api: ScriptedUpstream, tmp_path: Path
    ) -> None:
        """Connections that are open go on; those that follow believe whom the files name now."""
        CA.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
        tls = UpstreamTls(ca=str(tmp_path / "ca.pem"))
        gateway = await start_gateway(to(api.port, "127.0.0.1", tls))
        client = await gateway.connects()
        await client.asks()
        trusted = await secure_peer(api, server_context("127.0.0.1"))
        await trusted.answers(OK)
        answers = [await client.gets()]
        other = trustme.CA()
        other.cert_pem.write_to_path(tls.ca or "")
        gateway.plane.go_over_to(gateway.plane.snapshot, {tls: client_context(tls)})
        await client.asks()
        await trusted.answers(OK)
        answers.append(await client.gets())
        trusted.peer.closes()
        await until(lambda: gateway.open_upstreams == 0)
        await client.asks()
        renewed = await secure_peer(api, server_context("127.0.0.1", authority=other))
        await renewed.answers(OK)
        answers.append(await client.gets())
        renewed.peer.closes()
        await until(lambda: gateway.open_upstreams == 0)

        assert [answer.content for answer in answers] == [b"ok"] * 3
