"""The keys in which two blocks of settings differ: ``timeouts.head: 10s → 30s``.

Every key is compared alike, so that one that the schema gains is never left out. A value that came
from outside, or that is sent to an API, is not shown. This module does not know what a key means.
"""

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from cors_gateway.config.load import Loaded
from cors_gateway.config.problems import Path, serialize_path
from cors_gateway.config.render import shown_value
from cors_gateway.differences.change import Change, list_changes, spell

__all__ = ["Side", "changed_keys"]


class Side(NamedTuple):
    """A block of one of the two configurations."""

    value: Any
    """As the schema writes it: blocks are dicts, and durations text."""
    path: Path
    """Where it stands, from the root."""
    loaded: Loaded

    def below(self, key: str) -> "Side":
        """Give what stands at a key."""
        value = self.value.get(key) if isinstance(self.value, dict) else None
        return Side(value, (*self.path, key), self.loaded)

    def shown(self) -> Any:
        """Give the value as far as it may be shown."""
        return shown_value(self.value, self.path, self.loaded.filling.filled)


WhyWider = Callable[[tuple[str, ...], Any, Any], str]
"""Says what somebody may do after a change at a key that nobody could before; empty for nothing."""


def _nothing(_: tuple[str, ...], __: Any, ___: Any) -> str:
    return ""


def changed_keys(
    old: Side,
    new: Side,
    *,
    below: tuple[str, ...] = (),
    without: frozenset[tuple[str, ...]] = frozenset(),
    unwritten: Mapping[tuple[str, ...], str] = MappingProxyType({}),
    why_wider: WhyWider = _nothing,
) -> Iterator[Change]:
    """Say of each key below two blocks what was and what is.

    Args:
        old: the block as it was.
        new: the block as it is.
        below: the keys that lead to it, for the sentence.
        without: keys that somebody else compares.
        unwritten: what keys mean at which nothing stands, or a list of nothing.
        why_wider: what a change at a key lets somebody do.
    """
    if old.value == new.value or below in without:
        return
    if isinstance(old.value, dict) and isinstance(new.value, dict):
        for key in dict.fromkeys((*new.value, *old.value)):
            yield from changed_keys(
                old.below(key),
                new.below(key),
                below=(*below, key),
                without=without,
                unwritten=unwritten,
                why_wider=why_wider,
            )
        return
    key = serialize_path(below)
    was = _in_words(old.shown(), below, unwritten)
    becomes = _in_words(new.shown(), below, unwritten)
    if isinstance(was, list) and isinstance(becomes, list):
        text = list_changes(key, old.value, new.value, was, becomes)
    elif spell(was) == spell(becomes):
        text = f"{key}: has another value, which is not shown"
    else:
        text = f"{key}: {spell(was)} → {spell(becomes)}"
    why = why_wider(below, old.value, new.value)
    yield Change(f"{text}: {why}" if why else text, bool(why), below)


def _in_words(value: Any, key: tuple[str, ...], unwritten: Mapping[tuple[str, ...], str]) -> Any:
    """Put what it means in the place of nothing, also within a block."""
    if value is None or value == []:
        return unwritten.get(key, value)
    if isinstance(value, dict):
        return {name: _in_words(item, (*key, name), unwritten) for name, item in value.items()}
    return value
