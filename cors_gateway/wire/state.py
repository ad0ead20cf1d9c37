"""How far an exchange has come, and how long it may stay there.

Each state waits for one side: for the API to connect, to take a request, to answer, to go on; for
the client to send, or to read. Which deadline of the configuration applies follows from the state,
and from which side has more than it can take.

The states::

    CONNECTING   no connection to the API yet; the client is paused if it sends content
    SENDING      the request's content is on its way; nothing of the response has been relayed
    WAITING      the request is complete; nothing of the response has been relayed
    EARLY        the response has begun although the request's content is still on its way
    RELAYING     the request is complete; the response has begun
    ENDED        nothing more happens; both connections have been let go, or are a tunnel's

The events, and what each means in each state. A dash means that it cannot happen: a pair that
does is our own mistake, and ends the exchange with ``internal-error``::

    event             CONNECTING  SENDING    WAITING    EARLY      RELAYING   ENDED
    connected         send        -          -          -          -          let-go
    connect_failed    answer      -          -          -          -          ignore
    request_content   -           relay      -          relay      -          ignore
    response_head     -           relay      relay      -          -          ignore
    response_content  -           relay      relay      relay      relay      ignore
    response_spliced  -           -          -          -          note       ignore
    response_broken   -           answer     answer     truncate   truncate   ignore
    upstream_lost     -           answer     retry      truncate   truncate   ignore
    upstream_full     -           pause      pause      pause      pause      ignore
    upstream_ready    -           resume     resume     resume     resume     ignore
    client_full       -           pause      pause      pause      pause      ignore
    client_ready      -           resume     resume     resume     resume     ignore
    client_lost       abandon     abandon    abandon    abandon    abandon    ignore
    overdue           answer      answer     answer     truncate   truncate   ignore
    stop              answer      answer     answer     truncate   truncate   ignore

(``response_content`` in SENDING and WAITING is the content that came together with its head, which
is held back so that both leave in one write. Before that a client can only be full of interim
responses.)
"""

from enum import Enum, auto
from typing import Final

from cors_gateway.failures import Failure
from cors_gateway.planned import Forward
from cors_gateway.wire.tick import NEVER, Ticker

__all__ = [
    "CONNECTED",
    "CONNECTING",
    "EARLY",
    "ENDED",
    "RELAYING",
    "SENDING",
    "UNANSWERED",
    "WAITING",
    "Patience",
    "State",
]


class State(Enum):
    """How far an exchange has come; see ``exchange``."""

    CONNECTING = auto()
    SENDING = auto()
    WAITING = auto()
    EARLY = auto()
    RELAYING = auto()
    ENDED = auto()


# What every request needs; enumerations are slow to ask, like a call each time.
CONNECTING: Final = State.CONNECTING
SENDING: Final = State.SENDING
WAITING: Final = State.WAITING
EARLY: Final = State.EARLY
RELAYING: Final = State.RELAYING
ENDED: Final = State.ENDED

CONNECTED: Final = (SENDING, WAITING, EARLY, RELAYING)
UNANSWERED: Final = (SENDING, WAITING)
_ANSWERED: Final = (EARLY, RELAYING)
_TAKING: Final = (SENDING, EARLY)

_CONNECTION_TIMEOUT: Final = Failure.CONNECTION_TIMEOUT
_RESPONSE_TIMEOUT: Final = Failure.RESPONSE_TIMEOUT


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
        self.failure: Failure = _CONNECTION_TIMEOUT
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
        if state is WAITING:  # first, because every request comes by here
            self.failure = _RESPONSE_TIMEOUT
            self.deadline = self._ticker.after(upstream.response)
            return
        if state is RELAYING and not self.client_full:
            seconds = upstream.tunnel if self.streams else upstream.idle
            self.failure = Failure.RESPONSE_INCOMPLETE
        elif state in _ANSWERED and self.client_full:
            seconds, self.failure = downstream.write, Failure.CLIENT_GONE
        elif state not in _TAKING:
            return
        elif self.upstream_full:
            seconds, self.failure = upstream.idle, Failure.WRITE_TIMEOUT
        else:
            seconds, self.failure = downstream.content, Failure.REQUEST_TIMEOUT
        self.deadline = self._ticker.after(seconds)
