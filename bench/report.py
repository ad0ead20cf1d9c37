"""A run in tables: on a terminal, and in Markdown for the README and ``docs/performance.md``."""

import re
from collections.abc import Iterator, Mapping, Sequence
from statistics import median

from bench.goals import Outcome, outcomes
from bench.peers import BASE, EVERYBODY, GATEWAY, LARGE_BUFFERS, OTHER
from bench.results import Figures, Measured, Results, ratio

__all__ = ["markdown", "summary", "tables", "terminal"]

TITLES = {
    "cpu": f"CPU time for each, against {BASE.name}",
    "rate": f"How many a second, against {BASE.name}",
    "l-routes": "Many routes",
    "l-origins": "Many allowed origins",
    "workers": "Several workers",
    "footprint": "Start-up and memory",
    "loading": "100,000 entries of one allowlist, without a socket",
    "goals": "Goals",
}
NOTHING = "–"
FULL = 0.95
"""From this share of a CPU on a thing was what held up; below, the load was."""
DISTURBED = 0.2
"""Where the share of a CPU differs by more than this between rounds, something else was at work."""
FORM = re.compile(r" \((\w+), .*\)")
"""Of what ``cors-gateway version`` says in parentheses, how it was built; the rest is told of the machine."""
FORM_ALONE = r" (\1)"

Row = list[str]


def terminal(results: Results) -> str:
    """Give all tables as text."""
    parts = []
    for name, rows in tables(results).items():
        widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
        lines = [TITLES.get(name, name)]
        for row in rows:
            cells = [row[0].ljust(widths[0])]
            cells += [cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)]
            lines.append("  ".join(cells).replace("**", "").rstrip())
        parts.append("\n".join(lines))
    return "\n\n".join([*parts, *_remarks(results)]).strip() + "\n"


def markdown(results: Results, part: str) -> str:
    """Give a table for a document, by its name; ``where`` and ``remarks`` are sentences, ``summary`` is for a README.

    Raises:
        KeyError: there is no such part.
    """
    if part == "where":
        return _where(results)
    if part == "remarks":
        return "\n".join(f"- {remark}" for remark in _remarks(results))
    if part == "summary":
        return summary(results)
    return _table(tables(results)[part])


def summary(results: Results) -> str:
    """Give the one table for people who are in a hurry."""
    plain = list(_plain(results))
    names = _others(plain)
    rows = [["CPU time for a request, nginx = 1", *names]]
    for measured in plain:
        row = [_cell(measured, name) for name in names]
        if row[0] != NOTHING:
            row[0] = f"**{row[0]}**"
        rows.append([measured.title, *row])
    buffers = "nginx and HAProxy have the buffers that they have by default"
    if LARGE_BUFFERS.name in names:
        buffers += (
            "; what large content costs nginx with larger ones, and without gathering it, is in the "
            "last column"
        )
    return f"{_table(rows)}\n\n{buffers}.\n\n{_where(results)}"


def _where(results: Results) -> str:
    told = ", ".join(
        f"{name} {FORM.sub(FORM_ALONE, said)}" for name, said in results.versions.items()
    )
    other = (
        "; the load and the API share another"
        if results.cpus > 1
        else ", which the load and the API have too, so rates say nothing"
    )
    return (
        f"Measured on {results.date[:10]}: {results.cpus} × {results.cpu}, {told}. "
        f"{results.rounds} rounds of {results.seconds:g} s, one worker of each, in turn on one CPU{other}."
    )


def _table(rows: Sequence[Row]) -> str:
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    lines.insert(1, "|---|" + "---:|" * (len(rows[0]) - 1))
    return "\n".join(lines)


def tables(results: Results) -> dict[str, list[Row]]:
    """Give all tables that a run has, by their names; the first row is the heads."""
    found: dict[str, list[Row]] = {}
    if plain := list(_plain(results)):
        found["cpu"] = list(_cpu_rows(plain))
        found["rate"] = list(_rate_rows(plain))
    for measured in results.workloads:
        if _is_varied(measured):
            found[measured.key] = list(_variation_rows(measured))
    if results.footprints:
        found["footprint"] = list(_footprint_rows(results))
    if results.loading:
        found["loading"] = list(_loading_rows(results))
    judged = {peer.name: outcomes(results, peer.name) for peer in (GATEWAY, OTHER)}
    if told := {name: each for name, each in judged.items() if any(_are_told(each))}:
        found["goals"] = list(_goal_rows(told))
    return found


def _plain(results: Results) -> Iterator[Measured]:
    return (measured for measured in results.workloads if not _is_varied(measured))


def _is_varied(measured: Measured) -> bool:
    return any(", " in name for name in measured.things)


def _others(workloads: Sequence[Measured]) -> list[str]:
    """Name who was measured, but for the one with whom they are compared."""
    found = {name for measured in workloads for name in measured.things}
    return [peer.name for peer in EVERYBODY if peer.name in found and peer is not BASE]


