import gc
import time
from collections.abc import Callable
from ipaddress import ip_network

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from cors_gateway.config.load import Loaded, load
from cors_gateway.config.problems import render_text
from cors_gateway.config.public_suffixes import is_public_suffix, is_registry_suffix
from cors_gateway.config.schema import settings_blocks
from cors_gateway.snapshot import (
    Admin,
    Drain,
    Endpoint,
    HealthCheck,
    Limits,
    Listener,
    ListenerTls,
    LogSettings,
    PoolLimits,
    Snapshot,
    Timeouts,
    UpstreamTimeouts,
)
from tests.cases.configs import INVALID, READER, WARNED, FakeReader, Row

SMALLEST = "routes: [{match: {path: /}, upstream: 'http://a:5000', cors: false}]"


def loaded(text: str | bytes, reader: FakeReader = READER) -> Loaded:
    return load(text, "f.yaml", reader, is_public_suffix, is_registry_suffix)


def snapshot_of(text: str, reader: FakeReader = READER) -> Snapshot:
    result = loaded(text, reader)
    assert result.snapshot is not None, render_text(result.problems)
    return result.snapshot


def assert_says(result: Loaded, row: Row) -> None:
    said = render_text(result.problems).replace("f.yaml:", "").splitlines()
    expected = row.problems.splitlines()
    beginnings = [
        line[: len(wanted) - 1] + "…" if wanted.endswith(": …") else line
        for line, wanted in zip(said, expected, strict=False)
    ]
    assert beginnings + said[len(expected) :] == expected


@pytest.mark.row("E1", "E2", "E3", "E4")
@pytest.mark.parametrize("row", [pytest.param(row, id=row.title) for row in INVALID])
def test_a_mistake_is_said_at_its_place_with_its_remedy(row: Row) -> None:
    result = loaded(row.text)

    assert_says(result, row)
    assert result.snapshot is None


@pytest.mark.parametrize("row", [pytest.param(row, id=row.title) for row in WARNED])
def test_a_warning_does_not_keep_from_loading(row: Row) -> None:
    result = loaded(row.text)

    assert_says(result, row)
    assert result.snapshot is not None


@pytest.mark.row("E10")
@pytest.mark.parametrize("row", [pytest.param(row, id=row.title) for row in (*INVALID, *WARNED)])
def test_no_problem_shows_what_came_from_outside(row: Row) -> None:
    said = render_text(loaded(row.text).problems).lower()

    assert "tr0ub4dor" not in said
    assert "horse" not in said


@pytest.mark.parametrize("upgrades", ["[websocket]", "[]"])
def test_protocols_of_a_transparent_route_may_be_written_out(upgrades: str) -> None:
    upstream = f"{{url: 'http://a:1', upgrades: {upgrades}}}"
    result = loaded(f"routes: [{{match: {{path: /}}, upstream: {upstream}, cors: false}}]")

    assert result.problems == ()
    assert result.snapshot is not None


def test_all_mistakes_of_all_stages_are_reported_at_once() -> None:
    result = loaded("""\
log: {level: info, level: info}
sever: {}
server: {timeouts: {head: 10}, publicOrigin: "${NOT_SET}"}
corsPolicies:
  spa: {allowOrigins: [5, "https://a.example.com/"], maxAge: soon, allowMethods: [TRACE]}
routes:
  - {match: {path: api}, upstream: "http://a:1", cors: spaa}
  - {name: b, match: {path: /}, cors: spa, stripPrefix: true}
  - {name: b, match: {path: /}, upstream: "http://a:1", cors: spa}
tests: [{expect: allow}]
""")

    assert [str(problem).split(": ")[1] for problem in result.problems] == [
        "log.level",
        "sever",
        "server.timeouts.head",
        "server.publicOrigin",
        "corsPolicies.spa.allowOrigins[0]",
        "corsPolicies.spa.allowOrigins[1]",
        "corsPolicies.spa.maxAge",
        "corsPolicies.spa.allowMethods[0]",
        "routes[0].match.path",
        "routes[0].cors",
        "routes[1].upstream",
        "routes[1].stripPrefix",
        "routes[2].name",
        "routes[2].match",
        "tests[0].path",
    ]


def test_one_mistake_is_reported_once() -> None:
    result = loaded("""\
corsPolicies:
  spa: {origins: [https://a.example.com]}
routes:
  - {match: {path: /}, backend: "http://a:1", cors: spa}
  - {match: {pth: /a}, upstream: "${NOT_SET}", cors: [spa]}
""")

    assert [str(problem).split(": ")[1] for problem in result.problems] == [
        "corsPolicies.spa.origins",
        "routes[0].backend",
        "routes[1].match.pth",
        "routes[1].upstream",
        "routes[1].cors",
    ]


