"""The origins that stand for strangers: what each has of the page's, and whose it would be."""

import pytest

from cors_gateway.cors.origins import parse_origin
from cors_gateway.doctor.strangers import STRANGER, beginning_of
from tests.doctor.examining import case


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
    strangers = case(origin, url=url).strangers

    assert (strangers.look_alike, strangers.insecure) == (look_alike, insecure)
    assert parse_origin(look_alike)


def test_a_name_is_continued_in_front_and_held_in_the_middle() -> None:
    strangers = case("http://localhost:5173", url="https://api.example.com/").strangers

    assert strangers.beginning == b"http://localhost.attacker.example:5173"
    assert strangers.middle == b"http://attackerlocalhost.attacker.example:5173"
    assert strangers.own_name == b"https://api.example.com.attacker.example"


def test_addresses_in_brackets_have_no_names_to_go_on() -> None:
    strangers = case("http://[::1]:3000", url="http://[::1]:5000/").strangers

    assert (strangers.beginning, strangers.middle, strangers.own_name) == (None, None, None)


@pytest.mark.parametrize(
    "origin, dot",
    [
        pytest.param("https://app.example.com", b"https://appxexample.com", id="a subdomain"),
        pytest.param("http://shop.example.com:81", b"http://shopxexample.com:81", id="a port"),
        pytest.param(
            "https://a.b.example.com", b"https://a.bxexample.com", id="never the owner's own names"
        ),
        pytest.param("https://shop.co.uk", b"https://shopxco.uk", id="a registrable domain"),
        pytest.param("https://example.com", b"https://examplexcom", id="one dot alone"),
        pytest.param("http://intranet", None, id="a name without a dot"),
        pytest.param("http://localhost:5173", None, id="localhost"),
        pytest.param("http://app.localhost", None, id="what is this machine"),
        pytest.param("http://192.168.1.7", None, id="an address"),
        pytest.param(
            f"https://{'a' * 60}.example.com", None, id="one whose label would be too long"
        ),
    ],
)
def test_a_letter_takes_the_place_of_the_dot_that_parts_owners(
    origin: str, dot: bytes | None
) -> None:
    strangers = case(origin, url="https://api.example.org/").strangers

    assert strangers.dot == dot
    assert dot is None or parse_origin(dot)


@pytest.mark.parametrize(
    "origin, part",
    [
        ("http://localhost:5173", "http://localhost"),
        ("https://app.example.com", "https://app.example.com"),
        ("capacitor://localhost", "https://localhost"),
    ],
)
def test_what_a_beginning_has_of_the_page_is_its_scheme_and_name(origin: str, part: str) -> None:
    beginning = case(origin).strangers.beginning

    assert beginning is not None
    assert beginning_of(beginning) == part
