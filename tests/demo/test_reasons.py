"""Why each call ends as it does: said by the API itself, and by a gateway that runs."""

import asyncio
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession, web
from pytest_aiohttp import AiohttpServer

from cors_gateway.demo.calls import CALLS
from cors_gateway.demo.legacy_api import legacy_api
from cors_gateway.demo.places import Places
from cors_gateway.demo.reasons import AT_ONCE, explain_call
from tests.demo.demonstration import EXAMPLE, SHIPPED, Demonstration, ask, demonstration
from tests.peers.processes import closed_port

NAMES = [call.name for call in CALLS]
BY_NAME = {call.name: call for call in CALLS}


@pytest.fixture(scope="module")
def demo() -> Iterator[Demonstration]:
    with demonstration() as running_demo:
        yield running_demo


def reason(demo: Demonstration, name: str) -> dict[str, Any]:
    answer = ask(f"{demo.page}/reasons/{name}")
    assert answer.status == 200
    told: dict[str, Any] = json.loads(answer.content)
    return told


@pytest.mark.parametrize(
    "name, line, end, error",
    [
        ("read", "GET /orders", "200", "MissingAllowOriginHeader"),
        ("save", "OPTIONS /orders/1", "405", "PreflightMissingAllowOriginHeader"),
        ("login", "OPTIONS /login", "405", "PreflightMissingAllowOriginHeader"),
        ("upload", "OPTIONS /upload", "405", "PreflightMissingAllowOriginHeader"),
        ("events", "GET /events", "200", "MissingAllowOriginHeader"),
        ("broken", "GET /broken", "500", "MissingAllowOriginHeader"),
        ("crash", "GET /crash", "no answer", None),
        ("unnamed", "OPTIONS /orders", "405", "PreflightMissingAllowOriginHeader"),
    ],
)
def test_what_the_api_says_straight(
    demo: Demonstration, name: str, line: str, end: str, error: str | None
) -> None:
    straight = reason(demo, name)["straight"]

    (exchange,) = straight["exchanges"]
    assert (exchange["line"], exchange["end"], straight["error"]) == (line, end, error)
    assert exchange["headers"] == []
    assert exchange["missing"] == (["Access-Control-Allow-Origin"] if error else [])


@pytest.mark.parametrize(
    "name, keys",
    [
        ("read", {"allowOrigins", "exposeHeaders"}),
        ("save", {"allowOrigins", "allowMethods", "allowHeaders"}),
        ("login", {"allowOrigins", "allowHeaders", "allowCredentials"}),
        ("upload", {"allowOrigins", "allowHeaders"}),
        ("events", {"allowOrigins"}),
        ("socket", {"allowOrigins"}),
        ("broken", {"allowOrigins"}),
        ("crash", {"allowOrigins"}),
        ("unnamed", {"allowOrigins", "allowHeaders"}),
    ],
)
def test_the_lines_are_those_of_the_file_that_runs(
    demo: Demonstration, name: str, keys: set[str]
) -> None:
    file = reason(demo, name)["through"]["file"]

    text = SHIPPED.read_text("utf-8").splitlines()
    assert all(text[line["number"] - 1] == line["text"] for line in file["lines"])
    assert {line["key"] for line in file["lines"]} - {""} == keys
    assert file["variables"] == {"DEMO_PAGE_ORIGIN": demo.page}


def test_what_the_gateway_says_of_a_preflight(demo: Demonstration) -> None:
    through = reason(demo, "save")["through"]

    assert [(step["check"], step["passed"]) for step in through["steps"]] == [
        ("origin", True),
        ("method", True),
        ("headers", True),
    ]
    assert through["error"] is None
    assert through["exchanges"] == [
        {
            "line": "OPTIONS /orders/1",
            "end": "204 by the gateway",
            "headers": [
                ["Access-Control-Allow-Origin", demo.page],
                ["Access-Control-Allow-Methods", "GET, POST, PUT"],
                ["Access-Control-Allow-Headers", "Content-Type, Authorization"],
            ],
            "missing": [],
        },
        {
            "line": "PUT /orders/1",
            "end": "passed on to the API",
            "headers": [["Access-Control-Allow-Origin", demo.page]],
            "missing": [],
        },
    ]


