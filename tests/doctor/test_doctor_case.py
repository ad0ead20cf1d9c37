"""What becomes of a person's words, and the origins that stand for strangers."""

import pytest

from cors_gateway.cors.origins import parse_origin
from cors_gateway.doctor.case import STRANGER
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
    "origin, url, look_alike, insecure",
    [
        pytest.param(
            *("https://app.example.com", "https://api.example.com/"),
            b"https://app.example.com.api.example.com.attackerexample.com",
            b"http://app.example.com",
            id="names",
        ),
        pytest.param(
            *("https://shop.co.uk", "http://legacy:5000/"),
            b"https://shop.co.uk.legacy.attackershop.co.uk",
            b"http://shop.co.uk",
            id="a registrable domain under a suffix of two",
        ),
        pytest.param(
            *("http://intranet", "http://legacy:5000/"),
            b"http://intranet.legacy.attacker.example",
            None,
            id="a name without a domain",
        ),
        pytest.param(
            *("http://localhost:3000", "http://127.0.0.1:5000/"),
            b"http://localhost.127.0.0.1.attacker.example:3000",
            None,
            id="loopback",
        ),
        pytest.param(
            *("http://[::1]:3000", "http://[::1]:5000/"),
            b"http://attacker.example:3000",
            None,
            id="addresses that are no part of a name",
        ),
        pytest.param(
            *("capacitor://localhost", "https://api.example.com/"),
            b"https://localhost.api.example.com.attacker.example",
            None,
            id="the scheme of an app",
        ),
        pytest.param(
            *(
                f"https://{'a' * 60}.{'b' * 60}.{'c' * 60}.{'d' * 30}.example.com",
                "https://api.example.com/",
            ),
            STRANGER,
            f"http://{'a' * 60}.{'b' * 60}.{'c' * 60}.{'d' * 30}.example.com".encode(),
            id="one that would be too long",
        ),
    ],
)
def test_a_look_alike_begins_ends_and_is_filled_like_what_is_looked_for(
    origin: str, url: str, look_alike: bytes, insecure: bytes | None
) -> None:
    rivals = case(origin, url=url).rivals

    assert (rivals.look_alike, rivals.insecure) == (look_alike, insecure)
    assert parse_origin(look_alike)


def test_addresses_in_brackets_have_no_names_to_go_on() -> None:
    rivals = case("http://[::1]:3000", url="http://[::1]:5000/").rivals

    assert (rivals.beginning, rivals.own_name) == (None, None)


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
