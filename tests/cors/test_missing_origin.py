import pytest

from cors_gateway.cors.missing_origin import derive_origin
from cors_gateway.cors.outcome import CorsRequest

ALL = ("X-Original-Origin", "Referer", "Host")
NAMES = tuple(name.encode() for name in ALL)


@pytest.mark.parametrize(
    "original, referer, host, origin, consulted",
    [
        (b"https://a.com", b"https://b.com/", b"c.com", b"https://a.com", NAMES[:1]),
        (b"null", b"https://b.com/", b"c.com", b"null", NAMES[:1]),
        (None, b"https://b.com/x?y#z", b"c.com", b"https://b.com", NAMES[:2]),
        (None, b"https://b.com:8443?y/z", b"c.com", b"https://b.com:8443", NAMES[:2]),
        (None, b"https://b.com", None, b"https://b.com", NAMES[:2]),
        (None, b"https://b.com#a/b", None, b"https://b.com", NAMES[:2]),
        (None, b"nonsense/", None, b"nonsense/", NAMES[:2]),
        (None, b"", b"c.com", b"", NAMES[:2]),
        (None, None, b"c.com:8443", b"https://c.com:8443", NAMES),
        (None, None, None, None, NAMES),
    ],
)
def test_the_first_source_that_is_there_gives_the_origin(
    original: bytes | None,
    referer: bytes | None,
    host: bytes | None,
    origin: bytes | None,
    consulted: tuple[bytes, ...],
) -> None:
    request = CorsRequest(method=b"GET", original_origin=original, referer=referer, host=host)

    assert derive_origin(ALL, request) == (origin, consulted)


def test_only_the_named_sources_are_consulted_in_their_order() -> None:
    request = CorsRequest(method=b"GET", original_origin=b"https://a.com", host=b"c.com")

    assert derive_origin(("Referer",), request) == (None, (b"Referer",))
    assert derive_origin(("Host", "X-Original-Origin"), request) == (b"https://c.com", (b"Host",))
