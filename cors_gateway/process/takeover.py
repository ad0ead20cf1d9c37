"""How a worker goes over to another configuration without an end: at once, and for all that follows.

Whatever may fail or takes long is done before, in a thread: unpacking, reading certificates and the
files of upstreams. Going over is a few assignments in one step of the event loop, between two
requests. What has begun goes on as it began.

Listeners are none of this: with other addresses or certificates other workers start.
"""

import asyncio
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from cors_gateway.process.beside import start_beside
from cors_gateway.process.certificates import CertificateError, ListenerCertificate
from cors_gateway.process.control import unpack_snapshot
from cors_gateway.process.folders import Folders
from cors_gateway.process.logging import describe_error
from cors_gateway.snapshot import ListenerTls, LogSettings, Snapshot, Upstream, UpstreamTls
from cors_gateway.wire.plane import Plane
from cors_gateway.wire.trust import client_context

__all__ = ["Takeover"]

Certificates = Mapping[ListenerTls, ListenerCertificate]


class _RefusedError(Exception):
    """The configuration cannot be served here; the text says why."""


@dataclass(frozen=True, slots=True)
class _Prepared:
    """All that going over needs."""

    snapshot: Snapshot
    certificates: Certificates
    contexts: Mapping[UpstreamTls, ssl.SSLContext]


class Takeover:
    """Exchanges what one worker serves."""

    def __init__(
        self,
        plane: Plane,
        certificates: Certificates,
        folders: Folders,
        follow_log: Callable[[LogSettings], None],
    ) -> None:
        """Begin with nothing prepared.

        Args:
            plane: what serves.
            certificates: of the listeners.
            folders: what serves files.
            follow_log: has the log's settings count.
        """
        self._plane = plane
        self._certificates = certificates
        self._folders = folders
        self._follow_log = follow_log
        self._edition = 0
        self._prepared: _Prepared | None = None
        self._preparing: asyncio.Task[None] | None = None

    def prepare(self, edition: int, content: bytes, answer: Callable[[str], None]) -> None:
        """Get ready for a packed snapshot; ``answer`` takes why not, or nothing, once."""
        self._edition, self._prepared = edition, None
        self._preparing = self._plane.loop.create_task(self._prepare(edition, content, answer))

    def commit(self, edition: int) -> None:
        """Go over to it.

        Raises:
            RuntimeError: it is not prepared.
        """
        prepared, self._prepared = self._prepared, None
        if prepared is None or edition != self._edition:
            raise RuntimeError("what was never prepared is to be served")
        # What has ended is logged as it was wanted then.
        self._plane.flush_records()
        for tls, certificate in prepared.certificates.items():
            self._certificates[tls].become(certificate)
        self._plane.go_over_to(prepared.snapshot, prepared.contexts)
        self._folders.follow(prepared.snapshot)
        self._follow_log(prepared.snapshot.log)

    def forget(self, edition: int) -> None:
        """Give it up."""
        if edition == self._edition:
            self._edition, self._prepared = 0, None

    async def _prepare(self, edition: int, content: bytes, answer: Callable[[str], None]) -> None:
        pooled = frozenset(self._plane.pools)
        try:
            prepared = await start_beside(lambda: self._get_ready(content, pooled), "prepare")
        except Exception as error:  # noqa: BLE001 - also what nobody thought of, such as too little memory
            answer(describe_error(error, _RefusedError, CertificateError))
            return
        if edition == self._edition:
            self._prepared = prepared
        answer("")

    def _get_ready(self, content: bytes, pooled: frozenset[Upstream]) -> _Prepared:
        """Do what may fail and takes long; this runs in a thread.

        Args:
            content: the packed snapshot.
            pooled: the upstreams that are connected to.
        """
        snapshot = unpack_snapshot(content)
        contexts: dict[UpstreamTls, ssl.SSLContext] = {}
        for route in snapshot.routes:
            tls = route.upstream.tls
            if tls is None or tls in contexts:
                continue
            # The authorities of the system take long to read, and those who call first do.
            if route.upstream in pooled or tls.ca is not None or tls.certificate is not None:
                contexts[tls] = _read_files(route.upstream, tls)
        self._folders.prepare(snapshot)
        # Who is leaving accepts nobody, and its listeners' files may be gone.
        wanted = {listener.tls for listener in snapshot.listeners}
        certificates = {
            tls: ListenerCertificate(tls) for tls in self._certificates if tls in wanted
        }
        return _Prepared(snapshot, certificates, contexts)


def _read_files(upstream: Upstream, tls: UpstreamTls) -> ssl.SSLContext:
    try:
        return client_context(tls)
    except OSError as error:
        why = error.strerror or error
        text = f"the TLS files of the upstream {upstream.url} cannot be used: {why}"
        raise _RefusedError(text) from error
