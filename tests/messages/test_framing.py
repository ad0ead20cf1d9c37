"""Framing: the length of content, and whether a connection lives on."""

import pytest

from cors_gateway.messages.fields import index_fields
from cors_gateway.messages.framing import (
    CHUNKED,
    NO_CONTENT,
    UNTIL_CLOSE,
    Framing,
    FramingKind,
    expects_continue,
    may_pass_length,
    request_framing,
    request_persists,
    response_framing,
    response_persists,
    rewrite_content_length,
)
from cors_gateway.messages.heads import FieldLines, MessageError

CL = b"Content-Length"
TE = b"Transfer-Encoding"


def counted(length: int) -> Framing:
    return Framing(FramingKind.COUNTED, length)


@pytest.mark.parametrize(
    "fields, framing",
    [
        pytest.param((), NO_CONTENT, id="neither field"),
        pytest.param(((CL, b"5"),), counted(5), id="a length"),
        pytest.param(((b"content-length", b"0"),), counted(0), id="no content, and it says so"),
        pytest.param(((CL, b"9223372036854775807"),), counted(2**63 - 1), id="the longest"),
        pytest.param(((TE, b"chunked"),), CHUNKED, id="chunked"),
        pytest.param(((TE, b"Chunked"),), CHUNKED, id="codings have no case"),
    ],
)
def test_the_content_of_a_request_is_framed(fields: FieldLines, framing: Framing) -> None:
    assert request_framing(1, index_fields(fields)) == framing


@pytest.mark.parametrize(
    "fields, status",
    [
        pytest.param(((CL, b"3"), (TE, b"chunked")), 400, id="D1 CL.TE"),
        pytest.param(((TE, b"chunked"), (CL, b"3")), 400, id="D1 TE.CL"),
        pytest.param(((TE, b"identity"), (CL, b"3")), 400, id="D1 CL and an unknown coding"),
        pytest.param(((CL, b"5"), (CL, b"5")), 400, id="D2 twice the same"),
        pytest.param(((CL, b"5"), (CL, b"6")), 400, id="D2 two different"),
        pytest.param(((CL, b"5, 5"),), 400, id="D2 a list"),
        pytest.param(((CL, b"+5"),), 400, id="D2 a plus"),
        pytest.param(((CL, b"-1"),), 400, id="D2 negative"),
        pytest.param(((CL, b"0x5"),), 400, id="D2 hexadecimal"),
        pytest.param(((CL, b"5_0"),), 400, id="D2 an underscore"),
        pytest.param(((CL, b""),), 400, id="D2 empty"),
        pytest.param(((CL, b" 5"),), 400, id="D2 a space"),
        pytest.param(((CL, b"5\n"),), 400, id="D2 a line end"),
        pytest.param(((CL, b"005"),), 400, id="D2 leading zeros"),
        pytest.param(((CL, b"\xd9\xa5"),), 400, id="D2 another script's digit"),
        pytest.param(((CL, b"9223372036854775808"),), 400, id="D2 one too long"),
        pytest.param(((CL, b"9" * 5000),), 400, id="D2 huge"),
        pytest.param(((TE, b"gzip, chunked"),), 501, id="D4 an unknown coding under chunked"),
        pytest.param(((TE, b"gzip\t, chunkedy,Chunked"),), 501, id="D4 two unknown codings"),
        pytest.param(((TE, b"x;q=1, chunked"),), 400, id="D4 a coding with a parameter"),
        pytest.param(((TE, b"gzip chunked"),), 400, id="D4 codings without a comma"),
        pytest.param(((TE, b"identity"),), 400, id="D4 identity"),
        pytest.param(((TE, b"gzip"),), 400, id="D4 chunked is not the final coding"),
        pytest.param(((TE, b"xchunked"),), 400, id="D3 xchunked"),
        pytest.param(((TE, b"chunked, gzip"),), 400, id="D4 chunked comes first"),
        pytest.param(((TE, b"chunked, chunked"),), 400, id="D4 chunked twice"),
        pytest.param(((TE, b"gzip, chunked, chunked"),), 400, id="D4 chunked twice at the end"),
        pytest.param(((TE, b"chunked"), (TE, b"chunked")), 400, id="D4 chunked on two lines"),
        pytest.param(((TE, b"gzip"), (TE, b"chunked")), 400, id="D4 codings on two lines"),
        pytest.param(((TE, b",chunked"),), 400, id="D4 an empty item in front"),
        pytest.param(((TE, b"chunked,"),), 400, id="D4 an empty item behind"),
        pytest.param(((TE, b"gzip,,chunked"),), 400, id="D4 an empty item between"),
        pytest.param(((TE, b""),), 400, id="D4 empty"),
        pytest.param(((TE, b'"chunked"'),), 400, id="D4 quoted"),
        pytest.param(((TE, b'"a,b", chunked'),), 400, id="D4 a quoted coding under chunked"),
        pytest.param(((TE, b"chunked;q=1"),), 400, id="D4 a parameter"),
        pytest.param(((TE, b"\x0bchunked"),), 400, id="D4 a vertical tab"),
        pytest.param(((TE, b"\xffchunked"),), 400, id="D4 0xFF"),
        pytest.param(((TE, b"chun\tked"),), 400, id="D3 a tab inside"),
        pytest.param(((TE, b"chunked chunked"),), 400, id="D3 no comma"),
    ],
)
def test_a_request_of_doubtful_length_is_refused(fields: FieldLines, status: int) -> None:
    with pytest.raises(MessageError) as caught:
        request_framing(1, index_fields(fields))
    assert caught.value.status == status


