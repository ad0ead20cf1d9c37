"""The documents as tests read them: their blocks of code, links, anchors, tables and code spans."""

import re
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from docs.regions import headings

__all__ = ["DOCS", "PAGES", "ROOT", "Block", "Page"]

ROOT = Path(__file__).parents[2]

_FENCE = re.compile(
    r"^(?P<indent> *)(?P<fence>```+|~~~+)(?P<language>[\w-]*)[^\n]*\n(?P<text>.*?)^ *(?P=fence) *$",
    re.MULTILINE | re.DOTALL,
)
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_SPAN = re.compile(r"(?<!`)(`{1,2})(?!`)(.+?)(?<!`)\1(?!`)", re.DOTALL)
_LINK = re.compile(r"(?<!\\)\]\(\s*<?([^)\s>]+)>?(?:\s+\"[^\"]*\")?\s*\)")
_ATTRIBUTE = re.compile(r"<(?:a|img|source)\b[^>]*?\b(?:href|src|srcset)=\"([^\"]+)\"")
_ID = re.compile(r"<a (?:id|name)=\"([^\"]+)\"")


@dataclass(frozen=True)
class Block:
    """A fenced block of code."""

    page: str
    line: int
    language: str
    text: str

    @property
    def name(self) -> str:
        """Where it stands, for a test's id."""
        return f"{self.page}:{self.line}"


@dataclass(frozen=True)
class Page:
    """One Markdown file."""

    path: Path

    @property
    def name(self) -> str:
        """Its name from the root of the repository."""
        return self.path.relative_to(ROOT).as_posix()

    @cached_property
    def text(self) -> str:
        """All of it."""
        return self.path.read_text("utf-8")

    @cached_property
    def prose(self) -> str:
        """It without blocks of code and comments."""
        return _COMMENT.sub("", _FENCE.sub("", self.text))

    @cached_property
    def blocks(self) -> tuple[Block, ...]:
        """Its blocks of code, without the indentation of a list that they stand in."""
        return tuple(
            Block(
                self.name,
                self.text.count("\n", 0, match.start()) + 1,
                match["language"],
                textwrap.dedent(match["text"]),
            )
            for match in _FENCE.finditer(self.text)
        )

    @cached_property
    def spans(self) -> tuple[str, ...]:
        """What is code within a line."""
        return tuple(
            match[2].strip().replace("\\|", "|").replace("\n", " ")
            for match in _SPAN.finditer(self.prose)
        )

    @cached_property
    def links(self) -> tuple[str, ...]:
        """Where its links and images lead."""
        outside = _SPAN.sub("", self.prose)
        return (*_LINK.findall(outside), *_ATTRIBUTE.findall(outside))

    @cached_property
    def anchors(self) -> tuple[str, ...]:
        """Where links to it may lead."""
        return (*(anchor for _, _, anchor in headings(self.text)), *_ID.findall(self.text))

    def section(self, heading: str) -> str:
        """Give the text below a heading, up to the next of its level or above."""
        match = re.search(rf"^(#+) {re.escape(heading)}\n", self.text, re.MULTILINE)
        assert match, f"{self.name} has no section {heading!r}"
        rest = self.text[match.end() :]
        end = re.search(rf"^#{{1,{len(match[1])}}} ", _hide_code(rest), re.MULTILINE)
        return rest[: end.start()] if end else rest

    def first_cells(self, heading: str) -> list[str]:
        """Give the code in the first cells of a section's tables, a list item each."""
        return list(_first_cells(self.section(heading)))


def _hide_code(text: str) -> str:
    """Blank out blocks of code: a comment in a shell looks like a heading."""
    return _FENCE.sub(lambda match: re.sub(r"[^\n]", " ", match[0]), text)


def _first_cells(text: str) -> Iterator[str]:
    for line in text.splitlines():
        if line.startswith("| ") and not line.startswith("|--"):
            cell = re.split(r"(?<!\\)\|", line)[1]
            yield from (match[2] for match in _SPAN.finditer(cell))


PAGES = tuple(
    Page(path)
    for pattern in (
        "*.md",
        "docs/*.md",
        "docs/recipes/*.md",
        "examples/*.md",
        "examples/*/README.md",
    )
    for path in sorted(ROOT.glob(pattern))
)
DOCS = {page.name: page for page in PAGES}
