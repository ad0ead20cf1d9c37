"""What flags and variables change in a configuration: put into the document, before it is read.

So a mistake in a flag is found and worded as one in the file would be, and its position names the
flag. The order: flag, ``CORS_GATEWAY_…``, file, then what platforms set (``PORT``,
``FORWARDED_ALLOW_IPS``, ``WEB_CONCURRENCY``).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from cors_gateway.cli.variables import ADMIN, LISTEN, WORKERS, given
from cors_gateway.config.given import Given
from cors_gateway.config.nodes import Block, Document, Node, Scalar, Series
from cors_gateway.config.problems import Position

__all__ = ["Flags", "override"]

EVERY_PEER = ("0.0.0.0/0", "::/0")


@dataclass(frozen=True, slots=True)
class Flags:
    """The flags that ``run`` and ``proxy`` share; ``None`` where one was not given."""

    listen: str | None = None
    workers: str | None = None
    admin: str | None = None
    """An address, or ``off``."""
    default_admin: str | None = None
    """What counts where neither a flag nor a variable nor the document says anything."""


def override(document: Document, flags: Flags, env: Mapping[str, str]) -> Document:
    """Put flags and variables in the place of what a document says, or beside it."""
    root = document.root
    if not isinstance(root, Block):
        return document
    changed: dict[str, Node] = {}
    server = root.entries.get("server", Block(Position(document.name)))
    if isinstance(server, Block):
        given_now = {**dict(_from_platform(env, server)), **dict(_chosen(flags, env))}
        if given_now:
            changed["server"] = _with(server, given_now)
    if admin := _flag(flags.admin, "--admin") or given(env, ADMIN):
        changed["admin"] = _admin(admin, root)
    elif flags.default_admin is not None and "admin" not in root.entries:
        changed["admin"] = _admin(Given(flags.default_admin, "--admin"), root)
    return replace(document, root=_with(root, changed)) if changed else document


def _with(block: Block, changed: Mapping[str, Node]) -> Block:
    """Put entries into a block; where a key was there before, its position stays."""
    positions = {key: node.position for key, node in changed.items()}
    return Block(block.position, {**block.entries, **changed}, {**positions, **block.keys})


def _admin(value: Given, root: Block) -> Node:
    """Say ``admin: false``, or ``admin.listen`` beside what else the document has there."""
    if value.value.lower() in {"off", "false"}:
        return _scalar(Given("false", value.source), plain=True)
    block = root.entries.get("admin")
    if not isinstance(block, Block):
        block = Block(value.position)
    if value.value.lower() in {"on", "true"}:
        return block
    return _with(block, {"listen": _scalar(value)})


def _chosen(flags: Flags, env: Mapping[str, str]) -> Iterator[tuple[str, Node]]:
    if listen := _flag(flags.listen, "--listen") or given(env, LISTEN):
        yield "listen", _addresses(listen)
    if workers := _flag(flags.workers, "--workers") or given(env, WORKERS):
        yield "workers", _scalar(workers, plain=True)


def _from_platform(env: Mapping[str, str], server: Block) -> Iterator[tuple[str, Node]]:
    port = given(env, "PORT")
    if port and "listen" not in server.entries:
        yield "listen", _scalar(Given(f"0.0.0.0:{port.value}", port.source))
    workers = given(env, "WEB_CONCURRENCY")
    if workers and "workers" not in server.entries:
        yield "workers", _scalar(workers, plain=True)
    proxies = given(env, "FORWARDED_ALLOW_IPS")
    if proxies and "trustedProxies" not in server.entries:
        names = [name for item in proxies.value.split(",") if (name := item.strip())]
        networks = [net for name in names for net in (EVERY_PEER if name == "*" else (name,))]
        yield (
            "trustedProxies",
            Series(proxies.position, [_scalar(Given(net, proxies.source)) for net in networks]),
        )


def _flag(value: str | None, source: str) -> Given | None:
    return None if value is None else Given(value, source)


def _addresses(value: Given) -> Node:
    """Take several addresses with commas between."""
    items = [item for part in value.value.split(",") if (item := part.strip())]
    if len(items) < 2:
        return _scalar(value)
    return Series(value.position, [_scalar(Given(item, value.source)) for item in items])


def _scalar(value: Given, *, plain: bool = False) -> Scalar:
    # The shell has substituted already: what is left of a dollar sign stands for itself.
    return Scalar(value.value.replace("$", "$$"), value.position, plain)
