"""What would have to change for a refused request to pass: looked for by trying it.

A change is made to the settings of the policy that refused, the policy is compiled again, with all
its checks, and the question is asked again, until it passes. So no advice is given that would not
load or would not help, and what would load with a warning carries it. Where the page or the origin
is at fault, the advice says that instead.
"""

import re
from dataclasses import dataclass, replace

from cors_gateway.answers import Answer
from cors_gateway.config.load import Loaded
from cors_gateway.config.policies import PublicSuffixes
from cors_gateway.config.problems import serialize_path
from cors_gateway.cors.decision import Check, Reason
from cors_gateway.cors.methods import RECEIVABLE_METHODS
from cors_gateway.cors.origins import (
    TupleOrigin,
    parse_origin,
    serialize_origin,
    suggest_origin,
)
from cors_gateway.cors.policy import Policy, compile_policy
from cors_gateway.cors.settings import PolicyProblem, PolicySettings
from cors_gateway.explain.changes import Change, block_of, change_at, policy_changes
from cors_gateway.explain.explanation import Explanation, explain
from cors_gateway.explain.question import Question, say_unreceivable
from cors_gateway.failures import Failure
from cors_gateway.planned import Respond
from cors_gateway.routes import Router
from cors_gateway.snapshot import Route, Snapshot

__all__ = ["Remedy", "find_remedy"]

MOST_CHANGES = 8

NULL_ORIGIN = (
    "nothing should be changed: any page can make its origin null, so that allowing it allows "
    "everyone; serve the page over http or https (null comes from file:, sandboxed frames and "
    "redirects between origins)"
)
MIXED_CONTENT = "no change of a policy would help: a page on https has to call"
NO_TLS = (
    "give the gateway a certificate (server.tls), or let something that speaks TLS stand in front "
    "and name its origin as server.publicOrigin"
)
NO_HELP = "no change of the configuration would help"
NO_CHANGE = "no change of the policy would allow it"
LEAVE_OUT_CREDENTIALS = (
    "if the page needs no cookies, it should leave out credentials: 'include'; otherwise"
)
SEND_ORIGIN = "if the program can send an Origin, it should be one that is allowed; otherwise"
NAMED_ORIGINS = "csrfGuard lets pages change something whose origin is named, and no others"
OWN_PAGE = (
    "the page is of the gateway's own origin, which the gateway does not know: TLS ends in front of "
    "it, and a WebSocket's handshake has no Sec-Fetch-Site"
)

# A check's own remedy may be to switch it off. That is for who writes the configuration, and knows.
_CLAUSE = re.compile(r"(?=, or |; )")
_SWITCHED_OFF = re.compile(r"dangerously\w+: true")


@dataclass(frozen=True, slots=True)
class Remedy:
    """What to do about a refusal."""

    changes: tuple[Change, ...] = ()
    """All of them are needed."""
    advice: str = ""
    """What to do beside or instead of a change."""
    shared_with: tuple[str, ...] = ()
    """The names of the routes that a change of the policy concerns, where there are several."""
    warnings: tuple[str, ...] = ()
    """What the configuration would be warned of after the changes, and is not now."""

    def __str__(self) -> str:
        warnings = (f"warning: {text}" for text in self.warnings)
        return "; ".join((*map(str, self.changes), *warnings)) or self.advice


def find_remedy(
    loaded: Loaded, explanation: Explanation, suffixes: PublicSuffixes
) -> Remedy | None:
    """Find what would let the page have the API's answer; ``None`` where it has it.

    Args:
        loaded: the configuration that was asked.
        explanation: what came of the question.
        suffixes: what policies are checked with.
    """
    if loaded.snapshot is None:
        return None
    last = explanation.last
    if last is None:
        return Remedy(advice=_call_by_tls(loaded.snapshot, explanation.question))
    failure = _failure_of(explanation)
    if explanation.is_readable and failure is None:
        return None
    route, question = last.route, explanation.question
    if question.origin is not None and (refused := say_unreceivable(question.method)):
        return Remedy(advice=f"{NO_HELP}: {refused}")
    if (
        failure is Failure.METHOD_NOT_ALLOWED
        and route is not None
        and route.methods is not None
        and question.method in RECEIVABLE_METHODS
    ):
        path = ("routes", loaded.snapshot.routes.index(route), "match", "methods")
        text = f"add {question.method.decode()}"
        return Remedy((change_at(loaded, path, text),))
    if failure is not None and failure not in {Failure.ORIGIN_REFUSED, Failure.NO_ROUTE}:
        answer = _answer_of(explanation)
        why = (answer and answer.detail) or failure.summary
        return Remedy(advice=f"{NO_HELP}: {why}")
    if route is None:
        return _add_route(loaded, loaded.snapshot, explanation)
    if explanation.is_declined and route.upstream.files is not None:
        return Remedy(advice=f"{NO_HELP}: files speak no WebSocket")
    if explanation.is_declined:
        path = ("routes", loaded.snapshot.routes.index(route), "upstream", "upgrades")
        return Remedy((change_at(loaded, path, "write it as [websocket]"),))
    if route.policy is None:
        return _name_policy(loaded, loaded.snapshot, route)
    if explanation.site == "same-origin" and loaded.snapshot.public_origin is None:
        return _name_public_origin(loaded, loaded.snapshot, explanation, suffixes)
    return _Search(loaded, loaded.snapshot, route, route.policy, suffixes).remedy(explanation)


