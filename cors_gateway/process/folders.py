"""Serving files in a worker: what does it is there from the moment in which a route has some.

It brings the whole of ``aiohttp.web``, which most workers do without.
"""

import asyncio
import socket
from typing import TYPE_CHECKING

from cors_gateway.snapshot import FileTree, Snapshot

if TYPE_CHECKING:
    from cors_gateway.files.server import FileServer

__all__ = ["Folders"]


class Folders:
    """The folders that one worker serves."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        """Serve nothing yet.

        Args:
            loop: where it runs.
        """
        self._loop = loop
        self._server: FileServer | None = None

    def prepare(self, snapshot: Snapshot) -> None:
        """Make what serves files, where a route has some. Takes a while, and may run in a thread."""
        has_files = any(route.upstream.files is not None for route in snapshot.routes)
        if has_files and self._server is None:
            from cors_gateway.files.server import FileServer  # noqa: PLC0415

            self._server = FileServer(self._loop)

    def follow(self, snapshot: Snapshot) -> None:
        """Forget the folders that no route has any more."""
        if self._server is not None:
            trees = {route.upstream.files for route in snapshot.routes}
            self._server.keep_only({tree for tree in trees if tree is not None})

    async def serve(self, tree: FileTree, sock: socket.socket) -> None:
        """Answer on a connected socket until the other end closes."""
        if self._server is None:
            raise RuntimeError("nobody in this process serves files")
        await self._server.serve(tree, sock)

    async def close(self) -> None:
        """End; nobody connects any more."""
        if self._server is not None:
            await self._server.close()
