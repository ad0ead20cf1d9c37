"""The README's ``docker run``, as it stands there: run, and called as the page that it is for.

What differs from what a reader types is in one table and nowhere else. The API is a process of this
machine, as a developer's is, and listens as the README says it has to on Linux.
"""

import json
import re
import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.docs.pages import DOCS
from tests.image.calls import ask, preflight
from tests.image.containers import (
    ENGINE,
    IS_PODMAN,
    ROOT,
    Container,
    engine,
    eventually,
    succeed,
    unique_name,
)
from tests.peers.processes import FLASK_LISTENS, GATEWAY_LISTENS, running

SECTION = DOCS["README.md"].section("Put it in front of your API")
PAGE = "http://localhost:5173"


def readme_command() -> str:
    """Give the command as a reader copies it, in one line."""
    lines = [
        line
        for block in DOCS["README.md"].blocks
        for line in block.text.replace("\\\n", " ").splitlines()
    ]
    (command,) = [line for line in lines if line.startswith("docker run ")]
    return command


def substitute(command: str, table: dict[str, str]) -> str:
    """Replace what is written, which has to be there exactly once, by what is run here."""
    for written, run in table.items():
        assert command.count(written) == 1, written
        command = command.replace(written, run)
    return command


def substitutions(name: str, network: str, api_port: int) -> dict[str, str]:
    table = {
        # It goes on beside the test, which finds and removes it by its name.
        "docker run ": f"{ENGINE} run --detach --name={name} --network={network} ",
        # Somebody may have these ports.
        "127.0.0.1:8080:8080": "127.0.0.1::8080",
        "host.docker.internal:5000": f"host.docker.internal:{api_port}",
    }
    if IS_PODMAN:
        # Podman before 4.7 does not know the word.
        table["host-gateway"] = machine_on(network)
    return table


def machine_on(network: str) -> str:
    """Give the address that this machine has on a network."""
    inspected: dict[str, Any] = json.loads(succeed("network", "inspect", network))[0]
    address: str = inspected["subnets"][0]["gateway"]
    return address


@pytest.fixture(scope="module")
def api_port() -> Iterator[int]:
    """The port of a Flask application on this machine."""
    listen = re.search(r"`flask (run --host \S+)`", SECTION)
    assert listen, "the README does not say how the API has to listen"
    application = str(ROOT / "compose" / "api" / "orders.py")
    flask = [sys.executable, "-m", "flask", "--app", application, *listen[1].split()]
    with running([*flask, "--port", "0"]) as program:
        yield int(program.wait_for(FLASK_LISTENS)[1].rpartition(":")[2])


@contextmanager
def ran(command: str, name: str) -> Iterator[Container]:
    """Run a command that starts the gateway; remove its container at the end."""
    program, *words = shlex.split(command)
    assert program == ENGINE
    try:
        succeed(*words)
        container = Container(name)
        container.sees_it_listen()
        yield container
    finally:
        engine("rm", "--force", "--volumes", name)


def test_docker_run_lets_the_page_call_with_credentials(
    image: str, between: str, api_port: int
) -> None:
    name = unique_name()
    command = substitute(readme_command(), substitutions(name, between, api_port))
    assert shlex.split(command)[-1] == image

    with ran(command, name) as gateway:
        published = gateway.published
        eventually(lambda: ask(gateway.port, "/orders").status == 200, "the API is reached")
        asked = preflight(gateway.port, "/orders", "POST", PAGE)
        read = ask(gateway.port, "/orders", origin=PAGE, Cookie="session=none")
        stranger = ask(gateway.port, "/orders", origin="https://evil.example")

    assert [address.rpartition(":")[0] for address in published] == ["127.0.0.1"]
    for answer in (asked, read):
        assert answer.grant == PAGE
        assert answer.fields["access-control-allow-credentials"] == "true"
    assert (asked.status, read.status, stranger.grant) == (204, 200, None)
    assert [order["id"] for order in read.json()] == [1, 2]


def test_on_the_network_of_the_machine_it_reaches_an_api_on_loopback(
    image: str, api_port: int
) -> None:
    network, api, listen = "--network host", "http://localhost:5000", "127.0.0.1:8080"
    said = [f"`{network}`", f"`{api}`", f"`CORS_GATEWAY_LISTEN={listen}`"]
    assert [words for words in said if words not in SECTION] == []
    name = unique_name()
    table = {
        "docker run ": f"{ENGINE} run --detach --name={name} ",
        "-p 127.0.0.1:8080:8080 --add-host host.docker.internal:host-gateway": network,
        "http://host.docker.internal:5000": f"{api.replace('5000', str(api_port))} "
        # Somebody may have the port.
        f"-e CORS_GATEWAY_LISTEN={listen.replace('8080', '0')}",
    }

    with ran(substitute(readme_command(), table), name) as gateway:
        listens = GATEWAY_LISTENS.search(gateway.printed)
        assert listens
        port = int(listens[1].rpartition(":")[2])
        read = ask(port, "/orders", origin=PAGE)

    assert (read.status, read.grant) == (200, PAGE)
