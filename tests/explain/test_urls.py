"""URLs as they are sent: by browsers, as the URL standard has it, and by programs, as typed."""

import pytest

from cors_gateway.explain.urls import UrlError, parse_url


@pytest.mark.parametrize(
    "text, sent",
    [
        pytest.param("/a/../b", b"/b", id="up"),
        pytest.param("/a/./b", b"/a/b", id="here"),
        pytest.param("/../../b", b"/b", id="above the top"),
        pytest.param("/a/b/..", b"/a/", id="up, at the end"),
        pytest.param("/a/.", b"/a/", id="here, at the end"),
        pytest.param("/a/%2e%2E/b", b"/b", id="up, encoded"),
        pytest.param("/a/.%2e/%2e/b", b"/b", id="up, half encoded"),
        pytest.param("/a//../b", b"/a/b", id="an empty segment is one"),
        pytest.param("/a/.../..b", b"/a/.../..b", id="dots in a name"),
        pytest.param("/a/%252e%252e/b", b"/a/%252e%252e/b", id="encoded twice"),
        pytest.param("/a/..;/b", b"/a/..;/b", id="dots with a parameter"),
        pytest.param("/a%2F../b", b"/a%2F../b", id="an encoded slash separates nothing"),
        pytest.param("/a\\..\\b", b"/b", id="backslashes"),
        pytest.param("/a%5C..%5Cb", b"/a%5C..%5Cb", id="encoded backslashes"),
        pytest.param("\\a", b"/a", id="a backslash first"),
        pytest.param("/a?x=\\..\\/../", b"/a?x=\\..\\/../", id="a query is left alone"),
        pytest.param("/a#/../b\\", b"/a", id="a fragment"),
        pytest.param(" \t/a\r\n/b\t?c\n ", b"/a/b?c", id="white space"),
        pytest.param("/.\t./b", b"/b", id="a tab within dots"),
        pytest.param("https:\\\\h\\a", b"/a", id="a URL with backslashes"),
        pytest.param("/{} '^`?{} '^`", b"/%7B%7D%20'%5E%60?{}%20%27^`", id="encoded in part"),
    ],
)
def test_what_a_browser_sends(text: str, sent: bytes) -> None:
    url = parse_url(text, home="https://h", by_browser=True)

    assert (url.scheme, url.authority, url.target) == ("https", b"h", sent)


@pytest.mark.parametrize("text", ["/a/../b", "/a/%2e/b"])
def test_a_program_sends_what_was_typed(text: str) -> None:
    url = parse_url(text, home=None, by_browser=False)

    assert url.target == text.encode()
    assert not url.is_respelled


@pytest.mark.parametrize(
    "text, is_respelled",
    [
        pytest.param("https://h", False, id="no path"),
        pytest.param("HTTPS://H:443/a#b", False, id="what is no part of the target"),
        pytest.param("/a?b", False, id="the same"),
        pytest.param("/a b", True, id="encoded"),
        pytest.param("/./a", True, id="shorter"),
        pytest.param("/a\\b", True, id="a backslash"),
    ],
)
def test_whether_the_target_was_written_so(text: str, is_respelled: bool) -> None:
    assert parse_url(text, home=None, by_browser=True).is_respelled is is_respelled


@pytest.mark.parametrize(
    "text, scheme, authority, is_websocket",
    [
        pytest.param("ws://h:80/a", "http", b"h", True, id="in the clear"),
        pytest.param("WSS:\\\\h:443", "https", b"h", True, id="encrypted"),
        pytest.param("ws://h:443/a", "http", b"h:443", True, id="a port that is not its own"),
        pytest.param("https://h", "https", b"h", False, id="no WebSocket"),
        pytest.param("/a", "http", b"home", False, id="a path"),
    ],
)
def test_a_websocket_is_asked_for_over_http(
    text: str, scheme: str, authority: bytes, is_websocket: bool
) -> None:
    url = parse_url(text, home="http://home", by_browser=True)

    assert (url.scheme, url.authority, url.is_websocket) == (scheme, authority, is_websocket)


@pytest.mark.parametrize("text", ["", "a/b", "ftp://h/", "http:\\\\u@h/"])
def test_what_cannot_be_called(text: str) -> None:
    with pytest.raises(UrlError):
        parse_url(text, home=None, by_browser=True)
