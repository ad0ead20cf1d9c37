"""How long large configurations take to load, and to decide by: ``make bench``.

Prints the CPU time of loading a YAML document, and of one decision, for one and for many entries. Absolute
figures differ from machine to machine; what should not differ is the last column.
"""

import os
from collections.abc import Sequence
from time import process_time

from cors_gateway.config.flaws import Flaw
from cors_gateway.config.load import load
from cors_gateway.config.public_suffixes import is_public_suffix, is_registry_suffix
from cors_gateway.cors.decision import CorsRequest, Outcome, decide
from cors_gateway.snapshot import Snapshot

MANY = 100_000
KINDS = {
    "exact origins": ("https://app{}.example.com", "https://app{}.example.com"),
    "subdomain patterns": ("https://*.c{}.example.com", "https://a.b.c{}.example.com"),
    "label patterns": ("https://pr{}-*.example.com", "https://pr{}-x.example.com"),
    "port patterns": ("https://h{}.example.com:*", "https://h{}.example.com:8443"),
}


class Environment:
    """The process's own environment, as the configuration's reader."""

    env = os.environ

    def read_file(self, path: str) -> str:
        raise FileNotFoundError(path)

    def locate(self, path: str) -> str:
        return path

    def check_pair(self, certificate: str, key: str) -> Sequence[Flaw]:
        return ()

    def check_authorities(self, path: str) -> Sequence[Flaw]:
        return ()

    def check_files(
        self, root: str, fallback: str | None, secrets: Sequence[str]
    ) -> Sequence[Flaw]:
        return ()


def load_entries(entries: list[str]) -> tuple[Snapshot, float]:
    """Give what was loaded and the CPU seconds that it took."""
    listed = "".join(f'    - "{entry}"\n' for entry in entries)
    text = (
        f"corsPolicies:\n  a:\n    allowOrigins:\n{listed}"
        "routes:\n- {match: {path: /}, upstream: http://a:1, cors: a}\n"
    )
    began = process_time()
    loaded = load(text, "bench.yaml", Environment(), is_public_suffix, is_registry_suffix)
    seconds = process_time() - began
    if loaded.snapshot is None:
        raise SystemExit("\n".join(map(str, loaded.problems)))
    return loaded.snapshot, seconds


def decide_once(snapshot: Snapshot, origin: str) -> float:
    """Give the CPU seconds of one decision."""
    policy = snapshot.routes[0].policy
    request = CorsRequest(method=b"GET", origin_lines=(origin.encode(),))
    if policy is None or decide(policy, request).outcome is not Outcome.ALLOWED:
        raise SystemExit(f"{origin} should have been allowed")
    rounds, count = [], 2000
    for _ in range(5):
        began = process_time()
        for _ in range(count):
            decide(policy, request)
        rounds.append((process_time() - began) / count)
    return min(rounds)


def main() -> None:
    """Print the table."""
    print(f"{'':20} {'load of ' + f'{MANY:,}':>16} {'one decision':>14} {'against one entry':>19}")
    for kind, (entry, origin) in KINDS.items():
        many, seconds = load_entries([entry.format(number) for number in range(MANY)])
        one, _ = load_entries([entry.format(MANY - 1)])
        slow, fast = (decide_once(s, origin.format(MANY - 1)) for s in (many, one))
        print(f"{kind:20} {seconds:14.2f} s {slow * 1e6:11.2f} us {slow / fast:17.2f} x")


if __name__ == "__main__":
    main()
