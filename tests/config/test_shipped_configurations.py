import json
import re
from pathlib import Path
from typing import Any

import pytest

from cors_gateway.config.json_schema import json_schema
from cors_gateway.config.load import load
from cors_gateway.config.problems import render_text
from cors_gateway.config.public_suffixes import is_public_suffix, is_registry_suffix
from tests.cases.configs import FakeReader

ROOT = Path(__file__).parents[2]
SHIPPED = [ROOT / "config" / "gateway.yaml", *sorted((ROOT / "config" / "examples").iterdir())]

each_file = pytest.mark.parametrize("path", [pytest.param(path, id=path.name) for path in SHIPPED])


@each_file
def test_it_loads_without_a_warning_and_without_an_environment(path: Path) -> None:
    result = load(path.read_bytes(), path.name, FakeReader(), is_public_suffix, is_registry_suffix)

    assert render_text(result.problems) == ""
    assert result.snapshot is not None
    assert result.expectations


@each_file
def test_it_says_which_schema_an_editor_may_use(path: Path) -> None:
    mark, schema = path.read_text().splitlines()[0].split("=")

    assert mark == "# yaml-language-server: $schema"
    assert json.loads((path.parent / schema).read_text()) == json_schema()


def test_there_is_one_for_each_way_of_use() -> None:
    assert [path.stem for path in SHIPPED] == [
        "gateway",
        "container",
        "flask-blueprints",
        "nginx-replacement",
        "sidecar",
    ]


def test_the_five_blueprints_have_five_policies() -> None:
    text = (ROOT / "config" / "examples" / "flask-blueprints.yaml").read_bytes()
    snapshot = load(text, "f", FakeReader(), is_public_suffix).snapshot

    assert snapshot is not None
    policies = {
        name: snapshot.router.match(b"any", f"/{name}/x".encode(), b"GET").route
        for name in ("test", "admin", "site", "user", "public")
    }
    assert {name: route and route.policy_name for name, route in policies.items()} == {
        name: name for name in policies
    }


def test_the_commented_example_names_every_key_that_there_is() -> None:
    named = set(re.findall(r"[A-Za-z]+", (ROOT / "config" / "gateway.yaml").read_text()))
    keys: set[str] = set()

    def gather(node: Any) -> None:
        if isinstance(node, dict):
            keys.update(node.get("properties", {}))
            node = list(node.values())
        for part in node if isinstance(node, list) else []:
            gather(part)

    gather(json_schema())

    assert keys <= named
