"""``docs/faults.md`` promises nothing that no test shows, and no test shows what it does not say."""

from collections import Counter
from pathlib import Path

import pytest

from docs.rows import RowError, names_in, read_rows, shown_by
from tests.beside.every_case import CASES

DOCUMENT = Path(__file__).parents[1] / "docs" / "faults.md"
TEXT = DOCUMENT.read_text("utf-8")
ROWS = Counter(row.name for row in read_rows(TEXT))
SHOWN = shown_by()
GROUPS = {"A": 35, "B": 48, "C": 15, "D": 35, "E": 10, "F": 18, "G": 7}


@pytest.mark.parametrize("row", ROWS)
def test_a_line_has_a_test(row: str) -> None:
    assert row in SHOWN


def test_every_test_names_a_line_that_is_there() -> None:
    assert set(SHOWN) - set(ROWS) == set()
    assert {case.row for case in CASES} - set(ROWS) == set()


def test_every_line_is_there_once_and_whole() -> None:
    expected = {
        f"{group}{number}" for group, count in GROUPS.items() for number in range(1, count + 1)
    }
    assert set(ROWS) == expected
    assert set(ROWS.values()) == {1}
    for line in TEXT.splitlines():
        if line.startswith("| "):
            assert line.count(" | ") == 3, line


@pytest.mark.parametrize(
    "source, names",
    [
        pytest.param('@pytest.mark.row("A1", "B2")\ndef test_x(): ...', ["A1", "B2"], id="a test"),
        pytest.param('pytest.param(1, marks=pytest.mark.row("C3"))', ["C3"], id="a case"),
        pytest.param('@pytest.mark.other("D4")\ndef test_x(): ...', [], id="another mark"),
    ],
)
def test_marks_are_found(source: str, names: list[str]) -> None:
    assert list(names_in(source)) == names


@pytest.mark.parametrize(
    "source",
    [
        pytest.param('@pytest.mark.row("A1")\ndef helper(): ...', id="not on a test"),
        pytest.param("@pytest.mark.row(name)\ndef test_x(): ...", id="not literal"),
        pytest.param("@pytest.mark.row()\ndef test_x(): ...", id="without a name"),
    ],
)
def test_a_mark_that_says_nothing_is_refused(source: str) -> None:
    with pytest.raises(RowError):
        list(names_in(source))


def test_a_row_says_what_it_is_about_and_how_far_it_is_scaled() -> None:
    (row,) = read_rows("| Row | x |\n|---|---|\n| G1 | A day | *Scaled: a minute.* Flat | – |\n")

    assert (row.name, row.group, row.what, row.scale) == ("G1", "G", "A day", "a minute.")
