"""What ``cookies`` and ``redirects`` of a route become."""

import json

import pytest
import yaml

from cors_gateway.config.load import load
from cors_gateway.config.problems import render_text
from cors_gateway.config.public_suffixes import is_public_suffix
from cors_gateway.config.render import render
from cors_gateway.messages.cookies import CookieRewrite
from cors_gateway.messages.path_map import PathMap
from cors_gateway.messages.redirects import Authority
from cors_gateway.snapshot import Route
from tests.cases.configs import READER, FakeReader


def route_of(more: str, *, path: str = "/api", upstream: str = "http://legacy:5000") -> Route:
    text = f"routes: [{{match: {{path: {path}}}, upstream: {upstream}, cors: false{more}}}]"
    loaded = load(text, "f.yaml", READER, is_public_suffix)
    assert loaded.snapshot is not None, render_text(loaded.problems)
    return loaded.snapshot.routes[0]


STRIPPED = "{url: 'http://legacy:5000', stripPrefix: true}"
BASED = "{url: 'http://legacy:5000/v1/', stripPrefix: true}"
API = PathMap(b"/api")


def test_nothing_changes_unless_it_is_asked_for() -> None:
    route = route_of("")
    assert (route.cookies, route.redirects) == (None, None)
    route = route_of(", cookies: {secure: keep}, redirects: keep")
    assert (route.cookies, route.redirects) == (None, None)


@pytest.mark.parametrize(
    "block, upstream, expected",
    [
        ("{domain: remove}", STRIPPED, CookieRewrite(domain=b"")),
        ("{domain: Example.COM}", STRIPPED, CookieRewrite(domain=b"example.com")),
        ("{domain: example.com.}", STRIPPED, CookieRewrite(domain=b"example.com")),
        ("{path: auto}", STRIPPED, CookieRewrite(paths=API)),
        ("{path: auto}", BASED, CookieRewrite(paths=PathMap(b"/api", b"/v1"))),
        (
            "{path: auto}",
            "'http://legacy:5000/v1'",
            CookieRewrite(paths=PathMap(b"", b"/v1")),
        ),
        ("{path: /}", STRIPPED, CookieRewrite(path=b"/")),
        ("{path: '/x/y%20z'}", STRIPPED, CookieRewrite(path=b"/x/y%20z")),
        ("{secure: add}", STRIPPED, CookieRewrite(secure=True)),
        ("{secure: remove}", STRIPPED, CookieRewrite(secure=False)),
        ("{sameSite: Strict}", STRIPPED, CookieRewrite(same_site=b"Strict")),
        (
            "{sameSite: None, secure: add}",
            STRIPPED,
            CookieRewrite(same_site=b"None", secure=True),
        ),
        (
            "{partitioned: add, secure: add}",
            STRIPPED,
            CookieRewrite(partitioned=True, secure=True),
        ),
        ("{path: auto, secure: add}", "'http://legacy'", CookieRewrite(secure=True)),
    ],
)
def test_what_changes_on_cookies(block: str, upstream: str, expected: CookieRewrite) -> None:
    assert route_of(f", cookies: {block}", upstream=upstream).cookies == expected


@pytest.mark.parametrize(
    "upstream, authorities",
    [
        pytest.param("'http://legacy:5000'", {(b"legacy", 5000)}, id="a URL"),
        pytest.param("'https://Legacy'", {(b"legacy", None)}, id="a default port"),
        pytest.param("'http://[0:0::1]:5000'", {(b"[::1]", 5000)}, id="an IPv6 address"),
        pytest.param("{url: 'unix:/run/api.sock'}", set(), id="a unix socket"),
        pytest.param(
            "{url: 'unix:/run/api.sock', host: upstream}",
            {(b"localhost", None)},
            id="a unix socket by its own name",
        ),
        pytest.param(
            "{urls: ['http://a:5000', 'http://b:5001']}",
            {(b"a", 5000), (b"b", 5001)},
            id="several URLs",
        ),
        pytest.param(
            "{url: 'http://a:5000', host: API.internal}",
            {(b"a", 5000), (b"api.internal", None)},
            id="the Host that it is sent",
        ),
    ],
)
def test_by_which_names_an_api_is_known(upstream: str, authorities: set[Authority]) -> None:
    redirects = route_of(", redirects: rewrite", upstream=upstream).redirects
    assert redirects is not None
    assert redirects.authorities == authorities
    assert redirects.paths == PathMap()


@pytest.mark.parametrize(
    "path, upstream, expected",
    [
        ("/api", STRIPPED, API),
        ("/", STRIPPED, PathMap()),
        ("/api", BASED, PathMap(b"/api", b"/v1")),
        ("/api", "'http://legacy:5000/v1'", PathMap(b"", b"/v1")),
    ],
)
def test_how_the_paths_of_redirects_change(path: str, upstream: str, expected: PathMap) -> None:
    redirects = route_of(", redirects: rewrite", path=path, upstream=upstream).redirects
    assert redirects is not None
    assert redirects.paths == expected


def test_a_value_may_come_from_the_environment() -> None:
    reader = FakeReader(env={"SITE": "None", "DOMAIN": "example.com", "SECURE": "add"})
    text = (
        "routes: [{match: {path: /}, upstream: http://a, cors: false, cookies: "
        "{sameSite: '${SITE}', domain: '${DOMAIN}', secure: '${SECURE}'}}]"
    )
    snapshot = load(text, "f.yaml", reader, is_public_suffix).snapshot
    assert snapshot is not None
    assert snapshot.routes[0].cookies == CookieRewrite(
        b"example.com", secure=True, same_site=b"None"
    )


def test_the_word_none_stays_a_word_when_it_is_written_out() -> None:
    """YAML 1.2 has null for nothing, and None is text; a reader of either version agrees."""
    text = (
        "routes: [{match: {path: /}, upstream: http://a, cors: false, "
        "cookies: {sameSite: None, secure: add}}]"
    )
    written = render(load(text, "f.yaml", READER, is_public_suffix))
    assert yaml.safe_load(written)["routes"][0]["cookies"]["sameSite"] == "None"
    again = load(written, "f.yaml", READER, is_public_suffix)
    assert again.snapshot is not None
    assert again.snapshot.routes[0].cookies == CookieRewrite(secure=True, same_site=b"None")
    assert json.dumps(yaml.safe_load(written)["routes"][0]["redirects"]) == '"keep"'
