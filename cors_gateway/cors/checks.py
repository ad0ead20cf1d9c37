"""The single checks that a decision is made of, each with the step that tells of it.

Every check answers one question about one part of a request, and knows nothing of the others.
"""

from cors_gateway.cors.methods import SAFELISTED_METHODS, is_forbidden_method, is_method
from cors_gateway.cors.origins import parse_origin
from cors_gateway.cors.outcome import Check, CorsRequest, Reason, Step
from cors_gateway.cors.policy import Policy
from cors_gateway.cors.request_headers import ALWAYS_ACCEPTED_HEADERS

__all__ = [
    "ENTRIES_FOR_ANYBODY",
    "accepts_header",
    "check_csrf",
    "check_headers",
    "check_method",
    "check_origin",
    "check_same_origin",
]

_TRUSTED_SITES = frozenset({b"same-origin", b"none"})

ENTRIES_FOR_ANYBODY = frozenset({"*", "dangerouslyReflectAnyOrigin"})
"""What lets in origins that nobody has named: enough to read, not to change something."""


def check_origin(policy: Policy, origin: bytes) -> tuple[str | None, Step, Reason]:
    """Find what allows an origin, and the step and reason that tell of it."""
    if policy.allows_any_origin:
        return "*", Step.passing(Check.ORIGIN, origin, "*"), Reason.ORIGIN_ALLOWED
    entry = policy.origins.find(origin)
    if entry is None:
        reason, detail = Reason.ORIGIN_NOT_ALLOWED, "no entry names it"
        if origin == b"null":
            reason, detail = Reason.NULL_ORIGIN, "null is any page that hides where it is from"
            if policy.settings.dangerously_allow_null_origin:
                entry = "dangerouslyAllowNullOrigin"
        elif parse_origin(origin) is None:
            reason, detail = Reason.ORIGIN_INVALID, "no browser spells an origin like this"
        elif policy.reflects_any_origin:
            entry = "dangerouslyReflectAnyOrigin"
        if entry is None:
            return None, Step.failing(Check.ORIGIN, origin, detail), reason
    return entry, Step.passing(Check.ORIGIN, origin, entry), Reason.ORIGIN_ALLOWED


def check_same_origin(request: CorsRequest, origin: bytes) -> Step:
    """Check whether a page of the gateway's own origin sent the request."""
    if request.sec_fetch_site == b"same-origin":
        return Step.passing(Check.SAME_ORIGIN, request.sec_fetch_site, "Sec-Fetch-Site")
    # What we are called may be guessed wrongly (behind TLS, by another name); browsers know better.
    if request.sec_fetch_site is None and origin in request.own_origins:
        return Step.passing(Check.SAME_ORIGIN, origin, "it is the gateway's own")
    return Step.failing(Check.SAME_ORIGIN, origin, "it is not the gateway's own")


def check_csrf(request: CorsRequest, origin: bytes | None, entry: str | None) -> Step:
    """Check that a page which may cause changes sent the request, or no page at all."""
    site = request.sec_fetch_site
    if site is not None and site in _TRUSTED_SITES:
        return Step.passing(Check.CSRF, site, "Sec-Fetch-Site")
    if origin is None:
        if site is None:
            return Step.passing(Check.CSRF, b"", "no browser sent it")
        return Step.failing(Check.CSRF, site, "Sec-Fetch-Site")
    if entry is not None and entry not in ENTRIES_FOR_ANYBODY and origin != b"null":
        return Step.passing(Check.CSRF, origin, entry)
    if check_same_origin(request, origin).passed:
        return Step.passing(Check.CSRF, origin, "it is the gateway's own")
    return Step.failing(Check.CSRF, origin, "neither a named origin nor the gateway's own")


def check_method(policy: Policy, method: bytes) -> tuple[Step, Reason | None]:
    """Check the method that a preflight announces; the reason is ``None`` if it is allowed."""
    if not is_method(method):
        step = Step.failing(Check.METHOD, method, "it is no method")
        return step, Reason.METHOD_NOT_ALLOWED
    if is_forbidden_method(method):
        step = Step.failing(Check.METHOD, method, "browsers forbid it")
        return step, Reason.METHOD_NOT_ALLOWED
    if method in SAFELISTED_METHODS:
        return Step.passing(Check.METHOD, method, "safelisted"), None
    if method in policy.methods:
        return Step.passing(Check.METHOD, method, "allowMethods"), None
    if policy.any_method and _covered_by_wildcard(policy, method):
        return Step.passing(Check.METHOD, method, "allowMethods: *"), None
    step = Step.failing(Check.METHOD, method, "allowMethods does not list it")
    return step, Reason.METHOD_NOT_ALLOWED


def check_headers(
    policy: Policy, request: CorsRequest, names: tuple[bytes, ...] | None
) -> tuple[Step, Reason | None]:
    """Check the names that a preflight announces; ``None`` is a list that cannot be read."""
    if names is None:
        subject = b", ".join(request.request_headers_lines)
        step = Step.failing(Check.HEADERS, subject, "names that are no tokens, or past the bounds")
        return step, Reason.HEADER_NOT_ALLOWED
    refused = [name for name in names if not accepts_header(policy, name)]
    if refused:
        step = Step.failing(Check.HEADERS, b", ".join(refused), "allowHeaders does not list it")
        return step, Reason.HEADER_NOT_ALLOWED
    return Step.passing(Check.HEADERS, b", ".join(names), "allowHeaders"), None


def accepts_header(policy: Policy, name: bytes) -> bool:
    """Say whether a request header, given in lower case, is allowed."""
    if name in policy.headers or name in ALWAYS_ACCEPTED_HEADERS:
        return True
    return policy.any_header and name != b"authorization" and _covered_by_wildcard(policy, name)


def _covered_by_wildcard(policy: Policy, name: bytes) -> bool:
    """Say whether ``*`` in a list stands for a name: for one spelled ``*`` it has to be literal."""
    return name != b"*" or not policy.settings.allow_credentials
