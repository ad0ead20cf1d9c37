"""Whether the files that a configuration is made of say something else than what is served.

By their content and nothing else: bind mounts, editors that rename, links that are switched (as
Kubernetes does with a ConfigMap) and restored backups all keep or fake inodes, sizes and dates; and
some of these are never announced by inotify. A few kilobytes are read once a second, by a thread of
its own, so that a volume that hangs stops nobody.

A change counts when two looks in a row see the same: then nobody is still writing it. This module
does not know what the files mean, nor whether loading them helped.
"""

import threading
from collections.abc import Callable, Collection
from hashlib import sha256
from pathlib import Path

from cors_gateway.config.document import MAX_BYTES

__all__ = ["FileWatch"]

INTERVAL = 1.0
"""Seconds between two looks."""

Digests = dict[str, str]
"""Of each file's content, by its path; empty for one that cannot be read."""


class FileWatch:
    """Looks at files from a thread of its own."""

    def __init__(
        self,
        files: Callable[[], Collection[str]],
        changed: Callable[[], None],
        known: Digests,
        interval: float = INTERVAL,
    ) -> None:
        """Prepare; ``start`` begins.

        Args:
            files: gives what is to be looked at, from another thread and at every look.
            changed: told of a change, once for each, from another thread.
            known: what is served was made of: what a first look differs from is a change.
            interval: seconds between two looks.
        """
        self._files = files
        self._changed = changed
        self._told = dict(known)
        self._seen: Digests = {}
        self._interval = interval
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="configuration", daemon=True)

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def close(self) -> None:
        """Look no more, without waiting for a look that hangs."""
        self._closed.set()

    def take_as_told(self) -> None:
        """Take what the files say for told: whoever calls this is about to read them.

        What changes after that, also while they are being read, is told as ever.
        """
        self._told |= {path: _digest(path) for path in self._files()}

    def look(self) -> None:
        """Look once, and tell of a change that has settled."""
        before, seen = self._seen, {path: _digest(path) for path in self._files()}
        self._seen = seen
        is_new = False
        for path, digest in seen.items():
            # A file that is looked at for the first time was read a moment ago, to be served.
            told = self._told.setdefault(path, digest)
            is_new = is_new or (digest != told and before.get(path) == digest)
        if is_new:
            self._told |= seen
            self._changed()

    def _watch(self) -> None:
        while not self._closed.wait(self._interval):
            self.look()


def _digest(path: str) -> str:
    try:
        with Path(path).open("rb") as file:
            return sha256(file.read(MAX_BYTES + 1)).hexdigest()
    except (OSError, ValueError):
        return ""
