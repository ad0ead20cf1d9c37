"""A change of the configuration, as a person is told of it: at which line, and what to do there.

Knows nothing of requests: which change helps is looked for in ``remedies``.
"""

from collections.abc import Iterator
from dataclasses import dataclass, fields

from cors_gateway.config.load import Loaded
from cors_gateway.config.problems import Path, serialize_path
from cors_gateway.cors.settings import PolicySettings
from cors_gateway.snapshot import Route, Snapshot

__all__ = ["Change", "block_of", "change_at", "policy_changes"]


@dataclass(frozen=True, slots=True)
class Change:
    """One change of the configuration."""

    source: str
    """``FILE:LINE``, or the flag or variable."""
    key: str
    """Its path, e.g. ``corsPolicies.spa.allowOrigins``."""
    text: str
    """What to do there."""

    def __str__(self) -> str:
        return f"{self.source}: {self.key}: {self.text}"


def change_at(loaded: Loaded, path: Path, text: str, *, line_of: Path | None = None) -> Change:
    """Place a change in the file.

    Args:
        loaded: the configuration.
        path: of the key that is to be changed.
        text: what to do there.
        line_of: the path of what is written already, where the key is not.
    """
    position = loaded.document.position(line_of or path, at_key=True)
    source = f"{position.source}:{position.line}" if position.line else position.source
    return Change(source, serialize_path(path), text)


def policy_changes(
    loaded: Loaded, block: Path, before: PolicySettings, after: PolicySettings
) -> Iterator[Change]:
    """Compare a policy's settings, and place each difference in the block that holds them."""
    for field in fields(PolicySettings):
        old, new = getattr(before, field.name), getattr(after, field.name)
        if old == new:
            continue
        path = (*block, _key_of(field.name))
        is_written = loaded.document.has(path)
        text = _say_change(old, new, is_written=is_written)
        yield change_at(loaded, path, text, line_of=path if is_written else block)


def block_of(loaded: Loaded, snapshot: Snapshot, route: Route) -> Path:
    """Find where it is written what a route's policy is."""
    if route.policy_name is not None:
        return ("corsPolicies", route.policy_name)
    own: Path = ("routes", snapshot.routes.index(route), "cors")
    return own if loaded.document.has(own) else ("defaults", "cors")


def _say_change(old: object, new: object, *, is_written: bool) -> str:
    if isinstance(old, tuple) and isinstance(new, tuple):
        before, after = frozenset(old), frozenset(new)
        added = ", ".join(_item(item) for item in new if item not in before)
        removed = ", ".join(_item(item) for item in old if item not in after)
        if removed:
            return f"replace {removed} by {added}, and by the other pages that call it"
        if not is_written:
            return f"write it as [{', '.join(map(_item, new))}]"
        return f"add {added}"
    value = str(new).lower() if isinstance(new, bool) else new
    return f"set it to {value}"


def _item(item: str) -> str:
    return item if item.replace("-", "").isalnum() else f'"{item}"'


def _key_of(field: str) -> str:
    first, *rest = field.split("_")
    return first + "".join(word.capitalize() for word in rest)
