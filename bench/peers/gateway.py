"""The gateway by its own command, all features on: counters, the admin listener, request ids, ``Via``."""

import shlex
import sys
from collections.abc import Sequence
from os import environ

from bench.machine import ROOT, free_ports
from bench.scenario import ALLOWED_HEADERS, ALLOWED_METHODS, MAX_AGE, Setup

__all__ = ["COMMAND", "OTHER", "command", "program"]

COMMAND = "BENCH_GATEWAY"
"""The variable that names another command than this tree's, e.g. ``PYTHON -m cors_gateway``."""
OTHER = "BENCH_OTHER_GATEWAY"
"""The variable that names one more beside it in the same run: the compiled form, as the image has it."""

CONFIGURATION = """\
server:
  listen: "127.0.0.1:{port}"
  workers: {workers}
  # Nobody else is made to connect anew, either.
  limits: {{requestsPerConnection: none, connections: 2000}}
  timeouts: {{keepAlive: 1h}}
{tls}
admin: {{listen: "127.0.0.1:{admin}"}}
log: {{access: {log}}}
corsPolicies:
  spa:
    allowCredentials: true
    allowMethods: [{methods}]
    allowHeaders: [{headers}]
    maxAge: {max_age}
    onDisallowedOrigin: block
    allowOrigins:
{origins}
defaults: {{cors: spa}}
routes:
{routes}
"""


def command(setup: Setup, variable: str = COMMAND) -> Sequence[str]:
    """Write its configuration; give how it is started."""
    scenario = setup.scenario
    upstream = f"http://127.0.0.1:{setup.api}"
    text = CONFIGURATION.format(
        port=setup.port,
        workers=scenario.workers,
        tls=(
            f'  tls: {{certificate: "{setup.certificate}", key: "{setup.key}"}}'
            if scenario.tls
            else ""
        ),
        admin=free_ports(1)[0],
        log="true" if scenario.log else "false",
        methods=", ".join(ALLOWED_METHODS),
        headers=", ".join(ALLOWED_HEADERS),
        max_age=MAX_AGE,
        origins="\n".join(f'    - "{each}"' for each in setup.origins),
        routes="\n".join(
            f'- {{match: {{path: "{path}"}}, upstream: "{upstream}"}}' for path in setup.routes
        ),
    )
    file = setup.write("gateway.yaml", text)
    return [*program(variable), "run", "-c", str(file)]


def program(variable: str = COMMAND) -> Sequence[str]:
    """Give the command that a variable names, or this tree's."""
    named = shlex.split(environ.get(variable, ""))
    if not named:
        return ["env", f"PYTHONPATH={ROOT}", sys.executable, "-m", "cors_gateway"]
    # What another environment has installed is not to be hidden by this tree.
    return ["env", "-u", "PYTHONPATH", *named]