@pytest.mark.row("D5")
def test_d5_http_1_0_has_no_transfer_codings() -> None:
    with pytest.raises(MessageError) as caught:
        request_framing(0, index_fields(((TE, b"chunked"),)))
    assert caught.value.status == 400
    assert request_framing(0, index_fields(((CL, b"5"),))) == counted(5)


@pytest.mark.parametrize(
    "framing, is_empty",
    [(NO_CONTENT, True), (counted(0), True), (counted(1), False), (CHUNKED, False)],
)
def test_a_framing_says_whether_content_can_follow(framing: Framing, is_empty: bool) -> None:
    assert framing.is_empty is is_empty
    assert not UNTIL_CLOSE.is_empty


@pytest.mark.parametrize(
    "fields, framing",
    [
        pytest.param(((CL, b"5"),), counted(5), id="a length"),
        pytest.param(((CL, b"00000005"),), counted(5), id="a length with zeros in front"),
        pytest.param(((TE, b"chunked"),), CHUNKED, id="chunked"),
        pytest.param((), UNTIL_CLOSE, id="B31 until close"),
        pytest.param(((CL, b"0"),), counted(0), id="nothing"),
    ],
)
def test_the_content_of_a_response_is_framed(fields: FieldLines, framing: Framing) -> None:
    assert response_framing(b"GET", 200, index_fields(fields)) == framing


@pytest.mark.parametrize(
    "method, status",
    [(b"HEAD", 200), (b"GET", 304), (b"GET", 204), (b"POST", 204), (b"GET", 100), (b"GET", 103)],
)
@pytest.mark.parametrize(
    "fields",
    [(), ((CL, b"5"),), ((TE, b"chunked"),), ((TE, b"xchunked"),)],
    ids=["no fields", "a length", "chunked", "an unknown coding"],
)
@pytest.mark.row("B20")
def test_b20_some_responses_have_no_content_whatever_their_fields_say(
    method: bytes, status: int, fields: FieldLines
) -> None:
    assert response_framing(method, status, index_fields(fields)) == NO_CONTENT


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param(((CL, b"3"), (TE, b"chunked")), id="B21 CL and TE"),
        pytest.param(((CL, b"5"), (CL, b"5")), id="B22 twice the same"),
        pytest.param(((CL, b"5"), (CL, b"6")), id="B22 conflicting"),
        pytest.param(((CL, b"5, 5"),), id="B22 a list"),
        pytest.param(((CL, b"-5"),), id="B22 negative"),
        pytest.param(((CL, b"five"),), id="B22 not a number"),
        pytest.param(((CL, b""),), id="B22 empty"),
        pytest.param(((CL, b"0" * 20),), id="B22 too many digits"),
        pytest.param(((CL, b"9223372036854775808"),), id="B22 one too long"),
        pytest.param(((TE, b"xchunked"),), id="B23 xchunked"),
        pytest.param(((TE, b"gzip, chunked"),), id="B23 gzip, chunked"),
        pytest.param(((TE, b"identity"),), id="B23 identity"),
        pytest.param(((TE, b""),), id="B23 empty"),
        pytest.param(((TE, b"chunked"), (TE, b"chunked")), id="B23 twice"),
    ],
)
def test_a_response_of_doubtful_length_is_refused(fields: FieldLines) -> None:
    with pytest.raises(MessageError) as caught:
        response_framing(b"GET", 200, index_fields(fields))
    assert caught.value.status == 502


