"""Files through the data plane, over real sockets: what a client sees, and what is left behind."""

import asyncio
import errno
import itertools
import os
import socket
from pathlib import Path

import pytest

from cors_gateway.files import replies, server
from cors_gateway.files.opening import OpenFile
from cors_gateway.snapshot import FileTree, Limits
from tests.files.conftest import FileGateway, StartFileGateway, route_to_files
from tests.wire.gateways import APP, Gateway, snapshot_of, until
from tests.wire.raw_peer import End

LARGE = 8 * 1024 * 1024


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "site"
    (folder / "docs").mkdir(parents=True)
    (folder / "index.html").write_bytes(b"<title>app</title>")
    (folder / "docs" / "index.html").write_bytes(b"docs")
    (folder / "a.css").write_bytes(b"body {}")
    (folder / "a.css.gz").write_bytes(b"coded")
    (folder / "large").write_bytes(os.urandom(LARGE))
    return folder


def opened(gateway: FileGateway) -> int:
    """How many connections to folders were ever made."""
    return sum(pool.usage().opened for pool in gateway.plane.pools.values())


async def test_a_file_arrives_with_its_head(start_files: StartFileGateway, root: Path) -> None:
    gateway = await start_files(route_to_files(root))
    client = await gateway.connects()
    await client.asks("/a.css", f"Origin: {APP}")
    response = await client.gets()

    assert (response.status, response.content) == (200, b"body {}")
    assert response.value("Content-Type") == b"text/css; charset=utf-8"
    assert response.value("Content-Length") == b"7"
    assert response.value("X-Content-Type-Options") == b"nosniff"
    assert response.value("Server") == b"cors-gateway"
    assert response.value("Access-Control-Allow-Origin") == APP.encode()
    assert response.value("Vary") == b"Accept-Encoding, Origin"
    for name in ("Date", "ETag", "Last-Modified", "X-Request-ID"):
        assert response.value(name)
    record = await gateway.record()
    assert (record.upstream_url, record.upstream_address) == ("files:site", "")
    assert (record.route, record.status, record.problem) == ("site", 200, "")


async def test_many_requests_share_a_connection(start_files: StartFileGateway, root: Path) -> None:
    gateway = await start_files(route_to_files(root))
    client = await gateway.connects()
    for method, target, status in [
        ("GET", "/a.css", 200),
        ("HEAD", "/a.css", 200),
        ("HEAD", "/large", 200),
        ("GET", "/gone", 404),
        ("OPTIONS", "/a.css", 204),
        ("GET", "/docs", 301),
        ("DELETE", "/a.css", 405),
        ("GET", "/large", 200),
        ("GET", "/", 200),
    ]:
        await client.asks(target, method=method)
        response = await client.gets(method)
        assert (response.status, response.closes) == (status, False)
    assert opened(gateway) == 1


async def test_pipelined_requests_are_answered_in_order(
    start_files: StartFileGateway, root: Path
) -> None:
    gateway = await start_files(route_to_files(root))
    client = await gateway.connects()
    for target in ("/a.css", "/docs/", "/gone", "/a.css"):
        await client.asks(target)

    contents = [(await client.gets()).content for _ in range(4)]
    assert contents[:2] == [b"body {}", b"docs"]
    assert contents[3] == b"body {}"


async def test_what_says_that_nothing_has_changed_has_no_content(
    start_files: StartFileGateway, root: Path
) -> None:
    gateway = await start_files(route_to_files(root))
    client = await gateway.connects()
    await client.asks("/a.css", "Accept-Encoding: gzip")
    coded = await client.gets()
    assert (coded.content, coded.value("Content-Encoding")) == (b"coded", b"gzip")
    tag = coded.value("ETag") or b""
    await client.asks("/a.css", "Accept-Encoding: gzip", f"If-None-Match: {tag.decode()}")
    response = await client.gets()

    assert (response.status, response.value("ETag")) == (304, tag)
    assert response.value("Content-Length") is None
    assert response.value("Content-Type") is None
    assert response.value("Vary") == b"Accept-Encoding, Origin"


