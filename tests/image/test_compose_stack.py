"""``docker-compose.yml`` as it stands: started by one command, called, and taken down."""

import json
import os
import shutil
import socket
import subprocess
import urllib.parse
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import expect, sync_playwright

from tests.image.calls import ask, preflight
from tests.image.containers import (
    BUILD_PATIENCE,
    ENGINE,
    IMAGE,
    IS_PODMAN,
    ROOT,
    Container,
    eventually,
    run_once,
    succeed,
    unique_name,
)
from tests.peers.chromium import ARGUMENTS, CHROMIUM

COMPOSE = ["podman-compose"] if IS_PODMAN else [ENGINE, "compose"]
FILE = ROOT / "docker-compose.yml"
WITHOUT_KEY = """
import json, urllib.error, urllib.request
try:
    urllib.request.urlopen("http://api:5000/orders")
except urllib.error.HTTPError as error:
    print(json.dumps(error.code))
"""


@dataclass(frozen=True)
class Stack:
    """The services that run."""

    project: str
    gateway_port: int
    page_port: int

    @property
    def page_origin(self) -> str:
        return f"http://localhost:{self.page_port}"

    def service(self, name: str) -> Container:
        """Return the container of a service."""
        labels = {"project": self.project, "service": name}
        filters = [f"--filter=label=com.docker.compose.{key}={labels[key]}" for key in labels]
        return Container(succeed("ps", "--all", "--format={{.Names}}", *filters).strip())


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port


@pytest.fixture(scope="module")
def stack(image: str, api_image: str) -> Iterator[Stack]:
    """Both images are built already: what compose would build is what they are."""
    assert shutil.which(COMPOSE[0]), f"{COMPOSE[0]} is missing, which starts {FILE.name}"
    made = Stack(unique_name(), free_port(), free_port())
    ports = {"GATEWAY_PORT": str(made.gateway_port), "PAGE_PORT": str(made.page_port)}

    def compose(*arguments: str) -> None:
        done = subprocess.run(
            [*COMPOSE, "-p", made.project, "-f", str(FILE), *arguments],
            env={**os.environ, **ports},
            check=False,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            timeout=BUILD_PATIENCE,
        )
        assert done.returncode == 0, done.stdout

    try:
        compose("up", "--detach")
        port = made.gateway_port
        eventually(lambda: answers(port) and answers(made.page_port), "the ports are open")
        eventually(lambda: ask(port, "/api/orders").status != 502, "the API is there")
        yield made
    finally:
        compose("down", "--volumes")


def answers(port: int) -> bool:
    try:
        ask(port, "/")
    except OSError:
        return False
    return True


def test_the_page_may_call_and_another_may_not(stack: Stack) -> None:
    allowed = preflight(stack.gateway_port, "/api/orders/1", "PUT", stack.page_origin)
    refused = preflight(stack.gateway_port, "/api/orders/1", "PUT", "https://evil.example")

    assert (allowed.status, allowed.grant) == (204, stack.page_origin)
    assert (refused.status, refused.grant) == (403, None)


def test_the_login_makes_a_session(stack: Stack) -> None:
    port, origin = stack.gateway_port, stack.page_origin
    kind, content = "application/json", b'{"user": "ada"}'
    login = ask(
        port, "/api/login", method="POST", origin=origin, content=content, Content_Type=kind
    )
    cookie = login.fields["set-cookie"].partition(";")[0]

    who = ask(port, "/api/me", origin=origin, Cookie=cookie)

    assert (who.status, who.json()) == (200, {"user": "ada"})
    assert who.fields["access-control-allow-credentials"] == "true"
    assert ask(port, "/api/me", origin=origin).status == 401


def test_the_key_that_the_api_demands_is_added_by_the_gateway(stack: Stack) -> None:
    neighbour = [f"--network={stack.project}_default", "--entrypoint=python"]

    assert run_once(IMAGE, *neighbour, command=["-c", WITHOUT_KEY]) == (0, "401\n")
    assert ask(stack.gateway_port, "/api/orders").status == 200


def test_nothing_of_this_machine_leads_to_the_api_and_only_loopback_to_the_others(
    stack: Stack,
) -> None:
    assert stack.service("api").published == []
    assert stack.service("gateway").published == [f"127.0.0.1:{stack.gateway_port}"]
    assert stack.service("page").published == [f"127.0.0.1:{stack.page_port}"]


def test_the_gateway_has_neither_privileges_nor_a_root_to_write_to(stack: Stack) -> None:
    inspected = json.loads(succeed("inspect", stack.service("gateway").name))[0]
    status = Path(f"/proc/{inspected['State']['Pid']}/status").read_text("utf-8").split()

    assert inspected["HostConfig"]["ReadonlyRootfs"] is True
    assert status[status.index("CapBnd:") + 1] == "0" * 16
    assert status[status.index("NoNewPrivs:") + 1] == "1"


def test_without_the_api_the_gateway_starts_and_a_page_can_read_so(stack: Stack) -> None:
    api, gateway = stack.service("api"), stack.service("gateway")
    port, origin = stack.gateway_port, stack.page_origin
    succeed("stop", api.name)
    try:
        succeed("restart", gateway.name)
        eventually(lambda: answers(port), "the gateway listens again")
        alone = ask(port, "/api/orders", origin=origin)
    finally:
        succeed("start", api.name)
    eventually(lambda: ask(port, "/api/orders").status == 200, "the API is there again")

    assert (alone.status, alone.grant) == (502, origin)


def test_its_configuration_passes_its_own_tests(image: str) -> None:
    places = {"gateway": "/etc/cors-gateway", "secrets": "/run/secrets"}
    mounts = [f"--volume={ROOT / 'compose' / name}:{places[name]}:ro" for name in places]

    assert run_once(image, *mounts, command=["validate", "--strict", "--tests"])[0] == 0


@pytest.mark.chromium
def test_the_page_works_in_a_browser(stack: Stack) -> None:
    gateway = urllib.parse.quote(f"http://localhost:{stack.gateway_port}")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        page = browser.new_page()
        page.goto(f"{stack.page_origin}/?gateway={gateway}")
        expect(page.get_by_role("button", name="Call again")).to_be_enabled(timeout=60_000)
        calls = {
            call.locator("h2 code").inner_text(): (call.get_attribute("class"), call.inner_text())
            for call in page.locator("#calls li").all()
        }
        browser.close()

    assert {name: state for name, (state, _) in calls.items()} == dict.fromkeys(calls, "works")
    assert len(calls) == 6
    assert "X-Total-Count: 2" in calls["GET /api/orders"][1]
    assert '"count":3' in calls["PUT /api/orders/1"][1]
    assert "ada" in calls["GET /api/me"][1]
    assert "404" in calls["PUT /api/orders/999"][1]
    assert "line 5 of 5" in calls["GET /api/report"][1]
