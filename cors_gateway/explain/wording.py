"""An explanation in words for a person, and as data for a program.

Bytes of the request are shown escaped: an Origin may hold anything.
"""

from collections.abc import Iterator
from typing import Any

from cors_gateway.answers import reason_phrase
from cors_gateway.config.problems import quote
from cors_gateway.cors.browser import CorsError, unsafe_header_names
from cors_gateway.cors.decision import Check, Decision, Step
from cors_gateway.cors.methods import SAFELISTED_METHODS
from cors_gateway.cors.origins import parse_origin
from cors_gateway.explain.explanation import Blocked, Exchange, Explanation, HandshakeError
from cors_gateway.explain.question import is_local
from cors_gateway.explain.remedies import Remedy
from cors_gateway.explain.rewrites import tell_rewrites
from cors_gateway.explain.urls import UNKNOWN_HOST
from cors_gateway.messages.heads import FieldLines
from cors_gateway.planned import Forward, Respond
from cors_gateway.snapshot import Route, Upstream

__all__ = ["as_data", "render_text", "tell_verdict"]

CHECKS = {
    Check.ONE_ORIGIN: "one Origin line",
    Check.MISSING_ORIGIN: "the origin, derived",
    Check.ORIGIN: "the origin",
    Check.SAME_ORIGIN: "same origin",
    Check.ORIGIN_REQUIRED: "an Origin line",
    Check.CSRF: "csrfGuard",
    Check.ONE_REQUEST_METHOD: "one announced method",
    Check.METHOD: "the method",
    Check.HEADERS: "the headers",
}

ERRORS: dict[CorsError | Blocked | HandshakeError, str] = {
    Blocked.MIXED_CONTENT: (
        "a page on https cannot call http or ws, so nothing is sent, whatever the policy says"
    ),
    HandshakeError.UNEXPECTED_RESPONSE_CODE: "the answer is not 101",
    CorsError.MISSING_ALLOW_ORIGIN_HEADER: "the answer has no Access-Control-Allow-Origin",
    CorsError.MULTIPLE_ALLOW_ORIGIN_VALUES: "Access-Control-Allow-Origin has several values",
    CorsError.INVALID_ALLOW_ORIGIN_VALUE: "Access-Control-Allow-Origin is no origin",
    CorsError.ALLOW_ORIGIN_MISMATCH: "Access-Control-Allow-Origin names another origin",
    CorsError.WILDCARD_ORIGIN_NOT_ALLOWED: (
        "Access-Control-Allow-Origin is *, which does not count for a request with credentials"
    ),
    CorsError.INVALID_ALLOW_CREDENTIALS: (
        "the request has credentials, and Access-Control-Allow-Credentials is not true"
    ),
    CorsError.PREFLIGHT_INVALID_STATUS: "the status is not 2xx",
    CorsError.PREFLIGHT_DISALLOWED_REDIRECT: "a preflight may not be redirected",
    CorsError.INVALID_ALLOW_METHODS_PREFLIGHT_RESPONSE: (
        "Access-Control-Allow-Methods is not a list of methods"
    ),
    CorsError.INVALID_ALLOW_HEADERS_PREFLIGHT_RESPONSE: (
        "Access-Control-Allow-Headers is not a list of names"
    ),
    CorsError.METHOD_DISALLOWED_BY_PREFLIGHT_RESPONSE: (
        "Access-Control-Allow-Methods does not list the method"
    ),
    CorsError.HEADER_DISALLOWED_BY_PREFLIGHT_RESPONSE: (
        "Access-Control-Allow-Headers does not list every header"
    ),
}

NO_CORS = "CORS does not concern it: a program sends no Origin, and reads every answer"
ASK_FOR_A_PAGE = "a browser would hold a page to it: name the page's origin to see how"
NO_COOKIES = (
    "no cookies are sent, and none that the answer sets are kept: for those the page must say "
    "credentials: 'include' to fetch, or withCredentials: true to XMLHttpRequest, $http or axios"
)


def render_text(explanation: Explanation, remedy: Remedy | None) -> str:
    """Write an explanation for a person, in the order in which things happen."""
    question = explanation.question
    sender = "without a browser"
    if question.origin is not None:
        sender = f"from a page of {_show(question.origin)}"
        sender += ", with credentials" if question.credentials else ""
    what = "WebSocket" if question.is_websocket else _show(question.method)
    lines = [f"{what} {question.url} {sender}"]
    if explanation.preflight is not None:
        lines += ["", f"The browser asks first: {'; '.join(_preflight_reasons(explanation))}."]
        lines += _tell_exchange(explanation.preflight)
    if explanation.actual is not None:
        who = "The browser" if question.origin is not None else "A program"
        request = "request" if explanation.preflight is None else "request, as it may"
        if question.is_websocket:
            request = "handshake, and asks nothing before"
        lines += ["", f"{who} sends the {request}:"]
        lines += _tell_exchange(explanation.actual)
    lines += ["", tell_verdict(explanation)]
    lines += [f"  note: {note}" for note in _notes(explanation)]
    if remedy is not None:
        lines += ["", "To change that:" if remedy.changes else "What to do:"]
        lines += [f"  {remedy.advice}"] if remedy.advice else []
        lines += [f"  {change}" for change in remedy.changes]
        if remedy.shared_with:
            lines.append(f"  (this concerns the routes {', '.join(remedy.shared_with)})")
        lines += [f"  warning: {warning}" for warning in remedy.warnings]
    return "\n".join(lines) + "\n"


