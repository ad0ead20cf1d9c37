"""The verbs: what each does in one line, and an example of it.

Each has a module of its name beside this one, with ``add_arguments(parser)`` and
``run(options) -> int``. Nothing is imported here: a command loads the module of its verb alone, and
so ``healthcheck``, which runs every few seconds, does not wait for what ``run`` needs.
"""

from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["MEANT", "MEANT_FLAGS", "VERBS", "Verb"]


@dataclass(frozen=True, slots=True)
class Verb:
    """What the help says of a verb."""

    summary: str
    example: str
    """A whole command line, or several; in a folder with a configuration they work as they are."""


QUICK = """\
cors-gateway proxy --to http://localhost:5000 \\
    --allow-origin http://localhost:5173"""

VERBS: Mapping[str, Verb] = {
    "run": Verb(
        "serve what a configuration says",
        "cors-gateway run -c cors-gateway.yaml --listen 127.0.0.1:8080",
    ),
    "proxy": Verb("serve one API, without a file", QUICK),
    "demo": Verb("show it: an API without CORS, and a page that calls it", "cors-gateway demo"),
    "init": Verb(
        "write a configuration to begin with",
        QUICK.replace("proxy", "init"),
    ),
    "validate": Verb(
        "check a configuration, and run its tests",
        "cors-gateway validate cors-gateway.yaml --tests --strict",
    ),
    "explain": Verb(
        "say what becomes of a request, and what would change it",
        "cors-gateway explain --origin http://localhost:5173 --method PUT /orders/17",
    ),
    "doctor": Verb(
        "say what is wrong with an API's CORS, and what would be right",
        "cors-gateway doctor --origin http://localhost:5173 http://localhost:5000/",
    ),
    "diff": Verb(
        "say what changes from one configuration to another",
        "git show HEAD:cors-gateway.yaml |\n    cors-gateway diff --strict - cors-gateway.yaml",
    ),
    "render": Verb(
        "show the effective configuration, without secrets",
        "cors-gateway render -c cors-gateway.yaml",
    ),
    "schema": Verb(
        "print the JSON Schema of a configuration, for editors",
        "cors-gateway schema > cors-gateway.schema.json",
    ),
    "routes": Verb("list the routes, most specific first", "cors-gateway routes --json"),
    "reload": Verb("have a running gateway load its configuration again", "cors-gateway reload"),
    "healthcheck": Verb("ask a running gateway whether it is ready", "cors-gateway healthcheck"),
    "version": Verb("print the versions of what is running", "cors-gateway version"),
}
"""In the order in which the help lists them."""

MEANT: Mapping[str, str] = {
    "check": "validate",
    "compare": "diff",
    "config": "render",
    "diagnose": "doctor",
    "health": "healthcheck",
    "lint": "validate",
    "list": "routes",
    "new": "init",
    "refresh": "reload",
    "reverse-proxy": "proxy",
    "serve": "run",
    "start": "run",
    "test": "validate",
    "up": "run",
    "why": "explain",
}
"""What other programs call it, by our name: too far apart to be found by their letters."""

MEANT_FLAGS: Mapping[str, str] = {
    "--addr": "--listen",
    "--address": "--listen",
    "--backend": "--to",
    "--bind": "--listen",
    "--cookies": "--credentials",
    "--cors": "--allow-origin",
    "--header": "--allow-header",
    "--headers": "--allow-header",
    "--host": "--listen",
    "--method": "--allow-method",
    "--methods": "--allow-method",
    "--origin": "--allow-origin",
    "--origins": "--allow-origin",
    "--port": "--listen",
    "--proxy-url": "--to",
    "--proxyurl": "--to",
    "--target": "--to",
    "--upstream": "--to",
    "--url": "--to",
    "--with-credentials": "--credentials",
}
"""What other programs call a flag, in lower case, by our name for it; not every verb has that."""
