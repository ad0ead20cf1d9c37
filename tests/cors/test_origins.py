import pytest

from cors_gateway.cors.origins import (
    MAX_ORIGIN_BYTES,
    TupleOrigin,
    is_ip_address,
    is_loopback,
    parse_origin,
    respell_origin,
    serialize_origin,
    suggest_origin,
)

LABEL = "a" * 63
LONGEST_HOST = f"{LABEL}.{LABEL}.{LABEL}.{'a' * 61}"

VALID = {
    b"https://app.example.com": ("https", "app.example.com", None),
    b"http://localhost:3000": ("http", "localhost", 3000),
    b"https://example.com:80": ("https", "example.com", 80),
    b"http://example.com:443": ("http", "example.com", 443),
    b"https://example.com:65535": ("https", "example.com", 65535),
    b"https://example.com:1": ("https", "example.com", 1),
    b"https://a_b.example.com": ("https", "a_b.example.com", None),
    b"https://-a-.example.com": ("https", "-a-.example.com", None),
    b"https://xn--bcher-kva.example": ("https", "xn--bcher-kva.example", None),
    b"https://1.example.com": ("https", "1.example.com", None),
    b"https://1x.2y": ("https", "1x.2y", None),
    b"http://127.0.0.1": ("http", "127.0.0.1", None),
    b"http://192.168.1.10:8080": ("http", "192.168.1.10", 8080),
    b"http://[::1]": ("http", "[::1]", None),
    b"http://[::1]:3000": ("http", "[::1]", 3000),
    b"http://[::]": ("http", "[::]", None),
    b"http://[1::]": ("http", "[1::]", None),
    b"http://[2001:db8::1]": ("http", "[2001:db8::1]", None),
    b"http://[2001:0:0:1::]": ("http", "[2001:0:0:1::]", None),
    b"http://[1:0:2:3:4:5:6:7]": ("http", "[1:0:2:3:4:5:6:7]", None),
    b"http://[::ffff:7f00:1]": ("http", "[::ffff:7f00:1]", None),
    b"capacitor://localhost": ("capacitor", "localhost", None),
    b"chrome-extension://abcdefghijklmnop": ("chrome-extension", "abcdefghijklmnop", None),
    b"app://obsidian.md": ("app", "obsidian.md", None),
    b"a1+-.://x:443": ("a1+-.", "x", 443),
    f"https://{LONGEST_HOST}".encode(): ("https", LONGEST_HOST, None),
    f"{'s' * 64}://{LONGEST_HOST}:65535".encode(): ("s" * 64, LONGEST_HOST, 65535),
}

INVALID = {
    "null": b"null",
    "empty": b"",
    "no scheme": b"example.com",
    "empty scheme": b"://example.com",
    "scheme-relative": b"//example.com",
    "one slash": b"https:/example.com",
    "scheme in capitals": b"HTTPS://example.com",
    "scheme that starts with a digit": b"1http://example.com",
    "scheme with an underscore": b"ht_tp://example.com",
    "scheme too long": b"s" * 65 + b"://a",
    "host in capitals": b"https://Example.com",
    "no host": b"https://",
    "no host before a port": b"https://:80",
    "trailing dot": b"https://example.com.",
    "leading dot": b"https://.example.com",
    "two dots": b"https://a..example.com",
    "label too long": b"https://" + b"a" * 64 + b".com",
    "host too long": b"https://" + f"{LONGEST_HOST}a".encode(),
    "whole too long": b"a" * (MAX_ORIGIN_BYTES + 1),
    "slash": b"https://example.com/",
    "path": b"https://example.com/a",
    "query": b"https://example.com?a",
    "fragment": b"https://example.com#a",
    "user": b"https://user@example.com",
    "backslash": b"https://example.com\\.evil.com",
    "space": b"https://example.com https://evil.com",
    "comma": b"https://example.com,https://evil.com",
    "tab": b"https://exa\tmple.com",
    "line break": b"https://example.com\r\n",
    "NUL": b"https://example.com\0",
    "wildcard": b"https://*.example.com",
    "percent": b"https://example.com%60.evil.com",
    "quote": b'https://example.com".evil.com',
    "latin-1": b"https://ex\xe4mple.com",
    "UTF-8": "https://аpp.example.com".encode(),  # noqa: RUF001
    "default port of https": b"https://example.com:443",
    "default port of http": b"http://example.com:80",
    "port 0": b"https://example.com:0",
    "port too large": b"https://example.com:65536",
    "port of six digits": b"https://example.com:100000",
    "port with a leading zero": b"https://example.com:08443",
    "empty port": b"https://example.com:",
    "port that is none": b"https://example.com:443x",
    "negative port": b"https://example.com:-1",
    "two ports": b"https://example.com:1:2",
    "short IPv4": b"http://127.1",
    "hexadecimal IPv4": b"http://0x7f000001",
    "IPv4 with a leading zero": b"http://127.0.0.01",
    "IPv4 with five parts": b"http://1.2.3.4.5",
    "number": b"http://2130706433",
    "IPv4 out of range": b"http://256.1.1.1",
    "open bracket": b"https://[",
    "unclosed bracket": b"https://[::1",
    "empty brackets": b"https://[]",
    "no IPv6": b"https://[g::1]",
    "IPv6 in capitals": b"https://[2001:DB8::1]",
    "IPv6 not shortened": b"https://[0:0:0:0:0:0:0:1]",
    "IPv6 with leading zeros": b"https://[2001:0db8::1]",
    "IPv6 shortened at one zero": b"https://[1::2:3:4:5:6:7]",
    "IPv6 with a dotted tail": b"https://[::ffff:127.0.0.1]",
    "IPv6 with a zone": b"https://[fe80::1%eth0]",
    "text after IPv6": b"https://[::1]x",
    "bracket later": b"https://example.com].evil.com",
    "empty port after IPv6": b"https://[::1]:",
}


