"""How long large allowlists take to load, and to decide by, without a socket: a part of ``make bench``.

The CPU time of loading a YAML document, and of one decision by it, for one and for many entries of each kind.
Absolute figures differ from machine to machine; what a decision costs against one entry should not.
"""

from pathlib import Path
from tempfile import TemporaryDirectory
from time import process_time

from bench.machine import BenchError
from cors_gateway.cli.sources import load
from cors_gateway.cors.decision import CorsRequest, Outcome, decide
from cors_gateway.snapshot import Snapshot

__all__ = ["measure"]

MANY = 100_000
KINDS = {
    "exact origins": ("https://app{}.example.com", "https://app{}.example.com"),
    "subdomain patterns": ("https://*.c{}.example.com", "https://a.b.c{}.example.com"),
    "label patterns": ("https://pr{}-*.example.com", "https://pr{}-x.example.com"),
    "port patterns": ("https://h{}.example.com:*", "https://h{}.example.com:8443"),
}


def load_entries(entries: list[str]) -> tuple[Snapshot, float]:
    """Give what was loaded and the CPU seconds that it took."""
    listed = "".join(f'    - "{entry}"\n' for entry in entries)
    text = (
        f"corsPolicies:\n  a:\n    allowOrigins:\n{listed}"
        "routes:\n- {match: {path: /}, upstream: http://a:1, cors: a}\n"
    )
    with TemporaryDirectory(prefix="bench-") as folder:
        file = Path(folder, "gateway.yaml")
        file.write_text(text, "utf-8")
        began = process_time()
        loaded = load(str(file))
        seconds = process_time() - began
    if loaded.snapshot is None:
        raise BenchError("\n".join(map(str, loaded.problems)))
    return loaded.snapshot, seconds


def decide_once(snapshot: Snapshot, origin: str) -> float:
    """Give the CPU seconds of one decision."""
    policy = snapshot.routes[0].policy
    request = CorsRequest(method=b"GET", origin_lines=(origin.encode(),))
    if policy is None or decide(policy, request).outcome is not Outcome.ALLOWED:
        raise BenchError(f"{origin} should have been allowed")
    rounds, count = [], 2000
    for _ in range(5):
        began = process_time()
        for _ in range(count):
            decide(policy, request)
        rounds.append((process_time() - began) / count)
    return min(rounds)


def measure() -> dict[str, list[float]]:
    """Give for each kind the seconds to load many, and what a decision costs against one."""
    found = {}
    for kind, (entry, origin) in KINDS.items():
        many, seconds = load_entries([entry.format(number) for number in range(MANY)])
        one, _ = load_entries([entry.format(MANY - 1)])
        slow, fast = (decide_once(s, origin.format(MANY - 1)) for s in (many, one))
        found[kind] = [round(seconds, 3), round(slow / fast, 3)]
    return found
