import pytest
from hypothesis import given
from hypothesis import strategies as st

from cors_gateway.config.document import parse_document
from cors_gateway.config.nodes import Block, Document, Scalar, Series
from cors_gateway.config.problems import Path

TEXT = """\
server:
  listen: ":8080"
routes:
  - match: {path: /a}
  - name: é
"""


def parse(text: str | bytes) -> Document:
    return parse_document(text, "f.yaml")


@pytest.mark.parametrize(
    "path, at_key, place",
    [
        pytest.param((), False, "f.yaml:1:1", id="the root"),
        pytest.param(("server",), False, "f.yaml:2:3", id="a block begins at its first key"),
        pytest.param(("server",), True, "f.yaml:1:1", id="the key of a block"),
        pytest.param(("server", "listen"), False, "f.yaml:2:11", id="a value"),
        pytest.param(("server", "listen"), True, "f.yaml:2:3", id="a key"),
        pytest.param(("routes", 1), False, "f.yaml:5:5", id="an item"),
        pytest.param(("routes", 1), True, "f.yaml:5:5", id="an item has no key"),
        pytest.param(("routes", 0, "match", "path"), False, "f.yaml:4:19", id="in a flow"),
        pytest.param(("routes", 0, "cors"), False, "f.yaml:4:5", id="missing: the block around it"),
        pytest.param(("routes", 0, "cors"), True, "f.yaml:4:5", id="a missing key"),
        pytest.param(("routes", 7), False, "f.yaml:4:3", id="a missing item: the list"),
        pytest.param(("server", "listen", 0), False, "f.yaml:2:11", id="below a value: the value"),
    ],
)
def test_everything_has_a_position(path: Path, at_key: bool, place: str) -> None:
    assert str(parse(TEXT).position(path, at_key=at_key)) == place


def test_the_document_knows_what_is_written_in_it() -> None:
    document = parse(TEXT)

    assert document.has(("routes", 1, "name"))
    assert not document.has(("routes", 1, "match"))
    assert not document.has(("routes", "name"))


def test_columns_count_characters() -> None:
    document = parse('{"é": 1, b: 2}')

    assert document.position(("b",)).column == 13


@pytest.mark.parametrize("text", ["", "# a comment\n", "---\n...\n"])
def test_a_document_may_be_empty(text: str) -> None:
    assert not parse(text).problems
    assert parse(text).root in (None, Scalar("", parse(text).position(())))


@pytest.mark.parametrize("text", ["\ufefflog: a", b"\xef\xbb\xbflog: a", b"log: a"])
def test_a_byte_order_mark_is_no_part_of_the_text(text: str | bytes) -> None:
    root = parse(text).root

    assert isinstance(root, Block)
    assert str(root.keys["log"]) == "f.yaml:1:1"


def test_quotes_and_block_scalars_are_text() -> None:
    root = parse("[5, '5', \"5\", |\n 5\n]".replace("|\n 5\n", "'5'")).root

    assert isinstance(root, Series)
    assert [isinstance(item, Scalar) and item.plain for item in root.items] == [
        True,
        False,
        False,
        False,
    ]


def test_anchors_and_aliases_are_read_where_they_are_written() -> None:
    document = parse("a: &a [1]\nb: *a\nc: &s x\nd: *s\n")

    assert not document.problems
    assert str(document.position(("b", 0))) == "f.yaml:1:8"
    assert str(document.position(("d",))) == "f.yaml:3:4"


@pytest.mark.row("E1")
def test_an_alias_bomb_is_refused_before_it_goes_off() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]

    document = parse("\n".join(lines))

    assert document.root is None
    assert [problem.what for problem in document.problems] == ["the document is too large"]


@pytest.mark.parametrize("text", ["[" * 100_000, "{a: " * 100_000, "- " * 100_000])
def test_deep_nesting_is_refused(text: str) -> None:
    assert [problem.what for problem in parse(text).problems] == [
        "the document is nested too deeply"
    ]


def test_a_file_that_is_too_long_is_not_read() -> None:
    problems = parse(b"#" * (64 * 1024 * 1024 + 1)).problems

    assert [problem.what for problem in problems] == ["the file is too long"]


def test_the_first_of_two_equal_keys_counts() -> None:
    root = parse("a: 1\na: {b: 2}\nc: 3\n").root

    assert isinstance(root, Block)
    assert isinstance(root.entries["a"], Scalar)
    assert root.entries.keys() == {"a", "c"}


def test_what_follows_a_bad_key_is_still_read() -> None:
    document = parse("? [a, {b: c}]\n: {d: [e]}\n? {f: g}\n: h\n<<: {i: j}\nk: l\n")

    assert isinstance(document.root, Block)
    assert document.root.entries.keys() == {"k"}
    assert len(document.problems) == 3


@given(st.text() | st.binary() | st.text(alphabet="ab:-[]{},&*!|>'\"\n\t #?%@`$0~<.", max_size=60))
def test_any_text_gives_a_document_or_problems(text: str | bytes) -> None:
    document = parse(text)

    assert document.position(("a", 0)).source == "f.yaml"
    assert all(problem.what and problem.fix for problem in document.problems)
