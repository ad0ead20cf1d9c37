"""The API of all workloads but the live ones: nginx, which costs little and takes and gives everything.

It shares a CPU with the load, never with what is measured.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.machine import Cpus, free_ports, where
from bench.processes import pinned, wait_until_it_listens
from bench.scenario import route

__all__ = ["KIBIBYTE", "MEBIBYTE", "SEEN", "SIZES", "api"]

KIBIBYTE = 1024
MEBIBYTE = 1024 * KIBIBYTE
SIZES = {"64k": 64 * KIBIBYTE, "1m": MEBIBYTE, "100m": 100 * MEBIBYTE}
"""Of the files below ``/files/``; those below ``/chunked/`` are the same without a length."""
SEEN = ("X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "X-Request-Id", "Origin")
"""Fields of which ``/seen`` says how they arrived, a line each."""

ORDERS = (
    '{"orders": [{"id": 1, "total": "12.50", "state": "paid"}, {"id": 2, "total": "7.10", "state": "open"}, '
    '{"id": 3, "total": "99.00", "state": "sent"}]}'
)

# Content of a request is read to its end and dropped: it goes into memory, and a second server answers
# without it. Server-side includes take the length from a file, so that it is sent in chunks.
CONFIGURATION = """\
worker_processes 1; daemon off; master_process off; pid {folder}/pid; error_log stderr crit;
events {{ worker_connections 8192; }}
http {{
  access_log off; keepalive_requests 1000000000; keepalive_timeout 1h; sendfile on;
  client_max_body_size 0; client_body_buffer_size 16m;
  client_body_temp_path {folder}/b; proxy_temp_path {folder}/p;
  fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  upstream swallowing {{ server 127.0.0.1:{swallowing}; keepalive 16; keepalive_requests 1000000000; }}
  server {{
    listen 127.0.0.1:{port} backlog=4096; default_type application/json;
    location / {{
      return 200 '{orders}';
      add_header Cache-Control no-cache; add_header ETag '"abc123"'; add_header Access-Control-Allow-Origin none;
    }}
    location = /seen {{ return 200 "{seen}"; }}
    location = {route}/seen {{ return 200 "{seen}"; }}
    location /files/ {{ alias {folder}/files/; }}
    location /chunked/ {{ alias {folder}/files/; ssi on; ssi_types *; }}
    location /taken {{
      proxy_pass http://swallowing; proxy_pass_request_body off; proxy_set_header Content-Length "";
      proxy_http_version 1.1; proxy_set_header Connection "";
    }}
  }}
  server {{
    listen 127.0.0.1:{swallowing}; keepalive_timeout 1h; default_type application/json;
    location / {{ return 200 '{{"taken": true}}'; }}
  }}
}}
"""


@contextmanager
def api(folder: Path, cpus: Cpus) -> Iterator[int]:
    """Run it; give its port."""
    files = folder / "files"
    files.mkdir(parents=True)
    # Text, in which server-side includes look for commands and find none.
    piece = os.urandom(32 * KIBIBYTE).hex().encode()
    for name, size in SIZES.items():
        with (files / name).open("wb") as file:
            for _ in range(size // len(piece)):
                file.write(piece)
    port, swallowing = free_ports(2)
    seen = "\\n".join("$http_" + name.lower().replace("-", "_") for name in SEEN)
    text = CONFIGURATION.format(
        folder=folder, port=port, swallowing=swallowing, orders=ORDERS, seen=seen, route=route(0)
    )
    (folder / "nginx.conf").write_text(text, "utf-8")
    argv = [where("nginx"), "-e", "stderr", "-p", str(folder), "-c", str(folder / "nginx.conf")]
    with pinned("the API", argv, [cpus.load], folder) as program:
        wait_until_it_listens(program, port)
        yield port
