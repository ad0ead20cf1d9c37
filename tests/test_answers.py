"""Answers of the gateway's own: what they hold, and that nothing is echoed."""

import json

import pytest

from cors_gateway.answers import Answer, answer_failure, reason_phrase, serialize_answer
from cors_gateway.failures import Failure

FIELDS = ((b"Access-Control-Allow-Origin", b"https://app.example"), (b"Vary", b"Origin"))


def written(
    answer: Answer, *, head_only: bool = False, persists: bool = True
) -> tuple[bytes, bytes]:
    raw, length = serialize_answer(
        answer,
        request_id=b"id-1",
        date=b"Sat, 21 Nov 2026 07:00:00 GMT",
        head_only=head_only,
        persists=persists,
    )
    head, _, content = raw.partition(b"\r\n\r\n")
    assert length == len(content)
    return head, content


def test_a_failure_is_a_problem_document_that_a_page_can_read() -> None:
    head, content = written(
        answer_failure(Failure.CONNECTION_REFUSED, FIELDS, reason="a-reason", detail="Why.")
    )
    assert head == (
        b"HTTP/1.1 502 Bad Gateway\r\n"
        b"Date: Sat, 21 Nov 2026 07:00:00 GMT\r\n"
        b"Access-Control-Allow-Origin: https://app.example\r\n"
        b"Vary: Origin\r\n"
        b"Content-Type: application/problem+json\r\n"
        b"Cache-Control: no-store\r\n"
        b'Proxy-Status: cors-gateway; error=connection_refused; details="a-reason"\r\n'
        b"Content-Length: %d\r\n"
        b"X-Request-ID: id-1" % len(content)
    )
    assert json.loads(content) == {
        "type": "urn:cors-gateway:problem:connection-refused",
        "title": "The API refused the connection",
        "status": 502,
        "detail": "Why.",
        "reason": "a-reason",
        "requestId": "id-1",
    }


def test_a_granted_preflight_is_a_204_without_content() -> None:
    assert written(Answer(204, FIELDS)) == (
        (
            b"HTTP/1.1 204 No Content\r\n"
            b"Date: Sat, 21 Nov 2026 07:00:00 GMT\r\n"
            b"Access-Control-Allow-Origin: https://app.example\r\n"
            b"Vary: Origin\r\n"
            b"X-Request-ID: id-1"
        ),
        b"",
    )


def test_a_204_says_what_the_browser_will_object_to() -> None:
    head, _ = written(Answer(204, FIELDS, reason="method-not-allowed"))
    assert b'\r\nProxy-Status: cors-gateway; details="method-not-allowed"\r\n' in head


def test_an_answer_to_head_tells_the_length_and_sends_nothing() -> None:
    failure = answer_failure(Failure.NO_ROUTE)
    assert written(failure, head_only=True) == (written(failure)[0], b"")


@pytest.mark.parametrize("persists", [True, False])
def test_a_connection_that_closes_says_so(persists: bool) -> None:
    head, _ = written(Answer(204), persists=persists)
    assert (b"\r\nConnection: close" in head) is not persists


def test_who_finds_every_connection_in_use_learns_when_to_come_again() -> None:
    head, _ = written(answer_failure(Failure.CONNECTION_LIMIT, FIELDS))
    assert b"\r\nRetry-After: 1\r\n" in head


@pytest.mark.parametrize("failure", Failure)
def test_every_failure_can_be_written(failure: Failure) -> None:
    head, content = written(answer_failure(failure))
    assert head.startswith(b"HTTP/1.1 %d %b\r\n" % (failure.status, reason_phrase(failure.status)))
    assert json.loads(content)["status"] == failure.status
    assert (head + content).isascii()
