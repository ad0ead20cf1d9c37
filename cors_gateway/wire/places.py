"""Which of an API's addresses a request goes to.

A place is one address of one endpoint, with the connections that are open to it. The one with the
fewest requests in progress is next; among equals they take turns. One that could not be
connected to, or fails its health checks, goes to the end of the order, but stays in it: when all are
bad, the first that is back is found at once. The operator is told when one goes and when it is
back. Addresses of a name come and go with what the resolver says; this module opens no connection
and asks no resolver by itself.
"""

import socket
from collections import deque
from collections.abc import Callable, Collection, Iterator

from cors_gateway.failures import Failure
from cors_gateway.snapshot import Endpoint, Upstream
from cors_gateway.wire.resolver import Address, Name, Names
from cors_gateway.wire.upstream import UpstreamConnection

__all__ = ["Place", "Places", "Tell"]

QUIET = 10.0
"""Seconds after an address has come back in which the operator is not told of it again."""

Tell = Callable[[str, str], None]
"""Takes a level of the log and a sentence for the operator."""


class Place:
    """One address of an API, and the connections to it."""

    __slots__ = (
        "address",
        "dialing",
        "family",
        "idle",
        "is_gone",
        "is_told",
        "is_unwell",
        "name",
        "open",
        "quiet_until",
        "server_name",
        "shunned_until",
        "trouble",
    )

    def __init__(
        self,
        family: socket.AddressFamily,
        address: str | tuple[str, int] | tuple[str, int, int, int],
        server_name: str = "",
        name: Name | None = None,
    ) -> None:
        """Make a place without a connection."""
        self.family = family
        self.address = address
        """As the system's ``connect`` takes it."""
        self.server_name = server_name
        """What its certificate must be for."""
        self.name = name
        """Where it comes from; ``None`` for one that the configuration spells."""
        self.idle: deque[UpstreamConnection] = deque()
        """The one used last at the right end."""
        self.open = 0
        """Connections, idle or not."""
        self.dialing = 0
        """Attempts to connect that are in progress."""
        self.shunned_until = 0.0
        """A time of the loop's clock."""
        self.is_unwell = False
        """Whether it fails its health checks."""
        self.trouble: Failure | str | None = None
        """What keeps it from being used; ``None`` since it has last worked."""
        self.is_told = False
        """Whether the operator knows of that."""
        self.quiet_until = 0.0
        """Before when the operator has heard enough of it; a time of the loop's clock."""
        self.is_gone = False
        """Whether the name has lost this address."""

    @property
    def load(self) -> int:
        """The requests in progress."""
        return self.open + self.dialing - len(self.idle)

    def give_up_oldest(self) -> None:
        """Close the connection that has been idle for longest."""
        self.idle.popleft().close()

    def close_idle(self) -> None:
        """Close every idle connection."""
        while self.idle:
            self.idle.popleft().close()

    def is_last(self, now: float) -> bool:
        """Say whether it comes after those that work."""
        return self.is_unwell or self.shunned_until > now

    def __str__(self) -> str:
        """Spell the address, as the access log does."""
        if isinstance(self.address, str):
            return f"unix:{self.address}"
        host, port = self.address[:2]
        return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


class _Endpoint:
    """An endpoint of the configuration, and the places that it stands for now."""

    __slots__ = ("_port", "_seen", "_server_name", "name", "places")

    def __init__(self, endpoint: Endpoint, server_name: str, names: Names) -> None:
        self._port = endpoint.port
        self._server_name = server_name or endpoint.host.removesuffix(".")
        self._seen: tuple[Address, ...] = ()
        self.name: Name | None = None
        self.places: dict[Address | None, Place] = {}
        if endpoint.unix_path is not None:
            place = Place(socket.AF_UNIX, endpoint.unix_path, self._server_name)
            self.places[None] = place
        elif (family := _family_of(endpoint.host)) is not None:
            address = (endpoint.host, endpoint.port)
            self.places[None] = Place(family, address, self._server_name)
        else:
            self.name = names.find(endpoint.host)

    def follow(self, name: Name) -> bool:
        """Take what its name stands for now; say whether that is something else than before."""
        known = name.known
        if known is None or known is self._seen:
            return False
        self._seen = known
        before = self.places
        self.places = {
            address: before.pop(address) if address in before else self._place(address)
            for address in known
        }
        for place in before.values():
            place.is_gone = True
            place.close_idle()
        return True

    def _place(self, address: Address) -> Place:
        family, host, flow, scope = address
        to = (host, self._port, flow, scope) if family == socket.AF_INET6 else (host, self._port)
        return Place(family, to, self._server_name, self.name)


