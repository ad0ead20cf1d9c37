"""The tables of ``docs/matrix.md``: what shows each row, and what others do in the same place."""

from pathlib import Path

from docs.rows import Row, read_rows, shown_by
from docs.wording import code
from tests.beside.case import Case
from tests.beside.every_case import CASES, STRICTER

__all__ = ["beside", "rows", "stricter", "tally"]

_FAULTS = Path(__file__).parent / "faults.md"
_THEIRS = {"nginx": "nginx", "haproxy": "HAProxy"}


def rows(group: str) -> str:
    """List the rows of a group, and the tests that show each."""
    lines = ["| Row | What goes wrong | Shown by | Beside |", "|---|---|---|---|"]
    lines += [
        f"| {row.name} | {row.what} | {_shown(row)} | {_beside(row)} |"
        for row in read_rows(_FAULTS.read_text("utf-8"))
        if row.group == group
    ]
    return "\n".join(lines)


def tally() -> str:
    """Say how often each of the others does worse."""
    names = {case.row for case in CASES}
    worse = " and ".join(
        f"{name} in {sum(case.does_worse(side) for case in CASES)}"
        for side, name in _THEIRS.items()
    )
    return (
        f"In these {len(CASES)} cases of {len(names)} rows the gateway does what is right, "
        f"and does worse: {worse}."
    )


def beside() -> str:
    """List the cases that were played through three gateways."""
    lines = ["| Row | What goes wrong | cors-gateway | nginx | HAProxy |", "|---|---|---|---|---|"]
    seen: set[str] = set()
    for case in CASES:
        anchor = "" if case.row in seen else f'<a id="beside-{case.row.lower()}"></a>'
        seen.add(case.row)
        did = " | ".join(_said(case, side) for side in ("ours", *_THEIRS))
        lines.append(f"| {anchor}{case.row} | {_plain(case.what)} | {did} |")
    return "\n".join(lines)


def stricter() -> str:
    """List what others serve and this gateway refuses."""
    lines = ["| Row | What comes | cors-gateway | nginx | HAProxy |", "|---|---|---|---|---|"]
    lines += [
        f"| {case.row} | {_plain(case.what)} | {case.right[0]} | {case.nginx} | {case.haproxy} |"
        for case in STRICTER
    ]
    return "\n".join(lines)


def _shown(row: Row) -> str:
    files = shown_by().get(row.name, {})
    links = [
        f"[{Path(file).stem.removeprefix('test_')}](../{file})"
        + (f" × {count}" if count > 1 else "")
        for file, count in files.items()
    ]
    scale = [f"*scaled: {row.scale}*"] if row.scale else []
    return ", ".join(links + scale)


def _beside(row: Row) -> str:
    cases = [case for case in CASES if case.row == row.name]
    if not cases:
        return "–"
    told = (
        f"{name} worse in {worse} of {len(cases)}"
        for side, name in _THEIRS.items()
        if (worse := sum(case.does_worse(side) for case in cases))
    )
    return f"[{', '.join(told)}](#beside-{row.name.lower()})"


def _said(case: Case, side: str) -> str:
    said = case.said(side)
    return f"**{said}**" if case.does_worse(side) else said


def _plain(text: str) -> str:
    """Write what a case is about; what would be markup becomes code."""
    before, mark, value = text.partition("the target ")
    if mark:
        return f"{before}{mark}{code(value)}"
    before, mark, value = text.partition(": ")
    if mark:
        return code(text)
    return text.replace("*", "\\*").replace("_", "\\_")
