"""The 17 cases of the Gateway API's conformance test of CORS, in our own words and data.

``gateway-api N`` is the N-th case of ``conformance/tests/httproute-cors.go``; the policies say
what the routes of ``httproute-cors.yaml`` say. The test allows several answers in places (200 or
204, ``*`` or the origin, extra fields); the rows hold the one that this gateway gives.
"""

from tests.cases.fetch_case import Case, actual, granted, preflight, readable, refused, unreadable
from tests.judge import Verdict

__all__ = ["GATEWAY_API"]

LISTED = {
    "allowOrigins": ["https://www.foo.com", "https://*.bar.com"],
    "allowMethods": ["GET", "OPTIONS"],
    "allowHeaders": ["x-header-1", "x-header-2"],
    "exposeHeaders": ["x-header-3", "x-header-4"],
    "allowCredentials": True,
    "maxAge": 3600,
}
ANY_METHOD = {"allowOrigins": ["https://www.foo.com"], "allowMethods": ["*"]}
ANY_ORIGIN = {"allowOrigins": ["*"], "allowMethods": ["PUT"], "allowCredentials": False}
ANY_METHOD_AND_HEADER = {
    "allowOrigins": ["https://other.foo.com"],
    "allowMethods": ["*"],
    "allowHeaders": ["*"],
    "allowCredentials": True,
}
ANY_METHOD_AND_HEADER_WITHOUT_COOKIES = {
    "allowOrigins": ["https://other.foo.com"],
    "allowMethods": ["*"],
    "allowHeaders": ["*"],
}

BEARER = (b"Authorization", b"Bearer t")
ANNOUNCED = (
    (b"Access-Control-Request-Method", b"GET"),
    (b"Access-Control-Request-Headers", b"x-header-1, x-header-2"),
)


def _listed(origin: str, provenance: str, sentence: str) -> Case:
    return Case(
        sentence=sentence,
        provenance=provenance,
        policy=LISTED,
        request=preflight(origin, "GET", "x-header-1, x-header-2"),
        answer=granted(
            origin,
            methods="GET, OPTIONS",
            headers="x-header-1, x-header-2",
            expose="x-header-3, x-header-4",
            credentials=True,
            max_age="3600",
        ),
        reason="ORIGIN_ALLOWED",
        cookies=True,
        browser=Verdict.ALLOWED,
    )


GATEWAY_API: tuple[Case, ...] = (
    _listed("https://www.foo.com", "gateway-api 1", "a preflight from a listed origin is granted"),
    _listed(
        "https://www.bar.com",
        "gateway-api 2",
        "a preflight from a subdomain of a wildcard is granted to that subdomain",
    ),
    _listed(
        "https://xpto.www.bar.com",
        "gateway-api 3",
        "a preflight from two labels below a wildcard is granted",
    ),
    Case(
        sentence="a preflight from an origin that is not listed carries no Allow-Origin",
        provenance="gateway-api 4",
        policy=LISTED,
        request=preflight("https://foobar.com"),
        answer=refused(),
        reason="ORIGIN_NOT_ALLOWED",
        browser=Verdict.NO_ALLOW_ORIGIN,
    ),
    *(
        Case(
            sentence=f"a GET from {what} may be read, whatever preflight fields it carries",
            provenance=provenance,
            policy=LISTED,
            request=actual("GET", origin, *ANNOUNCED),
            answer=readable(origin, credentials=True, expose="x-header-3, x-header-4"),
            reason="ORIGIN_ALLOWED",
            cookies=True,
            browser=Verdict.ALLOWED,
        )
        for provenance, origin, what in (
            ("gateway-api 5", "https://www.foo.com", "a listed origin"),
            ("gateway-api 6", "https://www.bar.com", "a wildcard's origin"),
        )
    ),
    Case(
        sentence="a GET from an origin that is not listed carries no Allow-Origin",
        provenance="gateway-api 7",
        policy=LISTED,
        request=actual("GET", "https://foobar.com", ANNOUNCED[0]),
        answer=unreadable(),
        reason="ORIGIN_NOT_ALLOWED",
        browser=Verdict.NO_ALLOW_ORIGIN,
    ),
    Case(
        sentence="a preflight for POST is granted where any method is",
        provenance="gateway-api 8",
        policy=ANY_METHOD,
        request=preflight("https://www.foo.com", "POST"),
        answer=granted("https://www.foo.com", methods="*"),
        browser=Verdict.ALLOWED,
    ),
    Case(
        sentence="without allowCredentials a page with cookies is not granted anything",
        provenance="gateway-api 9",
        policy=ANY_METHOD,
        request=preflight("https://www.foo.com", "POST"),
        answer=granted("https://www.foo.com", methods="*"),
        cookies=True,
        browser=Verdict.NO_ALLOW_CREDENTIALS,
    ),
    *(
        Case(
            sentence=f"a preflight from {origin} is granted by a star",
            provenance=provenance,
            policy=ANY_ORIGIN,
            request=preflight(origin, "PUT"),
            answer=granted("*", methods="PUT", vary=""),
            browser=Verdict.ALLOWED,
        )
        for provenance, origin in (
            ("gateway-api 10", "https://foobar.com"),
            ("gateway-api 11", "https://foobar.com:12345"),
        )
    ),
    *(
        Case(
            sentence=f"a PUT from {origin} may be read by a star",
            provenance=provenance,
            policy=ANY_ORIGIN,
            request=actual("PUT", origin),
            answer=readable("*", vary=""),
            browser=Verdict.ALLOWED,
        )
        for provenance, origin in (
            ("gateway-api 12", "https://foobar.com:12345"),
            ("gateway-api 13", "https://foobar.com"),
        )
    ),
    Case(
        sentence="with credentials the announced method and headers are granted by their names",
        provenance="gateway-api 14",
        policy=ANY_METHOD_AND_HEADER,
        request=preflight("https://other.foo.com", "PUT", "x-header-1, x-header-2"),
        answer=granted(
            "https://other.foo.com",
            methods="PUT",
            headers="x-header-1, x-header-2",
            credentials=True,
        ),
        cookies=True,
        browser=Verdict.ALLOWED,
    ),
    Case(
        sentence="without credentials a star stands for the announced method and headers",
        provenance="gateway-api 15",
        policy=ANY_METHOD_AND_HEADER_WITHOUT_COOKIES,
        request=preflight("https://other.foo.com", "PUT", "x-header-1, x-header-2"),
        answer=granted("https://other.foo.com", methods="*", headers="*"),
        browser=Verdict.ALLOWED,
    ),
    Case(
        sentence="a GET with Authorization names the page's origin and allows credentials",
        provenance="gateway-api 16",
        policy=ANY_METHOD_AND_HEADER,
        request=actual("GET", "https://other.foo.com", BEARER),
        answer=readable("https://other.foo.com", credentials=True),
        cookies=True,
        browser=Verdict.ALLOWED,
    ),
    Case(
        sentence="a GET with Authorization is told nothing of credentials without allowCredentials",
        provenance="gateway-api 17",
        policy=ANY_METHOD_AND_HEADER_WITHOUT_COOKIES,
        request=actual("GET", "https://other.foo.com", BEARER),
        answer=readable("https://other.foo.com"),
        browser=Verdict.ALLOWED,
    ),
)
