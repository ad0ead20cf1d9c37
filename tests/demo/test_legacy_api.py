"""The embedded legacy API does its work, and knows nothing of CORS."""

import hashlib

import pytest
from aiohttp import ServerDisconnectedError
from aiohttp.test_utils import TestClient
from aiohttp.web import Application, Request
from pytest_aiohttp import AiohttpClient

from cors_gateway.demo.legacy_api import MAX_ORDERS, legacy_api

Client = TestClient[Request, Application]


@pytest.fixture
async def client(aiohttp_client: AiohttpClient) -> Client:
    return await aiohttp_client(legacy_api())


async def test_orders_are_created_read_changed_and_deleted(client: Client) -> None:
    token = {"Authorization": "Bearer x"}
    created = await client.post("/orders", json={"item": "oat milk", "id": 7})
    changed = await client.put("/orders/1", json={"item": "black tea", "id": 7}, headers=token)
    deleted = await client.delete("/orders/2", headers=token)
    listed = await client.get("/orders")
    read, gone = await client.get("/orders/1"), await client.get("/orders/2")

    assert (created.status, created.headers["Location"]) == (201, "/orders/3")
    assert await changed.json() == await read.json() == {"id": 1, "item": "black tea"}
    assert (deleted.status, gone.status) == (204, 404)
    assert await listed.json() == [
        {"id": 1, "item": "black tea"},
        {"id": 3, "item": "oat milk"},
    ]
    assert listed.headers["X-Total-Count"] == "2"


async def test_a_login_is_remembered_by_its_cookie_alone(client: Client) -> None:
    before = await client.get("/me")
    login = await client.post("/login", json={"user": "ada"})
    after = await client.get("/me")
    client.session.cookie_jar.clear()
    elsewhere = await client.get("/me")

    assert [answer.status for answer in (before, login, after, elsewhere)] == [401, 200, 200, 401]
    assert await after.json() == {"user": "ada"}


async def test_an_upload_is_measured(client: Client) -> None:
    content = bytes(range(256)) * 1024

    answer = await client.post("/upload", data=content)

    assert await answer.json() == {
        "length": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
    }


async def test_a_slow_answer_comes_in_pieces(client: Client) -> None:
    answer = await client.get("/slow")

    assert [piece async for piece in answer.content.iter_any()] == [
        f"line {number} of 5\n".encode() for number in range(1, 6)
    ]


async def test_events_come_one_by_one(client: Client) -> None:
    answer = await client.get("/events")

    assert answer.content_type == "text/event-stream"
    assert [piece async for piece in answer.content.iter_any()] == [
        f"id: {number}\ndata: parcel {number} has left\n\n".encode() for number in range(1, 6)
    ]


async def test_a_web_socket_echoes_text_and_bytes(client: Client) -> None:
    async with client.ws_connect("/echo", origin="https://evil.example") as socket:
        await socket.send_str("hello")
        text = await socket.receive_str()
        await socket.send_bytes(b"\xff")

        assert (text, await socket.receive_bytes()) == ("hello", b"\xff")


async def test_a_crash_is_no_answer(client: Client) -> None:
    with pytest.raises(ServerDisconnectedError):
        await client.get("/crash")


async def test_orders_are_bounded(client: Client) -> None:
    statuses = [(await client.post("/orders", json={})).status for _ in range(MAX_ORDERS - 1)]

    assert statuses == [201] * (MAX_ORDERS - 2) + [507]


@pytest.mark.parametrize(
    "method, path, content, status",
    [
        pytest.param("GET", "/nowhere", None, 404, id="no such path"),
        pytest.param("PUT", "/orders/9", b"{}", 404, id="no such order"),
        pytest.param("GET", "/broken", None, 500, id="broken on purpose"),
        pytest.param("POST", "/orders", b"[1]", 400, id="JSON, but no object"),
        pytest.param("POST", "/orders", b"\xff{", 400, id="no JSON"),
    ],
)
async def test_failures(
    client: Client, method: str, path: str, content: bytes | None, status: int
) -> None:
    answer = await client.request(method, path, data=content, headers={"Authorization": "Bearer x"})

    assert answer.status == status


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
async def test_a_change_needs_a_token(client: Client, method: str) -> None:
    assert (await client.request(method, "/orders/1", json={})).status == 401


PATHS = [
    "/orders", "/orders/1", "/login", "/me", "/upload", "/events", "/echo", "/slow", "/broken",
    "/nowhere",
]  # fmt: skip


@pytest.mark.parametrize("path", PATHS)
async def test_it_has_never_heard_of_cors(client: Client, path: str) -> None:
    asked = {"Origin": "http://localhost:1"}
    preflight = {**asked, "Access-Control-Request-Method": "PUT"}

    answers = [await client.request(method, path, headers=asked) for method in ("GET", "POST")]
    refused = await client.options(path, headers=preflight)

    assert refused.status == (404 if path == "/nowhere" else 405)
    for answer in (*answers, refused):
        assert not [name for name in answer.headers if name.lower().startswith("access-control-")]
