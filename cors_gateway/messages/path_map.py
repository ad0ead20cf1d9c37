"""Paths of an API as its clients have them: with another beginning.

Decides: how a path that an API names (in a cookie, in a redirect) begins for a client that calls it
below a prefix. Does not know: who names it, or what a route is. A path is compared by whole
segments, byte for byte as it stands on the wire.
"""

from dataclasses import dataclass

__all__ = ["PathMap"]


@dataclass(frozen=True, slots=True)
class PathMap:
    """What a request's path lost and got on its way to the API; an answer's goes the other way."""

    prefix: bytes = b""
    """What was cut off; no slash at its end."""
    base_path: bytes = b""
    """What was put in front; no slash at its end."""

    @property
    def is_identity(self) -> bool:
        """Whether the API and its clients have the same paths."""
        return self.prefix == self.base_path

    def to_client(self, path: bytes) -> bytes:
        """Give a path of the API as a client has it; empty for what a client calls ``/``.

        A path that begins with the prefix, and not with the base path, is taken for the client's
        already: an API may heed ``X-Forwarded-Prefix``.

        Args:
            path: begins with a slash.
        """
        if self.is_identity:
            return path
        if self.base_path and _is_below(path, self.base_path):
            return self.prefix + path[len(self.base_path) :]
        if self.prefix and _is_below(path, self.prefix):
            return path
        return self.prefix + path


def _is_below(path: bytes, prefix: bytes) -> bool:
    return path.startswith(prefix) and path[len(prefix) : len(prefix) + 1] in {b"", b"/"}
