"""How a connection is opened: which addresses, in which order, and what it is called if none works."""

import errno
import ssl

import pytest

from cors_gateway.failures import Failure
from cors_gateway.wire.dialing import failure_of


def certificate_error(code: int) -> ssl.SSLCertVerificationError:
    error = ssl.SSLCertVerificationError(1, "certificate verify failed")
    error.verify_code = code
    return error


def tls_error(reason: str) -> ssl.SSLError:
    error = ssl.SSLError(1, reason)
    error.reason = reason
    return error


@pytest.mark.parametrize(
    "error, failure",
    [
        (ConnectionRefusedError(errno.ECONNREFUSED, "x"), Failure.CONNECTION_REFUSED),
        (FileNotFoundError(errno.ENOENT, "x"), Failure.CONNECTION_REFUSED),
        (ConnectionResetError(errno.ECONNRESET, "x"), Failure.CONNECTION_TERMINATED),
        (BrokenPipeError(errno.EPIPE, "x"), Failure.CONNECTION_TERMINATED),
        (UnicodeError("label too long"), Failure.DNS_ERROR),
        (TimeoutError(errno.ETIMEDOUT, "x"), Failure.CONNECTION_TIMEOUT),
        (OSError(errno.ENETUNREACH, "x"), Failure.DESTINATION_UNREACHABLE),
        (OSError(errno.EHOSTUNREACH, "x"), Failure.DESTINATION_UNREACHABLE),
        (PermissionError(errno.EACCES, "x"), Failure.DESTINATION_UNREACHABLE),
        (OSError(errno.EADDRNOTAVAIL, "x"), Failure.DESTINATION_UNREACHABLE),
        (OSError(errno.EMFILE, "x"), Failure.OUT_OF_RESOURCES),
        (OSError(errno.ENFILE, "x"), Failure.OUT_OF_RESOURCES),
        (OSError(errno.ENOBUFS, "x"), Failure.OUT_OF_RESOURCES),
        (OSError(errno.ENOMEM, "x"), Failure.OUT_OF_RESOURCES),
        (BlockingIOError(errno.EAGAIN, "x"), Failure.OUT_OF_RESOURCES),
        (certificate_error(9), Failure.TLS_CERTIFICATE_EARLY),
        (certificate_error(10), Failure.TLS_CERTIFICATE_EXPIRED),
        (certificate_error(18), Failure.TLS_CERTIFICATE_UNTRUSTED),
        (certificate_error(20), Failure.TLS_CERTIFICATE_UNTRUSTED),
        (certificate_error(23), Failure.TLS_CERTIFICATE_INVALID),
        (certificate_error(62), Failure.TLS_CERTIFICATE_HOST),
        (certificate_error(64), Failure.TLS_CERTIFICATE_HOST),
        (certificate_error(66), Failure.TLS_CERTIFICATE_INVALID),
        (tls_error("WRONG_VERSION_NUMBER"), Failure.TLS_PROTOCOL),
        (tls_error("TLSV1_ALERT_PROTOCOL_VERSION"), Failure.TLS_PROTOCOL),
        (tls_error("SSLV3_ALERT_HANDSHAKE_FAILURE"), Failure.TLS_ALERT),
        (ssl.SSLError("no reason"), Failure.TLS_PROTOCOL),
        (ssl.SSLEOFError(8, "EOF"), Failure.CONNECTION_TERMINATED),
        (ssl.SSLZeroReturnError(6, "closed"), Failure.CONNECTION_TERMINATED),
    ],
)
def test_the_failure_of_an_error(error: OSError | UnicodeError, failure: Failure) -> None:
    assert failure_of(error) is failure
