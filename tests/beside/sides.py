"""The gateways that stand side by side, each with its defaults and with an API of its own."""

import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.beside.conversation import Api
from tests.peers.processes import gateway, running
from tests.peers.programs import path_of
from tests.peers.servers import nginx

__all__ = ["Side", "sides"]

GATEWAY = """\
server: {{listen: "127.0.0.1:0"{times}}}
admin: false
corsPolicies:
  app: {{allowOrigins: [https://app.example]}}
  closed: {{allowOrigins: [https://app.example], onDisallowedOrigin: block}}
routes:
  - name: admin
    match: {{path: /admin}}
    upstream: http://127.0.0.1:{api}
    cors: closed
  - name: api
    match: {{path: /}}
    upstream: http://127.0.0.1:{api}
    cors: app
"""
NGINX = """\
{times}
location / {{ proxy_pass http://127.0.0.1:{api}; }}
location /admin {{ return 403; }}
"""
# It does not work in HTTP unless it is told to, and warns where these three times are missing.
HAPROXY = """\
defaults
  mode http
  timeout connect 3s
  timeout client {times}
  timeout server 60s
frontend public
  bind 127.0.0.1:{{port}}
  http-request deny if {{{{ path_beg /admin }}}}
  default_backend api
backend api
  server one 127.0.0.1:{api}
"""
SHORT = ", timeouts: {head: 2s}", "client_header_timeout 2s;", "2s"
USUAL = "", "", "30s"
HAPROXY_SERVES = re.compile(r"Loading success|Address already in use")
ATTEMPTS = 5


@dataclass(frozen=True, slots=True)
class Side:
    """A gateway that runs, and the API behind it."""

    name: str
    address: tuple[str, int]
    api: Api


@contextmanager
def sides(directory: Path, *, has_short_times: bool = False) -> Iterator[tuple[Side, ...]]:
    """Run the three; needs ``system("nginx", "haproxy")``.

    Args:
        directory: for all that they write.
        has_short_times: whether they wait only 2 s for a head, and HAProxy for any piece of it.
    """
    apis = Api(), Api(), Api()
    times = SHORT if has_short_times else USUAL
    ours, theirs, others = (
        config.format(api=api.port, times=each)
        for config, api, each in zip((GATEWAY, NGINX, HAPROXY), apis, times, strict=True)
    )
    with (
        gateway(directory, ours) as one,
        nginx(directory, theirs) as two,
        haproxy(directory, others) as three,
    ):
        names = ("ours", one.port), ("nginx", two), ("haproxy", three)
        yield tuple(
            Side(name, ("127.0.0.1", port), api)
            for (name, port), api in zip(names, apis, strict=True)
        )
    for api in apis:
        api.closes()


@contextmanager
def haproxy(directory: Path, config: str) -> Iterator[int]:
    """Run HAProxy on a free port."""
    file = directory / "haproxy.cfg"
    for _ in range(ATTEMPTS):
        # It cannot say which port it took: one that is free is chosen, and may be lost again.
        with socket.socket() as holder:
            holder.bind(("127.0.0.1", 0))
            port: int = holder.getsockname()[1]
        file.write_text(config.format(port=port), "utf-8")
        with running([path_of("haproxy"), "-W", "-db", "-f", str(file)]) as program:
            if "success" in program.wait_for(HAPROXY_SERVES)[0]:
                yield port
                return
    raise AssertionError("HAProxy found no free port")
