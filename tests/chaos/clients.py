"""Holds conversations as planned, and judges what each client sees while it sees it.

What the API must have counted by then is promised, and compared later (``accounts``).
"""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from math import inf
from random import Random
from time import monotonic

from tests.chaos.accounts import Promise
from tests.chaos.canary import Canary, OthersError, Response, StrangeError
from tests.chaos.conducts import CONDUCTS, MOMENT, Ending
from tests.chaos.payloads import HIDDEN, REFUSED, UNFINISHED
from tests.chaos.plans import Ask, Conversation, Leaving, Style

__all__ = ["Clients", "Violation"]

PATIENCE = 240.0
"""Seconds that a conversation may take: only one that is stuck takes so long."""

REFUSALS = frozenset({400, 404, 405, 414, 431, 501, 505})
HANDSHAKE = (
    "Connection: Upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
)


@dataclass(frozen=True, slots=True)
class Violation:
    """Something that must not be."""

    conversation: Conversation | None
    what: str
    events: Sequence[str]
    """What was last said on its connection."""

    def __str__(self) -> str:
        events = "\n    ".join(self.events)
        return f"{self.what}\n  {self.conversation}\n    {events}"


@dataclass
class Clients:
    """All clients of a run."""

    port: int
    """Of the gateway."""
    spoil: Callable[[str, str], Awaitable[None]]
    """Has the API spoil the connection on which it has answered a token."""
    stillness: Callable[[], AbstractAsyncContextManager[None]]
    """Stops the gateway's workers for a while, between two instructions."""
    promises: dict[str, Promise] = field(default_factory=dict)
    violations: list[Violation] = field(default_factory=list)
    seen: Counter[str] = field(default_factory=Counter)
    """How often what was seen."""
    killed: float = -inf
    """Until when a worker was being killed: what began before may break off."""
    _locks: dict[str, asyncio.Lock] = field(default_factory=lambda: defaultdict(asyncio.Lock))

    async def hold(self, conversation: Conversation) -> None:
        """Hold one conversation; note what is wrong with it."""
        talk = _Talk(self, conversation)
        begun = monotonic()
        try:
            async with asyncio.timeout(PATIENCE):
                await talk.hold()
        except (StrangeError, OSError, TimeoutError) as error:
            if self._is_excused(error, talk, begun):
                self.seen["lost with a worker"] += 1
                for ask in conversation.asks:
                    self.promises.setdefault(ask.token, Promise(2 if ask.is_repeatable else 1))
            else:
                what = f"{type(error).__name__}: {error}"
                self.violations.append(Violation(conversation, what, tuple(talk.events)))
        finally:
            talk.leave()

    def _is_excused(self, error: Exception, talk: "_Talk", begun: float) -> bool:
        """Say whether a worker that was killed may have broken it off. That excuses nothing else."""
        return begun <= self.killed and talk.has_ended and not isinstance(error, OthersError)