def _cpu_rows(workloads: Sequence[Measured]) -> Iterator[Row]:
    others = _others(workloads)
    yield ["", f"{BASE.name}, µs", *others]
    for measured in workloads:
        base = measured.thing(BASE.name)
        own = f"{median(base.cpu):,.1f}" if base else NOTHING
        yield [measured.title, own, *(_cell(measured, name) for name in others)]


def _rate_rows(workloads: Sequence[Measured]) -> Iterator[Row]:
    others = _others(workloads)
    yield ["", f"{BASE.name}, 1/s", *others]
    for measured in workloads:
        base = measured.thing(BASE.name)
        own = f"{median(base.rate):,.0f}{_held(base)}" if base else NOTHING
        yield [measured.title, own, *(_cell(measured, name, rate=True) for name in others)]


def _held(figures: Figures) -> str:
    """Mark what was held up by the load: it could do more."""
    return "" if median(figures.busy) >= FULL else " +"


def _cell(measured: Measured, name: str, *, rate: bool = False) -> str:
    figures = measured.thing(name)
    found = ratio(figures, measured.thing(BASE.name), rate=rate)
    if figures is None or found is None:
        return NOTHING
    return f"{found:.2f}{_held(figures) if rate else ''}"


def _variation_rows(measured: Measured) -> Iterator[Row]:
    yield ["", f"µs of CPU for each {measured.unit}", "against the first", "1/s", "CPUs taken"]
    first: dict[str, Figures] = {}
    for name, figures in measured.things.items():
        base = first.setdefault(name.partition(", ")[0], figures)
        found = ratio(figures, base)
        yield [
            name,
            f"{median(figures.cpu):.1f}",
            f"{found:.2f}" if found else NOTHING,
            f"{median(figures.rate):,.0f}",
            f"{median(figures.busy):.2f}{_disturbed(figures)}",
        ]


def _disturbed(figures: Figures) -> str:
    """Mark what the machine did not let run alike in all rounds."""
    return " ~" if max(figures.busy) - min(figures.busy) > DISTURBED else ""


def _footprint_rows(results: Results) -> Iterator[Row]:
    yield [
        "",
        "first answer, s",
        "CPU for it, s",
        "at rest, MiB",
        "idle connection, KiB",
        "at load, MiB",
    ]
    for name, footprint in results.footprints.items():
        yield [
            name,
            f"{footprint.median_start:.2f}",
            f"{median(footprint.start_cpu):.2f}",
            f"{footprint.at_rest / 2**20:.1f}",
            f"{footprint.for_each_idle / 1024:.1f}",
            f"{footprint.at_load / 2**20:.1f}",
        ]


def _loading_rows(results: Results) -> Iterator[Row]:
    yield ["", "to load, s", "a decision, against one entry"]
    for kind, (seconds, against) in results.loading.items():
        yield [kind, f"{seconds:.2f}", f"{against:.2f}"]


def _are_told(found: Sequence[Outcome]) -> Iterator[bool]:
    return (outcome.measured is not None for outcome in found)


def _goal_rows(found: Mapping[str, Sequence[Outcome]]) -> Iterator[Row]:
    yield ["", "at most", *(cell for name in found for cell in (name, "reached"))]
    for outcomes_of_goal in zip(*found.values(), strict=True):
        if any(_are_told(outcomes_of_goal)):
            goal = outcomes_of_goal[0].goal
            cells = (cell for outcome in outcomes_of_goal for cell in _judged(outcome))
            yield [goal.what, f"{goal.at_most:g} {goal.unit}", *cells]


def _judged(outcome: Outcome) -> Row:
    if outcome.measured is None:
        return [NOTHING, NOTHING]
    figure = f"{outcome.measured:.2f} {outcome.goal.unit}"
    return [figure, "yes" if outcome.is_reached else "**no**"]


def _remarks(results: Results) -> list[str]:
    told = []
    if plain := list(_plain(results)):
        told.append(
            "+: it had CPU time left; what held it up was the load, or the API, on the other CPU. Where nginx itself "
            "has one, its rate is the least that it can do, and each ratio in that row the most that it may be."
        )
        told.append("All have the buffers that they have by default, where nothing else is said.")
        if LARGE_BUFFERS.name in _others(plain):
            told.append(
                f"{LARGE_BUFFERS.name}: proxy_buffering and proxy_request_buffering are off, proxy_buffer_size, each "
                f"of proxy_buffers and client_body_buffer_size are 64k. It is measured where content is large; "
                f"{NOTHING} elsewhere."
            )
    if any(
        _disturbed(each)
        for measured in results.workloads
        if _is_varied(measured)
        for each in measured.things.values()
    ):
        told.append(
            f"~: its share of a CPU differed by more than {DISTURBED:g} between rounds: something else was at work."
        )
    titles: dict[str, list[str]] = {}
    for measured in results.workloads:
        if measured.note:
            titles.setdefault(measured.note, []).append(measured.title)
    told += [f"{'; '.join(those)}: {note}." for note, those in titles.items()]
    return told + [
        f"{measured.title}: {name} has failed: {why}"
        for measured in results.workloads
        for name, why in measured.failed.items()
    ]
