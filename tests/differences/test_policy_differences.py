"""Who may call, and how: what is said of each key, and what counts as wider."""

import pytest

from cors_gateway.differences.compare import compare
from tests.differences.comparing import configured, routed, said

A, B = "https://a.example.com", "https://b.example.com"


def cors(rest: str = "", origins: str = A) -> str:
    """Write a policy."""
    return f"{{allowOrigins: [{origins}]{', ' * bool(rest)}{rest}}}"


ANYBODY = '"*"'
COOKIES = "allowCredentials: true"
REFLECTED = "allowCredentials: true, dangerouslyReflectAnyOrigin: true"
GUARD = "csrfGuard: true"

ROWS = [
    ("an origin more", cors(), cors(origins=f"{A}, {B}"), [f"wider: {B} may call now"]),
    ("an origin less", cors(origins=f"{A}, {B}"), cors(), [f"{B} may not call any more"]),
    (
        "a pattern more",
        cors(),
        cors(origins=f"{A}, https://*.example.com"),
        ["wider: https://*.example.com may call now, such as https://b.example.com"],
    ),
    (
        "a pattern less",
        cors(origins=f"{A}, https://*.example.com"),
        cors(),
        [
            "https://*.example.com may not call any more, for example https://b.example.com",
        ],
    ),
    ("an origin that a pattern named", cors(origins="https://*.example.com"), cors(
        origins=f"https://*.example.com, {A}"), []),
    (
        "an expression within a pattern",
        cors(origins="https://*.example.com"),
        cors(r"allowOriginRegex: 'https://[ab]\.example\.com'", "https://*.example.com"),
        [],
    ),
    (
        "everybody",
        cors(),
        cors(origins=ANYBODY),
        [
            "wider: any origin may call now",
            "wider: the origin null may call now, which any page can give itself",
        ],
    ),
    (
        "everybody no more",
        cors(origins=ANYBODY),
        cors(),
        [
            "not every origin may call any more, only those that are named",
            f"{A} is named now",
            "the origin null may not call any more",
        ],
    ),
    (
        "named origins pass the guard, which everybody did not",
        cors(GUARD, ANYBODY),
        cors(GUARD),
        [
            "not every origin may call any more, only those that are named",
            f"wider: {A} is named now, and passes csrfGuard",
            "the origin null may not call any more",
        ],
    ),
    (
        "a name beside everybody passes the guard",
        cors(f"{GUARD}, {REFLECTED}", ANYBODY),
        cors(f"{GUARD}, {REFLECTED}", f"{ANYBODY}, {A}"),
        [f"wider: {A} is named now, and passes csrfGuard"],
    ),
    (
        "a name beside a literal * was none",
        cors(GUARD, f"{ANYBODY}, {A}"),
        cors(GUARD),
        [
            "not every origin may call any more, only those that are named",
            f"wider: {A} is named now, and passes csrfGuard",
            "the origin null may not call any more",
        ],
    ),
    (
        "null",
        cors(),
        cors("dangerouslyAllowNullOrigin: true"),
        ["wider: the origin null may call now, which any page can give itself"],
    ),
    ("cookies", cors(), cors(COOKIES), ["wider: pages may send cookies now"]),
    ("no cookies", cors(COOKIES), cors(), ["pages may not send cookies any more"]),
    (
        "everybody with cookies",
        cors(COOKIES),
        cors(REFLECTED, ANYBODY),
        ["wider: any origin may call now"],
    ),
    (
        "methods",
        cors("allowMethods: [PUT, PATCH]"),
        cors("allowMethods: [PUT, DELETE]"),
        ["wider: DELETE may be used now", "PATCH may not be used any more"],
    ),
    (
        "every method",
        cors(),
        cors('allowMethods: ["*"]'),
        ["wider: any method may be used now"],
    ),
    (
        "not every method",
        cors('allowMethods: ["*"]'),
        cors("allowMethods: [PUT]"),
        ["only methods that are listed may be used now"],
    ),
    ("a method that every page may use", cors(), cors("allowMethods: [GET, PUT]"),
        ["wider: PUT may be used now"]),
    (
        "request headers, however they are spelled",
        cors("allowHeaders: [X-A, X-B]"),
        cors("allowHeaders: [x-b, X-C]"),
        ["wider: pages may send the header X-C now", "pages may not send the header X-A any more"],
    ),
    (
        "Authorization, which * does not cover",
        cors('allowHeaders: ["*"]'),
        cors('allowHeaders: ["*", Authorization]'),
        ["wider: pages may send the header Authorization now"],
    ),
    (
        "every other request header",
        cors("allowHeaders: [Authorization]"),
        cors('allowHeaders: ["*", Authorization]'),
        ["wider: pages may send any header now"],
    ),
    (
        "every request header and the one that * does not cover",
        cors(),
        cors('allowHeaders: ["*", AUTHORIZATION]'),
        ["wider: pages may send the header AUTHORIZATION and any other now"],
    ),
    (
        "not every request header",
        cors('allowHeaders: ["*"]'),
        cors("allowHeaders: [X-A]"),
        ["pages may send only headers that are listed now"],
    ),
    (
        "response headers",
        cors("exposeHeaders: [X-A]"),
        cors("exposeHeaders: [X-B]"),
        ["wider: pages may read the header X-B now", "pages may not read the header X-A any more"],
    ),
    (
        "several response headers",
        cors(),
        cors("exposeHeaders: [X-B, X-A]"),
        ["wider: pages may read the headers X-B and X-A now"],
    ),
    ("every response header", cors("exposeHeaders: [X-A]"), cors('exposeHeaders: ["*"]'),
        ["wider: pages may read any header now"]),
    (
        "timings",
        cors(),
        cors(f"timingAllowOrigins: [{B}]"),
        [f"wider: {B} may read timings now"],
    ),
    ("max age", cors(), cors("maxAge: 1h"), ["maxAge: 600s → 3600s"]),
    (
        "who embeds",
        cors("crossOriginResourcePolicy: same-site"),
        cors("crossOriginResourcePolicy: cross-origin"),
        [
            ("wider: crossOriginResourcePolicy: same-site → cross-origin: "
            "pages of other origins may embed answers")
        ],
    ),
    (
        "who embeds less",
        cors(),
        cors("crossOriginResourcePolicy: same-origin"),
        ["crossOriginResourcePolicy: nothing → same-origin"],
    ),
    (
        "block",
        cors(),
        cors("onDisallowedOrigin: block"),
        ["onDisallowedOrigin: omit → block"],
    ),
    (
        "omit",
        cors("onDisallowedOrigin: block"),
        cors(),
        ["wider: onDisallowedOrigin: block → omit: requests of other origins reach the API"],
    ),
    (
        "preflights of the API's own",
        cors(),
        cors("preflight: forward"),
        ["wider: preflight: answer → forward: the API answers preflights"],
    ),
    (
        "the API's own headers",
        cors(),
        cors("upstreamCors: passthrough"),
        ["wider: upstreamCors: strip → passthrough: the API's own CORS headers decide"],
    ),
    (
        "nothing but the API's own headers",
        cors("upstreamCors: fallback"),
        cors("upstreamCors: passthrough"),
        ["upstreamCors: fallback → passthrough"],
    ),
    (
        "a guard less",
        cors(GUARD),
        cors(),
        ["wider: csrfGuard: true → false: pages of other sites may send what changes something"],
    ),
    ("a guard more", cors(), cors(GUARD), ["csrfGuard: false → true"]),
    (
        "WebSockets of programs",
        cors("requireOrigin: true"),
        cors(),
        ["wider: requireOrigin: true → false: WebSockets without an Origin are let through"],
    ),
    (
        "origins found elsewhere",
        cors("missingOrigin: {from: [Referer]}"),
        cors("missingOrigin: {from: [Referer, Host]}"),
        [
            ("wider: missingOrigin.from: [Referer] → [Referer, Host]: "
            "origins are found elsewhere where a request has none")
        ],
    ),
    (
        "one place less to find them",
        cors("missingOrigin: {from: [Referer, Host]}"),
        cors("missingOrigin: {from: [Referer]}"),
        ["missingOrigin.from: [Referer, Host] → [Referer]"],
    ),
    (
        "another place is looked at first",
        cors("missingOrigin: {from: [Referer, Host]}"),
        cors("missingOrigin: {from: [Host]}"),
        [
            ("wider: missingOrigin.from: [Referer, Host] → [Host]: "
            "origins are found elsewhere where a request has none")
        ],
    ),
    (
        "only the log",
        cors(),
        cors("mode: reportOnly"),
        [
            ("wider: mode: enforce → reportOnly: nothing is refused, and "
            "the API's own CORS headers decide")
        ],
    ),
    (
        "from the log to the wire",
        cors("mode: reportOnly"),
        cors(),
        ["wider: mode: reportOnly → enforce: the gateway decides, and not the API"],
    ),
    (
        "what is only logged",
        cors("mode: reportOnly"),
        cors("mode: reportOnly", f"{A}, {B}"),
        [f"{B} may call now"],
    ),
    (
        "a policy at last",
        "false",
        cors(COOKIES),
        [
            ("wider: cors: false → a policy: the gateway decides, and not the API; "
            f"{A} may call with cookies")
        ],
    ),
    (
        "a policy no more",
        cors(),
        "false",
        [
            ("wider: cors: a policy → false: nothing is refused, and "
            "the API's own CORS headers decide")
        ],
    ),
    (
        "a policy that is only logged",
        "false",
        cors("mode: reportOnly"),
        [
            ("cors: false → a policy: the API's own CORS headers decide; "
            f"{A} could, if the mode were enforce, call")
        ],
    ),
]  # fmt: skip


