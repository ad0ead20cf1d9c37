"""The chunked coding: both directions, in every segmentation, and what is refused."""

import random
import time
from itertools import pairwise

import pytest

from cors_gateway.messages.chunked import (
    LAST_CHUNK,
    MAX_OVERHEAD_BYTES,
    ChunkedDecoder,
    chunk_head,
)
from cors_gateway.messages.heads import MessageError


def decode(message: bytes, step: int, *, strict: bool = True) -> tuple[bytes, bool, bytes]:
    """Feed a message in pieces of one length; give content, end and surplus."""
    decoder = ChunkedDecoder(strict=strict)
    content = b""
    for start in range(0, len(message), step):
        pieces = decoder.feed(message[start : start + step])
        assert all(pieces)
        content += b"".join(pieces)
    return content, decoder.finished, decoder.surplus


STEPS = (1, 2, 3, 5, 1 << 20)

COMPLETE = [
    pytest.param(b"0\r\n\r\n", b"", id="no content"),
    pytest.param(b"5\r\nhello\r\n0\r\n\r\n", b"hello", id="one chunk"),
    pytest.param(b"2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n", b"hello", id="two chunks"),
    pytest.param(b"A\r\n0123456789\r\n0\r\n\r\n", b"0123456789", id="a large digit"),
    pytest.param(b"0005\r\nhello\r\n000\r\n\r\n", b"hello", id="zeros in front"),
    pytest.param(b"2\r\n\r\n\r\n0\r\n\r\n", b"\r\n", id="content that looks like a line end"),
    pytest.param(b"5;a\r\nhello\r\n0;b\r\n\r\n", b"hello", id="D7 extensions are dropped"),
    pytest.param(b'5;a="x\xe9 y";b\r\nhello\r\n0\r\n\r\n', b"hello", id="D7 a quoted extension"),
    pytest.param(
        b"5\r\nhello\r\n0\r\nContent-Length: 9\r\nHost: x\r\n\r\n",
        b"hello",
        id="D8 trailers are dropped",
    ),
    pytest.param(b"0\r\nA:\r\n\r\n", b"", id="B47 an empty trailer"),
]


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("strict", [True, False])
@pytest.mark.parametrize("message, content", COMPLETE)
def test_a_message_is_decoded(message: bytes, content: bytes, strict: bool, step: int) -> None:
    assert decode(message, step, strict=strict) == (content, True, b"")


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("message, content", COMPLETE)
def test_what_follows_a_message_is_surplus(message: bytes, content: bytes, step: int) -> None:
    surplus = b"GET /admin HTTP/1.1\r\n\r\n"
    assert decode(message + surplus, step) == (content, True, surplus)


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("message, content", COMPLETE)
@pytest.mark.row("B16")
def test_b16_a_message_without_its_last_byte_is_not_finished(
    message: bytes, content: bytes, step: int
) -> None:
    assert decode(message[:-1], step) == (content, False, b"")


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize(
    "message",
    [
        pytest.param(b"0x3\r\nabc\r\n", id="D6 0x3"),
        pytest.param(b"+3\r\nabc\r\n", id="D6 +3"),
        pytest.param(b"-3\r\nabc\r\n", id="D6 -3"),
        pytest.param(b" 3\r\nabc\r\n", id="D6 a space in front"),
        pytest.param(b"3 \r\nabc\r\n", id="D6 a space behind"),
        pytest.param(b"3\t\r\nabc\r\n", id="D6 a tab behind"),
        pytest.param(b"3 ;a\r\nabc\r\n", id="D6 a space before an extension"),
        pytest.param(b"3_0\r\nabc\r\n", id="D6 an underscore"),
        pytest.param(b"\r\nabc\r\n", id="D6 no size"),
        pytest.param(b";a\r\nabc\r\n", id="D6 an extension without a size"),
        pytest.param(b"g\r\nabc\r\n", id="B17 no digit"),
        pytest.param(b"FFFFFFFFFFFFFFFF\r\nabc\r\n", id="D6 overflow"),
        pytest.param(b"8000000000000000\r\nabc\r\n", id="D6 one too long"),
        pytest.param(b"00000000000000003\r\nabc\r\n", id="D6 seventeen digits"),
        pytest.param(b"3;ext\nabc\r\n", id="D6 bare LF after an extension"),
        pytest.param(b"3;a\rb\r\nabc\r\n", id="D6 bare CR in an extension"),
        pytest.param(b"3;a\x00\r\nabc\r\n", id="D6 NUL in an extension"),
        pytest.param(b"3\nabc\r\n", id="D6 bare LF after the size"),
        pytest.param(b"3\rabc\r\n", id="D6 bare CR after the size"),
        pytest.param(b"3\r\r\nabc\r\n", id="D6 two CRs after the size"),
        pytest.param(b"3\r\nabc\n0\r\n\r\n", id="D6 bare LF after the data"),
        pytest.param(b"3\r\nabc\r0\r\n\r\n", id="D6 bare CR after the data"),
        pytest.param(b"3\r\nabc0\r\n\r\n", id="D6 nothing after the data"),
        pytest.param(b"3\r\nabcd\r\n", id="D6 more data than announced"),
        pytest.param(b"3\r\nabcdef", id="D6 more data than announced, and no line end"),
        pytest.param(b"0\r\n\n", id="D8 bare LF at the end"),
        pytest.param(b"0\r\nA: b\n\r\n", id="D8 bare LF after a trailer"),
        pytest.param(b"0\r\nA : b\r\n\r\n", id="D8 a space before the colon"),
        pytest.param(b"0\r\n A: b\r\n\r\n", id="D8 a folded trailer"),
        pytest.param(b"0\r\nA\r\n\r\n", id="D8 no colon"),
        pytest.param(b"0\r\n: b\r\n\r\n", id="D8 no name"),
        pytest.param(b"0\r\nA: \x00\r\n\r\n", id="D8 NUL"),
        pytest.param(b"0\r\nGET / HTTP/1.1\r\n\r\n", id="D8 a request where a trailer should be"),
    ],
)
def test_a_request_with_a_malformed_coding_is_refused(message: bytes, step: int) -> None:
    with pytest.raises(MessageError) as caught:
        decode(message, step)
    assert caught.value.status == 400


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize(
    "message",
    [
        pytest.param(b"3 \r\nabc\r\n0\r\n\r\n", id="a space after the size"),
        pytest.param(b"3 \t \r\nabc\r\n0 \r\n\r\n", id="white space after each size"),
        pytest.param(b"3 ;a\r\nabc\r\n0\r\n\r\n", id="white space before an extension"),
        pytest.param(b"3\nabc\n0\n\n", id="bare LF throughout"),
        pytest.param(b"3;a\nabc\r\n0\r\nanything goes\n\r\n", id="trailers are not read"),
    ],
)
def test_a_response_may_be_as_sloppy_as_nginx_allows(message: bytes, step: int) -> None:
    assert decode(message, step, strict=False) == (b"abc", True, b"")
    with pytest.raises(MessageError):
        decode(message, step, strict=True)


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize(
    "message",
    [
        pytest.param(b"0x3\r\nabc\r\n", id="B17 0x3"),
        pytest.param(b"-3\r\nabc\r\n", id="B17 -3"),
        pytest.param(b" 3\r\nabc\r\n", id="B17 a space in front"),
        pytest.param(b"\r\n", id="B17 no size"),
        pytest.param(b"FFFFFFFFFFFFFFFF\r\n", id="B17 overflow"),
        pytest.param(b"3\r\nabcd\r\n", id="B17 more data than announced"),
        pytest.param(b"3\r\r\nabc\r\n", id="B17 two CRs after the size"),
    ],
)
def test_a_response_with_a_malformed_coding_is_the_upstreams_fault(
    message: bytes, step: int
) -> None:
    with pytest.raises(MessageError) as caught:
        decode(message, step, strict=False)
    assert caught.value.status == 502