def _is_up_to_policy(explanation: Explanation) -> bool:
    """Say whether a policy is in the way; to a WebSocket it only is by a 403."""
    if _failure_of(explanation) is Failure.ORIGIN_REFUSED:
        return True
    return not explanation.is_readable and not explanation.question.is_websocket


def _failure_of(explanation: Explanation) -> Failure | None:
    """Name what went wrong; ``None`` where the API or a policy's 204 answers."""
    answer = _answer_of(explanation)
    return None if answer is None else answer.failure


def _answer_of(explanation: Explanation) -> Answer | None:
    """Give the gateway's own answer, where it ends with one."""
    last = explanation.last
    return last.planned.answer if last is not None and isinstance(last.planned, Respond) else None


class _Search:
    """The search for the settings under which a question passes."""

    def __init__(
        self,
        loaded: Loaded,
        snapshot: Snapshot,
        route: Route,
        policy: Policy,
        suffixes: PublicSuffixes,
    ) -> None:
        self._loaded = loaded
        self._snapshot = snapshot
        self._route = route
        self._policy = policy
        self._suffixes = suffixes

    def remedy(self, explanation: Explanation) -> Remedy:
        """Search until the question passes, or until something else is at fault."""
        settings = self._policy.settings
        advice = ""
        changed = self._snapshot
        known = frozenset(compile_policy(settings, *self._suffixes)[1])
        problems: tuple[PolicyProblem, ...] = ()
        for _ in range(MOST_CHANGES):
            if not _is_up_to_policy(explanation):
                break
            found = _widen(explanation, settings)
            if isinstance(found, str):
                return Remedy(advice=found)
            settings, said = found
            advice = advice or said
            policy, problems = compile_policy(settings, *self._suffixes)
            if policy is None:
                error = next(problem for problem in problems if problem.severity == "error")
                return Remedy(advice=f"to allow it would not load: {error.key}: {_say(error)}")
            changed = _with_policy(self._snapshot, self._policy, policy)
            explanation = explain(changed, explanation.question, self._suffixes[0])
        else:
            return Remedy(advice=NO_CHANGE)
        # With the policy out of the way, a route may still refuse.
        rest = find_remedy(replace(self._loaded, snapshot=changed), explanation, self._suffixes)
        block = block_of(self._loaded, self._snapshot, self._route)
        changes = tuple(policy_changes(self._loaded, block, self._policy.settings, settings))
        # Blocks that say the same share a policy, but not a place in the file.
        key = serialize_path(block)
        users = tuple(other.name for other in self._snapshot.routes if other.policy_key == key)
        return Remedy(
            changes + (rest.changes if rest else ()),
            advice,
            users if len(users) > 1 else (),
            tuple(_say(problem) for problem in problems if problem not in known),
        )


def _widen(explanation: Explanation, settings: PolicySettings) -> tuple[PolicySettings, str] | str:
    """Make the next change to a policy's settings, or say why there should be none."""
    question, last = explanation.question, explanation.last
    decision = None if last is None else last.decision
    origin = (question.origin or b"").decode(errors="replace")
    reason = None if decision is None else decision.reason
    if reason is Reason.NULL_ORIGIN or (reason is Reason.CSRF and origin == "null"):
        return NULL_ORIGIN
    if reason is Reason.ORIGIN_INVALID:
        meant = suggest_origin(origin)
        if meant:
            return f"did you mean the origin {meant}? No browser sends this as an origin"
        return "nothing should be changed: no browser sends this as an origin"
    if reason is Reason.ORIGIN_REQUIRED:
        return replace(settings, require_origin=False), SEND_ORIGIN
    if settings.mode == "reportOnly":
        return replace(settings, mode="enforce"), ""
    if explanation.actual is None and settings.preflight == "forward":
        return replace(settings, preflight="answer"), ""
    if reason is Reason.CSRF and "*" in settings.allow_origins:
        named = replace(settings, allow_origins=(origin,), dangerously_reflect_any_origin=False)
        return named, NAMED_ORIGINS
    if reason in {Reason.ORIGIN_NOT_ALLOWED, Reason.CSRF}:
        return replace(settings, allow_origins=(*settings.allow_origins, origin)), ""
    if reason is Reason.METHOD_NOT_ALLOWED:
        methods = (*settings.allow_methods, question.method.decode())
        return replace(settings, allow_methods=methods), ""
    if reason is Reason.HEADER_NOT_ALLOWED:
        names = _missing_headers(explanation)
        return replace(settings, allow_headers=(*settings.allow_headers, *names)), ""
    if settings.upstream_cors == "passthrough":
        return replace(settings, upstream_cors="strip"), ""
    if question.credentials and not settings.allow_credentials:
        if "*" not in settings.allow_origins:
            return replace(settings, allow_credentials=True), LEAVE_OUT_CREDENTIALS
        return (
            replace(settings, allow_credentials=True, allow_origins=(origin,)),
            LEAVE_OUT_CREDENTIALS,
        )
    return NO_CHANGE


