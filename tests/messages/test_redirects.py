"""Redirects: which become paths here, which stay, and that none leads to a stranger."""

from urllib.parse import urljoin, urlsplit

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from cors_gateway.messages.heads import FieldLines
from cors_gateway.messages.path_map import PathMap
from cors_gateway.messages.redirects import (
    AskedFor,
    Authority,
    RedirectRewrite,
    read_authority,
    rewrite_redirect,
)

LEGACY = frozenset({(b"legacy", 5000), (b"api.internal", None), (b"[::1]", 5000)})
PREFIXED = RedirectRewrite(LEGACY, PathMap(b"/api"))
PLAIN = RedirectRewrite(LEGACY, PathMap())
BASED = RedirectRewrite(LEGACY, PathMap(b"/api", b"/v1"))
CUT = RedirectRewrite(LEGACY, PathMap(b"", b"/v1"))

ASKED = AskedFor(
    b"/api/orders?x=1",
    b"gw.example:8080",
    (b"https://www.example.com", b"http://gw.example:8080"),
)


def rewritten(
    location: bytes,
    rewrite: RedirectRewrite = PREFIXED,
    status: int = 302,
    asked: AskedFor = ASKED,
) -> bytes:
    before: FieldLines = ((b"A", b"b"), (b"location", location), (b"Refresh", b"0;url=/x"))
    after = rewrite_redirect(before, status, rewrite, asked)
    assert (after[0], after[1][0], after[2:]) == (before[0], before[1][0], before[2:])
    return after[1][1]


BECOME_PATHS = [
    ("an absolute path", PREFIXED, b"/orders/", b"/api/orders/"),
    ("the root", PREFIXED, b"/", b"/api/"),
    ("query and fragment stay", PREFIXED, b"/a?next=//x\\y#/z", b"/api/a?next=//x\\y#/z"),
    ("not twice", PREFIXED, b"/api/orders", b"/api/orders"),
    ("nothing to do", PLAIN, b"/orders", b"/orders"),
    ("the API's own name", PREFIXED, b"http://legacy:5000/a?b#c", b"/api/a?b#c"),
    ("without a prefix", PLAIN, b"http://legacy:5000/a?b#c", b"/a?b#c"),
    ("in another case", PREFIXED, b"HTTP://LegacY:5000/A", b"/api/A"),
    ("with another scheme", PREFIXED, b"https://legacy:5000/a", b"/api/a"),
    ("with the default port", PREFIXED, b"http://api.internal:80/a", b"/api/a"),
    ("with the other default port", PREFIXED, b"http://api.internal:443/a", b"/api/a"),
    ("with the root's dot", PREFIXED, b"http://legacy.:5000/a", b"/api/a"),
    ("an IPv6 address", PREFIXED, b"http://[0:0::1]:5000/a", b"/api/a"),
    ("without a path", PREFIXED, b"http://legacy:5000", b"/api/"),
    ("a query without a path", PREFIXED, b"http://legacy:5000?a", b"/api/?a"),
    ("a fragment without a path", PLAIN, b"http://legacy:5000#a", b"/#a"),
    ("the name that the client used", PREFIXED, b"http://gw.example:8080/a", b"/api/a"),
    ("that name by https", PREFIXED, b"https://GW.example:8080/a", b"/api/a"),
    ("our public name", PREFIXED, b"http://www.example.com/a", b"/api/a"),
    ("slashes behind the prefix", PREFIXED, b"http://legacy:5000//evil.example", b"/api//evil.example"),
    ("bytes above 0x7f, and a space", PREFIXED, b"/\xc3\xa9 b", b"/api/\xc3\xa9 b"),
    ("a base path for the prefix", BASED, b"http://legacy:5000/v1/a", b"/api/a"),
    ("a base path alone", BASED, b"/v1", b"/api"),
    ("beside the base path", BASED, b"/login", b"/api/login"),
    ("a base path is cut off", CUT, b"/v1/a", b"/a"),
    ("a base path is all there is", CUT, b"/v1?a", b"/?a"),
]  # fmt: skip


@pytest.mark.parametrize(
    "rewrite, location, expected", [pytest.param(*row, id=title) for title, *row in BECOME_PATHS]
)
@pytest.mark.parametrize("status", [201, 300, 301, 302, 303, 307, 308, 399])
def test_what_leads_to_the_api_becomes_a_path_here(
    rewrite: RedirectRewrite, location: bytes, expected: bytes, status: int
) -> None:
    assert rewritten(location, rewrite, status) == expected


