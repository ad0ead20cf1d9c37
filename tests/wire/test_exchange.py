"""The state table of an exchange, read from where its states are and driven pair by pair.

The two sides are stand-ins that note what is asked of them; the exchange is the real one.
"""

import asyncio
import inspect
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from cors_gateway.answers import Answer
from cors_gateway.failures import Failure
from cors_gateway.messages.heads import MessageError, RequestHead, ResponseHead
from cors_gateway.plan import plan
from cors_gateway.planned import Forward, Peer
from cors_gateway.wire.exchange import Exchange
from cors_gateway.wire.known_responses import KnownResponses
from cors_gateway.wire.record import AccessRecord
from cors_gateway.wire.state import State
from cors_gateway.wire.tick import NEVER, Ticker
from tests.wire.gateways import route_to, snapshot_of

pytestmark = pytest.mark.interpreted  # a compiled exchange takes no stand-ins

SOURCE = Path(__file__).parents[2] / "cors_gateway/wire/state.py"
ROWS = [
    line.split()
    for line in SOURCE.read_text().partition("    event   ")[2].partition("\n\n")[0].splitlines()
]
STATES = [State[name] for name in ROWS[0]]
TABLE = {
    (row[0], state): word for row in ROWS[1:] for state, word in zip(STATES, row[1:], strict=True)
}

UNEVENTFUL = {"begin", "wait_until", "takes_content", "deadline", "record", "state", "break_down"}


@dataclass
class Side:
    """A stand-in for a client's or an API's connection, and for the pool."""

    calls: list[str] = field(default_factory=list)
    written: bytes = b""
    ended_by: bytes = b""
    unread: bytes = b""
    answer: Answer | None = None
    fresh: bool | None = None
    reused: bool = True
    address: str = "192.0.2.2:80"
    failure: Failure = Failure.CONNECTION_TERMINATED
    response_begun: bool = False
    answered_early: bool = False
    is_used_up: bool = False
    untaken: int = 0
    socket: Any = field(default_factory=lambda: SimpleNamespace(transport=None))
    responses: KnownResponses = field(default_factory=KnownResponses)

    def write(self, data: bytes, *, is_last: bool = False) -> None:
        self.written += data
        self.ended_by += data * is_last

    def take_unread(self) -> bytes:
        return self.unread

    def untaken_bytes(self) -> int:
        return self.untaken

    def exchange_failed(self, answer: Answer, request_id: bytes, **how: bool) -> None:
        self.answer = answer

    def acquire(self, claimant: Any, *, repeatable: bool, fresh: bool = False) -> None:
        self.fresh = fresh

    def __getattr__(self, name: str) -> Any:
        return lambda *_, **how: self.calls.append(f"{name} {how}" if how else name)


class Stage:
    """An exchange between stand-ins, brought to a state."""

    def __init__(self, state: State, *, method: bytes | None = None) -> None:
        self.client, self.api, self.pool = Side(), Side(), Side()
        self.reports: list[AccessRecord] = []
        self.faults: list[Exception] = []
        plane: Any = SimpleNamespace(
            ticker=Ticker(asyncio.new_event_loop(), lambda: None),
            draining=False,
            wake=lambda _: None,
            splices=None,
            pool_of=lambda _: self.pool,
            report=self.reports.append,
            report_fault=lambda error, _: self.faults.append(error),
        )
        plane.ticker._loop.close()
        sends_content = state in {State.SENDING, State.EARLY}
        fields = (b"Host", b"gw.example"), (b"Content-Length", b"10" if sends_content else b"0")
        head = RequestHead(method or (b"PUT" if sends_content else b"GET"), b"/", 1, fields)
        forward = plan(snapshot_of(route_to(1)), head, Peer("192.0.2.1"), b"gw")
        assert isinstance(forward, Forward)
        client: Any = self.client
        self.exchange = Exchange(plane, client, forward, AccessRecord(b"id", "192.0.2.1"))
        self.exchange.begin()
        if state is not State.CONNECTING:
            self.connect(self.api)
        if state in {State.EARLY, State.RELAYING}:
            self.happens("response_head")
            self.happens("response_content")
        if state is State.ENDED:
            self.exchange.client_lost()
        assert self.exchange.state is state
        for side in (self.client, self.api, self.pool):
            side.calls.clear()
            side.written = b""

    def connect(self, connection: Any) -> None:
        self.exchange.connected(connection)

    def happens(self, event: str) -> None:
        happening = getattr(self.exchange, event)
        match event:
            case "connected":
                self.connect(Side())
            case "connect_failed":
                happening(Failure.CONNECTION_REFUSED)
            case "request_content":
                happening(b"abc")
            case "response_head":
                fields = ((b"Content-Length", b"10"),)
                self.reader = happening(ResponseHead(200, b"OK", 1, fields))
            case "response_content":
                has_head = self.exchange._response is not None
                if self.exchange.state in {State.WAITING, State.SENDING} and not has_head:
                    self.happens("response_head")
                happening((b"abc",), finished=False)
            case "response_spliced":
                happening(5, is_full=True)
            case "response_broken":
                happening(MessageError(502, "broken"))
            case _:
                happening()


def is_over(stage: Stage, problem: Failure | None) -> bool:
    (record,) = stage.reports
    return (
        stage.exchange.state is State.ENDED
        and stage.exchange.deadline == NEVER
        and record.problem == (problem or record.problem)
        and stage.exchange._upstream is None
    )


