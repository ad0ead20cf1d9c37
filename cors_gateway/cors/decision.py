"""The decision on one request: a pure function of a policy and what the request says.

Follows the Fetch standard's CORS protocol (section 3.3) from the server's side, in this order: which
kind of request it is, whether its origin is allowed, and for a preflight what it announces. The
answer names the fields that any response to the request must carry, and the steps that led there:
``explain``, the log and the metrics only render them.

Knows no route, no upstream and no status but the ones that a policy itself asks for.
"""

from dataclasses import replace

from cors_gateway.cors.checks import (
    ENTRIES_FOR_ANYBODY,
    accepts_header,
    check_csrf,
    check_headers,
    check_method,
    check_origin,
    check_same_origin,
)
from cors_gateway.cors.missing_origin import derive_origin
from cors_gateway.cors.outcome import (
    Check,
    CorsRequest,
    Decision,
    Outcome,
    Reason,
    RequestKind,
    Step,
)
from cors_gateway.cors.policy import Policy
from cors_gateway.cors.request_headers import ALWAYS_ACCEPTED_HEADERS, parse_announced_names

__all__ = [
    "Check",
    "CorsRequest",
    "Decision",
    "Outcome",
    "Reason",
    "RequestKind",
    "Step",
    "classify",
    "decide",
    "decide_by_origin",
    "is_by_origin",
]

MOST_REMEMBERED = 512
"""Origins of one policy whose decisions are kept: what is once decided stays so as long as the policy."""


_VARY_PREFLIGHT = (b"Access-Control-Request-Method", b"Access-Control-Request-Headers")
_UNGUARDED_METHODS = frozenset({b"GET", b"HEAD", b"OPTIONS"})


def classify(request: CorsRequest) -> RequestKind:
    """Say what kind of request this is, by its own lines."""
    if not request.origin_lines:
        return RequestKind.NOT_CORS
    return RequestKind.PREFLIGHT if _announces(request) else RequestKind.ACTUAL


def decide(policy: Policy, request: CorsRequest) -> Decision:
    """Decide on a request. Never raises, whatever the bytes."""
    decision = _decide(policy, request)
    if policy.settings.mode == "enforce":
        return decision
    return _forward_untouched(decision)


def decide_by_origin(policy: Policy, method: bytes, origin: bytes | None) -> Decision | None:
    """Decide on an actual request of an allowed origin, or without one, as ``decide`` would.

    What such a request says beside its origin does not matter, unless it could cause changes under a
    policy that guards against that, or the policy looks for an origin that is missing. So the decision is
    made once for each origin; ``None`` where more than the origin decides.

    Precondition: the request has this Origin line, or none, and is no OPTIONS.
    """
    if _is_guarded_method(policy, method):
        return None
    decision = policy.by_origin.get(origin)
    if decision is None:
        settings, lines = policy.settings, () if origin is None else (origin,)
        if origin is None and (settings.missing_origin or settings.require_origin):
            return None
        decision = _decide(policy, CorsRequest(method=method, origin_lines=lines))
        if decision.outcome is not (Outcome.NOT_APPLICABLE if origin is None else Outcome.ALLOWED):
            return None
        if settings.mode != "enforce":
            decision = _forward_untouched(decision)
        if len(policy.by_origin) >= MOST_REMEMBERED:
            policy.by_origin.clear()
        policy.by_origin[origin] = decision
    return decision


def is_by_origin(policy: Policy, decision: Decision) -> bool:
    """Say whether a decision is one that ``decide_by_origin`` gives again."""
    return policy.by_origin.get(decision.origin) is decision


def _decide(policy: Policy, request: CorsRequest) -> Decision:
    lines = request.origin_lines
    if not lines:
        return _decide_without_origin(policy, request)
    if len(lines) > 1:
        step = Step.failing(Check.ONE_ORIGIN, b", ".join(lines), "a request has one Origin line")
        kind, vary = classify(request), policy.vary
        if vary and kind is RequestKind.PREFLIGHT:
            vary += _VARY_PREFLIGHT
        return _refuse(policy, kind, Reason.REPEATED_ORIGIN, None, (step,), vary, status=400)
    origin = lines[0]
    entry, step, reason = check_origin(policy, origin)
    if _announces(request):
        return _decide_preflight(policy, request, origin, entry, step, reason, policy.vary)
    if entry is None:
        return _decide_disallowed(policy, request, origin, step, reason)
    if _is_guarded(policy, request):
        guard = check_csrf(request, origin, entry)
        if not guard.passed:
            return _refuse(
                policy, RequestKind.ACTUAL, Reason.CSRF, origin, (step, guard), policy.vary
            )
        return _grant(policy, origin, entry, (step, guard), policy.vary)
    return _grant(policy, origin, entry, (step,), policy.vary)


