"""What holds for every request to admin, whatever it asks for."""

import asyncio
import socket
import threading
from pathlib import Path

import pytest

from cors_gateway.admin import clients, health, server, turns
from cors_gateway.admin.server import PATHS
from cors_gateway.process.tally import Tally
from tests.admin.admin_rig import Admin, Seen, sees_answer
from tests.admin.conftest import StartAdmin
from tests.wire.raw_peer import End

EVERY_PATH = ["/", "/healthz", *PATHS]
READ = [path for path in EVERY_PATH if path != "/reload"]
"""Those by which nothing changes."""
PATIENCE = 60.0
LONG = "a" * 32 * 1024 * 1024
"""More than the kernel holds."""


@pytest.mark.parametrize("path", [*EVERY_PATH, "/nothing-here", "/config?format=xml"])
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "OPTIONS"])
async def test_every_answer_is_kept_from_caches_and_from_pages(
    admin: Admin, path: str, method: str
) -> None:
    answer = await admin.answers(path, method=method, Origin="https://app.example.com")

    assert answer.fields["cache-control"] == "no-store"
    assert answer.fields["x-content-type-options"] == "nosniff"
    assert answer.fields["cross-origin-resource-policy"] == "same-origin"
    assert answer.fields["server"] == "cors-gateway"
    assert answer.fields["connection"] == "close"
    assert not [name for name in answer.fields if name.startswith("access-control-")]


async def test_a_preflight_is_not_granted(admin: Admin) -> None:
    answer = await admin.answers(
        "/config",
        method="OPTIONS",
        Origin="https://app.example.com",
        Access_Control_Request_Method="GET",
        Access_Control_Request_Private_Network="true",
    )

    assert answer.status == 405
    assert not [name for name in answer.fields if name.startswith("access-control-")]


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"])
@pytest.mark.parametrize("path", ["/", "/metrics"])
async def test_only_get_and_head_are_answered(admin: Admin, method: str, path: str) -> None:
    answer = await admin.answers(path, method=method)

    assert (answer.status, answer.fields["allow"]) == (405, "GET, HEAD")
    assert answer.text == "only GET and HEAD are answered here\n"


@pytest.mark.parametrize("path", ["/nothing-here", "/reload/"])
async def test_with_any_method_an_unknown_path_gets_the_list(admin: Admin, path: str) -> None:
    answer = await admin.answers(path, method="POST")

    assert (answer.status, "/readyz" in answer.text) == (404, True)


@pytest.mark.parametrize("path", READ)
async def test_head_is_get_without_content(admin: Admin, path: str) -> None:
    target = path + "?url=/api" if path == "/explain" else path

    got = await admin.answers(target)
    head = await admin.answers(target, method="HEAD")

    assert (got.status, head.status, head.text) == (200, 200, "")
    assert head.fields["content-type"] == got.fields["content-type"]


@pytest.mark.parametrize(
    "path", ["/nothing-here", "/livez/", "//livez", "/%2e%2e/config", "/denials"]
)
async def test_an_unknown_path_gets_the_list_of_those_there_are(admin: Admin, path: str) -> None:
    answer = await admin.answers(path)

    assert answer.status == 404
    assert all(known in answer.text for known in PATHS)


async def test_the_index_lists_every_path(admin: Admin) -> None:
    answer = await admin.answers("/")

    assert answer.status == 200
    assert answer.fields["content-type"] == "text/plain; charset=utf-8"
    assert all(known in answer.text for known in PATHS)


