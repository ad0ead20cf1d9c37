"""What the supervisor and a worker say to each other, over a socket of their own.

First the supervisor hands over ``Orders``: how many descriptors follow, those, eight bytes of length,
then a pickle, which is safe because nobody else can write there. From then on both sides send lines of JSON, an object each. The
line that hands over another snapshot says how many bytes of a pickle follow it. When one side is
gone, the other reads the end of the stream: neither outlives the other unnoticed.

A snapshot is exchanged in two steps, so that all workers change or none: each *prepares*, which may
fail and changes nothing, and when all have, they are told to *commit*, which cannot fail; else to
*forget* it. Its edition, a number, tells the steps of one attempt from those of another.

Not all of a snapshot's classes can be pickled as Python does it by itself: an object of a compiled class cannot be
made without its constructor. So a dataclass travels as a call of its constructor, compiled or not.
"""

import io
import json
import os
import pickle
import socket
import struct
from collections.abc import Sequence
from dataclasses import dataclass, fields, is_dataclass
from enum import StrEnum
from typing import Any

from cors_gateway.snapshot import Snapshot

__all__ = [
    "MAX_LINE",
    "Order",
    "Orders",
    "pack_orders",
    "pack_snapshot",
    "parse_line",
    "receive_orders",
    "send_descriptors",
    "to_line",
    "unpack_snapshot",
]

MAX_LINE = 64 * 1024 * 1024
"""Bytes of the longest line: the counters of 10,000 routes, all in use, are a tenth of it."""

_LENGTH_BYTES = 8
_COUNTS = struct.Struct("=II")
"""How many listening sockets follow, and how many descriptors in all."""

_MOST_AT_ONCE = 200
"""Descriptors that go with one byte; the kernel takes 253."""


class Order(StrEnum):
    """What a worker is told."""

    ACCEPT = "accept"
    """Begin to accept connections, if you were told to wait for this."""
    DRAIN = "drain"
    """Stop, as ``drain`` of the configuration says."""
    RETIRE = "retire"
    """Another worker has your listening sockets: accept nothing more, and end when the requests in progress have, however long they take."""
    STOP = "stop"
    """End now."""
    REPORT = "report"
    """Say what has been counted."""
    PREPARE = "prepare"
    """Get ready to serve the snapshot that follows, and say whether you could."""
    COMMIT = "commit"
    """Serve it from now on."""
    FORGET = "forget"
    """Serve on what you serve: others could not."""


@dataclass(frozen=True, slots=True)
class Orders:
    """What a worker is to do. Descriptors are numbers of its own."""

    snapshot: Snapshot
    sockets: tuple[int, ...]
    """Listening sockets, in the order of the snapshot's listeners."""
    log_lock: int | None = None
    """Held while a log line is written, where several processes write them."""
    waits: bool = False
    """Whether to be ready first, and to accept connections only when told ``ACCEPT``."""


def send_descriptors(control: socket.socket, sockets: Sequence[int], log_lock: int | None) -> None:
    """Hand over what a worker uses beside its orders, before them; it waits for nothing.

    Args:
        control: nothing has been sent over it yet.
        sockets: listening sockets, in the order of the snapshot's listeners.
        log_lock: held while a log line is written.

    Raises:
        OSError: nobody is there to take them.
    """
    lent = [*sockets, *([] if log_lock is None else [log_lock])]
    control.sendall(_COUNTS.pack(len(sockets), len(lent)))
    for start in range(0, len(lent), _MOST_AT_ONCE):
        socket.send_fds(control, [b"\0"], lent[start : start + _MOST_AT_ONCE])


def pack_orders(snapshot: Snapshot, *, waits: bool) -> bytes:
    """Write orders as they are sent after the descriptors."""
    content = _pack((snapshot, waits))
    return len(content).to_bytes(_LENGTH_BYTES, "big") + content


def receive_orders(control: socket.socket) -> Orders:
    """Wait for orders.

    Raises:
        EOFError: the supervisor is gone.
    """
    sockets, lent = _COUNTS.unpack(_receive(control, _COUNTS.size))
    descriptors: list[int] = []
    while len(descriptors) < lent:
        _, more, _, _ = socket.recv_fds(control, 1, _MOST_AT_ONCE)
        if not more:
            raise EOFError("the supervisor is gone")
        descriptors += more
    for number in descriptors:
        os.set_inheritable(number, False)  # noqa: FBT003 - the signature of the system's
    length = int.from_bytes(_receive(control, _LENGTH_BYTES), "big")
    snapshot: Snapshot
    snapshot, waits = pickle.loads(_receive(control, length))  # noqa: S301 - from our own parent
    log_lock = descriptors[sockets] if lent > sockets else None
    return Orders(snapshot, tuple(descriptors[:sockets]), log_lock, waits)


def pack_snapshot(snapshot: Snapshot) -> bytes:
    """Write a snapshot as it follows the line that hands it over."""
    return _pack(snapshot)


def unpack_snapshot(content: bytes) -> Snapshot:
    """Read what ``pack_snapshot`` wrote."""
    snapshot: Snapshot = pickle.loads(content)  # noqa: S301 - from our own parent
    return snapshot


class _Pickler(pickle.Pickler):
    """Writes dataclasses as calls of their constructors; one and the same object once."""

    def reducer_override(self, instance: object) -> Any:
        """Say how an object is made again, if not as ever."""
        kind = type(instance)
        if not is_dataclass(kind):
            return NotImplemented
        given = {each.name: getattr(instance, each.name) for each in fields(kind) if each.init}
        return _construct, (kind, given)


def _construct(kind: type[Any], given: dict[str, Any]) -> object:
    return kind(**given)


def _pack(instance: object) -> bytes:
    content = io.BytesIO()
    _Pickler(content, pickle.HIGHEST_PROTOCOL).dump(instance)
    return content.getvalue()


def _receive(control: socket.socket, count: int) -> bytes:
    content = bytearray()
    while len(content) < count:
        piece = control.recv(min(count - len(content), 1 << 20))
        if not piece:
            raise EOFError("the supervisor is gone")
        content += piece
    return bytes(content)


def to_line(message: dict[str, Any]) -> bytes:
    """Write a message."""
    return json.dumps(message, separators=(",", ":")).encode("ascii") + b"\n"


def parse_line(line: bytes) -> dict[str, Any]:
    """Read a message; an empty one where it is none."""
    try:
        message = json.loads(line)
    except ValueError:
        return {}
    return message if isinstance(message, dict) else {}
