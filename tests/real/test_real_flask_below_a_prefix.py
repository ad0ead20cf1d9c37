"""Flask below a prefix that it does not know: its cookies and redirects, by the whole command."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.peers.processes import Gateway, gateway
from tests.real.caller import ask


@pytest.fixture(scope="module")
def site(flask_site: int, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    upstream = {"url": f"http://127.0.0.1:{flask_site}", "stripPrefix": True}
    block = {"domain": "remove", "path": "auto", "secure": "add", "sameSite": "None"}
    settings = {
        "server": {"listen": "127.0.0.1:0"},
        "routes": [
            {
                "match": {"path": path},
                "upstream": {**upstream, "host": host},
                "cors": False,
                "cookies": block,
                "redirects": "rewrite",
            }
            for path, host in {"/api": "preserve", "/internal": "upstream"}.items()
        ],
    }
    directory: Path = tmp_path_factory.mktemp("gateway")
    # What is JSON is YAML.
    with gateway(directory, json.dumps(settings)) as started:
        yield started
    assert "internal-error" not in "".join(started.printed)


@pytest.mark.parametrize("prefix", ["/api", "/internal"])
@pytest.mark.parametrize("target, status", [("/old", 302), ("/older", 308)])
def test_a_redirect_stays_below_the_prefix(
    site: Gateway, prefix: str, target: str, status: int
) -> None:
    """``/old`` leads to a path, ``/older`` to a URL with the host that Flask was called by."""
    answer = ask(site.port, prefix + target)
    assert (answer.status, answer.value("Location")) == (status, f"{prefix}/hello".encode())
    assert ask(site.port, f"{prefix}/hello").json()["greeting"] == "hello"


def test_the_hosts_that_flask_was_called_by_are_two(site: Gateway, flask_site: int) -> None:
    assert ask(site.port, "/api/hello").json()["host"] == "api.example"
    assert ask(site.port, "/internal/hello").json()["host"] == f"127.0.0.1:{flask_site}"


def test_each_cookie_of_werkzeug_is_for_the_prefix_and_for_pages_elsewhere(site: Gateway) -> None:
    answer = ask(site.port, "/api/cookies")
    cookies = [value.split(b"; ") for value in answer.head.values("Set-Cookie")]
    assert [cookie[0] for cookie in cookies] == [b"zeta=1", b"alpha=2", b"zeta=3"]
    assert [cookie[-2:] for cookie in cookies] == [
        [b"Secure", b"SameSite=None"],
        [b"SameSite=None", b"Secure"],
        [b"Path=/api", b"SameSite=None"],
    ]
    assert b"Path=/api/old" in cookies[1]
    assert b"Path=/api" in cookies[0]
    assert b"HttpOnly" in cookies[0]
    assert all(cookie.count(b"Secure") == 1 for cookie in cookies)
