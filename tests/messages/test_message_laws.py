"""Laws that hold for any bytes: round trips, hygiene, and no other exception."""

import re
from collections.abc import Callable
from typing import TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cors_gateway.messages.chunked import LAST_CHUNK, ChunkedDecoder, chunk_head
from cors_gateway.messages.fields import (
    CONNECTION_SPECIFIC,
    FieldIndex,
    check_connection_options,
    check_fields,
    connection_options,
    connection_specific_names,
    index_fields,
    is_prohibited_connection_option,
    merge_vary,
    parse_list,
    strip_fields,
    underscored_names,
)
from cors_gateway.messages.forwarding import (
    FORWARDING_NAMES,
    effective_scheme_and_host,
    forwarding_fields,
    forwarding_names,
    has_passed,
    parse_max_forwards,
)
from cors_gateway.messages.framing import (
    expects_continue,
    request_framing,
    request_persists,
    response_framing,
    rewrite_content_length,
)
from cors_gateway.messages.heads import (
    METHODS,
    FieldLines,
    MessageError,
    RequestHead,
    ResponseHead,
    find_head_end,
    parse_request_line,
    parse_status_line,
    serialize_request_head,
    serialize_response_head,
)
from cors_gateway.messages.targets import (
    RequestTarget,
    check_path,
    host_of_request,
    is_ambiguous_path,
    normalise_path,
    parse_authority,
    parse_target,
)

KNOWN_NAMES = sorted(
    {
        *CONNECTION_SPECIFIC,
        *FORWARDING_NAMES,
        *b"host origin cookie content-length via vary x-real-ip X_Forwarded_For x-foo".split(),
    }
)
names = st.sampled_from(KNOWN_NAMES) | st.from_regex(
    rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+", fullmatch=True
)
cased_names = st.tuples(names, st.sampled_from([bytes.lower, bytes.upper, bytes.title])).map(
    lambda pair: pair[1](pair[0])
)
values = (
    st.sampled_from([b"", b"close", b"chunked", b"5", b"x-foo, close", b"a, *", b"1.1 gw", b"*"])
    | st.from_regex(rb"[\x21-\x7e\x80-\xff]([\t\x20-\x7e\x80-\xff]*[\x21-\x7e\x80-\xff])?", fullmatch=True)
)  # fmt: skip
field_lines = st.lists(st.tuples(cased_names, values), max_size=8).map(tuple)
wild_lines = st.lists(st.tuples(st.binary(), st.binary()), max_size=4).map(tuple) | field_lines
targets = st.from_regex(rb"[\x21\x22\x24-\x7e]+", fullmatch=True)
path_parts = [
    b"/",
    b"//",
    b".",
    b"..",
    b";",
    b"a",
    b"%2e",
    b"%2F",
    b"%5c",
    b"%00",
    b"%3b",
    b"%",
    b"\\",
]
paths = st.lists(st.sampled_from(path_parts)).map(lambda parts: b"/" + b"".join(parts))


def cut(head: bytes) -> tuple[bytes, FieldLines]:
    """Take a head apart the plainest way: the independent judge of what was written."""
    start, *lines = head.removesuffix(b"\r\n\r\n").split(b"\r\n")
    pairs = [line.split(b": ", 1) for line in lines]
    return start, tuple((name, value) for name, value in pairs)


@given(st.sampled_from(sorted(METHODS)), targets, st.sampled_from([0, 1]), field_lines)
def test_a_request_head_survives_its_round_trip(
    method: bytes, target: bytes, minor: int, fields: FieldLines
) -> None:
    head = serialize_request_head(RequestHead(method, target, minor, fields))
    assert find_head_end(head, 0) == len(head)
    line, lines = cut(head)
    assert RequestHead(*parse_request_line(line), lines) == RequestHead(
        method, target, minor, fields
    )


@given(st.integers(100, 999), values, st.sampled_from([0, 1]), field_lines)
def test_a_response_head_survives_its_round_trip(
    status: int, reason: bytes, minor: int, fields: FieldLines
) -> None:
    head = serialize_response_head(ResponseHead(status, reason, minor, fields))
    assert find_head_end(head, 0) == len(head)
    line, lines = cut(head)
    assert ResponseHead(*parse_status_line(line), lines) == ResponseHead(
        status, reason, minor, fields
    )


