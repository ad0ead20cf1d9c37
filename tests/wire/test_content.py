"""Content in one framing becomes the same content in another, however it is cut."""

import pytest

from cors_gateway.conclude import Concluded
from cors_gateway.messages.framing import CHUNKED, NO_CONTENT, UNTIL_CLOSE, Framing, FramingKind
from cors_gateway.messages.heads import MessageError
from cors_gateway.wire.content import RequestContent, ResponseContent, content_reader

CONTENT = b"0123456789"
COUNTED = Framing(FramingKind.COUNTED, len(CONTENT))
NEXT = b"GET / HTTP/1.1\r\n"

FORMS = [
    pytest.param(COUNTED, CONTENT, id="counted"),
    pytest.param(CHUNKED, b"4\r\n0123\r\n6;a=b\r\n456789\r\n0\r\nA: b\r\n\r\n", id="chunked"),
]


@pytest.mark.parametrize("step", [1, 3, 1000])
@pytest.mark.parametrize("framing, raw", FORMS)
def test_a_reader_gives_the_content_and_keeps_what_follows(
    framing: Framing, raw: bytes, step: int
) -> None:
    reader = content_reader(framing, strict=True)
    received, at = b"", 0
    while not reader.finished:
        received += b"".join(reader.feed((raw + NEXT)[at : at + step]))
        at += step
    assert received == CONTENT
    assert reader.surplus + (raw + NEXT)[at:] == NEXT
    assert reader.feed_eof()


@pytest.mark.parametrize("framing, raw", FORMS)
def test_content_that_ends_too_soon_is_not_whole(framing: Framing, raw: bytes) -> None:
    reader = content_reader(framing, strict=False)
    reader.feed(raw[:-1])
    assert not reader.finished
    assert not reader.feed_eof()


def test_only_content_until_close_is_whole_at_the_end_of_the_connection() -> None:
    reader = content_reader(UNTIL_CLOSE, strict=False)
    assert list(reader.feed(CONTENT)) == [CONTENT]
    assert list(reader.feed(b"")) == []
    assert not reader.finished
    assert reader.feed_eof()
    assert reader.finished


@pytest.mark.parametrize("framing", [NO_CONTENT, Framing(FramingKind.COUNTED, 0)])
def test_no_content_is_whole_at_once(framing: Framing) -> None:
    reader = content_reader(framing, strict=True)
    assert reader.finished
    assert list(reader.feed(NEXT)) == []
    assert reader.surplus == NEXT


@pytest.mark.parametrize(
    "framing, raw, expected",
    [
        (COUNTED, CONTENT, CONTENT),
        (CHUNKED, b"a\r\n0123456789\r\n0\r\n\r\n", b"a\r\n0123456789\r\n0\r\n\r\n"),
        (
            CHUNKED,
            b"5\r\n01234\r\n5;x\r\n56789\r\n0\r\nA: b\r\n\r\n",
            b"a\r\n0123456789\r\n0\r\n\r\n",
        ),
        (NO_CONTENT, b"", b""),
    ],
)
def test_a_request_leaves_in_its_framing(framing: Framing, raw: bytes, expected: bytes) -> None:
    content = RequestContent(framing, None)
    assert content.relay(raw) == expected
    assert content.finished
    assert content.length == (len(CONTENT) if raw else 0)


def test_a_request_stops_at_its_bound() -> None:
    content = RequestContent(CHUNKED, 5)
    assert content.relay(b"5\r\n01234\r\n") == b"5\r\n01234\r\n"
    with pytest.raises(MessageError) as caught:
        content.relay(b"1\r\n5\r\n")
    assert caught.value.status == 413


def concluded(framing: Framing) -> Concluded:
    return Concluded(
        opening=b"HE",
        ending=b"D",
        upstream_framing=framing,
        downstream_framing=framing,
        upstream_persists=True,
        downstream_persists=True,
        is_event_stream=False,
    )


@pytest.mark.parametrize(
    "framing, expected",
    [
        (CHUNKED, [b"HEAD3\r\nabc\r\n", b"2\r\nde\r\n0\r\n\r\n"]),
        (UNTIL_CLOSE, [b"HEADabc", b"de"]),
        (COUNTED, [b"HEADabc", b"de"]),
    ],
)
def test_a_response_leaves_with_its_head_in_front(framing: Framing, expected: list[bytes]) -> None:
    content = ResponseContent(concluded(framing), b"A")
    assert [
        content.relay((b"a", b"bc"), finished=False),
        content.relay((b"de",), finished=True),
    ] == expected
    assert content.length == 5


def test_a_head_leaves_although_no_content_has_come() -> None:
    content = ResponseContent(concluded(CHUNKED), b"A")
    assert content.relay((), finished=False) == b"HEAD"
    assert content.relay((), finished=True) == b"0\r\n\r\n"
