"""The ``tests:`` of a configuration, run."""

import pytest

from cors_gateway.explain.expectations import check_expectations
from tests.explain.asking import FILE, SUFFIXES, configured, find_problems

DECLINED = FILE.replace("upstream: http://h", "upstream: {url: http://h, upgrades: []}")
HOSTS = FILE.replace("path: /api", "path: /api, host: api.example")


@pytest.mark.parametrize(
    "text, test",
    [
        pytest.param(
            FILE, "{origin: https://app.example.com, path: /api, expect: allow}", id="read"
        ),
        pytest.param(
            FILE,
            "{origin: https://app.example.com, method: PUT, path: /api, expect: allow}",
            id="asked",
        ),
        pytest.param(
            FILE, "{origin: https://x.example, path: /api, expect: deny}", id="a stranger"
        ),
        pytest.param(FILE, '{origin: "null", path: /api, expect: deny}', id="null"),
        pytest.param(
            FILE,
            "{origin: https://app.example.com, path: /api, credentials: true, expect: deny}",
            id="cookies",
        ),
        pytest.param(
            FILE,
            "{origin: https://app.example.com, path: /api, headers: {X-A: b}, expect: deny}",
            id="a header",
        ),
        pytest.param(FILE, "{path: /api, method: DELETE, expect: allow}", id="no browser"),
        pytest.param(
            FILE, "{origin: https://app.example.com, path: /, expect: deny}", id="no route"
        ),
        pytest.param(HOSTS, "{path: /api, host: api.example, expect: allow}", id="a host"),
        pytest.param(HOSTS, "{path: /api, expect: allow}", id="the only host there is"),
        pytest.param(HOSTS, "{path: /api, host: www.example, expect: deny}", id="another host"),
        pytest.param(
            f"server: {{publicOrigin: http://h}}\n{HOSTS}",
            "{path: /api, host: api.example, origin: http://api.example, method: PUT, expect: allow}",
            id="a page of that host, under the scheme of the public origin",
        ),
    ],
)
def test_an_expectation_that_holds(text: str, test: str) -> None:
    assert check_expectations(configured(f"{text}tests: [{test}]\n"), SUFFIXES) == ()


def test_a_test_that_cannot_be_asked_does_not_keep_the_others_from_being_reported() -> None:
    tests = """\
tests:
  - {origin: https://app.example.com, method: FOO, path: /api, expect: allow}
  - {origin: https://x.example, method: FOO, path: /api, expect: allow}
  - {origin: "", path: /api, expect: deny}
  - {origin: https://app.example.com, path: /api, expect: deny}
"""
    problems = check_expectations(configured(FILE + tests), SUFFIXES)

    assert [problem.path for problem in problems] == [("tests", index) for index in range(4)]


def test_mixed_content_is_denied() -> None:
    text = f"server: {{publicOrigin: http://h}}\n{FILE}tests:\n"
    test = "  - {{origin: https://app.example.com, path: /api, expect: {}}}\n"
    loaded = configured(text + test.format("deny") + test.format("allow"))

    (problem,) = check_expectations(loaded, SUFFIXES)

    assert problem.path == ("tests", 1)
    assert problem.why == "it expects allow and the browser refuses: mixed-content"
    assert "a page on https has to call https" in problem.fix


