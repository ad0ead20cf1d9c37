import math

import pytest

from cors_gateway.config.scalars import resolve_scalar


@pytest.mark.parametrize(
    "text, value",
    [
        ("", None),
        ("~", None),
        ("null", None),
        ("NULL", None),
        ("nULL", "nULL"),
        ("true", True),
        ("False", False),
        ("5", 5),
        ("-5", -5),
        ("+5", 5),
        ("010", 10),
        ("0o17", 15),
        ("0x1F", 31),
        ("1.5", 1.5),
        (".5", 0.5),
        ("5.", 5.0),
        ("1e3", 1000.0),
        ("-.INF", -math.inf),
        # Not numbers: text.
        ("1_000", "1_000"),
        ("0b1", "0b1"),
        ("1:30", "1:30"),
        ("1e999", "1e999"),
        ("9" * 5000, "9" * 5000),
        ("2026-11-21", "2026-11-21"),
        ("...", "..."),
        # What YAML 1.1 took for booleans.
        ("yes", "yes"),
        ("on", "on"),
        ("No", "No"),
        ("tRUE", "tRUE"),
    ],
)
def test_scalars_mean_what_yaml_1_2_says(text: str, value: object) -> None:
    found = resolve_scalar(text)

    assert (type(found), found) == (type(value), value)


def test_nan_is_not_a_number() -> None:
    assert math.isnan(float(resolve_scalar(".nan") or 0))