@pytest.mark.parametrize("strict", [True, False])
@pytest.mark.parametrize("step", [1000, 1 << 20])
@pytest.mark.parametrize(
    "message",
    [
        pytest.param(b"3;" + b"a" * 65536 + b"\r\nabc\r\n", id="D7 one long extension"),
        pytest.param(b"3;" + b"a" * 65536, id="D7 an extension without an end"),
        pytest.param((b"1;" + b"a" * 62 + b"\r\nx\r\n") * 1000, id="D7 many extensions"),
        pytest.param(b"0\r\n" + b"A: b\r\n" * 10000 + b"\r\n", id="D8 many trailers"),
        pytest.param(b"0\r\nA: " + b"b" * 65536, id="D8 a trailer without an end"),
        pytest.param(b"0\r\nA: " + b"b" * 65536 + b"\r\n\r\n", id="D8 one long trailer"),
    ],
)
def test_what_is_dropped_is_bounded(message: bytes, step: int, strict: bool) -> None:
    with pytest.raises(MessageError):
        decode(message, step, strict=strict)


def test_extensions_may_grow_with_the_content() -> None:
    signed = b"400;chunk-signature=" + b"a" * 64 + b"\r\n" + b"x" * 1024 + b"\r\n"
    content, finished, _ = decode(signed * 500 + LAST_CHUNK, 4096)
    assert finished
    assert len(content) == 500 * 1024


def test_trailers_up_to_the_bound_pass() -> None:
    line = b"A: " + b"b" * (MAX_OVERHEAD_BYTES - 7) + b"\r\n"
    assert decode(b"0\r\n" + line + b"\r\n", 1 << 20) == (b"", True, b"")


