"""What the API has counted, against what was promised to each request."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

__all__ = ["Accounts", "Promise", "broken_promises"]


@dataclass(frozen=True, slots=True)
class Promise:
    """How often the API may have got a request."""

    most_heads: int
    least_wholes: int = 0
    most_wholes: int = 2


@dataclass(slots=True)
class Accounts:
    """What has come to the API, by token."""

    heads: Counter[str] = field(default_factory=Counter)
    """Requests that have begun."""
    wholes: Counter[str] = field(default_factory=Counter)
    """Requests that were complete."""
    complaints: list[str] = field(default_factory=list)
    """What it must not be sent at all."""


def broken_promises(
    promises: Mapping[str, Promise], accounts: Accounts
) -> Iterator[tuple[str, str]]:
    """Compare the two; yield a token and what is wrong with it.

    A request that nobody has judged was not to arrive at all.
    """
    for token in promises.keys() | accounts.heads.keys():
        promise = promises.get(token, Promise(0))
        heads, wholes = accounts.heads[token], accounts.wholes[token]
        within = promise.least_wholes <= wholes <= promise.most_wholes
        if heads > promise.most_heads or not within:
            yield token, f"the API got {token} {heads} times, {wholes} of them whole: {promise}"
