"""Flask behind the gateway: the same answers as straight from werkzeug, byte for byte."""

import gzip
import hashlib
import json
import zlib
from typing import Any

import pytest

from tests.peers.processes import Gateway
from tests.real.caller import ask, ask_both, calling
from tests.real.conftest import GatewayTo

CONTENT = b"".join(b"piece %06d of what is sent; " % number for number in range(100_000))
SHA256 = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture(scope="module")
def behind(flask_site: int, gateway_to: GatewayTo) -> Gateway:
    return gateway_to(flask_site)


@pytest.mark.parametrize(
    "request_of, status, field",
    [
        pytest.param({"target": "/hello"}, 200, b"Content-Type: application/json", id="JSON"),
        pytest.param({"target": "/hello", "method": "HEAD"}, 200, b"Content-Length: 42", id="HEAD"),
        pytest.param({"target": "/pages"}, 200, b"", id="a view that streams"),
        pytest.param({"target": "/pages", "method": "HEAD"}, 200, b"", id="HEAD of a stream"),
        pytest.param(
            {"target": "/invoice"},
            200,
            b'Content-Disposition: attachment; filename="R\xe9sum\xe9 \xa7 5.pdf"',
            id="a download whose name is in latin-1",
        ),
        pytest.param({"target": "/old"}, 302, b"Location: /hello", id="a redirect"),
        pytest.param(
            {"target": "/older"},
            308,
            b"Location: http://api.example/hello",
            id="a redirect to the host that the browser used",
        ),
        pytest.param({"target": "/report"}, 200, b'ETag: "fifth edition"', id="a file"),
        pytest.param(
            {"target": "/report", "line": 'If-None-Match: "fifth edition"'},
            304,
            b'ETag: "fifth edition"',
            id="304 for what has not changed",
        ),
        pytest.param(
            {"target": "/report", "line": "Range: bytes=10-29"},
            206,
            b"Content-Range: bytes 10-29/102400",
            id="a range",
        ),
        pytest.param(
            {"target": "/report", "line": "Range: bytes=999999-"}, 416, b"", id="a range too far"
        ),
        pytest.param(
            {"target": "/parts", "line": "Range: bytes=0-9,100-109"},
            206,
            b"Content-Type: multipart/byteranges; boundary=edge",
            id="two ranges",
        ),
        pytest.param(
            {"target": "/compressed"}, 200, b"Content-Encoding: gzip", id="compressed content"
        ),
        pytest.param(
            {"target": "/private"},
            401,
            b'WWW-Authenticate: Basic realm="caf\xe9", charset="UTF-8"',
            id="a challenge",
        ),
        pytest.param({"target": "/hello", "method": "DELETE"}, 204, b"", id="204"),
        pytest.param(
            {"target": "/nowhere"}, 404, b"Content-Type: text/html", id="Flask's own 404 page"
        ),
        pytest.param(
            {"target": "/broken"}, 500, b"Content-Type: text/html", id="Flask's own 500 page"
        ),
        pytest.param({"target": "/hello", "method": "PUT"}, 405, b"Allow: ", id="405"),
    ],
)
def test_an_answer_is_the_same_as_straight_from_flask(
    request_of: dict[str, str], status: int, field: bytes, flask_site: int, behind: Gateway
) -> None:
    request = dict(request_of)
    lines = [request.pop("line")] if "line" in request else []

    answer = ask_both(flask_site, behind.port, request.pop("target"), *lines, **request)

    assert answer.status == status
    assert any(line.startswith(field) for line in answer.head.lines)


def test_a_stream_is_framed_in_chunks_and_the_connection_lives_on(behind: Gateway) -> None:
    with calling(behind.port) as caller:
        answers = [caller.asks_and_gets("/pages") for _ in range(2)]

    assert [answer.framing for answer in answers] == ["chunked", "chunked"]
    assert [answer.content for answer in answers] == [b"page 0\npage 1\npage 2\n"] * 2


def test_three_cookies_stay_three_lines_in_their_order(flask_site: int, behind: Gateway) -> None:
    answer = ask_both(flask_site, behind.port, "/cookies")

    cookies = [value.partition(b";")[0] for value in answer.head.values("Set-Cookie")]
    assert cookies == [b"zeta=1", b"alpha=2", b"zeta=3"]


def test_vary_of_the_site_is_kept_beside_ours(behind: Gateway) -> None:
    vary = ask(behind.port, "/compressed").value("Vary") or b""

    assert [token.strip() for token in vary.split(b",")] == [b"Accept-Encoding", b"Origin"]


def test_compressed_content_is_not_touched(behind: Gateway) -> None:
    answer = ask(behind.port, "/compressed", "Accept-Encoding: gzip")

    assert answer.value("Content-Length") == b"%d" % len(answer.content)
    assert gzip.decompress(answer.content).startswith(b"line 00000 of the report\n")


@pytest.mark.parametrize("framing", ["counted", "chunked"])
def test_an_upload_arrives_whole(framing: str, behind: Gateway) -> None:
    with calling(behind.port) as caller:
        if framing == "counted":
            caller.asks("/echo", method="POST", content=CONTENT)
        else:
            caller.asks("/echo", "Transfer-Encoding: chunked", method="POST")
            for first in range(0, len(CONTENT), 100_000):
                piece = CONTENT[first : first + 100_000]
                caller.sends(b"%x\r\n%b\r\n" % (len(piece), piece))
            caller.sends(b"0\r\n\r\n")
        seen = caller.gets().json()

    fields = dict(seen["fields"])
    assert (seen["length"], seen["sha256"]) == (len(CONTENT), SHA256)
    assert fields.get("Content-Length") == (str(len(CONTENT)) if framing == "counted" else None)
    assert fields.get("Transfer-Encoding") == ("chunked" if framing == "chunked" else None)


@pytest.mark.parametrize("coding, compress", [("gzip", gzip.compress), ("deflate", zlib.compress)])
def test_a_compressed_upload_is_not_touched(coding: str, compress: Any, behind: Gateway) -> None:
    content = compress(CONTENT)

    seen = ask(
        behind.port, "/echo", f"Content-Encoding: {coding}", method="POST", content=content
    ).json()

    assert seen["sha256"] == hashlib.sha256(content).hexdigest()
    assert dict(seen["fields"])["Content-Encoding"] == coding


def test_the_target_reaches_flask_byte_for_byte(flask_site: int, behind: Gateway) -> None:
    target = "/echo?q=%C3%A9+a%20b&q=%2f&empty=&;x"

    straight = json.loads(ask(flask_site, target).content)["target"]
    assert ask(behind.port, target).json()["target"] == straight == target


def test_a_streaming_view_is_seen_piece_by_piece(flask_site: int, behind: Gateway) -> None:
    with calling(behind.port) as caller:
        caller.asks("/streams/werkzeug?type=text/plain")
        head, content = caller.sees_begin()
        for number in range(5):
            piece = b"piece %d\n" % number
            ask(flask_site, "/streams/werkzeug", method="POST", content=piece)
            # The site writes the next piece only after this one has been seen here.
            assert content.read(len(piece)) == piece
        ask(flask_site, "/streams/werkzeug", method="POST", content=b"")
        assert content.rest() == b""

    assert (head.status, content.framing) == (200, "chunked")
