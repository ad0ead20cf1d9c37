import pytest

from cors_gateway.config.problems import UnfitValueError
from cors_gateway.config.request_fields import check_field_name, check_field_value


@pytest.mark.parametrize("name", ["X-Api-Key", "Authorization", "cookie", "a_b", "X-Real-IP"])
def test_names_that_a_route_may_set(name: str) -> None:
    check_field_name(name)


@pytest.mark.parametrize(
    "name",
    [
        "",
        "a b",
        "a:",
        "é",
        "Host",
        "CONTENT-LENGTH",
        "Transfer-Encoding",
        "Connection",
        "Upgrade",
        "TE",
        "Trailer",
        "Keep-Alive",
        "Proxy-Connection",
        "Expect",
        "Via",
        "Origin",
        "Forwarded",
        "X-Forwarded-For",
        "x-forwarded-proto",
        "X-Request-ID",
    ],
)
def test_names_that_a_route_may_not_set(name: str) -> None:
    with pytest.raises(UnfitValueError) as caught:
        check_field_name(name)

    assert caught.value.fix


@pytest.mark.parametrize("value", ["", "Bearer abc", "é", "a\tb"])
def test_values(value: str) -> None:
    check_field_value(value)


@pytest.mark.parametrize("value", ["a\nb", "a\r\nX: y", "\0", "\x7f", " a", "a\t", "\ud800"])
def test_values_that_would_not_arrive(value: str) -> None:
    with pytest.raises(UnfitValueError):
        check_field_value(value)
