"""The 29 cases of Kong's CORS plugin test, in our own words and data.

``kong N`` is the N-th case of ``spec/03-plugins/13-cors/01-access_spec.lua``, in its order; a
case that loops there is several rows here. Kong's entries are hosts, origins or regular
expressions in one list, and its tests send bare hosts as Origin, which no browser does: the rows
say the same with origins as browsers write them. Kong answers a preflight with 200; we with 204.
"""

from collections.abc import Iterator
from typing import Any

from tests.cases.fetch_case import (
    Case,
    LoadCase,
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
from tests.judge import Verdict

__all__ = ["KONG", "KONG_LOAD"]

NO_STATIC_ORIGIN = "Kong sends a single configured origin whatever the Origin is; we grant an origin only to itself"
CANONICAL_ONLY = (
    "Kong drops a default port from the Origin; browsers never send one, so we take it for forged"
)
SAFE_DEFAULTS = "Kong's default methods include TRACE and CONNECT, and it has no default headers"
NAMED_ORIGINS = "Kong allows every origin by default; we load nothing that names no origin"
FULL_ORIGINS = "Kong takes a host for an origin; ours are whole, because the scheme is half of it"

EVERYONE = "http://evil.test", "http://foo.test", "http://foo.test.evil.test"
KONG_ORIGINS = (
    *EVERYONE,
    "http://something.foo.test",
    "http://evilfoo.test",
    "http://foo.test:80",
    "http://foo.test:8000",
    "https://foo.test:8000",
    "http://foo.test:90",
    "http://foobtest",
    "https://bar.test:1234",
)
ANY_PORT = [r"http://foo\.test(:[0-9]+)?", r"https://foo\.test(:[0-9]+)?"]
SUBDOMAINS_ANY_PORT = [
    r"http://([a-z0-9-]+\.)*foo\.test(:[0-9]+)?",
    r"https://([a-z0-9-]+\.)*foo\.test(:[0-9]+)?",
]
SUBDOMAINS_8000 = [
    r"http://([a-z0-9-]+\.)*foo\.test:8000",
    r"https://([a-z0-9-]+\.)*foo\.test:8000",
]
BAR = {"allowOrigins": ["http://bar.test"]}
PLAIN_PORTS = {"http://foo.test", "http://foo.test:8000", "https://foo.test:8000", "http://foo.test:90"}  # fmt: skip

# What Kong's table of expressions says, policy by policy: which of the origins get in.
EXPRESSIONS: tuple[tuple[str, dict[str, Any], set[str], dict[str, str]], ...] = (
    (
        "one listed origin",
        {"allowOrigins": ["https://bar.test:1234"]},
        {"https://bar.test:1234"},
        {origin: NO_STATIC_ORIGIN for origin in KONG_ORIGINS if origin != "https://bar.test:1234"},
    ),
    (
        "an expression for one host on any port",
        {"allowOriginRegex": ANY_PORT},
        PLAIN_PORTS,
        {"http://foo.test:80": CANONICAL_ONLY},
    ),
    (
        "an expression for a host and its subdomains on any port",
        {"allowOriginRegex": SUBDOMAINS_ANY_PORT},
        PLAIN_PORTS | {"http://something.foo.test"},
        {"http://foo.test:80": CANONICAL_ONLY},
    ),
    (
        "an expression for a port under both schemes",
        {"allowOriginRegex": SUBDOMAINS_8000},
        {"http://foo.test:8000", "https://foo.test:8000"},
        {},
    ),
    (
        "patterns for a port under https",
        {"allowOrigins": ["https://foo.test:8000", "https://*.foo.test:8000"]},
        {"https://foo.test:8000"},
        {},
    ),
    (
        "an anchored expression with two ports",
        {"allowOriginRegex": [r"^http://([a-z0-9-]+\.)*foo\.test(:(80|90))?$"]},
        {"http://foo.test", "http://something.foo.test", "http://foo.test:90"},
        {"http://foo.test:80": CANONICAL_ONLY},
    ),
    (
        "two listed origins",
        {"allowOrigins": ["http://foo.test", "https://bar.test:1234"]},
        {"http://foo.test", "https://bar.test:1234"},
        {"http://foo.test:80": CANONICAL_ONLY},
    ),
    (
        "an origin beside an expression for one host",
        BAR | {"allowOriginRegex": ANY_PORT},
        PLAIN_PORTS,
        {"http://foo.test:80": CANONICAL_ONLY},
    ),
    (
        "an origin beside an expression for subdomains",
        BAR | {"allowOriginRegex": SUBDOMAINS_ANY_PORT},
        PLAIN_PORTS | {"http://something.foo.test"},
        {"http://foo.test:80": CANONICAL_ONLY},
    ),
    (
        "an origin beside an expression for a port",
        BAR | {"allowOriginRegex": SUBDOMAINS_8000},
        {"http://foo.test:8000", "https://foo.test:8000"},
        {},
    ),
    (
        "an origin beside an expression for a port under https",
        BAR | {"allowOriginRegex": SUBDOMAINS_8000[1:]},
        {"https://foo.test:8000"},
        {},
    ),
)

DEFAULTS = {"allowOrigins": ["*"]}
FULL = {
    "allowOrigins": ["http://example.test"],
    "allowMethods": ["GET"],
    "allowHeaders": ["X-Type", "Accepts"],
    "exposeHeaders": ["x-auth-token"],
    "maxAge": 23,
}
FULL_WITH_COOKIES = FULL | {"allowCredentials": True, "dangerouslyAllowInsecureOrigins": True}
REFLECTING = {
    "allowOrigins": ["*"],
    "allowHeaders": ["*"],
    "allowCredentials": True,
    "dangerouslyReflectAnyOrigin": True,
}
TWO_HOSTS = FULL | {"allowOrigins": ["http://example.test", "http://example.org"]}
TWO_SITES = {"allowOrigins": ["http://my-site.test", "http://my-other-site.test"]}
SITE_AND_PORT = {"allowOrigins": ["http://my-site.test", "https://my-other-site.test:9000"]}
STAR_AND_NAME = {"allowOrigins": ["http://foo.bar", "*"]}
NET = "http://www.example.net"


def _expressions() -> Iterator[Case]:
    for name, policy, inside, differs in EXPRESSIONS:
        for origin in KONG_ORIGINS:
            yield Case(
                sentence=f"{name}: {origin} is {'inside' if origin in inside else 'outside'}",
                provenance="kong 1",
                policy=policy,
                request=preflight(origin),
                answer=granted(origin) if origin in inside else refused(),
                browser=Verdict.ALLOWED if origin in inside else Verdict.NO_ALLOW_ORIGIN,
                differs=differs.get(origin),
            )


def _case(number: int, sentence: str, policy: dict[str, Any], *exchange: Any, **more: Any) -> Case:
    request, answer, *verdict = exchange
    return Case(
        sentence=sentence,
        provenance=f"kong {number}",
        policy=policy,
        request=request,
        answer=answer,
        browser=verdict[0] if verdict else Verdict.ALLOWED,
        **more,
    )


OUT = Verdict.NO_ALLOW_ORIGIN
FULL_READABLE = readable("http://example.test", expose="x-auth-token")

KONG: tuple[Case, ...] = (
    *_expressions(),
    _case(2, "a star grants a preflight with the default lists", DEFAULTS,
          preflight("http://origin1.test"), granted("*", vary=""), differs=SAFE_DEFAULTS),
    _case(4, "a star with credentials reflects, where that danger is named",
          REFLECTING | {"allowHeaders": []},
          preflight("http://origin5.test"),
          granted("http://origin5.test", credentials=True, headers=""),
          cookies=True, differs="Kong reflects without being told that it is dangerous"),
    _case(5, "a star beside a named origin is a star", STAR_AND_NAME,
          preflight(NET), granted("*", vary=""), differs=SAFE_DEFAULTS),
    _case(6, "every list of the policy is on the preflight", FULL_WITH_COOKIES,
          preflight("http://example.test"),
          granted("http://example.test", methods="GET", headers="X-Type, Accepts",
                  max_age="23", credentials=True, expose="x-auth-token"),
          cookies=True, differs="Kong has no Expose-Headers on preflights"),
    _case(6, "a preflight from another origin gets nothing, though one origin is listed",
          FULL_WITH_COOKIES, preflight("http://origin5.test"), refused(), OUT,
          cookies=True, differs=NO_STATIC_ORIGIN),
    _case(7, "an OPTIONS that is no preflight reaches the API, preflights forwarded or not",
          FULL | {"preflight": "forward"}, options(), unreadable(), OUT,
          upstream=Upstream(status=201), differs=NO_STATIC_ORIGIN),
    _case(8, "announced headers are granted by their names, with credentials", REFLECTING,
          preflight("http://origin5.test", "GET", "accepts,x-type"),
          granted("http://origin5.test", headers="accepts, x-type", credentials=True),
          cookies=True),
    _case(9, "an OPTIONS without Access-Control-Request-Method is an ordinary request", TWO_SITES,
          options((b"Origin", b"http://my-site.test")), readable("http://my-site.test")),
    _case(9, "an OPTIONS from another origin may not be read", TWO_SITES,
          options((b"Origin", b"http://bad-guys.test")), unreadable(), OUT),
    _case(9, "an OPTIONS from an origin that begins with a listed one may not be read", TWO_SITES,
          options((b"Origin", b"http://my-site.test.bad-guys.test")), unreadable(), OUT),
    _case(10, "a request for private-network access is granted without that field",
          {"allowOrigins": ["http://allowed-domain.test"], "allowMethods": ["PUT"]},
          preflight("http://allowed-domain.test", "PUT", None,
                    (b"Access-Control-Request-Private-Network", b"true")),
          granted("http://allowed-domain.test", methods="PUT"),
          differs="browsers dropped Private Network Access: a permission took its place"),
    _case(11, "a star is sent without an Origin too", DEFAULTS,
          actual(), readable("*", vary="")),
    _case(12, "an OPTIONS that is no preflight is forwarded and gets the star", DEFAULTS,
          options(), readable("*", vary="")),
    _case(13, "a GET from the listed origin gets origin, credentials and exposed headers",
          FULL_WITH_COOKIES, actual("GET", "http://example.test"),
          readable("http://example.test", credentials=True, expose="x-auth-token"), cookies=True),
    _case(13, "a GET without an Origin gets nothing but Vary", FULL_WITH_COOKIES,
          actual(), unreadable(), OUT, differs=NO_STATIC_ORIGIN),
    _case(14, "an API that does not answer gives a 502 that the page may read", FULL,
          actual("GET", "http://example.test"),
          readable("http://example.test", expose="x-auth-token", status=502),
          upstream=Upstream(fails="refuses"), stage=Stage.SOCKETS),
    _case(15, "an API that fails gives a 500 that the page may read", FULL,
          actual("GET", "http://example.test"), FULL_READABLE,
          upstream=Upstream(status=500), stage=Stage.PLAN),
    _case(16, "a 404 of the API may be read by a star", DEFAULTS,
          actual("GET", NET, target=b"/nothing"), readable("*", vary=""),
          upstream=Upstream(status=404), stage=Stage.PLAN),
    _case(17, "a 401 of the API may be read by a star", DEFAULTS,
          actual("GET", NET), readable("*", vary=""),
          upstream=Upstream(status=401, fields=((b"WWW-Authenticate", b"Basic"),)),
          stage=Stage.PLAN),
    _case(18, "a GET from one of two listed origins is granted to that one", TWO_HOSTS,
          actual("GET", "http://example.test"), FULL_READABLE),
    *(
        _case(18, f"an expression with an optional part: {origin} is "
                  f"{'inside' if inside else 'outside'}",
              {"allowOriginRegex": [r"http://(www\.)?example(-foo)?\.test"]},
              actual("GET", origin), readable(origin) if inside else unreadable(),
              Verdict.ALLOWED if inside else OUT)
        for origin, inside in (
            ("http://example.test", True),
            ("http://www.example.test", True),
            ("http://example-foo.test", True),
            ("http://www.example-foo.test", True),
            ("http://www.example-fo0.test", False),
        )
    ),
    _case(19, "Origin joins the Vary of the API", FULL,
          actual("GET", "http://example.test"),
          readable("http://example.test", expose="x-auth-token", vary="Accept-Encoding, Origin"),
          upstream=Upstream(fields=((b"Vary", b"Accept-Encoding"),)), stage=Stage.PLAN),
    _case(20, "a listed origin under another scheme may not be read", TWO_HOSTS,
          actual("GET", "https://example.test"), unreadable(), OUT),
    _case(21, "a listed origin may be read", SITE_AND_PORT,
          actual("GET", "http://my-site.test"), readable("http://my-site.test")),
    _case(21, "a listed origin with its default port spelled out may not be read", SITE_AND_PORT,
          actual("GET", "http://my-site.test:80"), unreadable(), OUT, differs=CANONICAL_ONLY),
    *(
        _case(21, f"a listed host with another scheme or port may not be read: {origin}",
              SITE_AND_PORT, actual("GET", origin), unreadable(), OUT)
        for origin in (
            "http://my-site.test:8000",
            "https://my-site.test",
            "https://my-other-site.test:9001",
        )
    ),
    _case(21, "a listed origin with a port may be read", SITE_AND_PORT,
          actual("GET", "https://my-other-site.test:9000"),
          readable("https://my-other-site.test:9000")),
    _case(22, "an origin on no list may not be read", TWO_HOSTS,
          actual("GET", NET), unreadable(), OUT),
    _case(23, "a reflecting policy names the page's origin, and allows credentials", REFLECTING,
          actual("GET", NET), readable(NET, credentials=True), cookies=True),
    _case(24, "a reflecting policy names the page's port", REFLECTING,
          actual("GET", f"{NET}:3000"), readable(f"{NET}:3000", credentials=True), cookies=True),
    _case(25, "a star without credentials is sent as it is, without Vary",
          DEFAULTS | {"allowCredentials": False}, actual("GET", NET), readable("*", vary="")),
    _case(26, "a star beside a named origin is sent on a GET", STAR_AND_NAME,
          actual("GET", NET), readable("*", vary="")),
    *(
        _case(27, f"the API's own star is removed for {what}",
              {"allowOrigins": ["https://allowed-domain.test"], "allowCredentials": True,
               "allowMethods": ["GET"], "maxAge": 1728000},
              actual("GET", origin), answer, verdict, cookies=True,
              upstream=Upstream(fields=((b"Response-Header", b"is-added"),
                                        (b"Access-Control-Allow-Origin", b"*"))),
              stage=Stage.PLAN, differs=differs)
        for what, origin, answer, verdict, differs in (
            ("a listed origin", "https://allowed-domain.test",
             readable("https://allowed-domain.test", credentials=True), Verdict.ALLOWED, None),
            ("another origin", "https://disallowed-domain.test", unreadable(), OUT,
             "Kong leaves Allow-Credentials on the answer; an origin on no list learns nothing"),
        )
    ),
    *(
        _case(number, f"{what} gets no Allow-Origin: {sentence}",
              FULL | {"allowOrigins": ["https://foo.bar"], "allowCredentials": True},
              actual("GET", origin), unreadable(), OUT, differs=differs)
        for number, sentence, differs in (
            (28, "an absent origin is granted nothing", None),
            (29, "no static origin", NO_STATIC_ORIGIN),
        )
        for what, origin in (("a GET without an Origin", None), ("a GET with an empty Origin", ""))
    ),
)  # fmt: skip

KONG_LOAD: tuple[LoadCase, ...] = (
    *(
        LoadCase(
            sentence=f"a host is no origin: {' and '.join(hosts)}",
            provenance="kong 1",
            policy={"allowOrigins": hosts},
            severity="error",
            key="allowOrigins",
            mentions=(hosts[0], f"https://{hosts[0]}"),
            differs=FULL_ORIGINS,
        )
        for hosts in (["foo.test"], ["foo.test", "bar.test"])
    ),
    LoadCase(
        sentence="an expression for a host is no expression for an origin",
        provenance="kong 1",
        policy={"allowOriginRegex": [r"foo\.test"]},
        severity="warning",
        key="allowOriginRegex",
        mentions=(r"foo\.test",),
        differs=FULL_ORIGINS,
    ),
    LoadCase(
        sentence="an empty list of origins does not stand for all",
        provenance="kong 3",
        policy={"allowOrigins": []},
        severity="error",
        key="allowOrigins",
        differs=NAMED_ORIGINS,
    ),
    LoadCase(
        sentence="a star with credentials does not load without its danger being named",
        provenance="kong 4",
        policy={"allowOrigins": ["*"], "allowCredentials": True},
        severity="error",
        key="allowOrigins",
        mentions=("dangerouslyReflectAnyOrigin",),
        differs="Kong reflects every origin",
    ),
    LoadCase(
        sentence="a named origin beside a star has no effect",
        provenance="kong 5",
        policy=STAR_AND_NAME,
        severity="warning",
        key="allowOrigins",
        mentions=("http://foo.bar",),
    ),
    LoadCase(
        sentence="an expression whose last dot is not escaped lets a stranger in",
        provenance="kong 18",
        policy={"allowOriginRegex": [r"http://.*\.?example(?:-foo)?.test"]},
        severity="error",
        key="allowOriginRegex",
        mentions=("http",),
        differs="Kong's own example admits hosts that merely end like it",
    ),
)
