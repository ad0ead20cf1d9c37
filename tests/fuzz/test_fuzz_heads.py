"""Heads of any form: who reads them here, and what others read of what is sent on.

What is accepted stands also in a strict reading of RFC 9112, with the same meaning; and what goes
to an API, or to a client, is the same to two parsers that others wrote, content and all.
"""

from collections.abc import Callable
from typing import TypeVar

from hypothesis import event, example, given
from hypothesis import strategies as st

from cors_gateway.answers import serialize_answer
from cors_gateway.conclude import conclude, conclude_interim
from cors_gateway.messages.chunked import LAST_CHUNK, chunk_head
from cors_gateway.messages.fields import check_fields
from cors_gateway.messages.framing import Framing, FramingKind
from cors_gateway.messages.heads import (
    METHODS,
    MessageError,
    RequestHead,
    find_head_end,
    salvage_head,
)
from cors_gateway.plan import plan, refuse
from cors_gateway.planned import Forward, Peer, Respond
from cors_gateway.snapshot import Limits, Snapshot
from cors_gateway.wire.heads import HeadCutter, read_request_head, read_response_head
from tests.fuzz import messages, strict_reading
from tests.fuzz.effort import also, fuzzed
from tests.fuzz.other_parsers import (
    Message,
    requests_by_h11,
    requests_by_llhttp,
    response_by_h11,
    response_by_llhttp,
)
from tests.wire.gateways import route_to, snapshot_of

T = TypeVar("T")

LIMITS = Limits()
PEER = Peer("127.0.0.1")
SNAPSHOT: Snapshot = snapshot_of(route_to(1))
REQUEST = b"POST /a?b HTTP/1.1\r\nHost: gw.example\r\nX-A: b\r\n\r\n"
RESPONSE = b"HTTP/1.1 200 OK\r\nX-A: b\r\nVary: a\r\nContent-Length: 3\r\n\r\n"
NEXT = b"GET /next HTTP/1.1\r\nHost: next\r\n\r\n"
CONTENT = b"GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n"

FRAMING = frozenset({b"content-length", b"transfer-encoding", b"upgrade", b"connection"})
ONCE = frozenset(
    b"content-location content-range content-type etag host max-forwards server user-agent".split()
)
"""Fields that a sender must not repeat (RFC 9110, section 5.3); the parser refuses those that do."""

REQUEST_ODDITIES = [(head,) for head in messages.request_oddities()]
RESPONSE_ODDITIES = [
    (head, method, 1, False)
    for head in messages.response_oddities()
    for method in (b"GET", b"HEAD")
]

request_heads = messages.request_heads() | messages.mutated([REQUEST])
response_heads = messages.response_heads() | messages.mutated([RESPONSE])


def cut(pieces: list[bytes]) -> tuple[list[bytes], int]:
    """Cut heads from what arrives; return them and the status of the refusal, 0 if there is none."""
    cutter, heads = HeadCutter(), []
    try:
        for piece in pieces:
            cutter.add(piece)
            while cutter.unread and (head := cutter.cut(LIMITS)):
                heads.append(head)
    except MessageError as error:
        return heads, error.status
    return heads, 0


def tried(act: Callable[[], T]) -> T | int:
    """Give what comes of an act, or the status of the refusal."""
    try:
        return act()
    except MessageError as error:
        return error.status


def read(raw: bytes) -> RequestHead | int:
    return tried(lambda: read_request_head(raw, LIMITS.field_lines))


