"""The gateway as process 1 of a container: its workers, its health, and its end."""

import json
from collections.abc import Iterator
from contextlib import closing
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from tests.image.calls import ORIGIN, ask, connection, take
from tests.image.containers import (
    HARDENED,
    Container,
    eventually,
    run_once,
    running_container,
)

BY_ENVIRONMENT = {
    "CORS_GATEWAY_UPSTREAM": "http://api:5000",
    "CORS_GATEWAY_ALLOW_ORIGINS": ORIGIN,
}
PROCESSES = """
import json
from pathlib import Path
found = {}
for stat in Path("/proc").glob("[0-9]*/stat"):
    try:
        about = stat.read_text().rpartition(")")[2].split()
        command = (stat.parent / "cmdline").read_text().split("\\0")
    except OSError:
        continue
    found[int(stat.parent.name)] = [about[0], int(about[1]), command]
print(json.dumps(found))
"""
ORPHAN = """
import os, time
if os.fork() == 0:
    if os.fork() == 0:
        time.sleep(1)
    os._exit(0)
os.wait()
print("{}")
"""
KILL = "import os, signal; os.kill({}, signal.SIGKILL); print('{{}}')"


def processes(container: Container) -> dict[int, tuple[str, int, list[str]]]:
    """Return state, parent and command of every process inside, by its number."""
    found: dict[str, Any] = container.python(PROCESSES)
    return {int(pid): tuple(about) for pid, about in found.items()}


def workers(container: Container) -> set[int]:
    """Return the workers that live."""
    return {
        pid
        for pid, (state, parent, command) in processes(container).items()
        if parent == 1 and state != "Z" and "cors_gateway.process.worker_main" in command
    }


def zombies(container: Container) -> list[int]:
    return [pid for pid, (state, *_) in processes(container).items() if state == "Z"]


@pytest.fixture
def gateway(image: str, api: Container, between: str) -> Iterator[Container]:
    flags = [f"--network={between}"]
    with running_container(
        image, *flags, command=["run", "--workers=2"], env=BY_ENVIRONMENT
    ) as container:
        yield container


@pytest.mark.row("F13")
def test_process_1_is_the_gateway_itself_and_the_workers_are_its_children(
    gateway: Container,
) -> None:
    _, parent, command = processes(gateway)[1]

    assert parent == 0
    assert "/opt/cors-gateway/bin/cors-gateway" in command
    assert len(workers(gateway)) == 2


@pytest.mark.row("F13")
def test_a_worker_that_dies_is_replaced_and_leaves_no_zombie(gateway: Container) -> None:
    before = workers(gateway)
    victim = min(before)

    gateway.python(KILL.format(victim))

    eventually(lambda: len(workers(gateway) - {victim}) == 2, "the worker is replaced")
    assert max(before) in workers(gateway)
    assert ask(gateway.port, "/orders").status == 200
    assert zombies(gateway) == []


@pytest.mark.row("F13")
def test_orphans_of_others_leave_no_zombies_either(gateway: Container) -> None:
    """Process 1 inherits what an ``exec`` leaves behind, and nobody else can wait for it."""

    def children() -> set[int]:
        return {pid for pid, (_, parent, _) in processes(gateway).items() if parent == 1}

    gateway.python(ORPHAN)

    eventually(lambda: children() == workers(gateway), "the orphan has been waited for")


def test_it_is_healthy_while_it_serves(gateway: Container) -> None:
    eventually(lambda: gateway.probe() == 0, "it becomes healthy")


@pytest.mark.row("F16")
def test_its_health_needs_no_api(image: str) -> None:
    """An API that is down is no reason to replace the gateway, which says so to pages."""
    with running_container(image, env=BY_ENVIRONMENT) as container:
        assert ask(container.port, "/orders").status == 502
        eventually(lambda: container.probe() == 0, "it becomes healthy")


