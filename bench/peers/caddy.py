"""Caddy: matchers and the ``header`` directive; ``GOMAXPROCS`` is the number of workers.

Its buffers are its defaults: it passes content on as it comes, by 32 KiB.
"""

from collections.abc import Sequence

from bench.machine import BenchError, where
from bench.scenario import ALLOWED_HEADERS, ALLOWED_METHODS, MAX_AGE, Setup

__all__ = ["command"]

CONFIGURATION = """\
{{
  admin off
  auto_https off
  log {{
    output stderr
    level {level}
  }}
}}
{scheme}://:{port} {{
  bind 127.0.0.1
  {tls}
  {log}
  @allowed {{
{origins}
  }}
  @refused {{
    header Origin *
    not {{
{origins}
    }}
  }}
  @preflight {{
    method OPTIONS
    header Access-Control-Request-Method *
  }}
  header X-Request-ID {{http.request.uuid}}
  header @preflight Vary "Origin, Access-Control-Request-Method, Access-Control-Request-Headers"
  route {{
    respond @refused 403
    header @allowed {{
      defer
      Access-Control-Allow-Origin {{http.request.header.Origin}}
      Access-Control-Allow-Credentials true
    }}
    header @preflight {{
      Access-Control-Allow-Methods "{methods}"
      Access-Control-Allow-Headers "{headers}"
      Access-Control-Max-Age {max_age}
    }}
    respond @preflight 204
    header +Vary Origin
    reverse_proxy 127.0.0.1:{api} {{
      header_up X-Request-ID {{http.request.uuid}}
      header_down -Access-Control-Allow-Origin
      header_down -Access-Control-Allow-Credentials
    }}
  }}
}}
"""


def command(setup: Setup) -> Sequence[str]:
    """Write its configuration; give how it is started."""
    scenario = setup.scenario
    if scenario.routes:
        raise BenchError("Caddy is not set up for several routes here")
    text = CONFIGURATION.format(
        level="INFO" if scenario.log else "ERROR",
        scheme="https" if scenario.tls else "http",
        port=setup.port,
        tls=f"tls {setup.certificate} {setup.key}" if scenario.tls else "",
        log=f"log {{\n    output file {setup.folder}/access.log\n  }}" if scenario.log else "",
        origins="\n".join(f"    header Origin {each}" for each in setup.origins),
        methods=", ".join(ALLOWED_METHODS),
        headers=", ".join(ALLOWED_HEADERS),
        max_age=MAX_AGE,
        api=setup.api,
    )
    file = setup.write("Caddyfile", text)
    argv = ["env", f"GOMAXPROCS={scenario.workers}", f"XDG_CONFIG_HOME={setup.folder}"]
    argv.append(f"XDG_DATA_HOME={setup.folder}")
    return [*argv, where("caddy"), "run", "--adapter", "caddyfile", "--config", str(file)]
