"""Sockets to listen on: bound, or refused with what to do about it."""

import errno
import os
import socket
import stat
from contextlib import ExitStack
from pathlib import Path

import pytest

from cors_gateway.process.listening import ListenError, bind, resolve, url_of
from cors_gateway.snapshot import Listener


def test_a_free_port_is_told() -> None:
    listener = Listener("127.0.0.1", 0)
    with bind(listener) as sock:
        port = sock.getsockname()[1]
        assert url_of(sock, listener) == f"http://127.0.0.1:{port}"
        socket.create_connection(("127.0.0.1", port)).close()


def test_an_ipv6_address_stands_in_brackets() -> None:
    listener = Listener("::1", 0)
    with bind(listener) as sock:
        assert url_of(sock, listener).startswith("http://[::1]:")


@pytest.mark.row("E8")
def test_an_address_in_use_is_refused_with_a_remedy() -> None:
    with bind(Listener("127.0.0.1", 0)) as sock:
        port = sock.getsockname()[1]
        with pytest.raises(ListenError, match=rf"127\.0\.0\.1:{port}: .*in use.*--listen"):
            bind(Listener("127.0.0.1", port))


@pytest.mark.row("E8")
@pytest.mark.parametrize(
    "host, number, remedy",
    [
        pytest.param(
            "0.0.0.0",
            errno.EACCES,
            r"0\.0\.0\.0:80: permission denied; .* choose 8080",
            id="a port for the superuser",
        ),
        pytest.param(
            "::",
            errno.EADDRNOTAVAIL,
            r"\[::\]:80: .*IPv6 is off here; choose 0\.0\.0\.0 with --listen",
            id="IPv6 switched off",
        ),
        pytest.param(
            "::",
            errno.EAFNOSUPPORT,
            r"\[::\]:80: .*IPv6 is off here; choose 0\.0\.0\.0 with --listen",
            id="no IPv6 in the kernel",
        ),
    ],
)
def test_what_this_machine_does_not_give_is_refused_with_a_remedy(
    monkeypatch: pytest.MonkeyPatch, host: str, number: int, remedy: str
) -> None:
    """The kernel's own refusal is played: here it may allow what it refuses elsewhere."""

    def refuse(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(socket.socket, "bind", refuse)

    with pytest.raises(ListenError, match=remedy):
        bind(Listener(host, 80))


@pytest.mark.row("E8")
def test_an_address_of_another_machine_is_refused_with_a_remedy() -> None:
    with pytest.raises(ListenError, match="no such address"):
        bind(Listener("192.0.2.1", 0))


def test_a_name_that_does_not_resolve_is_refused_with_a_remedy() -> None:
    with pytest.raises(ListenError, match=r"nowhere\.invalid:0: .*; correct the name, .*0\.0:8080"):
        bind(Listener("nowhere.invalid", 0))
    with pytest.raises(ListenError, match=r"--admin|correct the name"):
        resolve([Listener("nowhere.invalid", 0)], flag="--admin")


def test_a_unix_socket_is_made(tmp_path: Path) -> None:
    path = tmp_path / "s"
    listener = Listener(unix_path=str(path))
    with bind(listener) as sock:
        assert url_of(sock, listener) == f"unix:{path}"
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(path))


def test_the_unix_socket_of_a_process_that_is_gone_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "s"
    bind(Listener(unix_path=str(path))).close()
    with bind(Listener(unix_path=str(path))):
        assert stat.S_ISSOCK(path.stat().st_mode)


def test_a_unix_socket_in_use_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "s"
    with bind(Listener(unix_path=str(path))):
        with pytest.raises(ListenError, match="in use"):
            bind(Listener(unix_path=str(path)))
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(path))


def test_a_unix_socket_whose_owner_accepts_nobody_is_in_use_too(tmp_path: Path) -> None:
    path = str(tmp_path / "s")
    with socket.socket(socket.AF_UNIX) as owner, ExitStack() as stack:
        owner.bind(path)
        owner.listen(0)
        said = 0
        while said != errno.EAGAIN:
            client = stack.enter_context(socket.socket(socket.AF_UNIX))
            client.setblocking(False)
            said = client.connect_ex(path)

        with pytest.raises(ListenError, match="in use"):
            bind(Listener(unix_path=path))


def test_a_file_at_the_path_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "precious"
    path.write_text("data", "utf-8")
    with pytest.raises(ListenError, match="no socket is there"):
        bind(Listener(unix_path=str(path)))
    assert path.read_text("utf-8") == "data"


def test_a_directory_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(ListenError, match=r"folder does not exist; .*--listen"):
        bind(Listener(unix_path=str(tmp_path / "a" / "b")))
