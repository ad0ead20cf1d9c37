"""A policy as it runs: the settings of a ``cors`` block, checked and compiled to field values.

What can be known at load is bytes here, so that ``decision`` only selects and joins. All mistakes
are found at once. Field values follow the Fetch standard, section 3.3.

Knows no request, no file and no list of public suffixes: that is asked of the caller.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from difflib import get_close_matches

from cors_gateway.cors.methods import SAFELISTED_METHODS
from cors_gateway.cors.name_lists import (
    NameList,
    compile_exposed_headers,
    compile_methods,
    compile_request_headers,
)
from cors_gateway.cors.origin_lists import compile_origins, compile_timing_origins
from cors_gateway.cors.outcome import Decision, Fields
from cors_gateway.cors.patterns import OriginSet
from cors_gateway.cors.public_suffixes import IsPublicSuffix, SuffixRules
from cors_gateway.cors.settings import MISSING_ORIGIN_SOURCES, PolicyProblem, PolicySettings

__all__ = [
    "MAX_MAX_AGE_SECONDS",
    "Policy",
    "PolicyProblem",
    "PolicySettings",
    "compile_policy",
]

MAX_MAX_AGE_SECONDS = 86400
"""No browser remembers a preflight for longer."""


@dataclass(frozen=True, slots=True, eq=False)
class Policy:
    """One compiled policy."""

    settings: PolicySettings
    origins: OriginSet
    allows_any_origin: bool
    """A literal ``*`` is sent, on every answer alike."""
    reflects_any_origin: bool
    """Any well-formed origin is allowed by name: never without a ``dangerously…`` key."""
    methods: frozenset[bytes]
    any_method: bool
    headers: frozenset[bytes]
    """In lower case."""
    any_header: bool
    """``*`` is listed; it does not cover ``authorization``."""
    methods_value: bytes
    """``Access-Control-Allow-Methods`` unless announced ones are echoed; empty for none."""
    headers_value: bytes
    """``Access-Control-Allow-Headers`` without what is accepted when it is announced."""
    max_age_value: bytes
    exposes_real_names: bool
    """``*`` with credentials: the fields of each response have to be named."""
    grant_fields: Fields
    """What follows ``Access-Control-Allow-Origin`` on every answer to an allowed origin."""
    any_origin_fields: Fields
    """A literal ``*`` and what follows it: on every answer of a policy that allows all alike."""
    timing_fields: Fields
    """``Timing-Allow-Origin``: on every answer but a preflight's, because images have no Origin."""
    unless_sent: Fields
    """``Cross-Origin-Resource-Policy``: on the same answers, where the upstream does not send one."""
    vary: tuple[bytes, ...]
    """What ``Vary`` holds on every answer: nothing where all origins get the same."""
    upstream_cors: str
    """``strip``, ``passthrough`` or ``fallback``: what is done about a response's own fields."""
    by_origin: dict[bytes | None, Decision] = field(default_factory=dict, init=False)
    """What was decided before, where nothing else decides; kept by ``decision``, and bounded there."""


