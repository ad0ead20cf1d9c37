"""Several listeners of the real command at once, and what is refused before anything listens."""

import shutil
import signal
import socket
import ssl
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path

import pytest

from tests.cli.conftest import FILE, Command
from tests.peers.ports import free_port
from tests.process.tls_rig import Authority, TlsGateway, api, common_name, tls_gateway, wait_until

GET = b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"


def ask(sock: socket.socket) -> tuple[int, bytes]:
    with sock:
        sock.settimeout(30)
        sock.sendall(GET)
        response = HTTPResponse(sock)
        response.begin()
        return response.status, response.read()


def connect(url: str, trusted: ssl.SSLContext) -> socket.socket:
    """Connect to what the announcement says, and to nothing else."""
    if url.startswith("unix:"):
        sock = socket.socket(socket.AF_UNIX)
        sock.connect(url.removeprefix("unix:"))
        return sock
    scheme, _, address = url.partition("://")
    host, _, port = address.rpartition(":")
    sock = socket.create_connection((host.strip("[]"), int(port)), 30)
    if scheme == "http":
        return sock
    return trusted.wrap_socket(sock, server_hostname=host.strip("[]"))


@pytest.mark.row("F15")
def test_ipv4_ipv6_and_unix_with_and_without_tls_at_once(tmp_path: Path) -> None:
    plain, secret = tmp_path / "plain", tmp_path / "secret"
    listen = (
        '["127.0.0.1:0", "[::1]:0", {address: "127.0.0.1:0", tls: false}, '
        '{address: "[::1]:0", tls: {certificate: own.pem, key: own.key}}, '
        f'"unix:{plain}", {{address: "unix:{secret}", tls: {{certificate: server.pem, key: server.key}}}}]'
    )
    with api() as legacy, tls_gateway(tmp_path, legacy.port, listen=listen) as gateway:
        schemes = [url.partition(":")[0] for url in gateway.urls]
        assert schemes == ["https", "https", "http", "https", "unix", "unix"]
        assert ["[::1]" in url for url in gateway.urls] == [False, True, False, True, False, False]
        trusted = gateway.authority.trusted()
        said = [ask(connect(url, trusted)) for url in gateway.urls[:-1]]
        assert said == [(200, b"https")] * 2 + [(200, b"http"), (200, b"https"), (200, b"http")]
        client = connect(gateway.urls[-1], trusted)
        assert ask(trusted.wrap_socket(client, server_hostname="localhost")) == (200, b"https")
        gateway.is_told(signal.SIGTERM)
        assert gateway.ends() == 0


@pytest.mark.row("F15")
@pytest.mark.parametrize("order", [1, -1], ids=["IPv6 first", "IPv4 first"])
def test_both_wildcards_of_one_port_can_be_had(tmp_path: Path, order: int) -> None:
    port = free_port()
    both = [f'"[::]:{port}"', f'"0.0.0.0:{port}"'][::order]
    with api() as legacy, tls_gateway(tmp_path, legacy.port, listen=f"[{', '.join(both)}]") as gw:
        trusted = gw.authority.trusted()
        for host in ("127.0.0.1", "[::1]"):
            assert ask(connect(f"https://{host}:{port}", trusted)) == (200, b"https")


@pytest.mark.row("F15")
def test_the_ipv6_wildcard_alone_takes_ipv4_too(tmp_path: Path) -> None:
    with api() as legacy, tls_gateway(tmp_path, legacy.port, listen='"[::]:0"') as gateway:
        url = f"https://127.0.0.1:{gateway.port}"
        assert ask(connect(url, gateway.authority.trusted())) == (200, b"https")


def test_a_flag_names_several_and_the_file_their_certificate(tmp_path: Path) -> None:
    flag = ("--listen", f"127.0.0.1:0, [::1]:0,unix:{tmp_path / 's'}")
    with api() as legacy, tls_gateway(tmp_path, legacy.port, arguments=flag) as gateway:
        assert [url.partition(":")[0] for url in gateway.urls] == ["https", "https", "unix"]
        trusted = gateway.authority.trusted()
        said = [ask(connect(url, trusted)) for url in gateway.urls]
        assert said == [(200, b"https"), (200, b"https"), (200, b"http")]


def name_shown(gateway: TlsGateway) -> str:
    with gateway.connects() as client:
        return common_name(client)


def test_a_certificate_is_exchanged_while_it_is_served(tmp_path: Path) -> None:
    with api() as legacy, tls_gateway(tmp_path, legacy.port) as gateway:
        certificate, key = gateway.authority.issues("two")
        with gateway.connects() as client:
            assert name_shown(gateway) == "server"
            shutil.copy(certificate, tmp_path / "server.pem")
            wait_until(lambda: bool(gateway.lines("does not belong to the certificate")))
            assert name_shown(gateway) == "server"
            shutil.copy(key, tmp_path / "server.key")
            wait_until(lambda: bool(gateway.lines("is taken, it expires on")))
            assert name_shown(gateway) == "two"
            assert ask(client) == (200, b"https")
        assert len(gateway.program.printed) == 3
        assert ["warning" in line for line in gateway.program.printed[1:]] == [True, False]


def test_a_log_of_warnings_does_not_tell_of_certificates_that_are_taken(tmp_path: Path) -> None:
    rest = "log: {level: warning}"
    with api() as legacy, tls_gateway(tmp_path, legacy.port, rest=rest) as gateway:
        certificate, key = gateway.authority.issues("two")
        key.rename(tmp_path / "server.key")
        certificate.rename(tmp_path / "server.pem")
        wait_until(lambda: name_shown(gateway) == "two")
        assert not gateway.lines("is taken")


def test_paths_begin_at_the_folder_of_the_file(command: Command, tmp_path: Path) -> None:
    folder = tmp_path / "conf"
    folder.mkdir()
    Authority(folder).issues("a")
    file = folder / "gateway.yaml"
    file.write_text(f"server: {{tls: {{certificate: a.pem, key: a.key}}}}\n{FILE}")

    assert command("validate", "conf/gateway.yaml").code == 0
    assert command("validate", str(file)).code == 0


@pytest.mark.parametrize("verb", ["validate", "run"])
def test_what_is_wrong_with_files_is_said_before_anything_listens(
    command: Command, tmp_path: Path, verb: str
) -> None:
    Authority(tmp_path).issues("a")
    Authority(tmp_path).issues("b")
    file = tmp_path / "f.yaml"
    port = free_port()
    file.write_text(
        "server:\n"
        "  tls: {certificate: a.pem, key: b.key}\n"
        f'  listen: ["127.0.0.1:{port}", {{address: ":1", tls: {{certificate: c.pem, key: a.key}}}}]\n{FILE}'
    )
    ended = command(verb, "-c", str(file))
    said = (ended.out + ended.err).splitlines()

    assert ended.code == 1
    assert 'f.yaml:2:34: server.tls.key: "b.key" does not belong to the certificate, ' in said[0]
    assert 'server.listen[1].tls.certificate: "c.pem" is not there' in said[1]
    key = (tmp_path / "b.key").read_text().splitlines()[1]
    assert key not in ended.out + ended.err


def test_a_plain_request_to_a_tls_listener_gets_no_answer(tmp_path: Path) -> None:
    with api() as legacy, tls_gateway(tmp_path, legacy.port) as gateway:
        connection = HTTPConnection("127.0.0.1", gateway.port, timeout=30)
        connection.request("GET", "/")
        with pytest.raises(ConnectionError):
            connection.getresponse()
        connection.close()
