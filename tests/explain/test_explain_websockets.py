"""WebSockets: whether a page or a program gets one, what would change that, and how it is told."""

import json
from base64 import b64encode
from hashlib import sha1
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cors_gateway.config.load import Loaded
from cors_gateway.cors.decision import CorsRequest, decide
from cors_gateway.explain.explanation import Explanation
from cors_gateway.explain.remedies import find_remedy
from cors_gateway.explain.wording import as_data, render_text
from tests.explain.asking import APP, FILE, SUFFIXES, ask, configured, last_of, remedy_for

EVIL = "https://x.example"
URL = "wss://api.example.com/api"
STRICT = FILE.replace("[GET, PUT]", "[GET, PUT]\n    requireOrigin: true")
DECLINED = FILE.replace("upstream: http://h", "upstream: {url: http://h, upgrades: []}")
TRANSPARENT = FILE.replace("http://h}", "http://h, cors: false}")
REPORTED = FILE.replace("[GET, PUT]", "[GET, PUT]\n    mode: reportOnly")
HOME = "server: {publicOrigin: https://www.example.com}\n"


def opened(loaded: Loaded, origin: str | None, url: str = URL) -> Explanation:
    return ask(loaded, origin, "GET", url)


def told(text: str, origin: str | None, url: str = URL) -> str:
    loaded = configured(text)
    explanation = opened(loaded, origin, url)
    return render_text(explanation, find_remedy(loaded, explanation, SUFFIXES))


@pytest.mark.parametrize(
    "text, origin, status, is_served",
    [
        pytest.param(FILE, APP, 101, True, id="an allowed origin"),
        pytest.param(FILE, EVIL, 403, False, id="another origin"),
        pytest.param(FILE, "null", 403, False, id="a page that hides where it is from"),
        pytest.param(FILE, None, 101, True, id="a program"),
        pytest.param(STRICT, None, 403, False, id="a program without the Origin that is required"),
        pytest.param(STRICT, APP, 101, True, id="a page, which always has an Origin"),
        pytest.param(DECLINED, APP, 200, False, id="a route that declines"),
        pytest.param(DECLINED, None, 200, False, id="a route that declines a program"),
        pytest.param(DECLINED, EVIL, 403, False, id="another origin, and a route that declines"),
        pytest.param(TRANSPARENT, EVIL, 101, True, id="a route without a policy"),
        pytest.param(REPORTED, EVIL, 101, True, id="a policy that only reports"),
        pytest.param(FILE.replace("/api", "/b"), APP, 404, False, id="no route"),
    ],
)
def test_who_gets_a_websocket(text: str, origin: str | None, status: int, is_served: bool) -> None:
    explanation = opened(configured(text), origin)

    assert explanation.preflight is None
    assert last_of(explanation).status == status
    assert explanation.is_readable is explanation.is_served is is_served
    assert explanation.error == (None if is_served else "unexpected-response-code")
    assert explanation.is_declined is (status == 200)


def test_what_becomes_of_the_cookies_is_not_the_policys_to_say() -> None:
    loaded = configured(FILE.replace("https://app.example.com", '"*"'))

    assert ask(loaded, APP, "GET", URL, credentials=True).is_served


@pytest.mark.parametrize(
    "url, origin, is_blocked",
    [
        pytest.param("ws://api.example.com/api", APP, True, id="in the clear"),
        pytest.param("ws://localhost:1/api", APP, False, id="this machine"),
        pytest.param("wss://api.example.com/api", APP, False, id="encrypted"),
        pytest.param("ws://h/api", "http://app.example.com", False, id="both in the clear"),
        pytest.param("ws://h/api", None, False, id="a program"),
    ],
)
def test_a_page_on_https_opens_nothing_that_anyone_can_listen_to(
    url: str, origin: str | None, is_blocked: bool
) -> None:
    explanation = opened(configured(FILE.replace("https://app", "http://app", 1)), origin, url)

    assert (explanation.error == "mixed-content") is is_blocked
    assert (explanation.last is None) is is_blocked


