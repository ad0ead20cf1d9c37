"""Imports aiohttp's parser without the rest of aiohttp, of which a worker uses nothing else.

Importing a part of aiohttp runs the whole package's own module first, and that imports its client: 60
modules, and the certificates of all authorities that the system knows. It is two fifths of what a
worker loads, and 7 MiB of its memory. So the parser is imported while an empty module stands for the
package; then that one goes. Whoever imports aiohttp afterwards, as what serves files does, gets all of
it as ever, and in it the modules that are there.

A release whose parser needs more of its package is imported as a whole: it starts more slowly, no more.
"""

import sys
from importlib.util import find_spec, module_from_spec

__all__ = ["import_parser"]

PACKAGE = "aiohttp"


def import_parser() -> None:
    """Import what reads heads, and of aiohttp only what that needs.

    Raises:
        ModuleNotFoundError: aiohttp is not installed.
    """
    spec = None if PACKAGE in sys.modules else find_spec(PACKAGE)
    if spec is not None:
        sys.modules[PACKAGE] = module_from_spec(spec)
        try:
            _import()
        except (AttributeError, ImportError):
            # What has been imported by then stays; the rest is, below.
            pass
        finally:
            del sys.modules[PACKAGE]
    _import()


def _import() -> None:
    from cors_gateway.wire import heads  # noqa: F401, PLC0415