def test_the_smallest_document_has_the_documented_defaults() -> None:
    snapshot = snapshot_of(SMALLEST)

    assert snapshot.listeners == (Listener("0.0.0.0", 8080),)
    assert (snapshot.limits, snapshot.timeouts) == (Limits(), Timeouts())
    assert (snapshot.drain, snapshot.log) == (Drain(), LogSettings())
    assert (snapshot.public_origin, snapshot.trusted_proxies) == (None, ())
    assert snapshot.default_policy is None
    (route,) = snapshot.routes
    assert (route.name, route.path, route.host, route.methods) == ("root", b"/", None, None)
    assert (route.policy, route.strip_prefix, route.host_field) == (None, False, None)
    assert (route.origin_field, route.set_fields) == (None, ())
    assert (route.source, route.policy_key) == ("f.yaml:1", "")
    assert route.upstream.timeouts == UpstreamTimeouts()
    assert route.upstream.pool == PoolLimits()


def test_every_key_reaches_the_snapshot() -> None:
    snapshot = snapshot_of("""\
server:
  listen: ["[::1]:9000", {address: "unix:/run/s", tls: {certificate: c.pem, key: /k}}]
  tls: {certificate: cert.pem, key: key.pem}
  workers: 1
  publicOrigin: https://www.example.com
  trustedProxies: [10.0.0.0/8, "::1"]
  limits: {connections: 7, target: 1KiB, fieldSection: 2KiB, fieldLines: 10, content: 1MiB, requestsPerConnection: 5}
  timeouts: {head: 1s, content: 2s, write: 3s, keepAlive: 4s}
  drain: {delay: 5s, timeout: 6s}
admin: false
log: {level: debug, format: json, access: false}
corsPolicies:
  spa:
    allowOrigins: [https://a.example.com]
    allowOriginRegex: https://[a-z]+\\.b\\.example\\.com
    allowMethods: [PUT]
    allowHeaders: []
    exposeHeaders: [X-A]
    allowCredentials: true
    maxAge: 1h
    onDisallowedOrigin: block
    preflight: forward
    upstreamCors: fallback
    missingOrigin: {from: [Referer, Host]}
    timingAllowOrigins: [https://a.example.com]
    crossOriginResourcePolicy: same-site
    mode: reportOnly
    csrfGuard: true
    dangerouslyAllowNullOrigin: false
    dangerouslyReflectAnyOrigin: false
    dangerouslyAllowInsecureOrigins: false
    dangerouslyAllowPublicSuffixes: false
defaults: {cors: spa}
routes:
  - name: api
    match: {path: /api/, host: API.example.com, methods: [GET, PUT]}
    upstream:
      urls: [http://legacy:5000/v1/]
      stripPrefix: true
      host: upstream
      origin: drop
      timeouts: {connect: 1s, response: 2s, idle: 3s}
      headers: {set: {X-Api-Key: "${SECRET}"}, remove: [X-Debug]}
      pool: {connections: 8, idle: 9s}
      healthCheck: {path: "/up?deep", interval: 7s, timeout: 1s, status: [200, 204]}
  - match: {path: /b}
    upstream: {url: unix:/run/b, host: b.example.com, origin: https://b.example.com}
    cors: {allowOrigins: ["*"]}
""")

    assert snapshot.listeners == (
        Listener("::1", 9000, tls=ListenerTls("/conf/cert.pem", "/conf/key.pem")),
        Listener("", 0, "/run/s", ListenerTls("/conf/c.pem", "/k")),
    )
    assert snapshot.public_origin == b"https://www.example.com"
    assert snapshot.trusted_proxies == (ip_network("10.0.0.0/8"), ip_network("::1"))
    assert snapshot.limits == Limits(7, 1024, 2048, 10, 1 << 20, 5)
    assert snapshot.timeouts == Timeouts(1, 2, 3, 4)
    assert snapshot.drain == Drain(5, 6)
    assert snapshot.log == LogSettings("debug", "json", access=False)

    api, other = snapshot.routes
    assert (api.name, api.path, api.host) == ("api", b"/api", b"api.example.com")
    assert api.methods == frozenset({b"GET", b"PUT"})
    assert api.upstream.endpoints == (Endpoint("legacy", 5000),)
    assert (api.upstream.base_path, api.strip_prefix) == (b"/v1", True)
    assert (api.host_field, api.origin_field) == (b"legacy:5000", b"")
    assert api.upstream.timeouts == UpstreamTimeouts(1, 2, 3)
    assert api.upstream.pool == PoolLimits(8, 9)
    statuses = frozenset({200, 204})
    check = HealthCheck(b"/up?deep", b"legacy:5000", 7, 1, statuses)
    assert api.upstream.health_check == check
    assert api.set_fields == ((b"X-Api-Key", b"Tr0ub4dor"),)
    assert api.remove_fields == {b"x-debug"}
    assert (api.source, api.policy_source) == ("f.yaml:35", "f.yaml:14")
    assert (api.policy_name, api.policy_key) == ("spa", "corsPolicies.spa")
    assert api.policy is not None
    assert api.policy is snapshot.default_policy
    policy = api.policy.settings
    assert policy.allow_origin_regex == (r"https://[a-z]+\.b\.example\.com",)
    assert (policy.allow_methods, policy.allow_headers) == (("PUT",), ())
    assert (policy.expose_headers, policy.max_age) == (("X-A",), 3600)
    assert (policy.on_disallowed_origin, policy.preflight) == ("block", "forward")
    assert (policy.upstream_cors, policy.mode) == ("fallback", "reportOnly")
    assert policy.missing_origin == ("Referer", "Host")
    assert policy.timing_allow_origins == ("https://a.example.com",)
    assert policy.cross_origin_resource_policy == "same-site"
    assert (policy.allow_credentials, policy.csrf_guard) == (True, True)

    assert (other.name, other.upstream.endpoints[0].unix_path) == ("b", "/run/b")
    assert other.host_field == b"b.example.com"
    assert other.origin_field == b"https://b.example.com"
    assert (other.policy_name, other.policy_key) == (None, "routes[1].cors")
    assert other.policy_source == "f.yaml:48"
    assert snapshot.router.match(b"x", b"/b/c", b"GET").route is other


