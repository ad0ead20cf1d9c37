"""Rows for policies that do not load, that load with a warning, and that load in silence."""

from typing import Any

from tests.cases.fetch_case import LoadCase

__all__ = ["LOAD"]

APP = "https://app.example.com"
ONE = {"allowOrigins": [APP]}
COOKIES = {"allowCredentials": True}


def _row(
    sentence: str, policy: dict[str, Any], severity: str | None, key: str = "", *mentions: str,
    by_schema: bool = False,
) -> LoadCase:  # fmt: skip
    return LoadCase(
        sentence=sentence,
        provenance="design",
        policy=policy,
        severity=severity,
        key=key,
        mentions=mentions,
        by_schema=by_schema,
    )


REFUSED: tuple[LoadCase, ...] = (
    _row("a policy must name an origin", {}, "error", "allowOrigins"),
    _row("two empty lists name no origin", {"allowOrigins": [], "allowOriginRegex": []},
         "error", "allowOrigins"),
    *(
        _row(f"{text!r} is no origin, and what is meant is said", {"allowOrigins": [text]},
             "error", "allowOrigins", text, meant)
        for text, meant in (
            (f"{APP}/", APP),
            (f"{APP}/path", APP),
            (f"{APP}:443", APP),
            ("http://app.example.com:80", "http://app.example.com"),
            ("HTTPS://App.Example.com", APP),
            ("app.example.com", APP),
            ("https://user@app.example.com", APP),
            ("https://bücher.example", "https://xn--bcher-kva.example"),
            ("http://LOCALHOST:3000", "http://localhost:3000"),
        )
    ),
    _row("an empty item is no origin", {"allowOrigins": [APP, ""]}, "error", "allowOrigins"),
    _row("two origins in one item are none", {"allowOrigins": [f"{APP}, https://b.example.com"]},
         "error", "allowOrigins"),
    _row("file: is no origin", {"allowOrigins": ["file:///x"]}, "error", "allowOrigins"),
    _row("NULL is refused like null", {"allowOrigins": ["NULL"]}, "error", "allowOrigins",
         "dangerouslyAllowNullOrigin"),
    _row("a wildcard over a public suffix is refused without credentials too",
         {"allowOrigins": ["https://*.github.io"]}, "error", "allowOrigins",
         "dangerouslyAllowPublicSuffixes"),
    _row("reflecting goes with a star only", ONE | {"dangerouslyReflectAnyOrigin": True},
         "error", "dangerouslyReflectAnyOrigin", "*"),
    _row("an expression that does not compile", {"allowOriginRegex": ["https://(a"]},
         "error", "allowOriginRegex", "https://(a"),
    *(
        _row(f"an expression that no automaton can match: {expression}",
             {"allowOriginRegex": [expression]} | COOKIES, "error", "allowOriginRegex", expression, why)
        for expression, why in (
            (r"https://(?=.*\.example\.org).*", "ahead or behind"),
            (r"https://[a-z.]+(?<=example\.com)", "ahead or behind"),
            (r"https://.*(?<=corp\.net)", "ahead or behind"),
            (r"https://(?=app)[a-z.]+", "ahead or behind"),
            (r"https://(?!evil)[a-z]+\.example\.com", "ahead or behind"),
            (r"(https)://(?P<h>[a-z]+)\.(?P=h)\.com", "back to a group"),
            (r"(?i)https://app\.example\.com", "flags"),
            (r"https://[a-z]{999}\.example\.com", "512"),
        )
    ),
    _row("an expression of which no origin is found", {"allowOriginRegex": [r"https://b\.example\.com:443"]},
         "error", "allowOriginRegex", "no origin was found"),
    _row("plain http by an expression, with credentials",
         {"allowOriginRegex": [r"http://[a-z]+\.example\.com"]} | COOKIES,
         "error", "allowOriginRegex", "dangerouslyAllowInsecureOrigins"),
    *(
        _row(f"{method} cannot be allowed", ONE | {"allowMethods": ["GET", method]},
             "error", "allowMethods", method)
        for method in ("CONNECT", "TRACE", "TRACK", "trace")
    ),
    *(
        _row(f"{item!r} is no item of {key}", ONE | {key: [item]}, "error", key)
        for key in ("allowMethods", "allowHeaders", "exposeHeaders")
        for item in ("", "A B", "A,B", "A:", "ä", '"A"')
    ),
    _row("a timing origin must be one", ONE | {"timingAllowOrigins": [f"{APP}/"]},
         "error", "timingAllowOrigins", f"{APP}/"),
    _row("maxAge below -1", ONE | {"maxAge": -2}, "error", "maxAge", "-1"),
    _row("allowOrigins is a list, never a scalar", {"allowOrigins": APP},
         "error", "allowOrigins", by_schema=True),
    _row("an unknown key", ONE | {"allowOrigin": [APP]}, "error", "allowOrigin", "allowOrigins",
         by_schema=True),
    _row("an unknown resource policy", ONE | {"crossOriginResourcePolicy": "cross-site"},
         "error", "crossOriginResourcePolicy", "same-origin", "same-site", "cross-origin",
         by_schema=True),
    _row("an unknown way to treat other origins", ONE | {"onDisallowedOrigin": "deny"},
         "error", "onDisallowedOrigin", "omit", "block", by_schema=True),
    _row("an unknown source of a missing Origin", ONE | {"missingOrigin": {"from": ["Cookie"]}},
         "error", "missingOrigin", "Referer", by_schema=True),
    _row("maxAge that is no time", ONE | {"maxAge": "soon"}, "error", "maxAge", by_schema=True),
)  # fmt: skip