STAY = [
    ("another host", b"http://evil.example/a"),
    ("a host that begins like the API", b"http://legacy:5000.evil.example/a"),
    ("a host that ends like the API", b"http://evil-legacy:5000/a"),
    ("another port of the API", b"http://legacy:5001/a"),
    ("the API without its port", b"http://legacy/a"),
    ("another port of ours", b"https://gw.example/a"),
    ("a user name", b"http://legacy:5000@evil.example/a"),
    ("a user name before the API", b"http://user@legacy:5000/a"),
    ("another host by two slashes", b"//evil.example/a"),
    ("the API by two slashes", b"//legacy:5000/a"),
    ("another host by three slashes", b"///evil.example/a"),
    ("no host", b"http:///evil.example/a"),
    ("one slash", b"http:/legacy:5000/a"),
    ("no slash", b"http:legacy:5000/a"),
    ("a backslash for a slash", b"/\\evil.example"),
    ("a backslash behind the API", b"http://legacy:5000/\\evil.example"),
    ("a backslash in the host", b"http://legacy:5000\\@evil.example/a"),
    ("a backslash in front", b"\\\\evil.example/a"),
    ("a tab that browsers leave out", b"/\t/evil.example"),
    ("a tab in the host", b"http://leg\tacy:5000/a"),
    ("a line end", b"/a\r\nSet-Cookie: x=y"),
    ("a line end behind the API", b"http://legacy:5000/a\nX: y"),
    ("NUL", b"/a\x00b"),
    ("DEL in a query", b"/a?b\x7f"),
    ("a space in the host", b"http://legacy :5000/a"),
    ("a percent sign in the host", b"http://legac%79:5000/a"),
    ("a host that is not ASCII", b"http://legacy\xc3\xa9:5000/a"),
    ("no port behind the colon", b"http://legacy:/a"),
    ("a port out of range", b"http://legacy:65536/a"),
    ("a relative reference", b"a/b"),
    ("a folder above", b"../a"),
    ("a query alone", b"?a=b"),
    ("a fragment alone", b"#a"),
    ("nothing", b""),
    ("another scheme", b"ftp://legacy:5000/a"),
    ("a script", b"javascript:alert(1)"),
    ("an app", b"com.example.app://legacy:5000/a"),
]  # fmt: skip


@pytest.mark.parametrize("location", [pytest.param(row[1], id=row[0]) for row in STAY])
@pytest.mark.parametrize("rewrite", [PREFIXED, PLAIN, BASED, CUT])
def test_everything_else_stays_byte_for_byte(rewrite: RedirectRewrite, location: bytes) -> None:
    assert rewritten(location, rewrite) == location


@pytest.mark.parametrize(
    "rewrite, location",
    [
        pytest.param(PLAIN, b"http://legacy:5000//evil.example", id="from the API's own name"),
        pytest.param(PLAIN, b"http://gw.example:8080//evil.example/x", id="from ours"),
        pytest.param(CUT, b"/v1//evil.example", id="behind a base path"),
        pytest.param(CUT, b"http://legacy:5000/v1//evil.example", id="behind both"),
    ],
)
def test_a_path_that_would_be_another_host_is_not_made(
    rewrite: RedirectRewrite, location: bytes
) -> None:
    assert rewritten(location, rewrite) == location


@pytest.mark.parametrize("status", [200, 202, 204, 299, 400, 404, 503])
def test_only_redirects_and_what_was_created_change(status: int) -> None:
    assert rewritten(b"http://legacy:5000/a", status=status) == b"http://legacy:5000/a"


@pytest.mark.parametrize(
    "lines", [(), ((b"Location", b"/a"), (b"LOCATION", b"/a"))], ids=["none", "two"]
)
def test_of_no_or_several_lines_none_changes(lines: FieldLines) -> None:
    fields = ((b"Content-Location", b"/a"), *lines, (b"Link", b"</a>"))
    assert rewrite_redirect(fields, 302, PREFIXED, ASKED) == fields


