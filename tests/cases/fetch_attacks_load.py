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
SHARED_BELOW = (
    "https://*.windows.net",
    "https://*.amazonaws.com",
    "https://*.platform.sh",
)
PLAYGROUNDS = (
    "https://codepen.io",
    "https://jsfiddle.net",
    "https://s3.amazonaws.com",
    "https://app.10.0.0.1.nip.io",
    "https://*.sslip.io",
)
ALTERNATIVES = "|".join(rf"c{number}\.co" for number in range(60))

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
        for number, origins in (
            (18, PUBLIC_SUFFIXES),
            (18, SHARED_BELOW),
            (20, SHARED_HOSTS),
        )
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
            mentions=(f"lets in {stranger}",),
        )
        for number, what, stranger, expression in (
            (1, "everyone", "https://evil.com", r".*"),
            (3, "what begins with an allowed origin", "https://app.example.coma",
             r"https://app\.example\.com.*"),
            (4, "what ends with an allowed origin", "https://evilexample.com", r"https://.*example\.com"),
            (4, "what ends with an allowed host", "a://app.example.com", r".*app\.example\.com"),
            (4, "what ends with an allowed domain", "a://example.com", r".*example\.com"),
            (4, "what ends with an allowed domain after a dot or not", "https://evilexample.com",
             r"https://.*\.?example\.com"),
            (7, "any scheme", "a://app.example.com", r".+://app\.example\.com"),
            (6, "any character for a dot", "https://appaexample.com", r"https://app.example\.com"),
            (6, "any character for the last dot", "https://app.exampleacom", r"https://app\.example.com"),
            (11, "what begins with localhost", "http://localhost.evil.com", r"http://localhost.*"),
            (6, "any character for a dot of the last alternative", "https://shopaexample.org",
             rf"https://({ALTERNATIVES}|shop.example\.org)"),
            (3, "any domain of the top level", "https://app.example.aa",
             r"https://app\.example\.[a-z]{2,3}"),
            (3, "any top level below a domain", "https://app.example.com.aa",
             r"https://app\.example\.com(\.[a-z]{2})?"),
            (4, "a repeated letter", "https://exaample.com", r"https://exa+mple\.com"),
            (12, "any address", "http://10.0.0.1", r"http://10\.0\.0\.\d+"),
            (18, "every customer", "https://evil.github.io", r"https://[a-z]+\.github\.io"),
            (18, "every previewer", "https://app-a-team.vercel.app",
             r"https://app-[a-z]+-team\.vercel\.app"),
            (18, "every customer below a name", "https://evil.windows.net",
             r"https://.*\.windows\.net"),
        )
    ),
    LoadCase(
        sentence="7. plain http by an expression",
        provenance="attack 7",
        policy={"allowOriginRegex": [r"https?://app\.example\.com"]} | COOKIES,
        severity="error",
        key="allowOriginRegex",
        mentions=("dangerouslyAllowInsecureOrigins",),
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
