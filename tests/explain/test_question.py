import pytest

from cors_gateway.config.public_suffixes import is_public_suffix
from cors_gateway.explain.question import (
    Question,
    QuestionError,
    is_local,
    parse_header,
    parse_question,
)

APP = "https://app.example.com"


def asked(url: str, origin: str | None = APP, method: str = "GET", **more: bool) -> Question:
    return parse_question(url, origin=origin, method=method, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "url, authority, target",
    [
        pytest.param("https://api.example.com/a", b"api.example.com", b"/a", id="plain"),
        pytest.param("https://api.example.com", b"api.example.com", b"/", id="no path"),
        pytest.param("https://api.example.com?x=1", b"api.example.com", b"/?x=1", id="a query"),
        pytest.param("HTTPS://API.example.com:443/A", b"api.example.com", b"/A", id="capitals"),
        pytest.param("http://localhost:80/", b"localhost", b"/", id="a default port"),
        pytest.param("http://localhost:443/", b"localhost:443", b"/", id="another port"),
        pytest.param("http://[::1]:8080/a#b", b"[::1]:8080", b"/a", id="IPv6 and a fragment"),
        pytest.param("https://h/a%2Fb?é c", b"h", b"/a%2Fb?%C3%A9%20c", id="to be encoded"),
        pytest.param("/a", b"gateway.invalid", b"/a", id="a path alone"),
    ],
)
def test_what_a_url_becomes(url: str, authority: bytes, target: bytes) -> None:
    question = asked(url)

    assert (question.authority, question.target) == (authority, target)


def test_a_url_that_a_browser_spells_in_another_way_is_remembered() -> None:
    assert asked("/a/../b").respelled_from == "/a/../b"
    assert asked("/b").respelled_from == ""
    assert asked("/a/../b", None).target == b"/a/../b"


def test_a_path_belongs_to_the_gateway_where_that_is_known() -> None:
    question = parse_question("/a", home="http://www.example.com:8080")

    assert question.url == "http://www.example.com:8080/a"
    assert question.host_is_known
    assert not asked("/a").host_is_known


@pytest.mark.parametrize(
    "url, origin, site",
    [
        pytest.param("https://app.example.com/x", APP, "same-origin", id="the same"),
        pytest.param("https://app.example.com:443/x", APP, "same-origin", id="a default port"),
        pytest.param("https://app.example.com:8443/x", APP, "same-site", id="another port"),
        pytest.param("https://api.example.com/x", APP, "same-site", id="a sibling"),
        pytest.param("http://api.example.com/x", APP, "cross-site", id="another scheme"),
        pytest.param("https://example.org/x", APP, "cross-site", id="another domain"),
        pytest.param("https://b.github.io/x", "https://a.github.io", "cross-site", id="neighbours"),
        pytest.param("https://api.example.com/x", "null", "cross-site", id="null"),
        pytest.param("http://127.0.0.1:2/", "http://127.0.0.1:1", "same-site", id="one address"),
        pytest.param("http://localhost:2/", "http://localhost:1", "same-site", id="this machine"),
        pytest.param("http://[::1]:2/", "http://[::1]:1", "same-site", id="one IPv6 address"),
        pytest.param("http://127.0.0.1:2/", "http://127.0.0.2:1", "cross-site", id="two addresses"),
        pytest.param("https://api.example.com/x", None, None, id="no page"),
    ],
)
def test_how_near_the_page_is(url: str, origin: str | None, site: str | None) -> None:
    assert asked(url, origin).site(is_public_suffix) == site


def test_the_preflight_of_a_request() -> None:
    question = parse_question(
        "https://api.example.com/a",
        origin=APP,
        method="put",
        headers=[(b"X-B", b"1"), (b"X-A", b"1"), (b"Accept", b"*/*")],
    )

    head = question.preflight("same-site")

    assert (head.method, head.target) == (b"OPTIONS", b"/a")
    assert head.fields == (
        (b"Host", b"api.example.com"),
        (b"Origin", b"https://app.example.com"),
        (b"Sec-Fetch-Mode", b"cors"),
        (b"Sec-Fetch-Site", b"same-site"),
        (b"Access-Control-Request-Method", b"PUT"),
        (b"Access-Control-Request-Headers", b"x-a,x-b"),
    )


