"""Rows for the sentences of the design's Policy: keys that change how a policy works."""

from tests.cases.fetch_case import (
    EVIL,
    PREFLIGHT_VARY,
    Answer,
    Case,
    Stage,
    Upstream,
    actual,
    granted,
    options,
    preflight,
    readable,
    refused,
    unreadable,
)
from tests.cases.fetch_policies import (
    APP,
    BLOCK,
    ONE,
    OUT,
    OWN,
    SPA,
    SPA_GRANTED,
    SPA_READABLE,
    announced,
    design,
    line,
)
from tests.judge import Verdict

__all__ = ["MODES"]


def _site(value: str) -> tuple[bytes, bytes]:
    return line("Sec-Fetch-Site", value)


REFERER = line("Referer", f"{APP}/page?x=1#y")
EVIL_REFERER = line("Referer", f"{EVIL.decode()}/page")
CSRF = ONE | {"csrfGuard": True}

MISSING = ONE | {"missingOrigin": {"from": ["Referer"]}}
MISSING_BLOCK = BLOCK | {"missingOrigin": {"from": ["Referer"]}}
MISSING_HOST = {
    "allowOrigins": ["https://gateway.example"],
    "missingOrigin": {"from": ["Host"]},
}
MISSING_ORIGINAL = ONE | {"missingOrigin": {"from": ["X-Original-Origin"]}}
ORIGINAL = line("X-Original-Origin", APP)

MISSING_ORIGIN: tuple[Case, ...] = (
    design("a missing Origin is taken from Referer, which joins Vary", MISSING,
           actual("GET", None, REFERER), readable(APP, vary="Origin, Referer"), page=APP.encode()),
    design("a missing Origin is taken from X-Original-Origin, which joins Vary", MISSING_ORIGINAL,
           actual("GET", None, ORIGINAL), readable(APP, vary="Origin, X-Original-Origin"),
           page=APP.encode()),
    design("a missing Origin is taken from Host as https, which joins Vary", MISSING_HOST,
           actual(), readable("https://gateway.example", vary="Origin, Host"),
           page=b"https://gateway.example"),
    design("Host with a port gives an origin with that port", MISSING_HOST,
           actual(host=b"gateway.example:8443"), unreadable(vary="Origin, Host"), OUT),
    *(
        design(f"sources of a missing Origin are asked in order, until {last}",
               ONE | {"missingOrigin": {"from": ["X-Original-Origin", "Referer"]}},
               actual("GET", None, *lines), answer, verdict, page=APP.encode())
        for last, lines, answer, verdict in (
            ("the first has it", (ORIGINAL, EVIL_REFERER),
               readable(APP, vary="Origin, X-Original-Origin"), Verdict.ALLOWED),
            ("the second has it", (REFERER,),
               readable(APP, vary="Origin, X-Original-Origin, Referer"), Verdict.ALLOWED),
            ("none has it", (), unreadable(vary="Origin, X-Original-Origin, Referer"), OUT),
        )
    ),
    design("a Referer on no list is granted nothing", MISSING,
           actual("GET", None, EVIL_REFERER), unreadable(vary="Origin, Referer"), OUT),
    design("a Referer that begins with an allowed origin is granted nothing", MISSING,
           actual("GET", None, line("Referer", f"{APP}.evil.example/")),
           unreadable(vary="Origin, Referer"), OUT),
    design("a Referer with userinfo is granted nothing", MISSING,
           actual("GET", None, line("Referer", f"{APP}@evil.example/")),
           unreadable(vary="Origin, Referer"), OUT),
    design("a missing Origin taken from elsewhere never refuses", MISSING_BLOCK,
           actual("POST", None, EVIL_REFERER), unreadable(vary="Origin, Referer"), OUT),
    design("an Origin line is never replaced", MISSING_ORIGINAL,
           actual("GET", EVIL, ORIGINAL), unreadable(), OUT),
    design("an empty Origin line is never replaced", MISSING_ORIGINAL,
           actual("GET", "", ORIGINAL), unreadable(), OUT),
    design("without the key a Referer is no Origin", ONE,
           actual("GET", None, REFERER), unreadable(), OUT, page=APP.encode()),
    design("a missing Origin is taken before a preflight is looked for", MISSING,
           options(REFERER, *announced("PUT")),
           granted(APP, vary=f"Referer, {PREFLIGHT_VARY}"),
           Verdict.METHOD, page=APP.encode()),
)  # fmt: skip

TIMING = ONE | {"timingAllowOrigins": ["https://rum.example.com"]}

CORP = ONE | {"crossOriginResourcePolicy": "cross-origin"}
EMBEDDABLE = {"Cross-Origin-Resource-Policy": "cross-origin"}