def compile_policy(
    settings: PolicySettings,
    is_public_suffix: IsPublicSuffix,
    is_registry_suffix: IsPublicSuffix | None = None,
    has_public_suffix_below: IsPublicSuffix | None = None,
) -> tuple[Policy | None, tuple[PolicyProblem, ...]]:
    """Compile settings to a policy.

    Args:
        settings: As written.
        is_public_suffix: Whether names under a domain belong to different parties.
        is_registry_suffix: Whether anyone may register names under a domain as a matter of
            course (the ICANN part of the list). Inside a label a wildcard is fine over a hosting
            service and not over a registry. Left out, single-label suffixes count as registries.
        has_public_suffix_below: Whether a name below a domain is a public suffix: a wildcard over
            ``windows.net`` reaches across ``blob.core.windows.net``. Left out, none has.

    Returns:
        The policy, or ``None`` if there is an error; and all problems.
    """
    rules = SuffixRules(
        is_public_suffix,
        is_registry_suffix or _is_top_level,
        has_public_suffix_below or _has_none_below,
    )
    origins, origin_problems = compile_origins(settings, rules)
    methods, method_problems = compile_methods(settings.allow_methods)
    headers, header_problems = compile_request_headers(settings.allow_headers)
    exposed, exposed_problems = compile_exposed_headers(settings.expose_headers)
    timing, timing_problems = compile_timing_origins(settings.timing_allow_origins)
    problems = (
        *_check_presence(settings),
        *origin_problems,
        *_check_any_origin(settings),
        *_check_null(settings),
        *method_problems,
        *header_problems,
        *exposed_problems,
        *_check_max_age(settings.max_age),
        *_check_missing_origin(settings.missing_origin),
        *timing_problems,
    )
    if any(problem.severity == "error" for problem in problems):
        return None, problems
    return _assemble(settings, origins, methods, headers, exposed, timing), problems


def _assemble(
    settings: PolicySettings,
    origins: OriginSet,
    methods: NameList,
    headers: NameList,
    exposed: NameList,
    timing: bytes,
) -> Policy:
    credentials = settings.allow_credentials
    has_any = "*" in settings.allow_origins
    allows_any = has_any and not credentials
    grant: Fields = ()
    if credentials:
        grant += ((b"Access-Control-Allow-Credentials", b"true"),)
    exposed_value = b", ".join(exposed.names)
    if exposed.has_wildcard:
        exposed_value = b"" if credentials else b"*"
    if exposed_value:
        grant += ((b"Access-Control-Expose-Headers", exposed_value),)
    timing_fields: Fields = ((b"Timing-Allow-Origin", timing),) if timing else ()
    embedding = settings.cross_origin_resource_policy
    any_fields: Fields = ((b"Access-Control-Allow-Origin", b"*"), *grant) if allows_any else ()
    max_age = max(0, min(settings.max_age, MAX_MAX_AGE_SECONDS))
    return Policy(
        settings=settings,
        origins=origins,
        allows_any_origin=allows_any,
        reflects_any_origin=has_any and credentials,
        methods=SAFELISTED_METHODS.union(methods.names),
        any_method=methods.has_wildcard,
        headers=frozenset(name.lower() for name in headers.names),
        any_header=headers.has_wildcard,
        methods_value=_join(methods, methods.names, credentials=credentials),
        headers_value=_join(headers, headers.names, credentials=credentials),
        max_age_value=str(max_age).encode(),
        exposes_real_names=exposed.has_wildcard and credentials,
        grant_fields=grant,
        any_origin_fields=any_fields,
        timing_fields=timing_fields,
        unless_sent=((b"Cross-Origin-Resource-Policy", embedding.encode()),) if embedding else (),
        vary=() if allows_any else (b"Origin",),
        upstream_cors=("passthrough" if settings.mode == "reportOnly" else settings.upstream_cors),
    )


def _join(listed: NameList, names: tuple[bytes, ...], *, credentials: bool) -> bytes:
    """Spell a list for a preflight; ``*`` only where browsers take it for a wildcard."""
    if listed.has_wildcard and not credentials:
        return b", ".join((b"*", *listed.names))
    return b", ".join(names)


def _is_top_level(domain: str) -> bool:
    return "." not in domain


def _has_none_below(_: str) -> bool:
    return False


def _check_presence(settings: PolicySettings) -> Iterator[PolicyProblem]:
    if not (
        settings.allow_origins
        or settings.allow_origin_regex
        or settings.dangerously_allow_null_origin
    ):
        yield PolicyProblem(
            "error",
            "allowOrigins",
            None,
            "no origin is allowed",
            "a policy has to name the origins whose pages may read the answers",
            "list them: allowOrigins: [https://app.example.com]; or write cors: false",
        )


