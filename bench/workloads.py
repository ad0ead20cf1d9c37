"""What clients ask for, one workload after the other, and which peers can do it in the same way."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from bench.check import PREFLIGHT
from bench.load import Live, Load, Wrk
from bench.peers import GATEWAYS, LARGE_BUFFERS, NGINX, PEERS, Peer
from bench.scenario import Scenario
from bench.traffic import BROWSER, DISTINCT, STRANGER, different, same, uploading_chunks
from bench.upstream import KIBIBYTE, MEBIBYTE, SIZES

__all__ = ["FOOTPRINT", "KEYS", "WORKLOADS", "Variation", "Workload", "chosen"]

FOOTPRINT = "m"
"""Start-up and memory, which are measured in another way: ``bench.footprint``."""
BOTH = (*PEERS, LARGE_BUFFERS)
SETTLE = 2.0
"""Seconds until windows of new connections have grown, and nginx has ceased to write to files for that."""
SMALL = "/orders?page=2"
GATHERED = "nginx, if it is not told otherwise, asks the API when all of it is there; the others pass it on as it comes"
FLAT = (
    "asked is the last route, or by the last ten origins, of so many; where it says 5,000, requests go round so many "
    "routes or origins, spread over all. It is whether the gateway stays flat, so only nginx stands beside it"
)
GROWING = "it is whether each more brings as much, so only nginx stands beside the gateway; no API is asked"
GROWN = (
    f"counted from {SETTLE:g} seconds after the start of a turn: wrk connects anew for each, and while receive windows "
    "are small nginx writes to files what is not taken yet"
)
ENDED = "the plain proxy ends WebSockets and makes its own, message by message; the others pass bytes on"
ROUTES = (1, 100, 10_000)
ORIGINS = (10, 100_000)


@dataclass(frozen=True, slots=True)
class Variation:
    """One way in which the peers are set up for a workload."""

    name: str = ""
    scenario: Scenario = field(default_factory=Scenario)
    load: Load | None = None
    """In place of the workload's own."""


@dataclass(frozen=True, slots=True)
class Workload:
    """One row of the table."""

    key: str
    title: str
    load: Load
    peers: Sequence[Peer] = PEERS
    unit: str = "request"
    times: int = 1
    """How many times as many rounds as others, where a few per cent are what is asked."""
    unit_bytes: int = 0
    """Where requests are few, what arrives is counted instead: so many bytes are one."""
    factor: float = 1.0
    """How much longer a turn is than others, because what the end of a turn cuts off is large."""
    refused: bool = False
    """Whether the answer should be a refusal."""
    variations: Sequence[Variation] = (Variation(),)
    """All of them take turns."""
    note: str = ""
    """What the peers do differently, though clients get the same; or why some are not asked."""


LIVE = (Variation(scenario=Scenario(live=True)),)


def download(key: str, size: str, folder: str, title: str, connections: int) -> Workload:
    """Give the workload of a file."""
    load = Wrk(same("GET", f"/{folder}/{size}"), connections, SETTLE)
    return Workload(key, title, load, BOTH, unit_bytes=SIZES[size], note=GROWN)


def flat(key: str, title: str, variations: Sequence[Variation]) -> Workload:
    """Give a workload that should cost the same in every variation."""
    load = Wrk(different(), 16)
    peers = (NGINX, *GATEWAYS)
    return Workload(key, title, load, peers, times=3, variations=variations, note=FLAT)


def routes(name: str, count: int, asked: range) -> Variation:
    """Give so many routes, of which some are asked."""
    return Variation(name, Scenario(routes=count), Wrk(different(routes=asked), 16))


def origins(name: str, count: int, asking: range) -> Variation:
    """Give so many allowed origins, of which some ask."""
    return Variation(name, Scenario(origins=count), Wrk(different(asking), 16))


