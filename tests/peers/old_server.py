"""A server as it was written in 1996: Python's ``http.server``, HTTP/1.0, content until close.

It serves the files of a folder, and three pages whose length nobody says. The argument is the
folder; it prints where it listens.
"""

import socket
import struct
import sys
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

__all__ = ["main"]

LINE = b"a line of the report\n"
LINES = 50_000


class OldHandler(SimpleHTTPRequestHandler):
    """Files, ``/report`` until close, ``/broken`` and ``/cut`` that end abruptly."""

    directory: str

    def do_GET(self) -> None:
        match self.path:
            case "/report":
                self._begin()
                for _ in range(LINES):
                    self.wfile.write(LINE)
            case "/broken":
                self._begin()
                self.wfile.write(LINE)
                # Closing resets the connection: the only way to say that more was to come.
                self.connection.setsockopt(
                    socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)
                )
                self.connection.close()
            case "/cut":
                self._begin(("Content-Length", "1000"))
                self.wfile.write(LINE)
            case _:
                super().do_GET()

    def _begin(self, *fields: tuple[str, str]) -> None:
        self.send_response(200, "Here you are")
        self.send_header("Content-Type", "text/plain")
        for name, value in fields:
            self.send_header(name, value)
        self.end_headers()


def main(directory: str) -> None:
    def handler(*arguments: object) -> OldHandler:
        return OldHandler(*arguments, directory=directory)  # type: ignore[arg-type]

    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        print(f"http.server listens on http://127.0.0.1:{server.server_port}", flush=True)
        server.serve_forever()


if __name__ == "__main__":
    main(sys.argv[1])
