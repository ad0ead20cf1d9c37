"""The certificates of listeners: loaded at start, and again when their files change.

Each pair of files has one ``SSLContext`` that all its handshakes begin with; for each handshake
OpenSSL then asks which context to go on with, whether the client names a server or not, and is
given that of the pair loaded last. So a pair is exchanged at once and as a whole, for handshakes
that begin afterwards, and connections that are open keep what they have. ``load_cert_chain`` on
the context in use would not do: if the key fails, the new certificate is in it already.

A thread of its own looks at the files: a volume that hangs then stops no request. What is broken or
half written is told once for each state of the files, and the pair before it serves on.
"""

import os
import ssl
import threading
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

from cors_gateway.config.flaws import Flaw
from cors_gateway.process.logging import Report
from cors_gateway.process.pem_files import Validity, find_pair_flaws, read_validity
from cors_gateway.snapshot import ListenerTls

__all__ = ["CertificateError", "CertificateWatch", "ListenerCertificate"]

INTERVAL = 1.0
"""Seconds between two looks at the files."""

FileState = tuple[int, int, int, int] | None


class CertificateError(Exception):
    """A pair of files cannot be served with; the text says why and what to do."""


class ListenerCertificate:
    """What a listener proves itself with, as its files say."""

    def __init__(self, tls: ListenerTls) -> None:
        """Load the files.

        Raises:
            CertificateError: they cannot be used.
        """
        self._tls = tls
        self._seen = _states(tls)
        self.context = self._current = _load(tls)
        """What handshakes begin with."""
        self.context.sni_callback = self._choose

    def look_again(self) -> tuple[str, str] | None:
        """Load the files again if they have changed; say at which level what is to be told."""
        states = _states(self._tls)
        if states == self._seen:
            return None
        # Noted before reading: what changes meanwhile is a change at the next look.
        self._seen = states
        try:
            loaded = _load(self._tls)
            validity = read_validity(Path(self._tls.certificate).read_bytes())
        except (CertificateError, OSError, ValueError) as error:
            return "warning", f"{error}; the certificate before it serves on"
        self._current = loaded
        return _tell_of_change(self._tls.certificate, validity)

    def become(self, other: "ListenerCertificate") -> None:
        """Take what another one has read of the same files."""
        self._seen, self._current = other._seen, other._current  # noqa: SLF001 - of the same class

    def _choose(self, connection: ssl.SSLObject, name: str | None, context: ssl.SSLContext) -> None:
        del name, context
        connection.context = self._current


class CertificateWatch:
    """Looks at the files of certificates from a thread of its own."""

    def __init__(self, certificates: Iterable[ListenerCertificate], report: Report) -> None:
        """Watch ``certificates``, and tell ``report`` of changes; ``start`` begins."""
        self._certificates = tuple(certificates)
        self._report = report
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="certificates", daemon=True)

    def start(self) -> None:
        """Begin, if there is anything to look at."""
        if self._certificates:
            self._thread.start()

    def close(self) -> None:
        """Look no more, without waiting for a look that hangs."""
        self._closed.set()

    def _watch(self) -> None:
        while not self._closed.wait(INTERVAL):
            for certificate in self._certificates:
                told = certificate.look_again()
                if told is not None and not self._closed.is_set():
                    self._report(*told)


def _load(tls: ListenerTls) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_COMPRESSION
    # A client that speaks HTTP/2 too learns from this that we do not.
    context.set_alpn_protocols(["http/1.1"])
    try:
        # Without a password OpenSSL would ask the terminal for one.
        context.load_cert_chain(tls.certificate, tls.key, password="")
    except (OSError, ValueError) as error:
        flaws = find_pair_flaws(tls.certificate, tls.key, datetime.now(UTC))
        reasons = [_sentence(flaw, tls) for flaw in flaws if not flaw.is_warning]
        # None where they have become right again since.
        raise CertificateError("; ".join(reasons) or f"{tls.certificate}: {error}") from error
    return context


def _sentence(flaw: Flaw, tls: ListenerTls) -> str:
    return flaw.sentence(tls.key if flaw.role == "key" else tls.certificate)


def _tell_of_change(path: str, validity: Validity) -> tuple[str, str]:
    told = f"{path} is taken, it expires on {validity.end:%Y-%m-%d at %H:%M} UTC"
    if validity.begin <= datetime.now(UTC) <= validity.end:
        return "info", told
    return "warning", f"{told} and is not valid now: clients refuse it"


def _states(tls: ListenerTls) -> tuple[FileState, FileState]:
    return _state(tls.certificate), _state(tls.key)


def _state(path: str) -> FileState:
    """Tell one state of a file from another; a symbolic link counts for what it leads to."""
    try:
        status = os.stat(path)  # noqa: PTH116 - without an object, once a second
    except (OSError, ValueError):
        return None
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns
