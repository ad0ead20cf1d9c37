"""TLS listeners of the whole command: real handshakes, good and bad, and how connections end."""

import hashlib
import json
import re
import signal
import socket
import ssl
import struct
import subprocess
import time
from collections.abc import Iterator
from http.client import HTTPResponse
from pathlib import Path

import pytest

from tests.peers.processes import events
from tests.process.running_worker import children_of, memory_peak_of
from tests.process.tls_rig import MEBIBYTE, Api, TlsGateway, api, tls_gateway, wait_until

GET = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"
VERSIONS = [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3]

each_version = pytest.mark.parametrize("version", VERSIONS, ids=lambda version: version.name)


@pytest.fixture(scope="module")
def legacy() -> Iterator[Api]:
    with api() as served:
        yield served


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory, legacy: Api) -> Iterator[TlsGateway]:
    with tls_gateway(tmp_path_factory.mktemp("tls"), legacy.port) as served:
        yield served
        assert served.program.printed[1:] == []


def ask(client: ssl.SSLSocket, request: bytes = GET, method: str = "GET") -> tuple[int, bytes]:
    client.sendall(request)
    return receive(client, method)


def receive(client: ssl.SSLSocket, method: str = "GET") -> tuple[int, bytes]:
    response = HTTPResponse(client, method=method)
    response.begin()
    return response.status, response.read()


@each_version
def test_a_request_is_served_and_the_api_told_that_it_came_by_https(
    gateway: TlsGateway, version: ssl.TLSVersion
) -> None:
    with gateway.connects(gateway.authority.trusted(version)) as client:
        assert client.version() == version.name.replace("_", ".")
        assert client.selected_alpn_protocol() == "http/1.1"
        assert client.compression() is None
        assert [ask(client) for _ in range(3)] == [(200, b"https")] * 3


def test_the_announcement_says_https(gateway: TlsGateway) -> None:
    assert gateway.urls == [f"https://127.0.0.1:{gateway.port}"]


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
def test_tls_1_1_is_refused(gateway: TlsGateway) -> None:
    context = gateway.authority.trusted()
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = ssl.TLSVersion.TLSv1
    context.maximum_version = ssl.TLSVersion.TLSv1_1

    with pytest.raises(ssl.SSLError):
        gateway.connects(context)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    with gateway.connects(context) as client:
        assert ask(client) == (200, b"https")


@pytest.mark.parametrize(
    "origin, status",
    [
        pytest.param("https://localhost", 200, id="its own origin"),
        pytest.param("http://localhost", 403, id="the same name without TLS"),
    ],
)
def test_same_origin_is_the_one_with_https(gateway: TlsGateway, origin: str, status: int) -> None:
    with gateway.connects() as client:
        assert ask(client, GET[:-2] + f"Origin: {origin}\r\n\r\n".encode())[0] == status