GENERAL = ListenerTls("/conf/c.pem", "/conf/k.pem")


@pytest.mark.parametrize(
    "listen, expected",
    [
        pytest.param('":1"', [GENERAL], id="one address"),
        pytest.param('[":1", "[::]:2"]', [GENERAL, GENERAL], id="several"),
        pytest.param("unix:/a", [None], id="a unix socket is plain"),
        pytest.param('[{address: "unix:/a"}, {address: ":1"}]', [None, GENERAL], id="blocks"),
        pytest.param('[{address: ":1", tls: false}, ":2"]', [None, GENERAL], id="one without"),
        pytest.param('[{address: ":1", tls: "${NO}"}, ":2"]', [None, GENERAL], id="a variable"),
        pytest.param(
            '[{address: "unix:/a", tls: {certificate: /c, key: /k}}, ":1"]',
            [ListenerTls("/c", "/k"), GENERAL],
            id="one with its own",
        ),
    ],
)
def test_the_servers_certificate_is_every_tcp_listeners(
    listen: str, expected: list[ListenerTls | None]
) -> None:
    server = f"server: {{tls: {{certificate: c.pem, key: k.pem}}, listen: {listen}}}\n"
    snapshot = snapshot_of(server + SMALLEST, FakeReader({"NO": "false"}))

    assert [listener.tls for listener in snapshot.listeners] == expected


@pytest.mark.parametrize("tls", ["", "tls: false,"])
def test_without_a_certificate_listeners_are_plain(tls: str) -> None:
    snapshot = snapshot_of(f'server: {{{tls} listen: [":1", "[::]:1", ":0", ":0"]}}\n{SMALLEST}')

    assert [listener.tls for listener in snapshot.listeners] == [None] * 4


def test_the_rest_of_the_dangerous_keys_reach_the_policy() -> None:
    snapshot = snapshot_of(
        "routes: [{match: {path: /}, upstream: 'http://a:1', cors: {"
        "allowOrigins: ['*'], allowCredentials: true, dangerouslyReflectAnyOrigin: true}},"
        "{match: {path: /b}, upstream: 'http://a:1', cors: {dangerouslyAllowNullOrigin: true}},"
        "{match: {path: /c}, upstream: 'http://a:1', cors: {allowCredentials: true,"
        "allowOrigins: ['http://a.example.com'], dangerouslyAllowInsecureOrigins: true}},"
        "{match: {path: /d}, upstream: 'http://a:1', cors: {allowCredentials: true,"
        "allowOrigins: ['https://*.github.io'], dangerouslyAllowPublicSuffixes: true}}]"
    )

    reflect, null, insecure, suffixes = (
        route.policy.settings for route in snapshot.routes if route.policy
    )
    assert reflect.dangerously_reflect_any_origin
    assert null.dangerously_allow_null_origin
    assert insecure.dangerously_allow_insecure_origins
    assert suffixes.dangerously_allow_public_suffixes