@given(st.lists(st.sampled_from([b"\r", b"\n", b"\r\n", b"a"])).map(b"".join), st.data())
def test_a_head_ends_in_the_same_place_however_it_arrives(
    buffer: bytes, data: st.DataObject
) -> None:
    match = re.search(rb"\n\r?\n", buffer)
    end = match.end() if match else -1
    seen = data.draw(st.integers(0, max(0, end - 1) if end >= 0 else len(buffer)))
    assert find_head_end(buffer, seen) == end


@given(field_lines)
def test_an_index_says_what_a_search_says(fields: FieldLines) -> None:
    index = index_fields(fields)
    assert sum(map(len, index.values())) == len(fields)
    for name, found in index.items():
        assert found == tuple(value for key, value in fields if key.lower() == name)


@given(field_lines)
def test_nothing_connection_specific_survives_and_hygiene_is_idempotent(fields: FieldLines) -> None:
    options = connection_options(index_fields(fields))
    once = strip_fields(fields, connection_specific_names(options))
    left = index_fields(once)
    assert not CONNECTION_SPECIFIC.intersection(left)
    assert not [
        name for name in options.intersection(left) if not is_prohibited_connection_option(name)
    ]
    assert strip_fields(once, connection_specific_names(options)) == once
    assert strip_fields(once, connection_specific_names(connection_options(left))) == once
    remaining = iter(fields)
    assert all(line in remaining for line in once)  # a subsequence: order and bytes are kept


@given(field_lines, st.lists(names).map(tuple))
def test_merging_vary_is_idempotent_and_loses_nothing(
    fields: FieldLines, tokens: tuple[bytes, ...]
) -> None:
    upstream = index_fields(fields).get(b"vary", ())
    merged = merge_vary(upstream, tokens)
    wanted = {item.lower() for item in (*parse_list(upstream), *tokens)}
    if merged is None:
        assert not wanted
        return
    assert merge_vary((merged,), tokens) == merged
    found = [item.lower() for item in parse_list([merged])]
    assert found == [b"*"] if b"*" in wanted else set(found) == wanted
    assert len(found) == len(set(found))


@given(st.lists(st.binary(min_size=1), max_size=5), st.binary(max_size=5), st.data())
def test_chunks_are_decoded_to_what_was_encoded_under_any_segmentation(
    pieces: list[bytes], surplus: bytes, data: st.DataObject
) -> None:
    coded = b"".join(chunk_head(len(piece)) + piece + b"\r\n" for piece in pieces) + LAST_CHUNK
    stream = coded + surplus
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=8)))
    decoder = ChunkedDecoder(strict=data.draw(st.booleans()))
    content = b""
    for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True):
        content += b"".join(decoder.feed(stream[start:end]))
    assert content == b"".join(pieces)
    assert decoder.finished
    assert decoder.surplus == surplus


CHUNKED_PARTS = [
    b"0",
    b"3",
    b"5",
    b";a",
    b" ",
    b"\r",
    b"\n",
    b"\r\n",
    b"abc",
    b"A: b",
    b"\x00",
    b"f",
]


@given(st.lists(st.sampled_from(CHUNKED_PARTS)).map(b"".join), st.booleans())
def test_a_verdict_on_a_coding_does_not_depend_on_how_it_arrives(
    stream: bytes, strict: bool
) -> None:
    verdicts = []
    for step in (1, 2, len(stream) + 1):
        decoder = ChunkedDecoder(strict=strict)
        content = b""
        try:
            for start in range(0, len(stream), step):
                content += b"".join(decoder.feed(stream[start : start + step]))
        except MessageError as error:
            verdicts.append((error.status, b"", b""))
        else:
            verdicts.append((int(decoder.finished), content, decoder.surplus))
    assert verdicts[0] == verdicts[1] == verdicts[2]


@given(paths)
def test_a_path_that_is_not_ambiguous_means_one_thing(path: bytes) -> None:
    if not is_ambiguous_path(path):
        check_path(path)
        assert normalise_path(path) == path


@given(paths)
def test_a_path_that_passes_has_no_dot_segment_after_normalising(path: bytes) -> None:
    try:
        check_path(path)
    except MessageError:
        return
    segments = normalise_path(path).split(b"/")
    assert b"." not in segments
    assert b".." not in segments
    assert b"" not in segments[1:-1]


