"""``POST /reload``: what becomes of it is told, and no page of somebody else can ask for it."""

import asyncio

import pytest

from cors_gateway.admin import clients
from cors_gateway.admin.reloading import MOST_AT_ONCE
from cors_gateway.admin.senders import SenderError, check_sender
from cors_gateway.differences.difference import Difference
from cors_gateway.process.overview import NotLoadedError, NotNowError
from tests.admin.admin_rig import Admin, Answer, Seen
from tests.admin.conftest import StartAdmin
from tests.wire.gateways import until

CHANGED = (
    Difference("route api: https://b.example.com may call now", is_wider=True, source="f.yaml:3"),
    Difference("log.level: info → error", is_wider=False),
)


async def reloads(
    start_admin: StartAdmin, seen: Seen, target: str = "/reload", **fields: str
) -> Answer:
    seen.may_reload.set()
    return await (await start_admin(seen)).answers(target, method="POST", **fields)


async def test_what_has_changed_is_said_line_by_line(start_admin: StartAdmin) -> None:
    seen = Seen(differences=CHANGED)
    answer = await reloads(start_admin, seen)

    assert (answer.status, seen.wanted_by) == (200, ["POST /reload"])
    assert answer.text.splitlines() == [
        "reloaded f.yaml: 2 differences, 1 wider",
        "wider: route api: https://b.example.com may call now (f.yaml:3)",
        "log.level: info → error",
    ]


@pytest.mark.parametrize(
    "target, accept",
    [("/reload?format=json", "text/plain"), ("/reload", "application/json")],
    ids=["by the target", "by Accept"],
)
async def test_who_asks_for_json_gets_that(
    start_admin: StartAdmin, target: str, accept: str
) -> None:
    answer = await reloads(start_admin, Seen(differences=CHANGED[:1]), target, Accept=accept)

    assert answer.data == {
        "reloaded": True,
        "inPlace": True,
        "differences": [{"text": CHANGED[0].text, "wider": True, "source": "f.yaml:3"}],
    }


@pytest.mark.parametrize(
    "problem, status",
    [
        pytest.param(NotLoadedError("f.yaml:1:1: no\nf.yaml:2:1: nor this"), 422, id="mistakes"),
        pytest.param(NotNowError("the gateway is stopping"), 503, id="while it stops"),
    ],
)
async def test_what_is_wrong_is_said(
    start_admin: StartAdmin, problem: NotLoadedError, status: int
) -> None:
    text = await reloads(start_admin, Seen(problem=problem))
    data = await reloads(start_admin, Seen(problem=problem), "/reload?format=json")

    assert (text.status, text.text) == (status, f"{problem}\n")
    assert (data.status, data.data) == (status, {"reloaded": False, "problem": str(problem)})
    assert ("retry-after" in text.fields) == (status == 503)


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "OPTIONS"])
async def test_nothing_but_post_has_it_done(admin: Admin, method: str) -> None:
    answer = await admin.answers("/reload", method=method)

    assert (answer.status, answer.fields["allow"]) == (405, "POST")
    assert answer.text in {"only POST is answered here\n", ""}
    assert admin.overview.reloading == 0


@pytest.mark.parametrize(
    "fields",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1"},
        {"Sec_Fetch_Site": "cross-site"},
        {"Sec_Fetch_Site": "same-site"},
        {"Referer": "http://localhost:3000/page"},
        {"Host": "evil.example"},
    ],
    ids=str,
)
async def test_no_page_of_somebody_else_has_it_done(admin: Admin, fields: dict[str, str]) -> None:
    host = fields.pop("Host", None)

    answer = await admin.answers("/reload", method="POST", host=host, **fields)

    assert (answer.status, admin.overview.reloading) == (403, 0)
    assert not [name for name in answer.fields if name.startswith("access-control-")]


async def test_content_is_refused(admin: Admin) -> None:
    client = await admin.connects()
    await client.sends(b"POST /reload HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\na")
    response = await client.sees_rest()

    assert response.startswith(b"HTTP/1.1 413 ")
    assert admin.overview.reloading == 0


async def test_too_many_are_told_to_come_back_and_probes_are_answered(admin: Admin) -> None:
    asked = [
        asyncio.ensure_future(admin.answers("/reload", method="POST"))
        for _ in range(MOST_AT_ONCE + 1)
    ]
    early, _ = await asyncio.wait(asked, return_when=asyncio.FIRST_COMPLETED)
    probed = await admin.answers("/livez")
    admin.overview.may_reload.set()
    statuses = [answer.status for answer in await asyncio.gather(*asked)]

    assert [task.result().status for task in early] == [503]
    assert probed.status == 200
    assert sorted(statuses) == [200] * MOST_AT_ONCE + [503]


async def test_it_has_a_time_of_its_own(admin: Admin, monkeypatch: pytest.MonkeyPatch) -> None:
    """A longer one: here it is shorter, so that nobody has to wait for the other."""
    monkeypatch.setattr(clients, "LIFETIME", 3600.0)
    monkeypatch.setattr(clients, "LONG_LIFETIME", 0.1)
    client = await admin.connects()
    await client.sends(b"POST /reload HTTP/1.1\r\nHost: a\r\n\r\n")

    assert await client.sees_rest() == b""
    assert admin.overview.reloading == 1
    admin.overview.may_reload.set()


async def test_who_asks_and_goes_has_it_done_all_the_same(admin: Admin) -> None:
    client = await admin.connects()
    await client.sends(b"POST /reload HTTP/1.1\r\nHost: a\r\n\r\n")
    await until(lambda: admin.overview.reloading == 1)
    client.closes()
    admin.overview.may_reload.set()

    assert (await admin.answers("/reload", method="POST")).status == 200
    assert admin.told == []


OURS = ["http://localhost:9901", "https://LOCALHOST:9901"]
STRANGE = [
    "null",
    "",
    "http://localhost",
    "http://localhost:9902",
    "http://localhost:9901.evil.example",
    "http://evil@localhost:9901",
    "http://[",
    "file://localhost:9901/page",
    "localhost:9901",
]


@pytest.mark.parametrize("url", OURS)
@pytest.mark.parametrize("site", [[], ["same-origin"], ["none"]], ids=str)
def test_a_page_of_ours_and_a_program_may(url: str, site: list[str]) -> None:
    check_sender("localhost:9901", [url], site, [f"{url}/page?x"])
    check_sender("LocalHost:9901", [], site, [])


@pytest.mark.parametrize("url", STRANGE)
def test_no_other_page_may(url: str) -> None:
    for origins, referers in (([url], []), ([], [url]), ([OURS[0], url], []), ([OURS[0]], [url])):
        with pytest.raises(SenderError):
            check_sender("localhost:9901", origins, [], referers)


@pytest.mark.parametrize("sites", [["cross-site"], ["none", "same-site"], ["SAME-ORIGIN"]], ids=str)
def test_what_the_browser_says_of_the_page_outranks_its_name(sites: list[str]) -> None:
    with pytest.raises(SenderError):
        check_sender("localhost:9901", OURS[:1], sites, [])


def test_a_host_that_is_empty_is_nobodys_page() -> None:
    for url in ("about:blank", "http://", "null"):
        with pytest.raises(SenderError):
            check_sender("", [url], [], [])