def assert_done(word: str, event: str, before: State, stage: Stage) -> None:
    """Look for what the table's word means."""
    client, api, pool = stage.client, stage.api, stage.pool
    match word:
        case "-":
            assert is_over(stage, Failure.INTERNAL)
            begun = before in {State.EARLY, State.RELAYING}
            assert ("truncate {'reset': False}" in client.calls) is begun
            assert (client.answer is None) is begun
            assert begun or client.answer == Answer(500, client.answer.fields, Failure.INTERNAL)  # type: ignore[union-attr]
        case "send":
            assert stage.exchange.state in {State.WAITING, State.SENDING}
        case "answer":
            assert client.answer is not None
            assert client.answer.failure not in {None, Failure.INTERNAL}
            assert is_over(stage, client.answer.failure)
            assert before is State.CONNECTING or api.calls == ["abort"]
        case "truncate":
            assert "truncate {'reset': False}" in client.calls
            assert is_over(stage, None)
            assert api.calls == ["abort"]
        case "abandon":
            assert is_over(stage, Failure.CLIENT_GONE)
            assert (pool if before is State.CONNECTING else api).calls == (
                ["withdraw"] if before is State.CONNECTING else ["abort"]
            )
        case "relay" if event == "request_content":
            assert api.written == b"abc"
        case "relay" if event == "response_head":
            assert stage.reader is not None
            assert stage.exchange.state is before
        case "relay":
            assert client.written.endswith(b"abc")
            expected = {State.SENDING: State.EARLY, State.WAITING: State.RELAYING}
            assert stage.exchange.state is expected.get(before, before)
        case "note":
            assert stage.exchange.record.response_bytes == len(b"abc") + 5
            assert stage.exchange._patience.failure is Failure.CLIENT_GONE
            assert (client.written, client.calls, api.calls) == (b"", [], [])
            assert stage.exchange.state is before
        case "retry":
            assert stage.exchange.state is State.CONNECTING
            assert pool.fresh is True
            assert api.calls == ["close"]
        case "pause" | "resume":
            side = client if event.startswith("upstream") else api
            assert side.calls == [f"{word}_reading"]
            assert stage.exchange.state is before
        case "ignore" | "let-go":
            assert stage.exchange.state is State.ENDED
            assert len(stage.reports) == 1
            assert (client.written, client.calls, api.calls) == (b"", [], [])
            assert pool.calls == (["release"] if word == "let-go" else [])
        case _:
            pytest.fail(f"the table says {word!r}, which means nothing")


@pytest.mark.parametrize(
    "event, state",
    [pytest.param(event, state, id=f"{event} in {state.name}") for event, state in TABLE],
)
def test_every_pair_does_what_the_table_says(event: str, state: State) -> None:
    stage = Stage(state)
    stage.happens(event)
    assert_done(TABLE[event, state], event, state, stage)
    assert stage.faults == []


def test_the_table_holds_every_state_and_every_event() -> None:
    public = {name for name, _ in inspect.getmembers(Exchange) if not name.startswith("_")}

    assert set(STATES) == set(State)
    assert {event for event, _ in TABLE} == public - UNEVENTFUL
    assert len(TABLE) == len(State) * len(public - UNEVENTFUL)


@pytest.mark.parametrize("state", STATES)
def test_a_mistake_of_ours_ends_the_exchange_and_is_told(state: State) -> None:
    stage = Stage(state)
    error = RuntimeError("a mistake")
    stage.exchange.break_down(error)
    assert stage.faults == [error]
    assert stage.exchange.state is State.ENDED
    if state in {State.CONNECTING, State.SENDING, State.WAITING}:
        assert stage.client.answer is not None
        assert stage.client.answer.status == 500


@pytest.mark.parametrize(
    "reused, begun, method, retries",
    [
        pytest.param(True, False, b"GET", True, id="a dead idle connection"),
        pytest.param(False, False, b"GET", False, id="a new connection"),
        pytest.param(True, True, b"GET", False, id="the response has begun"),
        pytest.param(True, False, b"POST", False, id="not idempotent"),
    ],
)
def test_only_what_is_safe_is_sent_again(
    reused: bool, begun: bool, method: bytes, retries: bool
) -> None:
    stage = Stage(State.WAITING, method=method)
    stage.api.reused, stage.api.response_begun = reused, begun
    stage.exchange.upstream_lost()
    assert (stage.exchange.state is State.CONNECTING) is retries
    if retries:
        stage.connect(stage.api)
        stage.exchange.upstream_lost()
        assert stage.exchange.state is State.ENDED


@pytest.mark.parametrize("side, event", [("client", "client_full"), ("api", "upstream_full")])
def test_who_takes_something_is_waited_for_anew(side: str, event: str) -> None:
    stage = Stage(State.EARLY)
    taker: Side = getattr(stage, side)
    taker.untaken = 100
    getattr(stage.exchange, event)()
    taker.untaken = 99
    stage.exchange.overdue()
    assert stage.reports == []
    stage.exchange.overdue()
    assert len(stage.reports) == 1


@pytest.mark.parametrize("is_used_up", [True, False], ids=["the last response", "another may come"])
def test_the_last_bytes_of_the_last_response_are_sent_as_such(is_used_up: bool) -> None:
    stage = Stage(State.WAITING)
    stage.client.is_used_up = is_used_up
    stage.happens("response_content")
    assert stage.client.ended_by == b""
    stage.exchange.response_content((b"defghij",), finished=True)
    assert stage.client.written.endswith(b"abcdefghij")
    assert stage.client.ended_by == b"defghij" * is_used_up