@pytest.mark.parametrize(
    "method, site, has_origin",
    [
        pytest.param("GET", "cross-site", True, id="another origin"),
        pytest.param("GET", "same-origin", False, id="reading what is its own"),
        pytest.param("HEAD", "same-origin", False, id="looking at what is its own"),
        pytest.param("POST", "same-origin", True, id="writing to its own"),
    ],
)
def test_which_requests_carry_an_origin(method: str, site: str, has_origin: bool) -> None:
    fields = asked("https://api.example.com/a", method=method).request(site).fields

    assert (b"Origin" in dict(fields)) is has_origin
    assert dict(fields)[b"Sec-Fetch-Site"] == site.encode()


def test_a_program_sends_what_it_wants_and_nothing_else() -> None:
    question = parse_question("http://h/", headers=[(b"Cookie", b"a=b")], credentials=True)

    assert question.request(None).fields == ((b"Host", b"h"), (b"Cookie", b"a=b"))
    assert not question.credentials


@pytest.mark.parametrize(
    "url, tells",
    [
        pytest.param("http://api.example.com/", False, id="in the clear"),
        pytest.param("https://api.example.com/", True, id="encrypted"),
        pytest.param("http://localhost/", True, id="this machine"),
    ],
)
def test_browsers_tell_of_themselves_only_where_nobody_listens(url: str, tells: bool) -> None:
    fields = asked(url).request("cross-site").fields

    assert (b"Sec-Fetch-Site" in dict(fields)) is tells


def test_headers_that_a_page_cannot_set_are_named_and_left_out() -> None:
    headers = [(b"Cookie", b"a=b"), (b"X-A", b"1"), (b"Origin", b"https://x.example")]

    question = parse_question("/a", origin=APP, headers=headers)

    assert question.headers == ((b"X-A", b"1"),)
    assert question.ignored == (b"Cookie", b"Origin")


@pytest.mark.parametrize(
    "url, origin, method, said",
    [
        pytest.param("api/a", APP, "GET", "http://host/path", id="neither URL nor path"),
        pytest.param(
            "localhost:8080/a", APP, "GET", "did you mean http://localhost:8080/a?", id="no scheme"
        ),
        pytest.param("localhost", APP, "GET", "did you mean http://localhost?", id="a host alone"),
        pytest.param("[::1]:1?a", APP, "GET", "did you mean http://[::1]:1?a?", id="an address"),
        pytest.param("javascript:0x", APP, "GET", "write http://host", id="another scheme"),
        pytest.param("ftp://h/", APP, "GET", "http://host/path", id="neither HTTP nor WebSocket"),
        pytest.param("http:///a", APP, "GET", "host:port", id="no host"),
        pytest.param("http://u@h/a", APP, "GET", "host:port", id="a user"),
        pytest.param("http://é/a", APP, "GET", "ASCII", id="a host that is not ASCII"),
        pytest.param("/", APP, "A B", "such as PUT", id="no method"),
        pytest.param("/", APP, "", "such as PUT", id="an empty method"),
        pytest.param("/", APP, "é", "such as PUT", id="a method that is not ASCII"),
        pytest.param("/", APP, "connect", "browsers forbid it", id="a forbidden method"),
        pytest.param("/", None, "patch", "write PATCH", id="a program's lower case"),
        pytest.param("/", None, "FOO", "use another", id="a program's own method"),
        pytest.param("/", "", "GET", "the origin is empty", id="an empty origin"),
        pytest.param("/", " ", "GET", "the origin is empty", id="an origin of spaces"),
    ],
)
def test_a_question_that_makes_no_sense(
    url: str, origin: str | None, method: str, said: str
) -> None:
    with pytest.raises(QuestionError) as raised:
        asked(url, origin, method)

    assert said in str(raised.value)


