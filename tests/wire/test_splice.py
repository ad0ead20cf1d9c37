"""What is moved within the kernel: all that was told, no byte more, and to nobody else."""

import asyncio
import os
import random
import socket
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from cors_gateway.wire import splice as module
from cors_gateway.wire.splice import Splice, Splices
from tests.wire.gateways import until
from tests.wire.raw_peer import End, RawPeer

SMALL = 64 * 1024
"""Bytes of a receive buffer that content soon fills, and that does not make reading it slow."""

CONTENT = random.Random(7).randbytes(3_000_000)
LENGTH = len(CONTENT)


def descriptors() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


class Taker:
    """Takes note of what it is told."""

    def __init__(self) -> None:
        self.moved = 0
        self.full: list[bool] = []
        self.rest: bytes | None = None
        self.error: Exception | None = None
        self.then: Callable[[], None] = lambda: None

    def bytes_spliced(self, count: int, *, is_full: bool) -> None:
        self.moved += count
        self.full.append(is_full)
        self.then()

    def splice_ended(self, rest: bytes) -> None:
        self.rest = rest

    def break_down(self, error: Exception) -> None:
        self.error = error


class Bench:
    """Two connections, of which we have the inner ends as transports, and the outer ones as peers."""

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.splices = Splices(self.loop)
        self.taker = Taker()
        self.peers: list[RawPeer] = []
        self.transports: list[asyncio.Transport] = []

    async def connect(self, receive_buffer: int = 0) -> tuple[RawPeer, asyncio.Transport]:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            outer = socket.socket()
            if receive_buffer:
                outer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
            outer.connect(listener.getsockname())
            inner, _ = listener.accept()
        transport, _ = await self.loop.create_connection(asyncio.Protocol, sock=inner)
        peer = RawPeer(outer)
        self.peers.append(peer)
        self.transports.append(transport)
        return peer, transport

    async def begin(self, length: int, receive_buffer: int = 0) -> tuple[RawPeer, RawPeer, Splice]:
        api, source = await self.connect()
        client, target = await self.connect(receive_buffer)
        splice = self.splices.begin(self.taker, source, target, length)
        assert splice is not None
        source.pause_reading()
        return api, client, splice

    def close(self) -> None:
        for splice in tuple(self.splices._active):
            splice.stop()
        self.splices.close()
        for peer in self.peers:
            peer.closes()
        for transport in self.transports:
            transport.abort()


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    bench = Bench()
    yield bench
    bench.close()
    await asyncio.sleep(0)


async def test_no_byte_more_is_moved_than_was_told(bench: Bench) -> None:
    api, client, splice = await bench.begin(10)
    await api.sends(b"0123456789abc")
    splice.pump()
    await until(lambda: bench.taker.rest is not None)
    assert (bench.taker.moved, bench.taker.rest) == (10, b"")
    await client.sees(b"0123456789")
    await client.sees_nothing()
    assert os.read(bench.transports[0].get_extra_info("socket").fileno(), 9) == b"abc"


@pytest.mark.parametrize("turn", [1, 1000, 1 << 20])
async def test_it_goes_on_after_each_turn(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, turn: int
) -> None:
    monkeypatch.setattr(module, "TURN", turn)
    api, client, splice = await bench.begin(LENGTH)
    splice.pump()
    sending = asyncio.ensure_future(api.sends(CONTENT))
    await client.sees(CONTENT)
    await sending
    assert (bench.taker.moved, bench.taker.rest) == (LENGTH, b"")


async def test_who_can_take_no_more_is_told_of_and_waited_for(bench: Bench) -> None:
    length = 12 * 1024 * 1024
    api, client, splice = await bench.begin(length, receive_buffer=SMALL)
    splice.pump()
    sending = asyncio.ensure_future(api.sends(bytes(length)))
    await until(lambda: bench.taker.full[-1:] == [True])
    moved = bench.taker.moved
    await asyncio.sleep(0.1)
    assert bench.taker.moved == moved
    assert not sending.done()
    assert len(await client.receives(length)) == length
    await sending
    assert bench.taker.full[-1] is False
    assert bench.taker.moved == length