@pytest.mark.parametrize(
    "old, new, lines", [pytest.param(old, new, lines, id=title) for title, old, new, lines in ROWS]
)
def test_what_is_said_of_a_policy(old: str, new: str, lines: list[str]) -> None:
    assert said(routed(old), routed(new)) == [
        f"{'wider: ' * line.startswith('wider: ')}route api: {line.removeprefix('wider: ')}"
        for line in lines
    ]


@pytest.mark.parametrize("policy", [pytest.param(row[2], id=row[0]) for row in ROWS])
def test_there_is_nothing_to_say_of_what_is_the_same(policy: str) -> None:
    assert said(routed(policy), routed(policy)) == []


def test_a_policy_under_another_name_is_the_same() -> None:
    named = f"corsPolicies: {{spa: {cors()}}}\n"

    assert said(routed(cors()), routed("spa", rest=named)) == []


SHARED = """\
corsPolicies:
  spa:
    allowOrigins:
      - https://a.example.com
      - https://b.example.com
    allowCredentials: true
routes:
  - {name: one, match: {path: /1}, upstream: http://h, cors: spa}
  - {name: two, match: {path: /2}, upstream: http://h, cors: spa}
  - {name: own, match: {path: /3}, upstream: http://h, cors: {allowOrigins: [https://a.example.com]}}
"""


def test_what_routes_share_is_said_once_and_at_its_line() -> None:
    old = SHARED.replace("      - https://b.example.com\n", "").replace("true", "false")

    found = compare(configured(old), configured(SHARED, "new.yaml"))

    assert [(each.text, each.source) for each in found] == [
        ("routes one and two: https://b.example.com may call now", "new.yaml:5"),
        ("routes one and two: pages may send cookies now", "new.yaml:6"),
    ]


def test_the_policy_of_answers_without_a_route_is_one_too() -> None:
    old = f"{SHARED}defaults: {{cors: {{allowOrigins: [https://b.example.com]}}}}\n"
    new = f"{SHARED}defaults: {{cors: {{allowOrigins: [https://c.example.com]}}}}\n"

    assert said(old, new) == [
        "wider: requests that no route takes: https://c.example.com may call now",
        "requests that no route takes: https://b.example.com may not call any more",
    ]


def test_of_very_many_origins_the_rest_is_counted() -> None:
    many = ", ".join(f"https://a{number}.example.com" for number in range(100))

    lines = said(routed(cors()), routed(cors(origins=f"{A}, {many}")))

    assert len(lines) == 21
    assert lines[-1] == "wider: route api: the same for 80 more: may call now"
