"""Heads are cut from what arrives, one after the other, and never looked for twice."""

import pytest

from cors_gateway.messages.heads import MessageError
from cors_gateway.snapshot import Limits
from cors_gateway.wire.heads import HeadCutter, read_request_head, read_response_head

FIRST = b"GET /1 HTTP/1.1\r\nHost: a\r\n\r\n"
SECOND = b"GET /2 HTTP/1.1\r\nHost: b\r\n\r\n"
LIMITS = Limits()


@pytest.mark.parametrize("step", [1, 2, 5, 1000])
def test_heads_are_cut_however_they_arrive(step: int) -> None:
    cutter = HeadCutter()
    raw = b"\r\n" + FIRST + b"\r\n\r\n" + SECOND
    heads = []
    for at in range(0, len(raw), step):
        cutter.add(raw[at : at + step])
        while cutter.unread and (head := cutter.cut(LIMITS)):
            heads.append(head)
    assert heads == [FIRST, SECOND]
    assert cutter.unread == b""


def test_a_head_has_begun_once_it_was_looked_for_in_vain() -> None:
    cutter = HeadCutter()
    cutter.add(b"\r\n")
    assert cutter.cut(LIMITS) == b""
    assert not cutter.has_begun
    cutter.add(FIRST[:5])
    assert not cutter.has_begun
    assert cutter.cut(LIMITS) == b""
    assert cutter.has_begun
    cutter.add(FIRST[5:])
    assert cutter.cut(LIMITS) == FIRST
    assert not cutter.has_begun


def test_what_is_taken_is_no_head() -> None:
    cutter = HeadCutter()
    cutter.add(FIRST + SECOND)
    assert cutter.cut(LIMITS) == FIRST
    assert cutter.take_unread() == SECOND
    assert cutter.unread == b""


@pytest.mark.parametrize("complete", [b"", b"\r\n\r\n"])
def test_a_head_beyond_the_limits_is_refused_complete_or_not(complete: bytes) -> None:
    for raw, status in (
        (b"GET /" + b"a" * LIMITS.target_bytes * 2, 414),
        (b"GET / HTTP/1.1\r\nA: " + b"b" * LIMITS.field_section_bytes, 431),
    ):
        cutter = HeadCutter()
        cutter.add(raw + complete)
        with pytest.raises(MessageError) as caught:
            cutter.cut(LIMITS)
        assert caught.value.status == status


@pytest.mark.parametrize("end", [b"\r\n", b"\n"])
def test_a_response_head_may_end_its_lines_as_it_likes(end: bytes) -> None:
    head = read_response_head(end.join([b"HTTP/1.0 404 Not \xe9", b"a: b", b"A:  c ", b"", b""]))
    assert (head.status, head.reason, head.minor_version) == (404, b"Not \xe9", 0)
    assert head.fields == ((b"a", b"b"), (b"A", b"c"))


@pytest.mark.parametrize(
    "raw",
    [
        b"HTTP/1.1 200 OK\r\nnonsense\r\n\r\n",
        b"nonsense\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nA: \x00\r\n\r\n",
        b"\n\n",
    ],
)
def test_what_is_no_response_is_a_502(raw: bytes) -> None:
    with pytest.raises(MessageError) as caught:
        read_response_head(raw)
    assert caught.value.status == 502


def test_a_reason_is_never_an_echo() -> None:
    with pytest.raises(MessageError) as caught:
        read_request_head(b"GET / HTTP/1.1\r\nsecret nonsense\r\n\r\n", 100)
    assert "secret" not in caught.value.reason
