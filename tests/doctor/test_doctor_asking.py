"""One request over a real socket: what is sent, what is read, and every way to get no answer."""

import socket
import ssl
import threading
import time
from pathlib import Path

import pytest
import trustme

from cors_gateway import __version__
from cors_gateway.doctor.asking import MOST_BYTES, NoAnswerError, ask
from cors_gateway.doctor.case import Answer, Probe, Purpose
from tests.doctor.examining import case
from tests.doctor.scripted_server import Script, scripted
from tests.peers.processes import closed_port

PATIENCE = 60.0
"""More than anything here takes on the busiest machine."""

SOON = 0.3
"""For what never ends: how long it is waited for."""

PLAIN = Probe(Purpose.PLAIN, b"GET", b"/orders?a=b", None)


def asked(url: str, probe: Probe = PLAIN, seconds: float = PATIENCE) -> Answer:
    return ask(case("https://app.example.org", url=url).page, probe, seconds)


def trouble(url: str, seconds: float = PATIENCE) -> str:
    with pytest.raises(NoAnswerError) as refused:
        asked(url, seconds=seconds)
    return str(refused.value)


def test_what_is_sent_is_what_was_announced() -> None:
    probe = Probe(
        Purpose.PAGE, b"GET", b"/orders?a=b", b"https://app.example.org", ((b"X-A", b"1"),)
    )
    with scripted(b"HTTP/1.1 204 No Content\r\n\r\n") as server:
        asked(server.url, probe)

    assert server.heads == [
        b"GET /orders?a=b HTTP/1.1\r\n"
        b"Host: 127.0.0.1:%d\r\n"
        b"User-Agent: cors-gateway-doctor/%b\r\n"
        b"Accept: */*\r\n"
        b"Origin: https://app.example.org\r\n"
        b"X-A: 1\r\n"
        b"Connection: close\r\n\r\n" % (server.port, __version__.encode())
    ]


def test_what_the_page_accepts_is_said_once() -> None:
    probe = Probe(Purpose.PAGE, b"GET", b"/", None, ((b"accept", b"text/csv"),))
    with scripted(b"HTTP/1.1 204 No Content\r\n\r\n") as server:
        asked(server.url, probe)

    assert server.heads[0].lower().count(b"accept:") == 1
    assert b"accept: text/csv\r\n" in server.heads[0]


@pytest.mark.parametrize(
    "sent, answer",
    [
        pytest.param(
            b"HTTP/1.1 200 OK\r\nA: 1\r\na:2 \r\nB: \xff\r\n\r\n",
            Answer(200, ((b"A", b"1"), (b"a", b"2"), (b"B", b"\xff"))),
            id="lines as they are",
        ),
        pytest.param(b"HTTP/1.0 404\r\n\r\n", Answer(404), id="an old server, no reason"),
        pytest.param(b"HTTP/1.1 200 OK\nA: 1\n\nbody", Answer(200, ((b"A", b"1"),)), id="bare LF"),
        pytest.param(
            b"HTTP/1.1 200 OK\r\nA: 1,\r\n\t 2\r\nB:\r\n c\r\n\r\n",
            Answer(200, ((b"A", b"1, 2"), (b"B", b"c"))),
            id="folded lines",
        ),
        pytest.param(
            b"HTTP/1.1 200 OK\r\n folded\r\nno field\r\nA b: 1\r\n: 2\r\nA : 3\r\n\r\n",
            Answer(200, ((b"A", b"3"),)),
            id="lines that are no fields",
        ),
        pytest.param(
            b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
            b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nA: 1\r\n\r\n",
            Answer(200, ((b"A", b"1"),)),
            id="interim answers",
        ),
        pytest.param(
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: x\r\n\r\nzz",
            Answer(200, ((b"Transfer-Encoding", b"chunked"), (b"Content-Length", b"x"))),
            id="a body that is none",
        ),
    ],
)
def test_a_head_is_read(sent: bytes, answer: Answer) -> None:
    with scripted(sent) as server:
        assert asked(server.url) == answer


def test_a_head_that_comes_byte_by_byte() -> None:
    def drip(connection: socket.socket) -> None:
        for byte in b"HTTP/1.1 200 OK\r\nA: 1\r\n\r\n":
            connection.sendall(bytes([byte]))

    with scripted(drip) as server:
        assert asked(server.url) == Answer(200, ((b"A", b"1"),))