def framed(framing: Framing, content: bytes) -> bytes:
    """Write content as a framing says; counted content is cut or repeated to its length."""
    if framing.kind is FramingKind.CHUNKED:
        return chunk_head(len(content)) + content + b"\r\n" + LAST_CHUNK
    if framing.kind is FramingKind.UNTIL_CLOSE:
        return content
    return (content * (framing.length // len(content) + 1))[: framing.length]


@fuzzed(100)
@given(st.lists(request_heads, min_size=1, max_size=3).map(b"".join), st.data())
def test_where_a_head_ends_does_not_depend_on_how_it_arrives(
    stream: bytes, data: st.DataObject
) -> None:
    heads, status = cut([stream])
    pieces = data.draw(messages.segments(stream))
    some, refused = cut(pieces)

    if status:
        # In pieces more may be served before what is refused is seen; never something else.
        assert refused
        assert heads[: len(some)] == some[: len(heads)]
    elif not refused:
        assert some == heads
    else:
        # Refused before its end: then it would have been refused at its end.
        assert heads[: len(some)] == some
        assert all(isinstance(read(head), int) for head in heads[len(some) : len(some) + 1])


@fuzzed(100)
@also(REQUEST_ODDITIES)
@given(request_heads)
def test_an_accepted_head_says_what_a_strict_reader_reads(raw: bytes) -> None:
    heads, _ = cut([raw])
    if not heads:
        return
    found = read(heads[0])
    try:
        judged, _ = strict_reading.read_head(heads[0])
    except (strict_reading.DoubtfulError, strict_reading.IncompleteError):
        judged = None

    event("accepted" if isinstance(found, RequestHead) else "refused")
    if isinstance(found, RequestHead):
        assert judged is not None
        assert (found.method, found.target, found.minor_version, found.fields) == (
            judged.method,
            judged.target,
            judged.minor,
            judged.fields,
        )
        salvaged = salvage_head(heads[0])
        assert salvaged == found, "a refusal is answered under another policy"
    elif judged is not None and judged.method in METHODS and judged.target.startswith(b"/"):
        names = [name.lower() for name, _ in judged.fields]
        repeated = {name for name in names if names.count(name) > 1}
        reasons = FRAMING.intersection(names) or ONCE & repeated or b"host" not in names
        assert reasons, "refused for nothing"


@fuzzed(100)
@given(st.binary() | request_heads | messages.mutated([REQUEST]))
def test_what_is_salvaged_of_any_bytes_gets_an_answer_that_is_one(raw: bytes) -> None:
    planned = refuse(SNAPSHOT, salvage_head(raw), PEER, MessageError(431, "x"))

    assert planned.fault is None
    check_fields(planned.answer.fields, 500)
    answer, _ = serialize_answer(
        planned.answer, request_id=b"i", date=b"d", head_only=False, persists=False
    )
    for found in (response_by_h11(answer, ends=True), response_by_llhttp(answer, ends=True)):
        assert [message.is_whole for message in found] == [True]


@fuzzed(100)
@also(REQUEST_ODDITIES)
@given(request_heads)
@example(
    b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\nConnection: x-a\r\nX-A: 1\r\n\r\n"
)
@example(b"POST http://a_b:80?x HTTP/1.0\r\nContent-Length: 3\r\nX_Forwarded_For: y\r\n\r\n")
def test_what_goes_to_an_api_is_the_same_to_two_other_parsers(raw: bytes) -> None:
    heads, _ = cut([raw])
    found = read(heads[0]) if heads else None
    if not isinstance(found, RequestHead):
        event("refused")
        return
    planned = plan(SNAPSHOT, found, PEER, b"gw")

    if isinstance(planned, Respond):
        event(f"answered: {planned.answer.status}")
        assert planned.fault is None
        check_fields(planned.answer.fields, 500)
        return
    event("forwarded")
    options = strict_reading.options_of([v for k, v in found.fields if k.lower() == b"connection"])
    sent = {name.lower() for name, _ in planned.field_lines}
    assert not (options & sent) - {b"transfer-encoding"}, "what concerns one connection travels on"
    content = framed(planned.framing, CONTENT)
    assert_read_alike(planned, planned.head(b"id"), content)


def assert_read_alike(planned: Forward, head: bytes, content: bytes) -> None:
    """Hold that the API reads one request here, whose content is this, and then the next one."""
    plain = content
    if planned.framing.kind is FramingKind.CHUNKED:
        plain = CONTENT
    lines = tuple((name.lower(), value) for name, value in planned.field_lines)
    expected = Message(
        (planned.method, planned.target), (*lines, (b"x-request-id", b"id")), plain, is_whole=True
    )
    for parse in (requests_by_h11, requests_by_llhttp):
        first, *others = parse(head + content + NEXT)
        assert first == expected, parse
        assert [other.start for other in others] == [(b"GET", b"/next")], parse


@fuzzed(100)
@also(RESPONSE_ODDITIES)
@given(response_heads, st.sampled_from([b"GET", b"HEAD"]), st.sampled_from([0, 1]), st.booleans())
def test_what_goes_to_a_client_is_the_same_to_two_other_parsers(
    raw: bytes, method: bytes, minor: int, close: bool
) -> None:
    asked = RequestHead(method, b"/", minor, ((b"Host", b"gw.example"),))
    forward = plan(SNAPSHOT, asked, PEER, b"gw")
    assert isinstance(forward, Forward)
    end = find_head_end(raw)
    if end < 0:
        return
    head = tried(lambda: read_response_head(raw[:end]))
    if isinstance(head, int):
        event("refused")
        assert head == 502
        return
    if head.status < 200:
        interim = tried(lambda: conclude_interim(forward, head))
        if isinstance(interim, int):
            assert interim == 502
            return
        found = response_by_h11(interim, ends=False) if head.status != 101 else []
        assert [message.start for message in found] == [(b"%d" % head.status, b"")] * len(found)
        return
    concluded = tried(lambda: conclude(forward, head, date=b"d", close=close))
    if isinstance(concluded, int):
        event("refused by its fields")
        assert concluded == 502
        return
    event(f"{concluded.downstream_framing.kind}")
    content = framed(concluded.downstream_framing, b"hello")
    ends = not concluded.downstream_persists
    assert ends or concluded.downstream_framing.kind is not FramingKind.UNTIL_CLOSE
    expected = (
        b"hello"
        if concluded.downstream_framing.kind in {FramingKind.CHUNKED, FramingKind.UNTIL_CLOSE}
        else content
    )
    # A HEAD's answer is told from another only by who asked, which llhttp is not told here.
    parsers = [response_by_h11(concluded.head(b"i") + content, method=method, ends=ends)]
    if method == b"GET":
        parsers.append(response_by_llhttp(concluded.head(b"i") + content, ends=ends))
    for found in parsers:
        assert [(each.start, each.content, each.is_whole) for each in found] == [
            ((b"%d" % head.status, b""), expected, True)
        ]
