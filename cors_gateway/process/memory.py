"""What the C library does with memory that content has passed through.

A piece of content is up to 256 KiB, and is framed anew in a buffer of its own. glibc gives so much
back to the kernel as soon as it is free, and the next piece has to have every page of it mapped and
cleared again: that was 60 % of the CPU of a chunked download (``make bench``, ``h-1m``: 1.3 ms for a
mebibyte with it, 0.5 without). A few mebibytes kept by the process avoid it.
"""

import ctypes

__all__ = ["keep_freed_memory"]

KEPT = 8 * 1024 * 1024
"""Bytes that stay with the process although they are free."""

LARGEST = 4 * 1024 * 1024
"""Bytes of a buffer that is still taken from there, and not from the kernel."""

# Numbers of mallopt(3).
_TRIM_THRESHOLD = -1
_MMAP_THRESHOLD = -3


def keep_freed_memory() -> bool:
    """Let the C library keep some free memory; say whether it is one that can be told so."""
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError):
        return False  # musl, which has no such settings
    return bool(mallopt(_TRIM_THRESHOLD, KEPT) and mallopt(_MMAP_THRESHOLD, LARGEST))
