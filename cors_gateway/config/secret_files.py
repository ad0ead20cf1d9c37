"""Which files of a document nobody may be served: the keys of TLS, and what values were read from.

Certificates are public. Whether such a file lies in a folder that is served is for the ``Reader``.
"""

from collections.abc import Iterator

from cors_gateway.config.listener_schema import ListenerSettings, ListenerTlsSettings
from cors_gateway.config.schema import Settings
from cors_gateway.config.substitution import Filling, Reader

__all__ = ["find_secret_files"]


def find_secret_files(settings: Settings, filling: Filling, reader: Reader) -> tuple[str, ...]:
    """Give the paths of all secret files, each once.

    Args:
        settings: the document's.
        filling: its values, which may have come from files.
        reader: makes paths absolute.
    """
    keys = {reader.locate(key) for key in _keys(settings) if key}
    return tuple(sorted(keys | filling.files))


def _keys(settings: Settings) -> Iterator[str | None]:
    own = [each.tls for each in settings.server.listen if isinstance(each, ListenerSettings)]
    for tls in (settings.server.tls, *own):
        if isinstance(tls, ListenerTlsSettings):
            yield tls.key
    for route in settings.routes:
        if route.upstream is not None and route.upstream.tls is not None:
            yield route.upstream.tls.key