KEYS: tuple[Case, ...] = (
    *(
        design(f"csrfGuard: a {method} with Sec-Fetch-Site {site} and {who} is "
               f"{'refused' if answer.status else 'forwarded'}", CSRF,
               actual(method, origin, *((_site(site),) if site else ())), answer, verdict,
               page=page, reason="CSRF" if answer.status else None)
        for method, site, who, origin, answer, verdict, page in (
            ("POST", "same-origin", "our own Origin", OWN, unreadable(), OUT, EVIL),
            ("POST", "same-origin", "no Origin", None, unreadable(), OUT, EVIL),
            ("POST", "none", "no Origin", None, unreadable(), OUT, EVIL),
            ("POST", "cross-site", "a stranger's Origin", EVIL.decode(), refused(vary="Origin"),
               OUT, None),
            ("POST", "cross-site", "no Origin", None, refused(vary="Origin"), OUT, None),
            ("POST", "same-site", "a stranger's Origin", EVIL.decode(), refused(vary="Origin"),
               OUT, None),
            ("POST", "cross-site", "null", "null", refused(vary="Origin"), OUT, None),
            ("POST", "cross-site", "an allowed Origin", APP, readable(APP), Verdict.ALLOWED, None),
            ("POST", "same-site", "an allowed Origin", APP, readable(APP), Verdict.ALLOWED, None),
            ("POST", "", "an allowed Origin", APP, readable(APP), Verdict.ALLOWED, None),
            ("POST", "", "our own Origin", OWN, unreadable(), OUT, EVIL),
            ("POST", "", "a stranger's Origin", EVIL.decode(), refused(vary="Origin"), OUT, None),
            ("POST", "", "null", "null", refused(vary="Origin"), OUT, None),
            ("POST", "", "no Origin", None, unreadable(), OUT, None),
            ("PUT", "cross-site", "a stranger's Origin", EVIL.decode(), refused(vary="Origin"),
               OUT, None),
            ("DELETE", "cross-site", "no Origin", None, refused(vary="Origin"), OUT, None),
            ("GET", "cross-site", "a stranger's Origin", EVIL.decode(), unreadable(), OUT, None),
            ("HEAD", "cross-site", "no Origin", None, unreadable(), OUT, None),
            ("OPTIONS", "cross-site", "a stranger's Origin", EVIL.decode(), unreadable(), OUT,
               None),
        )
    ),
    design("csrfGuard: null does not pass, though null is allowed",
           CSRF | {"dangerouslyAllowNullOrigin": True}, actual("POST", "null"),
           refused(vary="Origin"), OUT, reason="CSRF"),
    design("csrfGuard: a star names nobody who may change something",
           {"allowOrigins": ["*"], "csrfGuard": True}, actual("POST", APP),
           Answer(403, {"Access-Control-Allow-Origin": "*"}), page=APP.encode(), reason="CSRF"),
    design("csrfGuard: a star lets everybody read", {"allowOrigins": ["*"], "csrfGuard": True},
           actual("GET", APP), Answer(None, {"Access-Control-Allow-Origin": "*"})),
    design("csrfGuard: an origin that is reflected is named by nobody",
           {"allowOrigins": ["*"], "allowCredentials": True, "dangerouslyReflectAnyOrigin": True,
            "csrfGuard": True}, actual("POST", APP), refused(vary="Origin"), OUT, reason="CSRF"),
    design("csrfGuard leaves preflights to the lists", CSRF | {"allowMethods": ["PUT"]},
           preflight(APP, "PUT", None, _site("cross-site")), granted(APP, methods="PUT")),
    design("timingAllowOrigins: the list is sent to everybody, for the browser compares it", TIMING,
           actual("GET", APP), readable(APP, timing="https://rum.example.com")),
    design("timingAllowOrigins: a listed origin may read timings and nothing else", TIMING,
           actual("GET", "https://rum.example.com"),
           Answer(None, {"Timing-Allow-Origin": "https://rum.example.com", "Vary": "Origin"}), OUT),
    design("timingAllowOrigins: a star is sent to everybody", ONE | {"timingAllowOrigins": ["*"]},
           actual("GET", APP), readable(APP, timing="*")),
    design("timingAllowOrigins: a star is sent without an Origin",
           ONE | {"timingAllowOrigins": ["*"]},
           actual(), Answer(None, {"Timing-Allow-Origin": "*", "Vary": "Origin"}), OUT),
    design("crossOriginResourcePolicy is on an answer that the page may read", CORP,
           actual("GET", APP), Answer(None, {**readable(APP).fields, **EMBEDDABLE})),
    design("crossOriginResourcePolicy is on an image's answer, though nobody sent an Origin", CORP,
           actual(), Answer(None, {"Vary": "Origin"} | EMBEDDABLE), OUT),
    design("crossOriginResourcePolicy says nothing of who may read", CORP,
           actual("GET", EVIL), Answer(None, {"Vary": "Origin"} | EMBEDDABLE), OUT),
    design("crossOriginResourcePolicy is on a refusal", CORP | {"onDisallowedOrigin": "block"},
           actual("GET", EVIL), Answer(403, {"Vary": "Origin"} | EMBEDDABLE), OUT),
    design("crossOriginResourcePolicy is not on an answer to a preflight", CORP,
           preflight(APP, "POST"), granted(APP)),
    design("crossOriginResourcePolicy is not on the refusal of a preflight", CORP,
           preflight(EVIL, "POST"), refused(), OUT),
    design("crossOriginResourcePolicy goes with a star",
           {"allowOrigins": ["*"], "crossOriginResourcePolicy": "same-site"}, actual("GET", APP),
           Answer(None, {"Access-Control-Allow-Origin": "*",
                         "Cross-Origin-Resource-Policy": "same-site"})),
    design("crossOriginResourcePolicy: the API's own stands", CORP, actual(),
           Answer(None, {"Vary": "Origin", "Cross-Origin-Resource-Policy": "same-origin"}), OUT,
           stage=Stage.PLAN,
           upstream=Upstream(fields=(line("cross-origin-resource-policy", "same-origin"),))),
    *(
        design(f"crossOriginResourcePolicy is added beside the API's own CORS: {way}",
               CORP | {"upstreamCors": way}, actual("GET", APP),
               Answer(None, {**readable("*").fields, **EMBEDDABLE}), stage=Stage.PLAN,
               upstream=Upstream(fields=(line("Access-Control-Allow-Origin", "*"),)))
        for way in ("passthrough", "fallback")
    ),
    design("crossOriginResourcePolicy is on our own 502", CORP, actual("GET", APP),
           Answer(502, {**readable(APP).fields, **EMBEDDABLE}), stage=Stage.SOCKETS,
           upstream=Upstream(fails="refuses")),
    design("reportOnly adds no crossOriginResourcePolicy", CORP | {"mode": "reportOnly"},
           actual(), unreadable(vary=""), OUT),
    design("reportOnly changes nothing about a preflight", SPA | {"mode": "reportOnly"},
           preflight(EVIL, "PUT"), unreadable(vary=""), OUT, reason="ORIGIN_NOT_ALLOWED"),
    design("reportOnly adds nothing to an answer", SPA | {"mode": "reportOnly"},
           actual("GET", APP), unreadable(vary=""), OUT, reason="ORIGIN_ALLOWED", cookies=True),
    design("reportOnly blocks nobody", BLOCK | {"mode": "reportOnly"},
           actual("POST", EVIL), unreadable(vary=""), OUT, reason="ORIGIN_NOT_ALLOWED"),
    design("reportOnly leaves the API's own fields", SPA | {"mode": "reportOnly"},
           actual("GET", EVIL), readable("*", vary="Accept"), stage=Stage.PLAN,
           upstream=Upstream(fields=(line("Access-Control-Allow-Origin", "*"),
                                   line("Vary", "Accept")))),
    design("preflight: forward passes the API's own answer", SPA | {"preflight": "forward"},
           preflight(APP, "PUT"),
           Answer(None, {"Access-Control-Allow-Origin": "*", "Access-Control-Allow-Methods": "PUT"}),
           Verdict.ALLOWED, stage=Stage.PLAN,
           upstream=Upstream(status=200, fields=(line("Access-Control-Allow-Origin", "*"),
                                               line("Access-Control-Allow-Methods", "PUT")))),
    design("preflight: forward passes an origin that is not allowed too",
           SPA | {"preflight": "forward"}, preflight(EVIL, "PUT"), Answer(None, {}), OUT,
           stage=Stage.PLAN),
    design("preflight: forward leaves actual requests to us", SPA | {"preflight": "forward"},
           actual("GET", APP), SPA_READABLE, cookies=True),
    design("upstreamCors passthrough: the API's own fields stand",
           SPA | {"upstreamCors": "passthrough"}, actual("GET", APP),
           readable("https://api-says.example", vary="Accept, Origin"),
           Verdict.OTHER_ALLOW_ORIGIN, stage=Stage.PLAN,
           upstream=Upstream(fields=(line("Access-Control-Allow-Origin", "https://api-says.example"),
                                   line("Vary", "Accept")))),
    design("upstreamCors passthrough: the gateway answers preflights",
           SPA | {"upstreamCors": "passthrough"}, preflight(APP, "PUT"), SPA_GRANTED, cookies=True,
           stage=Stage.PLAN,
           upstream=Upstream(fields=(line("Access-Control-Allow-Origin", APP),
                                     line("Access-Control-Allow-Credentials", "true")))),
    design("upstreamCors fallback: the API's own fields stand", SPA | {"upstreamCors": "fallback"},
           actual("GET", APP), readable("https://api-says.example", vary="Origin"),
           Verdict.OTHER_ALLOW_ORIGIN, stage=Stage.PLAN,
           upstream=Upstream(fields=(line("Access-Control-Allow-Origin",
                                         "https://api-says.example"),))),
    design("upstreamCors fallback: where the API sends none, ours are sent",
           SPA | {"upstreamCors": "fallback"}, actual("GET", APP), SPA_READABLE, cookies=True,
           stage=Stage.PLAN, upstream=Upstream(fields=(line("X-A", "1"),))),
)  # fmt: skip


MODES: tuple[Case, ...] = (*MISSING_ORIGIN, *KEYS)
