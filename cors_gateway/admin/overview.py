"""What admin sees of the gateway: the configuration that is served, and the processes that serve it.

The one thing that it can have done is to load the configuration again.

Only a shape: whoever minds the processes has it, and does not know admin.
"""

from collections.abc import Sequence
from typing import Protocol

from cors_gateway.config.load import Loaded
from cors_gateway.process.overview import Reloaded, Reloads, WorkerView
from cors_gateway.process.tally import Tally
from cors_gateway.snapshot import Snapshot

__all__ = ["Overview", "served"]


class Overview(Protocol):
    """The gateway as a whole, as it is now."""

    @property
    def loaded(self) -> Loaded:
        """The configuration that is served."""

    @property
    def loaded_at(self) -> float:
        """When it was loaded, in seconds since the epoch."""

    @property
    def is_draining(self) -> bool:
        """Whether the gateway is about to end."""

    @property
    def is_watched(self) -> bool:
        """Whether a change of its files has it loaded again."""

    @property
    def restarts(self) -> int:
        """Workers that were replaced because they died."""

    @property
    def slots(self) -> int:
        """How many workers there should be."""

    @property
    def reloads(self) -> Reloads:
        """How loading the configuration again went."""

    def workers(self) -> Sequence[WorkerView]:
        """List the workers there are."""

    async def gather(self) -> Tally:
        """Add up what all workers have counted, also those that are gone."""

    async def reload(self, why: str) -> Reloaded:
        """Load the configuration again, and go over to it.

        Args:
            why: who wants it, for the log.

        Raises:
            NotLoadedError: that cannot be done; nothing has changed.
        """


def served(overview: Overview) -> Snapshot:
    """Give the running configuration; what has errors is never served."""
    snapshot = overview.loaded.snapshot
    if snapshot is None:
        raise ValueError("a configuration with errors is not served")
    return snapshot
