from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from jsonschema import Draft7Validator

from cors_gateway.config.json_schema import Schema, json_schema
from cors_gateway.config.load import load
from cors_gateway.config.public_suffixes import is_public_suffix
from cors_gateway.config.render import render
from cors_gateway.config.schema import settings_blocks
from tests.cases.configs import INVALID, FakeReader, Row

ROOT = Path(__file__).parents[2]
SHIPPED = [ROOT / "config" / "gateway.yaml", *sorted((ROOT / "config" / "examples").iterdir())]
EXAMPLES = sorted((ROOT / "examples").glob("*/gateway.yaml"))
SCHEMA = json_schema()
VALIDATOR = Draft7Validator(SCHEMA)


def complaints(text: str) -> list[str]:
    return [error.message for error in VALIDATOR.iter_errors(yaml.safe_load(text))]


def schemas_in(schema: object) -> Iterator[Schema]:
    if isinstance(schema, dict):
        yield schema
        for value in schema.values():
            yield from schemas_in(value)
    elif isinstance(schema, list):
        for value in schema:
            yield from schemas_in(value)


def test_it_is_a_draft_07_schema() -> None:
    Draft7Validator.check_schema(SCHEMA)

    assert SCHEMA["$schema"] == "http://json-schema.org/draft-07/schema#"


def test_nothing_stands_beside_a_reference_that_would_be_ignored() -> None:
    assert all(len(schema) == 1 for schema in schemas_in(SCHEMA) if "$ref" in schema)


def test_nothing_newer_than_draft_07_is_used() -> None:
    newer = {"$defs", "prefixItems", "unevaluatedProperties", "dependentRequired", "discriminator"}

    assert all(newer.isdisjoint(schema) for schema in schemas_in(SCHEMA))


def test_every_key_is_described() -> None:
    for _, model in settings_blocks():
        assert model.__doc__
        for name, field in model.model_fields.items():
            assert field.description, f"{model.__name__}.{name}"


@pytest.mark.parametrize(
    "path",
    [
        *(pytest.param(path, id=path.name) for path in SHIPPED),
        *(pytest.param(path, id=path.parent.name) for path in EXAMPLES),
    ],
)
def test_the_shipped_configurations_pass(path: Path) -> None:
    assert complaints(path.read_text()) == []


@pytest.mark.parametrize("path", [pytest.param(path, id=path.name) for path in SHIPPED])
def test_what_render_writes_passes(path: Path) -> None:
    text = render(load(path.read_bytes(), path.name, FakeReader(), is_public_suffix))

    assert complaints(text) == []


@pytest.mark.parametrize(
    "text",
    [
        "server: {limits: {connections: '${N}'}, workers: '${W:-1}', timeouts: {head: '${T}'}}",
        "log: {level: '${L}', access: '${A:-true}'}",
        "defaults: {cors: {allowOrigins: ['*'], allowCredentials: '${C}', maxAge: '${M}'}}",
        "defaults: {cors: '${P}'}",
        "admin: '${A:-false}'",
    ],
)
def test_substitutions_may_stand_wherever_something_else_than_text_is_asked_for(text: str) -> None:
    assert complaints(f"{text}\nroutes: [{{match: {{path: '${{P}}'}}, upstream: '${{U}}'}}]") == []


@pytest.mark.parametrize(
    "text",
    [
        "server: {listen: []}",
        "server: {listen: [{adress: 'a:1'}]}",
        "server: {listen: [{tls: false}]}",
        "server: {tls: true}",
        "server: {tls: {certificate: a}}",
        "server: {workers: 0}",
        "server: {timeouts: {head: 10}}",
        "server: {limits: {target: 8KB}}",
        "log: {level: loud}",
        "defaults: {cors: {allowOrigins: '*'}}",
        "defaults: {cors: {}}",
        "defaults: {cors: true}",
        "corsPolicies: {a: {origins: []}}",
        "tests: [{path: /}]",
        "admin: true",
    ],
)
def test_what_does_not_load_does_not_pass(text: str) -> None:
    assert complaints(f"{text}\nroutes: [{{match: {{path: /}}, upstream: 'http://a'}}]")


@pytest.mark.parametrize(
    "route",
    [
        "{match: {path: /}, upstream: 'http://a', files: {root: ./dist}}",
        "{match: {path: /}, files: {}}",
        "{match: {path: /}, files: {fallback: index.html}}",
        "{match: {path: /}, files: ./dist}",
        "{match: {path: /}}",
    ],
)
def test_a_route_leads_to_an_api_or_to_a_folder(route: str) -> None:
    assert complaints(f"routes: [{route}]")
    assert complaints("routes: [{match: {path: /}, files: {root: ./dist}}]") == []


@pytest.mark.parametrize("text", ["{}", "routes: []", "routes: [{}]", "routes: [{match: {}}]"])
def test_what_is_missing_is_missed(text: str) -> None:
    assert complaints(text)


KEYS = [row for row in INVALID if "key" in row.problems and "unknown key" in row.problems]


@pytest.mark.parametrize("row", [pytest.param(row, id=row.title) for row in KEYS])
def test_unknown_keys_do_not_pass(row: Row) -> None:
    assert isinstance(row.text, str)
    assert complaints(row.text)


def test_defaults_are_written_as_a_configuration_writes_them() -> None:
    limits = SCHEMA["definitions"]["LimitSettings"]["properties"]

    assert limits["target"]["default"] == "8KiB"
    assert limits["content"]["default"] == "none"
