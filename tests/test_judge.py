"""The judge against known answers, so that it may judge.

Every row was worked out by hand from the Fetch standard; rows marked WPT state a fact that the
web platform tests (``cors/``, ``fetch/api/cors/``) hold browsers to.
"""

import pytest

from tests.judge import (
    FieldLines,
    Page,
    Verdict,
    exposed_names,
    follow_redirect,
    judge_preflight,
    judge_response,
    may_read_timing,
    preflight_lines,
    unsafe_names,
)

APP = b"https://app.example"
PLAIN = Page(origin=APP)
WITH_COOKIES = Page(origin=APP, credentials=True)
SANDBOXED = Page(origin=b"null")


def _lines(text: str) -> FieldLines:
    """Read ``Name: value`` lines; the names are short for Access-Control-Allow-…"""
    long = {
        "Origin": "Access-Control-Allow-Origin",
        "Credentials": "Access-Control-Allow-Credentials",
        "Methods": "Access-Control-Allow-Methods",
        "Headers": "Access-Control-Allow-Headers",
    }
    lines = []
    for line in text.split("\n") if text else ():
        name, _, value = line.partition(":")
        lines.append((long.get(name, name).encode(), value.strip(" ").encode("latin-1")))
    return tuple(lines)


ME = "Origin: https://app.example"
ME_WITH_COOKIES = f"{ME}\nCredentials: true"

CORS_CHECK: list[tuple[str, Page, str, Verdict]] = [
    ("the page's own origin", PLAIN, ME, Verdict.ALLOWED),
    ("a star", PLAIN, "Origin: *", Verdict.ALLOWED),
    ("no field", PLAIN, "X-Other: 1", Verdict.NO_ALLOW_ORIGIN),
    ("an empty value (WPT)", PLAIN, "Origin:", Verdict.OTHER_ALLOW_ORIGIN),
    ("the field's name in any case", PLAIN, "aCCESS-control-ALLOW-origin: *", Verdict.ALLOWED),
    ("another origin", PLAIN, "Origin: https://other.example", Verdict.OTHER_ALLOW_ORIGIN),
    ("a subdomain (WPT)", PLAIN, "Origin: https://x.app.example", Verdict.OTHER_ALLOW_ORIGIN),
    ("the parent domain (WPT)", PLAIN, "Origin: https://example", Verdict.OTHER_ALLOW_ORIGIN),
    ("another scheme (WPT)", PLAIN, "Origin: http://app.example", Verdict.OTHER_ALLOW_ORIGIN),
    ("the default port (WPT)", PLAIN, f"{ME}:443", Verdict.OTHER_ALLOW_ORIGIN),
    ("a slash at the end (WPT)", PLAIN, f"{ME}/", Verdict.OTHER_ALLOW_ORIGIN),
    ("a question mark at the end (WPT)", PLAIN, f"{ME}?", Verdict.OTHER_ALLOW_ORIGIN),
    ("a number sign at the end (WPT)", PLAIN, f"{ME}#", Verdict.OTHER_ALLOW_ORIGIN),
    ("the host alone (WPT)", PLAIN, "Origin: app.example", Verdict.OTHER_ALLOW_ORIGIN),
    ("without a scheme (WPT)", PLAIN, "Origin: //app.example", Verdict.OTHER_ALLOW_ORIGIN),
    ("upper case (WPT)", PLAIN, "Origin: HTTPS://APP.EXAMPLE", Verdict.OTHER_ALLOW_ORIGIN),
    ("a pattern (WPT)", PLAIN, "Origin: https://*.example", Verdict.OTHER_ALLOW_ORIGIN),
    ("two stars (WPT)", PLAIN, "Origin: **", Verdict.OTHER_ALLOW_ORIGIN),
    ("a quoted star (WPT)", PLAIN, 'Origin: "*"', Verdict.OTHER_ALLOW_ORIGIN),
    ("a list that names the page (WPT)", PLAIN, f"{ME}, *", Verdict.OTHER_ALLOW_ORIGIN),
    ("the page's origin in two lines (WPT)", PLAIN, f"{ME}\n{ME}", Verdict.OTHER_ALLOW_ORIGIN),
    ("two stars in two lines (WPT)", PLAIN, "Origin: *\nOrigin: *", Verdict.OTHER_ALLOW_ORIGIN),
    ("an empty line and a star (WPT)", PLAIN, "Origin:\nOrigin: *", Verdict.OTHER_ALLOW_ORIGIN),
    ("null for a tuple origin (WPT)", PLAIN, "Origin: null", Verdict.OTHER_ALLOW_ORIGIN),
    ("null for an opaque origin", SANDBOXED, "Origin: null", Verdict.ALLOWED),
    ("a star for an opaque origin", SANDBOXED, "Origin: *", Verdict.ALLOWED),
    ("NULL for an opaque origin", SANDBOXED, "Origin: NULL", Verdict.OTHER_ALLOW_ORIGIN),
    ("cookies and true", WITH_COOKIES, ME_WITH_COOKIES, Verdict.ALLOWED),
    ("cookies and nothing", WITH_COOKIES, ME, Verdict.NO_ALLOW_CREDENTIALS),
    ("cookies and True", WITH_COOKIES, f"{ME}\nCredentials: True", Verdict.NO_ALLOW_CREDENTIALS),
    ("cookies and TRUE", WITH_COOKIES, f"{ME}\nCredentials: TRUE", Verdict.NO_ALLOW_CREDENTIALS),
    ("cookies and false", WITH_COOKIES, f"{ME}\nCredentials: false", Verdict.NO_ALLOW_CREDENTIALS),
    (
        "cookies and true in two lines",
        WITH_COOKIES,
        f"{ME_WITH_COOKIES}\nCredentials: true",
        Verdict.NO_ALLOW_CREDENTIALS,
    ),
    (
        "cookies and a star",
        WITH_COOKIES,
        "Origin: *\nCredentials: true",
        Verdict.WILDCARD_WITH_CREDENTIALS,
    ),
    ("true without cookies", PLAIN, ME_WITH_COOKIES, Verdict.ALLOWED),
]


