"""Every name that an operator meets is documented where it belongs, and no other is.

Both ways: what the program has stands in the table for it, and what a document names as a key, an option,
a variable, a metric, a path or a reason is there.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from cors_gateway.admin.server import _application
from cors_gateway.cli import main
from cors_gateway.cli.endings import Exit
from cors_gateway.cli.variables import KNOWN
from cors_gateway.cli.verbs import VERBS
from cors_gateway.config.json_schema import json_schema
from cors_gateway.config.schema import settings_blocks
from cors_gateway.cors.outcome import Reason
from cors_gateway.failures import Failure
from cors_gateway.process.metrics import METRICS
from cors_gateway.process.stopping import STOP_SIGNALS
from cors_gateway.wire.record import LOG_FIELDS, AccessRecord, note_failure, serialize_json
from docs.tables import options_of
from tests.docs.pages import DOCS, PAGES, ROOT, Page

CORS, COMMANDS = DOCS["docs/cors.md"], DOCS["docs/commands.md"]
OPERATIONS = DOCS["docs/operations.md"]
each_page = pytest.mark.parametrize("page", [pytest.param(page, id=page.name) for page in PAGES])

PLATFORMS_VARIABLES = {"PORT", "WEB_CONCURRENCY", "FORWARDED_ALLOW_IPS", "NO_COLOR"}
NOT_OURS = {"CORS_GATEWAY_", "CORS_GATEWAY_PORT"}
"""What is named to say that it means nothing, or is a beginning."""
AT_BUILD = {"CORS_GATEWAY_COMPILE"}
"""What hatch_build.py reads, and the gateway never."""
OPTIONS_OF_OTHERS = {"--add-host", "--build-arg", "--host", "--network"}
"""Those of docker and flask."""


def keys_in(schema: object) -> Iterator[str]:
    if isinstance(schema, dict):
        yield from schema.get("properties", {})
        for value in schema.values():
            yield from keys_in(value)
    elif isinstance(schema, list):
        for value in schema:
            yield from keys_in(value)


KEYS = set(keys_in(json_schema()))
PATHS = {
    ".".join((*(part for part in path if part != "*"), field.alias or name))
    for path, block in settings_blocks()
    for name, field in block.model_fields.items()
}
OPTIONS = {
    option for verb in VERBS for action in options_of(verb) for option in action.option_strings
}


FAILURES = {failure.value: failure for failure in Failure}


def is_path(text: str) -> bool:
    """Whether a key is named by its path, or by the end of it."""
    return any(path == text or path.endswith(f".{text}") for path in PATHS)


def codes(page: Page, pattern: str) -> list[str]:
    """Give the code spans of a page that match as a whole."""
    return [span for span in page.spans if re.fullmatch(pattern, span)]


def test_every_variable_is_in_its_table() -> None:
    documented = COMMANDS.first_cells("Variables")

    assert set(documented) == KNOWN | PLATFORMS_VARIABLES
    assert len(documented) == len(set(documented))


@each_page
def test_no_other_variable_is_named(page: Page) -> None:
    named = set(re.findall(r"\bCORS_GATEWAY_[A-Z_]*", page.text))

    assert named <= KNOWN | NOT_OURS | AT_BUILD


def test_every_option_is_in_the_table_of_its_command() -> None:
    for verb in VERBS:
        cells = " ".join(COMMANDS.first_cells(verb))
        for action in options_of(verb):
            assert all(option in cells for option in action.option_strings), verb


@each_page
def test_no_other_option_is_named(page: Page) -> None:
    named = {option for span in page.spans for option in re.findall(r"(?<![\w-])--[a-z-]+", span)}

    assert named - OPTIONS - OPTIONS_OF_OTHERS - {"--help", "--version"} == set()


@each_page
def test_no_command_is_named_that_is_not_there(page: Page) -> None:
    named = {word for span in page.spans for word in re.findall(r"^cors-gateway ([a-z]+)", span)}

    assert named <= set(VERBS)


def test_every_metric_is_in_its_table() -> None:
    assert OPERATIONS.first_cells("Metrics") == [metric.full_name for metric in METRICS]


@each_page
def test_no_other_metric_is_named(page: Page) -> None:
    named = re.findall(r"\bcors_gateway_[a-z_]+(?![/\w])", page.text)

    assert set(named) <= {metric.full_name for metric in METRICS}


def full_record() -> AccessRecord:
    """Give a record in which everything has happened."""
    record = AccessRecord(b"1", "10.0.0.1")
    record.traceparent = b"00-" + b"1" * 32 + b"-" + b"2" * 16 + b"-01"
    record.upstream_url = "http://a"
    note_failure(record, Failure.CONNECTION_REFUSED)
    record.cors_kind, record.cors_decision = "actual", "denied"
    record.cors_reason, record.cors_origin = Reason.ORIGIN_NOT_ALLOWED, b"https://a.example"
    record.cors_stripped = record.cookies_unparsed = 1
    return record


def test_every_field_of_the_log_is_in_its_table() -> None:
    written = list(json.loads(serialize_json(full_record())))

    assert written == list(LOG_FIELDS)
    section = OPERATIONS.section("The access log").partition("### ")[0]
    assert re.findall(r"^\| `([\w.]+)`", section, re.MULTILINE) == written


def test_the_line_of_the_log_that_is_shown_has_fields_that_are_there() -> None:
    (block,) = [block for block in OPERATIONS.blocks if block.language == "json"]

    assert set(json.loads(block.text)) <= set(LOG_FIELDS)


def test_every_failure_has_a_line() -> None:
    assert set(OPERATIONS.first_cells("What went wrong")) - {"problem"} == set(Failure)


def test_every_problem_that_is_named_is_there() -> None:
    named = {
        word
        for page in PAGES
        for word in re.findall(r"urn:cors-gateway:problem:([\w-]+)", page.text)
    }

    assert named - {"WORD"} <= set(Failure)
    for cell in OPERATIONS.section("Troubleshooting").splitlines():
        for status, problem in re.findall(r"^\| (\d{3}) (?:with )?`([a-z-]+)`", cell):
            assert FAILURES[problem].status == int(status), cell


def test_every_reason_is_in_its_table() -> None:
    assert CORS.first_cells("The reasons") == [
        cell for cell in CORS.first_cells("The reasons") if cell in set(Reason)
    ]
    assert sorted(CORS.first_cells("The reasons")) == sorted(Reason)


def test_every_path_of_the_admin_listener_is_in_its_table() -> None:
    application = _application(cast("Any", None), lambda *_: None)
    paths = {resource.canonical for resource in application.router.resources()}

    documented = OPERATIONS.first_cells("The admin listener")

    assert {path.partition("?")[0] for path in documented} == paths


@each_page
def test_no_other_path_of_the_admin_listener_is_called(page: Page) -> None:
    application = _application(cast("Any", None), lambda *_: None)
    paths = {resource.canonical for resource in application.router.resources()}

    called = re.findall(r"localhost:9901(/[a-z]*)", page.text)

    assert set(called) <= paths


def test_every_signal_is_in_its_table() -> None:
    documented = set(OPERATIONS.first_cells("Signals"))

    stopping = {number.name.removeprefix("SIG") for number in STOP_SIGNALS}
    assert documented == stopping | {"HUP"}


def test_every_exit_code_is_in_its_table() -> None:
    codes_shown = re.findall(r"^\| (\d+) \|", COMMANDS.section("Exit codes"), re.MULTILINE)

    assert list(map(int, codes_shown)) == [*sorted(Exit), main.INTERRUPTED]


@each_page
def test_a_key_that_is_named_by_its_path_is_there(page: Page) -> None:
    beginnings = {path.split(".", 1)[0] for path in PATHS} | {
        part for path in PATHS for part in path.split(".")[:-1]
    }
    named = codes(page, r"[a-z][A-Za-z]*(\.[a-z][A-Za-z]*)+")

    ours = [name for name in named if name.split(".", 1)[0] in beginnings]

    others = {*LOG_FIELDS, *OTHERS_PATHS}
    assert [name for name in ours if not is_path(name) and name not in others] == []


@each_page
def test_a_key_that_is_named_alone_is_there(page: Page) -> None:
    """A span such as ``allowOrigins`` or ``maxAge: 0``."""
    names = [
        found[1]
        for span in page.spans
        if (found := re.match(r"([a-z]+(?:[A-Z][a-z]+)+)(?::|$)", span))
    ]

    assert set(names) - KEYS - VALUES - OTHERS_NAMES == set()


VALUES = {"inPlace", "reportOnly", "requestId"}
OTHERS_NAMES = {
    *("restartPolicy", "terminationGracePeriodSeconds"),  # of Kubernetes
    *("crossOriginIsolated", "requestStart", "withCredentials"),  # of browsers
    "devServer",  # of webpack
}
OTHERS_PATHS = {
    *("server.allowedHosts", "server.hmr", "server.proxy"),  # of Vite
    "files.example.com",  # a host
}


@each_page
def test_a_file_that_is_named_is_there(page: Page) -> None:
    """Tests, configurations, and modules, which may leave out what all of theirs begin and end with."""
    files = codes(page, r"(?:tests|bench|config|docs|cors_gateway|compose)/[\w./-]*")

    places = (ROOT / "{}", ROOT / "cors_gateway" / "{}", ROOT / "cors_gateway" / "{}.py")
    is_there = {name: any(Path(str(p).format(name)).exists() for p in places) for name in files}
    assert [name for name, there in is_there.items() if not there] == []


class TestTheTestsThemselves:
    def test_a_path_is_told_from_its_end(self) -> None:
        assert is_path("server.limits.content")
        assert is_path("upstream.timeouts.idle")
        assert not is_path("server.nothing")

    def test_an_option_that_is_not_there_would_be_found(self) -> None:
        assert "--no-such-option" not in OPTIONS
        assert {"--listen", "-c", "--tests"} <= OPTIONS