@pytest.mark.parametrize(
    "test, told",
    [
        pytest.param(
            "{name: strangers, origin: https://x.example, path: /api, expect: allow}",
            '"strangers" fails, it expects allow and the browser refuses: MissingAllowOriginHeader, '
            'f.yaml:3: corsPolicies.spa.allowOrigins: add "https://x.example"',
            id="refused",
        ),
        pytest.param(
            '{name: files, origin: "null", path: /api, expect: allow}',
            '"files" fails, it expects allow and the browser refuses: MissingAllowOriginHeader, '
            "nothing should be changed: any page…",
            id="refused for good",
        ),
        pytest.param(
            "{name: app, origin: https://app.example.com, path: /api, expect: deny}",
            '"app" fails, it expects deny and the page gets the answer: '
            '"https://app.example.com" allows its origin',
            id="allowed",
        ),
        pytest.param(
            "{name: curl, path: /api, expect: deny}",
            '"curl" fails, it expects deny and the page gets the answer',
            id="allowed to everyone",
        ),
        pytest.param(
            "{name: typo, origin: https://app.example.com, path: /apis, expect: allow}",
            '"typo" fails, it expects allow and the gateway answers 404 itself, '
            "f.yaml:7: routes: add a route whose match takes /apis",
            id="nowhere",
        ),
        pytest.param(
            "{name: odd, path: /api, method: patch, expect: allow}",
            '"odd" fails, the gateway answers patch with 501: write PATCH',
            id="no request at all",
        ),
        pytest.param(
            "{name: up, origin: https://app.example.com, path: /api/../x, expect: allow}",
            '"up" fails, the browser sends /x: it expects allow and the gateway answers 404 itself, '
            "f.yaml:7: routes: add a route whose match takes /x",
            id="what no browser sends",
        ),
    ],
)
def test_an_expectation_that_fails(test: str, told: str) -> None:
    loaded = configured(f"{FILE}tests:\n  - {{path: /api, expect: allow}}\n  - {test}\n")

    (problem,) = check_expectations(loaded, SUFFIXES)

    text = str(problem).removeprefix("f.yaml:11:5: tests[1]: ")
    assert text.startswith(told[:-1]) if told.endswith("…") else text == told


@pytest.mark.parametrize(
    "text, test, told",
    [
        pytest.param(FILE, "origin: https://app.example.com, expect: allow", "", id="it is opened"),
        pytest.param(FILE, "origin: https://x.example, expect: deny", "", id="it is refused"),
        pytest.param(DECLINED, "origin: https://app.example.com, expect: deny", "", id="declined"),
        pytest.param(FILE, "method: GET, expect: allow", "", id="a program, and its method said"),
        pytest.param(
            HOSTS, "origin: https://app.example.com, host: api.example, expect: allow", "",
            id="a host",
        ),
        pytest.param(
            FILE, "origin: https://app.example.com, credentials: true, expect: allow", "",
            id="cookies, which need no permission",
        ),
        pytest.param(
            FILE, "origin: https://x.example, expect: allow",
            '"WebSocket /api from https://x.example" fails, it expects allow and the gateway answers '
            '403 itself, f.yaml:3: corsPolicies.spa.allowOrigins: add "https://x.example"',
            id="refused, and it should not be",
        ),
        pytest.param(
            DECLINED, "name: n, origin: https://app.example.com, expect: allow",
            '"n" fails, it expects allow and the gateway asks the API for no WebSocket, '
            "f.yaml:8: routes[0].upstream.upgrades: write it as [websocket]",
            id="declined, and it should not be",
        ),
        pytest.param(
            FILE, "name: n, origin: https://app.example.com, expect: deny",
            '"n" fails, it expects deny and the page gets its WebSocket: '
            '"https://app.example.com" allows its origin',
            id="opened, and it should not be",
        ),
        pytest.param(
            f"server: {{publicOrigin: http://h}}\n{FILE}",
            "name: n, origin: https://app.example.com, expect: allow",
            '"n" fails, it expects allow and the browser refuses: mixed-content, no change of a '
            "policy would help: a page on https has to call wss: give the gateway a certificate "
            "(server.tls), or let something that speaks TLS stand in front and name its origin as "
            "server.publicOrigin",
            id="mixed content",
        ),
    ],
)  # fmt: skip
def test_a_page_that_opens_a_websocket(text: str, test: str, told: str) -> None:
    loaded = configured(f"{text}tests: [{{path: /api, websocket: true, {test}}}]\n")

    problems = check_expectations(loaded, SUFFIXES)

    assert [str(problem).partition("tests[0]: ")[2] for problem in problems] == [told][: bool(told)]


def test_what_no_page_can_say_about_its_websocket_does_not_load() -> None:
    test = "{path: /, websocket: true, method: PUT, headers: {X-A: b}, expect: deny}"
    why = "a WebSocket is asked for with GET, and browsers let no page set a header of that"

    assert find_problems(f"{FILE}tests: [{test}]\n") == [
        f'f.yaml:9:44: tests[0].method: "PUT" opens no WebSocket, {why}, remove it',
        f"f.yaml:9:58: tests[0].headers: headers open no WebSocket, {why}, remove them",
    ]