def test_the_middle_of_a_large_chunk_is_not_copied() -> None:
    decoder = ChunkedDecoder(strict=True)
    assert decoder.feed(chunk_head(3000)) == []
    middle, end = b"x" * 1000, b"y" * 2000
    assert decoder.feed(middle)[0] is middle
    assert decoder.feed(b"") == []
    assert decoder.feed(end)[0] is end
    assert decoder.feed(b"\r\n" + LAST_CHUNK) == []
    assert decoder.finished


def test_bytes_after_the_end_are_gathered() -> None:
    decoder = ChunkedDecoder(strict=True)
    decoder.feed(LAST_CHUNK + b"a")
    assert decoder.feed(b"b\n") == []
    assert decoder.surplus == b"ab\n"


@pytest.mark.parametrize("step", [1, 6, 65536])
@pytest.mark.row("B48")
def test_b48_single_byte_chunks_cost_in_proportion(step: int) -> None:
    def cost(count: int) -> float:
        message = b"1\r\nx\r\n" * count + LAST_CHUNK
        began = time.process_time()
        assert decode(message, step) == (b"x" * count, True, b"")
        return time.process_time() - began

    # Ten times the chunks: work that is quadratic takes a hundred times as long.
    assert min(cost(50_000) for _ in range(2)) < 30 * min(cost(5_000) for _ in range(3))


def test_a_long_line_in_single_bytes_is_refused_at_the_bound() -> None:
    with pytest.raises(MessageError):
        decode(b"3;" + b"a" * (MAX_OVERHEAD_BYTES + 1), 1)


@pytest.mark.parametrize("length", [1, 9, 10, 255, 256, 65536, 2**40])
def test_a_chunk_head_is_the_length_in_hexadecimal(length: int) -> None:
    assert chunk_head(length) == f"{length:x}\r\n".encode()


@pytest.mark.parametrize("step", STEPS)
def test_what_is_framed_here_is_decoded_here(step: int) -> None:
    pieces = [b"a", b"bc" * 100, b"\r\n", b"0\r\n\r\n"]
    message = b"".join(chunk_head(len(piece)) + piece + b"\r\n" for piece in pieces) + LAST_CHUNK
    assert decode(message, step) == (b"".join(pieces), True, b"")


@pytest.mark.parametrize("strict", [True, False])
@pytest.mark.parametrize("seed", range(20))
def test_chunks_that_look_alike_are_read_as_any_others(seed: int, strict: bool) -> None:
    """Byte by byte no two are looked at together; in one piece they are."""
    rng = random.Random(seed)
    message = b""
    for _ in range(rng.randint(1, 12)):
        size = rng.choice((1, 1, 2, 3, 15, 16, 17))
        zeros = b"0" * rng.choice((0, 0, 1, 14))
        extension = rng.choice((b"", b"", b"", b";a", b";" + b"a" * 20))
        line = zeros + b"%x" % size + extension + b"\r\n"
        for _ in range(rng.choice((1, 3, 4, 5, 16, 17, 50, 300))):
            message += line + rng.randbytes(size) + b"\r\n"
    if rng.random() < 0.5:
        at = rng.randrange(len(message))
        message = message[:at] + rng.choice((b"", b"\n", b"1", b"\r\n")) + message[at + 1 :]
    message += LAST_CHUNK + b"next"
    outcomes = []
    for step in (1, rng.randint(2, 2000), len(message)):
        try:
            outcomes.append(decode(message, step, strict=strict))
        except MessageError as error:
            outcomes.append((b"", False, error.reason.encode()))
    assert outcomes[0][:2] == outcomes[1][:2] == outcomes[2][:2]
    assert outcomes[0] == outcomes[2] or not outcomes[0][1]


@pytest.mark.parametrize("step", [1, 1 << 20])
def test_chunks_that_look_alike_earn_room_for_extensions_too(step: int) -> None:
    signed = b"1;" + b"a" * (MAX_OVERHEAD_BYTES - 100) + b"\r\nx\r\n"
    assert decode((signed + b"1\r\nx\r\n" * 1200) * 3, step)[0] == b"x" * 3603
    with pytest.raises(MessageError):
        decode((signed + b"1\r\nx\r\n" * 800) * 3, step)


def test_a_hundred_thousand_tiny_chunks_are_few_pieces() -> None:
    content = random.Random(7).randbytes(100_000)
    message = b"".join(b"1\r\n%c\r\n" % byte for byte in content) + LAST_CHUNK
    pieces = ChunkedDecoder(strict=True).feed(message)
    assert b"".join(pieces) == content
    assert len(pieces) < 100


def test_every_cut_in_two_gives_the_same() -> None:
    message = b"5;a\r\nhello\r\n1\r\n!\r\n0\r\nA: b\r\n\r\n"
    for cut in range(len(message) + 1):
        decoder = ChunkedDecoder(strict=True)
        ends = (0, cut, len(message))
        content = b"".join(b"".join(decoder.feed(message[a:b])) for a, b in pairwise(ends))
        assert (content, decoder.finished) == (b"hello!", True)
