import json

import pytest
import yaml

from cors_gateway.config.load import Loaded, load
from cors_gateway.config.public_suffixes import is_public_suffix, is_registry_suffix
from cors_gateway.config.render import effective_settings, render
from cors_gateway.snapshot import Snapshot
from tests.cases.configs import FakeReader

READER = FakeReader(
    env={"URL": "http://api:5000", "API_KEY": "k3y", "TOKEN": "5"},
    files={"/run/secrets/x": b"hunter2", "/run/level": b"debug"},
)


def loaded(text: str) -> Loaded:
    return load(text, "f.yaml", READER, is_public_suffix, is_registry_suffix)


def document(headers: str = "{}", upstream: str = "'${URL}'", rest: str = "") -> str:
    return (
        f"{rest}\nroutes: [{{match: {{path: /}}, cors: {{allowOrigins: ['*']}}, upstream: "
        f"{{url: {upstream}, headers: {{set: {headers}}}}}}}]"
    )


def rendered(text: str) -> str:
    return render(loaded(text))


def rendered_route(text: str) -> dict[str, dict[str, object]]:
    (route,) = yaml.safe_load(rendered(text))["routes"]
    assert isinstance(route, dict)
    return route


def test_defaults_and_environment_are_filled_in() -> None:
    written = yaml.safe_load(rendered(document()))

    assert written["server"]["timeouts"]["keepAlive"] == "75s"
    assert written["server"]["limits"]["content"] == "none"
    assert written["routes"][0]["upstream"]["url"] == "http://api:5000"
    assert written["routes"][0]["cors"]["maxAge"] == 600


@pytest.mark.parametrize(
    "value, shown",
    [
        pytest.param("literal", "[redacted]", id="a header value in the file"),
        pytest.param("${API_KEY}", "${API_KEY}", id="a variable"),
        pytest.param("${file:/run/secrets/x}", "${file:/run/secrets/x}", id="a file"),
        pytest.param("Bearer abc${API_KEY}", "[redacted]", id="a variable behind a text"),
        pytest.param("${API_KEY:-sesame}", "[redacted]", id="a default in the file"),
        pytest.param("${API_KEY:?needed}", "${API_KEY:?needed}", id="a message"),
    ],
)
def test_header_values_are_not_shown(value: str, shown: str) -> None:
    route = rendered_route(document(f"{{X-Api-Key: '{value}'}}"))

    assert route["upstream"]["headers"] == {"set": {"X-Api-Key": shown}, "remove": []}


@pytest.mark.row("E10")
def test_secrets_are_not_shown_anywhere() -> None:
    text = rendered(
        document(
            "{A: '${API_KEY}', B: '${file:/run/secrets/x}'}",
            rest=(
                "log: {level: '${file:/run/level}'}\nserver: {limits: {fieldLines: '10${TOKEN}'}}"
            ),
        )
    )

    assert "k3y" not in text
    assert "hunter2" not in text
    assert "level: ${file:/run/level}" in text
    assert "fieldLines: 10${TOKEN}" in text


def test_a_short_form_is_as_secret_as_a_long_one() -> None:
    text = "routes: [{match: {path: /}, upstream: 'http://${API_KEY}', cors: false}]"

    upstream = rendered_route(text)["upstream"]

    assert upstream["url"] == "http://${API_KEY}"
    assert (upstream["host"], upstream["stripPrefix"]) == ("preserve", False)


def test_one_item_in_the_place_of_a_list_is_as_secret_as_a_list() -> None:
    text = (
        "routes: [{match: {path: /}, upstream: 'http://h', cors: {allowOriginRegex: '${API_KEY}'}}]"
    )

    assert rendered_route(text)["cors"]["allowOriginRegex"] == ["${API_KEY}"]


def test_a_configuration_with_errors_is_not_rendered() -> None:
    with pytest.raises(ValueError, match="errors"):
        render(loaded("routes: []"))


def test_the_settings_as_data_are_those_that_are_written() -> None:
    text = document("{A: '${API_KEY}', B: sesame}")

    assert effective_settings(loaded(text)) == yaml.safe_load(rendered(text))


def behaviour(snapshot: Snapshot | None) -> list[object]:
    """What two configurations that behave the same agree in."""
    assert snapshot is not None
    return [
        snapshot.listeners,
        snapshot.public_origin,
        snapshot.trusted_proxies,
        snapshot.limits,
        snapshot.timeouts,
        snapshot.drain,
        snapshot.log,
        snapshot.default_policy and snapshot.default_policy.settings,
        *(
            (
                route.name and (route.path, route.host, route.methods, route.upstream),
                route.policy and route.policy.settings,
                (route.policy_name, route.strip_prefix, route.host_field, route.origin_field),
                (route.set_fields, route.remove_fields),
            )
            for route in snapshot.routes
        ),
    ]


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(document(), id="small"),
        pytest.param(document("{A: '${API_KEY}'}"), id="with a secret"),
        pytest.param(
            "corsPolicies: {'0o17': {allowOrigins: [https://a.example.com], maxAge: -1},"
            "on: {allowOriginRegex: 'https://[a-z]+\\.b\\.example\\.com', allowMethods: ['*']},"
            "'<<': {allowOrigins: ['capacitor://localhost'], missingOrigin: {from: [Host]}},"
            "'5': {dangerouslyAllowNullOrigin: true}}\n"
            "defaults: {cors: '5'}\n"
            "server: {listen: 'unix:/run/$${x}', drain: {delay: 90s},"
            "limits: {content: 1536KiB}, publicOrigin: https://a.example.com}\n"
            "routes: [{match: {path: /$$${URL2:-x}, methods: [GET], host: a.b}, cors: '0o17',"
            "upstream: 'unix:/run/b'}, {match: {path: /}, upstream: 'http://[::1]:80/c', cors: on},"
            "{match: {path: /d}, upstream: 'http://e', cors: '<<'},"
            "{match: {path: /f}, upstream: {urls: ['http://e'], host: x, origin: drop}}]\n"
            "tests: [{path: /, expect: deny, origin: '5'}]",
            id="odd",
        ),
        pytest.param(
            document(
                rest="server: {tls: {certificate: a.pem, key: '${API_KEY}'}, listen: [':1',"
                "{address: ':2', tls: false}, {address: 'unix:/a', tls: {certificate: b, key: c}}]}"
            ),
            id="with listeners of every kind",
        ),
    ],
)
def test_what_is_rendered_loads_and_behaves_the_same(text: str) -> None:
    first = loaded(text.replace("${URL2:-x}", "x"))
    again = loaded(render(first))

    as_json = loaded(json.dumps(effective_settings(first)))

    assert behaviour(again.snapshot) == behaviour(first.snapshot)
    assert render(again) == render(first)
    assert behaviour(as_json.snapshot) == behaviour(first.snapshot)
    assert effective_settings(as_json) == effective_settings(first)
    assert [test.allow for test in again.expectations] == [
        test.allow for test in first.expectations
    ]