@each_version
def test_10_mib_come_down_whole(gateway: TlsGateway, version: ssl.TLSVersion) -> None:
    with gateway.connects(gateway.authority.trusted(version)) as client:
        status, content = ask(client, GET.replace(b"/", b"/big", 1))
    assert status == 200
    assert content == bytes(range(256)) * (10 * MEBIBYTE // 256)


@each_version
def test_10_mib_go_up_whole(gateway: TlsGateway, version: ssl.TLSVersion) -> None:
    content = hashlib.shake_256(b"up").digest(10 * MEBIBYTE)
    head = b"PUT / HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n" % len(content)
    with gateway.connects(gateway.authority.trusted(version)) as client:
        assert ask(client, head + content) == (200, hashlib.sha256(content).hexdigest().encode())


def test_requests_that_are_sent_together_are_answered_in_order(gateway: TlsGateway) -> None:
    put = b"PUT / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\nab"
    with gateway.connects() as client:
        client.sendall(GET + put + GET)
        answers = b""
        while answers.count(b"HTTP/1.1 200 OK") < 3 or not answers.endswith(b"https"):
            answers += client.recv(65536)
    first, second, third = answers.split(b"HTTP/1.1 200 OK\r\n")[1:]
    assert first.endswith(b"\r\n\r\nhttps")
    assert second.endswith(hashlib.sha256(b"ab").hexdigest().encode())
    assert third.endswith(b"\r\n\r\nhttps")


def test_a_client_that_does_not_read_costs_bounded_memory(
    tmp_path: Path,
) -> None:
    with api() as legacy, tls_gateway(tmp_path, legacy.port) as gateway:
        with gateway.connects() as client:
            ask(client)
            [worker] = children_of(gateway.pid)
            before = memory_peak_of(worker)
            client.sendall(GET.replace(b"/", b"/endless", 1))
            seen = -1
            while seen != legacy.sent:
                seen = legacy.sent
                assert not legacy.gone.wait(1)
            assert legacy.sent < 64 * MEBIBYTE
            assert memory_peak_of(worker) - before < 20 * MEBIBYTE
            for _ in range(20):
                client.recv(MEBIBYTE)
        assert legacy.gone.wait(30)


@each_version
@pytest.mark.parametrize(
    "request_, status",
    [
        pytest.param(GET[:-2] + b"Connection: close\r\n\r\n", 200, id="an API's answer"),
        pytest.param(GET.replace(b"/", b"/../", 1), 400, id="our own answer"),
        pytest.param(b"nonsense\r\n\r\n", 400, id="what is no request"),
    ],
)
def test_the_end_of_a_connection_is_said(
    gateway: TlsGateway, version: ssl.TLSVersion, request_: bytes, status: int
) -> None:
    with gateway.connects(gateway.authority.trusted(version)) as client:
        if status == 400:
            request_ = request_[:-2] + b"Connection: close\r\n\r\n"
        assert ask(client, request_)[0] == status
        # Without close_notify this would raise.
        assert client.recv(1) == b""


def test_a_slow_client_gets_the_last_response_whole(gateway: TlsGateway) -> None:
    """The API has ended, and the gateway closes, while megabytes are on their way."""
    length = 10 * MEBIBYTE
    with gateway.connects(receive_buffer=64 * 1024) as client:
        client.sendall(GET[:-2].replace(b"/", b"/big", 1) + b"Connection: close\r\n\r\n")
        content = bytearray()
        while data := client.recv(16 * 1024):
            content += data
            if len(content) > length - 4 * MEBIBYTE:
                time.sleep(0.015)
    assert len(content.partition(b"\r\n\r\n")[2]) == length


@pytest.mark.parametrize("how", ["fin", "reset"])
@pytest.mark.parametrize("target", [b"/", b"/endless"])
def test_a_client_that_leaves_without_a_word_leaves_nothing_behind(
    gateway: TlsGateway, legacy: Api, target: bytes, how: str
) -> None:
    wait_until(lambda: gateway.descriptors() < 40)
    before = gateway.descriptors()
    legacy.gone.clear()
    clients = [gateway.connects() for _ in range(20)]
    for client in clients:
        client.sendall(GET.replace(b"/", target, 1))
        client.recv(1)
    for client in clients:
        if how == "reset":
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        socket.socket(fileno=client.detach()).close()
    if target == b"/endless":
        assert legacy.gone.wait(30)
    # What stays is idle connections to the API.
    wait_until(lambda: gateway.descriptors() <= before + 20)


def bad_handshakes(gateway: TlsGateway) -> Iterator[socket.socket]:
    hello = bytes.fromhex("16030100050100000103")
    for junk in (GET, b"\0" * 100, b"SSH-2.0-OpenSSH_9\r\n", hello, b"\x16\x03\x01\xff\xff"):
        client = gateway.raw()
        client.sendall(junk)
        yield client
    for begun in (b"", b"\x16\x03\x01", b"\x16\x03\x01\x02\0\x01"):
        client = gateway.raw()
        client.sendall(begun)
        yield client
    client = gateway.raw()
    client.shutdown(socket.SHUT_WR)
    yield client
    with pytest.raises(ssl.SSLCertVerificationError):
        gateway.connects(ssl.create_default_context())
    context = gateway.authority.trusted(ssl.TLSVersion.TLSv1_2)
    context.set_ciphers("PSK")
    with pytest.raises(ssl.SSLError):
        gateway.connects(context)


@pytest.mark.row("A34", "A35")
def test_bad_handshakes_are_nobodys_news_and_leave_nothing_behind(
    tmp_path: Path, legacy: Api
) -> None:
    head = "  timeouts: {head: 1s}"
    with tls_gateway(tmp_path, legacy.port, server=head) as gateway:
        before = gateway.descriptors()
        with gateway.connects() as client:
            ask(client)
            for _ in range(25):
                for bad in bad_handshakes(gateway):
                    bad.close()
            waiting = [bad for _ in range(10) for bad in bad_handshakes(gateway)]
            for bad in waiting:
                # The gateway ends each of them, also those that send no more.
                wait_for_end(bad)
            assert ask(client) == (200, b"https")
        wait_until(lambda: gateway.descriptors() <= before + 1)
        gateway.is_told(signal.SIGTERM)
        assert gateway.ends() == 0
        told = events(gateway.program.printed[1:])
        assert told == ["stopping: the signal TERM", "stopped"]


def wait_for_end(sock: socket.socket) -> None:
    with sock:
        try:
            while sock.recv(4096):
                pass
        except ConnectionResetError:
            pass


def test_a_stop_lets_requests_in_progress_end(tmp_path: Path) -> None:
    drain = "  drain: {timeout: 1h}"
    with api() as legacy, tls_gateway(tmp_path, legacy.port, server=drain) as gateway:
        with gateway.connects() as client:
            client.sendall(GET.replace(b"/", b"/wait", 1))
            assert legacy.arrived.wait(30)
            with gateway.raw():  # in the middle of its handshake
                gateway.is_told(signal.SIGTERM)
                wait_until(lambda: is_refused(gateway))
                legacy.may_answer.set()
                assert receive(client) == (200, b"late")
                assert client.recv(1) == b""
        assert gateway.ends() == 0
        told = events(gateway.program.printed[1:])
        assert told == ["stopping: the signal TERM", "stopped"]


def is_refused(gateway: TlsGateway) -> bool:
    try:
        gateway.raw().close()
    except ConnectionRefusedError:
        return True
    return False


def test_a_stop_does_not_wait_for_idle_clients(tmp_path: Path, legacy: Api) -> None:
    drain = "  drain: {timeout: 60s}"
    with tls_gateway(tmp_path, legacy.port, server=drain) as gateway:
        clients = [gateway.connects() for _ in range(3)]
        for client in clients:
            ask(client)
        gateway.is_told(signal.SIGTERM)
        assert gateway.ends() == 0
        for client in clients:
            assert client.recv(1) == b""
            client.close()


@pytest.mark.system("curl")
@pytest.mark.parametrize("flags", [["--tlsv1.3"], ["--tls-max", "1.2"], ["--http2"]], ids=str)
def test_curl_is_served(gateway: TlsGateway, flags: list[str]) -> None:
    url = f"https://localhost:{gateway.port}/"
    argv = ["curl", "-sS", "--cacert", str(gateway.authority.ca_file), *flags, "-w", "%{json}"]
    done = subprocess.run([*argv, url, url], capture_output=True, text=True, check=False)

    assert (done.returncode, done.stderr) == (0, "")
    first, second = (json.loads(f"{{{part}") for part in done.stdout.split("https{")[1:])
    assert [row["http_code"] for row in (first, second)] == [200, 200]
    assert [row["num_connects"] for row in (first, second)] == [1, 0]
    assert first["http_version"] == "1.1"


@pytest.mark.system("curl")
def test_curl_does_not_take_what_it_does_not_trust(gateway: TlsGateway) -> None:
    argv = ["curl", "-sS", f"https://localhost:{gateway.port}/"]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)

    assert done.returncode == 60, done.stderr