@pytest.mark.parametrize(
    "lines",
    [
        pytest.param(b"Content-Length: 1\r\n\r\na", id="counted"),
        pytest.param(b"Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n", id="chunked"),
    ],
)
async def test_content_is_refused(admin: Admin, lines: bytes) -> None:
    client = await admin.connects()

    await client.sends(b"GET /livez HTTP/1.1\r\nHost: localhost\r\n" + lines)

    assert (await sees_answer(client))[0] == 413


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param(b"hello\r\n\r\n", id="no HTTP"),
        pytest.param(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", id="TLS"),
        pytest.param(b"BREW /livez HTTP/1.1\r\nHost: h\r\n\r\n", id="a method nobody knows"),
        pytest.param(b"GET /%b HTTP/1.1\r\nHost: h\r\n\r\n" % (b"a" * 9000), id="a long target"),
        pytest.param(
            b"GET / HTTP/1.1\r\nHost: h\r\nA: %b\r\n\r\n" % (b"a" * 9000), id="a long line"
        ),
        pytest.param(b"GET / HTTP/1.1\r\nHost: h\r\n%b\r\n" % (b"A: a\r\n" * 100), id="many lines"),
        pytest.param(b"GET / HTTP/1.1\r\nHost: h\r\nX y: secret\r\n\r\n", id="a malformed line"),
    ],
)
async def test_what_cannot_be_read_gets_400_and_is_nobodys_news(admin: Admin, sent: bytes) -> None:
    client = await admin.connects()

    await client.sends(sent)
    status, received = await sees_answer(client)

    assert status == 400
    assert b"Cache-Control: no-store\r\n" in received
    assert b"secret" not in received
    assert admin.told == []


async def test_an_expectation_that_is_not_known_is_refused(admin: Admin) -> None:
    answer = await admin.answers("/livez", Expect="a-miracle")

    assert (answer.status, answer.fields["cache-control"]) == (417, "no-store")


async def test_a_fault_is_answered_and_told_and_admin_lives_on(
    admin: Admin, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_overview: object) -> str:
        raise ZeroDivisionError("of a kind")

    monkeypatch.setattr(server, "describe", fail)

    answer = await admin.answers("/readyz?verbose")

    assert (answer.status, answer.text) == (500, "it failed; the log says more\n")
    ((level, message),) = admin.told
    assert level == "error"
    assert message.startswith("admin: '/readyz' failed: ")
    assert message.endswith("fail: ZeroDivisionError('of a kind')")
    assert (await admin.answers("/livez")).status == 200


async def test_a_fault_beside_the_loop_is_answered_and_told(
    start_admin: StartAdmin, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> str:
        raise ZeroDivisionError

    admin = await start_admin()
    monkeypatch.setattr(server, "render", fail)

    answer = await admin.answers("/config?format=yaml")

    assert (answer.status, len(admin.told)) == (500, 1)


async def test_one_connection_is_good_for_one_answer(admin: Admin) -> None:
    client = await admin.connects()

    await client.sends(b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n" * 3)

    assert (await sees_answer(client))[0] == 200


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"GET /livez HTTP/1.1\r\nHost: loc", id="half a head"),
        pytest.param(b"GET / HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\n", id="no content"),
    ],
)
async def test_who_is_slow_is_cut_off(
    admin: Admin, monkeypatch: pytest.MonkeyPatch, sent: bytes
) -> None:
    monkeypatch.setattr(clients, "LIFETIME", 0.1)
    client = await admin.connects()

    await client.sends(sent)
    await client.sees_rest()

    assert client.end in {End.CLOSED, End.RESET}


async def test_where_too_many_come_the_oldest_has_to_go(
    admin: Admin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clients, "MOST_CONNECTIONS", 2)
    first, second = [await admin.connects() for _ in range(2)]
    await asyncio.sleep(0.05)

    assert (await admin.answers("/livez")).status == 200

    await first.sees_rest()
    await second.sees_nothing()


async def test_who_takes_no_answer_has_to_go_too(
    admin: Admin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clients, "MOST_CONNECTIONS", 1)
    monkeypatch.setattr(server, "render", lambda _: LONG)
    client = await admin.connects()
    await client.sends(b"GET /config?format=yaml HTTP/1.1\r\nHost: localhost\r\n\r\n")
    await client.sees(b"HTTP/1.1 200 OK")

    assert (await admin.answers("/livez")).status == 200

    assert len(await client.sees_rest()) < len(LONG)


