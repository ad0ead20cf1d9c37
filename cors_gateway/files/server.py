"""Files over HTTP, for the data plane of the same worker: ``aiohttp.web`` on pairs of sockets.

Decides how an answer is sent and what becomes of one that cannot be finished. Each connection of the
data plane's pool to a folder is one end of a pair of sockets, and this serves the other end: there is
no port and no path that anybody else could connect to. What is answered is for ``replies``, in
threads of its own, because a disk may let its reader wait. What the system has in memory needs none:
most of a large file, read ahead of who sends it, and a thread for each piece is half of the work.
"""

import asyncio
import socket
import time
from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor
from typing import Any, cast

from aiohttp import web

from cors_gateway.files.replies import FIELDS, PIECE, Asked, Reply, refuse, reply_to
from cors_gateway.snapshot import FileTree

__all__ = ["FileServer"]

THREADS = 8
"""A network file system that is slow keeps them busy; nothing else of the worker uses them."""

FAREWELL = 0.5
"""Seconds for answers that are being sent when the worker ends; the plane has drained before."""

LINGERING = 2.0
"""Seconds in which content of a request that nobody wants is read, so that the answer arrives."""

MOST = 2 * 1024 * 1024
"""Bytes and lines of a request's head: no bound of ours, because the data plane has its own."""


class FileServer:
    """Serves folders on connections that are handed over."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        """Prepare; threads start when they are needed.

        Args:
            loop: where it runs, and whose exception handler is told what fails.
        """
        self._loop = loop
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="files")
        self._servers: dict[FileTree, web.Server] = {}

    async def serve(self, tree: FileTree, sock: socket.socket) -> None:
        """Answer on a connected socket until the other end closes.

        Args:
            tree: what is served there.
            sock: not blocking; it belongs to the server from now on.
        """
        server = self._servers.get(tree)
        if server is None:

            async def answer(request: web.BaseRequest) -> web.StreamResponse:
                return await self._answer(request, tree)

            server = self._servers[tree] = web.Server(answer)
        connection = _Connection(server, self._loop)
        await self._loop.connect_accepted_socket(lambda: connection, sock)

    def keep_only(self, trees: Collection[FileTree]) -> None:
        """Forget folders that nobody will ask for again, but for those that are being sent from."""
        for tree in self._servers.keys() - set(trees):
            if not self._servers[tree].connections:
                del self._servers[tree]

    async def close(self) -> None:
        """End; nobody connects any more."""
        await asyncio.gather(*(server.shutdown(FAREWELL) for server in self._servers.values()))
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _answer(self, request: web.BaseRequest, tree: FileTree) -> web.StreamResponse:
        fields = {
            name: ", ".join(request.headers.getall(name))
            for name in FIELDS
            if name in request.headers
        }
        asked = Asked(request.method, request.raw_path, fields)
        try:
            reply = await self._in_thread(reply_to, asked, tree, time.time())
        except Exception as error:  # noqa: BLE001 - costs one answer
            self._report(request, error)
            reply = refuse(500)
        try:
            return await self._send(request, reply)
        finally:
            reply.close()

    async def _send(self, request: web.BaseRequest, reply: Reply) -> web.StreamResponse:
        response = web.StreamResponse(status=reply.status, headers=reply.fields)
        response.headers["Server"] = "cors-gateway"
        if reply.status not in {204, 304}:
            response.headers["X-Content-Type-Options"] = "nosniff"
            response.content_length = reply.length
        try:
            await response.prepare(request)
            if request.method != "HEAD" and not await self._send_content(request, response, reply):
                # The length has been said: only the connection's end tells that there is no more.
                response.force_close()
        except ConnectionError:
            # The data plane has given up: its client has gone.
            response.force_close()
        return response

    async def _send_content(
        self, request: web.BaseRequest, response: web.StreamResponse, reply: Reply
    ) -> bool:
        """Send piece by piece; say whether that was all, for the file may have been cut."""
        piece: bytes = reply.content
        sent = 0
        # Or it would stay until the end.
        reply.content = b""
        while piece:
            await response.write(piece)
            # aiohttp waits for a slow reader only when two pieces are waiting.
            await request.writer.drain()
            sent += len(piece)
            count = min(PIECE, reply.length - sent)
            if reply.file is None or not count:
                break
            try:
                offset = reply.start + sent
                found = reply.file.read_at_once(offset, count)
                if found is None:
                    found = await self._in_thread(reply.file.read, offset, count)
                piece = found
            except OSError as error:
                self._report(request, error)
                break
        return sent == reply.length

    async def _in_thread(self, function: Any, *arguments: Any) -> Any:
        return await self._loop.run_in_executor(self._threads, function, *arguments)

    def _report(self, request: web.BaseRequest, error: Exception) -> None:
        """Tell the operator what a client must not know."""
        request_id = request.headers.get("X-Request-ID", "")
        message = f"a file cannot be served in request {request_id!a}"
        self._loop.call_exception_handler({"message": message, "exception": error})


class _Connection(web.RequestHandler):
    """One connection of the data plane's."""

    def __init__(self, server: web.Server, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(
            server,
            loop=loop,
            access_log=None,  # type: ignore[arg-type]  # as runners give it, for none
            auto_decompress=False,
            lingering_time=LINGERING,
            max_field_size=MOST,
            max_headers=MOST,
            max_line_size=MOST,
            tcp_keepalive=False,
        )

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin; the next piece is read once the one before is on its way."""
        super().connection_made(transport)
        cast("asyncio.Transport", transport).set_write_buffer_limits(high=0)

    def log_exception(self, *args: Any, **kw: Any) -> None:  # noqa: ARG002 - aiohttp's signature
        """Tell the operator in place of the program's log, which nobody reads."""
        context = {"message": "a file cannot be served", "exception": kw.get("exc_info")}
        self._loop.call_exception_handler(context)