def test_a_header_that_no_policy_names_comes_with_the_line_to_change(demo: Demonstration) -> None:
    through = reason(demo, "unnamed")["through"]

    assert through["error"] == "HeaderDisallowedByPreflightResponse"
    (change,) = through["remedy"]["changes"]
    (line,) = [line for line in through["file"]["lines"] if line["change"]]
    assert change["change"] == line["change"] == "add X-Api-Version"
    assert line["key"] == "allowHeaders"


def test_a_strangers_web_socket_is_refused(demo: Demonstration) -> None:
    stranger = reason(demo, "socket")["through"]["stranger"]

    assert stranger["status"] == 403
    assert not any(step["passed"] for step in stranger["steps"])


def test_several_pages_may_ask_for_all_reasons_at_once(demo: Demonstration) -> None:
    names = [NAMES[number % len(NAMES)] for number in range(30)]

    with ThreadPoolExecutor(len(names)) as together:
        told = list(together.map(lambda name: reason(demo, name)["through"], names))

    assert [through["problem"] for through in told if "problem" in through] == []
    assert all(through["stranger"] for through in told if "stranger" in through)
    assert sum("stranger" in through for through in told) == names.count("socket")


def test_another_file_is_explained_by_its_own_lines() -> None:
    with demonstration("-c", str(EXAMPLE)) as demo:
        file = reason(demo, "read")["through"]["file"]

    text = EXAMPLE.read_text("utf-8").splitlines()
    assert [line["text"] for line in file["lines"]] == [
        text[line["number"] - 1] for line in file["lines"]
    ]
    assert [line["key"] for line in file["lines"]][:3] == ["", "", "allowOrigins"]
    assert file["variables"] == {}


async def through(admin: str, api: str = "http://127.0.0.1:9", name: str = "read") -> Any:
    places = Places(SHIPPED, api, "http://localhost:1", "http://localhost:2", admin)
    async with ClientSession() as session:
        turns = asyncio.Semaphore(AT_ONCE)
        return (await explain_call(session, BY_NAME[name], places, turns))["through"]


async def test_an_admin_listener_that_nobody_named() -> None:
    assert await through("") == {"problem": "the gateway has not said where its admin listener is"}


async def test_an_admin_listener_that_is_not_there() -> None:
    with closed_port() as port:
        told = await through(f"http://127.0.0.1:{port}")

    assert told["problem"].startswith(f"http://127.0.0.1:{port}/explain cannot be asked")


@pytest.mark.parametrize(
    "answer, problem",
    [
        pytest.param(web.Response(status=404), "answers 404", id="no explanation"),
        pytest.param(web.Response(text="yes"), "cannot be asked", id="no JSON"),
    ],
)
async def test_an_admin_listener_that_is_something_else(
    aiohttp_server: AiohttpServer, answer: web.Response, problem: str
) -> None:
    async def respond(_request: web.Request) -> web.Response:
        return answer

    application = web.Application()
    application.router.add_get("/explain", respond)
    server = await aiohttp_server(application)

    assert problem in (await through(f"http://127.0.0.1:{server.port}"))["problem"]


async def test_a_file_that_has_gone_is_not_shown(
    aiohttp_server: AiohttpServer, demo: Demonstration, tmp_path: Path
) -> None:
    api = await aiohttp_server(legacy_api())
    places = Places(
        tmp_path / "gone.yaml", f"http://127.0.0.1:{api.port}", demo.page, demo.gateway, demo.admin
    )
    async with ClientSession() as session:
        told = await explain_call(session, BY_NAME["read"], places, asyncio.Semaphore(AT_ONCE))

    assert told["through"]["file"] is None
    assert told["through"]["steps"]