def _missing_headers(explanation: Explanation) -> list[str]:
    """Name the headers that are refused, as the page spells them."""
    decision = explanation.last.decision if explanation.last else None
    steps = () if decision is None else decision.steps
    refused = {
        name for step in steps if step.check is Check.HEADERS for name in step.subject.split(b", ")
    }
    spelled = {name.lower(): name.decode() for name, _ in explanation.question.headers}
    return [name for lower, name in sorted(spelled.items()) if lower in refused]


def _with_policy(snapshot: Snapshot, old: Policy, new: Policy) -> Snapshot:
    routes = tuple(
        replace(route, policy=new) if route.policy is old else route for route in snapshot.routes
    )
    return replace(snapshot, routes=routes, router=Router(routes))


def _call_by_tls(snapshot: Snapshot, question: Question) -> str:
    """Say what a page on https is to call in place of what its browser does not let it call."""
    scheme = "wss" if question.is_websocket else "https"
    own = parse_origin(snapshot.public_origin or b"")
    note = ""
    if own is None or own.scheme != "https":
        listeners = [listener for listener in snapshot.listeners if listener.tls is not None]
        if not listeners:
            return f"{MIXED_CONTENT} {scheme}: {NO_TLS}"
        ports = [443 if listener.unix_path else listener.port for listener in listeners]
        port = 443 if 443 in ports else next(filter(None, ports), 0)
        note = "" if port else ", with the port that it is given at the start"
        own = TupleOrigin("https", question.own_origin.host, port if port not in {0, 443} else None)
    url = serialize_origin(replace(own, scheme=scheme)).decode() + question.target.decode()
    return f"{MIXED_CONTENT} {scheme}, and the gateway has such an address: call {url}{note}"


def _add_route(loaded: Loaded, snapshot: Snapshot, explanation: Explanation) -> Remedy:
    question = explanation.question
    path = question.target.partition(b"?")[0].decode()
    host = question.own_origin.host
    where = f"{host}{path}" if question.host_is_known else path
    advice = ""
    if not question.host_is_known and any(route.host for route in snapshot.routes):
        advice = "some routes are for one host only: ask with the whole URL"
    text = f"add a route whose match takes {where}"
    return Remedy((change_at(loaded, ("routes",), text),), advice)


def _name_policy(loaded: Loaded, snapshot: Snapshot, route: Route) -> Remedy:
    """Say where ``cors: false`` stands, and what could stand there."""
    path = block_of(loaded, snapshot, route)
    names = loaded.settings.cors_policies if loaded.settings else {}
    known = "".join(f", such as {name}," for name in list(names)[:1])
    text = f"name a policy{known} or a block in the place of false, or have the API send CORS"
    return Remedy((change_at(loaded, path, text),))


def _name_public_origin(
    loaded: Loaded, snapshot: Snapshot, explanation: Explanation, suffixes: PublicSuffixes
) -> Remedy:
    """Say how the gateway gets to know a page of its own, and what else is in the way then."""
    question = explanation.question
    changed = replace(snapshot, public_origin=question.origin)
    explanation = explain(changed, question, suffixes.is_public_suffix)
    rest = find_remedy(replace(loaded, snapshot=changed), explanation, suffixes)
    text = f"set it to {(question.origin or b'').decode()}"
    change = change_at(loaded, ("server", "publicOrigin"), text, line_of=("server",))
    return Remedy((change, *(rest.changes if rest else ())), OWN_PAGE)


def _say(problem: PolicyProblem) -> str:
    clauses = _CLAUSE.split(problem.fix)
    fix = "".join(clause for clause in clauses if not _SWITCHED_OFF.search(clause))
    return ", ".join(filter(None, (problem.what, problem.why, fix)))
