"""Plain sentences as Markdown: what is code in them becomes code, and nothing becomes markup.

Descriptions in the program are plain text, for terminals and editors. In a document ``*`` and
``<`` would mean something, and an example would be a link.
"""

import re
from collections.abc import Collection

__all__ = ["code", "mark_code"]

_WORD = re.compile(r"\S+")
_CAMEL_CASE = re.compile(r"[a-z]+(?:[A-Z][a-z]+)+")
_DOTTED = re.compile(r"[a-z]+(?:\.[A-Za-z]+)+:?")
_TELLING = re.compile(
    r"[*/_=<>\[\]{}]|\w:\w|^:\w|^--?[a-z]|^[A-Z]+_[A-Z]|^\d+(?:ms|s|m|h|KiB)$|^-$|\w\.(?:yaml|yml)$"
)


def code(text: str) -> str:
    """Write something as code in a table's cell."""
    fence = "``" if "`" in text else "`"
    return f"{fence}{text}{fence}".replace("|", "\\|")


def mark_code(text: str, words: Collection[str] = ()) -> str:
    """Mark what is code in a sentence.

    Args:
        text: plain text.
        words: what is code here although it looks like a word: the values of a key.
    """
    return _WORD.sub(lambda match: _mark(match[0], words), text)


def _mark(word: str, words: Collection[str]) -> str:
    inner = word.strip("(,;.")
    inner = inner.removesuffix(":") if not inner.startswith(":") else inner
    if inner.endswith(")") and "(" not in inner:
        inner = inner.rstrip(").,;:")
    is_code = (
        inner in words
        or _CAMEL_CASE.fullmatch(inner)
        or _DOTTED.fullmatch(inner)
        or _TELLING.search(inner)
    )
    if not inner or not is_code:
        return word.replace("<", "&lt;").replace("|", "\\|")
    before, _, after = word.partition(inner)
    return f"{before}{code(inner)}{after}"
