"""An examination from its first request to its report, over real sockets."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from cors_gateway.config.public_suffixes import is_public_suffix
from cors_gateway.doctor.case import Case, Exchange, Probe
from cors_gateway.doctor.catalogue import Kind
from cors_gateway.doctor.examination import Examination, examine
from cors_gateway.doctor.report import (
    as_data,
    tell_answer,
    tell_begin,
    tell_end,
    tell_probe,
    tell_verdict,
)
from tests.doctor.examining import API, APP, case, examined
from tests.doctor.scripted_server import ScriptedServer, scripted

OTHER = "https://b.example"
EVERYBODY = (
    b"HTTP/1.1 200 OK\r\nAccess-Control-Allow-Origin: *\r\nAccess-Control-Allow-Methods: PUT\r\n"
    b"Access-Control-Allow-Headers: content-type\r\nContent-Length: 0\r\n\r\n"
)
NOBODY = b"HTTP/1.1 200 OK\r\nX-Total-Count: 1\r\nContent-Length: 0\r\n\r\n"


def told(examination: Examination) -> str:
    return tell_verdict(examination) + "\n" + tell_end(examination)


@contextmanager
def hanging_up(answers: int) -> Iterator[ScriptedServer]:
    """Serve a few answers, and hang up on whoever comes after."""
    left = [NOBODY] * answers

    def script(connection: socket.socket) -> None:
        if left:
            connection.sendall(left.pop())

    with scripted(script) as server:
        yield server


def test_every_request_is_told_of_before_it_is_sent() -> None:
    events: list[str] = []
    with scripted(NOBODY) as server:

        def before(probe: Probe) -> None:
            events.append(tell_probe(probe).partition("  ")[0])
            assert len(server.heads) == len(events) - 1

        def after(exchange: Exchange) -> None:
            assert len(server.heads) == len(events)
            assert exchange.probe.method.decode() in events[-1]

        opened = case(APP, url=f"{server.url}/a", method="PUT")
        examine(opened, is_public_suffix, before=before, after=after, seconds=60)

    assert events == ["→ GET /a", "→ GET /a", "→ OPTIONS /a", "→ GET /a", "→ GET /a"]


def test_an_api_that_nobody_answers_at_is_asked_once() -> None:
    with hanging_up(0) as server:
        examination = examined(case(APP, url=server.url))

        assert len(server.heads) == 1
        assert not examination.is_fine
        assert told(examination) == f"{server.url} hangs up without an answer.\n"
        assert as_data(examination)["verdict"] == "unreachable"


def test_an_api_that_falls_silent_is_left_alone_after_two() -> None:
    with hanging_up(2) as server:
        examination = examined(case(APP, url=server.url))

        assert len(server.heads) == 4
    assert "no-answer" in [one.code for one in examination.findings]


def test_where_all_is_well_nothing_is_proposed() -> None:
    with scripted(EVERYBODY) as server:
        examination = examined(case(APP, url=server.url, method="PUT"))

    assert examination.is_fine
    assert told(examination) == (f"Pages of {APP} can call it, and nothing dangerous was seen.\n")
    assert as_data(examination)["verdict"] == "fine"


def test_the_report_names_each_thing_and_ends_in_a_configuration() -> None:
    with scripted(NOBODY) as server:
        text = told(examined(case(APP, url=server.url, method="PUT")))

    first, *rest = text.splitlines()
    assert first == f"Pages of {APP} cannot call it as they should."
    assert "1. The answer has no Access-Control-Allow-Origin. [no-allow-origin]" in rest
    assert "   browser: No 'Access-Control-Allow-Origin' header is present on the requested" in text
    assert f"   seen in: GET from {APP}; preflight from {APP}" in rest
    assert "What the page does not get:" in rest
    assert "What others get:" not in rest
    assert rest[-1].endswith("expect: deny}")


@pytest.mark.parametrize(
    "fields, verdict",
    [
        pytest.param(
            b"Access-Control-Allow-Origin: %b\r\nAccess-Control-Allow-Credentials: true\r\n",
            f"Pages of {APP} can call it, and others are let in that nobody named.",
            id="dangerous",
        ),
        pytest.param(
            b"Access-Control-Allow-Origin: %b\r\nAccess-Control-Allow-Credentials: True\r\n",
            f"Pages of {APP} cannot call it as they should, and others are let in that nobody named.",
            id="dangerous and broken",
        ),
    ],
)
def test_the_verdict_on_an_api_that_lets_in_anybody(fields: bytes, verdict: str) -> None:
    def reflect(connection: socket.socket) -> None:
        line = server.heads[-1].partition(b"Origin: ")[2].partition(b"\r\n")[0]
        said = fields % (line or b"none")
        connection.sendall(b"HTTP/1.1 200 OK\r\nVary: Origin\r\n%b\r\n" % said)

    with scripted(reflect) as server:
        examination = examined(case(APP, url=server.url, method="GET"))

    assert tell_verdict(examination) == verdict
    titles = [line for line in tell_end(examination).splitlines() if line.startswith("What ")]
    broken = ["What the page does not get:"] if "cannot" in verdict else []
    assert titles == ["What others get:", *broken]
    assert as_data(examination)["findings"][0]["kind"] == "dangerous"
    assert {one.kind for one in examination.findings} >= {Kind.DANGEROUS}


def test_a_note_alone_is_told_and_changes_nothing() -> None:
    answer = EVERYBODY.replace(b"Content-Length", b"Access-Control-Max-Age: soon\r\nContent-Length")
    with scripted(answer) as server:
        examination = examined(case(APP, url=server.url, method="PUT"))

    assert examination.is_fine
    assert "Worth knowing:\n\n1. Access-Control-Max-Age is " in tell_end(examination)
    assert "corsPolicies" not in tell_end(examination)


def test_data_has_all_that_was_asked_and_found() -> None:
    with scripted(NOBODY) as server:
        opened = case(url=f"{server.url}/a?b", headers=((b"X-Key", b"secret"),), method="PUT")
        data = as_data(examined(opened))

    assert data["url"] == f"{server.url}/a?b"
    assert (data["origins"], data["originIsAssumed"]) == ([APP], True)
    assert (data["method"], data["headers"], data["credentials"]) == ("PUT", ["X-Key"], False)
    assert [request["purpose"] for request in data["requests"]][:3] == [
        *("plain", "page", "preflight"),
    ]
    assert data["requests"][0] == {
        "purpose": "plain",
        "method": "GET",
        "target": "/a?b",
        "origin": None,
        "status": 200,
        "headers": [],
        "error": None,
    }
    finding = data["findings"][0]
    assert (finding["code"], finding["kind"]) == ("no-allow-origin", "broken")
    assert finding["browser"].startswith("No 'Access-Control-Allow-Origin' header")
    assert finding["seen"] == [f"GET from {APP}", f"preflight from {APP}"]
    assert data["configuration"].startswith("# For http://127.0.0.1:")
    assert "secret" not in str(data)


@pytest.mark.parametrize(
    "opened, lines",
    [
        pytest.param(
            case(),
            [
                f"{API}: can pages of {APP} call it, by POST with Content-Type?",
                f"{APP} stands for your page; --origin names it.",
                "A POST of JSON stands for what it sends; --method and --header say it.",
            ],
            id="nothing was said",
        ),
        pytest.param(
            case(APP, OTHER, method="PUT", credentials=True),
            [
                f"{API}: can pages of {APP} and {OTHER} call it, by PUT and with cookies?",
            ],
            id="all was said",
        ),
    ],
)
def test_what_stands_for_what_was_not_said_is_said_first(opened: Case, lines: list[str]) -> None:
    *first, last = tell_begin(opened).splitlines()

    assert first == lines
    assert last.startswith("Only GET, HEAD and OPTIONS are sent")


def test_a_request_is_told_without_the_values_of_a_pages_headers() -> None:
    shown: list[str] = []
    with scripted(NOBODY) as server:
        opened = case(APP, url=server.url, method="PUT", headers=((b"Authorization", b"secret"),))
        examine(
            opened,
            is_public_suffix,
            before=lambda probe: shown.append(tell_probe(probe)),
            after=lambda _: None,
        )

    assert shown[:3] == [
        "→ GET /  Authorization: …",
        f"→ GET /  Origin: {APP}  Authorization: …",
        (
            f"→ OPTIONS /  Origin: {APP}  Access-Control-Request-Method: PUT  "
            "Access-Control-Request-Headers: authorization"
        ),
    ]


def test_what_an_api_sends_moves_no_cursor() -> None:
    nasty = (
        b"HTTP/1.1 200 OK\r\nAccess-Control-Allow-Origin: \x1b[2J\xc3\r\nVary: \x07\r\n"
        b"Location: \x9b31m\r\nSet-Cookie: \x1b]0;x\x07=1\r\nAccess-Control-Allow-Headers: \x1b\r\n"
        b"Access-Control-Allow-Methods: \x7f\r\nAccess-Control-Max-Age: \x08\r\n"
        b"Access-Control-Allow-Credentials: \x1b\r\n\r\n"
    )
    shown: list[str] = []
    with scripted(nasty) as server:
        opened = case("https://app.example.org", url=server.url, method="PUT", credentials=True)
        examination = examine(
            opened,
            is_public_suffix,
            before=lambda probe: shown.append(tell_probe(probe)),
            after=lambda exchange: shown.append(tell_answer(exchange)),
        )
    shown.append(told(examination))

    codes = {one.code for one in examination.findings}
    assert {"credentials-not-true", "cookie-stays-home", "headers-malformed"} <= codes
    assert all(line.isprintable() for text in shown for line in text.splitlines())
