"""The files that ``init`` writes, as text: a configuration with every line explained, and compose.

Knows neither files nor flags; whether what is filled in is right has been checked before.
"""

import json
import re
from collections.abc import Sequence
from urllib.parse import urlsplit

__all__ = ["API_SERVICE", "compose_file", "configuration", "name_service"]

API_SERVICE = "api"
"""What the API's service is called unless somebody names it otherwise."""

HOST_MACHINE = "host.docker.internal"

CONFIGURATION = """\
# The gateway that lets pages of other origins call an API that knows nothing of CORS.
# After a change: cors-gateway validate --tests

server:
  # Where it accepts connections; 127.0.0.1:8080 keeps it to this machine.
  listen: 0.0.0.0:8080

corsPolicies:
  pages:
    # Whose pages may call. Exact, or https://*.example.com, or http://localhost:* for any port.
    allowOrigins:
{origins}
    # With which methods.
    allowMethods: [GET, HEAD, POST, PUT, PATCH, DELETE]
    # With which headers beside those that browsers set themselves.
    allowHeaders: [Content-Type, Authorization, X-Requested-With]
    # Which headers of an answer they may read beside the usual ones, such as X-Total-Count.
    exposeHeaders: []
    # true: cookies are sent along, as far as their SameSite lets them.
    allowCredentials: false
    # How long a browser remembers that it has asked.
    maxAge: 10m

# The policy of routes that name none, and of answers to requests that no route takes.
defaults:
  cors: pages

routes:
  # / takes every path, /orders would take /orders and all below it; the longest wins.
  - name: api
    match: {{path: /}}
    upstream: {upstream}

# What is to stay so, whoever edits this file.
tests:
  - {{name: our pages may write, origin: {page}, method: PUT, path: /, expect: allow}}
"""

STRANGERS = """\
  - {{name: strangers may not read, origin: {stranger}, path: /, expect: deny}}
"""

COMPOSE = """\
# docker compose up: the gateway on http://localhost:8080, and behind it an API that is reached
# through the gateway only.
services:
  gateway:
    # Made by `make image` in the gateway's source.
    image: cors-gateway
    # On loopback, so that trying it opens nothing to the network.
    ports: ["127.0.0.1:8080:8080"]
    # After a change: docker compose restart gateway
    volumes:
      - {mount}
    # It writes nothing, needs no privilege and opens no port below 1024.
    read_only: true
    cap_drop: [ALL]
    security_opt: ["no-new-privileges:true"]
    restart: unless-stopped
"""

HOST = """\
    # The API runs on this machine, outside of compose.
    extra_hosts: ["{host}:host-gateway"]
"""

SERVICE = """\
  # The API, as it is; it has to listen on 0.0.0.0:{port}.
  {name}:
    image: ${{API_IMAGE:?set it to the image of the API}}
"""

PLAIN = re.compile(r"[a-z.][a-z0-9+./-]*:[A-Za-z0-9._~/%:*-]*[A-Za-z0-9/*]")
"""Text with a colon in it that means itself in YAML, also inside of braces."""

SERVICE_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_-]*")


def configuration(upstream: str, origins: Sequence[str], page: str, stranger: str | None) -> str:
    """Write a configuration.

    Args:
        upstream: the API's URL.
        origins: what ``allowOrigins`` lists.
        page: an origin that is allowed.
        stranger: one that is not; ``None`` where every one is.
    """
    text = CONFIGURATION.format(
        origins="\n".join(f"      - {_scalar(origin)}" for origin in origins),
        upstream=_scalar(upstream),
        page=_scalar(page),
    )
    return text if stranger is None else text + STRANGERS.format(stranger=stranger)


def compose_file(file: str, upstream: str) -> str:
    """Write a compose file: the gateway, and the API if its URL can be that of a service.

    Args:
        file: the name of the configuration beside it.
        upstream: the API's URL.
    """
    mount = f"./{file}:/etc/cors-gateway/gateway.yaml:ro"
    # Compose substitutes as well, and by the same sign.
    text = COMPOSE.format(mount=_scalar(mount))
    parts = urlsplit(upstream)
    if parts.hostname == HOST_MACHINE:
        return text + HOST.format(host=HOST_MACHINE)
    if name := name_service(upstream):
        port = parts.port or (443 if parts.scheme == "https" else 80)
        return text + SERVICE.format(name=name, port=port)
    return text


def name_service(upstream: str) -> str | None:
    """Name the service that a compose file has for an API; ``None`` where it is elsewhere."""
    host = urlsplit(upstream).hostname or ""
    return host if SERVICE_NAME.fullmatch(host) else None


def _scalar(text: str) -> str:
    """Spell a text as one scalar in which nothing is substituted."""
    return text if PLAIN.fullmatch(text) else json.dumps(text.replace("$", "$$"))
