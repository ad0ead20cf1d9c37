import pytest

from cors_gateway.cors.tokens import is_token


@pytest.mark.parametrize("value", [b"GET", b"x-custom", b"!#$%&'*+-.^_`|~09azAZ", b"*"])
def test_a_token_is_made_of_token_bytes(value: bytes) -> None:
    assert is_token(value)


@pytest.mark.parametrize(
    "value",
    [b"", b"a b", b"a\tb", b"a,b", b"a:", b"a\r\nb", b'"a"', b"a/b", b"\xe4", b"a\0", b"{}"],
)
def test_anything_else_is_none(value: bytes) -> None:
    assert not is_token(value)
