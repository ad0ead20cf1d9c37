"""Whose listening socket is whose, and what a reload does to them."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from cors_gateway.process.listening import ListenError, bind, resolve
from cors_gateway.process.socket_table import SocketTable
from cors_gateway.snapshot import Listener, ListenerTls

FREE = Listener("127.0.0.1", 0)


@pytest.fixture
def table() -> Iterator[SocketTable]:
    made = SocketTable()
    yield made
    made.close()


def port_of(sock: socket.socket) -> int:
    port: int = sock.getsockname()[1]
    return port


def connect(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), 10)


def is_refused(port: int) -> bool:
    try:
        connect(port).close()
    except ConnectionRefusedError:
        return True
    return False


def test_each_place_has_a_socket_of_its_own_at_the_same_address(table: SocketTable) -> None:
    first, second = table.take([FREE], 2)

    assert first[0] is not second[0]
    assert first[0].getsockname() == second[0].getsockname()
    assert table.urls([FREE]) == [f"http://127.0.0.1:{port_of(first[0])}"]


def test_two_listeners_on_free_ports_have_two_ports(table: SocketTable) -> None:
    [[one, other]] = table.take([FREE, FREE], 1)

    assert port_of(one) != port_of(other)


def test_a_reload_keeps_the_sockets_that_it_needs(table: SocketTable) -> None:
    [[kept, gone]] = table.take([FREE, FREE], 1)
    port, lost = port_of(kept), port_of(gone)

    [[still], [more]] = table.take([FREE], 2)
    table.keep_only([FREE], 2)

    assert (port_of(still), port_of(more)) == (port, port)
    assert (is_refused(port), is_refused(lost)) == (False, True)


def test_what_does_not_listen_yet_takes_nobody_from_what_does(table: SocketTable) -> None:
    table.take([FREE], 1)
    [[before, other], [more, _]] = table.take([FREE, FREE], 2, listens=False)
    port = port_of(before)
    before.settimeout(10)
    for _ in range(16):
        with connect(port):
            before.accept()[0].close()

    assert is_refused(port_of(other))
    table.listen([FREE, FREE])
    assert not is_refused(port_of(other))
    clients = [connect(port) for _ in range(64)]
    more.settimeout(10)
    more.accept()[0].close()
    for client in clients:
        client.close()


def test_what_has_no_socket_yet_is_told(table: SocketTable) -> None:
    other = Listener("localhost", 0)
    table.take([FREE], 1)

    assert table.lacks([FREE, other]) == [other]
    assert table.take([FREE, other], 1, resolve([other]))[0][1].getsockname()[0] == "127.0.0.1"


def test_who_waits_in_a_queue_is_served_by_the_next_worker(table: SocketTable) -> None:
    [[sock]] = table.take([FREE], 1)
    with connect(port_of(sock)) as client:
        table.take([FREE], 1)
        table.keep_only([FREE], 1)
        sock.settimeout(10)
        accepted, _ = sock.accept()
        with accepted:
            accepted.sendall(b"x")
            assert client.recv(1) == b"x"


def test_tls_is_no_other_address(table: SocketTable) -> None:
    [[plain]] = table.take([FREE], 1)
    [[secure]] = table.take([Listener("127.0.0.1", 0, None, ListenerTls("c", "k"))], 1)

    assert secure is plain


def test_where_one_address_cannot_be_had_nothing_changes(
    table: SocketTable, tmp_path: Path
) -> None:
    [[before]] = table.take([FREE], 1)
    path = tmp_path / "s"
    with bind(FREE) as other:
        taken = Listener("127.0.0.1", port_of(other))
        with pytest.raises(ListenError, match="in use"):
            table.take([FREE, Listener(unix_path=str(path)), taken], 2)

    assert not path.exists()
    assert table.take([FREE], 1) == [[before]]
    assert not is_refused(port_of(before))


def test_somebody_elses_address_is_not_joined_even_if_he_shares_it(table: SocketTable) -> None:
    other = SocketTable()
    try:
        [[theirs]] = other.take([FREE], 1)
        with pytest.raises(ListenError, match="in use"):
            table.take([Listener("127.0.0.1", port_of(theirs))], 1)
    finally:
        other.close()


def test_a_unix_socket_is_shared_and_removed_at_the_end(table: SocketTable, tmp_path: Path) -> None:
    listener = Listener(unix_path=str(tmp_path / "s"))
    [[one], [other]] = table.take([listener], 2)
    for sock in (one, other):
        sock.settimeout(10)
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(tmp_path / "s"))
            sock.accept()[0].close()

    table.close()

    assert not (tmp_path / "s").exists()


def test_sockets_that_are_let_go_are_the_workers_alone_and_their_files_stay(
    table: SocketTable, tmp_path: Path
) -> None:
    path = tmp_path / "socket"
    listeners = [Listener("127.0.0.1", 0), Listener("", 0, unix_path=str(path))]
    [[tcp, unix]] = table.take(listeners, 1)
    theirs = tcp.dup(), unix.dup()

    table.let_go()
    for sock, to in zip(theirs, (theirs[0].getsockname(), str(path)), strict=True):
        with socket.socket(sock.family) as client:
            client.connect(to)
        sock.accept()[0].close()
        sock.close()

    assert path.exists()
    with pytest.raises(ConnectionRefusedError), socket.socket(socket.AF_UNIX) as client:
        client.connect(str(path))
    table.close()
    assert not path.exists()


def test_a_unix_socket_that_is_another_process_by_now_stays(
    table: SocketTable, tmp_path: Path
) -> None:
    path = tmp_path / "s"
    table.take([Listener(unix_path=str(path))], 1)
    path.unlink()
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(str(path))

        table.close()

        assert path.exists()


def test_an_address_that_takes_in_our_own_needs_a_restart(table: SocketTable) -> None:
    [[probe]] = table.take([FREE], 1)
    port = port_of(probe)
    table.close()
    table.take([Listener("127.0.0.1", port)], 1)

    with pytest.raises(ListenError, match=r"this gateway itself has port \d+ already: restart it"):
        table.take([Listener("0.0.0.0", port)], 1)
