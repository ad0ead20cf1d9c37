"""Ports for programs that have to be told theirs beforehand."""

import socket
from random import sample

__all__ = ["free_port"]

NOBODYS = range(20_000, 32_000)
"""Not those that the kernel gives to clients, and to who asks for any: they come and go too fast."""


def free_port(*hosts: str) -> int:
    """Find a port that is free on addresses of this machine: on 127.0.0.1, or on those given."""
    for port in sample(NOBODYS, 100):
        if all(_is_free(host, port) for host in hosts or ["127.0.0.1"]):
            return port
    raise AssertionError("no port is free on all of them")


def _is_free(host: str, port: int) -> bool:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as sock:
        try:
            sock.bind((host, port))
        except OSError:
            return False
    return True
