"""nginx behind the gateway: static files, its own error pages, and nginx as a proxy in between."""

import gzip
import re
from collections.abc import Iterator

import pytest

from tests.peers import servers
from tests.peers.processes import Gateway, closed_port
from tests.real.caller import ask, ask_both, calling
from tests.real.conftest import GatewayTo

pytestmark = pytest.mark.system("nginx")

TEXT = b"".join(b"line %05d of a static file\n" % number for number in range(4096))
PACKED = gzip.compress(b"packed beforehand\n" * 200, mtime=0)

SERVER = """\
    root {files};
    etag on;
    keepalive_timeout 65;
    client_header_buffer_size 1k;
    large_client_header_buffers 2 2k;
    client_max_body_size 1k;
    # nginx compresses nothing for a request that has passed a gateway (Via), unless told to.
    gzip_proxied any;
    location /squeezed/ {{ alias {files}/; gzip on; gzip_types text/plain; gzip_min_length 1; }}
    location /packed/ {{ alias {files}/; gzip_static on; }}
    location /connection {{ return 200 "$connection $connection_requests"; }}
    location /moved {{ return 301 /text.txt; }}
    location /unavailable {{ return 503; }}
    location /dead {{ proxy_pass http://127.0.0.1:{dead}; }}
    location /flask/ {{
      proxy_pass http://127.0.0.1:{flask}/;
      proxy_http_version 1.1;
      proxy_set_header Host $host;
      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
      proxy_buffering off;
    }}
"""


@pytest.fixture(scope="module")
def nginx(flask_site: int, tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    directory = tmp_path_factory.mktemp("nginx")
    files = directory / "files"
    files.mkdir()
    (files / "text.txt").write_bytes(TEXT)
    (files / "packed.txt").write_bytes(b"not packed")
    (files / "packed.txt.gz").write_bytes(PACKED)
    with (
        closed_port() as dead,
        servers.nginx(directory, SERVER.format(files=files, dead=dead, flask=flask_site)) as port,
    ):
        yield port


@pytest.fixture(scope="module")
def behind(nginx: int, gateway_to: GatewayTo) -> Gateway:
    return gateway_to(nginx)


def etag_of(nginx: int) -> str:
    return (ask(nginx, "/text.txt").value("ETag") or b"").decode()


def test_a_static_file(nginx: int, behind: Gateway) -> None:
    answer = ask_both(nginx, behind.port, "/text.txt")

    assert answer.content == TEXT
    assert answer.value("ETag") == etag_of(nginx).encode()
    assert ask_both(nginx, behind.port, "/text.txt", method="HEAD").content == b""


@pytest.mark.parametrize(
    "line, status",
    [
        pytest.param("If-None-Match: {etag}", 304, id="not changed, by ETag"),
        pytest.param("If-None-Match: W/{etag}", 304, id="not changed, by a weak ETag"),
        pytest.param("If-Modified-Since: {modified}", 304, id="not changed, by time"),
        pytest.param('If-Match: "another"', 412, id="precondition failed"),
        pytest.param("Range: bytes=5-14", 206, id="a range"),
        pytest.param("Range: bytes=-10", 206, id="the end"),
        pytest.param("Range: bytes=999999-", 416, id="a range too far"),
    ],
)
def test_conditions_and_ranges(line: str, status: int, nginx: int, behind: Gateway) -> None:
    modified = (ask(nginx, "/text.txt").value("Last-Modified") or b"").decode()

    answer = ask_both(
        nginx, behind.port, "/text.txt", line.format(etag=etag_of(nginx), modified=modified)
    )

    assert answer.status == status


def test_several_ranges_come_in_parts(behind: Gateway) -> None:
    # nginx makes a boundary of its own for each answer: it cannot be compared with another one.
    answer = ask(behind.port, "/text.txt", "Range: bytes=0-9,100-109")

    kind = answer.value("Content-Type") or b""
    boundary = kind.partition(b"boundary=")[2]
    parts = answer.content.split(b"--" + boundary)
    assert (answer.status, len(parts)) == (206, 4)
    assert parts[1].endswith(b"\r\n\r\n" + TEXT[:10] + b"\r\n")
    assert parts[2].endswith(b"\r\n\r\n" + TEXT[100:110] + b"\r\n")


@pytest.mark.parametrize(
    "target, original",
    [
        pytest.param("/squeezed/text.txt", TEXT, id="compressed on the way, in chunks"),
        pytest.param("/packed/packed.txt", gzip.decompress(PACKED), id="compressed beforehand"),
    ],
)
def test_compressed_files(target: str, original: bytes, nginx: int, behind: Gateway) -> None:
    answer = ask_both(nginx, behind.port, target, "Accept-Encoding: gzip")

    assert answer.value("Content-Encoding") == b"gzip"
    assert gzip.decompress(answer.content) == original


@pytest.mark.parametrize(
    "target, request_of, status",
    [
        pytest.param("/text.txt", {"line": "X-Long: " + "x" * 3000}, 400, id="400: a long field"),
        pytest.param("/?" + "x" * 3000, {}, 414, id="414: a long target"),
        pytest.param("/nowhere", {}, 404, id="404"),
        pytest.param("/text.txt", {"method": "DELETE"}, 405, id="405"),
        pytest.param("/text.txt", {"method": "POST", "content": b"x" * 2000}, 413, id="413"),
        pytest.param("/dead/", {}, 502, id="502: its own upstream is down"),
        pytest.param("/unavailable", {}, 503, id="503"),
        pytest.param("/moved", {}, 301, id="301"),
    ],
)
def test_nginxs_own_pages_pass(
    target: str, request_of: dict[str, str], status: int, nginx: int, behind: Gateway
) -> None:
    request = dict(request_of)
    lines = [request.pop("line")] if "line" in request else []

    answer = ask_both(nginx, behind.port, target, *lines, **request)

    assert answer.status == status
    assert b"<center>nginx" in answer.content


def test_one_connection_to_nginx_carries_many_requests(behind: Gateway) -> None:
    with calling(behind.port) as caller:
        seen = [caller.asks_and_gets("/connection").content.split() for _ in range(20)]

    assert len({connection for connection, _ in seen}) == 1
    first = int(seen[0][1])
    assert [int(requests) for _, requests in seen] == list(range(first, first + 20))


def test_a_chain_of_gateway_nginx_and_flask_tells_who_passed_it_on(behind: Gateway) -> None:
    # The client's own claims are nobody's word, as it is no trusted proxy.
    answer = ask(behind.port, "/flask/echo", "X-Forwarded-For: 192.0.2.1", "Via: 1.1 earlier")

    fields = dict(answer.json()["fields"])
    assert fields["Host"] == "api.example"
    assert fields["X-Forwarded-For"] == "127.0.0.1, 127.0.0.1"
    assert fields["X-Forwarded-Proto"] == "http"
    assert fields["X-Forwarded-Host"] == "api.example"
    assert re.fullmatch(r"1\.1 earlier, ?1\.1 cors-gateway-[0-9a-f]+", fields["Via"])
    assert fields["X-Request-Id"].encode() == answer.value("X-Request-ID")


def test_a_stream_of_flask_passes_nginx_and_gateway_piece_by_piece(
    flask_site: int, behind: Gateway
) -> None:
    with calling(behind.port) as caller:
        caller.asks("/flask/streams/chain")
        _, content = caller.sees_begin()
        for number in range(5):
            event = b"data: event %d\n\n" % number
            ask(flask_site, "/streams/chain", method="POST", content=event)
            assert content.read(len(event)) == event
        caller.leaves()

    assert ask(flask_site, "/streams/chain/left").status == 204