@pytest.mark.parametrize(
    "page, lines, verdict", [row[1:] for row in CORS_CHECK], ids=[row[0] for row in CORS_CHECK]
)
def test_the_cors_check(page: Page, lines: str, verdict: Verdict) -> None:
    assert judge_response(page, _lines(lines)) is verdict


def _page(method: str = "GET", headers: str = "", *, cookies: bool = False) -> Page:
    return Page(origin=APP, method=method.encode(), headers=_lines(headers), credentials=cookies)


JSON = "Content-Type: application/json"
KEY = "Authorization: Bearer x"

PREFLIGHTS: list[tuple[str, Page, int, str, Verdict]] = [
    ("a listed method", _page("PUT"), 204, f"{ME}\nMethods: PUT", Verdict.ALLOWED),
    ("status 200", _page("PUT"), 200, f"{ME}\nMethods: PUT", Verdict.ALLOWED),
    ("status 299", _page("PUT"), 299, f"{ME}\nMethods: PUT", Verdict.ALLOWED),
    ("status 300", _page("PUT"), 300, f"{ME}\nMethods: PUT", Verdict.PREFLIGHT_STATUS),
    ("a redirect (WPT)", _page("PUT"), 301, f"{ME}\nMethods: PUT", Verdict.PREFLIGHT_STATUS),
    ("status 304", _page("PUT"), 304, f"{ME}\nMethods: PUT", Verdict.PREFLIGHT_STATUS),
    ("status 403 (WPT)", _page("PUT"), 403, f"{ME}\nMethods: PUT", Verdict.PREFLIGHT_STATUS),
    ("status 500", _page("PUT"), 500, f"{ME}\nMethods: PUT", Verdict.PREFLIGHT_STATUS),
    ("403 and no fields: the check is first", _page("PUT"), 403, "", Verdict.NO_ALLOW_ORIGIN),
    ("no list of methods", _page("PUT"), 204, ME, Verdict.METHOD),
    ("an empty list of methods", _page("PUT"), 204, f"{ME}\nMethods:", Verdict.METHOD),
    ("a list without the method", _page("PUT"), 204, f"{ME}\nMethods: GET, POST", Verdict.METHOD),
    ("a list in another case", _page("PUT"), 204, f"{ME}\nMethods: put", Verdict.METHOD),
    ("fetch makes put PUT", _page("put"), 204, f"{ME}\nMethods: PUT", Verdict.ALLOWED),
    ("fetch leaves patch alone", _page("patch"), 204, f"{ME}\nMethods: PATCH", Verdict.METHOD),
    ("patch listed as patch", _page("patch"), 204, f"{ME}\nMethods: patch", Verdict.ALLOWED),
    ("POST needs no list", _page("POST", JSON), 204, f"{ME}\nHeaders: content-type", Verdict.ALLOWED),
    ("HEAD needs no list", _page("HEAD", "X-A: 1"), 204, f"{ME}\nHeaders: x-a", Verdict.ALLOWED),
    ("OPTIONS is not safelisted", _page("OPTIONS"), 204, f"{ME}\nMethods: GET", Verdict.METHOD),
    ("a star of methods (WPT)", _page("PUT"), 204, f"{ME}\nMethods: *", Verdict.ALLOWED),
    ("a star among methods", _page("PUT"), 204, f"{ME}\nMethods: GET, *", Verdict.ALLOWED),
    (
        "a star of methods with cookies (WPT)",
        _page("PUT", cookies=True),
        204,
        f"{ME_WITH_COOKIES}\nMethods: *",
        Verdict.METHOD,
    ),
    (
        "a method called * with cookies (WPT)",
        _page("*", cookies=True),
        204,
        f"{ME_WITH_COOKIES}\nMethods: *",
        Verdict.ALLOWED,
    ),
    ("methods without commas", _page("PUT"), 204, f"{ME}\nMethods: GET PUT", Verdict.UNPARSABLE_METHODS),
    ("quoted methods", _page("PUT"), 204, f'{ME}\nMethods: "PUT"', Verdict.UNPARSABLE_METHODS),
    (
        "a broken list of methods fails a safelisted one too",
        _page("GET", "X-A: 1"),
        204,
        f"{ME}\nMethods: @\nHeaders: x-a",
        Verdict.UNPARSABLE_METHODS,
    ),
    ("empty items in a list", _page("PUT"), 204, f"{ME}\nMethods: ,GET ,, PUT,", Verdict.ALLOWED),
    ("tabs around an item", _page("PUT"), 204, f"{ME}\nMethods: GET,\tPUT\t", Verdict.ALLOWED),
    ("methods over two lines", _page("PUT"), 204, f"{ME}\nMethods: GET\nMethods: PUT", Verdict.ALLOWED),
    ("a listed header", _page("GET", "X-A: 1"), 204, f"{ME}\nHeaders: X-A", Verdict.ALLOWED),
    ("a header in another case", _page("GET", "x-a: 1"), 204, f"{ME}\nHeaders: X-a", Verdict.ALLOWED),
    ("one of two headers", _page("GET", "X-A: 1\nX-B: 1"), 204, f"{ME}\nHeaders: X-A", Verdict.HEADER),
    (
        "headers over two lines",
        _page("GET", "X-A: 1\nX-B: 1"),
        204,
        f"{ME}\nHeaders: X-A\nHeaders: X-B",
        Verdict.ALLOWED,
    ),
    ("no list of headers", _page("POST", JSON), 204, ME, Verdict.HEADER),
    ("a star of headers (WPT)", _page("GET", "X-A: 1"), 204, f"{ME}\nHeaders: *", Verdict.ALLOWED),
    (
        "a star of headers with cookies (WPT)",
        _page("GET", "X-A: 1", cookies=True),
        204,
        f"{ME_WITH_COOKIES}\nHeaders: *",
        Verdict.HEADER,
    ),
    ("a star is not Authorization (WPT)", _page("GET", KEY), 204, f"{ME}\nHeaders: *", Verdict.AUTHORIZATION),
    (
        "a star and Authorization",
        _page("GET", f"{KEY}\nX-A: 1"),
        204,
        f"{ME}\nHeaders: *, authorization",
        Verdict.ALLOWED,
    ),
    ("Authorization listed", _page("GET", KEY), 204, f"{ME}\nHeaders: AUTHORIZATION", Verdict.ALLOWED),
    ("headers without commas", _page("GET", "X-A: 1"), 204, f"{ME}\nHeaders: X-A X-B", Verdict.UNPARSABLE_HEADERS),
    ("a header with a colon", _page("GET", "X-A: 1"), 204, f"{ME}\nHeaders: X-A:", Verdict.UNPARSABLE_HEADERS),
    (
        "a safelisted header that is too long to be one",
        _page("GET", f"Accept: {'a' * 129}"),
        204,
        ME,
        Verdict.HEADER,
    ),
    (
        "cookies without Allow-Credentials",
        _page("PUT", cookies=True),
        204,
        f"{ME}\nMethods: PUT",
        Verdict.NO_ALLOW_CREDENTIALS,
    ),
]  # fmt: skip


