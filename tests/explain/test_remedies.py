"""What would let a page have the answer: at which line, which words, and never what would not load."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cors_gateway.explain.remedies import find_remedy
from tests.explain.asking import APP, FILE, SUFFIXES, ask, configured, remedy_for

EVIL = "https://x.example"
WRITE = "2: corsPolicies.spa.allowHeaders: write it as [Content-Type, X-Requested-With, "


def changes(text: str, *arguments: Any, **more: Any) -> list[str]:
    loaded = configured(text)
    return list(map(str, remedy_for(loaded, ask(loaded, *arguments, **more)).changes))


@pytest.mark.parametrize(
    "origin, method, headers, told",
    [
        pytest.param(EVIL, "GET", [], ['3: corsPolicies.spa.allowOrigins: add "https://x.example"'],
                     id="an origin"),
        pytest.param(EVIL, "PUT", [], ['3: corsPolicies.spa.allowOrigins: add "https://x.example"'],
                     id="an origin that asks first"),
        pytest.param(APP, "DELETE", [], ["5: corsPolicies.spa.allowMethods: add DELETE"],
                     id="a method"),
        pytest.param(
            APP, "GET", [(b"X-Trace", b"1"), (b"X-B", b"1")],
            [WRITE + "X-B, X-Trace]"],
            id="headers, where nothing is written",
        ),
        pytest.param(
            EVIL, "DELETE", [(b"Authorization", b"x")],
            ['3: corsPolicies.spa.allowOrigins: add "https://x.example"',
             "5: corsPolicies.spa.allowMethods: add DELETE",
             WRITE + "Authorization]"],
            id="all of them at once",
        ),
    ],
)  # fmt: skip
def test_what_to_add_to_a_policy(
    origin: str, method: str, headers: list[tuple[bytes, bytes]], told: list[str]
) -> None:
    assert changes(FILE, origin, method, "/api", *headers) == [f"f.yaml:{line}" for line in told]


def test_what_is_served_needs_no_remedy() -> None:
    loaded = configured()

    assert find_remedy(loaded, ask(loaded, APP, "PUT"), SUFFIXES) is None
    assert find_remedy(loaded, ask(loaded, None), SUFFIXES) is None


@pytest.mark.parametrize(
    "cors, line",
    [
        pytest.param(
            "{allowOrigins: [https://app.example.com]}",
            'f.yaml:4: routes[0].cors.allowOrigins: add "https://x.example"',
            id="a block of the route",
        ),
        pytest.param(
            "other",
            'f.yaml:1: corsPolicies.other.allowOrigins: add "https://x.example"',
            id="a name",
        ),
    ],
)
def test_where_a_policy_is_written(cors: str, line: str) -> None:
    text = f"""\
