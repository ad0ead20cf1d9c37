"""Whom a tick looks at: not those that rest, and yet every deadline is met as if it looked at all."""

import asyncio
import socket
from collections.abc import Awaitable, Callable
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cors_gateway.snapshot import Snapshot, Timeouts, UpstreamTimeouts
from cors_gateway.wire import plane as module
from cors_gateway.wire.downstream import DownstreamConnection
from cors_gateway.wire.plane import Plane, shortest_wait
from cors_gateway.wire.rounds import Rounds
from cors_gateway.wire.tick import Deadline
from tests.wire.conftest import StartGateway
from tests.wire.gateways import Gateway, route_to, snapshot_of, until
from tests.wire.raw_client import RawClient
from tests.wire.raw_peer import End
from tests.wire.scripted_upstream import OK, ScriptedUpstream
from tests.wire.test_tunnel import HANDSHAKE, SWITCHED, fills

LONG = 3600.0
PATIENT = Timeouts(LONG, LONG, LONG, LONG)
WIDTH = 0.25


def patient(port: int, **timeouts: float) -> Snapshot:
    """Make a snapshot in which nothing comes before an hour is over, but for what a test wants."""
    upstream = UpstreamTimeouts(**{"response": LONG, "idle": LONG, "tunnel": LONG, **timeouts})
    return snapshot_of(route_to(port, upstream={"timeouts": upstream}), timeouts=PATIENT)


async def rests(gateway: Gateway) -> None:
    await until(lambda: not gateway.plane._rounds._awake)


async def resting_client(gateway: Gateway, api: ScriptedUpstream) -> RawClient:
    """Connect, ask once, and wait until no tick looks at the connection."""
    client = await gateway.connects()
    await client.asks()
    peer = await api.accepts()
    await peer.sees_head()
    await peer.sends(OK)
    await client.gets()
    peer.closes()
    await until(lambda: not gateway.open_upstreams)
    await rests(gateway)
    return client


def test_who_rests_is_looked_at_by_the_first_tick_behind_the_moment_and_by_none_before() -> None:
    rounds: Rounds[str] = Rounds(WIDTH)
    rounds.add("a")
    assert rounds.due(10.0) == ["a"]
    rounds.rest("a", 10.0, 12.1)
    seen = [now for now in (10.25, 10.5, 11.0, 11.99, 12.24, 12.5) if rounds.due(now)]
    # The slot of 12.1 begins at 12.0: who comes too early is looked at again by the next tick.
    assert seen == [12.24, 12.5]


def test_nobody_rests_until_a_moment_that_is_already_there() -> None:
    rounds: Rounds[str] = Rounds(WIDTH)
    rounds.add("a")
    for until_ in (10.0, 9.0, 10.01):
        rounds.rest("a", 10.0, until_)
        assert rounds.due(10.0) == ["a"]


@pytest.mark.parametrize("name", ["wake", "wake_all"])
def test_who_is_woken_is_looked_at_by_every_tick(name: str) -> None:
    rounds: Rounds[str] = Rounds(WIDTH)
    rounds.add("a")
    rounds.rest("a", 10.0, 20.0)
    assert rounds.due(10.25) == []
    getattr(rounds, name)(*(["a"] if name == "wake" else []))
    assert rounds.due(10.5) == ["a"]
    assert rounds.due(10.75) == ["a"]


def test_who_is_gone_is_forgotten_awake_or_at_rest() -> None:
    rounds: Rounds[str] = Rounds(WIDTH)
    for name in "ab":
        rounds.add(name)
    rounds.rest("b", 10.0, 12.0)
    assert len(rounds.all) == 2
    for name in "abc":
        rounds.remove(name)
        rounds.wake(name)
        rounds.rest(name, 10.0, 11.0)
    assert not rounds.all
    assert rounds.due(20.0) == []


@pytest.mark.interpreted
@given(
    steps=st.lists(st.floats(WIDTH, 0.4), min_size=30, max_size=60),
    waits=st.lists(st.tuples(st.integers(0, 25), st.floats(1.0, 6.0)), max_size=12),
)
def test_no_deadline_is_met_early_or_more_than_two_ticks_late(
    steps: list[float], waits: list[tuple[int, float]]
) -> None:
    """As a plane uses it: nothing is woken, but nobody rests for longer than the shortest wait."""
    rounds: Rounds[Deadline] = Rounds(WIDTH)
    ticker: Any = SimpleNamespace(now=100.0, interval=WIDTH)
    ticker.after = lambda seconds: ticker.now + WIDTH + seconds
    deadline = Deadline(ticker)
    rounds.add(deadline)
    before = 0.0
    for number, step in enumerate(steps):
        for moment, seconds in waits:
            if moment == number:
                deadline.set(seconds)
        before, ticker.now = ticker.now, ticker.now + step
        looked = rounds.due(ticker.now)
        if deadline.at <= ticker.now:
            assert looked == [deadline]
            assert deadline.at > before or deadline.at <= 100
            deadline.clear()
        for each in looked:
            rounds.rest(each, ticker.now, min(each.at, ticker.now + 1.0))


