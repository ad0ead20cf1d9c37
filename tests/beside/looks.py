"""What is said of a conversation: a few words, the same for every gateway."""

from dataclasses import replace

from tests.beside.case import SILENCE, Look, Seen
from tests.beside.conversation import End

__all__ = [
    "answer",
    "api_got",
    "api_is_left",
    "client_got",
    "ending",
    "interim",
    "readable",
    "rounds",
    "second_answer",
    "taken",
    "tunnel",
]


def answer(seen: Seen) -> str:
    """Say how the last request was answered."""
    if seen.finals:
        last = seen.finals[-1]
        return f"{last.status}" if last.is_whole else f"{last.status}, cut off"
    if seen.rest:
        return "bytes without a head"
    return SILENCE if seen.end is End.OPEN else "closed without an answer"


def second_answer(seen: Seen) -> str:
    """Say how the second of two requests was answered."""
    return answer(replace(seen, answers=seen.finals[1:]))


def taken(seen: Seen) -> str:
    """Say whether a request that is none was refused, or reached the API."""
    return "passed on" if seen.requests else answer(seen)


def ending(seen: Seen) -> str:
    """Say how an answer ended that is only ended by its connection."""
    if not seen.finals or not seen.finals[-1].is_whole:
        return answer(seen)
    how = {End.RESET: "ended by a reset", End.CLOSED: "looks whole", End.OPEN: "not ended"}
    return f"{seen.finals[-1].status}, {how[seen.end]}"


def interim(seen: Seen) -> str:
    """Say how many interim answers there were, and the final one."""
    count = len(seen.answers) - len(seen.finals)
    return f"{count} interim, {answer(seen)}" if count else answer(seen)


def tunnel(seen: Seen) -> str:
    """Say whether a connection became a tunnel."""
    return "a tunnel" if any(one.status == 101 for one in seen.answers) else answer(seen)


def api_is_left(seen: Seen) -> str:
    """Say whether the API learns that nobody waits any more."""
    return "the API is told" if seen.api_is_left else f"{SILENCE} towards the API"


def rounds(seen: Seen) -> str:
    """Say how often a request went round."""
    count = len(seen.requests)
    return f"{answer(seen)} after one round" if count == 1 else "round and round"


def readable(seen: Seen) -> str:
    """Say whether a page of another origin can read an answer."""
    allowed = seen.finals[-1].values("Access-Control-Allow-Origin") if seen.finals else []
    return f"{answer(seen)}, {'readable' if allowed else 'unreadable'} for the page"


def api_got(name: str, value: bytes | None = None) -> Look:
    """Say whether the API got a field, or, with ``value``, one that says so."""

    def look(seen: Seen) -> str:
        if not seen.requests:
            return answer(seen)
        values = seen.requests[-1].values(name)
        has_it = bool(values) if value is None else any(value in one for one in values)
        return "passed on" if has_it else "taken out"

    return look


def client_got(name: str, value: bytes | None = None) -> Look:
    """Say whether the client got a field, or, with ``value``, one that says so."""

    def look(seen: Seen) -> str:
        if not seen.finals:
            return answer(seen)
        values = seen.finals[-1].values(name)
        has_it = bool(values) if value is None else any(value in one for one in values)
        return "passed on" if has_it else "taken out"

    return look