class _Talk:
    def __init__(self, clients: Clients, conversation: Conversation) -> None:
        self._clients = clients
        self._plan = conversation
        self._rng = Random(conversation.number)
        self._canary: Canary | None = None

    @property
    def events(self) -> Sequence[str]:
        return () if self._canary is None else self._canary.events

    @property
    def has_ended(self) -> bool:
        return self._canary is None or self._canary.has_ended

    def leave(self) -> None:
        if self._canary is not None:
            self._canary.sock.close()

    async def hold(self) -> None:
        plan = self._plan
        self._clients.seen[plan.style.value[0]] += 1
        match plan.style:
            case Style.PIPELINED:
                await self._pipeline()
            case Style.LEAVING:
                await self._series(plan.asks[:-1])
                await self._leave_in(plan.asks[-1])
            case Style.SPOILED:
                await self._spoiled()
            case Style.REFUSED:
                await self._refused(REFUSED[plan.name], Promise(0))
            case Style.UNFINISHED:
                await self._refused(UNFINISHED[plan.name], Promise(1, 0, 0))
            case Style.HIDDEN:
                await self._hidden()
            case Style.TUNNEL:
                await self._tunnel(plan.asks[0])
            case Style.DECLINED:
                await self._declined(plan.asks[0])
            case Style.WAITING:
                await self._wait_and_send(plan.asks[0])
                await self._series(plan.asks[1:])
            case Style.PREFLIGHT:
                await self._preflight(plan.asks[0])
                await self._series(plan.asks[1:])
            case _:
                await self._series(plan.asks)
        if self._canary is not None and self._canary.has_unread:
            raise StrangeError("more came than was asked for")

    async def _connection(self) -> Canary:
        if self._canary is None:
            is_slow = self._plan.style is Style.SLOW_READER
            self._canary = await Canary.connects(self._clients.port, 8192 if is_slow else 0)
            self._canary.pause = MOMENT if is_slow else 0.0
        return self._canary

    async def _settle(self, response: Response) -> None:
        """Go on with the connection, or see that it ends here."""
        canary = await self._connection()
        if response.closes:
            await canary.sees_end()
            canary.leaves()
            self._canary = None

    # Requests that are sent whole.

    async def _series(self, asks: Sequence[Ask]) -> None:
        for ask in asks:
            canary = await self._connection()
            if ask.expects_continue:
                await canary.sends(ask.head())
                if await canary.reads_interim():
                    await canary.sends(ask.framed())
            elif self._plan.style is Style.DIVIDED:
                for piece in self._divide(ask.head() + ask.framed()):
                    await canary.sends(piece)
                    await asyncio.sleep(MOMENT)
            else:
                await canary.sends(ask.head() + ask.framed())
            await self._read(ask)

    async def _read(self, ask: Ask) -> None:
        response = await (await self._connection()).reads(ask)
        self._judge(ask, response)
        await self._settle(response)

    def _divide(self, data: bytes) -> list[bytes]:
        places = sorted(self._rng.sample(range(1, len(data)), 4))
        return [data[a:b] for a, b in zip([0, *places], [*places, len(data)], strict=True)]

    async def _pipeline(self) -> None:
        canary, asks = await self._connection(), self._plan.asks
        await canary.sends(b"".join(ask.head() + ask.framed() for ask in asks))
        for index, ask in enumerate(asks, start=1):
            response = await canary.reads(ask)
            self._judge(ask, response)
            if response.closes:
                # What stands behind the last answer is not looked at.
                self._clients.promises.update({rest.token: Promise(0) for rest in asks[index:]})
                await self._settle(response)
                return

    async def _spoiled(self) -> None:
        first, second = self._plan.asks
        clients, spoiled = self._clients, (self._plan.name, first.token)
        async with clients._locks[first.area]:
            await self._series([first])
            canary = await self._connection()
            if self._plan.share < 0.5:
                await clients.spoil(*spoiled)
                await canary.sends(second.head() + second.framed())
            else:
                # The request arrives first, but both before the gateway has looked at either.
                async with clients.stillness():
                    await canary.sends(second.head() + second.framed())
                    await clients.spoil(*spoiled)
            await self._read(second)

    async def _wait_and_send(self, ask: Ask) -> None:
        canary, message = await self._connection(), ask.head() + ask.framed()
        await canary.sends(message[:-5])
        await canary.glances(ask)
        await canary.sends(message[-5:])
        await self._read(ask)

    async def _preflight(self, ask: Ask) -> None:
        canary = await self._connection()
        lines = ("Access-Control-Request-Method: PUT", "Access-Control-Request-Headers: x-token")
        await canary.sends(ask.head(*lines) + ask.framed())
        response = await canary.reads(ask)
        self._clients.promises[ask.token] = Promise(0)
        granted = _granted_origin(ask)
        self._expect(response.status == (204 if granted else 403), f"{response.status}", ask)
        self._check_cors(ask, response)
        await self._settle(response)

    # What attackers send.

    async def _refused(self, payload: bytes, promise: Promise) -> None:
        bad, good = self._plan.asks
        self._clients.promises[bad.token] = promise
        canary = await self._connection()
        await canary.sends(payload.replace(b"TOKEN", bad.token.encode()))
        response = await canary.reads(bad)
        refused = response.status in REFUSALS and response.is_ours
        self._expect(refused and response.ending is Ending.WHOLE, f"{response.status}", bad)
        if b"GET /smuggled/" in payload:
            self._expect(response.closes, "the connection goes on", bad)
        await self._settle(response)
        await self._series([good])

    async def _hidden(self) -> None:
        first, second = self._plan.asks
        if HIDDEN[self._plan.name] == "OPTIONS":
            await self._preflight(first)
            await self._series([second])
        else:
            await self._series([first, second])

    async def _declined(self, ask: Ask) -> None:
        canary = await self._connection()
        behind = b"GET /smuggled/%b HTTP/1.1\r\nHost: gw.chaos.example\r\n\r\n" % ask.token.encode()
        await canary.sends(ask.head(*HANDSHAKE) + behind)
        response = await canary.reads(ask)
        whole = (response.status, response.ending) == (404, Ending.WHOLE)
        self._expect(whole and response.closes, f"{response.status}", ask)
        self._clients.promises[ask.token] = Promise(2, 1)
        await self._settle(response)
        await self._series(self._plan.asks[1:])

    # Clients that leave, and tunnels.

    async def _leave_in(self, ask: Ask) -> None:
        canary, plan = await self._connection(), self._plan
        head, framed = ask.head(), ask.framed()
        message = head + framed
        if plan.share < 1:
            cut = int(plan.share * len(message))
            promise = Promise(0 if cut < len(head) else 1, 0, 0)
            await canary.sends(message[:cut])
        else:
            promise = Promise(2 if ask.is_repeatable else 1)
            await canary.sends(message)
        self._clients.promises[ask.token] = promise
        if plan.share > 1:
            await canary.glances(ask)
        elif plan.share < 0.9:
            await asyncio.sleep(MOMENT)
        if plan.leaving is Leaving.HALF:
            canary.says_no_more()
            await canary.sees_rest(ask)
        canary.leaves(reset=plan.leaving is Leaving.RESET)
        self._canary = None

    async def _tunnel(self, ask: Ask) -> None:
        canary, rng = await self._connection(), self._rng
        data = f"{ask.token} ".encode()
        behind = data if self._plan.share < 0.5 else b""
        await canary.sends(ask.head(*HANDSHAKE) + behind)
        response = await canary.reads(ask)
        self._expect(response.status == 101, f"{response.status}", ask)
        self._clients.promises[ask.token] = Promise(2, 1)
        for index in range(ask.size):
            sent = data * rng.randint(1, 400)
            await canary.sends(sent)
            sent = behind + sent if index == 0 else sent
            received = await canary.receives(len(sent))
            self._expect(received == sent, f"unexpected in a tunnel: {received[:100]!r}", ask)
        if self._plan.leaving is Leaving.HALF:
            canary.says_no_more()
            await canary.sees_end()
        canary.leaves(reset=self._plan.leaving is Leaving.RESET)
        self._canary = None

    # What is right.

    def _judge(self, ask: Ask, response: Response) -> None:
        clients = self._clients
        seen = (response.status, response.ending)
        clients.seen[f"{response.status} {response.ending.value}"] += 1
        most = 2 if ask.is_repeatable else 1
        api_has_it = 200 <= response.status < 400 and not CONDUCTS[ask.conduct].is_early
        clients.promises[ask.token] = Promise(most, int(api_has_it), most)
        if seen not in ask.expects:
            if seen == (502, Ending.WHOLE) and not ask.is_repeatable and ask.area == "c":
                # An API that closes in the very moment in which it is asked. Nothing may be sent twice.
                clients.seen["a close that nobody could see coming"] += 1
            elif not ask.minor_version and (200, Ending.CUT) in ask.expects and not response.status:
                return  # a reset takes with it what has not been read
            else:
                expected = [f"{status} {ending.value}" for status, ending in ask.expects]
                raise StrangeError(f"unexpected: {seen} for {ask.token}, not {expected}")
        self._check_cors(ask, response)
        if response.is_ours:
            self._expect(response.status in {502, 504}, "an answer of our own", ask)
        elif ask.method != "HEAD" and response.status not in {204, 304}:
            whole = ask.call.content
            is_whole = response.ending is Ending.WHOLE
            right = response.content == whole if is_whole else whole.startswith(response.content)
            self._expect(right, f"the content is {response.content[:200]!r}", ask)
        if not response.is_ours:
            named = [response.value(name) for name in (b"x-token", b"etag", b"set-cookie")]
            own = ask.token.encode()
            self._expect(named == [own, b'"%b"' % own, b"session=" + own], f"{named}", ask)

    def _check_cors(self, ask: Ask, response: Response) -> None:
        granted = response.value(b"access-control-allow-origin").decode()
        self._expect(granted == _granted_origin(ask), f"granted to {granted!r}", ask)
        self._expect(b"Origin" in response.value(b"vary"), "no Vary: Origin", ask)

    @staticmethod
    def _expect(truth: bool, what: str, ask: Ask) -> None:
        if not truth:
            raise StrangeError(f"{ask.token}: {what}")


def _granted_origin(ask: Ask) -> str:
    return ask.origin if ask.origin.endswith(".chaos.example") else ""
