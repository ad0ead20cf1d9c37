"""What can be wrong with an API's own CORS: a code for each, why it matters, what the gateway does.

The sentences are for the person whose page does not work, or who runs the API. A code never changes
its meaning: scripts compare it. When something is wrong is decided in ``findings``.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

__all__ = ["CATALOGUE", "Code", "Entry", "Kind"]


class Kind(StrEnum):
    """What a finding means for who runs the page: what weighs most is the first."""

    DANGEROUS = "dangerous"
    """Somebody else's page gets what it asks for."""
    BROKEN = "broken"
    """The page does not."""
    NOTE = "note"
    """It is worth knowing, and changes no verdict."""


class Code(StrEnum):
    """What is wrong."""

    NO_ALLOW_ORIGIN = "no-allow-origin"
    ALLOW_ORIGIN_WITHOUT_SCHEME = "allow-origin-without-scheme"
    ALLOW_ORIGIN_MISSPELLED = "allow-origin-misspelled"
    ALLOW_ORIGIN_PATTERN = "allow-origin-pattern"
    ALLOW_ORIGIN_INVALID = "allow-origin-invalid"
    ALLOW_ORIGIN_LIST = "allow-origin-list"
    ALLOW_ORIGIN_REPEATED = "allow-origin-repeated"
    ALLOW_ORIGIN_OTHER = "allow-origin-other"
    WILDCARD_WITH_CREDENTIALS = "wildcard-with-credentials"
    CREDENTIALS_NOT_TRUE = "credentials-not-true"
    CREDENTIALS_NOT_ALLOWED = "credentials-not-allowed"
    REFLECTS_ANY_ORIGIN = "reflects-any-origin"
    REFLECTS_ANY_ORIGIN_WITH_CREDENTIALS = "reflects-any-origin-with-credentials"
    PARTIAL_MATCH = "partial-match"
    UNESCAPED_DOT = "unescaped-dot"
    ALLOWS_NULL = "allows-null"
    ALLOWS_INSECURE_ORIGIN = "allows-insecure-origin"
    PREFLIGHT_ALLOWS_STRANGERS = "preflight-allows-strangers"
    VARY_ORIGIN_MISSING = "vary-origin-missing"
    ERRORS_WITHOUT_ALLOW_ORIGIN = "errors-without-allow-origin"
    REFUSES_ORIGIN = "refuses-origin"
    REDIRECT = "redirect"
    NO_ANSWER = "no-answer"
    MIXED_CONTENT = "mixed-content"
    PREFLIGHT_NOT_ANSWERED = "preflight-not-answered"
    PREFLIGHT_NEEDS_LOGIN = "preflight-needs-login"
    PREFLIGHT_REDIRECT = "preflight-redirect"
    PREFLIGHT_STATUS = "preflight-status"
    METHODS_MALFORMED = "methods-malformed"
    HEADERS_MALFORMED = "headers-malformed"
    METHOD_NOT_LISTED = "method-not-listed"
    HEADER_NOT_LISTED = "header-not-listed"
    WILDCARD_LIST_WITH_CREDENTIALS = "wildcard-list-with-credentials"
    MAX_AGE_INVALID = "max-age-invalid"
    COOKIE_STAYS_HOME = "cookie-stays-home"
    ANSWER_IS_AN_ERROR = "answer-is-an-error"


@dataclass(frozen=True, slots=True)
class Entry:
    """What is always said of a code."""

    kind: Kind
    why: str
    gateway: str
    """What the gateway does instead, or what is to be done where it can do nothing."""


def _broken(why: str, gateway: str) -> Entry:
    return Entry(Kind.BROKEN, why, gateway)


def _dangerous(why: str, gateway: str) -> Entry:
    return Entry(Kind.DANGEROUS, why, gateway)


def _note(why: str, gateway: str) -> Entry:
    return Entry(Kind.NOTE, why, gateway)


