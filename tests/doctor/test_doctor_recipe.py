"""What the recipe shows is what the doctor says, and it lists every code."""

import re
import socket
from dataclasses import astuple

import pytest
import yaml

from cors_gateway.config.public_suffixes import is_public_suffix
from cors_gateway.doctor.catalogue import CATALOGUE, Code, Kind
from cors_gateway.doctor.examination import Examination, examine
from cors_gateway.doctor.report import tell_answer, tell_end, tell_probe
from cors_gateway.doctor.strangers import STRANGER
from tests.docs.pages import ROOT, Page
from tests.doctor.examining import APP, case
from tests.doctor.scripted_server import scripted

RECIPE = Page(ROOT / "docs" / "recipes" / "doctor.md")
COURSE, FINDING = [block.text for block in RECIPE.blocks if not block.language]

GET = (
    b"HTTP/1.1 200 OK\r\nX-Total-Count: 2\r\nAccess-Control-Allow-Origin: *\r\n"
    b"Access-Control-Allow-Credentials: true\r\n\r\n"
)
OPTIONS = b"HTTP/1.1 405 Method Not Allowed\r\nAllow: GET\r\n\r\n"


@pytest.fixture(scope="module")
def shown() -> tuple[list[str], Examination]:
    """Examine the API of the recipe: what was told on the way, and what came of it."""
    lines: list[str] = []

    def script(connection: socket.socket) -> None:
        connection.sendall(OPTIONS if server.heads[-1].startswith(b"OPTIONS") else GET)

    with scripted(script) as server:
        examination = examine(
            case(APP, url=f"{server.url}/orders", method="PUT", credentials=True),
            is_public_suffix,
            before=lambda probe: lines.append(tell_probe(probe)),
            after=lambda exchange: lines.append(tell_answer(exchange)),
        )
    return lines, examination


def test_the_requests_are_those_that_are_sent(shown: tuple[list[str], Examination]) -> None:
    lines = COURSE.splitlines()

    assert shown[0][: len(lines)] == lines


def test_the_finding_is_what_is_found(shown: tuple[list[str], Examination]) -> None:
    assert FINDING in tell_end(shown[1])


def test_the_configuration_is_what_is_proposed(shown: tuple[list[str], Examination]) -> None:
    (block,) = [block.text for block in RECIPE.blocks if block.language == "yaml"]
    there = yaml.safe_load(block.replace("http://localhost:5000", shown[1].case.base))

    assert there == yaml.safe_load(shown[1].proposal)


def test_every_code_is_listed_once_with_its_kind() -> None:
    rows = re.findall(r"^\| (\w+) \| ([^|]*) \|", RECIPE.section("What it finds"), re.MULTILINE)

    listed = [(code, kind) for kind, cell in rows for code in re.findall(r"`([a-z-]+)`", cell)]
    assert sorted(listed) == sorted((code.value, CATALOGUE[code].kind.value) for code in Code)


def test_the_strangers_are_all_that_are_sent() -> None:
    rows = re.findall(r"^  \| `([^`]+)` \|", RECIPE.section("What it sends"), re.MULTILINE)

    strangers = astuple(case(APP).strangers)
    assert sorted(rows) == sorted(one.decode() for one in (*strangers, STRANGER, b"null"))


def test_the_kinds_have_the_order_of_the_report() -> None:
    rows = re.findall(
        r"^\| ([a-z]+) \| .* \| (.*) \|", RECIPE.section("What it finds"), re.MULTILINE
    )

    assert list(dict.fromkeys(kind for kind, _ in rows)) == [kind.value for kind in Kind]
    assert rows[-1][1].startswith("Worth knowing")
