"""Metrics, read back by the library's own parser."""

from collections.abc import Mapping

from prometheus_client import parser
from prometheus_client.metrics_core import Metric as Family

__all__ = ["Samples", "families_of", "sample", "samples_of"]

Key = tuple[str, frozenset[tuple[str, str]]]
Samples = Mapping[Key, float]
"""By name and labels."""


def families_of(text: str) -> dict[str, Family]:
    """Read the families by name; the parser leaves out a counter's ``_total``."""
    return {
        family.name + ("_total" if family.type == "counter" else ""): family
        for family in parser.text_string_to_metric_families(text)
    }


def samples_of(text: str) -> Samples:
    """Read the samples."""
    return {
        (each.name, frozenset(each.labels.items())): each.value
        for family in families_of(text).values()
        for each in family.samples
    }


def sample(name: str, **labels: str) -> Key:
    """Name a sample."""
    return name, frozenset(labels.items())
