"""A proxy of ``web.Server`` and ``ClientSession``, as aiohttp's documents suggest: what the gateway is not.

It does the same work for CORS as the others, and streams content both ways. A program of its own:
``python -m bench.plain_proxy FILE``.
"""

import asyncio
import json
import logging
import ssl
import sys
import uuid
from contextlib import suppress
from pathlib import Path
from typing import Any

import uvloop
from aiohttp import (
    ClientSession,
    ClientTimeout,
    ClientWebSocketResponse,
    DummyCookieJar,
    TCPConnector,
    WSMsgType,
    hdrs,
    web,
)
from multidict import CIMultiDict
from yarl import URL

from bench.scenario import ALLOWED_HEADERS, ALLOWED_METHODS, MAX_AGE

CONNECTION_SPECIFIC = frozenset(
    {"connection", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade"}
)
OF_CORS = frozenset({"access-control-allow-origin", "access-control-allow-credentials"})
PREFLIGHT = {
    "Access-Control-Allow-Methods": ", ".join(ALLOWED_METHODS),
    "Access-Control-Allow-Headers": ", ".join(ALLOWED_HEADERS),
    "Access-Control-Max-Age": str(MAX_AGE),
    "Vary": "Origin, Access-Control-Request-Method, Access-Control-Request-Headers",
}


class Proxy:
    """The handler, and what it needs."""

    def __init__(self, session: ClientSession, api: int, origins: list[str], scheme: str) -> None:
        self.session = session
        self.api = f"http://127.0.0.1:{api}"
        self.origins = frozenset(origins)
        self.scheme = scheme

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request."""
        origin = request.headers.get(hdrs.ORIGIN)
        if origin is not None and origin not in self.origins:
            return web.Response(status=403)
        added = {"X-Request-ID": uuid.uuid4().hex}
        if origin is not None:
            added["Access-Control-Allow-Origin"] = origin
            added["Access-Control-Allow-Credentials"] = "true"
        if request.method == hdrs.METH_OPTIONS and hdrs.ACCESS_CONTROL_REQUEST_METHOD in (
            request.headers
        ):
            return web.Response(status=204, headers={**added, **PREFLIGHT})
        if request.headers.get("Upgrade", "").lower() == "websocket":
            return await self.tunnel(request)
        return await self.forward(request, added)

    def fields_for_the_api(self, request: web.BaseRequest, request_id: str) -> CIMultiDict[str]:
        fields = CIMultiDict(
            (name, value)
            for name, value in request.headers.items()
            if name.lower() not in CONNECTION_SPECIFIC
        )
        fields["X-Forwarded-For"] = request.remote or ""
        fields["X-Forwarded-Proto"] = self.scheme
        fields["X-Forwarded-Host"] = request.headers.get("Host", "")
        fields["X-Request-ID"] = request_id
        return fields

    async def forward(self, request: web.BaseRequest, added: dict[str, str]) -> web.StreamResponse:
        async with self.session.request(
            request.method,
            URL(self.api + request.raw_path, encoded=True),
            headers=self.fields_for_the_api(request, added["X-Request-ID"]),
            data=request.content if request.body_exists else None,
            allow_redirects=False,
        ) as answer:
            fields = CIMultiDict(
                (name, value)
                for name, value in answer.headers.items()
                if name.lower() not in CONNECTION_SPECIFIC and name.lower() not in OF_CORS
            )
            fields.extend(added)
            fields.add("Vary", "Origin")
            response = web.StreamResponse(status=answer.status, headers=fields)
            if "Content-Length" not in fields:
                response.enable_chunked_encoding()
            await response.prepare(request)
            async for piece in answer.content.iter_any():
                await response.write(piece)
            await response.write_eof()
            return response

    async def tunnel(self, request: web.BaseRequest) -> web.StreamResponse:
        client = web.WebSocketResponse(max_msg_size=0, compress=False)
        await client.prepare(request)
        target = URL(self.api + request.raw_path, encoded=True)
        async with self.session.ws_connect(target, max_msg_size=0) as api:
            relays = [relay(client, api), relay(api, client)]
            tasks = [asyncio.ensure_future(each) for each in relays]
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in tasks:
                task.cancel()
        return client


async def relay(
    source: web.WebSocketResponse | ClientWebSocketResponse,
    sink: web.WebSocketResponse | ClientWebSocketResponse,
) -> None:
    """Pass messages on, in one direction."""
    async for message in source:
        if message.type is WSMsgType.BINARY:
            await sink.send_bytes(message.data)
        elif message.type is WSMsgType.TEXT:
            await sink.send_str(message.data)


async def serve(told: dict[str, Any]) -> None:
    """Serve until the process is ended."""
    context = None
    if told["certificate"]:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(told["certificate"], told["key"])
    log = None
    if told["log"]:
        logging.basicConfig(filename=told["log"], format="%(message)s", level=logging.INFO)
        log = logging.getLogger("access")
    async with ClientSession(
        connector=TCPConnector(limit=0),
        cookie_jar=DummyCookieJar(),
        auto_decompress=False,
        timeout=ClientTimeout(total=None),
        skip_auto_headers=["Accept", "Accept-Encoding", "User-Agent", "Content-Type"],
    ) as session:
        proxy = Proxy(session, told["api"], told["origins"], "https" if context else "http")
        server = web.Server(proxy.handle, access_log=log, keepalive_timeout=3600)
        runner = web.ServerRunner(server)
        await runner.setup()
        await web.TCPSite(
            runner, "127.0.0.1", told["port"], ssl_context=context, backlog=4096
        ).start()
        await asyncio.Event().wait()


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        uvloop.run(serve(json.loads(Path(sys.argv[1]).read_text("utf-8"))))