BASIC = (
    Workload("a", "small GET, fields as before", Wrk(same("GET", SMALL), 16)),
    Workload("b", "small GET, fields and target differ", Wrk(different(), 16)),
    Workload(
        "c",
        "POST of 1 KiB JSON",
        Wrk(same("POST", "/taken", {**BROWSER, "Content-Type": "application/json"}, KIBIBYTE), 16),
    ),
    Workload("d", "preflight", Wrk(same("OPTIONS", "/orders", PREFLIGHT), 16)),
    Workload(
        "e",
        "refused origin",
        Wrk(same("GET", "/orders", {**BROWSER, "Origin": STRANGER}), 16),
        refused=True,
    ),
)
CONTENT = (
    download("f-64k", "64k", "files", "64 KiB response", 8),
    download("f-1m", "1m", "files", "1 MiB response", 4),
    download("f-100m", "100m", "files", "100 MiB response", 1),
    Workload(
        "g-counted",
        "10 MiB upload, counted",
        Wrk(same("PUT", "/taken", BROWSER, 10 * MEBIBYTE), 2),
        BOTH,
        factor=2.0,
        note=GATHERED,
    ),
    Workload(
        "g-chunked",
        "10 MiB upload, chunked",
        Wrk(uploading_chunks("/taken", 64 * KIBIBYTE, 160), 2),
        BOTH,
        factor=2.0,
        note=GATHERED,
    ),
    download("h-64k", "64k", "chunked", "64 KiB response of unknown length", 8),
    download("h-1m", "1m", "chunked", "1 MiB response of unknown length", 4),
)
STAYING = (
    Workload(
        "i",
        "500 event streams",
        Live("events", 500, 100),
        unit="event",
        variations=LIVE,
        note="nginx passes events on at once only with proxy_buffering off, HAProxy with http-no-delay: so they have it",
    ),
    Workload(
        "j-small",
        "WebSocket echo, 100 bytes",
        Live("websocket", 16, 100),
        unit="message",
        variations=LIVE,
        note=ENDED,
    ),
    Workload(
        "j-large",
        "WebSocket echo, 64 KiB",
        Live("websocket", 16, 64 * KIBIBYTE),
        BOTH,
        unit="message",
        variations=LIVE,
        note=ENDED,
    ),
)
CONNECTING = (
    Workload(
        "k",
        "a new connection for each request",
        Wrk(same("GET", SMALL, {**BROWSER, "Connection": "close"}), 8),
    ),
)
LARGE = (
    flat(
        "l-routes",
        "many routes",
        [
            *(routes(f"{count:,}", count, range(count - 1, count)) for count in ROUTES),
            routes(f"{ROUTES[-1]:,} of which {DISTINCT:,} asked", ROUTES[-1], range(ROUTES[-1])),
        ],
    ),
    flat(
        "l-origins",
        "many allowed origins",
        [
            *(origins(f"{count:,}", count, range(count - 10, count)) for count in ORIGINS),
            origins(
                f"{ORIGINS[-1]:,} of which {DISTINCT:,} asking", ORIGINS[-1], range(ORIGINS[-1])
            ),
        ],
    ),
)
REST = (
    Workload(
        "n",
        "small GET over TLS",
        Wrk(same("GET", SMALL), 16),
        variations=(Variation(scenario=Scenario(tls=True)),),
    ),
    Workload(
        "log",
        "small GET, with an access log",
        Wrk(same("GET", SMALL), 16),
        variations=(Variation(scenario=Scenario(log=True)),),
        note="nginx and the gateway gather lines, HAProxy, Caddy and the plain proxy write each at once",
    ),
    Workload(
        "workers",
        "preflight, several workers",
        Wrk(same("OPTIONS", "/orders", PREFLIGHT), 32),
        (NGINX, *GATEWAYS),
        variations=[Variation(f"{count}", Scenario(workers=count)) for count in (1, 2)],
        note=GROWING,
    ),
)
WORKLOADS = (*BASIC, *CONTENT, *STAYING, *CONNECTING, *LARGE, *REST)
KEYS = (*(workload.key for workload in WORKLOADS), FOOTPRINT)


def chosen(words: str) -> list[str]:
    """Give the keys that are meant: ``f`` is all of ``f-64k``, ``f-1m`` and ``f-100m``.

    Raises:
        ValueError: one means nothing.
    """
    found = []
    for word in filter(None, words.split(",")):
        keys = [key for key in KEYS if key == word or key.startswith(f"{word}-")]
        if not keys:
            raise ValueError(f"there is no workload {word!r}; there are {', '.join(KEYS)}")
        found += keys
    return found