_ONE_VALUE = (
    "Browsers compare the value with the page's origin as a whole, byte for byte; this one equals "
    "no page's."
)
_OWN_HEADER = (
    "It removes the API's header, and sends the page's origin as its browser spells it if "
    "allowOrigins names it."
)
_OWN_PREFLIGHT = "It answers preflights itself, from its own lists; the API never hears of them."
_COMPARES_WHOLE = (
    "It compares the whole origin with allowOrigins; patterns and expressions are attacked with "
    "look-alikes before they load."
)

CATALOGUE: Mapping[Code, Entry] = {
    Code.NO_ALLOW_ORIGIN: _broken(
        "The API gets the request and answers it, and the browser keeps the answer from the page.",
        "It adds the header for each origin in allowOrigins, on every answer, errors included.",
    ),
    Code.ALLOW_ORIGIN_WITHOUT_SCHEME: _broken(
        f"An origin begins with http:// or https://. {_ONE_VALUE}", _OWN_HEADER
    ),
    Code.ALLOW_ORIGIN_MISSPELLED: _broken(
        "An origin has no slash at its end, no path, no capitals and no default port. "
        f"{_ONE_VALUE}",
        _OWN_HEADER,
    ),
    Code.ALLOW_ORIGIN_PATTERN: _broken(
        f"The header holds one origin, or * alone: no browser expands a pattern. {_ONE_VALUE}",
        "Its allowOrigins takes https://*.example.com, and the answer names the one that asked.",
    ),
    Code.ALLOW_ORIGIN_INVALID: _broken(f"It is no origin. {_ONE_VALUE}", _OWN_HEADER),
    Code.ALLOW_ORIGIN_LIST: _broken(
        f"The header holds one origin, never a list. {_ONE_VALUE}",
        "Its allowOrigins is a list, and each answer names the one origin that asked.",
    ),
    Code.ALLOW_ORIGIN_REPEATED: _broken(
        "Browsers join the lines by a comma, and the sum equals no origin. Mostly two programs add "
        "one each: the API, and a proxy in front of it.",
        "It removes all that the API sends and adds one line of its own.",
    ),
    Code.ALLOW_ORIGIN_OTHER: _broken(
        "The API allows one origin, and it is not that of this page.",
        "Its allowOrigins names as many as there are.",
    ),
    Code.WILDCARD_WITH_CREDENTIALS: _broken(
        "For a request with cookies browsers do not take * for everybody: the answer is kept from "
        "the page.",
        "It names the origin that asked, if allowOrigins does. A policy of * with credentials does "
        "not load.",
    ),
    Code.CREDENTIALS_NOT_TRUE: _broken(
        "Only true counts, in small letters and once.",
        "allowCredentials: true sends exactly that.",
    ),
    Code.CREDENTIALS_NOT_ALLOWED: _broken(
        "The page says credentials: 'include', and the API does not allow that.",
        "allowCredentials: true allows it to the origins that are named.",
    ),
    Code.REFLECTS_ANY_ORIGIN: _dangerous(
        "Whoever asks is allowed, which is no check. Every page on the web can read what this API "
        "tells without a login, also where only its visitor's network can reach it.",
        _COMPARES_WHOLE,
    ),
    Code.REFLECTS_ANY_ORIGIN_WITH_CREDENTIALS: _dangerous(
        "Whoever asks is allowed, with cookies. Every page on the web can act as its visitor here, "
        "and read what only they may see.",
        "It allows the origins that are named and nobody else. A policy of * with credentials does "
        "not load.",
    ),
    Code.PARTIAL_MATCH: _dangerous(
        "The API compares a part of the origin only, and anybody can own a name that holds it.",
        _COMPARES_WHOLE,
    ),
    Code.UNESCAPED_DOT: _dangerous(
        "Mostly a dot that is not escaped: in an expression it stands for any character, and anybody "
        "can own a name that fits.",
        _COMPARES_WHOLE,
    ),
    Code.ALLOWS_NULL: _dangerous(
        "Any page can make its origin null, by a sandboxed frame: to allow null is to allow all.",
        "It refuses null, unless dangerouslyAllowNullOrigin says otherwise, and then never with "
        "credentials.",
    ),
    Code.ALLOWS_INSECURE_ORIGIN: _dangerous(
        "Who can change what is on the wire, as in a public network, speaks for any http page, and "
        "so reads what was meant for the https one.",
        "It compares the scheme too, and plain http with credentials does not load.",
    ),
    Code.PREFLIGHT_ALLOWS_STRANGERS: _dangerous(
        "The permission to send is given to everybody. A stranger's page cannot read the answer, but "
        "what it sends is carried out.",
        "It gives preflights and answers by one policy; who is not named gets 403.",
    ),
    Code.VARY_ORIGIN_MISSING: _broken(
        "The answer depends on who asks and does not say so. A cache, the browser's own included, "
        "gives one page's answer to another, which then fails, now and then.",
        "It puts Origin into Vary on every answer that depends on it.",
    ),
    Code.ERRORS_WITHOUT_ALLOW_ORIGIN: _note(
        "The page cannot tell a 404 or a 500 from a network that is down, nor read its reason.",
        "It adds the header to errors as well, also to its own.",
    ),
    Code.REFUSES_ORIGIN: _broken(
        "The API, or something in front of it, answers worse because the request has an Origin.",
        "upstream: {origin: drop} sends the request on without it; the gateway has checked it.",
    ),
    Code.REDIRECT: _broken(
        "A browser follows it only where each answer on the way allows the page. What stands at the "
        "other end was not asked.",
        "Let the page call the last address, and examine that one; redirects: rewrite keeps those "
        "to the API itself on the gateway.",
    ),
    Code.NO_ANSWER: _broken(
        "To a page that is a network error without a reason.",
        "It answers 502 or 504 in the API's place, with a reason that the page may read.",
    ),
    Code.MIXED_CONTENT: _broken(
        "A page on https may not call plain http, so its browser sends nothing at all.",
        "Give it a certificate (server.tls), or put it behind what has one.",
    ),
    Code.PREFLIGHT_NOT_ANSWERED: _broken(
        "Browsers ask by OPTIONS before they send this, and the API has nothing there that answers.",
        _OWN_PREFLIGHT,
    ),
    Code.PREFLIGHT_NEEDS_LOGIN: _broken(
        "A preflight has neither cookies nor Authorization, so it can never pass a login.",
        _OWN_PREFLIGHT,
    ),
    Code.PREFLIGHT_REDIRECT: _broken("Browsers follow no redirect of a preflight.", _OWN_PREFLIGHT),
    Code.PREFLIGHT_STATUS: _broken(
        "The answer to a preflight must have a status of 200 to 299.", _OWN_PREFLIGHT
    ),
    Code.METHODS_MALFORMED: _broken(
        "A list has commas between its items. One item that is none spoils the whole.",
        "Its lists are checked when they are loaded.",
    ),
    Code.HEADERS_MALFORMED: _broken(
        "A list has commas between its items. One item that is none spoils the whole.",
        "Its lists are checked when they are loaded.",
    ),
    Code.METHOD_NOT_LISTED: _broken(
        "The browser does not send the request: the API has not allowed this method.",
        "allowMethods lists what pages may use.",
    ),
    Code.HEADER_NOT_LISTED: _broken(
        "The browser does not send the request: the API has not allowed this header.",
        "allowHeaders lists what pages may set.",
    ),
    Code.WILDCARD_LIST_WITH_CREDENTIALS: _broken(
        "For a request with cookies * in a list is a name like any other, and covers nothing.",
        "It names what is meant: with credentials, what the page announced.",
    ),
    Code.MAX_AGE_INVALID: _note(
        "Browsers then remember the answer for 5 seconds, and ask before nearly every request.",
        "maxAge is checked when it is loaded; 10 minutes without it.",
    ),
    Code.COOKIE_STAYS_HOME: _broken(
        "The page is of another site than the API. Its requests neither set nor send a cookie that "
        "is not SameSite=None and Secure.",
        "On a name of the page's site, as api.example.com is for app.example.com, cookies work as "
        "they are; elsewhere cookies: {secure: add, sameSite: None} changes them.",
    ),
    Code.ANSWER_IS_AN_ERROR: _note(
        "Many APIs leave out CORS headers on errors, so this tells little of what works.",
        "Examine an address that answers 200, with --header where it wants a token.",
    ),
}