@pytest.mark.parametrize(
    "page, status, lines, verdict",
    [row[1:] for row in PREFLIGHTS],
    ids=[row[0] for row in PREFLIGHTS],
)
def test_the_answer_to_a_preflight(page: Page, status: int, lines: str, verdict: Verdict) -> None:
    assert judge_preflight(page, status, _lines(lines)) is verdict


SAFELISTED = [
    "Accept: text/html,*/*;q=0.1",
    "ACCEPT: " + "a" * 128,
    "Accept: \xe9",
    "Accept: a\tb",
    "Accept-Language: de-DE, de;q=0.7, *;q=0.5",
    "Content-Language: en",
    "Content-Language:",
    "Content-Type: text/plain",
    "Content-Type: TEXT/PLAIN",
    "Content-Type: text/plain;charset=utf-8",
    "Content-Type: text/plain;",
    "Content-Type: text/plain;garbage",
    "Content-Type: multipart/form-data; boundary=x",
    "Content-Type: application/x-www-form-urlencoded",
    "Range: bytes=0-",
    "Range: bytes=100-200",
    "Range: bytes=7-7",
]
UNSAFE = [
    "Accept: " + "a" * 129,
    'Accept: "x"',
    "Accept: a:b",
    "Accept: {}",
    "Accept: a\x7f",
    "Accept-Language: de_DE",
    "Accept-Language: d\te",
    "Content-Language: @",
    "Content-Type: application/json",
    "Content-Type: application/csp-report",
    "Content-Type: text/html",
    "Content-Type: text /plain",
    "Content-Type: text",
    "Content-Type:",
    "Content-Type: text/plain, x/x",
    "Content-Type: text/plain,",
    "Content-Type: text/plain\x0b",
    "Content-Type: text/plain;\x01",
    'Content-Type: multipart/form-data;"',
    "Range: bytes=-200",
    "Range: bytes=200-100",
    "Range: bytes =100-200",
    "Range: bytes= 100-200",
    "Range: bytes=0-1,3-4",
    "Range: bytes=100-200 x",
    "Range: items=0-1",
    "Authorization: x",
    "X-Requested-With: XMLHttpRequest",
    "Last-Event-ID: 1",
    "If-None-Match: x",
]


