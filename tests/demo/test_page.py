"""The page comes whole from its own server, which fetches nothing that a page names."""

import re
from importlib.resources import files
from pathlib import Path

import pytest
from aiohttp import ClientSession
from aiohttp.test_utils import TestClient, unused_port
from aiohttp.web import Application, Request
from pytest_aiohttp import AiohttpClient

from cors_gateway.demo.calls import CALLS
from cors_gateway.demo.page import FILES, page
from cors_gateway.demo.places import Places

WEB = files("cors_gateway.demo").joinpath("web")


@pytest.fixture
async def client(aiohttp_client: AiohttpClient) -> TestClient[Request, Application]:
    port = unused_port()
    places = Places(
        Path("gateway.yaml"),
        api="http://localhost:1",
        page=f"http://127.0.0.1:{port}",
        gateway="http://localhost:2",
    )
    return await aiohttp_client(page(places), server_kwargs={"port": port})


def test_every_file_is_served_and_of_moderate_length() -> None:
    present = {entry.name: entry for entry in WEB.iterdir()}

    assert {name for name, _ in FILES.values()} == present.keys()
    assert all(len(entry.read_text("utf-8").splitlines()) < 200 for entry in present.values())


@pytest.mark.parametrize("path", FILES)
async def test_a_file_needs_nothing_from_elsewhere(
    client: TestClient[Request, Application], path: str
) -> None:
    answer = await client.get(path)
    text = (await answer.text()).replace("http://www.w3.org/2000/svg", "")

    assert (answer.status, answer.content_type) == (200, FILES[path][1])
    assert (
        re.findall(r"https?://[\w.]|@import|url\(|<style|\son\w+=|\sstyle=|innerHTML", text) == []
    )


async def test_its_policy_allows_its_own_scripts_and_the_two_ways_alone(
    client: TestClient[Request, Application],
) -> None:
    answer = await client.get("/")

    policy = dict(
        part.strip().split(" ", 1) for part in answer.headers["Content-Security-Policy"].split(";")
    )
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == "'self'"
    assert policy["connect-src"].split() == [
        "'self'",
        "http://localhost:1",
        "http://localhost:2",
        "ws://localhost:1",
        "ws://localhost:2",
    ]
    assert policy["frame-ancestors"] == policy["base-uri"] == policy["form-action"] == "'none'"
    assert "unsafe" not in answer.headers["Content-Security-Policy"]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("path", ["/", "/demo.json", "/reasons/read"])
async def test_another_name_leads_home(client: TestClient[Request, Application], path: str) -> None:
    """So the page has the origin that the policy names, and no stranger's name leads here."""
    async with ClientSession() as session:
        answer = await session.get(
            client.make_url(path), headers={"Host": "evil.example"}, allow_redirects=False
        )

    assert (answer.status, answer.headers["Location"]) == (302, str(client.make_url("/")))


async def test_the_page_is_told_what_to_call(client: TestClient[Request, Application]) -> None:
    told = await (await client.get("/demo.json")).json()

    assert (told["api"], told["gateway"]) == ("http://localhost:1", "http://localhost:2")
    assert [call["name"] for call in told["calls"]] == [call.name for call in CALLS]


async def test_only_what_is_listed_can_be_asked_for(
    client: TestClient[Request, Application],
) -> None:
    assert (await client.get("/reasons/http:%2F%2F127.0.0.1:1%2F")).status == 404
