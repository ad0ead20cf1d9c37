"""When a worker that has died is replaced, and when it is given up.

The first death is followed by a new worker at once. Those that die soon after they began wait
longer each time; one that has lived for a while begins anew. This module knows no process and no
clock.
"""

__all__ = ["Restarts"]

DELAYS = (0.0, 0.25, 0.5, 1.0, 2.0)
"""Seconds before the next attempt, after so many short lives in a row."""

LONG_LIFE = 10.0
"""Seconds after which a worker's death says nothing of those before."""


class Restarts:
    """The deaths of one worker after another."""

    __slots__ = ("_short_lives",)

    def __init__(self) -> None:
        """Begin without a death."""
        self._short_lives = 0

    def delay_after(self, lived: float) -> float | None:
        """Take a death; say how long to wait before the next attempt.

        Args:
            lived: seconds that the worker served, up to its death.

        Returns:
            Seconds, or ``None`` where another attempt would end as the ones before.
        """
        if lived >= LONG_LIFE:
            self._short_lives = 0
        if self._short_lives == len(DELAYS):
            return None
        delay = DELAYS[self._short_lives]
        self._short_lives += 1
        return delay
