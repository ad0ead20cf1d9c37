import pytest

from cors_gateway.cors.exposure import expose_real_names, is_forbidden_response_header


def test_the_fields_of_a_response_are_named_once_as_they_are_spelled() -> None:
    names = [b"X-Total-Count", b"ETag", b"x-total-count", b"Date"]

    assert expose_real_names(names) == b"X-Total-Count, ETag, Date"


def test_what_needs_no_exposing_or_cannot_be_exposed_is_left_out() -> None:
    names = [
        *(b"Cache-Control", b"Content-Language", b"Content-Length", b"Content-Type", b"Expires"),
        *(b"Last-Modified", b"Pragma", b"Set-Cookie", b"SET-COOKIE2"),
        *(b"Access-Control-Allow-Origin", b"access-control-max-age", b"X-A"),
    ]

    assert expose_real_names(names) == b"X-A"


def test_no_name_can_become_a_wildcard_or_another_field() -> None:
    assert expose_real_names([b"*", b"a b", b"a\r\nb", b"a,b", b"X-A"]) == b"X-A"


def test_nothing_to_name_is_none() -> None:
    assert expose_real_names([b"Content-Type", b"*"]) is None
    assert expose_real_names([]) is None


@pytest.mark.parametrize("name, forbidden", [(b"Set-Cookie", True), (b"set-cookie2", True),
                                             (b"X-Set-Cookie", False)])  # fmt: skip
def test_browsers_never_show_cookies(name: bytes, forbidden: bool) -> None:
    assert is_forbidden_response_header(name) is forbidden
