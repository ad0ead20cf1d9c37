"""The table of Fetch cases against ``cors/`` alone, and the judge on every answer.

All fields of the CORS protocol are compared, with nothing more; the judge says what the page
gets, from the answer's own lines: after a preflight also from the request that follows it.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Mapping
from functools import cache
from itertools import combinations
from typing import Any

import pytest
from publicsuffixlist import PublicSuffixList

from cors_gateway.config.public_suffixes import has_public_suffix_below
from cors_gateway.cors.decision import CorsRequest, Decision, Outcome, Reason, decide
from cors_gateway.cors.policy import Policy, PolicyProblem, PolicySettings, compile_policy
from tests.cases.fetch import CASES, LOAD_CASES, Case, LoadCase, Stage
from tests.cases.fetch_case import Request
from tests.cases.fetch_judging import expected, judge, name_of, normalize
from tests.judge import FieldLines, Verdict

DECISIONS = [case for case in CASES if case.stage is Stage.DECISION]
ROWS: tuple[Case | LoadCase, ...] = (*CASES, *LOAD_CASES)
POLICY_CASES = [case for case in LOAD_CASES if not case.by_schema]

SETTING_NAMES = {
    "allowOrigins": "allow_origins",
    "allowOriginRegex": "allow_origin_regex",
    "allowMethods": "allow_methods",
    "allowHeaders": "allow_headers",
    "exposeHeaders": "expose_headers",
    "allowCredentials": "allow_credentials",
    "maxAge": "max_age",
    "onDisallowedOrigin": "on_disallowed_origin",
    "preflight": "preflight",
    "upstreamCors": "upstream_cors",
    "missingOrigin": "missing_origin",
    "timingAllowOrigins": "timing_allow_origins",
    "crossOriginResourcePolicy": "cross_origin_resource_policy",
    "mode": "mode",
    "requireOrigin": "require_origin",
    "csrfGuard": "csrf_guard",
    "dangerouslyAllowNullOrigin": "dangerously_allow_null_origin",
    "dangerouslyReflectAnyOrigin": "dangerously_reflect_any_origin",
    "dangerouslyAllowInsecureOrigins": "dangerously_allow_insecure_origins",
    "dangerouslyAllowPublicSuffixes": "dangerously_allow_public_suffixes",
}


@cache
def _suffixes(*, only_icann: bool) -> PublicSuffixList:
    return PublicSuffixList(only_icann=only_icann)


def settings_of(block: Mapping[str, Any]) -> PolicySettings:
    """Read a ``cors`` block the way the configuration does, without its checks of types."""
    values: dict[str, Any] = {}
    for key, value in block.items():
        items = value["from"] if key == "missingOrigin" else value
        values[SETTING_NAMES[key]] = tuple(items) if isinstance(items, list) else items
    return PolicySettings(**values)


def compile_block(
    block: Mapping[str, Any],
) -> tuple[Policy | None, tuple[PolicyProblem, ...]]:
    return compile_policy(
        settings_of(block),
        _suffixes(only_icann=False).is_public,
        _suffixes(only_icann=True).is_public,
        has_public_suffix_below,
    )


@cache
def _policy(block: str) -> Policy:
    policy, problems = compile_block(json.loads(block))
    assert policy is not None, problems
    return policy


def _first(request: Request, name: bytes) -> bytes | None:
    values = request.values(name)
    return values[0] if values else None


def _own_origins(case: Case, host: bytes | None) -> tuple[bytes, ...]:
    own = () if case.public_origin is None else (case.public_origin.encode(),)
    return own if host is None else (*own, b"http://" + host.lower().removesuffix(b":80"))


def cors_request(case: Case, request: Request) -> CorsRequest:
    """Say of a request what its policy is told."""
    host = _first(request, b"host")
    return CorsRequest(
        method=request.method,
        origin_lines=request.values(b"origin"),
        request_method_lines=request.values(b"access-control-request-method"),
        request_headers_lines=request.values(b"access-control-request-headers"),
        sec_fetch_site=_first(request, b"sec-fetch-site"),
        own_origins=_own_origins(case, host),
        original_origin=_first(request, b"x-original-origin"),
        referer=_first(request, b"referer"),
        host=host,
        websocket=case.websocket,
    )


def lines_of(decision: Decision) -> FieldLines:
    """Spell a decision's part of an answer."""
    vary = ((b"Vary", token) for token in decision.vary)
    return (*decision.fields, *vary, *decision.unless_sent)


