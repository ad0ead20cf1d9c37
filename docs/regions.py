"""The parts of a document that are made, between two comments; the words around them are written.

A part begins with ``<!-- make docs: KIND WORDS -->`` and ends with ``<!-- end -->``. What stands
between is replaced; everything else is left as it is. So a reference can be told like a story, and
its tables still cannot differ from the program.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

__all__ = ["Makers", "Region", "RegionError", "fill", "find_regions", "headings", "slug"]

Makers = Mapping[str, Callable[..., str]]
"""What makes a part, by its kind; it gets the words behind that."""

_REGION = re.compile(
    r"^<!-- make docs: (?P<kind>\w+)(?P<words>[^\n]*?) -->\n(?P<content>.*?)^<!-- end -->$",
    re.MULTILINE | re.DOTALL,
)
_BEGIN = "<!-- make docs:"
_FENCED = re.compile(r"^ *(```|~~~).*?^ *\1 *$", re.MULTILINE | re.DOTALL)
_HEADING = re.compile(r"^(#{1,6}) +(.+?) *$", re.MULTILINE)
_LINK = re.compile(r"\[([^\]]*)\]\([^)]*\)")


class RegionError(Exception):
    """A part is marked so that it cannot be made."""


@dataclass(frozen=True, slots=True)
class Region:
    """A part that is made."""

    kind: str
    words: tuple[str, ...]
    content: str


def find_regions(text: str) -> Iterator[Region]:
    """Find the parts of a document that are made, in order.

    Raises:
        RegionError: one has no end.
    """
    found = list(_REGION.finditer(text))
    if len(found) != text.count(_BEGIN):
        raise RegionError("a part that is made has no <!-- end -->")
    for match in found:
        yield Region(match["kind"], tuple(match["words"].split()), match["content"])


def fill(text: str, makers: Makers) -> str:
    """Write a document with its parts made anew.

    Args:
        text: the document.
        makers: what makes parts. ``contents`` is known without: the table of contents.

    Raises:
        RegionError: nothing makes a part.
    """
    for region in find_regions(text):
        if region.kind != "contents" and region.kind not in makers:
            raise RegionError(f"nothing makes {region.kind}")

    def replace(match: re.Match[str]) -> str:
        first, _, _ = match[0].partition("\n")
        if match["kind"] == "contents":
            made = _contents(text)
        else:
            made = makers[match["kind"]](*match["words"].split())
        return f"{first}\n\n{made.strip()}\n\n<!-- end -->"

    return _REGION.sub(replace, text)


def headings(text: str) -> Iterator[tuple[int, str, str]]:
    """Give the level, the words and the anchor of each heading."""
    seen: dict[str, int] = {}
    for match in _HEADING.finditer(_FENCED.sub("", text)):
        anchor = slug(match[2])
        number = seen.get(anchor, 0)
        seen[anchor] = number + 1
        yield len(match[1]), match[2], f"{anchor}-{number}" if number else anchor


def slug(heading: str) -> str:
    """Make a heading's anchor as GitHub does."""
    words = _LINK.sub(r"\1", heading).strip().lower()
    return re.sub(r"[^\w\- ]", "", words).replace(" ", "-")


def _contents(text: str) -> str:
    return "\n".join(
        f"{'  ' * (level - 2)}- [{words}](#{anchor})"
        for level, words, anchor in headings(text)
        if level in {2, 3}
    )
