"""What a failed attempt to connect is called."""

import errno
import os
import socket

import pytest

from cors_gateway.failures import Failure
from cors_gateway.wire.pool import _failure_of

REFUSED = f"[Errno {errno.ECONNREFUSED}] {os.strerror(errno.ECONNREFUSED)}"


@pytest.mark.parametrize(
    "error, failure",
    [
        (ConnectionRefusedError(errno.ECONNREFUSED, "x"), Failure.CONNECTION_REFUSED),
        (FileNotFoundError(errno.ENOENT, "x"), Failure.CONNECTION_REFUSED),
        (socket.gaierror(socket.EAI_NONAME, "x"), Failure.DNS_ERROR),
        (UnicodeError("label too long"), Failure.DNS_ERROR),
        (TimeoutError(errno.ETIMEDOUT, "x"), Failure.CONNECTION_TIMEOUT),
        (OSError(errno.ENETUNREACH, "x"), Failure.DESTINATION_UNREACHABLE),
        (OSError(errno.EHOSTUNREACH, "x"), Failure.DESTINATION_UNREACHABLE),
        (PermissionError(errno.EACCES, "x"), Failure.DESTINATION_UNREACHABLE),
        (OSError(f"Multiple exceptions: {REFUSED}, [Errno 101] x"), Failure.CONNECTION_REFUSED),
        (
            OSError("Multiple exceptions: [Errno 101] x, [Errno 99] y"),
            Failure.DESTINATION_UNREACHABLE,
        ),
    ],
)
def test_the_failure_of_an_error(error: OSError | UnicodeError, failure: Failure) -> None:
    assert _failure_of(error) is failure
