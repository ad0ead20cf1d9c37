"""What flags and variables change in a configuration: put into the document, before it is read.

So a mistake in a flag is found and worded as one in the file would be, and its position names the
flag. The order: flag, ``CORS_GATEWAY_…``, file, then what platforms set (``PORT``,
``FORWARDED_ALLOW_IPS``, ``WEB_CONCURRENCY``).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from cors_gateway.cli.variables import LISTEN, WORKERS, given
from cors_gateway.config.nodes import Block, Document, Node, Scalar, Series
from cors_gateway.config.problems import Position
from cors_gateway.config.quick import Given

__all__ = ["Flags", "override", "warn_of_workers"]

EVERY_PEER = ("0.0.0.0/0", "::/0")


@dataclass(frozen=True, slots=True)
class Flags:
    """The flags that ``run`` and ``proxy`` share; ``None`` where one was not given."""

    listen: str | None = None
    workers: str | None = None


def override(document: Document, flags: Flags, env: Mapping[str, str]) -> Document:
    """Put flags and variables in the place of what a document says, or beside it."""
    server = _server_of(document)
    if server is None:
        return document
    entries = {**server.entries, **dict(_from_platform(env, server)), **dict(_chosen(flags, env))}
    if entries == server.entries:
        return document
    keys = {**{key: node.position for key, node in entries.items()}, **server.keys}
    root = document.root
    assert isinstance(root, Block)  # noqa: S101 - or there would be no server block
    changed = Block(server.position, entries, keys)
    return replace(
        document,
        root=Block(
            root.position,
            {**root.entries, "server": changed},
            {"server": changed.position, **root.keys},
        ),
    )


def warn_of_workers(document: Document, env: Mapping[str, str]) -> Iterator[str]:
    """Say that a platform's number of processes is not followed yet."""
    wanted = given(env, "WEB_CONCURRENCY")
    if wanted and wanted.value != "1" and not document.has(("server", "workers")):
        yield (
            f"WEB_CONCURRENCY is {wanted.value}, several workers are not supported yet, "
            "so one is started"
        )


def _server_of(document: Document) -> Block | None:
    """Find or make the block; ``None`` where the document has something else in its place."""
    if not isinstance(document.root, Block):
        return None
    server = document.root.entries.get("server", Block(Position(document.name)))
    return server if isinstance(server, Block) else None


def _chosen(flags: Flags, env: Mapping[str, str]) -> Iterator[tuple[str, Node]]:
    if listen := _flag(flags.listen, "--listen") or given(env, LISTEN):
        yield "listen", _addresses(listen)
    if workers := _flag(flags.workers, "--workers") or given(env, WORKERS):
        yield "workers", _scalar(workers, plain=True)


def _from_platform(env: Mapping[str, str], server: Block) -> Iterator[tuple[str, Node]]:
    port = given(env, "PORT")
    if port and "listen" not in server.entries:
        yield "listen", _scalar(Given(f"0.0.0.0:{port.value}", port.source))
    proxies = given(env, "FORWARDED_ALLOW_IPS")
    if proxies and "trustedProxies" not in server.entries:
        names = [name for item in proxies.value.split(",") if (name := item.strip())]
        networks = [net for name in names for net in (EVERY_PEER if name == "*" else (name,))]
        position = Position(proxies.source)
        yield (
            "trustedProxies",
            Series(position, [_scalar(Given(net, proxies.source)) for net in networks]),
        )


def _flag(value: str | None, source: str) -> Given | None:
    return None if value is None else Given(value, source)


def _addresses(value: Given) -> Node:
    """Take several addresses with commas between."""
    items = [item for part in value.value.split(",") if (item := part.strip())]
    if len(items) < 2:
        return _scalar(value)
    return Series(Position(value.source), [_scalar(Given(item, value.source)) for item in items])


def _scalar(value: Given, *, plain: bool = False) -> Scalar:
    # The shell has substituted already: what is left of a dollar sign stands for itself.
    return Scalar(value.value.replace("$", "$$"), Position(value.source), plain)
