"""Forwarding: what the API is told about the client, and what the gateway believes itself."""

from typing import Any

import pytest

from cors_gateway.messages.fields import index_fields
from cors_gateway.messages.forwarding import (
    FORWARDING_NAMES,
    effective_scheme_and_host,
    forwarding_fields,
    forwarding_lines,
    forwarding_names,
    has_passed,
    parse_max_forwards,
    parse_trace_id,
    rewrite_max_forwards,
)
from cors_gateway.messages.heads import FieldLines


def written(
    *received: tuple[bytes, bytes],
    peer: str = "192.0.2.1",
    scheme: bytes = b"http",
    authority: bytes = b"gw.example",
    trusted: bool = False,
    minor: int = 1,
    prefix: bytes = b"",
) -> dict[bytes, bytes]:
    lines = forwarding_fields(
        index_fields(received),
        peer_address=peer,
        scheme=scheme,
        authority=authority,
        trusted=trusted,
        pseudonym=b"gw-1",
        minor_version=minor,
        prefix=prefix,
    )
    assert len(dict(lines)) == len(lines)
    return dict(lines)


SPOOFED = (
    (b"X-Forwarded-For", b"1.1.1.1"),
    (b"X-Forwarded-Proto", b"https"),
    (b"X-Forwarded-Host", b"evil.example"),
    (b"X-Forwarded-Prefix", b"/evil"),
    (b"Forwarded", b"for=1.1.1.1;proto=https"),
)


@pytest.mark.parametrize("received", [(), SPOOFED], ids=["nothing", "D17 spoofed fields"])
def test_an_untrusted_peer_is_described_and_not_believed(received: FieldLines) -> None:
    assert written(*received) == {
        b"X-Forwarded-For": b"192.0.2.1",
        b"X-Forwarded-Proto": b"http",
        b"X-Forwarded-Host": b"gw.example",
        b"Forwarded": b"for=192.0.2.1;proto=http;host=gw.example",
        b"Via": b"1.1 gw-1",
    }


def test_the_lists_of_a_trusted_peer_are_continued() -> None:
    fields = written(
        (b"X-Forwarded-For", b"1.1.1.1, 2.2.2.2"),
        (b"x-forwarded-for", b"3.3.3.3"),
        (b"Forwarded", b'for="[2001:db8::1]", for=2.2.2.2'),
        (b"Forwarded", b"for=3.3.3.3"),
        (b"X-Forwarded-Prefix", b"/outer/"),
        trusted=True,
        scheme=b"https",
        prefix=b"/api",
    )
    assert fields == {
        b"X-Forwarded-For": b"1.1.1.1, 2.2.2.2, 3.3.3.3, 192.0.2.1",
        b"X-Forwarded-Proto": b"https",
        b"X-Forwarded-Host": b"gw.example",
        b"X-Forwarded-Prefix": b"/outer/api",
        b"Forwarded": b'for="[2001:db8::1]", for=2.2.2.2, for=3.3.3.3, '
        b"for=192.0.2.1;proto=https;host=gw.example",
        b"Via": b"1.1 gw-1",
    }


def test_a_trusted_peer_that_speaks_x_forwarded_for_only_is_translated() -> None:
    received = (b"X-Forwarded-For", b"1.1.1.1, 2001:db8::1, unknown, 2.2.2.2:99, " + b"9" * 99)
    assert written(received, trusted=True)[b"Forwarded"] == (
        b'for=1.1.1.1, for="[2001:db8::1]", for=unknown, for=unknown, for=unknown, '
        b"for=192.0.2.1;proto=http;host=gw.example"
    )


def test_empty_lists_of_a_trusted_peer_leave_no_empty_items() -> None:
    fields = written((b"X-Forwarded-For", b" ,"), (b"Forwarded", b""), trusted=True)
    assert fields[b"X-Forwarded-For"] == b"192.0.2.1"
    assert fields[b"Forwarded"] == b"for=192.0.2.1;proto=http;host=gw.example"


@pytest.mark.parametrize(
    "peer, address, node",
    [
        pytest.param("192.0.2.1", b"192.0.2.1", b"192.0.2.1", id="IPv4"),
        pytest.param("2001:db8::1", b"2001:db8::1", b'"[2001:db8::1]"', id="IPv6 is quoted"),
        pytest.param("fe80::1%eth0", b"fe80::1", b'"[fe80::1]"', id="a zone is ours alone"),
        pytest.param("::ffff:192.0.2.1", b"192.0.2.1", b"192.0.2.1", id="IPv4 on an IPv6 socket"),
        pytest.param("", b"unknown", b"unknown", id="a unix socket"),
        pytest.param("/run/x.sock", b"unknown", b"unknown", id="a path"),
    ],
)
def test_the_peer_is_written(peer: str, address: bytes, node: bytes) -> None:
    fields = written(peer=peer)
    assert fields[b"X-Forwarded-For"] == address
    assert fields[b"Forwarded"] == b"for=%b;proto=http;host=gw.example" % node


