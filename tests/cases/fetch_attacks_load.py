"""The attack list at load: policies that would let an attacker in do not load."""

from tests.cases.fetch_case import LoadCase
from tests.cases.fetch_hostile_origins import COOKIES

__all__ = ["ATTACKS_LOAD"]

PUBLIC_SUFFIXES = (
    "https://*.github.io",
    "https://*.com",
    "https://*.co.uk",
    "https://*.vercel.app",
)
SHARED_HOSTS = ("https://*.web.app", "https://*.herokuapp.com", "https://*.s3.amazonaws.com")
PLAYGROUNDS = ("https://codepen.io", "https://jsfiddle.net", "https://s3.amazonaws.com")

ATTACKS_LOAD: tuple[LoadCase, ...] = (
    *(
        LoadCase(
            sentence=f"{number}. {origin} lets every customer of that host in",
            provenance=f"attack {number}",
            policy={"allowOrigins": [origin]} | COOKIES,
            severity="error",
            key="allowOrigins",
            mentions=(origin, "dangerouslyAllowPublicSuffixes"),
        )
        for number, origins in ((18, PUBLIC_SUFFIXES), (20, SHARED_HOSTS))
        for origin in origins
    ),
    *(
        LoadCase(
            sentence=f"20. {origin} runs anybody's pages",
            provenance="attack 20",
            policy={"allowOrigins": [origin]} | COOKIES,
            severity="warning",
            key="allowOrigins",
            mentions=(origin,),
        )
        for origin in PLAYGROUNDS
    ),
    *(
        LoadCase(
            sentence=f"{number}. an expression that lets {what} in",
            provenance=f"attack {number}",
            policy={"allowOriginRegex": [expression]} | COOKIES,
            severity="error",
            key="allowOriginRegex",
            mentions=(expression,),
        )
        for number, what, expression in (
            (1, "everyone", r".*"),
            (3, "what begins with an allowed origin", r"https://app\.example\.com.*"),
            (4, "what ends with an allowed origin", r"https://.*example\.com"),
            (4, "what ends with an allowed host", r".*app\.example\.com"),
            (4, "what ends with an allowed domain", r".*example\.com"),
            (4, "what ends with an allowed domain after a dot or not", r"https://.*\.?example\.com"),
            (7, "any scheme", r".+://app\.example\.com"),
            (6, "any character for a dot", r"https://app.example\.com"),
            (6, "any character for the last dot", r"https://app\.example.com"),
            (7, "plain http", r"https?://app\.example\.com"),
            (11, "what begins with localhost", r"http://localhost.*"),
        )
    ),
    LoadCase(
        sentence="2. null in a list is refused, with its own key named",
        provenance="attack 2",
        policy={"allowOrigins": ["null"]},
        severity="error",
        key="allowOrigins",
        mentions=("dangerouslyAllowNullOrigin",),
    ),
    LoadCase(
        sentence="7. plain http with credentials does not load without its danger being named",
        provenance="attack 7",
        policy={"allowOrigins": ["http://app.example.com"]} | COOKIES,
        severity="error",
        key="allowOrigins",
        mentions=("http://app.example.com", "dangerouslyAllowInsecureOrigins"),
    ),
    *(
        LoadCase(
            sentence=f"{number}. {origin} is no pattern",
            provenance=f"attack {number}",
            policy={"allowOrigins": [origin]},
            severity="error",
            key="allowOrigins",
            mentions=(origin,),
        )
        for number, origin in (
            (4, "https://*example.com"),
            (9, "https://a.*.example.com"),
            (9, "https://*.*.example.com"),
            (9, "*.example.com"),
            (3, "https://app.example.*"),
            (19, "https://pr*.preview.example.net"),
            (19, "https://*-pr-*.preview.example.net"),
            (8, "https://app.example.com:8*"),
            (1, "h*"),
            (1, "https://*"),
            (7, "*://app.example.com"),
            (14, "file://"),
        )
    ),
)  # fmt: skip
