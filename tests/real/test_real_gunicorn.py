"""gunicorn behind the gateway: event streams, readers that leave, connections that it closes."""

import json
from collections.abc import Iterator
from contextlib import ExitStack
from time import monotonic, sleep

import pytest

from tests.peers import servers
from tests.peers.processes import Gateway, gateway
from tests.real.caller import Caller, ask, calling
from tests.real.conftest import GatewayTo

POOLS = 100
KEEP_ALIVE = 2.0
"""Seconds after which gunicorn closes an idle connection unless it is told otherwise."""
SPREAD = 0.02
"""Seconds around it in which requests come."""


@pytest.fixture(scope="module")
def behind(gevent_site: int, gateway_to: GatewayTo) -> Gateway:
    return gateway_to(gevent_site)


@pytest.fixture(scope="module")
def behind_impatient(gevent_site: int, gateway_to: GatewayTo) -> Gateway:
    """A gateway that gives an ordinary response half a second between two pieces."""
    return gateway_to(gevent_site, timeouts={"idle": "500ms", "tunnel": "1h"})


def tell(site: int, name: str, piece: bytes) -> None:
    """Let a stream write a piece, or end it with an empty one."""
    assert ask(site, f"/streams/{name}", method="POST", content=piece).status == 204


def has_left(site: int, name: str) -> bool:
    """Wait until the site has noticed that the reader of a stream has gone."""
    return ask(site, f"/streams/{name}/left").status == 204


@pytest.mark.parametrize(
    "name, kind, version, framing",
    [
        pytest.param("sse", "text/event-stream", "1.1", "chunked", id="events"),
        pytest.param("slow", "application/json", "1.1", "chunked", id="a slow stream"),
        pytest.param("old", "text/event-stream", "1.0", "until close", id="events to HTTP/1.0"),
    ],
)
def test_an_event_is_seen_before_the_next_is_written(
    name: str, kind: str, version: str, framing: str, gevent_site: int, behind: Gateway
) -> None:
    with calling(behind.port) as caller:
        caller.asks(f"/streams/{name}?type={kind}", version=version)
        # The head comes before there is any event.
        head, content = caller.sees_begin()
        for number in range(20):
            event = b"id: %d\ndata: event %d\n\n" % (number, number)
            tell(gevent_site, name, event)
            assert content.read(len(event)) == event
        tell(gevent_site, name, b"")
        assert content.rest() == b""

    assert head.status == 200
    assert content.framing == framing
    assert (head.value("Content-Type") or b"").startswith(kind.encode())


def test_heartbeat_comments_pass_as_they_come(gevent_site: int, behind: Gateway) -> None:
    with calling(behind.port) as caller:
        caller.asks("/streams/heart")
        _, content = caller.sees_begin()
        for piece in (b":\n\n", b": still here\n\n", b"data: x\n", b"\n", b":\n\n"):
            tell(gevent_site, "heart", piece)
            assert content.read(len(piece)) == piece


def test_many_streams_at_once_do_not_hold_each_other_up(gevent_site: int, behind: Gateway) -> None:
    names = [f"crowd-{number}" for number in range(24)]
    with ExitStack() as stack:
        contents = {}
        for name in names:
            caller = stack.enter_context(calling(behind.port))
            caller.asks(f"/streams/{name}")
            contents[name] = caller.sees_begin()[1]
        for turn in range(3):
            # The other way round each time: no stream waits for one that was opened earlier.
            for name in names if turn % 2 else reversed(names):
                event = f"data: {turn} for {name}\n\n".encode()
                tell(gevent_site, name, event)
                assert contents[name].read(len(event)) == event


@pytest.mark.parametrize("reset", [False, True], ids=["closes", "resets"])
@pytest.mark.parametrize("events", [0, 3], ids=["from the start", "after some events"])
def test_a_silent_stream_is_closed_once_its_reader_leaves(
    reset: bool, events: int, gevent_site: int, behind: Gateway
) -> None:
    name = f"left-{reset}-{events}"
    with calling(behind.port) as caller:
        caller.asks(f"/streams/{name}")
        _, content = caller.sees_begin()
        for _ in range(events):
            tell(gevent_site, name, b"data: x\n\n")
            assert content.read(9) == b"data: x\n\n"
        caller.leaves(reset=reset)

    # No deadline of the gateway is nearer than a minute: it is the leaving that ends the stream.
    assert has_left(gevent_site, name)


