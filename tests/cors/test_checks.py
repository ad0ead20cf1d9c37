import pytest

from cors_gateway.cors.checks import (
    accepts_header,
    check_csrf,
    check_headers,
    check_method,
    check_origin,
    check_same_origin,
)
from cors_gateway.cors.outcome import Check, CorsRequest, Reason, Step
from cors_gateway.cors.policy import Policy, PolicySettings, compile_policy

APP = b"https://app.example.com"
OWN = b"https://gateway.example.com"


def policy(**settings: object) -> Policy:
    settings.setdefault("allow_origins", ("https://app.example.com",))
    compiled, problems = compile_policy(
        PolicySettings(**settings),  # type: ignore[arg-type]
        {"com"}.__contains__,
    )
    assert compiled is not None, problems
    return compiled


NULL = {"dangerously_allow_null_origin": True}
REFLECT = {
    "allow_origins": ("*",),
    "allow_credentials": True,
    "dangerously_reflect_any_origin": True,
}


@pytest.mark.parametrize(
    "settings, origin, entry, reason",
    [
        ({}, APP, "https://app.example.com", Reason.ORIGIN_ALLOWED),
        ({}, b"https://evil.com", None, Reason.ORIGIN_NOT_ALLOWED),
        ({}, b"null", None, Reason.NULL_ORIGIN),
        ({}, b"NULL", None, Reason.ORIGIN_INVALID),
        ({}, b"", None, Reason.ORIGIN_INVALID),
        ({}, b"https://App.example.com", None, Reason.ORIGIN_INVALID),
        (NULL, b"null", "dangerouslyAllowNullOrigin", Reason.ORIGIN_ALLOWED),
        (NULL, b"null ", None, Reason.ORIGIN_INVALID),
        (REFLECT, b"http://evil.com", "dangerouslyReflectAnyOrigin", Reason.ORIGIN_ALLOWED),
        (REFLECT, b"null", None, Reason.NULL_ORIGIN),
        (REFLECT, b"evil", None, Reason.ORIGIN_INVALID),
        ({"allow_origins": ("*",)}, b"\xff nonsense", "*", Reason.ORIGIN_ALLOWED),
    ],
)
def test_the_entry_that_names_an_origin_is_told(
    settings: dict[str, object], origin: bytes, entry: str | None, reason: Reason
) -> None:
    found, step, told = check_origin(policy(**settings), origin)

    assert (found, told) == (entry, reason)
    assert (step.check, step.passed, step.subject) == (Check.ORIGIN, entry is not None, origin)
    assert step.detail == entry or entry is None


@pytest.mark.parametrize(
    "site, own, passed",
    [
        (b"same-origin", (), True),
        (b"same-site", (), False),
        (b"none", (), False),
        (None, (APP,), True),
        (None, (b"https://b.com", APP), True),
        (b"same-origin", (b"https://b.com",), True),
        # Ours by another scheme, or by a name that another server has as well.
        (b"cross-site", (b"https://b.com", APP), False),
        (b"same-site", (APP,), False),
        (None, (b"https://b.com",), False),
    ],
)
def test_the_own_origin_is_known_by_the_browser_or_by_its_name(
    site: bytes | None, own: tuple[bytes, ...], passed: bool
) -> None:
    request = CorsRequest(method=b"POST", sec_fetch_site=site, own_origins=own)

    assert check_same_origin(request, APP).passed is passed


@pytest.mark.parametrize(
    "site, origin, entry, passed",
    [
        (b"same-origin", None, None, True),
        (b"none", None, None, True),
        (b"same-origin", b"null", None, True),
        (b"same-site", None, None, False),
        (b"cross-site", None, None, False),
        (b"nonsense", None, None, False),
        (None, None, None, True),
        (None, APP, "https://app.example.com", True),
        (b"cross-site", APP, "https://app.example.com", True),
        (b"same-site", b"https://b.example.com", None, False),
        (None, b"https://evil.com", None, False),
        (None, b"null", None, False),
        (None, b"null", "dangerouslyAllowNullOrigin", False),
        (b"none", b"https://evil.com", None, True),
        (None, APP, "*", False),
        (b"cross-site", APP, "*", False),
        (b"cross-site", APP, "dangerouslyReflectAnyOrigin", False),
        (b"same-origin", APP, "*", True),
        (None, OWN, "*", True),
        (None, OWN, "dangerouslyReflectAnyOrigin", True),
        (b"cross-site", OWN, "*", False),
    ],
)
def test_the_guard_lets_only_pages_that_may_cause_changes_pass(
    site: bytes | None, origin: bytes | None, entry: str | None, passed: bool
) -> None:
    request = CorsRequest(method=b"POST", sec_fetch_site=site, own_origins=(OWN,))

    assert check_csrf(request, origin, entry).passed is passed