@pytest.mark.parametrize("case", DECISIONS, ids=name_of)
def test_the_decision(case: Case) -> None:
    assert case.policy is not None
    policy = _policy(json.dumps(case.policy))
    decision = decide(policy, cors_request(case, case.request))
    lines = lines_of(decision)

    assert decision.status == case.answer.status
    assert normalize(lines) == expected(case.answer)
    if case.reason is not None:
        assert decision.reason is Reason[case.reason]

    def after(request: Request) -> FieldLines:
        then = decide(policy, cors_request(case, request))
        assert then.status is None
        return lines_of(then)

    assert judge(case, decision.status or case.upstream.status, lines, after) is case.browser


# What a policy cannot know: that the page sends cookies which the policy does not allow.
_BEYOND = {Verdict.NO_ALLOW_CREDENTIALS, Verdict.WILDCARD_WITH_CREDENTIALS}
# No browser announces that much; it is denied for its amount, whatever it names.
_FLOOD = "attack 21"


@pytest.mark.parametrize(
    "case",
    [
        case
        for case in DECISIONS
        if case.page is None
        and len(case.request.values(b"origin")) == 1
        and case.browser not in _BEYOND
        and case.provenance != _FLOOD
        and (case.policy or {}).get("mode") != "reportOnly"
    ],
    ids=name_of,
)
def test_the_outcome_is_what_the_page_gets(case: Case) -> None:
    decision = decide(_policy(json.dumps(case.policy)), cors_request(case, case.request))

    assert (decision.outcome is Outcome.ALLOWED) is (case.browser is Verdict.ALLOWED)


def test_a_cache_that_obeys_vary_never_serves_one_origins_answer_to_another() -> None:
    """Two forwarded requests that agree on every field that Vary names get the same answer."""
    groups: dict[tuple[Any, ...], list[tuple[Case, Decision]]] = defaultdict(list)
    for case in DECISIONS:
        policy = json.dumps(case.policy)
        decision = decide(_policy(policy), cors_request(case, case.request))
        if decision.status is None:
            groups[policy, case.request.method].append((case, decision))
    compared = 0
    for group in groups.values():
        for (first, kept), (second, fresh) in combinations(group, 2):
            if any(
                first.request.values(name.lower()) != second.request.values(name.lower())
                for name in kept.vary
            ):
                continue
            compared += 1
            assert normalize(lines_of(kept)) == normalize(lines_of(fresh)), (first, second)
    assert compared > 10


@pytest.mark.parametrize("case", POLICY_CASES, ids=name_of)
def test_the_loading_of_a_policy(case: LoadCase) -> None:
    policy, problems = compile_block(case.policy)
    severities = Counter(problem.severity for problem in problems)

    if case.severity is None:
        assert (policy is not None, problems) == (True, ())
        return
    assert (policy is None) is (case.severity == "error")
    assert severities["error"] == 0 or case.severity == "error"
    told = [
        f"{problem.what} {problem.why} {problem.fix}"
        for problem in problems
        if (problem.severity, problem.key) == (case.severity, case.key)
    ]
    assert any(all(word in text for word in case.mentions) for text in told), problems


def test_every_row_has_a_sentence_of_its_own() -> None:
    ids = Counter(name_of(case) for case in ROWS)

    assert [sentence for sentence, count in ids.items() if count > 1] == []


def test_every_case_of_the_sources_is_in_the_table() -> None:
    sources: dict[str, set[int]] = defaultdict(set)
    for case in ROWS:
        source, _, number = case.provenance.partition(" ")
        sources[source].add(int(number or 0))

    assert sources == {
        "gateway-api": set(range(1, 18)),
        "kong": set(range(1, 30)),
        "attack": set(range(1, 29)),
        "design": {0},
    }


def test_the_gateway_api_has_one_row_for_each_of_its_17_cases() -> None:
    assert len([case for case in CASES if case.provenance.startswith("gateway-api")]) == 17


def test_where_we_differ_the_row_says_why() -> None:
    differing = [case for case in ROWS if case.differs is not None]

    assert differing
    assert all(case.differs and case.provenance != "design" for case in differing)
