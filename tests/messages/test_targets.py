"""Targets: the four forms, the authority, and paths that could mean two things."""

import pytest

from cors_gateway.messages.fields import index_fields
from cors_gateway.messages.heads import FieldIndex, FieldLines, MessageError
from cors_gateway.messages.targets import (
    RequestTarget,
    check_path,
    host_of_request,
    is_ambiguous_path,
    normalise_path,
    parse_authority,
    parse_target,
)


@pytest.mark.parametrize(
    "method, target, expected",
    [
        pytest.param(b"GET", b"/", RequestTarget(b"/", b""), id="the root"),
        pytest.param(b"GET", b"/a/b?x=1", RequestTarget(b"/a/b", b"?x=1"), id="path and query"),
        pytest.param(b"GET", b"/a?", RequestTarget(b"/a", b"?"), id="an empty query is kept"),
        pytest.param(b"GET", b"/?a?b\\", RequestTarget(b"/", b"?a?b\\"), id="odd bytes in a query"),
        pytest.param(b"GET", b"//evil", RequestTarget(b"//evil", b""), id="D14 //evil is a path"),
        pytest.param(
            b"GET",
            b"/%2F;x/%0d%0a/%c0%ae|{}",
            RequestTarget(b"/%2F;x/%0d%0a/%c0%ae|{}", b""),
            id="D14 byte for byte",
        ),
        pytest.param(b"OPTIONS", b"*", RequestTarget(b"*", b"", asterisk=True), id="A27 OPTIONS *"),
        pytest.param(
            b"GET",
            b"http://Other:81/x?y",
            RequestTarget(b"/x", b"?y", b"Other:81"),
            id="A30 absolute-form",
        ),
        pytest.param(
            b"GET", b"HTTPS://o", RequestTarget(b"/", b"", b"o"), id="A30 an empty path is /"
        ),
        pytest.param(
            b"GET", b"http://o?y", RequestTarget(b"/", b"?y", b"o"), id="A30 a query without a path"
        ),
        pytest.param(
            b"OPTIONS",
            b"http://o:80",
            RequestTarget(b"*", b"", b"o:80", asterisk=True),
            id="A27 OPTIONS of a whole server in absolute-form",
        ),
        pytest.param(
            b"OPTIONS", b"http://o/", RequestTarget(b"/", b"", b"o"), id="A27 OPTIONS of a root"
        ),
        pytest.param(
            b"CONNECT", b"o:443", RequestTarget(b"", b"", b"o:443"), id="A28 authority-form"
        ),
    ],
)
def test_a_target_is_read(method: bytes, target: bytes, expected: RequestTarget) -> None:
    assert parse_target(method, target) == expected


@pytest.mark.parametrize(
    "method, target",
    [
        pytest.param(b"GET", b"", id="empty"),
        pytest.param(b"GET", b"*", id="A27 the asterisk with another method"),
        pytest.param(b"OPTIONS", b"**", id="A27 two asterisks"),
        pytest.param(b"GET", b"x", id="a relative path"),
        pytest.param(b"GET", b"?x", id="a query alone"),
        pytest.param(b"GET", b"o:443", id="authority-form with another method"),
        pytest.param(b"CONNECT", b"/", id="A28 CONNECT with a path"),
        pytest.param(b"CONNECT", b"o", id="A28 CONNECT without a port"),
        pytest.param(b"GET", b"/\\evil", id="D14 a backslash"),
        pytest.param(b"GET", b"/a#b", id="D14 a fragment"),
        pytest.param(b"GET", b"/a?b#c", id="D14 a fragment after a query"),
        pytest.param(b"GET", b"/a b", id="D14 a space"),
        pytest.param(b"GET", b"/\xe9", id="D14 not ASCII"),
        pytest.param(b"GET", b"/a\n", id="D14 a line end"),
        pytest.param(b"GET", b"ftp://o/", id="A30 another scheme"),
        pytest.param(b"GET", b"http:/o", id="A30 one slash"),
        pytest.param(b"GET", b"http://", id="A30 no authority"),
        pytest.param(b"GET", b"http:///x", id="A30 an empty authority"),
        pytest.param(b"GET", b"http://u:p@o/", id="A30 userinfo"),
        pytest.param(b"GET", b"http://o\\@evil/", id="A30 a backslash in the authority"),
        pytest.param(b"GET", b"http://o/\\", id="A30 a backslash in the path"),
        pytest.param(b"GET", b"http://o:99999/", id="A30 a port out of range"),
    ],
)
def test_a_target_is_refused(method: bytes, target: bytes) -> None:
    with pytest.raises(MessageError) as caught:
        parse_target(method, target)
    assert caught.value.status == 400