@pytest.mark.parametrize(
    "server, url, origin, is_served",
    [
        pytest.param("", "ws://h/api", "http://h", True, id="in the clear"),
        pytest.param("", "wss://h/api", "https://h", False, id="TLS ends before a stranger to it"),
        pytest.param(
            "{publicOrigin: https://h}", "wss://h/api", "https://h", True, id="a public origin"
        ),
        pytest.param(
            "{trustedProxies: [10.0.0.0/8]}", "wss://h/api", "https://h", True,
            id="TLS ends at one who is believed",
        ),
        pytest.param(
            "{trustedProxies: [10.0.0.0/8]}", "ws://h/api", "http://h", True,
            id="one who is believed, in the clear",
        ),
        pytest.param(
            "{tls: {certificate: c, key: k}}", "wss://h/api", "https://h", True, id="TLS ends here"
        ),
        pytest.param(
            "{tls: {certificate: c, key: k}}", "ws://h/api", "https://h", False,
            id="mixed content stays what it is",
        ),
        pytest.param(
            "{trustedProxies: [10.0.0.0/8]}", "wss://h/api", "https://other", False,
            id="another host",
        ),
    ],
)  # fmt: skip
def test_a_page_of_the_gateways_own_origin(
    server: str, url: str, origin: str, is_served: bool
) -> None:
    loaded = configured(f"server: {server}\n{FILE}" if server else FILE)

    assert opened(loaded, origin, url).is_served is is_served


@pytest.mark.parametrize(
    "text, origin, url, changes",
    [
        pytest.param(FILE, EVIL, URL,
                     ['3: corsPolicies.spa.allowOrigins: add "https://x.example"'], id="an origin"),
        pytest.param(STRICT, None, URL,
                     ["6: corsPolicies.spa.requireOrigin: set it to false"], id="no Origin"),
        pytest.param(DECLINED, APP, URL,
                     ["8: routes[0].upstream.upgrades: write it as [websocket]"], id="declined"),
        pytest.param(DECLINED, EVIL, URL,
                     ['3: corsPolicies.spa.allowOrigins: add "https://x.example"',
                      "8: routes[0].upstream.upgrades: write it as [websocket]"], id="both"),
        pytest.param(DECLINED.replace("upgrades: []}", "upgrades: []}, cors: false"), EVIL, URL,
                     ["8: routes[0].upstream.upgrades: write it as [websocket]"],
                     id="declined, and without a policy"),
        pytest.param(FILE, "https://h", "wss://h/api",
                     ["1: server.publicOrigin: set it to https://h"], id="the gateway's own page"),
        pytest.param(f"server: {{listen: ':1'}}\n{DECLINED}", "https://h", "wss://h/api",
                     ["1: server.publicOrigin: set it to https://h",
                      "9: routes[0].upstream.upgrades: write it as [websocket]"],
                     id="the gateway's own page, and declined"),
        pytest.param(HOME + FILE, "https://h", "wss://h/api",
                     ['4: corsPolicies.spa.allowOrigins: add "https://h"'],
                     id="a page of another host of the gateway's"),
        pytest.param(FILE.replace("/api}", "/api, methods: [POST]}"), APP, URL,
                     ["8: routes[0].match.methods: add GET"], id="a method"),
        pytest.param(FILE, APP, "wss://h/x",
                     ["7: routes: add a route whose match takes h/x"], id="no route"),
    ],
)  # fmt: skip
def test_what_to_change(text: str, origin: str | None, url: str, changes: list[str]) -> None:
    loaded = configured(text)
    remedy = remedy_for(loaded, opened(loaded, origin, url))

    assert list(map(str, remedy.changes)) == [f"f.yaml:{line}" for line in changes]


