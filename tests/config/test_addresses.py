import re
from collections.abc import Callable
from contextlib import suppress
from ipaddress import ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cors_gateway.config.addresses import (
    Address,
    UpstreamAddress,
    parse_authority,
    parse_host,
    parse_listener,
    parse_network,
    parse_path,
    parse_server_name,
    parse_upstream_url,
)
from cors_gateway.config.problems import UnfitValueError


@pytest.mark.parametrize(
    "text, address",
    [
        ("0.0.0.0:8080", Address("0.0.0.0", 8080)),
        (":8080", Address("0.0.0.0", 8080)),
        ("*:8080", Address("0.0.0.0", 8080)),
        ("localhost:0", Address("localhost", 0)),
        ("[::]:80", Address("::", 80)),
        ("[0:0::1]:80", Address("::1", 80)),
        ("unix:/run/a.sock", Address(unix_path="/run/a.sock")),
    ],
)
def test_listeners(text: str, address: Address) -> None:
    assert parse_listener(text) == address


@pytest.mark.parametrize(
    "text",
    [
        "",
        "8080",
        "localhost",
        "[::]",
        "::1:80",
        "a:65536",
        "a:-1",
        "a:",
        "a:x",
        "a:٣",
        "http://a:1",
        "unix:a",
        "unix:/",
        "unix:///a",
        "unix:/" + "a" * 107,
        "unix:/a\0",
        "a b:1",
        "256.1.1.1:1",
    ],
)
def test_what_is_no_listener(text: str) -> None:
    with pytest.raises(UnfitValueError):
        parse_listener(text)


@pytest.mark.parametrize(
    "text, parts",
    [
        ("http://a", UpstreamAddress(Address("a", 80), "a", "")),
        ("http://a:80/", UpstreamAddress(Address("a", 80), "a", "")),
        ("HTTP://my_api:5000", UpstreamAddress(Address("my_api", 5000), "my_api:5000", "")),
        (
            "http://a.svc.cluster.local.:5000",
            UpstreamAddress(Address("a.svc.cluster.local.", 5000), "a.svc.cluster.local.:5000", ""),
        ),
        ("http://[::1]:5000/v1/", UpstreamAddress(Address("::1", 5000), "[::1]:5000", "/v1")),
        (
            "http://127.0.0.1/a%20b",
            UpstreamAddress(Address("127.0.0.1", 80), "127.0.0.1", "/a%20b"),
        ),
        ("https://a", UpstreamAddress(Address("a", 443), "a", "", is_tls=True)),
        ("HTTPS://a:80/b", UpstreamAddress(Address("a", 80), "a:80", "/b", is_tls=True)),
        ("http://a:443", UpstreamAddress(Address("a", 443), "a:443", "")),
        ("unix:/run/a", UpstreamAddress(Address(unix_path="/run/a"), "localhost", "")),
    ],
)
def test_upstreams(text: str, parts: UpstreamAddress) -> None:
    assert parse_upstream_url(text) == parts


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a",
        "a:1",
        "//a",
        "http:a",
        "http://",
        "http:///a",
        "http://:80",
        "http://a:",
        "http://a:0",
        "http://a:080000",
        "http://a?b",
        "http://a/#b",
        "http://a/%zz",
        "http://a/é",
        "http://a//b",
        "http://a/./b",
        "http://-a",
        "http://a..b",
        "http://0x7f.1",
        "http://127.1",
        "http://[::1",
        "http://[1.2.3.4]",
        "http://::1",
        "ws://a",
        "https://a:0",
        "http://" + "a" * 300,
        "http://\u2024a",
    ],
)
def test_what_is_no_upstream(text: str) -> None:
    with pytest.raises(UnfitValueError):
        parse_upstream_url(text)


@pytest.mark.parametrize(
    "text", ["http://u:secret@a", "ftp://u:secret@a", "u:secret@a", "https://secret@a/?b"]
)
def test_user_information_is_refused_and_not_repeated(text: str) -> None:
    with pytest.raises(UnfitValueError) as caught:
        parse_upstream_url(text)

    problem = caught.value
    assert "{value}" not in problem.what
    assert "secret" not in problem.what + problem.why + problem.fix