def _decide_without_origin(policy: Policy, request: CorsRequest) -> Decision:
    """Decide where no Origin line is there; a derived origin can be allowed, never refused."""
    kind, vary = RequestKind.NOT_CORS, policy.vary
    steps: tuple[Step, ...] = ()
    entry = derived = witness = None
    if policy.settings.missing_origin and not policy.allows_any_origin:
        derived, consulted = derive_origin(policy.settings.missing_origin, request)
        vary += consulted
        if derived is not None:
            entry, step, reason = check_origin(policy, derived)
            steps = (step._replace(check=Check.MISSING_ORIGIN),)
            if entry is not None and _announces(request):
                return _decide_preflight(policy, request, derived, entry, *steps, reason, vary)
            if entry is not None and derived != b"null" and consulted[-1] != b"Host":
                # Host says where a request goes, not which page it comes from.
                witness = None if entry in ENTRIES_FOR_ANYBODY else derived
    if request.websocket and policy.settings.require_origin and witness is None:
        steps = (*steps, Step.failing(Check.ORIGIN_REQUIRED, b"", "requireOrigin"))
        return _refuse(policy, kind, Reason.ORIGIN_REQUIRED, None, steps, vary)
    if _is_guarded(policy, request):
        guard = check_csrf(request, witness, entry)
        steps = (*steps, guard)
        if not guard.passed:
            return _refuse(policy, kind, Reason.CSRF, derived, steps, vary)
    if derived is not None and entry is not None:
        return _grant(policy, derived, entry, steps, vary)
    return _leave_alone(policy, kind, Reason.NO_ORIGIN, derived, steps, vary)


def _decide_disallowed(
    policy: Policy, request: CorsRequest, origin: bytes, step: Step, reason: Reason
) -> Decision:
    """Decide on an actual request whose origin no entry names."""
    kind = RequestKind.ACTUAL
    same = check_same_origin(request, origin)
    steps: tuple[Step, ...] = (step, same)
    if same.passed:
        return _leave_alone(policy, kind, Reason.SAME_ORIGIN, origin, steps, policy.vary)
    if request.websocket or policy.settings.on_disallowed_origin == "block":
        return _refuse(policy, kind, reason, origin, steps, policy.vary)
    if _is_guarded(policy, request):
        guard = check_csrf(request, origin, None)
        steps = (*steps, guard)
        if not guard.passed:
            return _refuse(policy, kind, Reason.CSRF, origin, steps, policy.vary)
    return _refuse(policy, kind, reason, origin, steps, policy.vary, status=None)


def _decide_preflight(
    policy: Policy,
    request: CorsRequest,
    origin: bytes,
    entry: str | None,
    step: Step,
    reason: Reason,
    vary: tuple[bytes, ...],
) -> Decision:
    kind, lines = RequestKind.PREFLIGHT, request.request_method_lines
    if vary:
        vary += _VARY_PREFLIGHT
    if len(lines) > 1:
        once = Step.failing(Check.ONE_REQUEST_METHOD, b", ".join(lines), "one method is announced")
        reason = Reason.REPEATED_REQUEST_METHOD
        return _refuse(policy, kind, reason, origin, (step, once), vary, status=400)
    if entry is None:
        decision = _refuse(policy, kind, reason, origin, (step,), vary)
    else:
        decision = _answer_preflight(policy, request, origin, entry, step, vary)
    if policy.settings.preflight == "forward":
        return _forward_untouched(decision)
    return decision


