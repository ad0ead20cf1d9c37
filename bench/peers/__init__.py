"""Who is measured: how each is set up to do the same work, in the way that its own documents show.

All allow some origins by their names, refuse every other Origin with 403, answer preflights themselves, allow
credentials, add ``Vary``, take away the API's own ``Access-Control-Allow-Origin``, and send the API
``X-Forwarded-For``, ``-Proto`` and ``-Host`` and an ``X-Request-ID`` that the client gets too. ``bench.check`` asks
each of them whether it does. One worker each; connections to the API are kept.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from os import environ

from bench.peers import caddy, gateway, haproxy, nginx, plain
from bench.scenario import Setup

__all__ = [
    "BASE",
    "CADDY",
    "EVERYBODY",
    "GATEWAY",
    "GATEWAYS",
    "HAPROXY",
    "LARGE_BUFFERS",
    "NGINX",
    "OTHER",
    "PEERS",
    "PLAIN",
    "Peer",
]


@dataclass(frozen=True, slots=True)
class Peer:
    """One that is measured."""

    name: str
    command: Callable[[Setup], Sequence[str]]
    """Writes what it needs into its folder, and gives how it is started there."""


NGINX = Peer("nginx", nginx.command)
GATEWAY = Peer("gateway", gateway.command)
HAPROXY = Peer("HAProxy", haproxy.command)
CADDY = Peer("Caddy", caddy.command)
PLAIN = Peer("plain aiohttp", plain.command)
LARGE_BUFFERS = Peer("nginx with 64 KiB buffers", partial(nginx.command, large_buffers=True))

BASE = NGINX
"""With whom the others are compared."""
OTHER = Peer("compiled gateway", partial(gateway.command, variable=gateway.OTHER))
GATEWAYS = (GATEWAY, OTHER) if gateway.OTHER in environ else (GATEWAY,)
EVERYBODY = (NGINX, GATEWAY, OTHER, HAPROXY, CADDY, PLAIN, LARGE_BUFFERS)
"""Also those that a run leaves out, in the order of the tables."""
PEERS = (NGINX, *GATEWAYS, HAPROXY, CADDY, PLAIN)
"""In the order in which they take turns."""
