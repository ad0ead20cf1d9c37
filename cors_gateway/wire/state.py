"""How far an exchange has come, and how long it may stay there.

Each state waits for one side: for the API to connect, to take a request, to answer, to go on; for
the client to send, or to read. Which deadline of the configuration applies follows from the state,
and from which side has more than it can take.
"""

from enum import Enum, auto

from cors_gateway.failures import Failure
from cors_gateway.planned import Forward
from cors_gateway.wire.tick import NEVER, Ticker

__all__ = ["CONNECTED", "Patience", "State"]


class State(Enum):
    """How far an exchange has come; see ``exchange``."""

    CONNECTING = auto()
    SENDING = auto()
    WAITING = auto()
    EARLY = auto()
    RELAYING = auto()
    ENDED = auto()


CONNECTED = (State.SENDING, State.WAITING, State.EARLY, State.RELAYING)


class Patience:
    """Until when an exchange waits, and what it means if nothing has happened by then."""

    __slots__ = (
        "_downstream",
        "_ticker",
        "_upstream",
        "client_full",
        "deadline",
        "failure",
        "streams",
        "untaken",
        "upstream_full",
    )

    def __init__(self, ticker: Ticker, forward: Forward) -> None:
        """Wait for ever, until told otherwise."""
        self._ticker = ticker
        self._downstream = forward.timeouts
        self._upstream = forward.route.upstream.timeouts
        self.deadline = NEVER
        """Seconds of the loop's clock."""
        self.failure = Failure.CONNECTION_TIMEOUT
        self.client_full = False
        """Whether the client reads more slowly than the API writes."""
        self.upstream_full = False
        """Whether the API reads more slowly than the client writes."""
        self.untaken = 0
        """What a full side had not taken when the wait began: less is a sign of life."""
        self.streams = False
        """Whether the response is an event stream, which is silent for long."""

    def renew(self, state: State, untaken: int) -> None:
        """Begin to wait anew: something has happened."""
        downstream, upstream = self._downstream, self._upstream
        self.untaken = untaken
        if state is State.WAITING:  # first, because every request comes by here
            self.failure = Failure.RESPONSE_TIMEOUT
            self.deadline = self._ticker.after(upstream.response)
            return
        match state:
            case State.EARLY | State.RELAYING if self.client_full:
                seconds, self.failure = downstream.write, Failure.CLIENT_GONE
            case State.SENDING | State.EARLY if self.upstream_full:
                seconds, self.failure = upstream.idle, Failure.WRITE_TIMEOUT
            case State.SENDING | State.EARLY:
                seconds, self.failure = downstream.content, Failure.REQUEST_TIMEOUT
            case State.RELAYING:
                seconds = upstream.tunnel if self.streams else upstream.idle
                self.failure = Failure.RESPONSE_INCOMPLETE
            case _:
                return
        self.deadline = self._ticker.after(seconds)
