import pytest

from cors_gateway.cors.request_headers import (
    MAX_ANNOUNCED_BYTES,
    MAX_ANNOUNCED_NAMES,
    MAX_SPARE_SPACES,
    is_forbidden_request_header,
    parse_announced_names,
)


@pytest.mark.parametrize(
    "lines, names",
    [
        ((), ()),
        ((b"",), ()),
        ((b"x-a",), (b"x-a",)),
        ((b"authorization,content-type",), (b"authorization", b"content-type")),
        ((b"X-B, x-a ,\tX-B",), (b"x-b", b"x-a")),
        ((b"x-a", b"", b"x-b,x-a"), (b"x-a", b"x-b")),
        ((b",,x-a,,",), (b"x-a",)),
        ((b"*",), (b"*",)),
    ],
)
def test_order_case_repeats_and_lines_do_not_matter(
    lines: tuple[bytes, ...], names: tuple[bytes, ...]
) -> None:
    assert parse_announced_names(lines) == names


@pytest.mark.parametrize(
    "line",
    [b"a b", b"a\r\nb: c", b"a,b:c", b"x-\xff", b'"a"', b"a\0", b"a;b", b"(a)", b"\x0b"],
)
def test_a_name_that_is_no_token_spoils_the_list(line: bytes) -> None:
    assert parse_announced_names((b"x-ok", line)) is None


@pytest.mark.parametrize(
    "within, beyond",
    [
        pytest.param(
            (b"a" * MAX_ANNOUNCED_BYTES,), (b"a" * (MAX_ANNOUNCED_BYTES + 1),), id="one line"
        ),
        pytest.param((b"a" * 2048, b"b" * 2048), (b"a" * 2048, b"b" * 2049), id="all lines"),
        pytest.param((b"," * 4096,), (b"," * 4097,), id="commas"),
        pytest.param(
            (b",".join([b"a"] * MAX_ANNOUNCED_NAMES),),
            (b",".join([b"a"] * (MAX_ANNOUNCED_NAMES + 1)),),
            id="names before repeats are removed",
        ),
        pytest.param(
            (b"a," + b" " * (MAX_SPARE_SPACES + 2) + b"b",),
            (b"a," + b" " * (MAX_SPARE_SPACES + 3) + b"b",),
            id="spaces",
        ),
        pytest.param(
            (b"\t" * MAX_SPARE_SPACES,), (b"\t" * (MAX_SPARE_SPACES + 1),), id="tabs and no name"
        ),
    ],
)
def test_amounts_are_bounded(within: tuple[bytes, ...], beyond: tuple[bytes, ...]) -> None:
    assert parse_announced_names(within) is not None
    assert parse_announced_names(beyond) is None


@pytest.mark.parametrize(
    "name", [b"Connection", b"DNT", b"Sec-Fetch-Site", b"Proxy-Anything", b"cookie", b"HOST"]
)
def test_pages_cannot_set_forbidden_headers(name: bytes) -> None:
    assert is_forbidden_request_header(name)


@pytest.mark.parametrize("name", [b"User-Agent", b"Authorization", b"X-Sec-A", b"Secret", b"Cache"])
def test_other_headers_are_not_forbidden(name: bytes) -> None:
    assert not is_forbidden_request_header(name)