@pytest.mark.parametrize(
    "value, expected",
    [
        (b"a", (b"a", None)),
        (b"API.Example.com:8080", (b"api.example.com", 8080)),
        (b"example.com.", (b"example.com", None)),
        (b"legacy_api-1:1", (b"legacy_api-1", 1)),
        (b"192.0.2.1:65535", (b"192.0.2.1", 65535)),
        (b"[::1]", (b"[::1]", None)),
        (b"[2001:DB8:0:0::1]:80", (b"[2001:db8::1]", 80)),
        (b"a" * 255, (b"a" * 255, None)),
    ],
)
def test_an_authority_is_read(value: bytes, expected: tuple[bytes, int | None]) -> None:
    assert parse_authority(value) == expected


BAD_AUTHORITIES = [
    pytest.param(b"", id="D11 empty"),
    pytest.param(b"a b", id="D11 a space"),
    pytest.param(b" a", id="D11 a space in front"),
    pytest.param(b"u@a", id="D11 userinfo"),
    pytest.param(b"u:p@a", id="D11 userinfo with a password"),
    pytest.param(b"a/b", id="D11 a path"),
    pytest.param(b"a?b", id="D11 a query"),
    pytest.param(b"a#b", id="D11 a fragment"),
    pytest.param(b"a,b", id="D11 a comma"),
    pytest.param(b"a\\b", id="D11 a backslash"),
    pytest.param(b"http://a", id="D11 a URL"),
    pytest.param(b"a" * 256, id="D11 oversize"),
    pytest.param(b"a" * 8192, id="D11 far oversize"),
    pytest.param(b"a..b", id="D11 an empty label"),
    pytest.param(b".a", id="D11 a dot in front"),
    pytest.param(b".", id="D11 a dot alone"),
    pytest.param(b"a%41", id="D11 percent-encoded"),
    pytest.param(b"caf\xe9", id="D11 not ASCII"),
    pytest.param(b"a\n", id="D11 a line end"),
    pytest.param(b":80", id="D11 a port alone"),
    pytest.param(b"a:", id="D11 an empty port"),
    pytest.param(b"a:0", id="D11 port 0"),
    pytest.param(b"a:65536", id="D11 a port out of range"),
    pytest.param(b"a:+80", id="D11 a signed port"),
    pytest.param(b"a:80:80", id="D11 two ports"),
    pytest.param(b"::1", id="D11 IPv6 without brackets"),
    pytest.param(b"[::1", id="D11 an open bracket"),
    pytest.param(b"[]", id="D11 empty brackets"),
    pytest.param(b"[:::]", id="D11 no IPv6 address"),
    pytest.param(b"[1.2.3.4]", id="D11 IPv4 in brackets"),
    pytest.param(b"[::1%25eth0]", id="D11 a zone"),
    pytest.param(b"[v1.a]", id="D11 IPvFuture"),
]


@pytest.mark.parametrize("value", BAD_AUTHORITIES)
def test_an_authority_is_refused(value: bytes) -> None:
    with pytest.raises(MessageError) as caught:
        parse_authority(value)
    assert caught.value.status == 400


ORIGIN_FORM = RequestTarget(b"/", b"")
ABSOLUTE_FORM = RequestTarget(b"/", b"", b"Target:81")


@pytest.mark.parametrize(
    "fields, target, minor, expected",
    [
        pytest.param(((b"host", b"A:80"),), ORIGIN_FORM, 1, b"A:80", id="as received"),
        pytest.param(((b"Host", b"a"),), ABSOLUTE_FORM, 1, b"Target:81", id="D12 the target wins"),
        pytest.param((), ORIGIN_FORM, 0, b"", id="A17 HTTP/1.0 without Host"),
        pytest.param((), ABSOLUTE_FORM, 0, b"Target:81", id="A30 HTTP/1.0 in absolute-form"),
        pytest.param(((b"Host", b"a"),), ORIGIN_FORM, 0, b"a", id="HTTP/1.0 with Host"),
    ],
)
def test_the_host_of_a_request_is_found(
    fields: FieldLines, target: RequestTarget, minor: int, expected: bytes
) -> None:
    assert host_of_request(index_fields(fields), target, minor) == expected


