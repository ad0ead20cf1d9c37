"""The threat model promises nothing that no row of ``docs/faults.md`` holds."""

import re

import pytest

from tests.docs.pages import ROOT

ROW = re.compile(r"[A-G][0-9]+")
THREATS = [
    line.strip("|").split(" | ")
    for line in (ROOT / "SECURITY.md").read_text("utf-8").splitlines()
    if line.startswith("| ") and line.count(" | ") == 2 and ROW.search(line.split(" | ")[2])
]
KNOWN = set(
    re.findall(r"^\| ([A-G][0-9]+) \|", (ROOT / "docs/faults.md").read_text("utf-8"), re.MULTILINE)
)


def test_there_are_threats() -> None:
    assert len(THREATS) > 15


@pytest.mark.parametrize("threat", THREATS, ids=lambda each: str(each[0].strip()))
def test_what_stands_against_a_threat_is_tested(threat: list[str]) -> None:
    names = threat[2].strip(" |").split(", ")
    assert all(ROW.fullmatch(name) for name in names)
    assert set(names) - KNOWN == set()