def as_data(explanation: Explanation, remedy: Remedy | None) -> dict[str, Any]:
    """Give an explanation as JSON has it."""
    question, last = explanation.question, explanation.last
    route = None if last is None else last.route
    return {
        "request": {
            "method": question.method.decode(),
            "url": question.url,
            "origin": None if question.origin is None else _plain(question.origin),
            "headers": _fields(question.headers),
            "credentials": question.credentials,
            "websocket": question.is_websocket,
        },
        "browser": {
            "verdict": "allowed" if explanation.is_readable else "refused",
            "error": explanation.error,
            "why": None if explanation.error is None else _say_error(explanation.error),
            "site": explanation.site,
            "notes": list(_notes(explanation)),
        },
        "preflight": _exchange_data(explanation.preflight, list(_preflight_reasons(explanation))),
        "actual": _exchange_data(explanation.actual, []),
        "route": None if route is None else _route_data(route),
        "reachesApi": explanation.actual is not None and explanation.actual.reaches_api,
        "remedy": None
        if remedy is None
        else {
            "changes": [
                {"source": change.source, "key": change.key, "change": change.text}
                for change in remedy.changes
            ],
            "advice": remedy.advice or None,
            "routes": list(remedy.shared_with),
            "warnings": list(remedy.warnings),
        },
    }


def _preflight_reasons(explanation: Explanation) -> Iterator[str]:
    """Say why a browser asks before it sends the request."""
    asked = explanation.question.browser_request()
    if asked.method not in SAFELISTED_METHODS:
        yield f"{_show(asked.method)} is not GET, HEAD or POST"
    if names := unsafe_header_names(asked):
        yield f"headers need permission: {', '.join(map(_show, names))}"


def _tell_exchange(exchange: Exchange) -> Iterator[str]:
    request = exchange.request
    yield f"  > {_show(request.method)} {_show(request.target)}"
    yield from (f"  > {_show(name)}: {_show(value)}" for name, value in request.fields)
    yield f"  {_tell_route(exchange)}"
    if exchange.decision is not None:
        yield from (f"  {_tell_step(step)}" for step in exchange.decision.steps)
        if exchange.decision.outcome != "allowed":
            yield f"  decision: {exchange.decision.reason}"
    planned = exchange.planned
    if isinstance(planned, Forward):
        yield from (f"  {rewrite}" for rewrite in tell_rewrites(planned.route))
        to = planned.route.upstream
        sent = "forwarded to" if to.files is None else "served from"
        yield f"  {sent} {to.url}{_assumption(exchange, to)}:"
    elif planned.answer.failure is not None:
        detail = planned.answer.detail
        yield f"  refused: {planned.answer.failure.summary}{f': {detail}' if detail else ''}"
    else:
        yield "  answered by the gateway:"
    yield f"  < {exchange.status} {reason_phrase(exchange.status).decode()}"
    yield from (f"  < {_show(name)}: {_show(value)}" for name, value in exchange.fields)


def _assumption(exchange: Exchange, to: Upstream) -> str:
    if to.files is not None:
        return "; assuming that the file is there"
    if exchange.is_switched:
        return "; assuming that it accepts"
    if exchange.asks_to_switch:
        return " as a plain request, without Upgrade; assuming that it answers 200"
    return "; assuming that it answers 200 without CORS"


def _tell_route(exchange: Exchange) -> str:
    route = exchange.route
    if route is None:
        return "no route takes it; " + (
            "defaults.cors is its policy" if exchange.decision else "it has no policy"
        )
    if route.policy is None:
        return f"route {route.name} ({route.source}), cors: false"
    return f"route {route.name} ({route.source}), policy {_policy_of(route)}"


def _policy_of(route: Route) -> str:
    return f"{route.policy_name or route.policy_key} ({route.policy_source})"


def _tell_step(step: Step) -> str:
    mark = "yes" if step.passed else "no "
    subject = f" {_show(step.subject)}" if step.subject else ""
    detail = step.detail
    if step.passed and step.check in {Check.ORIGIN, Check.MISSING_ORIGIN}:
        detail = f"allowed by {detail}"
    return f"{mark} {CHECKS[step.check]}{subject}: {detail}"


