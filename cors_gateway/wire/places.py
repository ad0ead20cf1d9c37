"""Which of an API's addresses a request goes to.

A place is one address of one endpoint, with the connections that are open to it. The one with the
fewest requests in progress is next; among equals they take turns. One that could not be
connected to goes to the end of the order for some seconds, but stays in it: when all are bad, the
first that is back is found at once. Addresses of a name come and go with what the resolver says;
this module opens no connection and asks no resolver by itself.
"""

import socket
from collections import deque
from collections.abc import Collection, Iterator

from cors_gateway.snapshot import Endpoint, Upstream
from cors_gateway.wire.resolver import Address, Name, Names
from cors_gateway.wire.upstream import UpstreamConnection

__all__ = ["Place", "Places"]


class Place:
    """One address of an API, and the connections to it."""

    __slots__ = (
        "address",
        "dialing",
        "family",
        "idle",
        "is_gone",
        "name",
        "open",
        "server_name",
        "shunned_until",
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
        self.is_gone = False
        """Whether the name has lost this address."""

    @property
    def load(self) -> int:
        """The requests in progress."""
        return self.open + self.dialing - len(self.idle)


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
            while place.idle:
                place.idle.popleft().close()
        return True

    def _place(self, address: Address) -> Place:
        family, host, flow, scope = address
        to = (host, self._port, flow, scope) if family == socket.AF_INET6 else (host, self._port)
        return Place(family, to, self._server_name, self.name)


class Places:
    """The places of one upstream, and whose turn it is."""

    __slots__ = ("_all", "_endpoints", "_turn", "_within", "names", "shunned")

    def __init__(self, upstream: Upstream, names: Names) -> None:
        """Make the places that need no resolver."""
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
            if (place.shunned_until > now, place.load) < (best.shunned_until > now, best.load):
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
        return min(left, key=lambda each: (each.shunned_until > now, each.load), default=None)

    def shun(self, place: Place, now: float, seconds: float) -> None:
        """Try a place only after the others for a while."""
        place.shunned_until = max(place.shunned_until, now + seconds)
        self.shunned += 1

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