@pytest.mark.parametrize("line", SAFELISTED)
def test_a_safelisted_header_needs_no_preflight(line: str) -> None:
    assert preflight_lines(_page("POST", line)) is None


@pytest.mark.parametrize("line", UNSAFE)
def test_an_unsafe_header_needs_a_preflight(line: str) -> None:
    name = line.partition(":")[0].lower().encode()

    assert unsafe_names(_page("POST", line).headers) == (name,)


def test_safelisted_headers_longer_than_1024_bytes_together_are_all_unsafe() -> None:
    many = tuple((b"Accept", b"a" * 128) for _ in range(8))

    assert unsafe_names(many) == ()
    assert unsafe_names((*many, (b"Content-Language", b"x"))) == (b"accept", b"content-language")


def test_a_preflight_names_headers_sorted_lower_case_and_once() -> None:
    page = _page("delete", f"X-b: 1\nx-A: 1\nX-B: 2\n{KEY}\nAccept: text/html")

    assert preflight_lines(page) == (
        (b"Origin", APP),
        (b"Access-Control-Request-Method", b"DELETE"),
        (b"Access-Control-Request-Headers", b"authorization,x-a,x-b"),
    )


def test_a_preflight_for_a_method_alone_names_no_headers() -> None:
    assert preflight_lines(_page("PATCH")) == (
        (b"Origin", APP),
        (b"Access-Control-Request-Method", b"PATCH"),
    )


