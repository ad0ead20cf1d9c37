"""What supervisor and worker say to each other, over a real socket."""

import socket
import threading
from dataclasses import replace

import pytest

from cors_gateway.config.load import load
from cors_gateway.process.control import Orders, pack_orders, parse_line, receive_orders, to_line
from cors_gateway.snapshot import Snapshot
from tests.cases.configs import FakeReader


def snapshot_of_many_routes() -> Snapshot:
    routes = "".join(
        f"  - {{match: {{path: /r{number}}}, upstream: http://a, "
        f"cors: {{allowOrigins: ['https://a{number}.example.com', 'http://localhost:*']}}}}\n"
        for number in range(300)
    )
    loaded = load(f"routes:\n{routes}", "f.yaml", FakeReader(), lambda _: False)
    assert loaded.snapshot is not None
    return loaded.snapshot


def test_orders_arrive_whole_however_they_are_cut() -> None:
    snapshot = snapshot_of_many_routes()
    ours, theirs = socket.socketpair()
    packed = pack_orders(Orders(snapshot, (5, 6), 7))

    def send() -> None:
        for start in range(0, len(packed), 1009):
            ours.sendall(packed[start : start + 1009])

    with ours, theirs:
        sender = threading.Thread(target=send)
        sender.start()
        received = receive_orders(theirs)
        sender.join()

    assert (received.sockets, received.log_lock) == ((5, 6), 7)
    assert [route.name for route in received.snapshot.routes] == [r.name for r in snapshot.routes]
    assert received.snapshot.digest == snapshot.digest


def test_what_arrives_decides_as_what_was_sent() -> None:
    snapshot = snapshot_of_many_routes()
    ours, theirs = socket.socketpair()
    with ours, theirs:
        sender = threading.Thread(
            target=ours.sendall, args=(pack_orders(Orders(snapshot, ())),), daemon=True
        )
        sender.start()
        received = receive_orders(theirs).snapshot
        sender.join()

    for route, same in zip(snapshot.routes, received.routes, strict=True):
        assert (same.upstream, same.owned_fields) == (route.upstream, route.owned_fields)
        assert same.policy is not None
        assert route.policy is not None
        assert same.policy.settings == route.policy.settings
    assert replace(received.limits) == snapshot.limits
    # What is one and the same there is so here: pools and counters go by it.
    assert received.router.match(b"", b"/r7", b"GET").route is received.routes[7]


@pytest.mark.parametrize("sent", [b"", b"\0\0\0", (9).to_bytes(8, "big") + b"half"])
def test_a_supervisor_that_goes_meanwhile_is_noticed(sent: bytes) -> None:
    ours, theirs = socket.socketpair()
    with theirs:
        with ours:
            ours.sendall(sent)
        with pytest.raises(EOFError):
            receive_orders(theirs)


def test_a_message_is_one_line() -> None:
    line = to_line({"failed": "two\nlines, ünïcödé"})

    assert line.count(b"\n") == 1
    assert line.endswith(b"\n")
    assert parse_line(line) == {"failed": "two\nlines, ünïcödé"}


@pytest.mark.parametrize("line", [b"", b"\n", b"{", b"[]", b"1", b'"x"', b"\xff"])
def test_what_is_no_message_says_nothing(line: bytes) -> None:
    assert parse_line(line) == {}
