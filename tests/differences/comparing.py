"""Short words to compare two configurations."""

from cors_gateway.config.load import Loaded, load
from cors_gateway.config.problems import render_text
from cors_gateway.config.public_suffixes import is_public_suffix, is_registry_suffix
from cors_gateway.differences.compare import compare
from tests.cases.configs import READER, FakeReader

__all__ = ["configured", "routed", "said"]


def configured(text: str, name: str = "f.yaml", reader: FakeReader = READER) -> Loaded:
    """Load a configuration that has no mistakes."""
    loaded = load(text, name, reader, is_public_suffix, is_registry_suffix)
    assert loaded.snapshot is not None, render_text(loaded.problems)
    return loaded


def routed(cors: str = "false", route: str = "", rest: str = "") -> str:
    """Write a configuration with one route: its policy, its other keys, and what is around it."""
    upstream = "" if "upstream:" in route or "files:" in route else "upstream: http://h, "
    match = "" if "match:" in route else "match: {path: /a}, "
    name = "" if "name:" in route else "name: api, "
    return f"routes: [{{{name}{match}{upstream}{route}{', ' * bool(route)}cors: {cors}}}]\n{rest}"


def said(old: str, new: str, reader: FakeReader = READER) -> list[str]:
    """Say in lines what changes, ``wider:`` in front of what is."""
    found = compare(configured(old, reader=reader), configured(new, reader=reader))
    return [f"{'wider: ' * difference.is_wider}{difference.text}" for difference in found]