def test_a_client_that_is_no_page_may_send_a_method_in_lower_case() -> None:
    page = Page(origin=APP, method=b"put", exact_method=True)

    assert judge_preflight(page, 204, _lines(f"{ME}\nMethods: PUT")) is Verdict.METHOD


HERE = "https://api.example/a"


def _redirected(page: Page, status: int, location: str) -> Page | Verdict:
    return follow_redirect(page, HERE, status, _lines(f"{ME_WITH_COOKIES}\nLocation: {location}"))


def test_a_redirect_within_the_api_keeps_the_pages_origin() -> None:
    page = _page("GET", KEY)

    assert _redirected(page, 308, "/b") == page
    assert _redirected(page, 302, "https://api.example/b") == page


def test_a_redirect_to_a_third_origin_goes_on_as_null_without_authorization() -> None:
    sent = _redirected(_page("GET", f"{KEY}\nX-A: 1"), 307, "http://legacy:5000/a")

    assert sent == Page(origin=b"null", headers=((b"X-A", b"1"),))


def test_a_redirect_away_from_the_pages_own_origin_keeps_it() -> None:
    sent = follow_redirect(PLAIN, "https://app.example/a", 302, _lines(f"{ME}\nLocation: {HERE}"))

    assert sent == PLAIN


def test_a_redirect_of_a_post_becomes_a_get_without_its_content_headers() -> None:
    post = _page("POST", f"{JSON}\nX-A: 1")

    assert _redirected(post, 302, "/b") == _page("GET", "X-A: 1")
    assert _redirected(post, 303, "/b") == _page("GET", "X-A: 1")
    assert _redirected(post, 307, "/b") == post


@pytest.mark.parametrize("location", ["https://me@other.example/", "file:///etc/passwd", "data:,x"])
def test_a_redirect_that_may_not_be_followed(location: str) -> None:
    assert _redirected(PLAIN, 302, location) is Verdict.REDIRECT


def test_a_redirect_is_checked_before_it_is_followed() -> None:
    moved = _lines("Location: /b")

    assert follow_redirect(PLAIN, HERE, 302, moved) is Verdict.NO_ALLOW_ORIGIN


def test_what_is_no_redirect_leaves_the_page_as_it_is() -> None:
    assert _redirected(PLAIN, 201, "/b") is PLAIN
    assert follow_redirect(PLAIN, HERE, 302, _lines(ME)) is PLAIN


READABLE = "Content-Type: a/b\nETag: x\nX-Total: 1\nSet-Cookie: a=b\n"


@pytest.mark.parametrize(
    "page, lines, names",
    [
        (PLAIN, "", {b"content-type"}),
        (PLAIN, "Access-Control-Expose-Headers: x-total, set-cookie", {b"content-type", b"x-total"}),
        (PLAIN, "Access-Control-Expose-Headers: *", {b"content-type", b"etag", b"x-total", b"access-control-expose-headers"}),
        (WITH_COOKIES, "Access-Control-Expose-Headers: *", {b"content-type"}),
        (PLAIN, "Access-Control-Expose-Headers: x total", {b"content-type"}),
    ],
    ids=["none named", "one named", "a star", "a star with cookies", "a broken list"],
)  # fmt: skip
def test_what_a_page_may_read(page: Page, lines: str, names: set[bytes]) -> None:
    assert exposed_names(page, _lines(READABLE + lines)) == names


@pytest.mark.parametrize(
    "lines, allowed",
    [
        ("", False),
        ("Timing-Allow-Origin: *", True),
        ("Timing-Allow-Origin: https://a.example, https://app.example", True),
        ("Timing-Allow-Origin: https://a.example\nTiming-Allow-Origin: https://app.example", True),
        ("Timing-Allow-Origin: https://app.example/", False),
    ],
)
def test_who_may_read_timing(lines: str, *, allowed: bool) -> None:
    assert may_read_timing(APP, _lines(lines)) is allowed


def test_at_least_sixty_known_answers() -> None:
    assert len(CORS_CHECK) + len(PREFLIGHTS) >= 60