@given(st.sampled_from(["192.0.2.1", "::1", "", "\x00,evil"]), field_lines, st.booleans())
def test_forwarding_fields_are_fields_and_end_with_ours(
    peer: str, fields: FieldLines, trusted: bool
) -> None:
    index = index_fields(fields)
    scheme, authority = effective_scheme_and_host(index, b"http", b"gw:80", trusted=trusted)
    lines = forwarding_fields(
        index,
        peer_address=peer,
        scheme=scheme,
        authority=authority,
        trusted=trusted,
        pseudonym=b"gw",
        minor_version=1,
        prefix=b"/api",
    )
    check_fields(lines, 500)
    written = index_fields(lines)
    assert parse_list(written[b"x-forwarded-for"])[-1] in {b"192.0.2.1", b"::1", b"unknown"}
    assert parse_list(written[b"forwarded"])[-1].startswith(b"for=")
    assert parse_authority(written[b"x-forwarded-host"][0])
    assert has_passed(written, b"gw")


def forward(index: FieldIndex) -> object:
    return forwarding_fields(
        index,
        peer_address="",
        scheme=b"http",
        authority=b"",
        trusted=True,
        pseudonym=b"gw",
        minor_version=0,
    )


T = TypeVar("T")

TARGET = RequestTarget(b"/", b"")


def status_of(read: Callable[[T], object], received: T) -> int:
    """Let a function read something; another exception than a MessageError comes through."""
    try:
        read(received)
    except MessageError as error:
        return error.status
    return 200


BYTE_READERS: dict[str, Callable[[bytes], object]] = {
    "request line": parse_request_line,
    "status line": parse_status_line,
    "target": lambda data: parse_target(b"GET", data),
    "target of OPTIONS": lambda data: parse_target(b"OPTIONS", data),
    "target of CONNECT": lambda data: parse_target(b"CONNECT", data),
    "authority": parse_authority,
    "check of a path": check_path,
    "normalised path": normalise_path,
    "chunked request": lambda data: ChunkedDecoder(strict=True).feed(data),
    "chunked response": lambda data: ChunkedDecoder(strict=False).feed(data),
    "head end": find_head_end,
}

FIELD_READERS: dict[str, Callable[[FieldIndex], object]] = {
    "request framing": lambda index: request_framing(1, index),
    "HTTP/1.0 request framing": lambda index: request_framing(0, index),
    "response framing": lambda index: response_framing(b"GET", 200, index),
    "persistence": lambda index: request_persists(1, index),
    "host": lambda index: host_of_request(index, TARGET, 1),
    "connection options": lambda index: check_connection_options(connection_options(index)),
    "underscored names": lambda index: underscored_names(index, frozenset()),
    "forwarding names": lambda index: forwarding_names(index, trusted=False),
    "scheme and host": lambda index: effective_scheme_and_host(index, b"http", b"", trusted=True),
    "expectation": lambda index: expects_continue(1, index),
    "forwards left": parse_max_forwards,
    "loop": lambda index: has_passed(index, b"gw"),
    "forwarding fields": forward,
}


@pytest.mark.parametrize("read", BYTE_READERS.values(), ids=BYTE_READERS)
def test_random_bytes_give_a_message_error_or_a_value(read: Callable[[bytes], object]) -> None:
    @given(st.binary() | st.text('/%.:[]@?0aZ *\r\n;"\\').map(str.encode))
    def holds(data: bytes) -> None:
        assert status_of(read, data) in {200, 400, 501, 502, 505}

    holds()


@pytest.mark.parametrize("read", FIELD_READERS.values(), ids=FIELD_READERS)
def test_random_fields_give_a_message_error_or_a_value(
    read: Callable[[FieldIndex], object],
) -> None:
    @given(wild_lines)
    def holds(fields: FieldLines) -> None:
        assert status_of(read, index_fields(fields)) in {200, 400, 417, 501, 502}

    holds()


@given(field_lines, st.sampled_from([100, 200, 204, 304]))
def test_a_length_that_is_passed_on_is_the_length_that_was_framed(
    fields: FieldLines, status: int
) -> None:
    index = index_fields(fields)
    try:
        framing = response_framing(b"GET", status, index)
    except MessageError:
        return
    lengths = index_fields(rewrite_content_length(fields, index, status)).get(b"content-length", ())
    if status in {100, 204}:
        assert lengths == ()
    if lengths and status == 200:
        assert lengths == (b"%d" % framing.length,)
