"""Upstreams as people see them: what came from the environment or a file stays out."""

import pytest

from cors_gateway.config.load import load
from cors_gateway.config.public_suffixes import is_public_suffix
from cors_gateway.snapshot import Endpoint, HealthCheck, Upstream, UpstreamTls
from tests.cases.configs import FakeReader

READER = FakeReader(
    env={
        "URL": "http://api:5000/v1/s3cret",
        "HOST": "api",
        "HOST_AND_PATH": "api/s3cret",
        "TOKEN": "s3cret",
        "SLASH": "/",
        "SOCKET": "unix:/run/s3cret",
    },
    files={"/run/token": b"s3cret\n"},
)


def compiled(upstream: str) -> Upstream:
    text = f"routes: [{{match: {{path: /}}, cors: false, upstream: {upstream}}}]"
    snapshot = load(text, "f.yaml", READER, is_public_suffix).snapshot
    assert snapshot is not None
    (route,) = snapshot.routes
    return route.upstream


@pytest.mark.parametrize(
    "url, base_path, shown",
    [
        pytest.param("HTTP://api/v1/", b"/v1", "HTTP://api/v1/", id="nothing from outside"),
        pytest.param("http://api:1/b/${TOKEN}", b"/b/s3cret", "http://api:1", id="a variable"),
        pytest.param("http://api/${TOKEN}/b", b"/s3cret/b", "http://api", id="in the middle"),
        pytest.param("http://api/${file:/run/token}", b"/s3cret", "http://api", id="a file"),
        pytest.param("http://${HOST}:1/b/", b"/b", "http://api:1/b", id="the host alone"),
        pytest.param("http://${HOST}", b"", "http://api", id="no path"),
        pytest.param("http://${HOST_AND_PATH}/b", b"/s3cret/b", "http://api", id="more than it"),
        pytest.param("https://${HOST}:443/${TOKEN}", b"/s3cret", "https://api", id="https"),
        pytest.param("http://${HOST}/${NO:-b}", b"/b", "http://api", id="a default"),
        pytest.param("http://api${SLASH}b", b"/b", "http://api", id="a slash"),
        pytest.param("${URL}", b"/v1/s3cret", "http://api:5000", id="the whole URL"),
        pytest.param("unix:/run/${TOKEN}", b"", "unix:/run/${TOKEN}", id="a socket"),
        pytest.param("${SOCKET}", b"", "${SOCKET}", id="a whole socket"),
    ],
)
@pytest.mark.parametrize("form", ["'{}'", "{{url: '{}'}}", "{{urls: ['{}']}}"])
def test_the_url_of_an_upstream_for_people(
    url: str, base_path: bytes, shown: str, form: str
) -> None:
    upstream = compiled(form.format(url))

    assert (upstream.base_path, upstream.url) == (base_path, shown)


def test_upstreams_that_are_called_alike_are_one_however_they_are_written() -> None:
    text = """\
routes:
- {match: {path: /a}, cors: false, upstream: 'http://api/${TOKEN}'}
- {match: {path: /b}, cors: false, upstream: {url: 'http://${HOST}/s3cret'}}
"""
    snapshot = load(text, "f.yaml", READER, is_public_suffix).snapshot
    assert snapshot is not None
    first, second = snapshot.routes

    assert first.upstream is second.upstream


def test_an_upstream_has_an_endpoint_for_each_url() -> None:
    upstream = compiled("{urls: ['https://a/v1', 'https://b:8443/v1/', 'https://[::1]/v1']}")

    assert upstream.endpoints == (Endpoint("a", 443), Endpoint("b", 8443), Endpoint("::1", 443))
    assert (upstream.url, upstream.authority) == (
        "https://a/v1,https://b:8443/v1/,https://[::1]/v1",
        b"a",
    )
    assert (upstream.base_path, upstream.tls) == (b"/v1", UpstreamTls())


def test_ports_and_sockets_may_stand_in_one_list() -> None:
    upstream = compiled("{urls: ['http://a:1', 'unix:/run/b']}")

    assert upstream.endpoints == (Endpoint("a", 1), Endpoint("", 0, "/run/b"))
    assert upstream.tls is None


def test_files_of_tls_are_found_beside_the_configuration() -> None:
    upstream = compiled(
        "{url: 'https://a', tls: {ca: ca.pem, serverName: '[::1]', certificate: /c.pem, key: k}}"
    )

    assert upstream.tls == UpstreamTls("::1", "/conf/ca.pem", "/c.pem", "/conf/k")


def test_upstreams_with_another_tls_are_others() -> None:
    text = """\
routes:
- {match: {path: /a}, cors: false, upstream: 'https://a'}
- {match: {path: /b}, cors: false, upstream: {url: 'https://a', tls: {ca: ca.pem}}}
- {match: {path: /c}, cors: false, upstream: {url: 'https://a', tls: {ca: ca.pem}}}
"""
    snapshot = load(text, "f.yaml", READER, is_public_suffix).snapshot
    assert snapshot is not None
    first, second, third = snapshot.routes

    assert first.upstream != second.upstream
    assert second.upstream is third.upstream


@pytest.mark.parametrize(
    "upstream, host",
    [
        pytest.param("{url: 'http://api:5000/v1'}", b"api:5000", id="the client's is none"),
        pytest.param("{url: 'http://api:5000', host: upstream}", b"api:5000", id="its own"),
        pytest.param("{url: 'http://api:5000', host: a.example}", b"a.example", id="a value"),
        pytest.param("{url: 'unix:/run/api'}", b"localhost", id="a socket"),
    ],
)
def test_a_health_check_calls_the_api_as_requests_do(upstream: str, host: bytes) -> None:
    asked = upstream.replace("}", ", healthCheck: {path: /up}}")

    assert compiled(asked).health_check == HealthCheck(b"/up", host)


def test_apis_that_are_asked_differently_are_two() -> None:
    plain = compiled("{url: 'http://api'}")
    asked = compiled("{url: 'http://api', healthCheck: {path: /up}}")

    assert plain != asked
    assert plain.health_check is None