@pytest.mark.parametrize(
    "url, origin, method, headers, said",
    [
        pytest.param("wss://h/", APP, "POST", [], "no method", id="a page's method"),
        pytest.param("wss://h/", None, "PUT", [], "no method", id="a program's method"),
        pytest.param("wss://h/", APP, "GET", [(b"X-A", b"1")], "no header", id="a header"),
        pytest.param("ws://h/a#b", APP, "GET", [], "leave out #", id="a fragment"),
        pytest.param("ws://h/#", None, "GET", [], "leave out #", id="a program's empty fragment"),
        pytest.param("wss://h/", " ", "GET", [], "the origin is empty", id="an empty origin"),
        pytest.param("ws:///a", APP, "GET", [], "host:port", id="no host"),
    ],
)
def test_no_browser_opens_such_a_websocket(
    url: str, origin: str | None, method: str, headers: list[tuple[bytes, bytes]], said: str
) -> None:
    with pytest.raises(QuestionError) as raised:
        parse_question(url, origin=origin, method=method, headers=headers)

    assert said in str(raised.value)


@pytest.mark.parametrize("origin", [pytest.param(APP, id="a page"), pytest.param(None, id="none")])
def test_the_handshake_of_a_websocket(origin: str | None) -> None:
    question = parse_question("wss://api.example.com/a?b", origin=origin, method="GET")

    head = question.request(question.site(is_public_suffix))

    assert (head.method, head.target) == (b"GET", b"/a?b")
    assert head.fields == (
        (b"Host", b"api.example.com"),
        *([] if origin is None else [(b"Origin", origin.encode())]),
        (b"Connection", b"Upgrade"),
        (b"Upgrade", b"websocket"),
        (b"Sec-WebSocket-Version", b"13"),
        (b"Sec-WebSocket-Key", b"dGhlIHNhbXBsZSBub25jZQ=="),
    )


@pytest.mark.parametrize(
    "url, own, shown",
    [
        pytest.param("ws://H/a", "http://h", "ws://h/a", id="in the clear"),
        pytest.param("WSS://h:443", "https://h", "wss://h/", id="encrypted"),
        pytest.param("ws://h:443/", "http://h:443", "ws://h:443/", id="another port"),
        pytest.param("/a", "https://www.example", "wss://www.example/a", id="a path"),
    ],
)
def test_a_websocket_belongs_to_an_origin_of_http(url: str, own: str, shown: str) -> None:
    question = parse_question(url, origin=own, websocket=True, home="https://www.example")

    assert question.site(is_public_suffix) == "same-origin"
    assert question.url == shown


def test_a_page_of_the_same_origin_says_so_when_it_opens_a_websocket() -> None:
    question = asked("ws://h/", "http://h")

    assert (b"Origin", b"http://h") in question.request("same-origin").fields


def test_a_page_has_no_say_in_the_cookies_of_a_websocket() -> None:
    assert not asked("wss://h/", credentials=True).credentials
    assert asked("https://h/", credentials=True).credentials


def test_an_origin_is_not_given_as_a_header() -> None:
    with pytest.raises(QuestionError, match="as the origin"):
        parse_question("/", headers=[(b"origin", b"https://x.example")])


@pytest.mark.parametrize(
    "text, line",
    [
        pytest.param("X-A: 1", (b"X-A", b"1"), id="a space"),
        pytest.param("X-A:1:2", (b"X-A", b"1:2"), id="colons"),
        pytest.param("X-A", (b"X-A", b""), id="a name alone"),
        pytest.param("X-A: é", (b"X-A", b"\xe9"), id="latin-1"),
    ],
)
def test_a_header(text: str, line: tuple[bytes, bytes]) -> None:
    assert parse_header(text) == line


@pytest.mark.parametrize("text", ["", ": 1", "X A: 1", "é: 1", "X-A: €", "X-A: a\nb"])
def test_what_is_no_header(text: str) -> None:
    with pytest.raises(QuestionError):
        parse_header(text)


@pytest.mark.parametrize(
    "host, local",
    [
        ("localhost", True),
        ("app.localhost", True),
        ("printer.local", True),
        ("192.168.1.1", True),
        ("[fd00::1]", True),
        ("8.8.8.8", False),
        ("example.com", False),
    ],
)
def test_what_is_in_the_neighbourhood(host: str, local: bool) -> None:
    assert is_local(host) is local