@pytest.mark.parametrize("minor", [0, 1])
@pytest.mark.parametrize("target", [ORIGIN_FORM, ABSOLUTE_FORM], ids=["origin", "absolute"])
@pytest.mark.parametrize("value", BAD_AUTHORITIES)
def test_a_host_is_refused(value: bytes, target: RequestTarget, minor: int) -> None:
    with pytest.raises(MessageError) as caught:
        host_of_request(index_fields(((b"Host", value),)), target, minor)
    assert caught.value.status == 400


@pytest.mark.parametrize("target", [ORIGIN_FORM, ABSOLUTE_FORM], ids=["origin", "absolute"])
@pytest.mark.row("D11")
def test_d11_a_missing_or_repeated_host_is_refused(target: RequestTarget) -> None:
    twice: FieldIndex = {b"host": (b"a", b"a")}
    for index, minor in (({}, 1), (twice, 0), (twice, 1)):
        with pytest.raises(MessageError) as caught:
            host_of_request(index, target, minor)
        assert caught.value.status == 400


@pytest.mark.parametrize(
    "path, normalised",
    [
        pytest.param(b"/", b"/", id="the root"),
        pytest.param(b"/api/orders-1.json", b"/api/orders-1.json", id="plain"),
        pytest.param(b"/.well-known/x", b"/.well-known/x", id="a dot in front"),
        pytest.param(b"/a/...", b"/a/...", id="three dots"),
        pytest.param(b"//api", b"/api", id="D15 two slashes"),
        pytest.param(b"/a///b/", b"/a/b/", id="D15 three slashes"),
        pytest.param(b"/api%2Fx", b"/api/x", id="D14 an encoded slash"),
        pytest.param(b"/a%2F/b", b"/a/b", id="D14 an encoded slash beside a slash"),
        pytest.param(b"/%61pi", b"/api", id="D14 an encoded letter"),
        pytest.param(b"/api;v=1/x;y", b"/api/x", id="D14 parameters"),
        pytest.param(b"/api%3Bv/x", b"/api/x", id="D14 an encoded parameter"),
        pytest.param(b"/;x/api", b"/api", id="D34 nothing but a parameter"),
        pytest.param(b"/%252e", b"/%2e", id="D14 decoded once only"),
        pytest.param(b"/%zz%", b"/%zz%", id="D14 not percent-encoding at all"),
        pytest.param(b"/%c0%ae", b"/\xc0\xae", id="D14 overlong UTF-8"),
    ],
)
def test_a_path_is_normalised(path: bytes, normalised: bytes) -> None:
    check_path(path)
    assert normalise_path(path) == normalised
    if not is_ambiguous_path(path):
        assert path == normalised


@pytest.mark.parametrize(
    "path",
    [
        b"/..",
        b"/.",
        b"/./",
        b"/a/../b",
        b"/a/./b",
        b"/a/..",
        b"/%2e%2e/admin",
        b"/%2E./admin",
        b"/.%2e",
        b"/%2e",
        b"/public/%2e%2e/admin",
        b"/public//../admin",
        b"/public;x/../admin",
        b"/..;/admin",
        b"/..;x=1/admin",
        b"/..%3bx/admin",
        b"/.;/admin",
        b"/a%2f..%2fb",
        b"/a%2F../b",
        b"/a/..%2fb",
        b"/a%00",
        b"/a%5cb",
        b"/a%5Cb",
        b"/..%5cadmin",
        b"/a\\b",
        b"/..\\admin",
    ],
)
@pytest.mark.row("D14", "D15", "D34")
def test_d14_d15_d34_ambiguous_paths_are_refused(path: bytes) -> None:
    assert is_ambiguous_path(path)
    with pytest.raises(MessageError) as caught:
        check_path(path)
    assert caught.value.status == 400