def test_one_reader_that_leaves_ends_only_its_own_stream(gevent_site: int, behind: Gateway) -> None:
    with calling(behind.port) as staying, calling(behind.port) as leaving:
        contents = {}
        for name, caller in (("staying", staying), ("leaving", leaving)):
            caller.asks(f"/streams/{name}")
            contents[name] = caller.sees_begin()[1]
        leaving.leaves()
        assert has_left(gevent_site, "leaving")

        tell(gevent_site, "staying", b"data: still here\n\n")
        assert contents["staying"].read(18) == b"data: still here\n\n"


def test_an_event_stream_may_be_silent_for_longer_than_other_content(
    gevent_site: int, behind_impatient: Gateway
) -> None:
    with calling(behind_impatient.port) as events, calling(behind_impatient.port) as other:
        events.asks("/streams/patient")
        _, content = events.sees_begin()
        other.asks("/streams/impatient?type=text/plain")
        other.sees_begin()

        # Ordinary content that stays away for half a second is given up, on both sides.
        assert has_left(gevent_site, "impatient")
        assert other.sock.recv(1) == b""

        tell(gevent_site, "patient", b"data: at last\n\n")
        assert content.read(15) == b"data: at last\n\n"


@pytest.fixture(scope="module")
def many_pools(gevent_site: int, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """A gateway with many routes to gunicorn, each with connections of its own."""
    routes = [
        {
            "name": f"pool{number}",
            "match": {"path": f"/{number}"},
            # Upstreams that are equal share a pool: these are not.
            "upstream": {
                "url": f"http://127.0.0.1:{gevent_site}",
                "stripPrefix": True,
                "pool": {"idle": f"{20_000 + number}ms"},
            },
            "cors": False,
        }
        for number in range(POOLS)
    ]
    config = {"server": {"listen": "127.0.0.1:0"}, "routes": routes}
    with gateway(tmp_path_factory.mktemp("pools"), json.dumps(config)) as running:
        yield running


@pytest.mark.parametrize("method", ["POST", "GET"])
def test_no_request_meets_a_connection_that_gunicorn_is_closing(
    method: str, many_pools: Gateway
) -> None:
    with ExitStack() as stack:
        callers: list[tuple[Caller, float]] = []
        for number in range(POOLS):
            caller = stack.enter_context(calling(many_pools.port))
            assert caller.asks_and_gets(f"/{number}/echo").status == 200
            callers.append((caller, monotonic()))

        # Each pool's only connection has been idle for just about as long as gunicorn lets it.
        for number, (caller, idle_since) in enumerate(callers):
            early_or_late = SPREAD * (number / POOLS - 0.5)
            sleep(max(0.0, idle_since + KEEP_ALIVE + early_or_late - monotonic()))
            content = b"only once" if method == "POST" else None
            caller.asks(f"/{number}/echo", method=method, content=content)
        statuses = [caller.gets().status for caller, _ in callers]

    assert statuses == [200] * POOLS


@pytest.fixture(scope="module")
def sync_site() -> Iterator[int]:
    with servers.gunicorn_site("sync") as port:
        yield port


def test_a_sync_worker_closes_after_each_answer_and_the_client_does_not_notice(
    sync_site: int, gateway_to: GatewayTo
) -> None:
    straight = ask(sync_site, "/hello")
    behind = gateway_to(sync_site)

    with calling(behind.port) as caller:
        answers = [
            caller.asks_and_gets("/hello"),
            caller.asks_and_gets("/pages"),
            caller.asks_and_gets("/hello", method="HEAD"),
            caller.asks_and_gets("/echo", method="POST", content=b"once"),
        ]

    assert straight.value("Connection") == b"close"
    assert [answer.status for answer in answers] == [200] * 4
    assert [answer.value("Connection") for answer in answers] == [None] * 4
    assert answers[1].content == b"page 0\npage 1\npage 2\n"
    assert answers[3].json()["length"] == 4


def test_gunicorns_own_refusal_passes_as_it_is(gevent_site: int, behind: Gateway) -> None:
    # gunicorn bounds a field line at 8190 bytes; the gateway bounds only the whole section.
    line = f"X-Long: {'x' * 9000}"

    straight = ask(gevent_site, "/hello", line)
    through = ask(behind.port, "/hello", line)

    assert straight.status == through.status >= 400
    assert through.content == straight.content
