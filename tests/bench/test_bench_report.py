"""A run becomes tables for a terminal and for documents, and a picture."""

import re
import xml.etree.ElementTree as ET

import pytest

from bench.peers import LARGE_BUFFERS
from bench.picture import picture
from bench.report import markdown, summary, tables, terminal
from bench.results import Results
from bench.workloads import WORKLOADS
from tests.bench.runs import figures, made_up

SVG = "{http://www.w3.org/2000/svg}"
PLAIN = [workload for workload in WORKLOADS if len(workload.variations) == 1]


def test_the_terminal_shows_every_workload_and_every_goal() -> None:
    told = terminal(made_up())

    for workload in PLAIN:
        assert re.search(rf"^{re.escape(workload.title)} +10\.0 +0\.50", told, re.MULTILINE)
    assert "Goals" in told
    assert "Many routes" in told


def test_what_was_not_measured_is_said_with_the_reason() -> None:
    results = made_up()
    measured = results.workload("a")
    assert measured is not None
    del measured.things["Caddy"]
    measured.failed["Caddy"] = "it did not start"

    assert "small GET, fields as before: Caddy has failed: it did not start" in terminal(results)
    assert re.search(r"small GET, fields as before .* – ", terminal(results))


def test_what_the_load_held_up_is_marked() -> None:
    results = made_up()
    measured = results.workload("a")
    assert measured is not None
    measured.things["gateway"].busy[:] = [0.5, 0.5, 0.5]

    assert tables(results)["rate"][1][2] == "2.00 +"
    assert tables(results)["rate"][1][4] == "0.80"


@pytest.mark.parametrize("busy, mark", [([0.9, 0.8, 0.95], ""), ([0.9, 0.6, 0.95], " ~")])
def test_where_something_else_was_at_work_is_marked(busy: list[float], mark: str) -> None:
    results = made_up()
    measured = results.workload("l-routes")
    assert measured is not None
    first = measured.things["nginx, 1"]
    first.busy[:] = busy

    assert tables(results)["l-routes"][1][-1] == f"0.90{mark}"
    assert ("~: " in markdown(results, "remarks")) is bool(mark)


def test_a_goal_that_is_missed_is_not_hidden() -> None:
    goals = tables(made_up(a=3.0))["goals"]

    assert goals[1] == [
        "small GET, fields as before: CPU against nginx",
        "0.95 ×",
        "3.00 ×",
        "**no**",
        "0.40 ×",
        "yes",
    ]
    assert goals[2][2:] == ["0.50 ×", "yes", "0.40 ×", "yes"]


def test_goals_are_told_of_the_gateways_that_were_measured() -> None:
    results = made_up()
    for measured in results.workloads:
        for name in list(measured.things):
            if name.startswith("compiled"):
                del measured.things[name]
    del results.footprints["compiled gateway"]

    assert tables(results)["goals"][0] == ["", "at most", "gateway", "reached"]


@pytest.mark.parametrize("part", ["summary", *tables(made_up())])
def test_a_table_in_markdown_has_as_many_cells_in_each_row(part: str) -> None:
    rows = [line for line in markdown(made_up(), part).splitlines() if line.startswith("|")]

    assert len({line.count("|") for line in rows}) == 1
    assert len(rows) > 2


def test_a_document_says_when_where_and_with_what() -> None:
    told = markdown(made_up(), "where")

    assert "2026-01-02" in told
    assert "nginx 1.22" in told
    assert "in turn on one CPU; the load and the API share another" in told


def test_of_a_gateways_version_a_document_says_the_form() -> None:
    results = made_up()
    results.versions["gateway"] = "0.1.0 (interpreted, Python 3.11.7, uvloop 0.23.0)"

    assert "gateway 0.1.0 (interpreted). " in markdown(results, "where")


def test_buffers_are_told_under_the_table_of_the_readme() -> None:
    results = made_up()
    assert LARGE_BUFFERS.name in summary(results)
    assert "in the last column" in summary(results)

    for measured in results.workloads:
        measured.things.pop(LARGE_BUFFERS.name, None)
    assert LARGE_BUFFERS.name not in summary(results)
    assert "last column" not in summary(results)
    assert "nginx and HAProxy have the buffers" in summary(results)


def test_a_run_of_one_workload_has_its_tables() -> None:
    results = made_up()
    results.workloads[:] = results.workloads[:1]
    results.footprints.clear()
    results.loading.clear()

    assert list(tables(results)) == ["cpu", "rate", "goals"]


class TestThePicture:
    def test_it_is_xml_and_shows_every_workload_by_a_dot_of_each_peer(self) -> None:
        drawn = ET.fromstring(picture(made_up()))
        words = [text.text for text in drawn.iter(f"{SVG}text")]
        dots = [dot.get("class") for dot in drawn.iter(f"{SVG}circle")]

        assert {workload.title for workload in PLAIN} <= set(words)
        # One more is in the legend.
        assert dots.count("gateway") == len(PLAIN) + 1
        assert set(dots) == {"plain", "caddy", "haproxy", "compiled", "gateway"}

    def test_all_of_it_is_within_its_bounds(self) -> None:
        results = made_up(a=0.001, b=1000.0)
        drawn = ET.fromstring(picture(results))
        _, _, width, height = map(float, (drawn.get("viewBox") or "").split())

        for dot in drawn.iter(f"{SVG}circle"):
            assert 0 < float(dot.get("cx") or 0) < width
            assert 0 < float(dot.get("cy") or 0) < height

    def test_less_is_further_left(self) -> None:
        results = made_up()
        for measured in results.workloads[1:]:
            measured.things.clear()
        results.workloads[0].things["HAProxy"] = figures(2.5)
        drawn = ET.fromstring(picture(results))
        at = {dot.get("class"): float(dot.get("cx") or 0) for dot in drawn.iter(f"{SVG}circle")}

        assert at["haproxy"] < at["gateway"] < at["caddy"] < at["plain"]

    def test_it_has_a_palette_for_dark_pages(self) -> None:
        assert "prefers-color-scheme: dark" in picture(made_up())

    def test_words_are_escaped(self) -> None:
        results: Results = made_up()
        drawn = picture(results).replace("small GET, fields as before", "a < b & c")

        with pytest.raises(ET.ParseError):
            ET.fromstring(drawn)
        named = made_up()
        first = named.workloads[0]
        named.workloads[0] = type(first)(first.key, "a < b & c", first.unit, first.things)
        assert "a < b & c" in [text.text for text in ET.fromstring(picture(named)).iter()]
