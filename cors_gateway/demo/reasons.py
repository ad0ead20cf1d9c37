"""Why each call ends as it does: what the API says to a browser, and what the gateway explains.

Straight, the API itself is asked what a browser would ask it, and the browser's rules judge its
answer (``cors.browser``). For the way through the gateway its admin listener is asked: nothing here
knows what the policy says. Requests that change something are never sent, because all of them need
a preflight, and the API's answer to that decides.

The admin listener takes few questions at once, and refuses whoever comes beside them. A page asks
for all calls together, and there may be several pages; so questions wait here for their turn.
"""

import asyncio
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from aiohttp import ClientError, ClientSession, ClientTimeout

from cors_gateway.cors.browser import (
    judge_preflight,
    judge_response,
    needs_preflight,
    unsafe_header_names,
)
from cors_gateway.demo.calls import Call
from cors_gateway.demo.excerpt import excerpt
from cors_gateway.demo.places import Places

__all__ = ["AT_ONCE", "STRANGER", "explain_call"]

STRANGER = "https://evil.example"
"""Somebody else's page, for what a browser would not show: who may open a WebSocket."""

AT_ONCE = 2
"""Questions to the admin listener: it computes one while the next is on its way, and has places left
for whoever else asks."""

PATIENCE = ClientTimeout(total=10)

SHOWN_FOR = {
    "allowOrigins": "access-control-allow-origin",
    "allowMethods": "access-control-allow-methods",
    "allowHeaders": "access-control-allow-headers",
    "allowCredentials": "access-control-allow-credentials",
    "exposeHeaders": "access-control-expose-headers",
}
"""Key of a policy → the response header that comes of it."""

KEYS_OF_CHECKS = {
    "origin": ("allowOrigins", "allowOriginRegex"),
    "method": ("allowMethods",),
    "headers": ("allowHeaders",),
}
"""What is checked → where a policy says so."""

Data = dict[str, Any]


async def explain_call(
    session: ClientSession, call: Call, places: Places, turns: asyncio.Semaphore
) -> Data:
    """Say for one call why it ends as it does, both ways.

    Args:
        session: asks the API and the gateway.
        call: what the page does.
        places: where everything is.
        turns: which all that ask the same gateway share; it lets ``AT_ONCE`` in.
    """
    straight, through = await asyncio.gather(
        _straight(session, call, places), _through(session, call, places, turns)
    )
    return {"straight": straight, "through": through}


async def _straight(session: ClientSession, call: Call, places: Places) -> Data:
    if call.kind == "socket":
        return {"exchanges": [], "error": None, "why": "the API takes whoever connects"}
    asked = call.browser_request(places.page)
    method, fields = call.method, {"Origin": places.page}
    is_preflight = needs_preflight(asked)
    if is_preflight:
        method, fields["Access-Control-Request-Method"] = "OPTIONS", call.method
        if names := unsafe_header_names(asked):
            fields["Access-Control-Request-Headers"] = b",".join(names).decode()
    line = f"{method} {call.path}"
    try:
        async with session.request(
            method, places.api + call.path, headers=fields, timeout=PATIENCE, allow_redirects=False
        ) as answer:
            lines, status = answer.raw_headers, answer.status
    except (ClientError, OSError, TimeoutError):
        why = "the API hung up; a page cannot tell that from a refusal"
        return {"exchanges": [_exchange(line, "no answer")], "error": None, "why": why}
    error = judge_preflight(asked, status, lines) if is_preflight else judge_response(asked, lines)
    headers = [
        [name.decode("latin-1"), value.decode("latin-1")]
        for name, value in lines
        if name.lower().startswith(b"access-control-")
    ]
    missing = [] if headers else ["Access-Control-Allow-Origin"]
    what = "preflight's answer" if is_preflight else "answer"
    return {
        "exchanges": [_exchange(line, str(status), headers, missing)],
        "error": error,
        "why": f"the {what} has no {missing[0]}" if missing else None,
    }


