"""How many descriptors a process may have: as many as the system lets it.

Systems start programs with a soft limit of 1024, for the sake of those that use ``select()``, and
with a hard one that is far higher, up to which each may raise its own. Nothing here uses
``select()``. The supervisor raises its limit, and each worker its own: it may have been started before.
"""

import contextlib
import resource

from cors_gateway.snapshot import Snapshot

__all__ = ["describe_shortage", "raise_limit"]

OWN = 128
"""What a worker has open beside its connections, with room: up to 65 are for long content
(``wire.splice``)."""

PER_CONNECTION = 2
"""A client's, and one to an API: idle ones are given up before there are more of these than there may
be clients."""

PER_DOWNLOAD = 4
"""A client's, both ends of the pair of sockets to what serves files, and the file."""


def raise_limit() -> int:
    """Raise the limit of this process as far as it may; give what it is then.

    That it cannot be raised is no fault: it stays as it was.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    # The kernel's bound for all processes (fs.nr_open) may have become lower than ours.
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        return hard
    return soft


def describe_shortage(snapshot: Snapshot, limit: int) -> str:
    """Say that a worker may need more descriptors than it can have; empty where it cannot.

    Args:
        snapshot: what is served.
        limit: how many a process may have.
    """
    connections = snapshot.limits.connections
    has_files = any(route.upstream.files is not None for route in snapshot.routes)
    each = PER_DOWNLOAD if has_files else PER_CONNECTION
    needed = connections * each + OWN
    if limit == resource.RLIM_INFINITY or limit >= needed:
        return ""
    return (
        f"{connections} clients (server.limits.connections) may take {needed} file descriptors, and "
        f"a worker can have {limit}: allow more (ulimit -Hn, LimitNOFILE=, docker run --ulimit "
        f"nofile={needed}), or lower server.limits.connections to {max(1, (limit - OWN) // each)}"
    )
