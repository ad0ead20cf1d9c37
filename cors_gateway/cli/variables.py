"""The environment: which variables mean something here, and which only look as if they did.

Kubernetes sets variables for every Service, also for one that is called ``cors-gateway``. So there
is no ``CORS_GATEWAY_PORT``, and what Kubernetes makes is passed over in silence.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from cors_gateway.config.given import Given

__all__ = [
    "ADMIN",
    "ALLOW_CREDENTIALS",
    "ALLOW_ORIGINS",
    "CONFIG",
    "LISTEN",
    "ROUTE_VARIABLES",
    "UPSTREAM",
    "WATCH",
    "WORKERS",
    "given",
    "split_flag",
    "split_names",
    "split_origins",
    "warn_of_unknown",
    "workers_wanted",
]

PREFIX = "CORS_GATEWAY_"
CONFIG = "CORS_GATEWAY_CONFIG"
LISTEN = "CORS_GATEWAY_LISTEN"
WORKERS = "CORS_GATEWAY_WORKERS"
WATCH = "CORS_GATEWAY_WATCH"
ADMIN = "CORS_GATEWAY_ADMIN"
UPSTREAM = "CORS_GATEWAY_UPSTREAM"
ALLOW_ORIGINS = "CORS_GATEWAY_ALLOW_ORIGINS"
ALLOW_CREDENTIALS = "CORS_GATEWAY_ALLOW_CREDENTIALS"

ROUTE_VARIABLES = (UPSTREAM, ALLOW_ORIGINS, ALLOW_CREDENTIALS)
"""What stands for a file."""

OFFERED = (CONFIG, LISTEN, WORKERS, ADMIN, WATCH, *ROUTE_VARIABLES)
KNOWN = frozenset(OFFERED)

_ADDRESS = r"(?:tcp|udp|sctp)://\S+"
_MADE_BY_KUBERNETES = re.compile(
    rf"""CORS_GATEWAY_(?:\w+_)?(?:
        SERVICE_HOST=.* | SERVICE_PORT(?:_\w+)?=\d+ | PORT={_ADDRESS}
        | PORT_\d+_(?:TCP|UDP|SCTP)(?:={_ADDRESS}|_(?:PROTO|PORT|ADDR)=.*)
    )""",
    re.VERBOSE | re.DOTALL,
)


def given(env: Mapping[str, str], name: str) -> Given | None:
    """Look up a variable; an empty one counts as not set, as compose files leave it."""
    value = env.get(name, "").strip()
    return Given(value, name) if value else None


def workers_wanted(flag: str | None, env: Mapping[str, str]) -> str | None:
    """Say how many workers somebody asks for outside a configuration, as far as that can be known."""
    variable = given(env, WORKERS) or given(env, "WEB_CONCURRENCY")
    return flag or (variable and variable.value)


def split_origins(origins: Given) -> list[Given]:
    """Split a list that is separated by ``,`` or ``|``."""
    return _split(origins, r"[,|]")


def split_names(names: Given) -> list[Given]:
    """Split a list that is separated by ``,``: in a method's or a header's name ``|`` may stand."""
    return _split(names, ",")


def split_flag(
    flag: str, values: Sequence[str] | None, split: Callable[[Given], list[Given]]
) -> list[Given]:
    """Split each value of a flag that can be repeated; one with nothing in it stays, as a mistake."""
    given_by = [Given(value, flag) for value in values or ()]
    return [item for value in given_by for item in split(value) or [value]]


def _split(listed: Given, separator: str) -> list[Given]:
    items = (item.strip() for item in re.split(separator, listed.value))
    return [Given(item, listed.source) for item in items if item]


def warn_of_unknown(env: Mapping[str, str], used: Iterable[str] = ()) -> Iterator[str]:
    """Say which variables have no effect although they begin like ours.

    Args:
        env: the environment.
        used: ``${NAME}`` expressions of the configuration: who names a variable knows of it.
    """
    expressions = "".join(used)
    for name, value in sorted(env.items()):
        if not name.startswith(PREFIX) or name in KNOWN or f"${{{name}}}" in expressions:
            continue
        if not _MADE_BY_KUBERNETES.fullmatch(f"{name}={value}"):
            yield f"{name} has no effect, it is not known, {_remedy(name)}"


def _remedy(name: str) -> str:
    if name == "CORS_GATEWAY_PORT":
        # Kubernetes sets one of that name for a Service, with a URL in it.
        return f"set PORT, or {LISTEN} to :8080"
    # Only here is it worth its import.
    from difflib import get_close_matches  # noqa: PLC0415

    # What all of them begin with would make any two look alike.
    offered = {known.removeprefix(PREFIX): known for known in OFFERED}
    near = get_close_matches(name.removeprefix(PREFIX), offered, n=1, cutoff=0.7)
    return f"did you mean {offered[near[0]]}?" if near else f"the names are {', '.join(OFFERED)}"