@pytest.mark.interpreted
async def test_a_connection_that_waits_for_its_next_request_is_left_alone(
    gateway: Gateway, api: ScriptedUpstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    await resting_client(gateway, api)
    looks: list[float] = []
    monkeypatch.setattr(DownstreamConnection, "check_time", lambda _, now: looks.append(now))
    before = gateway.plane.ticker.now
    await until(lambda: gateway.plane.ticker.now > before + 0.5)
    assert looks == []


async def test_an_event_stream_is_left_alone(gateway: Gateway, api: ScriptedUpstream) -> None:
    client = await gateway.connects()
    await client.asks()
    peer = await api.accepts()
    await peer.sees_head()
    await peer.sends(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: 1\n\n")
    await client.sees_head()
    await rests(gateway)


def test_the_longest_rest_is_the_shortest_wait_of_all_routes() -> None:
    assert shortest_wait(snapshot_of(route_to(1))) == 10
    assert shortest_wait(patient(1)) == module.LONGEST_REST
    assert shortest_wait(patient(1, idle=7, connect=1)) == 7
    assert shortest_wait(snapshot_of(route_to(1), timeouts=Timeouts(keep_alive=2))) == 2


async def test_a_reload_shortens_the_rest_and_never_lengthens_it() -> None:
    """What an earlier snapshot has planned goes on by its timeouts."""
    plane = Plane(patient(1, idle=7), asyncio.get_running_loop())
    plane.go_over_to(patient(1), {})
    assert plane._patience == 7
    plane.go_over_to(patient(1, response=3), {})
    assert plane._patience == 3


Happens = Callable[[Gateway, ScriptedUpstream], Awaitable[None]]


async def paused_and_gone(gateway: Gateway, api: ScriptedUpstream) -> None:
    client = await resting_client(gateway, api)
    await client.sends(b"PUT / HTTP/1.1\r\nHost: gw.example\r\nContent-Length: 1000000000\r\n\r\n")
    peer = await api.accepts()
    await peer.sees_head()
    await fills(client)
    await rests_not(gateway)
    client.resets()
    await peer.drains()
    assert peer.end is End.RESET


async def waiting_for_a_connection(gateway: Gateway, api: ScriptedUpstream) -> None:
    client = await resting_client(gateway, api)
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full:
        port = full.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)):
            gateway.plane.go_over_to(patient(port, connect=0.2), {})
            await rests(gateway)
            await client.asks()
            assert (await client.gets()).status == 504


async def lingering(gateway: Gateway, api: ScriptedUpstream) -> None:
    client = await resting_client(gateway, api)
    await client.sends(b"nonsense\r\n\r\n")
    assert (await client.gets()).status == 400
    await until(lambda: not gateway.plane.connections)


async def draining(gateway: Gateway, api: ScriptedUpstream) -> None:
    client = await resting_client(gateway, api)
    await client.sends(b"GET / HTTP/1.1\r\n")
    await asyncio.wait_for(gateway.plane.drain(LONG), 20)
    await client.sees_end()


async def other_timeouts(gateway: Gateway, api: ScriptedUpstream) -> None:
    client = await resting_client(gateway, api)
    gateway.plane.go_over_to(snapshot_of(timeouts=Timeouts(head=0.2)), {})
    await client.sends(b"GET / HTTP/1.1\r\n")
    assert (await client.gets()).status == 408


async def a_tunnel_paused_and_gone(gateway: Gateway, api: ScriptedUpstream) -> None:
    client = await resting_client(gateway, api)
    await client.asks("/", *HANDSHAKE)
    peer = await api.accepts()
    await peer.sees_head()
    await peer.sends(SWITCHED)
    await client.sees(SWITCHED)
    await rests(gateway)
    await fills(client)
    client.resets()
    await until(lambda: not gateway.plane.connections)
    await peer.drains()
    assert peer.end is End.RESET


async def rests_not(gateway: Gateway) -> None:
    await until(lambda: bool(gateway.plane._rounds._awake))


@pytest.mark.parametrize(
    "happens",
    [
        pytest.param(paused_and_gone, id="a client that is paused goes"),
        pytest.param(waiting_for_a_connection, id="an API does not accept a connection"),
        pytest.param(lingering, id="a client does not close behind the last answer"),
        pytest.param(draining, id="the gateway drains"),
        pytest.param(other_timeouts, id="a reload brings shorter timeouts"),
        pytest.param(a_tunnel_paused_and_gone, id="a peer of a tunnel is paused and goes"),
    ],
)
async def test_what_comes_sooner_than_a_connection_said_is_not_slept_through(
    start_gateway: StartGateway, api: ScriptedUpstream, happens: Happens
) -> None:
    gateway = await start_gateway(patient(api.port))
    await happens(gateway, api)
