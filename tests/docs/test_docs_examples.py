"""Every example in the documents is one: YAML loads, JSON parses, commands are spelled right.

A YAML example is a configuration, a part of one that is completed here, or something of another
program's; what it is shows in its keys. Nothing is left over.
"""

import json
import re
import shlex
from argparse import ArgumentParser
from collections.abc import Iterator
from importlib import import_module
from typing import Any, NoReturn

import pytest
import yaml
from jsonschema import Draft7Validator

from cors_gateway.cli.verbs import VERBS
from cors_gateway.config.json_schema import json_schema
from cors_gateway.config.load import Loaded, load
from cors_gateway.config.policies import PublicSuffixes
from cors_gateway.config.problems import render_text
from cors_gateway.config.public_suffixes import is_public_suffix, is_registry_suffix
from cors_gateway.config.schema import Settings
from cors_gateway.explain.expectations import check_expectations
from cors_gateway.process.metrics import METRICS
from tests.cases.configs import FakeReader
from tests.docs.pages import PAGES, Block

SUFFIXES = PublicSuffixes(is_public_suffix, is_registry_suffix)
READER = FakeReader(files={"/run/secrets/api_key": b"of no importance\n"})
TOP = {field.alias or name for name, field in Settings.model_fields.items()}
ROUTE = {"name", "match", "upstream", "cors"}
EDITOR = Draft7Validator(json_schema())
LANGUAGES = {"yaml", "json", "sh", "console", "nginx", "http", "ini", ""}
BLOCKS = [
    # What the pages of examples/ show is held to the examples themselves (tests/examples/).
    block
    for page in PAGES
    if not page.name.startswith("examples/")
    for block in page.blocks
]


def all_in(*languages: str) -> pytest.MarkDecorator:
    found = [pytest.param(block, id=block.name) for block in BLOCKS if block.language in languages]
    return pytest.mark.parametrize("block", found)


def configuration_of(text: str) -> str | None:
    """Complete an example to a configuration; ``None`` if it is another program's."""
    example: dict[str, Any] = yaml.safe_load(text)
    if {"apiVersion", "services", "groups"} & example.keys():
        return None
    if example.keys() <= TOP:
        if "routes" in example:
            return text
        return (
            text
            + "\nroutes: [{match: {path: /}, upstream: 'http://a', cors: {allowOrigins: [https://app.example.com], allowMethods: [PUT], allowHeaders: [Authorization], allowCredentials: true}}]"
        )
    assert example.keys() <= ROUTE, f"it is no configuration: {sorted(example)}"
    route = {"match": {"path": "/"}, "upstream": "http://legacy:5000", **example}
    return json.dumps({"routes": [route]})


def load_example(text: str) -> Loaded:
    return load(text.encode(), "example", READER, is_public_suffix, is_registry_suffix)


def test_every_block_says_what_it_is() -> None:
    assert [block.name for block in BLOCKS if block.language not in LANGUAGES] == []


@all_in("yaml")
def test_a_configuration_loads_without_a_warning_and_passes_its_tests(block: Block) -> None:
    configuration = configuration_of(block.text)
    if configuration is None:
        return
    loaded = load_example(configuration)

    assert render_text(loaded.problems) == ""
    assert loaded.snapshot is not None
    assert render_text(check_expectations(loaded, SUFFIXES)) == ""
    assert [each.message for each in EDITOR.iter_errors(yaml.safe_load(configuration))] == []


@all_in("json")
def test_json_parses(block: Block) -> None:
    json.loads(block.text)


def rules_in(text: str) -> Iterator[dict[str, Any]]:
    document = yaml.safe_load(text)
    for group in document.get("groups", ()):
        yield from group["rules"]


def test_alerts_ask_for_metrics_and_labels_that_are_there() -> None:
    rules = [rule for block in BLOCKS if block.language == "yaml" for rule in rules_in(block.text)]
    assert len(rules) >= 5
    for rule in rules:
        (name,) = re.findall(r"cors_gateway_\w+", rule["expr"])
        metric = next(metric for metric in METRICS if metric.full_name == name)
        labels = re.findall(r"(\w+)=\"", rule["expr"])
        labels += ", ".join(re.findall(r"by \(([^)]*)\)", rule["expr"])).replace(",", " ").split()
        assert set(labels) <= set(metric.labels), rule["alert"]
        shown = re.findall(r"\$labels\.(\w+)", rule["annotations"]["summary"])
        assert set(shown) <= set(labels), rule["alert"]


class _Strict(ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise AssertionError(message)


def commands_in(block: Block) -> Iterator[list[str]]:
    """Give the words of each call of the gateway in a block of shell."""
    whole = re.sub(r"\\\n", " ", block.text)
    for line in whole.splitlines():
        words = shlex.split(line.removeprefix("$ "), comments=True)
        while "cors-gateway" in words:
            start = words.index("cors-gateway") + 1
            rest = words[start:]
            end = next((i for i, word in enumerate(rest) if word in {"&&", ";", "|", ">"}), None)
            # An image of that name takes the command's own words, or none.
            if rest[:1] != ["."]:
                yield rest[:end]
            words = rest


@all_in("sh", "console")
def test_commands_are_spelled_right(block: Block) -> None:
    for verb, *words in filter(None, commands_in(block)):
        if verb.startswith("--"):
            assert verb in {"--help", "--version"}
            continue
        assert verb in VERBS
        parser = _Strict(allow_abbrev=False)
        import_module(f"cors_gateway.cli.{verb}").add_arguments(parser)
        _, surplus = parser.parse_known_args(words)
        assert surplus == []


class TestTheTestsThemselves:
    @pytest.mark.parametrize(
        "text, problem",
        [
            ("routes: [{match: {path: /}, upstream: 'http://a'}]", "cors is missing"),
            ("cors: {allowOrigins: ['*'], allowCredentials: true}", "exclude each other"),
            ("cors: {allowOrigin: ['*']}", "unknown key"),
            ("server: {port: 80}", "unknown key"),
        ],
    )
    def test_an_example_that_is_wrong_is_found(self, text: str, problem: str) -> None:
        configuration = configuration_of(text)
        assert configuration is not None
        assert problem in render_text(load_example(configuration).problems)

    def test_an_example_of_nothing_is_found(self) -> None:
        with pytest.raises(AssertionError, match="it is no configuration"):
            configuration_of("allowOrigins: []")

    def test_commands_are_found(self) -> None:
        block = Block(
            "p", 1, "console", "$ cors-gateway run \\\n  -c x && cors-gateway version # y\n"
        )

        assert list(commands_in(block)) == [["run", "-c", "x"], ["version"]]
