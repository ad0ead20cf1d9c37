import pytest

from cors_gateway.cors.browser import (
    BrowserRequest,
    CorsError,
    judge_preflight,
    judge_response,
    needs_preflight,
    unsafe_header_names,
)
from tests.cases.allow_origin_values import NO_URLS, URLS

ORIGIN = b"https://app.example.com"
ACAO = b"Access-Control-Allow-Origin"
ACAC = b"Access-Control-Allow-Credentials"
ACAM = b"Access-Control-Allow-Methods"
ACAH = b"Access-Control-Allow-Headers"
Fields = tuple[tuple[bytes, bytes], ...]


@pytest.mark.parametrize(
    "name, value, safe",
    [
        (b"X-A", b"", False),
        (b"Authorization", b"Basic x", False),
        (b"Accept", b"text/html, */*;q=0.8", True),
        (b"Accept", b"a" * 128, True),
        (b"Accept", b"a" * 129, False),
        (b"Accept", b'"a"', False),
        (b"Accept", b"a\tb", True),
        (b"Accept", b"a\x7f", False),
        (b"Accept-Language", b"de-DE, en;q=0.5", True),
        (b"Accept-Language", b"de_DE", False),
        (b"Content-Language", b"*", True),
        (b"Content-Language", b"\xe4", False),
        (b"Content-Type", b"text/plain", True),
        (b"content-type", b"TEXT/PLAIN;charset=UTF-8", True),
        (b"Content-Type", b"multipart/form-data; boundary=x", True),
        (b"Content-Type", b"application/x-www-form-urlencoded", True),
        (b"Content-Type", b"application/json", False),
        (b"Content-Type", b"text/plain; a=(b)", False),
        (b"Range", b"bytes=0-", True),
        (b"Range", b"bytes=0-99", True),
        (b"Range", b"bytes=99-0", False),
        (b"Range", b"bytes=-99", False),
        (b"Range", b"bytes=1-x", False),
        (b"Range", b"bytes=1", False),
        (b"Range", b"items=0-1", False),
    ],
)
def test_only_usual_values_of_safelisted_headers_need_no_preflight(
    name: bytes, value: bytes, safe: bool
) -> None:
    request = BrowserRequest(ORIGIN, b"GET", ((name, value),))

    assert unsafe_header_names(request) == ([] if safe else [name.lower()])
    assert needs_preflight(request) is not safe


def test_names_are_announced_in_lower_case_sorted_and_once() -> None:
    headers = ((b"X-B", b""), (b"x-a", b""), (b"X-b", b"1"), (b"Accept", b"*/*"))

    assert unsafe_header_names(BrowserRequest(ORIGIN, b"GET", headers)) == [b"x-a", b"x-b"]


def test_many_safelisted_values_together_are_announced_too() -> None:
    headers = tuple((b"Accept", b"a" * 128) for _ in range(8))

    assert unsafe_header_names(BrowserRequest(ORIGIN, b"GET", headers)) == []
    headers += ((b"Accept-Language", b"de"),)
    assert unsafe_header_names(BrowserRequest(ORIGIN, b"GET", headers)) == [
        b"accept",
        b"accept-language",
    ]


@pytest.mark.parametrize("method", [b"PUT", b"DELETE", b"PATCH", b"patch", b"OPTIONS"])
def test_methods_that_are_not_safelisted_need_a_preflight(method: bytes) -> None:
    assert needs_preflight(BrowserRequest(ORIGIN, method))


@pytest.mark.parametrize("method", [b"GET", b"HEAD", b"POST"])
def test_safelisted_methods_need_none(method: bytes) -> None:
    assert not needs_preflight(BrowserRequest(ORIGIN, method))


@pytest.mark.parametrize(
    "credentials, fields, error",
    [
        (False, (), "MissingAllowOriginHeader"),
        (False, ((ACAO, ORIGIN),), None),
        (False, ((b"access-control-allow-origin", ORIGIN),), None),
        (False, ((ACAO, b"*"),), None),
        (True, ((ACAO, b"*"), (ACAC, b"true")), "WildcardOriginNotAllowed"),
        (False, ((ACAO, b"https://b.com"),), "AllowOriginMismatch"),
        (False, ((ACAO, b"https://b.com/"),), "AllowOriginMismatch"),
        (False, ((ACAO, b"null"),), "AllowOriginMismatch"),
        (False, ((ACAO, ORIGIN + b"/"),), "AllowOriginMismatch"),
        (False, ((ACAO, b"https://APP.example.com"),), "AllowOriginMismatch"),
        (False, ((ACAO, b"app.example.com"),), "InvalidAllowOriginValue"),
        (False, ((ACAO, b""),), "InvalidAllowOriginValue"),
        *((False, ((ACAO, value),), "InvalidAllowOriginValue") for value in NO_URLS),
        *((False, ((ACAO, value),), "AllowOriginMismatch") for value in URLS),
        (False, ((ACAO, ORIGIN), (ACAO, ORIGIN)), "MultipleAllowOriginValues"),
        (False, ((ACAO, b"*"), (ACAO, b"*")), "MultipleAllowOriginValues"),
        (False, ((ACAO, ORIGIN + b" https://b.com"),), "MultipleAllowOriginValues"),
        (True, ((ACAO, ORIGIN),), "InvalidAllowCredentials"),
        (True, ((ACAO, ORIGIN), (ACAC, b"True")), "InvalidAllowCredentials"),
        (True, ((ACAO, ORIGIN), (ACAC, b"true"), (ACAC, b"true")), "InvalidAllowCredentials"),
        (True, ((ACAO, ORIGIN), (ACAC, b"true")), None),
        (False, ((ACAO, ORIGIN), (ACAC, b"nonsense")), None),
    ],
)
def test_the_cors_check_gives_the_reason_that_chromium_names(
    credentials: bool, fields: Fields, error: str | None
) -> None:
    request = BrowserRequest(ORIGIN, b"GET", credentials=credentials)

    assert judge_response(request, fields) == error
    preflight = None if error is None else f"Preflight{error}"
    assert judge_preflight(request, 204, fields) == preflight