def test_equal_upstreams_and_equal_policies_are_one() -> None:
    snapshot = snapshot_of(
        "routes: [{match: {path: /a}, upstream: 'http://a:1', cors: {allowOrigins: ['*']}},"
        "{match: {path: /b}, upstream: {url: 'http://a:1', host: upstream},"
        "cors: {allowOrigins: ['*']}}]"
    )

    first, second = snapshot.routes
    assert first.upstream is second.upstream
    assert first.policy is second.policy


@pytest.mark.parametrize(
    "limits, env",
    [
        pytest.param("{connections: '${N}'}", {"N": "5"}, id="a number in quotes"),
        pytest.param("{connections: '${N:-5}'}", {}, id="a default"),
        pytest.param("{connections: '${N}${M}'}", {"N": "0", "M": "5"}, id="two halves"),
    ],
)
def test_a_substitution_may_be_a_number(limits: str, env: dict[str, str]) -> None:
    text = f"server: {{limits: {limits}}}\n{SMALLEST}"

    assert snapshot_of(text, FakeReader(env)).limits.connections == 5


@pytest.mark.parametrize("cors", ["false", "spa"])
def test_a_substitution_may_choose_the_policy(cors: str) -> None:
    text = (
        "corsPolicies: {spa: {allowOrigins: ['*']}}\n"
        "routes: [{match: {path: /}, upstream: 'http://a:1', cors: '${CORS}'}]"
    )

    (route,) = snapshot_of(text, FakeReader({"CORS": cors})).routes
    assert (route.policy is None) == (cors == "false")


def test_a_number_from_the_environment_is_text_where_text_is_asked_for() -> None:
    text = (
        "routes: [{match: {path: /}, cors: false,"
        "upstream: {url: 'http://a:1', headers: {set: {X-Api-Key: '${KEY}'}}}}]"
    )

    (route,) = snapshot_of(text, FakeReader({"KEY": "12345"})).routes
    assert route.set_fields == ((b"X-Api-Key", b"12345"),)


def test_an_environment_that_is_no_unicode_is_a_problem() -> None:
    text = (
        "log: {level: '${L}'}\n"
        "routes: [{name: '${L}', match: {path: /}, upstream: 'http://a', cors: false}]"
    )
    result = loaded(text, FakeReader({"L": "a\udcff"}))

    assert [str(problem).split(": ")[1] for problem in result.problems] == [
        "log.level",
        "routes[0].name",
    ]


def test_tests_are_data_with_positions() -> None:
    result = loaded(f"""\
tests:
  - {{origin: https://a.example.com, method: PUT, path: /a?b, host: A.example.com, expect: allow}}
  - {{name: n, path: /, headers: {{X-A: b}}, credentials: true, expect: deny}}
{SMALLEST}
""")

    first, second = result.expectations
    assert (first.name, first.origin) == (
        "PUT /a?b from https://a.example.com",
        b"https://a.example.com",
    )
    assert (first.method, first.target, first.host) == (b"PUT", b"/a?b", b"a.example.com")
    assert (first.allow, str(first.position)) == (True, "f.yaml:2:5")
    assert (second.name, second.origin, second.method) == ("n", None, b"GET")
    assert (second.headers, second.credentials) == (((b"X-A", b"b"),), True)
    assert (second.allow, second.host) == (False, None)


@pytest.mark.parametrize(
    ("written", "admin"),
    [
        pytest.param("", Admin(), id="nothing said"),
        pytest.param("admin: false", None, id="none wanted"),
        pytest.param("admin: {}", Admin(), id="an empty block"),
        pytest.param(
            'admin: {listen: ":9901"}',
            Admin(Listener(port=9901), is_default=False),
            id="an address",
        ),
        pytest.param(
            "admin: {listen: unix:/run/a, hosts: [Ops.Example.COM]}",
            Admin(Listener("", 0, "/run/a"), frozenset({"ops.example.com"}), is_default=False),
            id="a unix socket, and a name",
        ),
        pytest.param(
            'server: {listen: ":9901"}', Admin(), id="an address nobody chose gives way later"
        ),
    ],
)
def test_the_admin_listener(written: str, admin: Admin | None) -> None:
    text = f"{written}\nroutes: [{{match: {{path: /}}, upstream: 'http://a:1', cors: false}}]"

    assert snapshot_of(text).admin == admin