def waits_for_heads(seconds: int) -> str:
    return f"  timeouts: {{head: {seconds}s}}"


def reload_with_heads(gateway: TlsGateway, folder: Path, before: int, after: int) -> None:
    file = folder / "gateway.yaml"
    file.write_text(file.read_text().replace(waits_for_heads(before), waits_for_heads(after)))
    gateway.is_told(signal.SIGHUP)
    gateway.program.wait_for(re.compile("reloaded "))


@pytest.mark.parametrize("head", [600, 601], ids=["in place", "by other workers"])
def test_a_reload_lets_a_handshake_end_that_has_begun(tmp_path: Path, head: int) -> None:
    """Handshakes are bounded by what the event loop was told when it began to listen."""
    settings = waits_for_heads(600)
    with api() as legacy, tls_gateway(tmp_path, legacy.port, server=settings) as gateway:
        [before] = children_of(gateway.pid)
        open_before = gateway.descriptors()
        with gateway.raw() as client:
            wait_until(lambda: gateway.descriptors() > open_before)
            reload_with_heads(gateway, tmp_path, 600, head)
            time.sleep(0.5)
            trusted = gateway.authority.trusted()
            with trusted.wrap_socket(client, server_hostname="localhost") as secure:
                assert ask(secure) == (200, b"https")
            # Who is let go stays for as long as a handshake may take.
            assert len(children_of(gateway.pid)) == (1 if head == 600 else 2)
            assert before in children_of(gateway.pid)


def test_who_is_let_go_waits_for_handshakes_no_longer_than_they_may_take(tmp_path: Path) -> None:
    settings = waits_for_heads(1)
    with api() as legacy, tls_gateway(tmp_path, legacy.port, server=settings) as gateway:
        [before] = children_of(gateway.pid)
        reload_with_heads(gateway, tmp_path, 1, 2)
        wait_until(lambda: before not in children_of(gateway.pid))
        with gateway.connects() as client:
            assert ask(client) == (200, b"https")
