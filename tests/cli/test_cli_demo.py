"""``demo`` on the command line; what it runs is in ``tests/demo`` and ``tests/browser``."""

import socket

import pytest

from tests.cli.conftest import Command


def test_a_file_that_is_not_there(command: Command) -> None:
    ended = command("demo", "-c", "nowhere.yaml")

    assert ended.code == 1
    assert "nowhere.yaml is not there" in ended.err
    assert "-c FILE" in ended.err


def test_no_room_on_loopback(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(98, "Address already in use")

    monkeypatch.setattr(socket.socket, "bind", refuse)

    ended = command("demo")

    assert ended.code == 3
    assert "the demonstration could not start: " in ended.err
    assert "Traceback" not in ended.err


def test_its_help_names_what_a_file_can_use(command: Command) -> None:
    said = command("demo", "--help").out

    assert "${LEGACY_API_URL}" in said
    assert "${DEMO_PAGE_ORIGIN}" in said