def test_it_is_unhealthy_without_its_admin_listener(image: str) -> None:
    env = {**BY_ENVIRONMENT, "CORS_GATEWAY_ADMIN": "off"}
    with running_container(image, env=env) as container:
        assert container.probe() == 1


def test_it_is_unhealthy_where_nothing_serves(image: str) -> None:
    assert run_once(image, *HARDENED, command=["healthcheck"])[0] == 1


def test_it_drains_unhealthy_and_finishes_what_it_has_begun(
    image: str, api: Container, between: str, mounted: Path
) -> None:
    (mounted / "gateway.yaml").write_text(
        # Longer than this test lasts.
        "server: {drain: {timeout: 10m}}\n"
        "routes: [{match: {path: /}, upstream: 'http://api:5000', cors: false}]\n"
    )
    flags = [f"--network={between}", f"--volume={mounted}:/etc/cors-gateway:ro"]
    half = b"half of it, "
    with (
        running_container(image, *flags) as container,
        closing(connection(container.port)) as made,
    ):
        made.putrequest("POST", "/upload")
        made.putheader("Content-Length", str(len(half) * 2))
        made.endheaders(half)
        eventually(lambda: container.probe() == 0, "it becomes healthy")

        container.signal("TERM")

        eventually(lambda: container.probe() == 1, "it says that it drains")
        assert container.is_running
        made.send(half)
        answer = take(made)
        assert container.wait() == 0

    assert answer.json() == {"sha256": sha256(half * 2).hexdigest(), "length": len(half) * 2}


@pytest.mark.row("F3")
def test_a_stop_ends_it_in_time_although_clients_stay_connected(gateway: Container) -> None:
    with closing(connection(gateway.port)) as idle, closing(connection(gateway.port)) as slow:
        idle.request("GET", "/orders")
        take(idle)
        slow.putrequest("POST", "/upload")
        slow.putheader("Content-Length", "1000")
        slow.endheaders(b"and then nothing")

        assert gateway.stop() == 0


def test_a_mounted_directory_shows_a_replaced_file_at_the_next_hup(
    image: str, api: Container, between: str, mounted: Path
) -> None:
    """Editors and Kubernetes put a file in the place of another; the directory is the same."""
    text = "routes: [{match: {path: /}, upstream: 'http://api:5000', cors: {allowOrigins: [%s]}}]"
    file = mounted / "gateway.yaml"
    file.write_text(text % "'https://before.example'")
    flags = [f"--network={between}", f"--volume={mounted}:/etc/cors-gateway:ro"]
    with running_container(image, *flags) as container:
        assert ask(container.port, "/orders").grant is None
        (mounted / "written").write_text(text % f"'{ORIGIN}'")
        (mounted / "written").replace(file)

        container.signal("HUP")

        eventually(lambda: ask(container.port, "/orders").grant == ORIGIN, "the file is taken")


def test_it_does_not_start_where_its_port_is_taken(image: str) -> None:
    with running_container(image, env=BY_ENVIRONMENT) as first:
        beside = f"--network=container:{first.name}"
        status, printed = run_once(image, *HARDENED, beside, env=BY_ENVIRONMENT)

    assert status == 3
    assert "8080" in printed


def test_its_log_is_json_after_the_lines_that_say_where_it_listens(gateway: Container) -> None:
    ask(gateway.port, "/orders")
    eventually(lambda: '"access"' in gateway.printed, "the call is logged")

    lines = gateway.printed.splitlines()
    records = [json.loads(line) for line in lines if not line.startswith("cors-gateway")]

    assert lines[0].startswith("cors-gateway ")
    assert {record["msg"] for record in records} == {"access"}


def test_its_user_may_be_another(image: str, api: Container, between: str) -> None:
    """OpenShift gives every project a user of its own, in group 0."""
    flags = [f"--network={between}", "--user=1000870000:0"]
    with running_container(image, *flags, env=BY_ENVIRONMENT) as container:
        assert ask(container.port, "/orders").status == 200
        eventually(lambda: container.probe() == 0, "it becomes healthy")
