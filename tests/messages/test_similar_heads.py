"""Which lines of a head are not those of the one before, and when it is another kind of head."""

import pytest

from cors_gateway.messages.similar_heads import differing_lines

BEFORE = [b"Host: gw.example", b"Cookie: a=1", b"ACCEPT: */*"]
NAMES = [b"host", b"cookie", b"accept"]


def differing(*lines: bytes) -> list[int] | None:
    return differing_lines(list(lines), BEFORE, NAMES)


def test_the_same_lines_do_not_differ() -> None:
    assert differing(*BEFORE) == []


def test_values_that_differ_are_found_by_their_places() -> None:
    assert differing(BEFORE[0], b"Cookie: b: \xe4", b"ACCEPT: x  y") == [1, 2]


@pytest.mark.parametrize(
    "line",
    [
        pytest.param(b"Cookie2: a=1", id="another name"),
        pytest.param(b"COOKIE: a=2", id="the name in other letters"),
        pytest.param(b"Cookie:a=2", id="no space"),
        pytest.param(b"Cookie:  a=2", id="two spaces"),
        pytest.param(b"Cookie: a=2 ", id="a space behind"),
        pytest.param(b"Cookie: ", id="no value"),
        pytest.param(b"Cookie:", id="nothing behind the colon"),
        pytest.param(b"Cookie", id="no colon"),
        pytest.param(b"", id="an empty line"),
        pytest.param(b" a=2", id="a folded line"),
        pytest.param(b"Cookie: a\tb", id="a tab"),
        pytest.param(b"Cookie: a\nX: b", id="a line feed"),
        pytest.param(b"Cookie: a\rb", id="a carriage return"),
        pytest.param(b"Cookie: a\0b", id="a NUL"),
        pytest.param(b"Cookie: a\x7fb", id="a DEL"),
    ],
)
def test_what_is_not_as_plain_is_another_kind_of_head(line: bytes) -> None:
    assert differing(BEFORE[0], line, BEFORE[2]) is None


def test_more_or_fewer_lines_are_another_kind_of_head() -> None:
    assert differing(*BEFORE, b"X: y") is None
    assert differing(*BEFORE[:2]) is None
