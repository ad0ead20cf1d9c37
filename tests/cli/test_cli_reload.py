"""``reload``: what it asks, what it prints, and how it ends."""

import re
import sys
from pathlib import Path

import pytest

from tests.cli.admin_beside import answering
from tests.cli.conftest import FILE, Command
from tests.peers.processes import GATEWAY_LISTENS, running

ADMIN_LISTENS = re.compile(r"admin on http://(\S+)")
MARK = "Server: cors-gateway"


def answer(status: str, text: str, mark: str = MARK) -> bytes:
    return f"HTTP/1.1 {status}\r\n{mark}\r\n\r\n{text}\n".encode()


def test_it_says_what_changed(command: Command) -> None:
    with answering(answer("200 OK", "reloaded f.yaml\nwider: x")) as port:
        ended = command("reload", "--admin", f"127.0.0.1:{port}")

    assert ended == type(ended)(0, "reloaded f.yaml\nwider: x\n", "")


@pytest.mark.parametrize(
    "said, told",
    [
        pytest.param(
            answer("422 Unprocessable Content", "f.yaml:3:5: routes: x"),
            "cors-gateway: f.yaml:3:5: routes: x",
            id="mistakes",
        ),
        pytest.param(
            answer("503 Service Unavailable", "it is draining"),
            "/reload: it answers 503 it is draining",
            id="draining",
        ),
        pytest.param(
            answer("200 OK", "hello", "Server: api"),
            "what answers is no admin listener",
            id="an API that says yes to everything",
        ),
        pytest.param(b"SSH-2.0-x\r\n", "what answers is no gateway", id="something else"),
        pytest.param(answer("403 Forbidden", "\x1b[2Jno"), "/reload: it answers 403", id="escapes"),
    ],
)
def test_what_went_wrong_is_said(command: Command, said: bytes, told: str) -> None:
    with answering(said) as port:
        ended = command("reload", "--admin", f"127.0.0.1:{port}")

    assert (ended.code, ended.out) == (1, "")
    assert told in ended.err
    assert "\x1b" not in ended.err


def test_who_does_not_wait_to_the_end_is_told_that_it_may_go_on(command: Command) -> None:
    with answering(b"", then_waits=True) as port:
        ended = command("reload", "--admin", f"127.0.0.1:{port}", "--timeout", "0.2")

    assert (ended.code, ended.out) == (1, "")
    assert (
        "/reload: no answer within 0.2 s, it may still be loaded: see /readyz?verbose" in ended.err
    )


def test_without_admin_there_is_the_signal(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CORS_GATEWAY_ADMIN", "off")

    ended = command("reload")

    assert (ended.code, ended.out) == (1, "")
    assert "or send it the signal HUP" in ended.err


@pytest.mark.row("E5", "E6")
def test_a_running_gateway_is_told_and_answers(command: Command, file: Path) -> None:
    argv = [sys.executable, "-m", "cors_gateway", "run", "-c", str(file)]
    with running([*argv, "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"]) as program:
        program.wait_for(GATEWAY_LISTENS)
        admin = program.wait_for(ADMIN_LISTENS)[1]

        unchanged = command("reload", "--admin", admin)
        file.write_text(FILE.replace("app.", "new."))
        changed = command("reload", "--admin", admin)
        file.write_text(FILE.replace("allowOrigins", "allowOrigin"))
        refused = command("reload", "--admin", admin)

    assert (unchanged.code, unchanged.err) == (0, "")
    assert "nothing has changed" in unchanged.out
    assert (changed.code, changed.err) == (0, "")
    assert re.search("wider.*https://new.example.com", changed.out)
    assert (refused.code, refused.out) == (1, "")
    assert f"{file}:3:5: corsPolicies.spa.allowOrigin" in refused.err
