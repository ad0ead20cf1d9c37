"""Moving content from one socket to another within the kernel: bytes that nobody here needs to see.

``splice(2)`` hands pages of memory from a socket to a pipe and from the pipe to the other socket, where
reading and writing would copy each byte twice. It pays for long content whose length is known and that
leaves as it comes. The event loop's transports stay what they are: the one that is read from is paused
meanwhile, nothing is written to the other, and whatever ends the splice, also a fault of either side, ends
it at a known byte: what the pipe still holds is given back, and the transports go on from there and meet
the fault themselves. So a splice knows neither HTTP nor failures, and never takes more than it was told to.

Sockets are known here by duplicates of their descriptors. A transport may close its own at any moment, and
the number would at once be somebody else's: content would reach a stranger. A duplicate is ours until it is
closed here; but while it is open the peer sees no end, so whoever ends a transport ends the splice too.

The event loop refuses to watch a descriptor twice, and forgets one only a while after it was told to (it
gathers such changes). So splices are watched by an epoll instance of their own, which the loop watches.
"""

import asyncio
import contextlib
import fcntl
import os
import resource
import select
import sys
from typing import Final, Protocol

from cors_gateway.wire import sockets

__all__ = ["SPLICED_FROM", "Splice", "SpliceTaker", "Splices"]

SPLICED_FROM: Final = 256 * 1024
"""Bytes that must be missing: for fewer, the system calls around a splice cost more than two copies."""

MOST: Final = 16
"""Splices at once in a worker. Each takes two descriptors, and two more and the pipe's pages while its
client is slow: beyond so many, content is read and written. So it is where more than half of the descriptors
that the process may have are in use: they are for clients."""

PIPE_BYTES: Final = 512 * 1024
"""What a pipe may hold; as much as every user may ask for."""

TURN: Final = 512 * 1024
"""Bytes after which the other connections have their turn."""

_FLAGS: Final = 0x01 | 0x02  # SPLICE_F_MOVE, SPLICE_F_NONBLOCK
_F_SETPIPE_SZ: Final = 1031
_IS_AVAILABLE: Final = sys.platform == "linux" and hasattr(os, "splice")


class SpliceTaker(Protocol):
    """Whose content it is; an API's connection."""

    def bytes_spliced(self, count: int, *, is_full: bool) -> None:
        """Take that so many bytes have gone, and whether the socket written to can take no more."""

    def splice_ended(self, rest: bytes) -> None:
        """Take that it is over, and what was read meanwhile and could not be written."""

    def break_down(self, error: Exception) -> None:
        """Take that one of these raised what it must not."""


class _Pipe:
    """Two descriptors and what is between them."""

    __slots__ = ("reader", "writer")

    def __init__(self) -> None:
        self.reader, self.writer = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            fcntl.fcntl(self.writer, _F_SETPIPE_SZ, PIPE_BYTES)
        except OSError:
            self.close()
            raise

    def close(self) -> None:
        os.close(self.reader)
        os.close(self.writer)


class Splice:
    """Content on its way from one socket to another."""

    __slots__ = ("_held", "_left", "_pipe", "_source", "_splices", "_taker", "_target", "_watched")

    def __init__(
        self, splices: "Splices", taker: SpliceTaker, source: int, target: int, length: int
    ) -> None:
        """Prepare; ``pump`` begins. The descriptors belong to it from now on."""
        self._splices = splices
        self._taker = taker
        self._source = source
        self._target = target
        self._left = length  # bytes to be read from the source
        self._held = 0  # bytes in the pipe
        self._pipe: _Pipe | None = None  # only while it holds something
        self._watched = -1

    def pump(self) -> None:
        """Move what can be moved now, and tell."""
        pipe = self._pipe or self._splices.lend()
        if pipe is None:
            self._end(b"")
            return
        self._pipe = pipe
        moved, is_full, is_over = 0, False, False
        try:
            while moved < TURN and (self._left or self._held):
                if not self._held:
                    # At most what is left: what is behind it is the next message, or nobody's.
                    most = min(self._left, PIPE_BYTES)
                    taken = os.splice(self._source, pipe.writer, most, flags=_FLAGS)
                    if not taken:
                        is_over = True
                        break
                    self._left -= taken
                    self._held = taken
                try:
                    given = os.splice(pipe.reader, self._target, self._held, flags=_FLAGS)
                except BlockingIOError:
                    given = 0
                self._held -= given
                moved += given
                if self._held:
                    is_full = True
                    break
        except BlockingIOError:
            pass
        except OSError:
            is_over = True
        is_over = is_over or not (self._left or self._held)
        was_full = self._watched >= 0 and self._watched == self._target
        if not is_over:
            try:
                self._watch(self._target if is_full else self._source)
            except OSError:  # the system watches no more
                is_full, is_over = False, True
        if moved or is_full != was_full:
            self._taker.bytes_spliced(moved, is_full=is_full)
        if self._source < 0:
            return  # who was told has stopped it
        if is_over:
            self._end(self._take_rest(pipe))
        elif not self._held:
            self._pipe = None
            self._splices.take_back(pipe)

    def stop(self) -> None:
        """Move nothing more, and forget what has been read."""
        if self._source < 0:
            return
        self._watch(-1)
        os.close(self._source)
        os.close(self._target)
        self._source = self._target = -1
        pipe, self._pipe = self._pipe, None
        if pipe is not None:
            if self._held:
                pipe.close()  # or the bytes would come first in somebody else's content
            else:
                self._splices.take_back(pipe)
        self._splices.forget(self)

    def give_back(self) -> None:
        """Move nothing more; what has been read comes before whatever its taker reads from now on."""
        if self._source < 0:
            return
        try:
            pipe = self._pipe
            self._end(b"" if pipe is None else self._take_rest(pipe))
        except Exception as error:  # noqa: BLE001 - who lost a connection has more to do
            self.break_down(error)

    def break_down(self, error: Exception) -> None:
        """Take that a step raised what it must not."""
        self.stop()
        self._taker.break_down(error)

    def _end(self, rest: bytes) -> None:
        self.stop()
        self._taker.splice_ended(rest)

    def _take_rest(self, pipe: _Pipe) -> bytes:
        """Read what the pipe holds."""
        pieces: list[bytes] = []
        while self._held:
            piece = os.read(pipe.reader, self._held)
            self._held -= len(piece)
            pieces.append(piece)
        return b"".join(pieces)

    def _watch(self, descriptor: int) -> None:
        """Be told when one of the sockets is ready, and of none other; -1 for neither."""
        if descriptor == self._watched:
            return
        if self._watched >= 0:
            self._splices.unwatch(self._watched)
            self._watched = -1
        if descriptor >= 0:
            self._splices.watch(self, descriptor, writes=descriptor == self._target)
            self._watched = descriptor