class Places:
    """The places of one upstream, and whose turn it is."""

    __slots__ = ("_all", "_endpoints", "_tell", "_turn", "_url", "_within", "names", "shunned")

    def __init__(self, upstream: Upstream, names: Names, tell: Tell | None = None) -> None:
        """Make the places that need no resolver.

        Args:
            upstream: whose they are.
            names: what is known of the names that several upstreams share.
            tell: who hears of places that go and come back.
        """
        self._url = upstream.url
        self._tell = tell
        server_name = "" if upstream.tls is None else upstream.tls.server_name
        self._endpoints = [_Endpoint(each, server_name, names) for each in upstream.endpoints]
        # Files are served in this process: a place without an address.
        self._within = [] if upstream.files is None else [Place(socket.AF_UNIX, "")]
        self.names = tuple(each.name for each in self._endpoints if each.name is not None)
        """What has to be looked up."""
        self._all: list[Place] = []
        self._turn = -1
        self.shunned = 0
        """How often a place was put behind the others."""
        self._gather()

    def __iter__(self) -> Iterator[Place]:
        """Give all places."""
        return iter(self._all)

    def choose(self, now: float) -> Place | None:
        """Give the place for a request; ``None`` where none is known yet.

        It may be one whose name has to be looked up again before it is connected to.
        """
        for name in self.names:
            name.use(now)
        places = self._follow()
        count = len(places)
        if count < 2:
            return places[0] if places else None
        self._turn += 1
        best = places[self._turn % count]
        for index in range(self._turn + 1, self._turn + count):
            place = places[index % count]
            if (place.is_last(now), place.load) < (best.is_last(now), best.load):
                best = place
        return best

    def next_to_dial(self, tried: Collection[Place], now: float) -> Place | None:
        """Give the best place that may be connected to and has not been tried."""
        places = self._follow()
        shift = max(self._turn, 0) % (len(places) or 1)
        left = [
            place
            for place in (*places[shift:], *places[:shift])
            if place not in tried and (place.name is None or place.name.known)
        ]
        return min(left, key=lambda each: (each.is_last(now), each.load), default=None)

    def shun(self, place: Place, now: float, seconds: float) -> None:
        """Try a place only after the others for a while."""
        place.shunned_until = max(place.shunned_until, now + seconds)
        self.shunned += 1

    def note_trouble(self, place: Place, now: float, trouble: Failure | str) -> None:
        """Tell of a place that works no more, once."""
        place.trouble = trouble
        if not place.is_told and now >= place.quiet_until:
            place.is_told = True
            left = "is not used for now" if len(self._all) > 1 else "cannot be used"
            self._say("warning", f"{place} {left}: {trouble}")

    def note_success(self, place: Place, now: float) -> None:
        """Tell of a place that works again; not while its health checks say that it does not."""
        place.shunned_until = 0.0
        if place.trouble is None or place.is_unwell:
            return
        place.trouble = None
        if place.is_told:
            place.is_told = False
            place.quiet_until = now + QUIET
            back = "is used again" if len(self._all) > 1 else "can be used again"
            self._say("info", f"{place} {back}")

    def _say(self, level: str, sentence: str) -> None:
        if self._tell is not None:
            self._tell(level, f"upstream {self._url}: {sentence}")

    def sweep(self, now: float) -> None:
        """Renew what the names stand for, and close what is open to addresses that are gone."""
        for name in self.names:
            name.sweep(now)
        self._follow()

    def _follow(self) -> list[Place]:
        changed = False
        for endpoint in self._endpoints:
            if endpoint.name is not None and endpoint.follow(endpoint.name):
                changed = True
        if changed:
            self._gather()
        return self._all

    def _gather(self) -> None:
        places = [place for endpoint in self._endpoints for place in endpoint.places.values()]
        self._all = self._within + places


def _family_of(host: str) -> socket.AddressFamily | None:
    for family in (socket.AF_INET, socket.AF_INET6):
        try:
            socket.inet_pton(family, host)
        except OSError:
            continue
        return family
    return None
