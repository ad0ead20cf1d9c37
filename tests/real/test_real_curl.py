"""curl in front of the gateway: its options, and the exit codes by which it says what went wrong."""

import hashlib
import json
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.peers.flask_site import REPORT
from tests.peers.processes import Gateway, closed_port
from tests.peers.programs import path_of
from tests.real.caller import ORIGIN, ask
from tests.real.conftest import GatewayTo

pytestmark = pytest.mark.system("curl")

PATIENCE = 60.0
UPLOAD = b"".join(b"line %06d of an upload\n" % number for number in range(20_000))

PARTIAL_FILE = 18
COULD_NOT_CONNECT = 7
HTTP_ERROR = 22
TIMED_OUT = 28
RECEIVING_FAILED = 56


@dataclass(frozen=True)
class Called:
    """How curl ended, and what it wrote."""

    code: int
    out: bytes
    err: str

    def json(self) -> Any:
        return json.loads(self.out)


def curl(*arguments: str, stdin: bytes = b"") -> Called:
    """Run curl without a user's settings."""
    argv = [path_of("curl"), "-q", "--silent", "--show-error", "--noproxy", "*", *arguments]
    ended = subprocess.run(argv, input=stdin, capture_output=True, timeout=PATIENCE, check=False)
    return Called(ended.returncode, ended.stdout, ended.stderr.decode(errors="replace"))


@pytest.fixture(scope="module")
def behind(flask_site: int, gateway_to: GatewayTo) -> Gateway:
    return gateway_to(flask_site)


@pytest.fixture(scope="module")
def behind_node(node_api: int, gateway_to: GatewayTo) -> Gateway:
    return gateway_to(node_api)


@pytest.fixture(scope="module")
def upload_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("upload") / "upload.txt"
    file.write_bytes(UPLOAD)
    return file


def fields_of(called: Called) -> dict[str, str]:
    """Return the fields that the site saw; it answered with them."""
    return dict(called.json()["fields"])


# Downloads.


@pytest.mark.parametrize("version", ["--http1.0", "--http1.1"])
@pytest.mark.parametrize("target", ["/report", "/pages"], ids=["counted", "streamed"])
def test_a_download(version: str, target: str, behind: Gateway) -> None:
    called = curl(version, behind.url + target)

    assert called.code == 0
    assert called.out == (REPORT if target == "/report" else b"page 0\npage 1\npage 2\n")


def test_http_1_0_gets_no_chunks_and_a_connection_that_closes(behind: Gateway) -> None:
    called = curl("--http1.0", "-H", "Connection: keep-alive", "-i", behind.url + "/pages")

    head, _, content = called.out.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 ")
    assert b"\r\nConnection: close" in head
    assert b"transfer-encoding" not in head.lower()
    assert content == b"page 0\npage 1\npage 2\n"


@pytest.mark.parametrize(
    "version, connects",
    [
        pytest.param("--http1.1", b"1 0 0 ", id="1.1"),
        pytest.param("--http1.0", b"1 1 1 ", id="1.0"),
    ],
)
def test_how_many_connections_three_requests_take(
    version: str, connects: bytes, behind: Gateway
) -> None:
    keep_alive = ["-H", "Connection: keep-alive"] if version == "--http1.0" else []
    urls = [behind.url + "/hello"] * 3
    nowhere = ["-o", "/dev/null"] * 3

    called = curl(version, *keep_alive, "-w", "%{num_connects} ", *nowhere, *urls)

    assert (called.code, called.out) == (0, connects)


def test_a_download_at_a_limited_rate_is_whole(behind: Gateway) -> None:
    called = curl("--limit-rate", "100K", behind.url + "/report")

    assert (called.code, called.out) == (0, REPORT)


def test_a_download_is_resumed(behind: Gateway, tmp_path: Path) -> None:
    file = tmp_path / "report.txt"
    file.write_bytes(REPORT[:30_000])

    called = curl(
        "-C", "-", "-o", str(file), "-w", "%{http_code} %{size_download}", f"{behind.url}/report"
    )

    assert called.code == 0
    assert called.out == b"206 %d" % (len(REPORT) - 30_000)
    assert file.read_bytes() == REPORT


def test_compressed_content_is_unpacked_by_curl(behind: Gateway) -> None:
    called = curl("--compressed", behind.url + "/compressed")

    assert (called.code, called.out) == (0, REPORT)


def test_only_the_head(flask_site: int, behind: Gateway) -> None:
    straight = curl("-I", f"http://127.0.0.1:{flask_site}/report")
    through = curl("-I", behind.url + "/report")

    assert through.code == 0
    assert through.out.endswith(b"\r\n\r\n")
    assert b"Content-Length: %d\r\n" % len(REPORT) in through.out
    assert b"Content-Length: %d\r\n" % len(REPORT) in straight.out


# Uploads.


@pytest.mark.parametrize("version", ["--http1.0", "--http1.1"])
def test_an_upload_of_a_file_is_counted(version: str, upload_file: Path, behind: Gateway) -> None:
    called = curl(version, "-T", str(upload_file), behind.url + "/echo")

    assert called.json()["sha256"] == hashlib.sha256(UPLOAD).hexdigest()
    assert fields_of(called)["Content-Length"] == str(len(UPLOAD))


