"""A stand-in for Amazon API Gateway, so that this example runs without an account there.

It does what the developer guide says that the service does to requests and answers, as far as CORS
and what stands behind can notice. What is set up in the console is a TOML file here:

- ``[methods.ANY]`` and ``[methods.OPTIONS]``: the methods of a REST API's resource ``/{proxy+}``. With
  ``authorizer = true`` a method wants a token that a Lambda authorizer accepts.
- ``integration``: ``HTTP_PROXY`` passes everything on, ``HTTP`` (custom) only the headers that are mapped
  one by one in ``request`` and ``response`` (each status is taken to have an integration response of its
  own), and ``MOCK`` answers by itself with the headers in ``answer``.
- ``[cors]``: the CORS configuration of an HTTP API, which answers preflights itself and ignores what
  stands behind. There, credentials do not go with ``*``.

From the guide: "CORS for REST APIs", "CORS for HTTP APIs", "HTTP integrations", "Lambda
authorizers" and "Important notes" (which headers are dropped, remapped and overwritten). Amazon
speaks https only; this one leaves that out, and what has nothing to do with headers.
"""

import argparse
import json
import os
import secrets
import time
import tomllib
from collections.abc import Iterable
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

TOKENS = {"Bearer token-of-ann", "Bearer token-of-bob"}
"""What the authorizer, somebody's function, lets in."""

API_ID = "a1b2c3d4e5"

NOT_SENT = {
    "connection", "content-length", "content-md5", "expect", "host", "max-forwards",
    "proxy-authenticate", "te", "trailer", "transfer-encoding", "upgrade", "via", "www-authenticate",
}  # fmt: skip
"""What no integration gets of a request; ``Host`` is overwritten."""

NOT_RETURNED = {
    "connection", "content-length", "expect", "host", "keep-alive", "proxy-authenticate", "te",
    "trailer", "transfer-encoding", "upgrade", "via",
}  # fmt: skip
REMAPPED = {
    "authorization", "content-md5", "date", "max-forwards", "server", "user-agent",
    "www-authenticate",
}  # fmt: skip
"""What of an integration's answer comes by the name ``x-amzn-Remapped-…``."""

CORS_HEADERS = {
    "allowCredentials": "Access-Control-Allow-Credentials",
    "allowHeaders": "Access-Control-Allow-Headers",
    "allowMethods": "Access-Control-Allow-Methods",
    "exposeHeaders": "Access-Control-Expose-Headers",
    "maxAge": "Access-Control-Max-Age",
}

Headers = list[tuple[str, str]]


class Api:
    """What is set up, and where it leads."""

    def __init__(self, definition: dict[str, Any], to: str) -> None:
        self.methods: dict[str, dict[str, Any]] = definition["methods"]
        self.cors: dict[str, Any] | None = definition.get("cors")
        self.to = urlsplit(to).netloc
        if self.cors and self.cors.get("allowCredentials") and "*" in self.cors["allowOrigins"]:
            raise SystemExit(
                "BadRequestException: allow-credentials is not supported if 'allow-origin' is *"
            )

    def method(self, name: str) -> dict[str, Any]:
        """Return how a method is set up."""
        return self.methods.get(name) or self.methods["ANY"]

    def cors_headers(self, origin: str) -> Headers:
        """Return what an HTTP API's CORS configuration adds for an origin."""
        assert self.cors is not None
        listed = self.cors["allowOrigins"]
        if origin not in listed and "*" not in listed:
            return []
        headers = [("Access-Control-Allow-Origin", origin if origin in listed else "*")]
        for key, name in CORS_HEADERS.items():
            if value := self.cors.get(key):
                text = ",".join(value) if isinstance(value, list) else str(value).lower()
                headers.append((name, text))
        return headers


