"""A run: warm-up, then slice after slice of a plan, each followed by rest; and what must be so at rest."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path

from tests.chaos.clients import Violation
from tests.chaos.plans import conversations, take
from tests.chaos.stage import Rest, Stage, stage

__all__ = ["Result", "Settings", "chaos"]

MEBIBYTE = 1024 * 1024
WARMING = 6 * MEBIBYTE
"""Bytes by which the workers may still grow together after the first slice."""
PER_REQUEST = 20
"""Bytes that each request may add to that for ever: 2 MB for 100,000, over both workers."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What to run."""

    seed: int
    requests: int
    """How many in each slice."""
    slices: int
    """How many after the warm-up, which is one more."""
    idle: int = 400
    """Milliseconds for which the gateway keeps an idle connection to the API."""
    reload_every: float = 0.0
    """Seconds between reloads; 0 for none."""
    kill_every: float = 0.0
    """Seconds between deaths of a worker; 0 for none."""


@dataclass(slots=True)
class Result:
    """What came of it."""

    rests: list[Rest] = field(default_factory=list)
    violations: list[Violation] = field(default_factory=list)
    seen: Counter[str] = field(default_factory=Counter)

    def complaints(self) -> list[str]:
        """Say all that must not be so."""
        return [*map(str, self.violations), *leaks(self.rests)]


def leaks(rests: list[Rest]) -> list[str]:
    """Say what has grown since the warm-up."""
    if not rests:
        return []
    first, said = rests[0], []
    for rest in rests[1:]:
        if rest.descriptors > first.descriptors:
            said.append(f"{rest.descriptors} descriptors at rest, {first.descriptors} before")
        allowed = WARMING + PER_REQUEST * (rest.requests - first.requests)
        if rest.memory > first.memory + allowed:
            said.append(f"{rest.memory} bytes at rest, {first.memory} before")
    return said


async def chaos(
    folder: Path, settings: Settings, tell: Callable[[Rest], None] = lambda _: None
) -> Result:
    """Run a plan; stop early where something is wrong.

    Args:
        folder: for the configuration.
        settings: what to run.
        tell: is told of each rest.
    """
    result = Result()
    async with stage(folder, settings.idle) as running:
        result.violations, result.seen = running.violations, running.clients.seen
        plan = conversations(settings.seed)
        for _ in range(settings.slices + 1):
            async with _disturbed(running, settings):
                await running.hold(take(plan, settings.requests))
            rest = await running.settle()
            result.rests.append(rest)
            tell(rest)
            if result.violations:
                break
    return result


@contextlib.asynccontextmanager
async def _disturbed(running: Stage, settings: Settings) -> AsyncIterator[None]:
    """Reload and kill meanwhile."""

    async def every(seconds: float, act: Callable[[], object]) -> None:
        while seconds:
            await asyncio.sleep(seconds)
            outcome = act()
            if asyncio.iscoroutine(outcome):
                await outcome

    loop = asyncio.get_running_loop()
    tasks = [
        loop.create_task(every(settings.reload_every, running.reload)),
        loop.create_task(every(settings.kill_every, running.kill_a_worker)),
    ]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