def test_null_may_be_granted_to_a_null_origin() -> None:
    assert judge_response(BrowserRequest(b"null", b"GET"), ((ACAO, b"null"),)) is None


@pytest.mark.parametrize(
    "status, fields, error",
    [
        (200, ((ACAO, ORIGIN),), None),
        (299, ((ACAO, ORIGIN),), None),
        (199, ((ACAO, ORIGIN),), CorsError.PREFLIGHT_INVALID_STATUS),
        (300, ((ACAO, ORIGIN),), CorsError.PREFLIGHT_INVALID_STATUS),
        (404, ((ACAO, ORIGIN),), CorsError.PREFLIGHT_INVALID_STATUS),
        (404, (), CorsError.PREFLIGHT_MISSING_ALLOW_ORIGIN_HEADER),
        (403, (), CorsError.PREFLIGHT_MISSING_ALLOW_ORIGIN_HEADER),
        (301, ((b"Location", b"/x"), (ACAO, ORIGIN)), CorsError.PREFLIGHT_DISALLOWED_REDIRECT),
        (301, ((ACAO, ORIGIN),), CorsError.PREFLIGHT_INVALID_STATUS),
        (204, ((ACAO, ORIGIN), (ACAM, b"GET PUT")),
         CorsError.INVALID_ALLOW_METHODS_PREFLIGHT_RESPONSE),
        (204, ((ACAO, ORIGIN), (ACAH, b"x y")),
         CorsError.INVALID_ALLOW_HEADERS_PREFLIGHT_RESPONSE),
    ],
)  # fmt: skip
def test_a_preflight_needs_an_ok_status_and_readable_lists(
    status: int, fields: Fields, error: CorsError | None
) -> None:
    assert judge_preflight(BrowserRequest(ORIGIN, b"GET"), status, fields) is error


METHOD = CorsError.METHOD_DISALLOWED_BY_PREFLIGHT_RESPONSE
HEADER = CorsError.HEADER_DISALLOWED_BY_PREFLIGHT_RESPONSE


@pytest.mark.parametrize(
    "method, headers, credentials, methods, names, error",
    [
        (b"GET", (), False, b"PUT", b"", None),
        (b"PUT", (), False, b"GET, PUT", b"", None),
        (b"PUT", (), False, b"GET", b"", METHOD),
        (b"PUT", (), False, b"put", b"", METHOD),
        (b"PUT", (), False, b"*", b"", None),
        (b"PUT", (), True, b"*", b"", METHOD),
        (b"*", (), True, b"*", b"", None),
        (b"GET", (b"X-A",), False, b"", b"x-b, X-a", None),
        (b"GET", (b"X-A", b"X-B"), False, b"", b"x-a", HEADER),
        (b"GET", (b"X-A",), False, b"", b"*", None),
        (b"GET", (b"X-A",), True, b"", b"*", HEADER),
        (b"GET", (b"Authorization",), False, b"", b"*", HEADER),
        (b"GET", (b"Authorization",), False, b"", b"*, Authorization", None),
        (b"PUT", (b"X-A",), False, b"GET", b"", METHOD),
    ],
)
def test_what_is_announced_has_to_be_on_the_lists(
    method: bytes,
    headers: tuple[bytes, ...],
    credentials: bool,
    methods: bytes,
    names: bytes,
    error: CorsError | None,
) -> None:
    request = BrowserRequest(ORIGIN, method, tuple((name, b"") for name in headers), credentials)
    fields = ((ACAO, ORIGIN), (ACAC, b"true"), (ACAM, methods), (ACAH, names))

    assert judge_preflight(request, 204, fields) is error


def test_lists_may_come_in_several_lines() -> None:
    request = BrowserRequest(ORIGIN, b"PUT", ((b"X-A", b""),))
    fields = ((ACAO, ORIGIN), (ACAM, b"GET"), (ACAM, b"PUT"), (ACAH, b"x-b"), (ACAH, b"x-a,,"))

    assert judge_preflight(request, 204, fields) is None
