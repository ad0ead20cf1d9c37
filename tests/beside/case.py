"""A case: a row of ``docs/faults.md``, the same bytes for three gateways, and what each made of them.

What is right is what the row says. ``tests/beside/test_side_by_side.py`` plays the cases, and
``docs/matrix.md`` shows them.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from tests.beside.conversation import OK, PATIENCE, Api, Client, End, Script, Step, perform
from tests.beside.plain_http import Message

__all__ = ["SILENCE", "Case", "Look", "Seen", "play"]

SILENCE = "silence"
"""What a client gets that waits in vain."""

GLANCE = 0.25
"""How long somebody is waited for who is known to say nothing; being slow only confirms it."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What both ends saw of a conversation."""

    answers: Sequence[Message]
    """To the client, also interim and cut off."""
    rest: bytes
    """What came to the client and is no answer."""
    end: End
    """How the client's connection ended, where that was waited for."""
    requests: Sequence[Message]
    """That came whole to the API, over all connections."""
    unfinished: Sequence[bytes]
    """What came to the API and is no whole request."""
    api_is_left: bool
    """Whether the API's connections had ended, where that was waited for."""

    @property
    def finals(self) -> list[Message]:
        """The answers that are no interim ones."""
        return [one for one in self.answers if one.is_final]


Look = Callable[[Seen], str]
"""Says in a few words what was seen, of what a case is about."""


@dataclass(frozen=True, slots=True)
class Case:
    """One script, and what became of it."""

    row: str
    what: str
    """What goes wrong, in a few words that no other case of the row has."""
    right: tuple[str, ...]
    """What may be seen; the gateway's own is the first."""
    nginx: str
    haproxy: str
    asks: Script
    look: Look
    api: tuple[Script, ...] = ((OK,),)
    """The API's answers, in order; the last repeats."""
    method: str = "GET"
    """What the client asks with, so far as it changes how an answer is read."""
    answers: int = 1
    """How many final answers the client waits for; 0: it has left, and the API's end is looked at."""
    awaits: bytes = b""
    """What the client waits for instead, where it is no whole answer."""
    begins_early: bool = False
    """Whether the API answers before it has the content."""
    leads_back: bool = False
    """Whether the API sends requests to the gateway again."""
    has_short_times: bool = False
    """Whether it is about a time that all three have set to a second or so."""

    def said(self, side: str) -> str:
        """Give what one of the three is known to do."""
        return {"ours": self.right[0], "nginx": self.nginx, "haproxy": self.haproxy}[side]

    def does_worse(self, side: str) -> bool:
        """Tell whether one of the three does not do what is right."""
        return self.said(side) not in self.right


def play(case: Case, side: str, address: tuple[str, int], api: Api) -> str:
    """Play a case through one gateway, and say what was seen."""
    patience = GLANCE if SILENCE in case.said(side) else PATIENCE
    api.plays(
        case.api,
        begins_early=case.begins_early,
        leads_to=address if case.leads_back else None,
    )
    client = Client(address, case.method)
    try:
        _ask(case, client, api, patience)
        if case.awaits:
            client.reads_until(lambda: case.awaits in client.data, patience)
        elif case.answers:
            client.reads_until(lambda: client.has_answers(case.answers), patience)
            finals = client.finals()
            if finals and finals[-1].closes:
                client.reads_until(lambda: False, patience)
        is_left = case.answers == 0 and api.waits_for_ends(patience)
    finally:
        client.sock.close()
    answers, rest = client.read()
    requests, unfinished = api.saw()
    return case.look(Seen(answers, rest, client.end, requests, unfinished, is_left))


def _ask(case: Case, client: Client, api: Api, patience: float) -> None:
    for step in case.asks:
        if step is Step.ANSWER:
            wanted = len(client.finals()) + 1
            client.reads_until(partial(client.has_answers, wanted), patience)
        elif step is Step.ARRIVAL:
            api.waits_for_arrival()
        else:
            try:
                perform(client.sock, (step,))
            except OSError:
                return  # It has been refused, and need not say more.
