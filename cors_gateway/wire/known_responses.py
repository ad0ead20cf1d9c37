"""Response heads that an API has sent before, word for word, and what was made of them.

Reading a head and concluding a response are pure, so what came of the same bytes for the same route and
decision holds again. An API that answers many requests alike, as those that are polled do, is read once
in a second: its ``Date`` changes no more often. What sets a cookie is one client's own and never kept.
"""

from typing import Final

from cors_gateway.conclude import Concluded, conclude
from cors_gateway.cors.decision import Decision, is_by_origin
from cors_gateway.messages.heads import ResponseHead, find_head_end
from cors_gateway.planned import Forward
from cors_gateway.snapshot import Route
from cors_gateway.wire.heads import read_response_head

__all__ = ["KnownResponses"]

MOST_KEPT: Final = 64
"""Heads, and twice as many of what was made of them; then all are forgotten."""

LONGEST_KEPT: Final = 2048
"""Bytes of a head that is kept, as it came and as it goes."""

_Asked = tuple[ResponseHead, Decision | None, Route, int, bool, bool, bool]


class KnownResponses:
    """The last response heads of one API."""

    __slots__ = ("_concluded", "_heads", "_last")

    def __init__(self) -> None:
        """Know nothing."""
        self._heads: dict[bytes, ResponseHead] = {}
        self._last = b""
        self._concluded: dict[_Asked, Concluded] = {}

    def find_end(self, buffer: bytes, start: int) -> int:
        """Find the index just past a head, or -1 where there is none yet, as ``find_head_end`` does."""
        last = self._last
        return len(last) if last and buffer.startswith(last) else find_head_end(buffer, start)

    def read(self, raw: bytes) -> ResponseHead:
        """Read one head, from the status line to the empty line.

        Raises:
            MessageError: with status 502.
        """
        head = self._heads.get(raw)
        if head is None:
            head = read_response_head(raw)
            if len(raw) > LONGEST_KEPT or b"set-cookie" in head.section.index:
                return head
            if len(self._heads) >= MOST_KEPT:
                self.forget()
            self._heads[raw] = head
        self._last = raw
        return head

    def conclude(
        self, forward: Forward, head: ResponseHead, *, date: bytes, close: bool
    ) -> Concluded:
        """Decide what the client gets; see ``conclude``.

        Raises:
            MessageError: 502, where the response cannot be passed on safely.
        """
        route = forward.route
        asked = (
            head,
            forward.decision,
            route,
            forward.minor_version,
            forward.persists,
            forward.head_only,
            close,
        )
        concluded = self._concluded.get(asked)
        if concluded is None:
            concluded = conclude(forward, head, date=date, close=close)
            if _may_come_again(forward, head, concluded):
                if len(self._concluded) >= 2 * MOST_KEPT:
                    self._concluded.clear()
                self._concluded[asked] = concluded
        return concluded

    def forget(self) -> None:
        """Know nothing any more."""
        self._heads.clear()
        self._concluded.clear()
        self._last = b""


def _may_come_again(forward: Forward, head: ResponseHead, concluded: Concluded) -> bool:
    """Say whether what was asked can be asked again by the same objects, and mean the same."""
    route, decision, index = forward.route, forward.decision, head.section.index
    policy = route.policy
    is_decided = decision is None or policy is None or is_by_origin(policy, decision)
    # A head that is too long to be kept will not be the same object again.
    is_kept = len(concluded.opening) <= LONGEST_KEPT and b"set-cookie" not in index
    return is_decided and is_kept and b"date" in index and route.redirects is None