LOOPS = [
    ("https for http", b"http://gw.example", b"https://gw.example/api/orders?x=1",
     b"https://gw.example/api/orders?x=1"),
    ("https, as the API has it", b"http://gw.example", b"https://gw.example/orders?x=1#a",
     b"https://gw.example/api/orders?x=1#a"),
    ("another of our names", b"https://gw.example", b"https://www.example.com/orders?x=1",
     b"https://www.example.com/api/orders?x=1"),
    ("spelling stays", b"http://gw.example", b"HTTPS://GW.example:443/orders?x=1",
     b"HTTPS://GW.example:443/api/orders?x=1"),
    ("http for https is not meant", b"https://gw.example", b"http://gw.example/orders?x=1",
     b"/api/orders?x=1"),
    ("back to where it came from", b"http://gw.example", b"http://gw.example/orders?x=1",
     b"/api/orders?x=1"),
    ("another query", b"http://gw.example", b"https://gw.example/orders?x=2", b"/api/orders?x=2"),
    ("another path", b"http://gw.example", b"https://gw.example/order?x=1", b"/api/order?x=1"),
    ("the API's own name is never kept", b"http://gw.example", b"https://legacy:5000/orders?x=1",
     b"/api/orders?x=1"),
]  # fmt: skip


@pytest.mark.parametrize(
    "origin, location, expected", [pytest.param(*row, id=title) for title, *row in LOOPS]
)
def test_a_redirect_to_another_of_our_names_does_not_lead_back(
    origin: bytes, location: bytes, expected: bytes
) -> None:
    """As a path it would be the request's own, and a browser would follow it for ever."""
    asked = AskedFor(b"/api/orders?x=1", b"gw.example", (b"https://www.example.com", origin))
    assert rewritten(location, asked=asked) == expected


def test_the_host_that_a_proxy_in_front_called_is_ours_to_hide() -> None:
    asked = AskedFor(b"/login", b"gateway.internal:8080", (b"https://www.example.com",))
    assert rewritten(b"http://gateway.internal:8080/login", PLAIN, asked=asked) == b"/login"


def test_a_client_that_names_no_host_changes_nothing() -> None:
    asked = AskedFor(b"/api/orders", b"", (b"http://",))
    for location in (b"http:///a", b"http://evil.example/a", b"http://x@evil.example/a"):
        assert rewritten(location, asked=asked) == location
    assert rewritten(b"http://legacy:5000/a", asked=asked) == b"/api/a"


@pytest.mark.parametrize(
    "value, expected",
    [
        (b"Legacy", (b"legacy", None)),
        (b"legacy:80", (b"legacy", None)),
        (b"legacy:443", (b"legacy", None)),
        (b"legacy:8080", (b"legacy", 8080)),
        (b"[::1]:81", (b"[::1]", 81)),
        (b"a b", None),
        (b"", None),
    ],
)
def test_authorities_are_compared_without_case_and_default_port(
    value: bytes, expected: Authority | None
) -> None:
    assert read_authority(value) == expected


PIECES = st.lists(
    st.sampled_from([
        *(b"http", b"https", b":", b"/", b"//", b"\\", b"@", b"?", b"#", b".", b"..", b"%2f", b" "),
        *(b"legacy", b":5000", b"gw.example", b":8080", b"www.example.com", b"evil.example", b"\t"),
        *(b"v1", b"api", b"orders", b"x=1", b"\r\n", b"\xe9", b"[::1]", b"%5c", b"javascript:"),
    ]),
    max_size=8,
).map(b"".join)  # fmt: skip
TRUSTED = {"legacy", "gw.example", "www.example.com", "::1"}


def host_for_a_browser(location: bytes) -> str | None:
    """Say where a browser ends up that called us, by the URL standard's ways with bad slashes."""
    text = location.decode("latin-1").strip("".join(map(chr, range(33))))
    for ignored in "\t\r\n":
        text = text.replace(ignored, "")
    path, mark, rest = text.partition("?")
    text = path.replace("\\", "/") + mark + rest
    scheme, colon, behind = text.partition(":")
    if colon and scheme.lower() in {"http", "https"} and behind.startswith("/"):
        text = f"{scheme}://{behind.lstrip('/')}"
    elif text.startswith("//"):
        text = f"//{text.lstrip('/')}"
    try:
        return urlsplit(urljoin("http://gw.example:8080/api/orders", text)).hostname
    except ValueError:
        return None


@pytest.mark.parametrize("rewrite", [PREFIXED, PLAIN, BASED, CUT])
@given(PIECES)
@example(b"http://legacy:5000//evil.example")
@example(b"http://legacy:5000/\\evil.example")
@example(b"/\t/evil.example")
@example(b"/v1//evil.example")
def test_no_rewrite_leads_to_a_host_that_the_api_did_not_name(
    rewrite: RedirectRewrite, location: bytes
) -> None:
    after = rewritten(location, rewrite)
    if after == location:
        return
    assert host_for_a_browser(location) in TRUSTED
    assert host_for_a_browser(after) in {"gw.example", "www.example.com"}
    assert not set(after) & {*range(32), 127}
