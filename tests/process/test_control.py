"""What supervisor and worker say to each other, over a real socket."""

import os
import socket
import sys
import threading
from contextlib import ExitStack
from dataclasses import replace

import pytest

from cors_gateway.config.load import load
from cors_gateway.process.control import (
    pack_orders,
    parse_line,
    receive_orders,
    send_descriptors,
    to_line,
)
from cors_gateway.routes import Router
from cors_gateway.snapshot import Snapshot
from tests.cases.configs import FakeReader

COUNTS = (2).to_bytes(4, sys.byteorder) * 2


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
    packed = pack_orders(snapshot, waits=True)

    def send() -> None:
        send_descriptors(ours, [], None)
        for start in range(0, len(packed), 1009):
            ours.sendall(packed[start : start + 1009])

    with ours, theirs:
        sender = threading.Thread(target=send)
        sender.start()
        received = receive_orders(theirs)
        sender.join()

    assert (received.sockets, received.log_lock, received.waits) == ((), None, True)
    assert [route.name for route in received.snapshot.routes] == [r.name for r in snapshot.routes]
    assert received.snapshot.digest == snapshot.digest


@pytest.mark.parametrize("count", [1, 200, 201, 450])
@pytest.mark.parametrize("has_lock", [True, False])
def test_descriptors_arrive_in_their_order_however_many(count: int, *, has_lock: bool) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs, ExitStack() as stack:
        lent = [stack.enter_context(socket.socket()) for _ in range(count + has_lock)]
        numbers = [sock.fileno() for sock in lent]
        inodes = [os.fstat(number).st_ino for number in numbers]
        send_descriptors(ours, numbers[:count], numbers[count] if has_lock else None)
        ours.sendall(pack_orders(Snapshot(Router(()), (), listeners=()), waits=False))
        received = receive_orders(theirs)

    numbers_there = [*received.sockets, *([received.log_lock] if has_lock else [])]
    taken = [os.fstat(number) for number in numbers_there if number is not None]
    inherited = [os.get_inheritable(number) for number in numbers_there if number is not None]
    for number in numbers_there:
        os.close(number or 0)

    assert (len(received.sockets), received.log_lock is not None) == (count, has_lock)
    assert [each.st_ino for each in taken] == inodes
    assert not any(inherited)


def test_what_arrives_decides_as_what_was_sent() -> None:
    snapshot = snapshot_of_many_routes()
    ours, theirs = socket.socketpair()
    with ours, theirs:
        send_descriptors(ours, [], None)
        orders = pack_orders(snapshot, waits=False)
        sender = threading.Thread(target=ours.sendall, args=(orders,), daemon=True)
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


@pytest.mark.parametrize(
    "sent",
    [b"", b"\0\0\0", COUNTS, COUNTS + b"\0", bytes(8) + (9).to_bytes(8, "big") + b"half"],
    ids=["nothing", "half a count", "no descriptor", "a byte without one", "half a snapshot"],
)
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
