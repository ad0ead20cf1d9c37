"""The times that no key sets are those of the code, wherever a page names them."""

import re

import pytest

from cors_gateway.wire import dialing, downstream, pool, resolver
from tests.docs.pages import ROOT

FAULTS = ROOT / "docs" / "faults.md"
OPERATIONS = ROOT / "docs" / "operations.md"


def row(name: str) -> str:
    """Return a line of the table of faults."""
    found = re.search(rf"^\| {name} \|.*$", FAULTS.read_text("utf-8"), re.MULTILINE)
    assert found, name
    return found[0]


def seconds(pattern: str, text: str) -> float:
    """Return the one figure that a sentence names."""
    found: list[str] = re.findall(pattern, text)
    assert len(found) == 1, (pattern, found)
    return 1.0 if found[0] in {"a", "the last"} else float(found[0])


@pytest.mark.parametrize(
    "name, pattern, of_the_code",
    [
        ("B4", r"new one within (\d+) s", resolver.KEPT),
        ("B4", r"looked up in (the last) second", resolver.PAUSE),
        ("B5", r"after the others for (\d+) s", dialing.SHUNNED),
        ("B11", r"used within (the last) second", pool.RECENT),
        ("B11", r"closed after (\d+) s, and", 5 - pool.MARGIN),
        ("B44", r"after the others, for (\d+) s", dialing.SHUNNED),
        ("F1", r"for a moment \(([\d.]+) s\)", downstream.LULL),
    ],
)
def test_a_row_names_the_time_of_the_code(name: str, pattern: str, of_the_code: float) -> None:
    assert seconds(pattern, row(name)) == of_the_code


@pytest.mark.parametrize(
    "pattern, of_the_code",
    [
        (r"Who gets none within (a) second gets 503", pool.MAX_WAIT),
    ],
)
def test_operations_names_the_time_of_the_code(pattern: str, of_the_code: float) -> None:
    assert seconds(pattern, OPERATIONS.read_text("utf-8")) == of_the_code


def test_a_name_in_use_is_looked_up_again_while_its_answer_counts() -> None:
    """A lookup, a pause and half a second of lateness fit in: B4 promises the new address by then."""
    late = 0.5
    assert resolver.RENEWED + resolver.PAUSE + late < resolver.KEPT < resolver.SERVED_STALE