@pytest.mark.parametrize(("written", "workers"), [("auto", None), ("1", 1), ("16", 16)])
def test_workers(written: str, workers: int | None) -> None:
    text = f"server: {{workers: {written}}}\nroutes: [{{match: {{path: /}}, upstream: 'http://a:1', cors: false}}]"

    assert snapshot_of(text).workers == workers


def test_the_digest_tells_texts_apart() -> None:
    assert snapshot_of(SMALLEST).digest == snapshot_of(SMALLEST).digest
    assert snapshot_of(SMALLEST).digest != snapshot_of(SMALLEST + "\n").digest


def test_aliases_are_fine() -> None:
    snapshot = snapshot_of(
        "corsPolicies: {a: {allowOrigins: &o [https://a.example.com]}}\n"
        "routes:\n"
        "- {match: {path: /}, upstream: &u 'http://a:1', cors: a}\n"
        "- {match: {path: /b}, upstream: *u, cors: {allowOrigins: *o}}\n"
    )

    assert len(snapshot.routes) == 2


def origins(count: int) -> str:
    return "".join(f"    - https://app{number}.example.com\n" for number in range(count))


def routes(count: int) -> str:
    return "routes:\n" + "".join(
        f"- match: {{path: /r{number}}}\n  upstream: http://u{number}:5000\n  cors: a\n"
        for number in range(count)
    )


@pytest.mark.row("E9")
@pytest.mark.parametrize(
    "written",
    [
        pytest.param(
            lambda n: f"corsPolicies:\n  a:\n    allowOrigins:\n{origins(n)}{routes(1)}",
            id="origins",
        ),
        pytest.param(
            lambda n: f"corsPolicies:\n  a:\n    allowOrigins:\n{origins(1)}{routes(n)}",
            id="routes",
        ),
    ],
)
def test_loading_grows_with_the_document_and_not_faster(written: Callable[[int], str]) -> None:
    """The figures for 100,000 origins are what ``make bench`` prints."""

    def cost(count: int) -> float:
        text = written(count)
        began = time.process_time()
        assert loaded(text).snapshot is not None
        return time.process_time() - began

    # Ten times the lines: work that is quadratic takes a hundred times as long.
    assert min(cost(5_000) for _ in range(2)) < 30 * min(cost(500) for _ in range(3))


def test_loading_leaves_the_garbage_collector_as_it_was() -> None:
    loaded(SMALLEST)
    assert gc.isenabled()

    gc.disable()
    try:
        loaded(SMALLEST)
        assert not gc.isenabled()
    finally:
        gc.enable()


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.dates()
    | st.text(max_size=8)
    | st.sampled_from(
        ["/", "*", "spa", "http://a:1", "${A}", "${", "10s", "https://a.example.com"]
    ),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    *(key for _, model in settings_blocks() for key in model().model_dump()),
                    *("corsPolicies", "allowOrigins", "maxAge", "spa", "origins", "\0block"),
                ]
            )
            | st.text(max_size=3),
            inner,
            max_size=5,
        )
    ),
    max_leaves=20,
)


@settings(max_examples=300, deadline=None)
@given(VALUES)
def test_any_document_gives_a_snapshot_or_errors(value: object) -> None:
    result = loaded(yaml.safe_dump(value, allow_unicode=True))

    assert (result.snapshot is None) == any(
        problem.severity == "error" for problem in result.problems
    )


@settings(max_examples=300, deadline=None)
@given(st.text() | st.binary())
def test_any_text_gives_a_snapshot_or_errors(text: str | bytes) -> None:
    result = loaded(text)

    assert result.snapshot is None
    assert any(problem.severity == "error" for problem in result.problems)


@pytest.mark.parametrize(
    "proxies, networks, trusts_unix",
    [
        ("[10.0.0.0/8]", ["10.0.0.0/8"], False),
        ("[unix]", [], True),
        ("[unix, 10.0.0.1]", ["10.0.0.1/32"], True),
    ],
)
def test_unix_stands_among_networks(proxies: str, networks: list[str], trusts_unix: bool) -> None:
    text = f"server: {{trustedProxies: {proxies}}}\nroutes: [{{match: {{path: /}}, upstream: 'http://a:1', cors: false}}]\n"
    snapshot = snapshot_of(text)

    assert [str(network) for network in snapshot.trusted_proxies] == networks
    assert snapshot.trusts("") is trusts_unix
