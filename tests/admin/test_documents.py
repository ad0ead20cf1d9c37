"""``/config`` and ``/routes``: what is served, without its secrets."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from cors_gateway.cli.main import main
from cors_gateway.config.render import effective_settings, render
from cors_gateway.explain.listing import routes_as_data
from tests.admin.admin_rig import FILE, Admin, Seen
from tests.admin.conftest import StartAdmin
from tests.explain.asking import configured


async def test_the_configuration_is_told_with_where_it_is_from(admin: Admin) -> None:
    snapshot = admin.overview.loaded.snapshot
    assert snapshot is not None

    answer = await admin.answers("/config")

    assert answer.data == {
        "source": "f.yaml",
        "digest": snapshot.digest,
        "loadedAt": "2026-09-21T14:13:20Z",
        "settings": effective_settings(admin.overview.loaded),
    }


async def test_the_configuration_as_yaml_is_what_the_command_renders(admin: Admin) -> None:
    answer = await admin.answers("/config?format=yaml")

    assert answer.text == render(admin.overview.loaded)
    assert answer.fields["content-type"] == "application/yaml; charset=utf-8"


@pytest.mark.row("E10")
@pytest.mark.parametrize("target", ["/config", "/config?format=json", "/config?format=yaml"])
async def test_secrets_are_not_told(admin: Admin, target: str) -> None:
    answer = await admin.answers(target)

    settings = yaml.safe_load(answer.text)
    routes = settings.get("settings", settings)["routes"]
    assert routes[0]["upstream"]["headers"]["set"] == {"X-Key": "[redacted]"}
    assert "letmein" not in answer.text


async def test_a_form_that_is_not_known_is_refused(admin: Admin) -> None:
    answer = await admin.answers("/config?format=xml")

    assert (answer.status, answer.text) == (400, "format is json or yaml, not 'xml'\n")


async def test_what_is_told_is_what_is_served_now(admin: Admin) -> None:
    admin.overview.loaded = configured(FILE.replace("name: orders", "name: purchases"))
    admin.overview.loaded_at = 0.0

    told = (await admin.answers("/config")).data
    routes = (await admin.answers("/routes")).data

    assert told["loadedAt"] == "1970-01-01T00:00:00Z"
    assert told["settings"]["routes"][1]["name"] == "purchases"
    assert [route["name"] for route in routes] == ["purchases", "api"]


@pytest.fixture
def listed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> object:
    """What the command lists."""
    monkeypatch.chdir(tmp_path)
    Path("f.yaml").write_text(FILE)
    assert main(["routes", "-c", "f.yaml", "--json"]) == 0
    return json.loads(capsys.readouterr().out)


async def test_routes_are_those_of_the_command(admin: Admin, listed: object) -> None:
    answer = await admin.answers("/routes")

    assert answer.data == listed


async def test_ten_thousand_routes_are_told_too(start_admin: StartAdmin) -> None:
    routes = "".join(
        f"  - {{name: r{i}, match: {{path: /r{i}}}, upstream: 'http://h'}}\n" for i in range(10_000)
    )
    loaded = configured(FILE + routes)
    admin = await start_admin(Seen(loaded=loaded))
    assert loaded.snapshot is not None

    async def told_at_last(target: str) -> Any:
        """On a busy machine that much may take longer than the listener lets anybody wait."""
        answer = await admin.answers(target)
        while answer.status == 503:
            await asyncio.sleep(int(answer.fields["retry-after"]))
            answer = await admin.answers(target)
        return answer.data

    told = await told_at_last("/config")
    listed = await told_at_last("/routes")
    explained = await told_at_last("/explain?url=/r77&origin=https://evil.example")

    assert len(told["settings"]["routes"]) == 10_002
    assert listed == routes_as_data(loaded.snapshot)
    assert explained["route"]["name"] == "r77"
    assert explained["remedy"]["changes"]
