"""What a peer takes before it does anything, and while it does: start-up and memory.

A start is timed from the command to the first answer, on the CPU that it has for itself. Memory is that of all
its processes; what the kernel holds for sockets is not in it.
"""

import http.client
import socket
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from threading import Thread

from bench.machine import BenchError
from bench.measure import cpu_seconds, memory
from bench.peers import PEERS, Peer
from bench.results import Footprint
from bench.scenario import Scenario
from bench.traffic import BROWSER, HOST
from bench.turns import Site, started
from bench.workloads import BASIC

__all__ = ["IDLE", "footprints"]

IDLE = 1_000
"""Connections that are kept alive."""
BEFORE = 50
"""Connections that have been there before: what the first ones take is no cost of the others."""
SETTLING = 0.5
LOADED = 1.5
PATIENCE = 30.0
REQUEST = f"GET /orders HTTP/1.1\r\nHost: {HOST}\r\nOrigin: {BROWSER['Origin']}\r\n\r\n".encode()
LOAD = BASIC[0].load


def footprints(
    where: Site, starts: int, show: Callable[[str], object] = sys.stderr.write
) -> dict[str, Footprint]:
    """Measure all peers, each for itself; their starts take turns."""
    ready: dict[str, list[float]] = {peer.name: [] for peer in PEERS}
    cpu: dict[str, list[float]] = {peer.name: [] for peer in PEERS}
    for number in range(starts):
        for peer in PEERS:
            show(f"\rstart-up: {number + 1} of {starts}, {peer.name}\033[K")
            seconds, used = _start(where, peer)
            ready[peer.name].append(round(seconds, 4))
            cpu[peer.name].append(round(used, 4))
    found = {}
    for peer in PEERS:
        show(f"\rmemory: {peer.name}\033[K")
        found[peer.name] = _measure(where, peer, ready[peer.name], cpu[peer.name])
    show("\r\033[K")
    return found


def _start(where: Site, peer: Peer) -> tuple[float, float]:
    began = time.perf_counter()
    with started(where, peer.name, peer, Scenario()) as target:
        connection = http.client.HTTPConnection("127.0.0.1", target.port, timeout=PATIENCE)
        try:
            connection.request("GET", "/orders", headers=dict(BROWSER))
            connection.getresponse().read()
            return time.perf_counter() - began, cpu_seconds(target.pid)
        except (OSError, http.client.HTTPException) as error:
            raise BenchError(f"{peer.name} did not answer: {error!r}") from error
        finally:
            connection.close()


def _measure(
    where: Site, peer: Peer, ready_after: list[float], start_cpu: list[float]
) -> Footprint:
    with started(where, peer.name, peer, Scenario()) as target:
        for client in _open(target.port, BEFORE):
            client.close()
        time.sleep(SETTLING)
        at_rest = memory(target.pid)
        clients = _open(target.port, IDLE)
        time.sleep(SETTLING)
        for_each = (memory(target.pid) - at_rest) / IDLE
        for client in clients:
            client.close()
        load = Thread(target=LOAD.run, args=(target, LOADED, where.folder))
        load.start()
        time.sleep(LOADED / 2)
        at_load = memory(target.pid)
        load.join(PATIENCE)
        return Footprint(ready_after, start_cpu, at_rest, round(for_each, 1), IDLE, at_load)


def _open(port: int, count: int) -> list[socket.socket]:
    """Open connections, and have each answered once."""
    clients = []
    for _ in range(count):
        client = socket.create_connection(("127.0.0.1", port), PATIENCE)
        clients.append(client)
        client.sendall(REQUEST)
        received = b""
        while b"}]}" not in received:
            piece = b""
            with suppress(OSError):
                piece = client.recv(4096)
            if not piece:
                raise BenchError(f"a connection that should be kept ended after {received!r}")
            received += piece
    return clients
