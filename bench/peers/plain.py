"""The proxy that one writes with aiohttp in an afternoon: ``bench.plain_proxy``, on uvloop like the gateway."""

import json
import sys
from collections.abc import Sequence

from bench.scenario import Setup

__all__ = ["command"]


def command(setup: Setup) -> Sequence[str]:
    """Write what it is told; give how it is started."""
    scenario = setup.scenario
    told = {
        "port": setup.port,
        "api": setup.api,
        "origins": setup.origins,
        "certificate": str(setup.certificate) if scenario.tls else None,
        "key": str(setup.key) if scenario.tls else None,
        "log": str(setup.folder / "access.log") if scenario.log else None,
    }
    file = setup.write("plain.json", json.dumps(told))
    return [sys.executable, "-m", "bench.plain_proxy", str(file)]
