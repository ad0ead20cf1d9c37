"""nginx on a whole configuration of an example or a test, on a port that is free.

``tests.peers.servers.nginx`` fills a frame of its own; here the configuration is the point.
"""

import os
import re
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.peers.processes import running
from tests.peers.programs import path_of

__all__ = ["nginx_beside"]

ATTEMPTS = 5
SERVES = re.compile(r"start worker process \d+|Address already in use")


@contextmanager
def nginx_beside(folder: Path, write: Callable[[int], str]) -> Iterator[int]:
    """Run nginx until a test is done with it; gives its port.

    Args:
        folder: where relative paths of the configuration begin.
        write: gives the configuration for a port. It says ``error_log stderr notice;``.
    """
    (folder / ".nginx").mkdir(exist_ok=True)
    config = folder / "tested.conf"
    # Started by root its workers would be nobody, who may not read pytest's folders.
    user = ["-g", "user root;"] if os.geteuid() == 0 else []
    argv = [path_of("nginx"), "-e", "stderr", "-p", str(folder), "-c", str(config), *user]
    for _ in range(ATTEMPTS):
        # nginx cannot say which port it took: one that is free is chosen, and may be lost again.
        with socket.socket() as holder:
            holder.bind(("127.0.0.1", 0))
            port = holder.getsockname()[1]
        config.write_text(write(port), "utf-8")
        with running(argv) as program:
            if "worker" in program.wait_for(SERVES)[0]:
                yield port
                return
    raise AssertionError("nginx found no free port")
