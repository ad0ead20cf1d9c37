"""What an API must prove over TLS, and what its failing to do so is called.

The certificate is verified and must be for the host, always: there is no setting that leaves that
out, and nothing is ever sent again without TLS. At least TLS 1.2 (RFC 8996); which ciphers is the
library's choice. This module opens no connection.
"""

import ssl

from cors_gateway.failures import Failure
from cors_gateway.snapshot import UpstreamTls

__all__ = ["client_context", "failure_of_tls"]

# What OpenSSL's X509_verify_cert_error_string tells apart.
_EARLY, _EXPIRED = 9, 10
_UNTRUSTED = frozenset({2, 18, 19, 20, 21, 27, 28})
_WRONG_HOST = frozenset({62, 64})


def client_context(tls: UpstreamTls) -> ssl.SSLContext:
    """Read the files that connections to one upstream need.

    Not ``ssl.create_default_context``: what it is strict about differs between Python's versions,
    and the stricter ones refuse the small authorities that companies run.

    Raises:
        OSError: a file cannot be read or used.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    if tls.ca is None:
        context.load_default_certs(ssl.Purpose.SERVER_AUTH)
    else:
        context.load_verify_locations(tls.ca)
        # Whoever is named may vouch, also one whose own authority is not in the file.
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    if tls.certificate is not None:
        # An empty password, or OpenSSL would ask for one at the terminal.
        context.load_cert_chain(tls.certificate, tls.key, password="")
    return context


def failure_of_tls(error: ssl.SSLError) -> Failure:
    """Name what kept TLS from being established."""
    if isinstance(error, ssl.SSLCertVerificationError):
        code = error.verify_code
        if code == _EXPIRED:
            return Failure.TLS_CERTIFICATE_EXPIRED
        if code == _EARLY:
            return Failure.TLS_CERTIFICATE_EARLY
        if code in _WRONG_HOST:
            return Failure.TLS_CERTIFICATE_HOST
        if code in _UNTRUSTED:
            return Failure.TLS_CERTIFICATE_UNTRUSTED
        return Failure.TLS_CERTIFICATE_INVALID
    if isinstance(error, ssl.SSLEOFError | ssl.SSLZeroReturnError):
        return Failure.CONNECTION_TERMINATED
    reason = getattr(error, "reason", None) or ""
    # An alert about the version is no complaint: it says that there is none in common.
    if "_ALERT_" in reason and not reason.endswith("PROTOCOL_VERSION"):
        return Failure.TLS_ALERT
    return Failure.TLS_PROTOCOL