def _check_any_origin(settings: PolicySettings) -> Iterator[PolicyProblem]:
    key = "dangerouslyReflectAnyOrigin"
    if "*" not in settings.allow_origins:
        if settings.dangerously_reflect_any_origin:
            yield PolicyProblem(
                "error",
                key,
                None,
                f'{key} is set, but allowOrigins is not ["*"]',
                "to reflect any origin and to name some contradict each other",
                f'remove {key}, or set allowOrigins: ["*"]',
            )
        return
    if settings.allow_credentials and not settings.dangerously_reflect_any_origin:
        yield PolicyProblem(
            "error",
            "allowOrigins",
            settings.allow_origins.index("*"),
            '"*" and allowCredentials: true exclude each other',
            "every site could read the answers with the cookies of its visitors, and browsers refuse",
            f"name the origins, or remove allowCredentials; {key}: true allows every site",
        )
    first = settings.allow_origins.index("*")
    for index, item in enumerate(settings.allow_origins):
        if index > first and item == "*":
            yield _ineffective("allowOrigins", index, '"*"', "it is listed before")
        elif item != "*":
            yield _ineffective(
                "allowOrigins", index, f'"{item}"', 'the list also holds "*", which covers it'
            )
    for index, item in enumerate(settings.allow_origin_regex):
        yield _ineffective(
            "allowOriginRegex", index, f'"{item}"', 'allowOrigins holds "*", which covers it'
        )
    if settings.allow_credentials:
        return
    if settings.on_disallowed_origin == "block":
        name = "onDisallowedOrigin"
        yield _ineffective(
            name, None, f"{name}: block", 'allowOrigins holds "*": none is disallowed'
        )
    covered = 'allowOrigins is ["*"] without credentials, so all origins get the same answer'
    if settings.dangerously_reflect_any_origin:
        yield _ineffective(key, None, key, covered)
    if settings.dangerously_allow_null_origin:
        name = "dangerouslyAllowNullOrigin"
        yield _ineffective(name, None, name, covered)


def _check_null(settings: PolicySettings) -> Iterator[PolicyProblem]:
    if settings.dangerously_allow_null_origin and settings.allow_credentials:
        yield PolicyProblem(
            "error",
            "dangerouslyAllowNullOrigin",
            None,
            "dangerouslyAllowNullOrigin and allowCredentials exclude each other",
            "any page can make itself a null origin and would read with its visitors' cookies",
            "remove one of them",
        )


def _check_max_age(max_age: int) -> Iterator[PolicyProblem]:
    if max_age < -1:
        yield PolicyProblem(
            "error",
            "maxAge",
            None,
            f"{max_age} is not a time to remember a preflight",
            f"it is 0 to {MAX_MAX_AGE_SECONDS} seconds, or -1 for not at all",
            "did you mean -1?",
        )
    elif max_age > MAX_MAX_AGE_SECONDS:
        yield PolicyProblem(
            "warning",
            "maxAge",
            None,
            f"{max_age} seconds are sent as {MAX_MAX_AGE_SECONDS}",
            f"no browser remembers a preflight for longer than {MAX_MAX_AGE_SECONDS} seconds",
            f"write {MAX_MAX_AGE_SECONDS} or less",
        )


def _check_missing_origin(sources: tuple[str, ...]) -> Iterator[PolicyProblem]:
    key = "missingOrigin"
    for index, item in enumerate(sources):
        if item not in MISSING_ORIGIN_SOURCES:
            near = get_close_matches(item.title(), MISSING_ORIGIN_SOURCES, 1)
            fix = f'did you mean "{near[0]}"?' if near else "remove it"
            yield PolicyProblem(
                "error",
                key,
                index,
                f'"{item}" is no source of an origin',
                f"the sources are {', '.join(MISSING_ORIGIN_SOURCES)}",
                fix,
            )
        elif item in sources[:index]:
            yield _ineffective(key, index, f'"{item}"', "it is listed before")


def _ineffective(key: str, index: int | None, name: str, why: str) -> PolicyProblem:
    return PolicyProblem("warning", key, index, f"{name} has no effect", why, f"remove {name}")