def tell_verdict(explanation: Explanation) -> str:
    """Say in one line what comes of it for who asks."""
    last = explanation.last
    if explanation.question.is_websocket and last is not None:
        return _websocket_verdict(explanation)
    if explanation.error is not None:
        return f"The browser refuses: {explanation.error}, {_say_error(explanation.error)}."
    if explanation.site is None:
        found = _found_origin(explanation)
        start = NO_CORS if found is None else f"A page of {found} may read the answer"
    elif explanation.site == "same-origin":
        start = "The page may read the answer, it is of the same origin"
    else:
        start = "The browser lets the page read the answer"
    if (
        last is not None
        and isinstance(last.planned, Respond)
        and last.planned.answer.failure is not None
    ):
        return f"{start}; but that is the gateway's own {last.status}."
    return f"{start}."


def _found_origin(explanation: Explanation) -> str | None:
    """Show the allowed origin of a page that something in front has taken the Origin line from."""
    decision = explanation.last.decision if explanation.last else None
    for step in () if decision is None else decision.steps:
        if step.check is Check.MISSING_ORIGIN and step.passed:
            return _show(step.subject)
    return None


def _websocket_verdict(explanation: Explanation) -> str:
    has_page = explanation.question.origin is not None
    who = "page" if has_page else "program"
    if explanation.error is not None:
        return f"The {who} gets no WebSocket: {explanation.error}, {_say_error(explanation.error)}."
    start = f"The {who} gets its WebSocket"
    if has_page:
        return f"{start}, and reads every message: CORS does not apply to those."
    return f"{start}."


def _say_error(error: CorsError | Blocked | HandshakeError) -> str:
    if error in ERRORS:
        return ERRORS[error]
    # The checks of a preflight's answer have the names of the others, with a prefix.
    return ERRORS[CorsError(error.removeprefix("Preflight"))]


def _notes(explanation: Explanation) -> Iterator[str]:
    """Say what else a person may trip over."""
    question = explanation.question
    page, own = parse_origin(question.origin or b""), question.own_origin
    if question.respelled_from:
        yield f"for {quote(question.respelled_from)} the browser sends {_show(question.target)}"
    if question.ignored:
        yield f"browsers do not let a page set {', '.join(map(_show, question.ignored))}"
    if not question.host_is_known:
        yield f"{UNKNOWN_HOST} stands for the gateway; a whole URL says more"
    is_program = question.origin is None and _found_origin(explanation) is None
    if is_program and explanation.is_served and not question.is_websocket:
        yield ASK_FOR_A_PAGE
    if _lacks_cookies(explanation):
        yield NO_COOKIES
    if question.is_websocket and explanation.site is not None and explanation.last is not None:
        yield "cookies are sent whatever the page says, as far as their SameSite lets them"
        if explanation.error is not None:
            yield "the page only sees an error event; the console tells of the response code"
    if page is not None and is_local(own.host) and not is_local(page.host):
        shown = "" if question.is_websocket else ", and shows a refusal as a CORS error"
        yield f"Chrome asks its user before a public page may call a local address{shown}"


def _lacks_cookies(explanation: Explanation) -> bool:
    """Say whether a page could have sent cookies, and does not."""
    route = explanation.last.route if explanation.last else None
    return (
        explanation.site in {"same-site", "cross-site"}
        and explanation.is_served
        and not explanation.question.credentials
        and not explanation.question.is_websocket
        and route is not None
        and route.policy is not None
        and route.policy.settings.allow_credentials
    )


def _exchange_data(exchange: Exchange | None, why: list[str]) -> dict[str, Any] | None:
    if exchange is None:
        return None
    return {
        "why": why,
        "request": {
            "method": exchange.request.method.decode(),
            "target": exchange.request.target.decode(),
            "headers": _fields(exchange.request.fields),
        },
        "decision": None if exchange.decision is None else _decision_data(exchange.decision),
        "answeredBy": "api" if exchange.reaches_api else "gateway",
        "response": {"status": exchange.status, "headers": _fields(exchange.fields)},
    }


def _decision_data(decision: Decision) -> dict[str, Any]:
    return {
        "kind": decision.kind,
        "outcome": decision.outcome,
        "reason": decision.reason,
        "entry": decision.entry,
        "steps": [
            {
                "check": step.check,
                "passed": step.passed,
                "subject": _plain(step.subject),
                "detail": step.detail,
            }
            for step in decision.steps
        ],
    }


def _route_data(route: Route) -> dict[str, Any]:
    return {
        "name": route.name,
        "source": route.source,
        "upstream": route.upstream.url,
        "policy": None if route.policy is None else route.policy_name or route.policy_key,
        "policySource": route.policy_source or None,
        "changes": list(tell_rewrites(route)),
    }


def _fields(lines: FieldLines) -> list[list[str]]:
    return [[_plain(name), _plain(value)] for name, value in lines]


def _plain(value: bytes) -> str:
    return value.decode("latin-1")


def _show(value: bytes) -> str:
    text = _plain(value)
    return text if text.isascii() and text.isprintable() else quote(text)