async def test_a_part_of_a_large_file(start_files: StartFileGateway, root: Path) -> None:
    gateway = await start_files(route_to_files(root))
    client = await gateway.connects()
    await client.asks("/large", "Range: bytes=1000000-3000000")
    response = await client.gets()

    assert response.status == 206
    assert response.value("Content-Range") == b"bytes 1000000-3000000/%d" % LARGE
    assert response.content == (root / "large").read_bytes()[1000000:3000001]


async def test_a_file_arrives_whole_of_which_the_system_has_some_in_memory(
    start_files: StartFileGateway, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = itertools.cycle([b"all", b"some", None])
    read = OpenFile.read

    def read_at_once(file: OpenFile, offset: int, count: int) -> bytes | None:
        some = next(told)
        return None if some is None else read(file, offset, count if some == b"all" else 1000)

    monkeypatch.setattr(OpenFile, "read_at_once", read_at_once)
    gateway = await start_files(route_to_files(root))
    client = await gateway.connects()
    await client.asks("/large")

    assert (await client.gets()).content == (root / "large").read_bytes()


async def test_a_large_file_arrives_whole_at_a_slow_client(
    start_files: StartFileGateway, root: Path
) -> None:
    gateway = await start_files(route_to_files(root))
    client = await gateway.connects(receive_buffer=4096)
    await client.asks("/large")
    await asyncio.sleep(0.2)
    response = await client.gets()

    assert response.content == (root / "large").read_bytes()


async def test_a_file_that_is_replaced_while_it_is_sent_is_the_one_that_was_asked_for(
    start_files: StartFileGateway, root: Path
) -> None:
    gateway = await start_files(route_to_files(root))
    content = (root / "large").read_bytes()
    client = await gateway.connects(receive_buffer=4096)
    await client.asks("/large")
    head = await client.sees_head()
    (root / "new").write_bytes(b"new")
    (root / "new").replace(root / "large")
    await client.asks("/large")

    assert head.startswith(b"HTTP/1.1 200 ")
    assert await client.receives(LARGE) == content
    assert (await client.gets()).content == b"new"


async def test_a_file_that_becomes_shorter_while_it_is_sent_ends_the_connection(
    start_files: StartFileGateway, root: Path
) -> None:
    """The client was told a length, and must be able to tell that this is not all."""
    gateway = await start_files(route_to_files(root))
    client = await gateway.connects(receive_buffer=4096)
    await client.asks("/large")
    await client.sees_head()
    os.truncate(root / "large", 1000)
    content = await client.sees_rest()

    assert len(content) < LARGE
    assert client.end is not None
    record = await gateway.record()
    assert record.fault == "upstream"


async def test_a_file_that_grows_while_it_is_sent_is_sent_as_it_was_announced(
    start_files: StartFileGateway, root: Path
) -> None:
    gateway = await start_files(route_to_files(root))
    client = await gateway.connects(receive_buffer=4096)
    await client.asks("/large")
    await client.sees_head()
    with (root / "large").open("ab") as file:
        file.write(b"more")
    await client.asks("/a.css")

    assert len(await client.receives(LARGE)) == LARGE
    assert (await client.gets()).content == b"body {}"


async def test_a_disk_that_fails_in_between_ends_the_connection_and_is_told(
    start_files: StartFileGateway, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = OpenFile.read

    def fail_later(file: OpenFile, offset: int, count: int) -> bytes:
        if offset:
            raise OSError(errno.EIO, "the disk is broken")
        return read(file, offset, count)

    monkeypatch.setattr(OpenFile, "read", fail_later)
    monkeypatch.setattr(OpenFile, "read_at_once", lambda *_: None)
    gateway = await start_files(route_to_files(root))
    client = await gateway.connects()
    await client.asks("/large", "X-Request-ID: theirs")
    head = await client.sees_head()
    assert b"\r\nContent-Length: %d\r\n" % LARGE in head
    assert len(await client.sees_rest()) == replies.PIECE
    (fault,) = gateway.faults
    gateway.faults.clear()
    assert fault["exception"].errno == errno.EIO
    assert "a file cannot be served in request" in fault["message"]
    assert "theirs" not in fault["message"]


async def test_a_failure_of_the_system_is_told_to_the_operator_and_not_to_the_client(
    start_files: StartFileGateway, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OSError(errno.EMFILE, "too many open files")

    monkeypatch.setattr(replies, "open_below", fail)
    gateway = await start_files(route_to_files(root))
    client = await gateway.connects()
    await client.asks("/a.css", f"Origin: {APP}")
    response = await client.gets()

    assert (response.status, response.closes) == (500, False)
    assert b"too many" not in response.content
    assert response.value("Access-Control-Allow-Origin") == APP.encode()
    (fault,) = gateway.faults
    gateway.faults.clear()
    assert fault["exception"].errno == errno.EMFILE
    request_id = response.value("X-Request-ID") or b""
    assert request_id.decode() in fault["message"]


async def test_a_client_that_goes_leaves_nothing_open(
    start_files: StartFileGateway, root: Path
) -> None:
    gateway = await start_files(route_to_files(root))
    clients = [await gateway.connects(receive_buffer=4096) for _ in range(5)]
    for client in clients:
        await client.asks("/large")
        await client.sees_head()
    assert opened(gateway) == 5
    for client in clients:
        client.resets()

    await until(lambda: gateway.open_upstreams == 0)
    assert gateway.faults == []


async def test_content_that_nobody_wants_is_refused_and_the_answer_arrives(
    start_files: StartFileGateway, root: Path
) -> None:
    gateway = await start_files(route_to_files(root))
    client = await gateway.connects()
    await client.asks("/a.css", method="POST", content=b"x" * 500_000)
    response = await client.gets()

    assert (response.status, response.value("Allow")) == (405, b"GET, HEAD, OPTIONS")


async def test_content_of_a_get_is_no_other_request(
    start_files: StartFileGateway, root: Path
) -> None:
    gateway = await start_files(route_to_files(root))
    client = await gateway.connects()
    smuggled = b"GET /docs/ HTTP/1.1\r\nHost: a\r\n\r\n"
    await client.asks("/a.css", content=smuggled)
    assert (await client.gets()).content == b"body {}"
    await client.asks("/gone")

    assert (await client.gets()).status == 404


async def test_a_client_that_waits_to_be_told_to_go_on_is_answered(
    start_files: StartFileGateway, root: Path
) -> None:
    gateway = await start_files(route_to_files(root))
    client = await gateway.connects()
    await client.asks("/a.css", "Expect: 100-continue", "Content-Length: 5", method="PUT")
    response = await client.gets("PUT")
    if response.status == 100:
        await client.sends(b"hello")
        response = await client.gets("PUT")

    assert response.status == 405


async def test_a_head_of_the_largest_size_is_no_mistake(
    start_files: StartFileGateway, root: Path
) -> None:
    """The bounds are the data plane's; what serves files has none that are narrower."""
    gateway = await start_files(
        route_to_files(root),
        limits=Limits(target_bytes=64 * 1024, field_section_bytes=256 * 1024, field_lines=1000),
    )
    client = await gateway.connects()
    lines = [f"X-{number}: {'x' * 100}" for number in range(900)]
    await client.asks(f"/a.css?{'q' * 60_000}", f"Cookie: {'c' * 100_000}", *lines)

    assert (await client.gets()).content == b"body {}"


async def test_bytes_beyond_ascii_in_a_head_are_no_mistake(
    start_files: StartFileGateway, root: Path
) -> None:
    gateway = await start_files(route_to_files(root))
    client = await gateway.connects()
    await client.asks("/a.css", "X-Name: \xe4\xff", 'If-None-Match: "\xe4"', "Accept: \xff")

    assert (await client.gets()).content == b"body {}"


@pytest.mark.parametrize(
    "target, status",
    [
        ("/..%2f..%2fetc/passwd", 400),
        ("/%2e%2e/secret", 400),
        ("/a.css%00", 400),
        ("/a%5c..%5csecret", 400),
        ("/%252e%252e/secret", 404),
        ("/docs%2findex.html", 404),
        ("//a.css", 404),
        ("/.git/config", 404),
        ("/%c3%28", 404),
        (f"/{'a' * 4000}", 404),
        ("/a.css/", 404),
        ("/out/secret", 404),
    ],
)
async def test_no_spelling_leads_out_of_the_folder(
    start_files: StartFileGateway, root: Path, target: str, status: int
) -> None:
    (root / ".git").mkdir()
    (root / ".git" / "config").write_bytes(b"secret")
    (root.parent / "secret").write_bytes(b"secret")
    (root / "out").symlink_to("..")
    gateway = await start_files(route_to_files(root))
    client = await gateway.connects()
    await client.asks(target)
    response = await client.gets()

    assert response.status == status
    assert b"secret" not in response.content


async def test_a_protocol_to_switch_to_is_declined(
    start_files: StartFileGateway, root: Path
) -> None:
    gateway = await start_files(route_to_files(root))
    client = await gateway.connects()
    await client.asks(
        "/a.css",
        "Connection: Upgrade",
        "Upgrade: websocket",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        f"Origin: {APP}",
    )

    assert (await client.gets()).status == 200


async def test_an_old_client_without_a_host_is_served(
    start_files: StartFileGateway, root: Path
) -> None:
    gateway = await start_files(route_to_files(root))
    client = await gateway.connects()
    await client.sends(b"GET /a.css HTTP/1.0\r\n\r\n")
    response = await client.gets()

    assert (response.content, response.closes) == (b"body {}", True)
    await client.sees_end(End.CLOSED)


async def test_a_page_and_its_files_below_a_path(start_files: StartFileGateway, root: Path) -> None:
    gateway = await start_files(
        route_to_files(root, "/static"), route_to_files(root / "docs", "/", "index.html")
    )
    client = await gateway.connects()
    for target, status, content in [
        ("/static/a.css", 200, b"body {}"),
        ("/static/docs/", 200, b"docs"),
        ("/static/", 200, b"<title>app</title>"),
        ("/a.css", 404, None),
        ("/orders", 200, b"docs"),
    ]:
        await client.asks(target)
        response = await client.gets()
        assert (response.status, content or response.content) == (status, response.content)
    await client.asks("/static")
    assert (await client.gets()).value("Location") == b"./static/"


async def test_a_missing_file_can_be_told_by_a_page_that_may_read_it(
    start_files: StartFileGateway, root: Path
) -> None:
    gateway = await start_files(route_to_files(root))
    client = await gateway.connects()
    await client.asks("/font.woff2", f"Origin: {APP}")
    response = await client.gets()

    assert (response.status, response.value("Access-Control-Allow-Origin")) == (404, APP.encode())


async def test_routes_of_one_folder_and_path_share_their_connections(root: Path) -> None:
    one, other = (route_to_files(root, host=host) for host in (b"a.example", b"b.example"))

    assert one.upstream == other.upstream
    assert route_to_files(root, "/x").upstream != one.upstream


async def test_a_plane_that_nobody_serves_files_for_says_so(root: Path) -> None:
    sock = socket.create_server(("127.0.0.1", 0))
    gateway = Gateway(snapshot_of(route_to_files(root)), sock)
    await gateway.start()
    client = await gateway.connects()
    await client.asks("/a.css")
    assert (await client.gets()).status == 500
    (fault,) = gateway.faults
    gateway.faults.clear()
    assert str(fault["exception"]) == "nobody in this process serves files"
    await gateway.stop()


async def test_a_client_that_goes_while_it_is_connected_leaves_nothing(
    start_files: StartFileGateway, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gateway = await start_files(route_to_files(root))
    begun = asyncio.Event()

    async def never(tree: FileTree, sock: socket.socket) -> None:
        begun.set()
        await asyncio.Event().wait()

    gateway.plane._pools._internal = never
    client = await gateway.connects()
    await client.asks("/a.css")
    await begun.wait()
    client.resets()

    await until(lambda: gateway.open_upstreams == 0)


async def test_files_end_with_what_is_being_sent_given_up(
    start_files: StartFileGateway, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "FAREWELL", 0.05)
    gateway = await start_files(route_to_files(root))
    client = await gateway.connects(receive_buffer=4096)
    await client.asks("/large")
    await client.sees_head()
    await gateway.files.close()
    await client.drains()

    assert client.end is not None