async def test_probes_are_answered_while_a_question_is_pondered(
    admin: Admin, monkeypatch: pytest.MonkeyPatch
) -> None:
    is_asked, may_answer = threading.Event(), threading.Event()

    def ponder(*_: object) -> str:
        is_asked.set()
        assert may_answer.wait(PATIENCE)
        return "because"

    monkeypatch.setattr(server, "explain_as_text", ponder)
    asked = asyncio.ensure_future(admin.answers("/explain?format=text&url=/api"))
    await asyncio.to_thread(is_asked.wait, PATIENCE)

    probed = await asyncio.gather(
        *map(admin.answers, ["/livez", "/readyz", "/readyz?verbose", "/metrics", "/config"])
    )
    may_answer.set()

    assert [answer.status for answer in probed] == [200] * 5
    assert (await asked).text == "because\n"


async def test_who_asks_too_much_is_told_to_come_back(
    admin: Admin, monkeypatch: pytest.MonkeyPatch
) -> None:
    may_answer = threading.Event()

    def ponder(*_: object) -> str:
        assert may_answer.wait(PATIENCE)
        return "because"

    monkeypatch.setattr(server, "explain_as_text", ponder)
    asked = [
        asyncio.ensure_future(admin.answers("/explain?format=text&url=/api")) for _ in range(8)
    ]
    early, _ = await asyncio.wait(asked, return_when=asyncio.FIRST_COMPLETED, timeout=PATIENCE)
    may_answer.set()
    answers = await asyncio.gather(*asked)

    assert {each.result().status for each in early} == {503}
    assert [answer.status for answer in answers].count(200) == 5
    refused = next(answer for answer in answers if answer.status == 503)
    assert refused.fields["retry-after"] == "5"


async def test_the_end_does_not_wait_for_a_question_that_is_pondered(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    is_asked, may_answer = threading.Event(), threading.Event()
    pondered: list[bool] = []

    def ponder(*_: object) -> str:
        is_asked.set()
        pondered.append(may_answer.wait(20))
        return "because"

    monkeypatch.setattr(server, "explain_as_json", ponder)
    monkeypatch.setattr(turns, "PATIENCE", 3600.0)
    admin = Admin(Seen())
    await admin.start()
    client = await admin.connects()
    await client.sends(b"GET /explain?url=/api HTTP/1.1\r\nHost: localhost\r\n\r\n")
    await asyncio.to_thread(is_asked.wait, PATIENCE)

    await admin.stop()

    assert pondered == []
    may_answer.set()
    await client.sees_rest()
    admin.disconnects()
    assert admin.told == []


async def test_it_listens_on_a_unix_socket_too(start_admin: StartAdmin, tmp_path: Path) -> None:
    sock = socket.socket(socket.AF_UNIX)
    sock.bind(str(tmp_path / "admin"))
    sock.listen()
    sock.setblocking(False)
    admin = await start_admin(sock=sock)

    assert (await admin.answers("/readyz")).text == "ok\n"
    assert (await admin.answers("/readyz", host="evil.example")).status == 403


async def test_at_the_end_the_socket_is_closed_and_nobody_is_left() -> None:
    admin = Admin(Seen())
    await admin.start()
    client = await admin.connects()
    await admin.answers("/livez")

    await admin.stop()

    await client.sees_rest()
    with pytest.raises(ConnectionRefusedError):
        await admin.connects()
    admin.disconnects()


class _Unanswered(Seen):
    """A gateway whose workers cannot be asked."""

    async def gather(self) -> Tally:
        raise OSError("the pipe broke")


async def test_metrics_that_cannot_be_gathered_are_a_fault_like_any_other() -> None:
    admin = Admin(_Unanswered())
    await admin.start()

    answer = await admin.answers("/metrics")
    await admin.stop()

    assert (answer.status, len(admin.told)) == (500, 1)
    assert health.unreadiness(admin.overview) == ""
