"""Peers that a module's tests share, and the gateway in front of one of them.

The gateway is its own command, in a process of its own; it lets in the pages of one origin.
"""

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from tests.peers import servers
from tests.peers.processes import Gateway, gateway
from tests.real.caller import ORIGIN

GatewayTo = Callable[..., Gateway]


@pytest.fixture(scope="module")
def gateway_to(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayTo]:
    """Start a gateway in front of a port; the settings are those of ``upstream``."""
    with ExitStack() as stack:
        started: list[Gateway] = []

        def start(port: int, **upstream: Any) -> Gateway:
            route = {
                "name": "api",
                "match": {"path": "/"},
                "upstream": {"url": f"http://127.0.0.1:{port}", **upstream},
            }
            methods = ["GET", "HEAD", "POST", "PUT", "DELETE"]
            settings = {
                "server": {"listen": "127.0.0.1:0"},
                "defaults": {"cors": {"allowOrigins": [ORIGIN], "allowMethods": methods}},
                "routes": [route],
            }
            directory = tmp_path_factory.mktemp("gateway")
            # What is JSON is YAML.
            started.append(stack.enter_context(gateway(directory, json.dumps(settings))))
            return started[-1]

        yield start
    for one in started:
        printed = "".join(one.printed)
        assert "Traceback" not in printed, printed
        assert "internal-error" not in printed, printed


@pytest.fixture(scope="module")
def flask_site() -> Iterator[int]:
    """The Flask site, by werkzeug."""
    with servers.flask_site() as port:
        yield port


@pytest.fixture(scope="module")
def gevent_site() -> Iterator[int]:
    """The Flask site, by gunicorn and gevent."""
    with servers.gunicorn_site("gevent") as port:
        yield port


@pytest.fixture(scope="module")
def node_api() -> Iterator[int]:
    with servers.node_api() as port:
        yield port