@pytest.mark.parametrize(
    "settings, method, detail, reason",
    [
        ({}, b"POST", "safelisted", None),
        ({"allow_methods": ("PUT",)}, b"GET", "safelisted", None),
        ({"allow_methods": ("PUT",)}, b"PUT", "allowMethods", None),
        ({"allow_methods": ("*",)}, b"PUT", "allowMethods: *", None),
        ({"allow_methods": ("*",)}, b"*", "allowMethods: *", None),
        ({"allow_methods": ("PUT",)}, b"put", "allowMethods does not list it",
         Reason.METHOD_NOT_ALLOWED),
        ({"allow_methods": ("*",), "allow_credentials": True}, b"*",
         "allowMethods does not list it", Reason.METHOD_NOT_ALLOWED),
        ({"allow_methods": ("*",)}, b"TRACE", "browsers forbid it", Reason.METHOD_NOT_ALLOWED),
        ({"allow_methods": ("*",)}, b"GET, PUT", "it is no method", Reason.METHOD_NOT_ALLOWED),
        ({"allow_methods": ("*",)}, b"A" * 65, "it is no method", Reason.METHOD_NOT_ALLOWED),
    ],
)  # fmt: skip
def test_the_rule_that_decides_on_a_method_is_told(
    settings: dict[str, object], method: bytes, detail: str, reason: Reason | None
) -> None:
    assert check_method(policy(**settings), method) == (
        Step(Check.METHOD, reason is None, method, detail),
        reason,
    )


@pytest.mark.parametrize(
    "settings, names, subject, passed",
    [
        ({}, (), b"", True),
        ({}, (b"content-type", b"x-requested-with"), b"content-type, x-requested-with", True),
        ({}, (b"x-b", b"content-type", b"x-a"), b"x-b, x-a", False),
        ({"allow_headers": ()}, (b"accept", b"accept-language", b"content-language", b"range"),
         b"accept, accept-language, content-language, range", True),
        ({"allow_headers": ()}, (b"content-type",), b"content-type", False),
        ({"allow_headers": ("X-A",)}, (b"x-a",), b"x-a", True),
        ({"allow_headers": ("*",)}, (b"x-a", b"*"), b"x-a, *", True),
        ({"allow_headers": ("*",)}, (b"x-a", b"authorization"), b"authorization", False),
        ({"allow_headers": ("*", "Authorization")}, (b"authorization",), b"authorization", True),
        ({"allow_headers": ("*",), "allow_credentials": True}, (b"x-a", b"*"), b"*", False),
    ],
)  # fmt: skip
def test_the_names_that_are_not_allowed_are_told(
    settings: dict[str, object], names: tuple[bytes, ...], subject: bytes, passed: bool
) -> None:
    compiled = policy(**settings)
    step, reason = check_headers(compiled, CorsRequest(method=b"OPTIONS"), names)

    assert (step.check, step.passed, step.subject) == (Check.HEADERS, passed, subject)
    assert reason is (None if passed else Reason.HEADER_NOT_ALLOWED)
    assert all(accepts_header(compiled, name) for name in names) is passed


def test_names_that_cannot_be_read_are_told_as_they_came() -> None:
    request = CorsRequest(method=b"OPTIONS", request_headers_lines=(b"a b", b"c"))

    assert check_headers(policy(), request, None) == (
        Step(Check.HEADERS, False, b"a b, c", "names that are no tokens, or past the bounds"),
        Reason.HEADER_NOT_ALLOWED,
    )
