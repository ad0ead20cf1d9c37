"""What Chromium writes to its console for each error, so that a finding can be told by it.

The sentences stand behind *Access to fetch at 'URL' from origin 'ORIGIN' has been blocked by CORS
policy:*. ``docs/cors.md`` explains each.
"""

from collections.abc import Mapping

from cors_gateway.cors.browser import CorsError

__all__ = ["SENTENCES", "console_sentence"]

_PREFLIGHT = "Response to preflight request doesn't pass access control check: "
_INCLUDE = "when the request's credentials mode is 'include'."

SENTENCES: Mapping[CorsError, str] = {
    CorsError.MISSING_ALLOW_ORIGIN_HEADER: (
        "No 'Access-Control-Allow-Origin' header is present on the requested resource."
    ),
    CorsError.MULTIPLE_ALLOW_ORIGIN_VALUES: (
        "The 'Access-Control-Allow-Origin' header contains multiple values '…', but only one is "
        "allowed. Have the server send the header with a valid value."
    ),
    CorsError.INVALID_ALLOW_ORIGIN_VALUE: (
        "The 'Access-Control-Allow-Origin' header contains the invalid value '…'. Have the server "
        "send the header with a valid value."
    ),
    CorsError.ALLOW_ORIGIN_MISMATCH: (
        "The 'Access-Control-Allow-Origin' header has a value '…' that is not equal to the supplied "
        "origin. Have the server send the header with a valid value."
    ),
    CorsError.WILDCARD_ORIGIN_NOT_ALLOWED: (
        "The value of the 'Access-Control-Allow-Origin' header in the response must not be the "
        f"wildcard '*' {_INCLUDE}"
    ),
    CorsError.INVALID_ALLOW_CREDENTIALS: (
        "The value of the 'Access-Control-Allow-Credentials' header in the response is '…' which "
        f"must be 'true' {_INCLUDE}"
    ),
    CorsError.PREFLIGHT_INVALID_STATUS: f"{_PREFLIGHT}It does not have HTTP ok status.",
    CorsError.PREFLIGHT_DISALLOWED_REDIRECT: (
        f"{_PREFLIGHT}Redirect is not allowed for a preflight request."
    ),
    CorsError.INVALID_ALLOW_METHODS_PREFLIGHT_RESPONSE: (
        "Cannot parse Access-Control-Allow-Methods response header field in preflight response."
    ),
    CorsError.INVALID_ALLOW_HEADERS_PREFLIGHT_RESPONSE: (
        "Cannot parse Access-Control-Allow-Headers response header field in preflight response."
    ),
    CorsError.METHOD_DISALLOWED_BY_PREFLIGHT_RESPONSE: (
        "Method … is not allowed by Access-Control-Allow-Methods in preflight response."
    ),
    CorsError.HEADER_DISALLOWED_BY_PREFLIGHT_RESPONSE: (
        "Request header field … is not allowed by Access-Control-Allow-Headers in preflight "
        "response."
    ),
}
"""Each with … for what is different each time."""

_GENERAL = frozenset(error for error in SENTENCES if f"Preflight{error}" in set(CorsError))
"""What is checked of preflights and of other answers alike."""


def console_sentence(error: CorsError, shown: str = "", *, of_preflight: bool = False) -> str:
    """Write the sentence of an error.

    Args:
        error: what the browser's check says.
        shown: what stands in the place of …, if anything does.
        of_preflight: whether the check of any answer was one of a preflight's.
    """
    # What is checked of every answer is also named as a preflight's, with a prefix.
    plain = CorsError(error.removeprefix("Preflight")) if error not in SENTENCES else error
    is_general = plain in _GENERAL
    prefix = _PREFLIGHT if is_general and (of_preflight or plain is not error) else ""
    return prefix + SENTENCES[plain].replace("…", shown)