@pytest.mark.parametrize("value", VALID)
def test_an_origin_as_browsers_spell_it_is_parsed(value: bytes) -> None:
    assert parse_origin(value) == TupleOrigin(*VALID[value])


@pytest.mark.parametrize("value", VALID)
def test_serializing_is_the_inverse_of_parsing(value: bytes) -> None:
    origin = parse_origin(value)

    assert origin is not None
    assert serialize_origin(origin) == value


@pytest.mark.parametrize("value", INVALID.values(), ids=INVALID.keys())
def test_what_no_browser_sends_is_not_an_origin(value: bytes) -> None:
    assert parse_origin(value) is None


@pytest.mark.parametrize(
    "text, suggestion",
    [
        ("https://app.example.com/", "https://app.example.com"),
        ("https://app.example.com/a?b#c", "https://app.example.com"),
        ("https://App.Example.COM", "https://app.example.com"),
        ("https://app.example.com:443", "https://app.example.com"),
        ("http://app.example.com:80/", "http://app.example.com"),
        ("https://app.example.com:", "https://app.example.com"),
        ("https://user:secret@app.example.com", "https://app.example.com"),
        ("https://app.example.com.", "https://app.example.com"),
        ("app.example.com", "https://app.example.com"),
        ("app.example.com:8443", "https://app.example.com:8443"),
        ("//app.example.com", "https://app.example.com"),
        ("https:app.example.com", "https://app.example.com"),
        ("http:/app.example.com", "http://app.example.com"),
        ("localhost:3000", "http://localhost:3000"),
        ("127.0.0.1:3000", "http://127.0.0.1:3000"),
        (" 'https://app.example.com' ", "https://app.example.com"),
        ("https://bücher.example", "https://xn--bcher-kva.example"),
        ("https://app。example.com", "https://app.example.com"),
        ("https://[0:0:0:0:0:0:0:1]:3000", "https://[::1]:3000"),
        ("https://[0:0:0:0:0:0:0:1]", "https://[::1]"),
        ("https://example.com\\x", "https://example.com"),
    ],
)
def test_the_origin_that_was_probably_meant_is_suggested(text: str, suggestion: str) -> None:
    assert suggest_origin(text) == suggestion


@pytest.mark.parametrize(
    "text",
    [
        "",
        "https://",
        "https://app.example.com",
        "https://a.example.com,https://b.example.com",
        "https://exa mple.com",
        "https://[::1",
        "https://[nonsense]",
        "http://127.1",
        "https://\udcff.example.com",
        "ht tp://a",
    ],
)
def test_nothing_is_suggested_where_it_would_be_a_guess(text: str) -> None:
    assert suggest_origin(text) is None


def test_wildcards_survive_a_new_spelling() -> None:
    assert respell_origin("HTTPS://*.Example.com/") == "https://*.example.com"


@pytest.mark.parametrize("host", ["localhost", "app.localhost", "127.0.0.1", "127.8.8.8", "[::1]"])
def test_the_browsers_own_machine_is_loopback(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize(
    "host", ["localhost.evil.com", "notlocalhost", "127.evil.com", "128.0.0.1", "[::2]", "a.com"]
)
def test_nothing_else_is_loopback(host: str) -> None:
    assert not is_loopback(host)


def test_addresses_are_told_from_names() -> None:
    assert is_ip_address("10.0.0.1")
    assert is_ip_address("[::1]")
    assert not is_ip_address("10.example")
