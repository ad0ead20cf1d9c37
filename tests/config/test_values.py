import pytest
from hypothesis import given
from hypothesis import strategies as st

from cors_gateway.config.problems import UnfitValueError
from cors_gateway.config.substitution import FilledText
from cors_gateway.config.values import (
    check_text,
    parse_duration,
    parse_flag,
    parse_integer,
    parse_max_age,
    parse_size,
    serialize_duration,
    serialize_size,
)


@pytest.mark.parametrize(
    "text, seconds",
    [
        ("250ms", 0.25),
        ("10s", 10),
        ("5m", 300),
        ("1h", 3600),
        ("1h30m", 5400),
        ("0s", 0),
        ("1m1ms", 60.001),
    ],
)
def test_durations(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize(
    "value",
    [
        "",
        "10",
        12,
        "s",
        "1.5s",
        "-1s",
        "1 s",
        "1s1m",
        "1d",
        "10S",
        "9999h",
        None,
        True,
        [],
        {},
        FilledText("11"),
        "\u0661s",
    ],
)
def test_what_is_no_duration(value: object) -> None:
    with pytest.raises(UnfitValueError):
        parse_duration(value)


@given(st.integers(0, 366 * 24 * 3_600_000))
def test_durations_survive_being_written(milliseconds: int) -> None:
    assert parse_duration(serialize_duration(milliseconds / 1000)) == milliseconds / 1000


@pytest.mark.parametrize(
    "text, size", [("64KiB", 65536), ("1MiB", 1 << 20), ("2GiB", 2 << 30), ("5B", 5), ("0B", 0)]
)
def test_sizes(text: str, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize(
    "value, fix",
    [
        ("64KB", 'did you mean "64KiB"?'),
        ("64 k", 'did you mean "64KiB"?'),
        ("8mb", 'did you mean "8MiB"?'),
        (65536, 'write "64KiB"'),
        (1000, 'write "1000B"'),
        (-1, "write it with a unit"),
        (True, "write a whole number and B, KiB, MiB or GiB"),
        ("many", "write a whole number and B, KiB, MiB or GiB"),
        (1.5, "write a whole number and B, KiB, MiB or GiB"),
    ],
)
def test_what_is_no_size_and_what_it_may_mean(value: object, fix: str) -> None:
    with pytest.raises(UnfitValueError) as caught:
        parse_size(value)

    assert caught.value.fix == fix


@given(st.integers(0, 1 << 36))
def test_sizes_survive_being_written(size: int) -> None:
    assert parse_size(serialize_size(size)) == size


@pytest.mark.parametrize(
    "value, seconds",
    [
        (600, 600),
        (0, 0),
        (-1, -1),
        ("10m", 600),
        ("0s", 0),
        (FilledText("60"), 60),
        (FilledText("5m"), 300),
    ],
)
def test_max_age(value: object, seconds: int) -> None:
    assert parse_max_age(value) == seconds


@pytest.mark.parametrize("value", [-2, 2**31, 1.5, "1500ms", "soon", True, None, []])
def test_what_is_no_max_age(value: object) -> None:
    with pytest.raises(UnfitValueError):
        parse_max_age(value)


@pytest.mark.parametrize("value, flag", [(True, True), (False, False), (FilledText("true"), True)])
def test_flags(value: object, flag: bool) -> None:
    assert parse_flag(value) is flag


@pytest.mark.parametrize("value", ["true", "yes", 1, 0, None, FilledText("on")])
def test_what_is_no_flag(value: object) -> None:
    with pytest.raises(UnfitValueError):
        parse_flag(value)


@pytest.mark.parametrize("value, number", [(1, 1), (9, 9), (FilledText("5"), 5)])
def test_whole_numbers(value: object, number: int) -> None:
    assert parse_integer(value, least=1, most=9) == number


@pytest.mark.parametrize("value", [0, 10, "5", 5.0, True, None, FilledText("x")])
def test_what_is_no_whole_number_within_bounds(value: object) -> None:
    with pytest.raises(UnfitValueError):
        parse_integer(value, least=1, most=9)


def test_text_that_was_filled_in_becomes_plain_text() -> None:
    assert type(check_text(FilledText("5"))) is str


@pytest.mark.parametrize("value", [5, 1.5, True, None, [], {}])
def test_what_is_no_text(value: object) -> None:
    with pytest.raises(UnfitValueError):
        check_text(value)