@pytest.mark.parametrize(
    "text, origin, url, said",
    [
        pytest.param(FILE, "null", URL, "any page can make its origin null", id="null"),
        pytest.param(
            FILE, "https://x.example/", URL, "did you mean the origin https://x", id="a slash"
        ),
        pytest.param(FILE, APP, "ws://h/api", "has to call wss: give", id="mixed content"),
        pytest.param(STRICT, None, URL, "if the program can send an Origin", id="a program"),
        pytest.param(FILE, "https://h", "wss://h/api", "has no Sec-Fetch-Site", id="its own page"),
    ],
)
def test_what_else_to_do(text: str, origin: str | None, url: str, said: str) -> None:
    loaded = configured(text)

    assert said in remedy_for(loaded, opened(loaded, origin, url)).advice


def test_an_explanation_that_ends_well() -> None:
    assert (
        told(FILE, APP)
        == """\
WebSocket wss://api.example.com/api from a page of https://app.example.com

The browser sends the handshake, and asks nothing before:
  > GET /api
  > Host: api.example.com
  > Origin: https://app.example.com
  > Connection: Upgrade
  > Upgrade: websocket
  > Sec-WebSocket-Version: 13
  > Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==
  route api (f.yaml:8), policy spa (f.yaml:3)
  yes the origin https://app.example.com: allowed by https://app.example.com
  forwarded to http://h; assuming that it accepts:
  < 101 Switching Protocols
  < Upgrade: websocket
  < Connection: Upgrade
  < Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=

The page gets its WebSocket, and reads every message: CORS does not apply to those.
  note: cookies are sent whatever the page says, as far as their SameSite lets them
"""
    )


def test_an_explanation_that_ends_in_a_refusal() -> None:
    _, verdict, remedy = told(FILE, EVIL).rsplit("\n\n", 2)

    assert verdict == (
        "The page gets no WebSocket: unexpected-response-code, the answer is not 101.\n"
        "  note: cookies are sent whatever the page says, as far as their SameSite lets them\n"
        "  note: the page only sees an error event; the console tells of the response code"
    )
    assert remedy == (
        'To change that:\n  f.yaml:3: corsPolicies.spa.allowOrigins: add "https://x.example"\n'
    )


@pytest.mark.parametrize(
    "text, origin, url, words",
    [
        pytest.param(
            DECLINED, APP, URL,
            "forwarded to http://h as a plain request, without Upgrade; assuming that it answers 200:",
            id="declined",
        ),
        pytest.param(FILE, None, URL, "A program sends the handshake", id="a program"),
        pytest.param(FILE, None, URL, "\nThe program gets its WebSocket.\n", id="a program gets it"),
        pytest.param(STRICT, None, URL, "\nThe program gets no WebSocket: ", id="a program does not"),
        pytest.param(STRICT, None, URL, "no  an Origin line: requireOrigin", id="what it lacks"),
        pytest.param(
            FILE, APP, "ws://h/api",
            "The browser refuses: mixed-content, a page on https cannot call http or ws,",
            id="mixed content",
        ),
        pytest.param(
            FILE, APP, "wss://192.168.0.1/api", "public page may call a local address\n", id="local"
        ),
        pytest.param(FILE, APP, "wss://h/a/../api", "the browser sends /api\n", id="respelled"),
    ],
)  # fmt: skip
def test_what_is_said(text: str, origin: str | None, url: str, words: str) -> None:
    assert words in told(text, origin, url)


@pytest.mark.parametrize(
    "text, origin, url, words",
    [
        pytest.param(FILE, None, URL, "cookies", id="a program's cookies"),
        pytest.param(FILE, APP, "ws://h/api", "cookies", id="cookies of what is not sent"),
        pytest.param(STRICT, None, URL, "error event", id="an event to a program"),
        pytest.param(FILE, APP, URL, "error event", id="an event where all is well"),
        pytest.param(FILE, APP, URL, "The browser asks first", id="a preflight"),
        pytest.param(
            FILE.replace("[GET, PUT]", "[GET, PUT]\n    allowCredentials: true"), APP, URL,
            "no cookies are sent", id="cookies that are missed",
        ),
    ],
)  # fmt: skip
def test_what_is_not_said(text: str, origin: str | None, url: str, words: str) -> None:
    assert words not in told(text, origin, url)


