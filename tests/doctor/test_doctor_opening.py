"""What becomes of a person's words."""

import pytest

from cors_gateway.explain.question import QuestionError
from tests.doctor.examining import API, APP, case


def test_without_an_origin_one_is_assumed() -> None:
    opened = case()

    assert (opened.page.origin, opened.is_page_assumed) == (APP.encode(), True)
    assert not case("https://shop.example.org").is_page_assumed


def test_without_method_and_header_it_is_json_that_is_posted() -> None:
    opened = case()

    assert opened.is_call_assumed
    assert opened.page.method == b"POST"
    assert opened.page.headers == ((b"Content-Type", b"application/json"),)
    assert opened.asks_first


@pytest.mark.parametrize(
    "method, headers, asks_first",
    [
        pytest.param("GET", (), False, id="a plain GET"),
        pytest.param("put", (), True, id="a method in small letters"),
        pytest.param(None, ((b"X-A", b"1"),), True, id="a header alone"),
    ],
)
def test_what_is_said_is_taken(
    method: str | None, headers: tuple[tuple[bytes, bytes], ...], asks_first: bool
) -> None:
    opened = case(APP, method=method, headers=headers)

    assert not opened.is_call_assumed
    assert opened.page.method == (method or "GET").upper().encode()
    assert opened.asks_first is asks_first


def test_an_origin_that_is_given_twice_counts_once() -> None:
    assert len(case(APP, APP).pages) == 1


@pytest.mark.parametrize(
    "url, origins, said",
    [
        pytest.param("/orders", [APP], "is no address of an API", id="a path"),
        pytest.param("ws://h/", [APP], "is no address of an API", id="a WebSocket"),
        pytest.param("ftp://h/", [APP], "neither a URL nor a path", id="another scheme"),
        pytest.param("localhost:5000/a", [APP], "did you mean http://localhost:5000/a", id="none"),
        pytest.param("http://u:p@h/", [APP], "is no host", id="somebody's name in it"),
        pytest.param(API, ["app.example.com"], "did you mean https://app.example.com?", id="host"),
        pytest.param(API, ["https://app.example.com/"], "did you mean", id="a slash at the end"),
        pytest.param(API, ["null"], "null is any page that hides", id="null"),
        pytest.param(API, ["!"], "write https://app.example.com", id="no origin at all"),
        pytest.param(API, ["https://api.example.com"], "the API's own origin", id="its own origin"),
        pytest.param(API, [f"https://{n}.example" for n in range(4)], "3 origins at most", id="4"),
    ],
)
def test_what_makes_no_sense_is_refused(url: str, origins: list[str], said: str) -> None:
    with pytest.raises(QuestionError, match=said.replace("?", r"\?")):
        case(*origins, url=url)


@pytest.mark.parametrize("name", [b"Cookie", b"Host", b"Origin", b"Sec-Fetch-Site"])
def test_a_header_that_no_page_can_set_is_refused(name: bytes) -> None:
    with pytest.raises(QuestionError, match="do not let a page set"):
        case(APP, headers=((name, b"x"),))


@pytest.mark.parametrize(
    "name", [b"X-HTTP-Method-Override", b"x-http-method", b"X-Method-Override"]
)
def test_a_header_that_makes_a_get_something_else_is_refused(name: bytes) -> None:
    with pytest.raises(QuestionError, match="only harmless requests are sent"):
        case(APP, headers=((name, b"DELETE"),))


@pytest.mark.parametrize(
    "origin, site",
    [
        ("https://app.example.com", "same-site"),
        ("https://app.example.org", "cross-site"),
        ("http://app.example.com", "cross-site"),
    ],
)
def test_how_far_a_page_is_from_the_api(origin: str, site: str) -> None:
    assert case(origin).sites == (site,)