@pytest.mark.parametrize(
    "parse, text",
    [
        (parse_listener, "8080"),
        (parse_listener, "http://a:1/"),
        (parse_listener, "localhost"),
        (parse_listener, "[::1:8080"),
        (parse_listener, "::1:8080"),
        (parse_listener, ":::8080"),
        (parse_upstream_url, "a:1"),
        (parse_upstream_url, "https:/a:1"),
        (parse_upstream_url, "https:a"),
        (parse_upstream_url, "htps://a"),
        (parse_upstream_url, "wss://a/b"),
        (parse_upstream_url, "https://::1"),
        (parse_upstream_url, "https://[::1:5000"),
        (parse_authority, "https://a:1/b"),
        (parse_authority, "::1:5000"),
        (parse_host, "https://u@a:1/b"),
        (parse_host, "::1"),
        (parse_server_name, "https://a:1/b"),
        (parse_server_name, "https://[::1]:1"),
        (parse_server_name, "::1"),
    ],
)
def test_what_is_said_to_write_is_accepted(parse: Callable[[str], object], text: str) -> None:
    with pytest.raises(UnfitValueError) as caught:
        parse(text)

    suggestion = re.search('"(.*)"', caught.value.fix)
    assert suggestion is not None
    assert parse(suggestion[1])


@pytest.mark.parametrize("scheme", ["ftp", "sftp", "tcp", "grpc", "h2c", "file", "fcgi", "redis"])
def test_a_scheme_of_another_protocol_is_no_misspelling(scheme: str) -> None:
    with pytest.raises(UnfitValueError) as caught:
        parse_upstream_url(f"{scheme}://a:1")

    assert caught.value.fix == "write http://host:port, https://host or unix:/path"


@pytest.mark.parametrize("text", ["a", "api.internal.example.com", "127.0.0.1", "[::1]"])
def test_what_a_certificate_is_for(text: str) -> None:
    assert parse_server_name(text) == text


@pytest.mark.parametrize(
    "text, host",
    [
        ("Example.COM", "example.com"),
        ("example.com.", "example.com"),
        ("[::1]", "[::1]"),
        ("127.0.0.1", "127.0.0.1"),
        ("localhost", "localhost"),
    ],
)
def test_hosts_of_routes(text: str, host: str) -> None:
    assert parse_host(text) == host


@pytest.mark.parametrize(
    "text",
    [
        "",
        "*.a",
        "a:80",
        "a:",
        "[::1]:80",
        "[::1]:",
        "[::1]a",
        "[::1",
        "::1",
        "a/b",
        "http://a",
        "a b",
    ],
)
def test_what_is_no_host(text: str) -> None:
    with pytest.raises(UnfitValueError):
        parse_host(text)


@pytest.mark.parametrize("text", ["10.0.0.0/8", "10.1.2.3", "fd00::/8", "::1"])
def test_networks(text: str) -> None:
    assert parse_network(text) == ip_network(text)


@pytest.mark.parametrize(
    "text, fix",
    [
        ("10.0.0.1/8", 'did you mean "10.0.0.0/8"?'),
        ("*", "write 0.0.0.0/0 and ::/0 if every peer is really to be trusted"),
        ("localhost", "write it like 10.0.0.0/8 or fd00::/8, or unix for unix sockets"),
        ("10.0.0.0/33", "write it like 10.0.0.0/8 or fd00::/8, or unix for unix sockets"),
    ],
)
def test_what_is_no_network_and_what_it_may_mean(text: str, fix: str) -> None:
    with pytest.raises(UnfitValueError) as caught:
        parse_network(text)

    assert caught.value.fix == fix


@pytest.mark.parametrize(
    "text, path",
    [
        ("/", "/"),
        ("/api", "/api"),
        ("/api/", "/api"),
        ("/caf%C3%A9", "/caf%C3%A9"),
        ("/a.b/~c", "/a.b/~c"),
        ("/...", "/..."),
    ],
)
def test_paths_of_routes(text: str, path: str) -> None:
    assert parse_path(text) == path


@pytest.mark.parametrize(
    "text",
    [
        "",
        "api",
        "/a*",
        "/a?",
        "/a#",
        "/a b",
        "/é",
        "//",
        "/a//b",
        "/.",
        "/a/..",
        "/%2E",
        "/%2f",
        "/%5C",
        "/%00",
        "/a;b",
        "/%",
        "/\\",
        "http://a/b",
    ],
)
def test_what_is_no_path_of_a_route(text: str) -> None:
    with pytest.raises(UnfitValueError):
        parse_path(text)


@given(
    st.sampled_from(
        [
            parse_authority,
            parse_host,
            parse_listener,
            parse_network,
            parse_path,
            parse_server_name,
            parse_upstream_url,
        ]
    ),
    st.text() | st.text(alphabet="abhtp:/.[]@%0?#*12ux\\ "),
)
def test_any_text_is_read_or_refused(parse: Callable[[str], object], text: str) -> None:
    with suppress(UnfitValueError):
        assert parse(text) is not None