def _answer_preflight(
    policy: Policy,
    request: CorsRequest,
    origin: bytes,
    entry: str,
    step: Step,
    vary: tuple[bytes, ...],
) -> Decision:
    """Answer an allowed origin with the whole lists: the browser finds what is missing."""
    method = request.request_method_lines[0]
    names = parse_announced_names(request.request_headers_lines)
    method_step, method_reason = check_method(policy, method)
    headers_step, headers_reason = check_headers(policy, request, names)
    methods_value = policy.methods_value
    if policy.any_method and policy.settings.allow_credentials and method_step.passed:
        methods_value = method
    headers_value = _allowed_headers(policy, names or ())
    if policy.allows_any_origin:
        fields = policy.any_origin_fields
    else:
        fields = ((b"Access-Control-Allow-Origin", origin), *policy.grant_fields)
    if methods_value:
        fields += ((b"Access-Control-Allow-Methods", methods_value),)
    if headers_value:
        fields += ((b"Access-Control-Allow-Headers", headers_value),)
    fields += ((b"Access-Control-Max-Age", policy.max_age_value),)
    reason = method_reason or headers_reason
    return Decision(
        kind=RequestKind.PREFLIGHT,
        outcome=Outcome.DENIED if reason else Outcome.ALLOWED,
        reason=reason or Reason.ORIGIN_ALLOWED,
        status=204,
        fields=fields,
        vary=vary,
        expose_real=False,
        origin=origin,
        entry=entry,
        steps=(step, method_step, headers_step),
        upstream_cors=policy.upstream_cors,
    )


def _allowed_headers(policy: Policy, names: tuple[bytes, ...]) -> bytes:
    """Spell ``Access-Control-Allow-Headers``: the list, and what is accepted when announced."""
    if not policy.any_header:
        extra = [n for n in names if n in ALWAYS_ACCEPTED_HEADERS and n not in policy.headers]
        return b", ".join(filter(None, (policy.headers_value, *extra)))
    if not policy.settings.allow_credentials:
        return policy.headers_value
    echoed = [name for name in names if accepts_header(policy, name)]
    return b", ".join(echoed) or policy.headers_value


def _announces(request: CorsRequest) -> bool:
    return request.method == b"OPTIONS" and any(request.request_method_lines)


def _is_guarded(policy: Policy, request: CorsRequest) -> bool:
    return _is_guarded_method(policy, request.method)


def _is_guarded_method(policy: Policy, method: bytes) -> bool:
    return policy.settings.csrf_guard and method not in _UNGUARDED_METHODS


def _grant(
    policy: Policy,
    origin: bytes,
    entry: str,
    steps: tuple[Step, ...],
    vary: tuple[bytes, ...],
) -> Decision:
    """Let an actual request pass, and the page read the answer."""
    if policy.allows_any_origin:
        fields = policy.any_origin_fields
    else:
        fields = ((b"Access-Control-Allow-Origin", origin), *policy.grant_fields)
    return Decision(
        RequestKind.ACTUAL,
        Outcome.ALLOWED,
        Reason.ORIGIN_ALLOWED,
        None,
        fields + policy.timing_fields,
        vary,
        policy.exposes_real_names,
        origin,
        entry,
        steps,
        policy.upstream_cors,
        policy.unless_sent,
    )


def _refuse(
    policy: Policy,
    kind: RequestKind,
    reason: Reason,
    origin: bytes | None,
    steps: tuple[Step, ...],
    vary: tuple[bytes, ...],
    *,
    status: int | None = 403,
) -> Decision:
    """Deny a request: by a status, or by passing it on and granting nothing."""
    fields, unless_sent = policy.any_origin_fields, policy.unless_sent
    if kind is RequestKind.PREFLIGHT:
        unless_sent = ()
    else:
        fields += policy.timing_fields
    return Decision(
        kind,
        Outcome.DENIED,
        reason,
        status,
        fields,
        vary,
        expose_real=False,
        origin=origin,
        entry=None,
        steps=steps,
        upstream_cors=policy.upstream_cors,
        unless_sent=unless_sent,
    )


def _leave_alone(
    policy: Policy,
    kind: RequestKind,
    reason: Reason,
    origin: bytes | None,
    steps: tuple[Step, ...],
    vary: tuple[bytes, ...],
) -> Decision:
    """Pass on a request that no page of another origin made."""
    return Decision(
        kind,
        Outcome.NOT_APPLICABLE,
        reason,
        None,
        policy.any_origin_fields + policy.timing_fields,
        vary,
        expose_real=False,
        origin=origin,
        entry=None,
        steps=steps,
        upstream_cors=policy.upstream_cors,
        unless_sent=policy.unless_sent,
    )


def _forward_untouched(decision: Decision) -> Decision:
    """Leave both the request and the answer to the upstream, and keep what would have been."""
    return replace(
        decision,
        status=None,
        fields=(),
        vary=(),
        expose_real=False,
        upstream_cors="passthrough",
        unless_sent=(),
    )