async def _through(
    session: ClientSession, call: Call, places: Places, turns: asyncio.Semaphore
) -> Data:
    async with turns:
        told = await _ask(session, call, places, places.page)
    if "problem" in told:
        return told
    keys = tuple(dict.fromkeys(_keys_that_matter(call, told)))
    shown = {SHOWN_FOR[key] for key in keys if key in SHOWN_FOR} | {"proxy-status"}
    exchanges = [told[part] for part in ("preflight", "actual") if told[part] is not None]
    reason = {
        "exchanges": [_exchange_told(exchange, shown) for exchange in exchanges],
        "error": told["browser"]["error"],
        "why": told["browser"]["why"],
        "asks": (told["preflight"] or {}).get("why", []),
        "steps": _steps(exchanges),
        "remedy": told["remedy"],
        "file": _file_part(told, keys, places),
    }
    if call.kind == "socket":
        async with turns:
            stranger = await _ask(session, call, places, STRANGER)
        if "problem" not in stranger:
            reason["stranger"] = {
                "origin": STRANGER,
                "status": stranger["actual"]["response"]["status"],
                "steps": _steps([stranger["actual"]]),
            }
    return reason


async def _ask(session: ClientSession, call: Call, places: Places, origin: str) -> Data:
    """Have the gateway explain a call, as its admin listener does; or say why it does not."""
    if not places.admin:
        return {"problem": "the gateway has not said where its admin listener is"}
    is_socket = call.kind == "socket"
    url = places.gateway + call.path
    query = [
        ("origin", origin),
        ("url", url.replace("http", "ws", 1) if is_socket else url),
        ("method", call.method),
        *(("header", f"{name}: {value}") for name, value in call.headers),
        *([("credentials", "true")] if call.credentials else []),
    ]
    try:
        async with session.get(
            f"{places.admin}/explain",
            params=query,
            headers={"Accept": "application/json"},
            timeout=PATIENCE,
        ) as answer:
            if answer.status != HTTPStatus.OK:
                return {"problem": f"{places.admin}/explain answers {answer.status}"}
            told: Data = await answer.json()
            return told
    except (ClientError, OSError, TimeoutError, ValueError) as error:
        return {"problem": f"{places.admin}/explain cannot be asked ({type(error).__name__})"}


def _keys_that_matter(call: Call, told: Data) -> list[str]:
    """Name the keys of the policy on which this call depends."""
    keys = [
        key
        for step in _steps([told[part] for part in ("preflight", "actual") if told[part]])
        for key in KEYS_OF_CHECKS.get(step["check"], ())
        # What every page may send needs no line in a file.
        if step["check"] == "origin" or key in step["detail"]
    ]
    keys += ["allowCredentials"] if call.credentials else []
    return keys + (["exposeHeaders"] if call.reads else [])


def _steps(exchanges: list[Data]) -> list[Data]:
    """Return what was checked; the preflight's answer has said all that the next one says."""
    decisions = [exchange["decision"] for exchange in exchanges if exchange["decision"]]
    steps: list[Data] = decisions[0]["steps"] if decisions else []
    return steps


def _exchange(
    line: str, end: str, headers: Sequence[Sequence[str]] = (), missing: Sequence[str] = ()
) -> Data:
    return {"line": line, "end": end, "headers": headers, "missing": missing}


def _exchange_told(exchange: Data, shown: set[str]) -> Data:
    request, response = exchange["request"], exchange["response"]
    # What the API will answer is not the gateway's to foretell.
    is_own = exchange["answeredBy"] == "gateway"
    return _exchange(
        f"{request['method']} {request['target']}",
        f"{response['status']} by the gateway" if is_own else "passed on to the API",
        [line for line in response["headers"] if line[0].lower() in shown],
    )


def _file_part(told: Data, keys: tuple[str, ...], places: Places) -> Data | None:
    """Cut out of the gateway's file what it says that decides this call."""
    source: str = (told["route"] or {}).get("policySource") or ""
    _, _, number = source.rpartition(":")
    if not number.isdigit():
        return None
    try:
        text = places.config.read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        return None
    lines = excerpt(text, int(number), keys)
    return {
        "name": places.config.name,
        "lines": [
            {
                "number": line.number,
                "text": line.text,
                "key": line.key,
                "change": _change_at(told, line.number),
            }
            for line in lines
        ],
        "variables": _variables_in("\n".join(line.text for line in lines), places.variables),
    }


def _change_at(told: Data, number: int) -> str:
    """Say what the gateway would change at a line, so that the call may pass."""
    changes = (told["remedy"] or {}).get("changes", ())
    return "; ".join(
        change["change"] for change in changes if change["source"].endswith(f":{number}")
    )


def _variables_in(text: str, variables: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in variables.items() if f"${{{name}" in text}
