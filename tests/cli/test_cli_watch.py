"""``run --watch``: what is looked at, and what a change comes to with the real command."""

import json
import re
import signal
import sys
import time
from collections.abc import Collection
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from cors_gateway.cli.sources import snapshot_of
from cors_gateway.config.load import Loaded
from tests.cli.conftest import FILE, Command
from tests.peers.processes import GATEWAY_LISTENS, Running, running


@pytest.fixture
def watched(monkeypatch: pytest.MonkeyPatch) -> list[Collection[str] | None]:
    """What would be looked at, instead of serving."""
    seen: list[Collection[str] | None] = []

    def serve(loaded: Loaded, load_again: object, files: object, _: object) -> int:
        snapshot_of(loaded)
        assert callable(load_again)
        assert files is None or callable(files)
        seen.append(None if files is None else files())
        return 0

    monkeypatch.setattr("cors_gateway.cli.run_file.serve", serve)
    return seen


@pytest.mark.parametrize(
    "flags, value, is_watched",
    [
        pytest.param(["--watch"], None, True, id="the flag"),
        pytest.param([], "true", True, id="the variable"),
        pytest.param([], "1", True, id="the variable in another word"),
        pytest.param([], "Off", False, id="the variable says no"),
        pytest.param([], " ", False, id="an empty variable is not set"),
        pytest.param(["--watch"], "false", True, id="the flag before the variable"),
        pytest.param([], None, False, id="nobody says so"),
    ],
)
def test_who_wants_it(
    command: Command,
    watched: list[Collection[str] | None],
    file: Path,
    monkeypatch: pytest.MonkeyPatch,
    flags: list[str],
    value: str | None,
    is_watched: bool,
) -> None:
    if value is not None:
        monkeypatch.setenv("CORS_GATEWAY_WATCH", value)

    ended = command("run", "-c", str(file), *flags)

    assert (ended.code, ended.err) == (0, "")
    assert watched == [{str(file)} if is_watched else None]


