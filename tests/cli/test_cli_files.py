"""How a route of files is shown by the commands that show a configuration."""

import json
from pathlib import Path

import pytest
import yaml

from tests.cli.conftest import Command

CONFIG = """\
defaults: {cors: false}
routes:
- {match: {path: /api}, upstream: "http://127.0.0.1:9"}
- {match: {path: /static}, files: {root: "${SITE:-./site}/static"}}
- {match: {path: /}, files: {root: ./site, fallback: index.html}}
tests: [{origin: "https://a.example", path: /x, expect: deny}]
"""


@pytest.fixture(autouse=True)
def _site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SITE", "./site")
    (tmp_path / "site" / "static").mkdir(parents=True)
    (tmp_path / "site" / "index.html").write_bytes(b"")
    (tmp_path / "cors-gateway.yaml").write_text(CONFIG)


def test_it_is_valid(command: Command) -> None:
    ended = command("validate", "--tests")

    assert (ended.code, ended.err) == (0, "")


def test_a_mistake_is_told_with_its_place(command: Command, tmp_path: Path) -> None:
    (tmp_path / "site" / "index.html").unlink()
    ended = command("validate")

    assert ended.code == 1
    assert ended.out.splitlines()[0] == (
        'cors-gateway.yaml:5:54: routes[2].files.fallback: "index.html" is not there, '
        f'looked for at "{tmp_path}/site/index.html", correct the path: it begins at root'
    )


def test_a_folder_with_the_configuration_in_it_does_not_load(
    command: Command, tmp_path: Path
) -> None:
    (tmp_path / "cors-gateway.yaml").write_text(
        "routes: [{match: {path: /}, files: {root: .}, cors: false}]\n"
    )
    ended = command("validate")

    assert ended.code == 1
    assert '"." holds this configuration, everybody could read it' in ended.out


@pytest.mark.parametrize(
    "settings, secret",
    [
        ("server: {tls: {certificate: cert.pem, key: site/key.pem}}", "key.pem"),
        ('log: {level: "${file:SITE/level}"}', "level"),
    ],
    ids=["a key", "a value"],
)
def test_a_folder_with_a_secret_in_it_does_not_load(
    command: Command, tmp_path: Path, settings: str, secret: str
) -> None:
    site = tmp_path / "site"
    (site / "level").write_text("info\n")
    (tmp_path / "cors-gateway.yaml").write_text(
        f"{settings.replace('SITE', str(site))}\n"
        "routes: [{match: {path: /}, files: {root: site}, cors: false}]\n"
    )
    ended = command("validate")

    assert ended.code == 1
    assert (
        'cors-gateway.yaml:2:43: routes[0].files.root: "site" holds a secret, '
        f'everybody could read "{site}/{secret}", give the files a folder of their own\n'
    ) in ended.out


def test_it_is_listed_as_it_is_written(command: Command) -> None:
    lines = command("routes").out.splitlines()

    assert [line.split()[3] for line in lines[1:]] == [
        "files:${SITE:-./site}/static",
        "http://127.0.0.1:9",
        "files:./site",
    ]
    upstreams = [route["upstream"] for route in json.loads(command("routes", "--json").out)]
    assert upstreams == ["files:${SITE:-./site}/static", "http://127.0.0.1:9", "files:./site"]


def test_it_is_rendered_so_that_it_loads_again(command: Command, tmp_path: Path) -> None:
    rendered = command("render").out

    assert yaml.safe_load(rendered)["routes"][2]["files"] == {
        "root": "./site",
        "fallback": "index.html",
    }
    (tmp_path / "cors-gateway.yaml").write_text(rendered)
    assert command("render").out == rendered


def test_it_is_explained_as_what_it_is(command: Command) -> None:
    ended = command("explain", "--origin", "https://a.example", "/static/a.woff2")

    assert (
        "  served from files:${SITE:-./site}/static; assuming that the file is there:\n"
        in ended.out
    )


def test_a_switch_of_protocols_is_not_assumed_of_files(command: Command) -> None:
    ended = command("explain", "--origin", "http://a.example", "ws://gw.example/x")

    assert "served from files:./site; assuming that the file is there" in ended.out
    assert ended.out.endswith("files speak no WebSocket\n")