@pytest.mark.parametrize(
    "authority, pair",
    [
        pytest.param(b"gw.example", b";host=gw.example", id="a token"),
        pytest.param(b"gw.example:8080", b';host="gw.example:8080"', id="a port is quoted"),
        pytest.param(b"[::1]:80", b';host="[::1]:80"', id="brackets are quoted"),
        pytest.param(b"", b"", id="A17 none"),
    ],
)
def test_the_host_is_written(authority: bytes, pair: bytes) -> None:
    fields = written(authority=authority)
    assert fields[b"Forwarded"] == b"for=192.0.2.1;proto=http" + pair
    assert fields.get(b"X-Forwarded-Host", b"") == authority


@pytest.mark.parametrize(
    "received, prefix, expected",
    [
        pytest.param(None, b"", None, id="none"),
        pytest.param(None, b"/api", b"/api", id="ours"),
        pytest.param(b"/outer", b"", b"/outer", id="the peer's"),
        pytest.param(b"/", b"/api", b"/api", id="the root is no prefix"),
        pytest.param(b"outer", b"/api", b"/api", id="no path"),
        pytest.param(b"//evil", b"/api", b"/api", id="an authority in disguise"),
        pytest.param(b"/a, /b", b"/api", b"/api", id="a list"),
    ],
)
def test_the_prefix_of_a_trusted_peer_comes_first(
    received: bytes | None, prefix: bytes, expected: bytes | None
) -> None:
    lines = () if received is None else ((b"X-Forwarded-Prefix", received),)
    assert written(*lines, trusted=True, prefix=prefix).get(b"X-Forwarded-Prefix") == expected


def test_via_says_which_version_was_received() -> None:
    assert written(minor=0)[b"Via"] == b"1.0 gw-1"


@pytest.mark.row("D17")
def test_d17_every_forwarding_name_of_an_untrusted_peer_is_dropped() -> None:
    fields = (
        *SPOOFED,
        (b"X-Forwarded-Port", b"1"),
        (b"X-FORWARDED-Client-Cert", b"1"),
        (b"X-Real-IP", b"1"),
        (b"X-Other", b"1"),
        (b"Via", b"1.1 other"),
    )
    index = index_fields(fields)
    untrusted = forwarding_names(index, trusted=False)
    assert untrusted == FORWARDING_NAMES | {
        b"x-forwarded-port",
        b"x-forwarded-client-cert",
        b"x-real-ip",
    }
    assert forwarding_names(index, trusted=True) == FORWARDING_NAMES
    assert forwarding_names(index_fields(((b"A", b"1"),)), trusted=False) == FORWARDING_NAMES


def test_every_field_written_is_dropped_first_except_via() -> None:
    names = {name.lower() for name in written(prefix=b"/api")}
    assert names == FORWARDING_NAMES | {b"via"}


@pytest.mark.parametrize(
    "values, passed",
    [
        pytest.param([], False, id="no Via"),
        pytest.param([b"1.1 other"], False, id="another's"),
        pytest.param([b"1.1 gw-1"], True, id="D33 ours"),
        pytest.param([b"1.0 a, HTTP/1.1  gw-1 (comment), 1.1 b"], True, id="D33 ours among others"),
        pytest.param([b"1.1 a", b"1.1 gw-1"], True, id="D33 ours on another line"),
        pytest.param([b"1.1 gw-12"], False, id="a longer name"),
        pytest.param([b"1.1 x (gw-1)"], False, id="in a comment"),
        pytest.param([b"gw-1"], False, id="no protocol"),
    ],
)
def test_a_loop_is_seen(values: list[bytes], passed: bool) -> None:
    index = index_fields(tuple((b"Via", value) for value in values))
    assert has_passed(index, b"gw-1") is passed