async def test_a_source_that_ends_too_soon_ends_it(bench: Bench) -> None:
    api, client, splice = await bench.begin(10)
    await api.sends(b"01234")
    api.says_no_more()
    splice.pump()
    await until(lambda: bench.taker.rest is not None)
    assert (bench.taker.moved, bench.taker.rest) == (5, b"")
    await client.sees(b"01234")


async def test_what_a_target_that_is_gone_does_not_take_is_given_back(bench: Bench) -> None:
    length = 12 * 1024 * 1024
    api, client, splice = await bench.begin(length, receive_buffer=SMALL)
    splice.pump()
    sending = asyncio.ensure_future(api.sends(bytes(length)))
    await until(lambda: bench.taker.full[-1:] == [True])
    client.resets()
    await until(lambda: bench.taker.rest is not None)
    assert bench.taker.rest
    assert bench.taker.full[-1] is False
    assert not bench.splices._active
    sending.cancel()


async def test_what_one_left_behind_reaches_no_other(bench: Bench) -> None:
    length = 12 * 1024 * 1024
    api, _, splice = await bench.begin(length, receive_buffer=SMALL)
    splice.pump()
    sending = asyncio.ensure_future(api.sends(b"x" * length))
    await until(lambda: bench.taker.full[-1:] == [True])
    splice.stop()
    splice.stop()
    sending.cancel()
    other, stranger, second = await bench.begin(10)
    await other.sends(b"0123456789")
    second.pump()
    await stranger.sees(b"0123456789")


async def test_who_is_told_may_stop_it(bench: Bench) -> None:
    api, client, splice = await bench.begin(10)
    bench.taker.then = splice.stop
    await api.sends(b"0123456789")
    await asyncio.sleep(0.01)
    splice.pump()
    assert (bench.taker.moved, bench.taker.rest) == (10, None)
    await client.sees(b"0123456789")


async def test_one_that_was_stopped_is_not_gone_on_with(bench: Bench) -> None:
    """Both are ready at once, and what the first tells stops the second."""
    first_api, _, first = await bench.begin(10)
    first_taker, bench.taker = bench.taker, Taker()
    second_api, _, second = await bench.begin(10)
    first.pump()
    second.pump()
    first_taker.then = second.stop
    bench.taker.then = first.stop
    await first_api.sends(b"01234")
    await second_api.sends(b"56789")
    await until(lambda: first_taker.moved + bench.taker.moved > 0)
    await asyncio.sleep(0.05)
    assert first_taker.moved + bench.taker.moved == 5


async def test_a_client_sees_the_end_although_the_splice_has_its_socket_too(bench: Bench) -> None:
    _, client, splice = await bench.begin(10)
    splice.pump()
    splice.stop()
    bench.transports[1].close()
    await client.sees_end(End.CLOSED)


