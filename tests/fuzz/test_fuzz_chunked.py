"""The chunked coding: what it holds, where it ends, and what it must not be.

Beside a reading by the letter stand two parsers that others wrote. Everything that one of them and
the gateway take must hold the same content and end at the same byte.
"""

from hypothesis import event, example, given
from hypothesis import strategies as st

from cors_gateway.messages.chunked import MAX_OVERHEAD_BYTES, ChunkedDecoder
from cors_gateway.messages.heads import MessageError
from tests.fuzz import strict_reading
from tests.fuzz.effort import fuzzed
from tests.fuzz.messages import ODD_BYTES, mutated, segments
from tests.fuzz.other_parsers import (
    RefusedError,
    requests_by_h11,
    requests_by_llhttp,
    response_by_h11,
)

CODED = [
    b"5\r\nhello\r\n0\r\n\r\n",
    b"5;a=b\r\nhello\r\n00A\r\n0123456789\r\n0\r\nX-A: b\r\nX-B:c\r\n\r\n",
    b'1;a="x;y"\r\na\r\n000;z\r\n\r\n',
    b"3 \r\nabc\r\n0 ;x\r\nX: y\r\n\r\n",
    b"3\nabc\n0\n\n",
    b"ffffffffffffffff\r\nx",
    b"7fffffffffffffff\r\nx",
]
SIZES = [
    b"0",
    b"1",
    b"3",
    b"a",
    b"0x3",
    b"+3",
    b"-1",
    b" 3",
    b"3 ",
    b"3\t",
    b"00000000000000003",
    b"3_0",
    b"",
]
PARTS = [
    *SIZES,
    *ODD_BYTES,
    b";x",
    b';x="\r\n"',
    b"abc",
    b"X-A: b",
    b"X-A : b",
    b" folded",
    b"\r\n0\r\n\r\n",
]
EXTENSIONS = [
    b"",
    b"",
    b";a",
    b";a=b",
    b';a="b;c"',
    b";",
    b";;",
    b"; a = b",
    b";\xe9",
    b" ;a",
    b";a\x0b",
    b';"',
]
TRAILERS = [
    b"X-A: b\r\n",
    b"X-A:\r\n",
    b"Content-Length: 3\r\n",
    b"x\r\n",
    b" a: b\r\n",
    b"a : b\r\n",
    b"A: \x00\r\n",
]


@st.composite
def messages(draw: st.DrawFn) -> bytes:
    """Draw a message that is nearly right."""
    stream = b""
    for piece in draw(st.lists(st.binary(min_size=1, max_size=12), max_size=3)):
        size = draw(st.sampled_from([b"%x", b"%X", b"0%x"])) % len(piece)
        stream += size + draw(st.sampled_from(EXTENSIONS)) + b"\r\n" + piece + b"\r\n"
    stream += b"0" + draw(st.sampled_from(EXTENSIONS)) + b"\r\n"
    return stream + b"".join(draw(st.lists(st.sampled_from(TRAILERS), max_size=2))) + b"\r\n"


coded = (
    messages()
    | st.tuples(messages(), messages()).map(b"".join)
    | mutated(CODED)
    | st.lists(st.sampled_from(PARTS), max_size=8).map(b"".join)
)
NEXT = b"GET /next HTTP/1.1\r\nHost: b\r\n\r\n"


def decoded(pieces: list[bytes], *, strict: bool) -> tuple[bytes, bool, bytes] | None:
    """Return the content, whether the message has ended, and what follows; nothing if refused."""
    decoder = ChunkedDecoder(strict=strict)
    content = b""
    for place, piece in enumerate(pieces):
        try:
            content += b"".join(decoder.feed(piece))
        except MessageError:
            return None
        if decoder.finished:
            return content, True, decoder.surplus + b"".join(pieces[place + 1 :])
    return content, decoder.finished, decoder.surplus


@fuzzed(100)
@given(coded, st.data())
def test_a_strict_decoder_takes_what_a_strict_reader_takes(
    stream: bytes, data: st.DataObject
) -> None:
    found = decoded(data.draw(segments(stream)), strict=True)
    try:
        content, end = strict_reading.read_chunked(stream)
    except strict_reading.DoubtfulError:
        event("doubtful")
        assert found is None or not found[1]
    except strict_reading.IncompleteError:
        event("incomplete")
        # What cannot become right may be refused before its end.
        assert found is None or not found[1]
    else:
        event("whole")
        assert len(stream) < MAX_OVERHEAD_BYTES
        assert found == (content, True, stream[end:])


@fuzzed(80)
@given(coded)
@example(b"3;\x0b\r\nabc\r\n0\r\n\r\n")
def test_what_other_parsers_take_too_is_the_same_to_them(stream: bytes) -> None:
    found = decoded([stream], strict=True)
    if found is None or not found[1]:
        return
    content, _, surplus = found
    stream = stream.removesuffix(surplus)
    for parse in (requests_by_h11, requests_by_llhttp):
        try:
            first, *others = parse(
                b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" + stream + NEXT
            )
        except RefusedError:
            event(f"stricter than we: {parse.__name__}")
            continue
        event(f"alike: {parse.__name__}")
        assert (first.content, first.is_whole) == (content, True)
        assert [other.start for other in others] == [(b"GET", b"/next")]


@fuzzed(80)
@given(coded, st.data())
def test_a_lenient_decoder_adds_nothing_to_what_is_strict(
    stream: bytes, data: st.DataObject
) -> None:
    pieces = data.draw(segments(stream))
    strict, lenient = decoded(pieces, strict=True), decoded(pieces, strict=False)
    if strict is not None and strict[1]:
        assert lenient == strict
    try:
        (read,) = response_by_h11(
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + stream, ends=True
        )
    except RefusedError:
        return
    if lenient is not None and lenient[1]:
        event("alike")
        assert read.content == lenient[0]
