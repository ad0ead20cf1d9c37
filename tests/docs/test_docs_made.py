"""The parts of the documents that are made are up to date, and all that is there is in them."""

import re
from pathlib import Path

import pytest

from cors_gateway.cli.verbs import VERBS
from cors_gateway.config.json_schema import json_schema
from docs.__main__ import DOCUMENTS, made
from docs.keys import KeyTables, block_paths
from docs.regions import RegionError, fill, find_regions, headings
from docs.wording import mark_code
from tests.docs.pages import DOCS

CONFIGURATION = DOCS["docs/configuration.md"]
COMMANDS = DOCS["docs/commands.md"]


@pytest.mark.parametrize("path", [pytest.param(path, id=path.name) for path in DOCUMENTS])
def test_it_is_as_make_docs_writes_it(path: Path) -> None:
    assert path.read_text("utf-8") == made(path), f"{path.name} is stale: make docs"


def test_every_block_of_keys_has_its_table_once() -> None:
    paths = block_paths()
    shown = [
        region.words[0].removeprefix(".")
        for region in find_regions(CONFIGURATION.text)
        if region.kind == "keys"
    ]
    names = [next(name for name, at in paths.items() if path in at) for path in shown]

    assert sorted(names) == sorted(paths)


def test_every_key_has_a_row_or_is_named_as_not_built() -> None:
    schema = json_schema()
    for name, definition in {"Settings": schema, **schema["definitions"]}.items():
        for key in definition.get("properties", {}):
            assert re.search(rf"(</a>|refused: .*)`{key}`", CONFIGURATION.text), f"{name}.{key}"


def test_every_key_shows_how_a_value_of_it_is_written() -> None:
    """By its default, its choices, an example, or the table of the block that it leads to."""
    rows = re.findall(
        r"^\| <a id=.*?>`(\w+)` \| (.*?) \| (.*?) \| (.*) \|$", CONFIGURATION.text, re.MULTILINE
    )
    assert len(rows) > 50

    silent = [
        key
        for key, kind, default, meaning in rows
        if default in {"–", "required"}
        and "For example" not in meaning
        and not re.search(r"`|\[block\]", kind)
    ]

    assert silent == []


def test_every_dangerous_key_has_a_warning() -> None:
    rows = re.findall(r"^\| .*`dangerously\w+`.*$", CONFIGURATION.text, re.MULTILINE)

    assert len(rows) == 4
    assert all("⚠️" in row for row in rows)


def test_every_command_has_its_part() -> None:
    shown = [region.words for region in find_regions(COMMANDS.text) if region.kind == "verb"]

    assert shown == [(name,) for name in VERBS]


class TestParts:
    def test_what_stands_between_the_marks_is_replaced_and_nothing_else(self) -> None:
        text = "a\n<!-- make docs: sum 1 2 -->\nold\n<!-- end -->\nb\n"

        filled = fill(text, {"sum": lambda *words: "+".join(words)})

        assert filled == "a\n<!-- make docs: sum 1 2 -->\n\n1+2\n\n<!-- end -->\nb\n"
        assert fill(filled, {"sum": lambda *words: "+".join(words)}) == filled

    def test_a_part_without_an_end_is_refused(self) -> None:
        with pytest.raises(RegionError, match="no <!-- end -->"):
            fill("<!-- make docs: sum -->\n", {"sum": str})

    def test_a_part_that_nothing_makes_is_refused(self) -> None:
        with pytest.raises(RegionError, match="nothing makes sum"):
            fill("<!-- make docs: sum -->\n<!-- end -->\n", {})

    def test_a_block_that_is_not_there_is_refused(self) -> None:
        with pytest.raises(RegionError, match=r"no block at server\.nowhere"):
            KeyTables().table("server.nowhere")

    def test_headings_have_the_anchors_that_github_gives_them(self) -> None:
        text = "# A `b.c`, d\n```sh\n# no heading\n```\n## What's new?\n## What's new?\n"

        assert [anchor for _, _, anchor in headings(text)] == ["a-bc-d", "whats-new", "whats-new-1"]

    @pytest.mark.parametrize(
        "plain, marked",
        [
            ("host:port, :port or unix:/path.", "`host:port`, `:port` or `unix:/path`."),
            ("Without it: every host.", "Without it: every host."),
            ('["*"] is everyone (*.github.io).', '`["*"]` is everyone (`*.github.io`).'),
            ("as server.tls says", "as `server.tls` says"),
            ("a|b and a<b", "a\\|b and `a<b`"),
        ],
    )
    def test_code_in_a_sentence_is_marked(self, plain: str, marked: str) -> None:
        assert mark_code(plain) == marked