@pytest.mark.parametrize(
    "received, expected",
    [
        pytest.param((), (b"http", b"gw"), id="nothing said"),
        pytest.param(((b"X-Forwarded-Proto", b"HTTPS"),), (b"https", b"gw"), id="the scheme"),
        pytest.param(
            ((b"X-Forwarded-Proto", b"http, https"),), (b"https", b"gw"), id="the last scheme"
        ),
        pytest.param(
            ((b"X-Forwarded-Proto", b"https"), (b"X-Forwarded-Proto", b"http")),
            (b"http", b"gw"),
            id="the last line",
        ),
        pytest.param(((b"X-Forwarded-Proto", b"gopher"),), (b"http", b"gw"), id="no scheme"),
        pytest.param(
            ((b"X-Forwarded-Host", b"a, www.example:444"),),
            (b"http", b"www.example:444"),
            id="the last host",
        ),
        pytest.param(((b"X-Forwarded-Host", b"a b"),), (b"http", b"gw"), id="no host"),
        pytest.param(
            ((b"Forwarded", b"for=1;proto=http;host=a, For=2 ; Proto=https;Host=b"),),
            (b"https", b"b"),
            id="Forwarded, its last element",
        ),
        pytest.param(
            ((b"Forwarded", b'host="b:8\\0";proto="https"'),),
            (b"https", b"b:80"),
            id="Forwarded with quotes",
        ),
        pytest.param(
            ((b"Forwarded", b"proto=https"),), (b"https", b"gw"), id="Forwarded without a host"
        ),
        pytest.param(
            ((b"Forwarded", b"junk;proto=https"),), (b"http", b"gw"), id="Forwarded with junk"
        ),
        pytest.param(
            ((b"Forwarded", b"proto=https x;host=b"),),
            (b"http", b"gw"),
            id="Forwarded with a space",
        ),
        pytest.param(((b"Forwarded", b""),), (b"http", b"gw"), id="an empty Forwarded"),
        pytest.param(
            ((b"X-Forwarded-For", b"1.1.1.1"), (b"Forwarded", b"proto=https;host=evil")),
            (b"http", b"gw"),
            id="a Forwarded that the proxy passed on unread",
        ),
    ],
)
def test_a_trusted_peer_says_what_the_client_used(
    received: FieldLines, expected: tuple[bytes, bytes]
) -> None:
    index = index_fields(received)
    assert effective_scheme_and_host(index, b"http", b"gw", trusted=True) == expected
    assert effective_scheme_and_host(index, b"http", b"gw", trusted=False) == (b"http", b"gw")


@pytest.mark.parametrize(
    "values, left",
    [
        pytest.param([], None, id="nothing said"),
        pytest.param([b"0"], 0, id="A27 none"),
        pytest.param([b"010"], 10, id="ten"),
        pytest.param([b"-1"], None, id="negative"),
        pytest.param([b"1, 2"], None, id="a list"),
        pytest.param([b"1", b"2"], None, id="two lines"),
        pytest.param([b"9" * 5000], None, id="huge"),
    ],
)
def test_max_forwards_is_read(values: list[bytes], left: int | None) -> None:
    index = index_fields(tuple((b"Max-Forwards", value) for value in values))
    assert parse_max_forwards(index) == left


def test_max_forwards_is_counted_down_in_its_place() -> None:
    fields = ((b"A", b"2"), (b"max-FORWARDS", b"2"), (b"B", b"2"))
    assert rewrite_max_forwards(fields, 2) == (fields[0], (b"max-FORWARDS", b"1"), fields[2])


@pytest.mark.parametrize(
    "value, trace_id",
    [
        (b"", ""),
        (b"00-" + b"1a" * 16 + b"-" + b"b" * 16 + b"-01", "1a" * 16),
        (b"00-" + b"0" * 32 + b"-" + b"b" * 16 + b"-01", ""),
        (b"00-" + b"1A" * 16 + b"-" + b"b" * 16 + b"-01", ""),
        (b"00-" + b"1a" * 16 + b"-" + b"b" * 16 + b"-01, 00", ""),
    ],
)
def test_the_trace_of_a_request_is_read(value: bytes, trace_id: str) -> None:
    assert parse_trace_id(value) == trace_id


def test_an_open_quote_of_a_trusted_peer_hides_nobody() -> None:
    index = index_fields(((b"X-Forwarded-For", b'"'), (b"Forwarded", b'for="a')))
    lines = dict(
        forwarding_fields(
            index,
            peer_address="192.0.2.1",
            scheme=b"http",
            authority=b"gw",
            trusted=True,
            pseudonym=b"gw",
            minor_version=1,
        )
    )
    assert lines[b"X-Forwarded-For"] == b"192.0.2.1"
    assert lines[b"Forwarded"] == b"for=192.0.2.1;proto=http;host=gw"


@pytest.mark.parametrize("trusted", [False, True])
def test_forwarding_lines_are_the_forwarding_fields(trusted: bool) -> None:
    index = index_fields(((b"X-Forwarded-For", b"198.51.100.7"),))
    told: dict[str, Any] = {
        "peer_address": "192.0.2.1",
        "scheme": b"https",
        "authority": b"gw.example",
        "trusted": trusted,
        "pseudonym": b"gw-1",
        "minor_version": 1,
        "prefix": b"/api",
    }
    fields = forwarding_fields(index, **told)
    for _ in range(2):
        assert forwarding_lines(index, **told) == tuple(b": ".join(field) for field in fields)
