"""What serves files in a worker, while the folders that routes have change."""

import asyncio
import socket
from pathlib import Path
from typing import cast

import pytest

from cors_gateway.process.folders import Folders
from cors_gateway.routes import Router
from cors_gateway.snapshot import FileTree, Route, Snapshot, Upstream

GET = b"GET /a HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"


def snapshot(*trees: FileTree) -> Snapshot:
    routes = tuple(
        Route(str(number), b"/%d" % number, Upstream("files", files=tree))
        for number, tree in enumerate(trees)
    )
    return Snapshot(Router(routes), routes)


async def test_it_is_there_once_a_route_has_some_and_forgets_what_no_route_has(
    tmp_path: Path,
) -> None:
    (tmp_path / "a").write_text("content")
    tree, other = FileTree(str(tmp_path)), FileTree(str(tmp_path), fallback="a")
    loop = asyncio.get_running_loop()
    folders = Folders(loop)
    folders.prepare(snapshot())
    with pytest.raises(RuntimeError, match="nobody"):
        await folders.serve(tree, cast("socket.socket", None))
    folders.prepare(snapshot(tree, other))
    received = []
    for each in (tree, other):
        ours, theirs = socket.socketpair()
        with ours:
            ours.setblocking(False)
            theirs.setblocking(False)
            await folders.serve(each, theirs)
            await loop.sock_sendall(ours, GET)
            answer = b""
            while piece := await loop.sock_recv(ours, 65536):
                answer += piece
            received.append(answer.endswith(b"\r\n\r\ncontent"))
    server = folders._server
    assert server is not None
    folders.follow(snapshot(other))

    assert received == [True, True]
    assert set(server._servers) == {other}
    await folders.close()
