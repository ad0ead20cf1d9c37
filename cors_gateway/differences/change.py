"""One change of a key, before it is known whose it is and at which line it stands.

This module knows no document and no snapshot.
"""

from typing import Any, NamedTuple

__all__ = ["Change", "join_names", "list_changes"]

LONGEST_VALUE = 100
"""Characters of a value that are shown."""

MAX_NAMES = 5
"""Names in one sentence."""


class Change(NamedTuple):
    """What is different, in words, below a block."""

    text: str
    is_wider: bool = False
    path: tuple[str | int, ...] = ()
    """Where it stands below the block; where it does not, the block that misses it counts."""


def join_names(names: list[str], most: int = MAX_NAMES) -> str:
    """Name a few things, and count the others: ``a, b and 3 more``."""
    if len(names) > most:
        return f"{', '.join(names[:most])} and {len(names) - most} more"
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last


def list_changes(
    key: str, old: list[Any], new: list[Any], old_shown: list[Any], new_shown: list[Any]
) -> str:
    """Say what a list has gained and lost.

    Args:
        key: the list's own.
        old: the items as they are compared.
        new: the items as they are compared.
        old_shown: the same as they may be shown.
        new_shown: the same as they may be shown.
    """
    gained = [spell(shown) for item, shown in zip(new, new_shown, strict=True) if item not in old]
    lost = [spell(shown) for item, shown in zip(old, old_shown, strict=True) if item not in new]
    parts = [f"with {join_names(gained)}"] if gained else []
    parts += [f"without {join_names(lost)}"] if lost else []
    return f"{key}: now {' and '.join(parts) or 'in another order'}"


def spell(value: Any) -> str:
    """Write a value as it stands in a file, on one line and not too long."""
    if value is None:
        text = "nothing"
    elif isinstance(value, bool):
        text = "true" if value else "false"
    elif isinstance(value, dict):
        text = f"{{{', '.join(f'{key}: {spell(item)}' for key, item in value.items())}}}"
    elif isinstance(value, list):
        text = f"[{', '.join(map(spell, value))}]"
    else:
        text = str(value)
    return text if len(text) <= LONGEST_VALUE else f"{text[: LONGEST_VALUE - 1]}…"