class Handler(BaseHTTPRequestHandler):
    """One client."""

    protocol_version = "HTTP/1.1"
    api: Api

    def serve(self) -> None:
        """Answer a request."""
        content = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        origin = self.headers.get("Origin")
        method = self.api.method(self.command)
        if self.headers.get("Host") != f"localhost:{self.connection.getsockname()[1]}":
            # Who is called by a name that is not set up as a custom domain.
            self.refuse(403, "ForbiddenException", {"message": "Forbidden"})
        elif self.api.cors is not None and origin and self.is_preflight():
            self.reply(204, self.api.cors_headers(origin), b"", "by its CORS configuration")
        elif method.get("authorizer") and "Authorization" not in self.headers:
            self.refuse(401, "UnauthorizedException", {"message": "Unauthorized"})
        elif method.get("authorizer") and self.headers["Authorization"] not in TOKENS:
            message = "User is not authorized to access this resource"
            self.refuse(403, "AccessDeniedException", {"Message": message})
        elif method["integration"] == "MOCK":
            answer = [(k, os.path.expandvars(v)) for k, v in method["answer"].items()]
            self.reply(200, answer, b"", "by a mock")
        else:
            self.integrate(method, content)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = serve  # noqa: N815

    def is_preflight(self) -> bool:
        """Say whether a browser asks for permission."""
        return self.command == "OPTIONS" and "Access-Control-Request-Method" in self.headers

    def integrate(self, method: dict[str, Any], content: bytes) -> None:
        """Have the server behind answer."""
        sent = self.sent(method)
        connection = HTTPConnection(self.api.to, timeout=29)  # as long as Amazon waits
        try:
            connection.request(self.command, self.path, content or None, dict(sent))
            answer = connection.getresponse()
            body = answer.read()
        except OSError:
            self.refuse(502, "BadGatewayException", {"message": "Internal server error"})
            return
        finally:
            connection.close()
        returned = self.returned(method, answer.getheaders())
        lost = "Origin" in self.headers and not any(name == "Origin" for name, _ in sent)
        self.reply(answer.status, returned, body, f"passed on{' without Origin' if lost else ''}")

    def sent(self, method: dict[str, Any]) -> Headers:
        """Return the headers that go on."""
        if method["integration"] == "HTTP_PROXY":
            kept = [(k, v) for k, v in self.headers.items() if k.lower() not in NOT_SENT]
            addresses = [self.headers.get("X-Forwarded-For", ""), self.client_address[0]]
            kept = [(k, v) for k, v in kept if not k.lower().startswith("x-forwarded-")]
            kept += [
                ("X-Forwarded-For", ", ".join(filter(None, addresses))),
                ("X-Forwarded-Port", "443"),
                ("X-Forwarded-Proto", "https"),
            ]
        else:
            kept = [
                ("Accept", "application/json"),
                ("User-Agent", f"AmazonAPIGateway_{API_ID}"),
                ("x-amzn-apigateway-api-id", API_ID),
            ]
        mapped = method.get("request", {})
        kept += [(name, self.headers[of]) for name, of in mapped.items() if of in self.headers]
        trace = f"Root=1-{int(time.time()):08x}-{secrets.token_hex(12)}"
        return [*kept, ("Host", self.api.to), ("X-Amzn-Trace-Id", trace)]

    def returned(self, method: dict[str, Any], headers: Iterable[tuple[str, str]]) -> Headers:
        """Return the headers that go back."""
        if method["integration"] == "HTTP":
            mapped = {of.lower(): name for name, of in method.get("response", {}).items()}
            return [(mapped[k.lower()], v) for k, v in headers if k.lower() in mapped]
        kept = [(k, v) for k, v in headers if k.lower() not in NOT_RETURNED]
        if self.api.cors is not None:
            kept = [(k, v) for k, v in kept if not k.lower().startswith("access-control-")]
            kept += self.api.cors_headers(self.headers.get("Origin", ""))
        return [(f"x-amzn-Remapped-{k}" if k.lower() in REMAPPED else k, v) for k, v in kept]

    def refuse(self, status: int, error: str, body: dict[str, str]) -> None:
        """Answer in Amazon's own name; no header of CORS is on that unless somebody adds it."""
        headers = [("Content-Type", "application/json"), ("x-amzn-ErrorType", error)]
        self.reply(status, headers, json.dumps(body).encode(), "by itself")

    def reply(self, status: int, headers: Headers, body: bytes, how: str) -> None:
        """Send an answer, and print a line."""
        self.send_response_only(status)
        ours = [("Date", self.date_time_string()), ("x-amzn-RequestId", secrets.token_hex(16))]
        for name, value in [*ours, *headers]:
            self.send_header(name, value)
        if status != 204:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD" and status != 204:
            self.wfile.write(body)
        print(f"{self.command} {self.path} {status} {how}")


def main() -> None:
    """Serve until somebody ends it."""
    parser = argparse.ArgumentParser(description="A stand-in for Amazon API Gateway.")
    parser.add_argument("definition", type=Path, help="what is set up")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--to", required=True, metavar="URL", help="where integrations lead")
    options = parser.parse_args()
    definition = tomllib.loads(options.definition.read_text("utf-8"))
    Handler.api = Api(definition, options.to)
    server = ThreadingHTTPServer(("127.0.0.1", options.port), Handler)
    print(f"listening on http://localhost:{server.server_port}")
    server.serve_forever()


if __name__ == "__main__":
    main()