def test_an_upload_of_a_pipe_is_chunked(behind: Gateway) -> None:
    called = curl("-T", "-", behind.url + "/echo", stdin=UPLOAD)

    assert called.json()["sha256"] == hashlib.sha256(UPLOAD).hexdigest()
    assert fields_of(called)["Transfer-Encoding"] == "chunked"


def test_an_upload_at_a_limited_rate_is_whole(upload_file: Path, behind: Gateway) -> None:
    called = curl("--limit-rate", "400K", "-T", str(upload_file), behind.url + "/echo")

    assert called.json()["sha256"] == hashlib.sha256(UPLOAD).hexdigest()


def test_curl_that_waits_for_100_continue_gets_it(upload_file: Path, behind: Gateway) -> None:
    # It would wait for ten minutes; the test waits for one.
    waiting = ["-H", "Expect: 100-continue", "--expect100-timeout", "600"]

    called = curl("-v", *waiting, "-T", str(upload_file), behind.url + "/echo")

    assert called.code == 0
    assert called.err.count("< HTTP/1.1 100 Continue") == 1
    assert called.json()["length"] == len(UPLOAD)
    assert "Expect" not in fields_of(called)


def test_curl_that_waits_for_100_continue_is_refused_without_it(
    upload_file: Path, behind: Gateway
) -> None:
    waiting = ["-H", "Expect: 100-continue", "--expect100-timeout", "600"]

    called = curl("-v", *waiting, "-T", str(upload_file), behind.url + "/a/%2e%2e/b")

    assert "< HTTP/1.1 400 " in called.err
    assert "100 Continue" not in called.err


def test_curl_that_does_not_wait_sends_at_once(upload_file: Path, behind: Gateway) -> None:
    called = curl("-v", "-H", "Expect:", "-T", str(upload_file), behind.url + "/echo")

    assert called.json()["length"] == len(UPLOAD)
    assert "100 Continue" not in called.err


# Targets.


def test_options_for_the_gateway_itself(behind: Gateway) -> None:
    called = curl("-i", "-X", "OPTIONS", "--request-target", "*", behind.url)

    assert called.code == 0
    assert called.out.startswith(b"HTTP/1.1 204 ")


def test_the_absolute_form_names_the_host_whatever_host_says(behind: Gateway) -> None:
    called = curl("--request-target", "http://name.example/echo?a=b", behind.url)

    assert called.json()["target"] == "/echo?a=b"
    assert fields_of(called)["Host"] == "name.example"


def test_curl_may_take_the_gateway_for_its_proxy(behind: Gateway) -> None:
    called = curl("--noproxy", "", "-x", behind.url, "http://name.example/echo?a=b")

    assert called.json()["target"] == "/echo?a=b"
    assert fields_of(called)["Host"] == "name.example"


def test_a_preflight_and_the_request_after_it(behind: Gateway) -> None:
    announcing = ["-H", f"Origin: {ORIGIN}", "-H", "Access-Control-Request-Method: PUT"]

    preflight = curl("-i", "-X", "OPTIONS", *announcing, behind.url + "/echo")
    actual = curl("-i", "-X", "PUT", "-d", "x", "-H", f"Origin: {ORIGIN}", behind.url + "/echo")

    allowed = f"Access-Control-Allow-Origin: {ORIGIN}\r\n".encode()
    assert preflight.out.startswith(b"HTTP/1.1 204 ")
    assert actual.out.startswith(b"HTTP/1.1 200 ")
    assert allowed in preflight.out
    assert allowed in actual.out


# How it goes wrong.


def test_curl_that_gives_up_ends_the_stream_upstream(flask_site: int, behind: Gateway) -> None:
    called = curl("--max-time", "2", behind.url + "/streams/given-up")

    assert called.code == TIMED_OUT
    assert ask(flask_site, "/streams/given-up/left").status == 204


@pytest.mark.system("node")
@pytest.mark.parametrize(
    "version, framing, code",
    [
        pytest.param("--http1.1", "counted", PARTIAL_FILE, id="counted"),
        pytest.param("--http1.1", "chunked", PARTIAL_FILE, id="chunked"),
        pytest.param("--http1.0", "counted", PARTIAL_FILE, id="counted to HTTP/1.0"),
        pytest.param("--http1.0", "chunked", RECEIVING_FAILED, id="until close to HTTP/1.0"),
    ],
)
def test_curl_can_tell_that_an_answer_broke_off(
    version: str, framing: str, code: int, behind_node: Gateway
) -> None:
    called = curl(version, f"{behind_node.url}/cut/{framing}")

    assert called.code == code, called.err
    assert b"the beginning".startswith(called.out)


@pytest.mark.system("node")
def test_an_api_that_closes_without_an_answer_is_no_empty_reply(
    node_api: int, behind_node: Gateway
) -> None:
    straight = curl(f"http://127.0.0.1:{node_api}/hang")
    through = curl("--fail", "-w", "%{http_code}", behind_node.url + "/hang")

    assert straight.code == 52
    assert (through.code, through.out) == (HTTP_ERROR, b"502")


def test_an_api_that_is_not_there_is_a_502_and_no_gateway_is_none(gateway_to: GatewayTo) -> None:
    with closed_port() as port:
        through = curl("--fail", "-w", "%{http_code}", gateway_to(port).url)
        straight = curl(f"http://127.0.0.1:{port}/")

    assert (through.code, through.out) == (HTTP_ERROR, b"502")
    assert straight.code == COULD_NOT_CONNECT
