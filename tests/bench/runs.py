"""Runs of the benchmark as tests make them up."""

from bench.peers import GATEWAY, OTHER
from bench.results import Figures, Footprint, Measured, Results
from bench.workloads import WORKLOADS

__all__ = ["figures", "made_up"]

FACTORS = {
    "nginx": 1.0,
    "gateway": 0.5,
    "compiled gateway": 0.4,
    "HAProxy": 1.25,
    "Caddy": 4.0,
    "plain aiohttp": 8.0,
}


def figures(*cpu: float) -> Figures:
    """Give rounds in which one of what is counted took so many microseconds, on a CPU that was full."""
    return Figures(list(cpu), [1e6 / each for each in cpu], [1.0] * len(cpu))


def made_up(**gateway: float) -> Results:
    """Give a run of all workloads, in which nginx takes 10 µs for everything.

    Args:
        gateway: the ratio of the gateway to nginx, by a workload's key (``f_1m`` is ``f-1m``); 0.5 if it is not named.
    """
    ratios = {key.replace("_", "-"): ratio for key, ratio in gateway.items()}
    results = Results("2026-01-02T03:04:05+00:00", "0123abc", "A CPU", 2, 3, 1.0, {"nginx": "1.22"})
    for workload in WORKLOADS:
        measured = Measured(workload.key, workload.title, workload.unit)
        for variation in workload.variations:
            # The compiled one is there only where the environment names it.
            known = [peer for peer in workload.peers if peer is not OTHER]
            for peer in [*known, OTHER] if GATEWAY in known else known:
                factor = FACTORS.get(peer.name, 1.0)
                if peer.name == "gateway":
                    factor = ratios.get(workload.key, factor)
                name = f"{peer.name}, {variation.name}" if variation.name else peer.name
                measured.things[name] = figures(*[10.0 * factor] * 3)
        results.workloads.append(measured)
    for name in FACTORS:
        results.footprints[name] = Footprint(
            [0.3, 0.4, 0.9], [0.2, 0.3, 0.3], 2**20, 512.0, 1000, 2**21
        )
    results.loading["exact origins"] = [0.5, 1.0]
    return results