def test_the_data_of_a_websocket() -> None:
    loaded = configured(DECLINED)
    explanation = opened(loaded, APP)
    data = as_data(explanation, find_remedy(loaded, explanation, SUFFIXES))

    assert data["request"]["websocket"]
    assert data["request"]["url"] == URL
    assert data["browser"]["verdict"] == "refused"
    assert data["browser"]["error"] == "unexpected-response-code"
    assert data["browser"]["why"] == "the answer is not 101"
    assert data["preflight"] is None
    assert data["actual"]["answeredBy"] == "api"
    assert [change["key"] for change in data["remedy"]["changes"]] == [
        "routes[0].upstream.upgrades"
    ]
    assert not as_data(ask(loaded, APP), None)["request"]["websocket"]


def test_a_program_that_writes_a_handshake_by_hand_is_taken_at_its_word() -> None:
    lines = ((b"Connection", b"upgrade"), (b"Upgrade", b"websocket"))

    switched = ask(configured(), None, "GET", "/api", *lines)
    declined = ask(configured(DECLINED), None, "GET", "/api", *lines)

    assert (last_of(switched).status, last_of(declined).status) == (101, 200)
    assert switched.is_served
    assert declined.is_served
    assert "as a plain request, without Upgrade" in render_text(declined, None)


POLICIES = st.fixed_dictionaries(
    {
        "allowOrigins": st.sampled_from([["https://a.example"], ["https://*.b.example"], ["*"]]),
        "onDisallowedOrigin": st.sampled_from(["omit", "block"]),
        "mode": st.sampled_from(["enforce", "reportOnly"]),
        "csrfGuard": st.booleans(),
        "requireOrigin": st.booleans(),
    },
    optional={"missingOrigin": st.just({"from": ["X-Original-Origin", "Referer", "Host"]})},
)


@settings(deadline=None)
@given(
    POLICIES,
    st.sampled_from(["https://a.example", "https://x.b.example", "https://c.example", None]),
    st.sampled_from([[], ["websocket"]]),
)
def test_explain_agrees_with_decide_and_a_remedy_that_is_followed_helps(
    block: dict[str, Any], origin: str | None, upgrades: list[str]
) -> None:
    route = {"match": {"path": "/api"}, "upstream": {"url": "http://h", "upgrades": upgrades}}
    loaded = configured(json.dumps({"routes": [{**route, "cors": block}]}))
    explanation = opened(loaded, origin)
    assert loaded.snapshot is not None
    policy = loaded.snapshot.routes[0].policy
    assert policy is not None
    asked = CorsRequest(
        method=b"GET",
        origin_lines=() if origin is None else (origin.encode(),),
        own_origins=(b"http://api.example.com",) if origin else (),
        host=b"api.example.com",
        websocket=True,
    )
    decision = decide(policy, asked)

    assert last_of(explanation).decision == decision
    assert explanation.is_served is (decision.status is None and bool(upgrades))
    remedy = find_remedy(loaded, explanation, SUFFIXES)
    assert (remedy is None) is explanation.is_served
    if remedy is None:
        return
    followed = dict(block)
    for change in remedy.changes:
        match change.key.rpartition(".")[2]:
            case "allowOrigins":
                assert change.text == f'add "{origin}"'
                followed["allowOrigins"] = [*block["allowOrigins"], origin]
            case "requireOrigin":
                assert change.text == "set it to false"
                followed["requireOrigin"] = False
            case "upgrades":
                assert change.text == "write it as [websocket]"
                route["upstream"] = {"url": "http://h", "upgrades": ["websocket"]}
            case _:
                pytest.fail(str(change))
    again = configured(json.dumps({"routes": [{**route, "cors": followed}]}))

    assert opened(again, origin).is_served


def test_the_101_that_is_shown_accepts_the_key_that_is_shown() -> None:
    """RFC 6455, section 4.2.2, step 5.4."""
    exchange = last_of(opened(configured(), APP))
    key = dict(exchange.request.fields)[b"Sec-WebSocket-Key"]
    digest = sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11", usedforsecurity=False).digest()

    assert dict(exchange.fields)[b"Sec-WebSocket-Accept"] == b64encode(digest)
