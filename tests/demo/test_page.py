"""The page comes whole from its own server, and learns the addresses from it."""

import re

from pytest_aiohttp import AiohttpClient

from cors_gateway.demo.page import page


async def test_the_page_needs_nothing_from_elsewhere(aiohttp_client: AiohttpClient) -> None:
    client = await aiohttp_client(page(api="http://localhost:1", gateway="http://localhost:2"))

    answer = await client.get("/")

    html = await answer.text()
    assert answer.content_type == "text/html"
    assert re.findall(r"https?://|@import|\ssrc=|url\(", html) == []


async def test_the_page_is_told_where_to_call(aiohttp_client: AiohttpClient) -> None:
    client = await aiohttp_client(page(api="http://localhost:1", gateway="http://localhost:2"))

    answer = await client.get("/addresses.json")

    assert await answer.json() == {"api": "http://localhost:1", "gateway": "http://localhost:2"}
