"""Servers that others wrote, each as a process of its own on a free port.

Each is a context manager that gives the server's port, and ends the server.
"""

import os
import re
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.peers.processes import running
from tests.peers.programs import path_of

__all__ = ["flask_site", "gunicorn_site", "nginx", "node_api", "old_server"]

HERE = Path(__file__).parent
LISTENS = re.compile(r"(?:Running|Listening at:|listens) ?(?:on )?http://127\.0\.0\.1:(\d+)")
NGINX_SERVES = re.compile(r"start worker process \d+|Address already in use")
NGINX_ATTEMPTS = 5

NGINX_FRAME = """\
{user}
daemon off;
error_log stderr notice;
pid {directory}/nginx.pid;
events {{ worker_connections 256; }}
http {{
  access_log off;
  default_type text/plain;
  client_body_temp_path {directory}/client_body;
  proxy_temp_path {directory}/proxy;
  fastcgi_temp_path {directory}/fastcgi;
  scgi_temp_path {directory}/scgi;
  uwsgi_temp_path {directory}/uwsgi;
  server {{
    listen 127.0.0.1:{port};
{server}
  }}
}}
"""


@contextmanager
def _listening(*argv: str) -> Iterator[int]:
    with running(argv) as program:
        yield int(program.wait_for(LISTENS)[1])


@contextmanager
def flask_site() -> Iterator[int]:
    """Serve ``flask_site.py`` by werkzeug: a thread a request, HTTP/1.1, no keep-alive."""
    app = str(HERE / "flask_site.py")
    with _listening(
        sys.executable, "-m", "flask", "--app", app, "run", "--port", "0", "--with-threads"
    ) as port:
        yield port


@contextmanager
def gunicorn_site(worker_class: str) -> Iterator[int]:
    """Serve ``flask_site.py`` by one worker of gunicorn, with gunicorn's keep-alive of 2 s."""
    with _listening(
        *(sys.executable, "-m", "gunicorn", "--worker-class", worker_class, "--workers", "1"),
        *("--bind", "127.0.0.1:0", "--no-control-socket", "--graceful-timeout", "1"),
        *("--chdir", str(HERE), "flask_site:app"),
    ) as port:
        yield port


@contextmanager
def node_api() -> Iterator[int]:
    """Run ``node_api.mjs``; needs ``system("node")``."""
    with _listening(path_of("node"), str(HERE / "node_api.mjs")) as port:
        yield port


@contextmanager
def old_server(directory: Path) -> Iterator[int]:
    """Run ``old_server.py`` on the files of a folder."""
    with _listening(sys.executable, str(HERE / "old_server.py"), str(directory)) as port:
        yield port


@contextmanager
def nginx(directory: Path, server: str) -> Iterator[int]:
    """Run nginx; needs ``system("nginx")``.

    Args:
        directory: for all that it writes.
        server: what stands in its ``server`` block.
    """
    config = directory / "nginx.conf"
    # Started by root its workers would be nobody, who may not read pytest's folders.
    user = "user root;" if os.geteuid() == 0 else ""
    argv = [path_of("nginx"), "-e", "stderr", "-p", str(directory), "-c", str(config)]
    for _ in range(NGINX_ATTEMPTS):
        # nginx cannot say which port it took: one that is free is chosen, and may be lost again.
        with socket.socket() as holder:
            holder.bind(("127.0.0.1", 0))
            port = holder.getsockname()[1]
        frame = {"user": user, "directory": directory, "port": port, "server": server}
        config.write_text(NGINX_FRAME.format(**frame), "utf-8")
        with running(argv) as program:
            if "worker" in program.wait_for(NGINX_SERVES)[0]:
                yield port
                return
    raise AssertionError("nginx found no free port")