corsPolicies: {{other: {{allowOrigins: [https://o.example]}}, spa: {{allowOrigins: [https://o.example]}}}}
defaults: {{cors: spa}}
routes:
  - {{match: {{path: /api}}, upstream: http://h, cors: {cors}}}
"""

    assert changes(text, EVIL) == [line]


@pytest.mark.parametrize(
    "cors, line",
    [
        pytest.param(
            "{allowOrigins: [https://o.example]}",
            'f.yaml:1: defaults.cors.allowOrigins: add "https://x.example"',
            id="a block",
        ),
        pytest.param(
            "spa", 'f.yaml:3: corsPolicies.spa.allowOrigins: add "https://x.example"', id="a name"
        ),
    ],
)
def test_the_default_policy(cors: str, line: str) -> None:
    text = f"""\
defaults: {{cors: {cors}}}
corsPolicies:
  spa: {{allowOrigins: [https://spa.example]}}
routes: [{{match: {{path: /api}}, upstream: http://h}}, {{match: {{path: /x}}, upstream: http://h, cors: spa}}]
"""

    assert changes(text, EVIL) == [line]


def test_routes_that_share_the_policy_are_named() -> None:
    more = "  - {name: two, match: {path: /two}, upstream: http://h}\n"
    block = "{allowOrigins: [https://app.example.com], allowMethods: [GET, PUT]}"
    equal = f"  - {{name: three, match: {{path: /three}}, upstream: http://h, cors: {block}}}\n"
    loaded = configured(FILE + more + equal)

    assert remedy_for(loaded, ask(loaded, EVIL)).shared_with == ("api", "two")
    alone = remedy_for(loaded, ask(loaded, EVIL, "GET", "/three"))
    assert alone.shared_with == ()
    assert [change.key for change in alone.changes] == ["routes[2].cors.allowOrigins"]


def test_credentials_are_first_of_all_the_pages_choice() -> None:
    loaded = configured()
    remedy = remedy_for(loaded, ask(loaded, APP, credentials=True))

    assert "leave out credentials: 'include'" in remedy.advice
    assert list(map(str, remedy.changes)) == [
        "f.yaml:2: corsPolicies.spa.allowCredentials: set it to true"
    ]


def test_credentials_do_not_go_with_a_star() -> None:
    loaded = configured(FILE.replace("https://app.example.com", '"*"'))
    remedy = remedy_for(loaded, ask(loaded, APP, credentials=True))

    assert [change.text for change in remedy.changes] == [
        'replace "*" by "https://app.example.com", and by the other pages that call it',
        "set it to true",
    ]


@pytest.mark.parametrize(
    "origin, method, said",
    [
        pytest.param("null", "PUT", "nothing should be changed: any page", id="null"),
        pytest.param(
            "https://x.example/", "GET", "did you mean the origin https://x.example?", id="a slash"
        ),
        pytest.param(
            "https://X.example", "GET", "did you mean the origin https://x.example?", id="capitals"
        ),
        pytest.param("x.example", "GET", "did you mean the origin https://x.example?", id="a host"),
        pytest.param("a b", "GET", "no browser sends this", id="nonsense"),
        pytest.param(APP, "patch", "with 501: write PATCH", id="a method's case"),
        pytest.param(APP, "FOO", "with 501: use another", id="a method that nobody takes"),
        pytest.param(EVIL, "FOO", "with 501: use another", id="nobody takes it from anyone"),
    ],
)
def test_where_the_configuration_is_not_at_fault(origin: str, method: str, said: str) -> None:
    loaded = configured()
    remedy = remedy_for(loaded, ask(loaded, origin, method))

    assert said in remedy.advice
    assert remedy.changes == ()


def test_a_null_origin_that_the_guard_refuses() -> None:
    text = FILE.replace("[GET, PUT]", "[GET, PUT]\n    csrfGuard: true")
    text = text.replace("https://app.example.com", '"*"')
    loaded = configured(text)

    assert (
        "any page can make its origin null"
        in remedy_for(loaded, ask(loaded, "null", "POST")).advice
    )


def test_an_origin_that_would_not_load_is_not_advised() -> None:
    loaded = configured(FILE.replace("[GET, PUT]", "[GET, PUT]\n    allowCredentials: true"))
    remedy = remedy_for(loaded, ask(loaded, "http://app.example.com"))

    assert remedy.changes == ()
    assert remedy.advice.startswith("to allow it would not load: allowOrigins: ")


@pytest.mark.parametrize(
    "line, origin, told",
    [
        pytest.param("mode: reportOnly", APP, ["f.yaml:6: corsPolicies.spa.mode: set it to enforce"],
                     id="only reported"),
        pytest.param("upstreamCors: passthrough", APP,
                     ["f.yaml:6: corsPolicies.spa.upstreamCors: set it to strip"], id="passed through"),
        pytest.param("preflight: forward", APP,
                     ["f.yaml:6: corsPolicies.spa.preflight: set it to answer"], id="forwarded"),
        pytest.param("onDisallowedOrigin: block", EVIL,
                     ['f.yaml:3: corsPolicies.spa.allowOrigins: add "https://x.example"'], id="blocked"),
        pytest.param("csrfGuard: true", EVIL,
                     ['f.yaml:3: corsPolicies.spa.allowOrigins: add "https://x.example"'], id="guarded"),
    ],
)  # fmt: skip
def test_settings_other_than_lists(line: str, origin: str, told: list[str]) -> None:
    text = FILE.replace("[GET, PUT]", f"[GET, PUT]\n    {line}")

    assert changes(text, origin, "PUT") == told


def test_no_route() -> None:
    assert changes(FILE, APP, "GET", "/other?x") == [
        "f.yaml:7: routes: add a route whose match takes /other"
    ]
    assert changes(FILE, APP, "GET", "https://h:1/other") == [
        "f.yaml:7: routes: add a route whose match takes h/other"
    ]


def test_no_route_because_the_host_is_not_known() -> None:
    text = FILE.replace("path: /api", "path: /api, host: a.example") + (
        "  - {match: {path: /api, host: b.example}, upstream: http://h}\n"
    )
    loaded = configured(text)

    assert "ask with the whole URL" in remedy_for(loaded, ask(loaded, APP)).advice


def test_a_method_that_no_route_takes() -> None:
    text = FILE.replace("path: /api", "path: /api, methods: [GET]")

    assert changes(text, APP, "PUT") == ["f.yaml:8: routes[0].match.methods: add PUT"]


def test_an_origin_and_a_method_of_the_route() -> None:
    text = FILE.replace("path: /api", "path: /api, methods: [GET]")

    assert changes(text, EVIL, "PUT") == [
        'f.yaml:3: corsPolicies.spa.allowOrigins: add "https://x.example"',
        "f.yaml:8: routes[0].match.methods: add PUT",
    ]


def test_a_method_that_the_parser_refuses_is_not_widened_for() -> None:
    loaded = configured(FILE.replace("[GET, PUT]", '["*"]'))
    remedy = remedy_for(loaded, ask(loaded, EVIL, "FOO"))

    assert remedy.changes == ()
    assert "the gateway answers FOO with 501" in remedy.advice


def test_mixed_content_is_no_matter_of_the_policy() -> None:
    loaded = configured()
    remedy = remedy_for(loaded, ask(loaded, APP, "GET", "http://h/api"))

    assert remedy.changes == ()
    assert remedy.advice == (
        "no change of a policy would help: a page on https has to call https: give the gateway a "
        "certificate (server.tls), or let something that speaks TLS stand in front and name its "
        "origin as server.publicOrigin"
    )


TLS = "{certificate: c.pem, key: k.pem}"


@pytest.mark.parametrize(
    "server, url, called",
    [
        pytest.param(f'{{listen: ":443", tls: {TLS}}}', "http://h/api?x=1", "https://h/api?x=1",
                     id="the usual port"),
        pytest.param(f'{{listen: ":8443", tls: {TLS}}}', "http://h:8080/api",
                     "https://h:8443/api", id="another port"),
        pytest.param(f'{{listen: ":8443", tls: {TLS}}}', "ws://[2001:db8::1]/api",
                     "wss://[2001:db8::1]:8443/api", id="a WebSocket, by an IPv6 address"),
        pytest.param(
            f'{{listen: [":80", {{address: ":8443", tls: {TLS}}}, {{address: ":443", tls: {TLS}}}]}}',
            "http://h/api", "https://h/api", id="the usual port before others",
        ),
        pytest.param(
            f'{{listen: [":80", {{address: ":0", tls: {TLS}}}, {{address: ":8443", tls: {TLS}}}]}}',
            "http://h/api", "https://h:8443/api", id="a port that is known before one that is not",
        ),
        pytest.param(
            f'{{listen: ":0", tls: {TLS}}}', "http://h/api",
            "https://h/api, with the port that it is given at the start", id="any free port",
        ),
        pytest.param(
            f'{{listen: [{{address: "unix:/s", tls: {TLS}}}]}}', "http://h/api", "https://h/api",
            id="a unix socket behind something else",
        ),
        pytest.param(
            f"{{publicOrigin: https://www.example.com, tls: {TLS}}}", "http://h/api",
            "https://www.example.com/api", id="what browsers call us, before a listener",
        ),
        pytest.param(
            "{publicOrigin: https://www.example.com}", "ws://h/api", "wss://www.example.com/api",
            id="what browsers call us, where something else speaks TLS",
        ),
        pytest.param(
            f"{{publicOrigin: http://h, tls: {TLS}}}", "/api", "https://h:8080/api",
            id="what browsers call us is not on https",
        ),
    ],
)  # fmt: skip
def test_a_gateway_that_speaks_tls_has_an_address_to_call(
    server: str, url: str, called: str
) -> None:
    loaded = configured(f"server: {server}\n{FILE}")
    remedy = remedy_for(loaded, ask(loaded, APP, "GET", url))

    assert remedy.changes == ()
    assert remedy.advice.endswith(f", and the gateway has such an address: call {called}")


@pytest.mark.parametrize(
    "origin, warnings",
    [
        pytest.param("https://x.codepen.io", 1, id="pages of anybody"),
        pytest.param("https://y.example.com", 0, id="a page of one's own"),
    ],
)
def test_a_change_comes_with_the_warnings_that_it_causes(origin: str, warnings: int) -> None:
    # That PUT is there twice is no news.
    text = FILE.replace("[GET, PUT]", "[GET, PUT, PUT]\n    allowCredentials: true")
    loaded = configured(text)
    remedy = remedy_for(loaded, ask(loaded, origin))

    assert len(remedy.changes) == 1
    assert len(remedy.warnings) == warnings
    assert all(f'"{origin}" runs the pages of anybody' in text for text in remedy.warnings)
    assert str(remedy).count("; warning: ") == warnings


def test_to_switch_a_check_off_is_no_advice() -> None:
    loaded = configured(FILE.replace("[GET, PUT]", "[GET, PUT]\n    allowCredentials: true"))
    remedy = remedy_for(loaded, ask(loaded, "http://x.example"))

    assert remedy.advice.endswith(", use https://x.example")
    assert "dangerously" not in remedy.advice


def test_more_headers_than_any_policy_takes() -> None:
    loaded = configured()
    headers = [(b"X-%d" % number, b"1") for number in range(101)]
    remedy = remedy_for(loaded, ask(loaded, APP, "GET", "/api", *headers))

    assert (remedy.changes, remedy.advice) == ((), "no change of the policy would allow it")


def test_a_star_does_not_cover_authorization_and_covers_the_rest() -> None:
    text = FILE.replace("[GET, PUT]", '[GET, PUT]\n    allowHeaders: ["*"]')
    headers = [(b"X-A", b"1"), (b"AUTHORIZATION", b"1")]

    assert changes(text, APP, "GET", "/api", *headers) == [
        "f.yaml:6: corsPolicies.spa.allowHeaders: add AUTHORIZATION"
    ]


def test_a_method_that_nobody_takes() -> None:
    loaded = configured()
    remedy = remedy_for(loaded, ask(loaded, None, "TRACE"))

    assert remedy.advice.endswith(": No route takes this method here")


def test_a_transparent_route() -> None:
    text = FILE.replace(
        "http://h}", "http://h, cors: false}\n  - {match: {path: /}, upstream: http://h}"
    )
    line = "name a policy, such as spa, or a block in the place of false, or have the API send CORS"

    assert changes(text, APP) == [f"f.yaml:8: routes[0].cors: {line}"]


def test_a_transparent_default() -> None:
    text = "defaults: {cors: false}\nroutes: [{match: {path: /api}, upstream: http://h}]\n"

    (change,) = changes(text, APP)
    assert change.startswith("f.yaml:1: defaults.cors: name a policy or a block")


def test_a_path_that_can_be_read_in_two_ways() -> None:
    loaded = configured()
    remedy = remedy_for(loaded, ask(loaded, APP, "GET", "/api/%2e%2e;/x"))

    assert remedy.changes == ()
    assert remedy.advice.startswith("no change of the configuration would help: The path")


POLICIES = st.fixed_dictionaries(
    {
        "allowOrigins": st.sampled_from([["https://a.example"], ["https://*.b.example"], ["*"]]),
        "allowMethods": st.lists(st.sampled_from(["PUT", "DELETE", "*"]), unique=True),
        "allowHeaders": st.lists(st.sampled_from(["X-A", "Authorization", "*"]), unique=True),
        "onDisallowedOrigin": st.sampled_from(["omit", "block"]),
        "preflight": st.sampled_from(["answer", "forward"]),
        "upstreamCors": st.sampled_from(["strip", "passthrough", "fallback"]),
        "mode": st.sampled_from(["enforce", "reportOnly"]),
        "csrfGuard": st.booleans(),
    },
    optional={"allowCredentials": st.just(True)},
).filter(lambda block: not (block.get("allowCredentials") and block["allowOrigins"] == ["*"]))


@settings(deadline=None)
@given(
    POLICIES,
    st.sampled_from(["https://a.example", "https://x.b.example", "https://c.example"]),
    st.sampled_from(["GET", "POST", "PUT", "DELETE", "PATCH"]),
    st.lists(st.sampled_from([b"X-A", b"Authorization", b"X-Other"]), unique=True),
    st.booleans(),
)
def test_a_remedy_that_is_followed_helps(
    block: dict[str, Any], origin: str, method: str, names: list[bytes], credentials: bool
) -> None:
    headers = [(name, b"1") for name in names]
    route = {"match": {"path": "/api"}, "upstream": "http://h", "cors": block}
    loaded = configured(json.dumps({"routes": [route]}))
    told = ask(loaded, origin, method, "/api", *headers, credentials=credentials)
    remedy = find_remedy(loaded, told, SUFFIXES)
    assert (remedy is None) is told.is_served
    if remedy is None:
        return
    assert remedy.changes

    followed = dict(block)
    for change in remedy.changes:
        key = change.key.removeprefix("routes[0].cors.")
        what, _, rest = change.text.partition(" ")
        items = [item.strip('"') for item in rest.removeprefix("it as ").strip("[]").split(", ")]
        match what:
            case "add":
                followed[key] = [*block[key], *items]
            case "write":
                followed[key] = items
            case "replace":
                followed[key] = [origin]
            case "set":
                value = rest.removeprefix("it to ")
                followed[key] = True if value == "true" else value
    again = configured(json.dumps({"routes": [{**route, "cors": followed}]}))

    assert ask(again, origin, method, "/api", *headers, credentials=credentials).is_served