@pytest.mark.interpreted
async def test_there_are_only_so_many_at_once(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST", 2)
    await bench.begin(10)
    _, _, splice = await bench.begin(10)
    source, target = bench.transports[:2]
    assert bench.splices.begin(bench.taker, source, target, 10) is None
    splice.stop()
    assert bench.splices.begin(bench.taker, source, target, 10) is not None


@pytest.mark.parametrize("which", [0, 1])
async def test_none_begins_with_a_connection_that_closes(bench: Bench, which: int) -> None:
    transports: list[asyncio.Transport | None] = [(await bench.connect())[1] for _ in range(2)]
    closing = transports[which]
    assert closing is not None
    closing.close()
    assert bench.splices.begin(bench.taker, transports[0], transports[1], 10) is None
    transports[which] = None
    assert bench.splices.begin(bench.taker, transports[0], transports[1], 10) is None


async def test_none_begins_before_all_that_was_written_has_left(bench: Bench) -> None:
    _, source = await bench.connect()
    client, target = await bench.connect(receive_buffer=SMALL)
    target.write(bytes(16 * 1024 * 1024))
    assert bench.splices.begin(bench.taker, source, target, 10) is None
    reading = asyncio.ensure_future(client.receives(16 * 1024 * 1024))
    await until(lambda: target.get_write_buffer_size() == 0)
    assert bench.splices.begin(bench.taker, source, target, 10) is not None
    await reading


@pytest.mark.parametrize("missing", ["os.dup", "select.epoll"])
async def test_none_begins_without_descriptors(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, missing: str
) -> None:
    _, source = await bench.connect()
    _, target = await bench.connect()
    before = descriptors()
    given = iter([os.dup(0)])

    def fails(*_: object) -> int:
        for descriptor in given:
            return descriptor
        raise OSError(24, "too many open files")

    if missing == "select.epoll":
        os.close(next(given))
    monkeypatch.setattr(missing, fails)
    assert bench.splices.begin(bench.taker, source, target, 10) is None
    monkeypatch.undo()
    bench.splices.close()
    assert descriptors() == before


async def test_none_begins_where_half_of_the_descriptors_are_in_use(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, source = await bench.connect()
    _, target = await bench.connect()
    lowest = os.dup(0)
    os.close(lowest)
    for half, begins in ((lowest, False), (lowest + 20, True)):
        monkeypatch.setattr("resource.getrlimit", lambda _, half=half: (2 * half, -1))
        splices = Splices(bench.loop)
        splice = splices.begin(bench.taker, source, target, 10)
        assert (splice is not None) is begins
        if splice is not None:
            splice.stop()
        splices.close()


async def test_without_a_pipe_it_ends_before_it_has_begun(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Users other than root may have 64 MiB in pipes, over all their processes."""
    api, source = await bench.connect()
    _, target = await bench.connect()
    before = descriptors()
    splice = bench.splices.begin(bench.taker, source, target, 10)
    assert splice is not None
    source.pause_reading()
    await api.sends(b"0123456789")

    def fails(*_: object) -> None:
        raise PermissionError

    monkeypatch.setattr("fcntl.fcntl", fails)
    splice.pump()
    assert (bench.taker.moved, bench.taker.rest) == (0, b"")
    monkeypatch.undo()
    bench.splices.close()
    assert descriptors() == before
    assert os.read(source.get_extra_info("socket").fileno(), 99) == b"0123456789"


@pytest.mark.interpreted
async def test_where_nothing_more_can_be_watched_it_ends(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    api, client, splice = await bench.begin(10)

    def fails(*_: object, **__: object) -> None:
        raise OSError(28, "no space left on device")

    monkeypatch.setattr(Splices, "watch", fails)
    await api.sends(b"01234")
    await asyncio.sleep(0.01)
    splice.pump()
    assert (bench.taker.moved, bench.taker.rest) == (5, b"")
    await client.sees(b"01234")


@pytest.mark.interpreted
async def test_elsewhere_than_on_linux_none_begins(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_IS_AVAILABLE", False)
    _, source = await bench.connect()
    _, target = await bench.connect()
    assert bench.splices.begin(bench.taker, source, target, 10) is None


async def test_a_mistake_of_who_is_told_ends_it(bench: Bench) -> None:
    api, _, splice = await bench.begin(10)
    splice.pump()

    def fails() -> None:
        raise RuntimeError

    bench.taker.then = fails
    await api.sends(b"01234")
    await until(lambda: bench.taker.error is not None)
    assert not bench.splices._active


def test_it_is_known_here_what_the_system_calls_it() -> None:
    assert module._FLAGS == os.SPLICE_F_MOVE | os.SPLICE_F_NONBLOCK
    assert module._IS_AVAILABLE
    assert int(Path("/proc/sys/fs/pipe-max-size").read_text("ascii")) >= module.PIPE_BYTES


async def test_pipes_are_used_again_and_given_back_where_nothing_goes_on(bench: Bench) -> None:
    api, client, splice = await bench.begin(10)
    await api.sends(b"0123456789")
    await asyncio.sleep(0.01)
    splice.pump()
    await client.sees(b"0123456789")
    (pipe,) = bench.splices._idle
    _, _, splice = await bench.begin(10)
    bench.splices.sweep()
    splice.pump()
    assert bench.splices._idle == [pipe]
    splice.stop()
    bench.splices.sweep()
    assert bench.splices._idle == []
    assert bench.splices._epoll is None