def test_a_body_without_an_end_is_not_read() -> None:
    sent: list[int] = []

    def pour(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        piece = bytes(65536)
        while True:
            connection.sendall(piece)
            sent.append(len(piece))

    with scripted(pour) as server:
        assert asked(server.url).status == 200
    # What the sockets hold between them, and no more.
    assert sum(sent) < 64 * 1024 * 1024


def speaking(sent: bytes) -> Script:
    """Say something, and then nothing until the test is over, without closing."""

    def script(connection: socket.socket) -> None:
        connection.sendall(sent)
        connection.recv(1)

    return script


@pytest.mark.parametrize(
    "sent", [b"", b"HTTP/1.1 200 OK\r\nA: 1\r\n", b"HTT"], ids=["nothing", "half a head", "less"]
)
def test_a_server_that_falls_silent(sent: bytes) -> None:
    with scripted(speaking(sent)) as server:
        assert trouble(server.url, SOON) == "does not answer within 0.3 s"


def test_a_deadline_is_not_put_off_by_bytes() -> None:
    def drip(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\n")
        # Longer than it is waited for, however fast, with no pause that is as long.
        for _ in range(100):
            connection.sendall(b"A: 1\r\n")
            time.sleep(SOON / 20)
        connection.sendall(b"\r\n")

    with scripted(drip) as server:
        assert trouble(server.url, SOON) == "does not answer within 0.3 s"


@pytest.mark.parametrize(
    "sent, why",
    [
        pytest.param(b"", "hangs up without an answer", id="nothing"),
        pytest.param(b"HTTP/1.1 200 OK\r\nA: 1\r\n", "hangs up without an answer", id="half"),
        pytest.param(b"SSH-2.0-x\r\n", "answers with something that is not HTTP/1.1", id="SSH"),
        pytest.param(b"HTTP/2 200\r\n\r\n", "answers with something that is not", id="HTTP/2"),
        pytest.param(b"HTTP/1.1 OK\r\n\r\n", "answers with something that is not", id="no status"),
        pytest.param(b"\x15\x03\x01\x00\x02\x02\x46", "speaks TLS there: write https://", id="TLS"),
        pytest.param(
            b"HTTP/1.1 200 OK\r\n" + b"A: 1\r\n" * 30_000, "sends a head of more than", id="no end"
        ),
    ],
)
def test_what_is_no_answer(sent: bytes, why: str) -> None:
    assert MOST_BYTES < 6 * 30_000
    with scripted(sent) as server:
        assert trouble(server.url).startswith(why)


def test_nobody_is_there() -> None:
    with closed_port() as port:
        assert trouble(f"http://127.0.0.1:{port}/") == "cannot be reached: nothing listens there"


def test_a_name_without_an_address() -> None:
    # Reserved, so that it never has one (RFC 6761); a label that is too long has none either.
    for host in ("nobody.invalid", "a" * 64 + ".example"):
        assert trouble(f"http://{host}/") == "cannot be found: its name has no address here"


def test_a_name_with_several_addresses_is_tried_through(monkeypatch: pytest.MonkeyPatch) -> None:
    with closed_port() as closed, scripted(b"HTTP/1.1 200 OK\r\n\r\n") as server:
        found = [
            (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))
            for port in (closed, server.port)
        ]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)

        assert asked("http://two.example/").status == 200


class TestTls:
    """Over TLS, with certificates that a browser would take and others that it would not."""

    @pytest.fixture
    def ca(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> trustme.CA:
        authority = trustme.CA()
        file = tmp_path / "ca.pem"
        authority.cert_pem.write_to_path(str(file))
        monkeypatch.setenv("SSL_CERT_FILE", str(file))
        return authority

    def ask(self, ca: trustme.CA, *names: str, **certificate: object) -> Answer:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        ca.issue_cert(*names, **certificate).configure_cert(context)  # type: ignore[arg-type]

        def wrap(connection: socket.socket) -> socket.socket:
            return context.wrap_socket(connection, server_side=True)

        with scripted(b"HTTP/1.1 200 OK\r\nA: 1\r\n\r\n", wrap=wrap) as server:
            return asked(f"https://localhost:{server.port}/")

    def test_a_certificate_that_is_right(self, ca: trustme.CA) -> None:
        assert self.ask(ca, "localhost") == Answer(200, ((b"A", b"1"),))

    def test_one_for_another_name(self, ca: trustme.CA) -> None:
        with pytest.raises(NoAnswerError, match="no browser takes either: it is for another name"):
            self.ask(ca, "other.example")

    def test_one_of_a_stranger(self, ca: trustme.CA) -> None:
        with pytest.raises(NoAnswerError, match="an authority that is not trusted here"):
            self.ask(trustme.CA(), "localhost")

    def test_one_that_is_over(self, ca: trustme.CA) -> None:
        from datetime import UTC, datetime

        with pytest.raises(NoAnswerError, match="no browser takes either: it has expired"):
            self.ask(ca, "localhost", not_after=datetime(2020, 1, 1, tzinfo=UTC))

    def test_a_server_that_speaks_no_tls(self) -> None:
        listener = socket.create_server(("127.0.0.1", 0))

        def speak() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
                connection.recv(65536)

        thread = threading.Thread(target=speak)
        thread.start()
        told = trouble(f"https://127.0.0.1:{listener.getsockname()[1]}/")
        thread.join()
        listener.close()

        assert told.startswith("does not agree on TLS: ")
        assert told.endswith("; does it speak http?")