@pytest.mark.parametrize("method, status", [(b"HEAD", 200), (b"GET", 304)])
@pytest.mark.row("A25")
def test_a25_a_length_that_is_passed_on_without_content_must_be_valid(
    method: bytes, status: int
) -> None:
    with pytest.raises(MessageError):
        response_framing(method, status, index_fields(((CL, b"5, 6"),)))


@pytest.mark.parametrize(
    "status, length, rewritten",
    [
        pytest.param(200, b"5", b"5", id="as it was"),
        pytest.param(200, b"005", b"5", id="without zeros in front"),
        pytest.param(200, b"000", b"0", id="zero"),
        pytest.param(304, b"005", b"5", id="A25 kept on 304"),
        pytest.param(204, b"5", None, id="B20 none on 204"),
        pytest.param(103, b"5", None, id="none on 1xx"),
    ],
)
def test_a_length_is_passed_on_in_its_place(
    status: int, length: bytes, rewritten: bytes | None
) -> None:
    fields = ((b"A", b"005"), (b"content-LENGTH", length), (b"B", b"2"))
    kept = () if rewritten is None else ((b"content-LENGTH", rewritten),)
    index = index_fields(fields)
    assert rewrite_content_length(fields, index, status) == (fields[0], *kept, fields[2])


def test_fields_without_a_length_stay() -> None:
    fields = ((b"A", b"1"),)
    assert rewrite_content_length(fields, index_fields(fields), 204) is fields


@pytest.mark.parametrize(
    "minor, connection, persists",
    [
        pytest.param(1, None, True, id="HTTP/1.1"),
        pytest.param(1, b"keep-alive", True, id="HTTP/1.1 keep-alive"),
        pytest.param(1, b"close", False, id="A16 close"),
        pytest.param(1, b"X-Foo, CLOSE", False, id="close among others"),
        pytest.param(0, None, False, id="A17 HTTP/1.0"),
        pytest.param(0, b"Keep-Alive", True, id="HTTP/1.0 keep-alive"),
        pytest.param(0, b"keep-alive, close", False, id="close wins"),
    ],
)
def test_a_connection_lives_on(minor: int, connection: bytes | None, persists: bool) -> None:
    index = index_fields(() if connection is None else ((b"Connection", connection),))
    assert request_persists(minor, index) is persists
    assert response_persists(minor, index, counted(3)) is persists
    assert response_persists(minor, index, NO_CONTENT) is persists
    assert response_persists(minor, index, UNTIL_CLOSE) is False  # B31
    assert response_persists(minor, index, CHUNKED) is (persists and minor == 1)  # B23


@pytest.mark.parametrize(
    "minor, values, expected",
    [
        pytest.param(1, [], False, id="nothing expected"),
        pytest.param(1, [b"100-continue"], True, id="A19 100-continue"),
        pytest.param(1, [b"100-Continue"], True, id="D25 case"),
        pytest.param(1, [b""], False, id="D25 an empty field"),
        pytest.param(0, [b"100-continue"], False, id="A21 ignored on HTTP/1.0"),
        pytest.param(0, [b"foo"], False, id="A21 whatever is expected on HTTP/1.0"),
    ],
)
def test_an_expectation_is_read(minor: int, values: list[bytes], expected: bool) -> None:
    index = index_fields(tuple((b"Expect", value) for value in values))
    assert expects_continue(minor, index) is expected


@pytest.mark.parametrize("value", [b"foo", b"100-continue, foo", b"100-continue=1", b"200-ok"])
@pytest.mark.row("A21")
def test_a21_another_expectation_is_not_met(value: bytes) -> None:
    with pytest.raises(MessageError) as caught:
        expects_continue(1, index_fields(((b"Expect", value),)))
    assert caught.value.status == 417


@pytest.mark.parametrize("status", [200, 204, 304, 103])
@pytest.mark.parametrize("value", [b"0", b"5", b"05", b"00", b"10"])
def test_a_length_may_pass_exactly_where_it_is_not_rewritten(status: int, value: bytes) -> None:
    fields = ((b"Content-Length", value),)
    rewritten = rewrite_content_length(fields, index_fields(fields), status)
    assert may_pass_length(value, status) is (rewritten == fields)
