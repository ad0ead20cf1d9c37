"""Numbers of several workers add up, whatever the order, and survive the way between processes."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cors_gateway.process.metrics import DURATIONS
from cors_gateway.process.tally import Durations, Tally

# Sums of these are exact, so that only the order could make a difference.
numbers = st.one_of(st.integers(0, 2**40), st.integers(0, 2**20).map(lambda n: n / 1024))
names = st.sampled_from(["requests_total", "tunnels", "x"])
labels = st.lists(st.sampled_from(["api", "", "GET", "ü\n"]), max_size=2).map(tuple)
durations = st.builds(
    Durations,
    st.lists(st.integers(0, 2**30), min_size=len(DURATIONS) + 1, max_size=len(DURATIONS) + 1),
    numbers,
)
by_labels = st.dictionaries(labels, numbers, min_size=1, max_size=3)
tallies = st.builds(
    Tally,
    st.dictionaries(names, by_labels, max_size=3),
    st.dictionaries(names, by_labels, max_size=3),
    st.dictionaries(names, st.dictionaries(labels, durations, min_size=1, max_size=3), max_size=3),
)


def together(*parts: Tally) -> Tally:
    whole = Tally()
    for part in parts:
        whole.add(part)
    return whole


@given(tallies, tallies, tallies)
def test_adding_knows_no_grouping(a: Tally, b: Tally, c: Tally) -> None:
    assert together(together(a, b), c) == together(a, together(b, c))


@given(tallies, tallies)
def test_adding_knows_no_order(a: Tally, b: Tally) -> None:
    assert together(a, b) == together(b, a)


@given(tallies)
def test_nothing_adds_nothing(a: Tally) -> None:
    assert together(a, Tally()) == a == together(a)


@given(tallies, tallies)
def test_adding_changes_only_what_is_added_to(a: Tally, b: Tally) -> None:
    before = json.dumps(b.as_data())
    whole = together(a, b)
    whole.add(whole)
    assert json.dumps(b.as_data()) == before


@given(tallies)
def test_json_brings_back_the_same(a: Tally) -> None:
    assert Tally.from_data(json.loads(json.dumps(a.as_data()))) == a


@given(tallies)
def test_what_was_brought_can_be_added_to(a: Tally) -> None:
    brought = Tally.from_data(json.loads(json.dumps(a.as_data())))
    brought.add(a)
    assert brought == together(a, a)


@given(tallies, tallies)
def test_gauges_do_not_outlive_a_worker_and_all_else_does(a: Tally, b: Tally) -> None:
    before = json.dumps(a.as_data())
    left = a.without_gauges()
    assert left == Tally(a.counters, {}, a.histograms)
    left.add(b)
    assert left.gauges == b.gauges
    assert json.dumps(a.as_data()) == before


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"counters": {}, "gauges": {}},
        {"counters": {"x": 1}, "gauges": {}, "histograms": {}},
        {"counters": {"x": [[["a"]]]}, "gauges": {}, "histograms": {}},
        {"counters": {}, "gauges": {}, "histograms": {"x": [[["a"], 1, 2]]}},
    ],
)
def test_what_is_no_tally_is_refused(data: Any) -> None:
    with pytest.raises((KeyError, TypeError, ValueError)):
        Tally.from_data(data)


def test_each_number_has_its_place() -> None:
    tally = Tally()
    tally.count("requests_total", ("api", "GET", "200"))
    tally.count("requests_total", ("api", "GET", "200"), 2)
    tally.measure("tunnels", ("api",), 3)
    tally.measure("client_connections", (), 4)
    took = Durations()
    took.counts[1] += 1
    took.total = 0.007
    tally.time("upstream_duration_seconds", ("api",), took)
    tally.time("upstream_duration_seconds", ("api",), took)
    assert tally.counters == {"requests_total": {("api", "GET", "200"): 3}}
    assert tally.gauges == {"tunnels": {("api",): 3}, "client_connections": {(): 4}}
    timed = tally.histograms["upstream_duration_seconds"]["api",]
    assert (timed.count, timed.counts[1], timed.total) == (2, 2, 0.014)
    assert took.count == 1