class Splices:
    """All splices of a worker, and what they share."""

    __slots__ = (
        "_active",
        "_epoll",
        "_highest",
        "_idle",
        "_loop",
        "_watched",
        "begun",
    )

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        """Hold nothing, not even a descriptor, until there is something to do."""
        self._loop = loop
        self._active: set[Splice] = set()
        self._watched: dict[int, Splice] = {}
        self._epoll: select.epoll | None = None
        self._idle: list[_Pipe] = []
        limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        self._highest = sys.maxsize if limit == resource.RLIM_INFINITY else limit // 2
        self.begun = 0
        """Splices so far."""

    def begin(
        self,
        taker: SpliceTaker,
        source: asyncio.Transport | None,
        target: asyncio.Transport | None,
        length: int,
    ) -> Splice | None:
        """Prepare to move content to ``target``; ``None`` where that cannot be. ``source`` is to be paused.

        Args:
            taker: who is told.
            source: what is read from; all that it has read has been passed on.
            target: what is written to.
            length: how many bytes; no more are touched.
        """
        if not _IS_AVAILABLE or len(self._active) >= MOST:
            return None
        if source is None or target is None or source.is_closing() or target.is_closing():
            return None
        if sockets.is_tls(source) or sockets.is_tls(target) or target.get_write_buffer_size():
            return None
        descriptors: list[int] = []
        try:
            self._open()
            descriptors.append(os.dup(source.get_extra_info("socket").fileno()))
            descriptors.append(os.dup(target.get_extra_info("socket").fileno()))
        except OSError:
            pass  # none is left
        # The kernel gives the lowest number that is free.
        if len(descriptors) < 2 or max(descriptors) > self._highest:
            for descriptor in descriptors:
                os.close(descriptor)
            return None
        self.begun += 1
        splice = Splice(self, taker, descriptors[0], descriptors[1], length)
        self._active.add(splice)
        return splice

    def sweep(self) -> None:
        """Give everything up where nothing is going on; called at every tick, which is seldom enough."""
        if not self._active:
            self.close()

    def close(self) -> None:
        """Give everything up that no splice uses."""
        while self._idle:
            self._idle.pop().close()
        if self._epoll is not None and not self._active:
            self._loop.remove_reader(self._epoll.fileno())
            self._epoll.close()
            self._epoll = None

    # What its splices ask for.

    def lend(self) -> _Pipe | None:
        """Give a pipe that is empty; ``None`` where the system has none left."""
        if self._idle:
            return self._idle.pop()
        try:
            return _Pipe()
        except OSError:
            return None

    def take_back(self, pipe: _Pipe) -> None:
        """Take a pipe that is empty again."""
        self._idle.append(pipe)

    def forget(self, splice: Splice) -> None:
        """Take that a splice is over."""
        self._active.discard(splice)

    def watch(self, splice: Splice, descriptor: int, *, writes: bool) -> None:
        """Let a splice go on when its descriptor is ready."""
        if self._epoll is not None:
            self._epoll.register(descriptor, select.EPOLLOUT if writes else select.EPOLLIN)
            self._watched[descriptor] = splice

    def unwatch(self, descriptor: int) -> None:
        """Look no more at a descriptor; still open, or the kernel would go on telling of it."""
        del self._watched[descriptor]
        if self._epoll is not None:
            self._epoll.unregister(descriptor)

    def _open(self) -> None:
        if self._epoll is None:
            self._epoll = select.epoll()
            self._loop.add_reader(self._epoll.fileno(), self._go_on)

    def _go_on(self) -> None:
        """Let every splice go on that can."""
        epoll = self._epoll
        if epoll is None:
            return
        with contextlib.suppress(InterruptedError):
            for descriptor, _ in epoll.poll(0):
                splice = self._watched.get(descriptor)
                if splice is None:
                    continue  # stopped by what was told of another one
                try:
                    splice.pump()
                except Exception as error:  # noqa: BLE001 - asyncio would only log it
                    splice.break_down(error)
