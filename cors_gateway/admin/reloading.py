"""``POST /reload``: the configuration is loaded again, and who asked is told what came of it.

Decides with which status, and how many may wait for their turn. What has changed, and what is wrong
with a file, is said by others.
"""

from collections.abc import Mapping
from typing import Any

from cors_gateway.admin.overview import Overview
from cors_gateway.admin.turns import BusyError
from cors_gateway.process.overview import NotLoadedError, NotNowError

__all__ = ["Reloading"]

WHY = "POST /reload"
MOST_AT_ONCE = 5
"""One that is done, and those that wait for it."""


class Reloading:
    """Reloads that somebody asks for."""

    def __init__(self, overview: Overview) -> None:
        """Let ``overview`` do them."""
        self._overview = overview
        self._asked = 0

    async def reload(self) -> tuple[int, str, Mapping[str, Any]]:
        """Have the configuration loaded again; give the status, and both forms of the answer.

        Raises:
            BusyError: too many others wait for the same.
        """
        if self._asked >= MOST_AT_ONCE:
            raise BusyError
        self._asked += 1
        try:
            reloaded = await self._overview.reload(WHY)
        except NotLoadedError as error:
            status = 503 if isinstance(error, NotNowError) else 422
            return status, str(error), {"reloaded": False, "problem": str(error)}
        finally:
            self._asked -= 1
        data = {
            "reloaded": True,
            "inPlace": reloaded.in_place,
            "differences": [
                {"text": each.text, "wider": each.is_wider, "source": each.source}
                for each in reloaded.differences
            ],
        }
        return 200, "\n".join([reloaded.summary(), *reloaded.lines()]), data
