import asyncio
from unittest import mock

import pytest
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.http_parser import HttpRequestParser

from cors_gateway.cors.methods import (
    FORBIDDEN_METHODS,
    MAX_METHOD_BYTES,
    RECEIVABLE_METHODS,
    is_forbidden_method,
    is_method,
    normalize_method,
)


@pytest.mark.parametrize(
    "method, sent",
    [
        (b"get", b"GET"),
        (b"Head", b"HEAD"),
        (b"post", b"POST"),
        (b"put", b"PUT"),
        (b"delete", b"DELETE"),
        (b"options", b"OPTIONS"),
        (b"patch", b"patch"),
        (b"PATCH", b"PATCH"),
        (b"Query", b"Query"),
    ],
)
def test_six_methods_are_normalized_and_no_other(method: bytes, sent: bytes) -> None:
    assert normalize_method(method) == sent


@pytest.mark.parametrize("method", [b"CONNECT", b"trace", b"Track"])
def test_forbidden_methods_are_forbidden_in_any_case(method: bytes) -> None:
    assert is_forbidden_method(method)


def test_other_methods_are_not_forbidden() -> None:
    assert not is_forbidden_method(b"TRACKS")


def test_a_method_is_a_token_of_bounded_length() -> None:
    assert is_method(b"A" * MAX_METHOD_BYTES)
    assert not is_method(b"A" * (MAX_METHOD_BYTES + 1))
    assert not is_method(b"GET PUT")
    assert not is_method(b"")


async def _is_received(method: bytes) -> bool:
    loop = asyncio.get_running_loop()
    parser = HttpRequestParser(mock.Mock(_reading_paused=False), loop, 2**16)
    try:
        parser.feed_data(method + b" / HTTP/1.1\r\nHost: a\r\n\r\n")
    except HttpProcessingError:
        return False
    return True


@pytest.mark.parametrize("method", sorted(RECEIVABLE_METHODS))
async def test_the_parser_receives_what_is_receivable(method: bytes) -> None:
    assert await _is_received(method)


@pytest.mark.parametrize("method", [b"patch", b"FOO", b"UPDATE", b"LABEL", b"CHECKIN", b"get"])
async def test_the_parser_refuses_what_is_not(method: bytes) -> None:
    assert method not in RECEIVABLE_METHODS
    assert not await _is_received(method)


def test_nothing_is_both_receivable_and_forbidden() -> None:
    assert not RECEIVABLE_METHODS & FORBIDDEN_METHODS