def test_a_value_that_is_neither_yes_nor_no_is_refused(
    command: Command, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CORS_GATEWAY_WATCH", "5s")

    ended = command("run", "-c", str(file))

    assert (ended.code, ended.out) == (2, "")
    assert "CORS_GATEWAY_WATCH is true or false, not '5s'" in ended.err


@pytest.mark.parametrize(
    "flags, by_variable, told",
    [
        pytest.param(
            ["--watch"], False, "--watch: the configuration comes from the environment", id="flag"
        ),
        pytest.param(
            [], True, "CORS_GATEWAY_WATCH: the configuration comes from the environment", id="var"
        ),
        pytest.param(
            ["--watch", "-c", "-"],
            False,
            "--watch: the configuration comes from standard input",
            id="standard input",
        ),
    ],
)
def test_what_cannot_change_cannot_be_watched(
    command: Command,
    monkeypatch: pytest.MonkeyPatch,
    flags: list[str],
    by_variable: bool,
    told: str,
) -> None:
    if "-" not in flags:
        monkeypatch.setenv("CORS_GATEWAY_UPSTREAM", "http://127.0.0.1:9")
        monkeypatch.setenv("CORS_GATEWAY_ALLOW_ORIGINS", "https://a.example")
    if by_variable:
        monkeypatch.setenv("CORS_GATEWAY_WATCH", "yes")

    ended = command("run", *flags)

    assert (ended.code, ended.out) == (2, "")
    assert told in ended.err
    assert "or name a file with -c FILE" in ended.err


def test_secrets_and_files_of_an_api_are_looked_at_too(
    command: Command, watched: list[Collection[str] | None], file: Path, tmp_path: Path
) -> None:
    key = tmp_path / "key"
    key.write_text("k\n")
    file.write_text(
        FILE.replace(
            "upstream: http://127.0.0.1:9",
            f'upstream: {{url: "http://127.0.0.1:9", headers: {{set: {{X-Key: "${{file:{key}}}"}}}}}}',
        )
    )

    ended = command("run", "-c", str(file), "--watch")

    assert (ended.code, ended.err) == (0, "")
    assert watched == [{str(file), str(key)}]


def is_allowed(url: str, origin: str) -> bool:
    parts = urlsplit(url)
    assert parts.hostname
    connection = HTTPConnection(parts.hostname, parts.port, timeout=60)
    fields = {"Origin": origin, "Access-Control-Request-Method": "PUT"}
    connection.request("OPTIONS", "/", headers=fields)
    answer = connection.getresponse()
    answer.read()
    connection.close()
    return answer.status == 204


def start(program: Running) -> str:
    return program.wait_for(GATEWAY_LISTENS)[1]


@pytest.mark.row("E7")
def test_a_change_is_served_without_being_told_and_a_bad_one_is_not(file: Path) -> None:
    """As Kubernetes does it: the folder's link is switched to another folder."""
    folders = [file.parent / "first", file.parent / "second", file.parent / "third"]
    texts = [FILE, FILE.replace("app.", "new."), FILE.replace("allowOrigins", "allowOrigin")]
    for folder, text in zip(folders, texts, strict=True):
        folder.mkdir()
        (folder / "gateway.yaml").write_text(text)
    link = file.parent / "data"

    def switch_to(folder: Path) -> None:
        other = file.parent / "next"
        other.symlink_to(folder.name)
        other.replace(link)

    switch_to(folders[0])
    argv = [
        sys.executable,
        "-m",
        "cors_gateway",
        "run",
        "-c",
        str(link / "gateway.yaml"),
        "--listen",
        "127.0.0.1:0",
    ]
    with running([*argv, "--watch"]) as program:
        url = start(program)
        program.wait_for(re.compile(f"cors-gateway: watching {link}/gateway.yaml$"))
        assert is_allowed(url, "https://app.example.com")
        assert not is_allowed(url, "https://new.example.com")

        switch_to(folders[1])
        program.wait_for(re.compile("reloaded"))
        program.wait_for(re.compile("wider.*https://new.example.com"))
        assert is_allowed(url, "https://new.example.com")
        assert not is_allowed(url, "https://app.example.com")

        switch_to(folders[2])
        told = json.loads(program.wait_for(re.compile(r".*not reloaded.*"))[0])
        assert told["level"] == "error"
        assert "gateway.yaml:3:5" in told["msg"]
        assert is_allowed(url, "https://new.example.com")


WITH_LOOKS_ON_DEMAND = """
import sys, time
from pathlib import Path
from cors_gateway.cli.main import main
from cors_gateway.process.watching import FileWatch

folder = Path(sys.argv.pop(1))

def look_when_told(self):
    while not (folder / "look").exists():
        time.sleep(0.02)
    for _ in range(3):
        self.look()
    (folder / "looked").touch()

FileWatch._watch = look_when_told
sys.exit(main(sys.argv[1:]))
"""
"""The command, which looks at its files three times, once there is a file ``look``."""


def test_what_somebody_has_loaded_by_hand_is_not_loaded_once_more(file: Path) -> None:
    folder = file.parent
    argv = [sys.executable, "-c", WITH_LOOKS_ON_DEMAND, str(folder), "run", "-c", str(file)]
    with running([*argv, "--watch", "--listen", "127.0.0.1:0"]) as program:
        start(program)
        program.wait_for(re.compile("watching"))
        (folder / "origin").write_text("https://new.example.com")
        file.write_text(FILE.replace("https://app.example.com", f"'${{file:{folder}/origin}}'"))
        program.process.send_signal(signal.SIGHUP)
        program.wait_for(re.compile("wider"))
        (folder / "look").touch()
        deadline = time.monotonic() + 60
        while not (folder / "looked").exists():
            assert time.monotonic() < deadline
            time.sleep(0.02)
        # Behind what the watch may have said.
        program.process.send_signal(signal.SIGHUP)
        program.wait_for(re.compile("nothing has changed"))

    assert not [line for line in program.printed if "its files have changed" in line]
