"""Opening a file below a folder, and nothing that is not below it.

Symbolic links are followed as long as they stay in the folder (Kubernetes mounts files by such, and
deployments switch by them). The way is resolved first; then each name of it is opened below the one
before, following nothing, so that who changes a link in between gains nothing. Pipes, sockets and
devices are never opened: that alone may wait for ever. Knows no HTTP.
"""

import contextlib
import errno
import os
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto

__all__ = ["Absent", "OpenFile", "open_below"]

_NO_SUCH = frozenset({errno.ELOOP, errno.ENAMETOOLONG, errno.EINVAL, errno.ENXIO})
_FOLDER = os.O_DIRECTORY | os.O_CLOEXEC | os.O_NOFOLLOW | getattr(os, "O_PATH", os.O_RDONLY)
_FILE = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY
_AT_ONCE = getattr(os, "RWF_NOWAIT", 0)


class Absent(Enum):
    """Why there is no file."""

    MISSING = auto()
    """Nothing is there, or nothing that may be sent."""
    FOLDER = auto()
    FORBIDDEN = auto()
    """The system does not let the gateway read it."""


@dataclass(slots=True)
class OpenFile:
    """A regular file that is open; who has it closes it."""

    descriptor: int
    size: int
    modified: float
    """Seconds since 1970."""
    mark: str
    """Another one whenever the file is another: its times and its size.

    The time of its last change by the system (ctime) is in it, because deployments set the other
    one: two builds of a page with one size and one date would be the same for ever.
    """

    def read(self, offset: int, count: int) -> bytes:
        """Read so many bytes, fewer only at the file's end."""
        return os.pread(self.descriptor, count, offset)

    def read_at_once(self, offset: int, count: int) -> bytes | None:
        """Read as much of it as the system has in memory; ``None`` where a disk may be waited for."""
        if not _AT_ONCE:
            return None
        piece = bytearray(count)
        try:
            length = os.preadv(self.descriptor, [piece], offset, _AT_ONCE)
        except OSError:
            # It is not in memory, or the file system cannot say. Any other reason comes again.
            return None
        return bytes(memoryview(piece)[:length])

    def close(self) -> None:
        """Close it."""
        os.close(self.descriptor)


def open_below(root: str, names: Sequence[str]) -> OpenFile | Absent:
    """Open a regular file by its names below a folder.

    Args:
        root: the folder.
        names: each without a slash; none of them ``.`` or ``..``.

    Raises:
        OSError: the system cannot say, for lack of descriptors or for a broken disk.
    """
    try:
        return _open(os.path.realpath(root, strict=True), names)
    except (FileNotFoundError, NotADirectoryError):
        return Absent.MISSING
    except PermissionError:
        return Absent.FORBIDDEN
    except OSError as error:
        if error.errno in _NO_SUCH:
            return Absent.MISSING
        raise


def _open(root: str, names: Sequence[str]) -> OpenFile | Absent:
    """Open below a folder on whose way there is no symbolic link."""
    real = os.path.realpath("/".join((root, *names)), strict=True)
    inside = root if root.endswith("/") else f"{root}/"
    if real == root:
        return Absent.FOLDER
    if not real.startswith(inside):
        return Absent.MISSING
    *folders, last = real.removeprefix(inside).split("/")
    with contextlib.ExitStack() as opened:
        folder = os.open(root, _FOLDER)
        opened.callback(os.close, folder)
        for name in folders:
            folder = os.open(name, _FOLDER, dir_fd=folder)
            opened.callback(os.close, folder)
        mode = os.stat(last, dir_fd=folder, follow_symlinks=False).st_mode
        if not stat.S_ISREG(mode):
            return Absent.FOLDER if stat.S_ISDIR(mode) else Absent.MISSING
        descriptor = os.open(last, _FILE, dir_fd=folder)
    try:
        status = os.fstat(descriptor)
    except OSError:
        os.close(descriptor)
        raise
    if not stat.S_ISREG(status.st_mode):
        os.close(descriptor)
        return Absent.MISSING
    mark = f"{status.st_mtime_ns:x}-{status.st_ctime_ns:x}-{status.st_size:x}"
    return OpenFile(descriptor, status.st_size, status.st_mtime, mark)