NO_EFFECT: tuple[LoadCase, ...] = (
    _row("maxAge above a day is capped", ONE | {"maxAge": 86401}, "warning", "maxAge", "86400"),
    _row("maxAge of twenty days, as it is pasted, is capped", ONE | {"maxAge": 1728000},
         "warning", "maxAge", "86400"),
    *(
        _row(f"a name beside a star has no effect: {key}", ONE | {key: ["*", name]},
             "warning", key, name, "no effect")
        for key, name in (
            ("allowMethods", "PUT"),
            ("allowHeaders", "X-A"),
            ("exposeHeaders", "X-A"),
        )
    ),
    *(
        _row(f"a repeated entry has no effect: {key}", {**ONE, key: items},
             "warning", key, items[1], "no effect")
        for key, items in (
            ("allowOrigins", [APP, APP]),
            ("allowMethods", ["PUT", "PUT"]),
            ("allowHeaders", ["X-A", "x-a"]),
            ("exposeHeaders", ["X-A", "x-a"]),
            ("timingAllowOrigins", [APP, APP]),
        )
    ),
    *(
        _row(f"browsers keep pages from sending {name}", ONE | {"allowHeaders": [name]},
             "warning", "allowHeaders", name, "no effect")
        for name in ("Connection", "DNT", "Sec-Fetch-Site", "Cookie", "Origin", "Proxy-X")
    ),
    _row("browsers never show Set-Cookie", ONE | {"exposeHeaders": ["Set-Cookie"]},
         "warning", "exposeHeaders", "Set-Cookie", "no effect"),
    _row("a method that the parser cannot receive", ONE | {"allowMethods": ["FROBNICATE"]},
         "warning", "allowMethods", "FROBNICATE", "no effect"),
    _row("a method in lower case that stays so", ONE | {"allowMethods": ["patch"]},
         "warning", "allowMethods", "patch", "PATCH"),
    _row("an expression with a slash at its end never matches",
         ONE | {"allowOriginRegex": [r"https://b\.example\.com/"]},
         "warning", "allowOriginRegex", "no effect"),
    _row("an expression in capitals never matches",
         ONE | {"allowOriginRegex": [r"https://B\.example\.com"]},
         "warning", "allowOriginRegex", "no effect"),
)  # fmt: skip

SILENT: tuple[LoadCase, ...] = tuple(
    _row(sentence, policy, None)
    for sentence, policy in (
        ("one origin", ONE),
        ("one origin with credentials", ONE | COOKIES),
        ("a star", {"allowOrigins": ["*"]}),
        ("a custom scheme with credentials", {"allowOrigins": ["capacitor://localhost"]} | COOKIES),
        ("localhost with credentials", {"allowOrigins": ["http://localhost:*"]} | COOKIES),
        ("a name under localhost with credentials",
         {"allowOrigins": ["http://app.localhost:3000"]} | COOKIES),
        ("loopback with credentials", {"allowOrigins": ["http://127.0.0.1:3000"]} | COOKIES),
        ("plain http without credentials", {"allowOrigins": ["http://app.example.com"]}),
        ("both schemes of one host", {"allowOrigins": [APP, "http://app.example.com"]}),
        ("a host and its subdomains",
         {"allowOrigins": ["https://example.com", "https://*.example.com"]} | COOKIES),
        ("a previewer's wildcard between two literals",
         {"allowOrigins": ["https://app-*-team.vercel.app"]} | COOKIES),
        ("a wildcard with a port", {"allowOrigins": ["https://*.example.com:8443"]} | COOKIES),
        ("null where the danger is named", {"dangerouslyAllowNullOrigin": True}),
        ("an expression alone", {"allowOriginRegex": [r"https://[a-z0-9-]+\.example\.com"]}
         | COOKIES),
        ("an expression with alternatives",
         {"allowOriginRegex": [r"https://(app|www)\.example\.(com|net)"]} | COOKIES),
        ("an expression with an open end of the port",
         {"allowOriginRegex": [r"^https://([a-z0-9-]+\.)*example\.com(:\d+)?$"]} | COOKIES),
        ("Authorization beside a star", ONE | {"allowHeaders": ["*", "Authorization"]}),
        ("an exposed star with credentials", ONE | COOKIES | {"exposeHeaders": ["*"]}),
        ("a method in lower case that browsers write in upper case", ONE | {"allowMethods": ["put"]}),
        ("no headers", ONE | {"allowHeaders": []}),
        ("a day", ONE | {"maxAge": 86400}),
        ("not to be remembered", ONE | {"maxAge": -1}),
        ("timings for all", ONE | {"timingAllowOrigins": ["*"]}),
        ("a resource policy", ONE | {"crossOriginResourcePolicy": "same-site"}),
        ("every source of a missing Origin",
         ONE | {"missingOrigin": {"from": ["X-Original-Origin", "Referer", "Host"]}}),
    )
)  # fmt: skip

SILENT_EXPRESSIONS: tuple[LoadCase, ...] = tuple(
    _row(f"an expression over which a backtracking matcher would brood: {expression}",
         {"allowOriginRegex": [expression]} | COOKIES, None)
    for expression in (
        r"https://([a-z]+)*\.example\.com",
        r"https://(?:ab|[a-z]{2})*\.example\.com",
        r"https://(?:[a-z]|[a-z]-?)+\.example\.com",
        r"https://(?:a?){30}a{30}\.example\.com",
    )
)  # fmt: skip

LOAD: tuple[LoadCase, ...] = (*REFUSED, *NO_EFFECT, *SILENT, *SILENT_EXPRESSIONS)
