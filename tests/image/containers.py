"""Containers for tests: started by docker or podman, named so that no other is touched, removed.

Everything that waits gives up after minutes: pulling, building and starting may be slow, and no test
here says how fast something is.
"""

import json
import os
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex
from typing import Any

__all__ = [
    "BUILD_FLAGS",
    "BUILD_PATIENCE",
    "ENGINE",
    "HARDENED",
    "IMAGE",
    "IS_PODMAN",
    "ROOT",
    "Container",
    "engine",
    "eventually",
    "find_health_check",
    "network",
    "run_once",
    "running_container",
    "started",
    "succeed",
    "unique_name",
]

ROOT = Path(__file__).parents[2]
PATIENCE = 120.0
BUILD_PATIENCE = 1800.0
"""Builds fetch packages."""
BUILD_FLAGS = shlex.split(os.environ.get("CONTAINER_BUILD_FLAGS", ""))

ENGINE = os.environ.get("CONTAINER_ENGINE") or ("docker" if shutil.which("docker") else "podman")
IMAGE = "cors-gateway"
"""The gateway's, as ``docker-compose.yml`` calls it too."""
IS_PODMAN = Path(ENGINE).name == "podman"

HARDENED = [
    "--read-only",
    # By itself podman would give folders to write to, unlike docker.
    *(["--read-only-tmpfs=false"] if IS_PODMAN else []),
    "--cap-drop=ALL",
    "--security-opt=no-new-privileges",
]
"""How a careful operator runs the image."""


def engine(*arguments: str, patience: float = PATIENCE) -> subprocess.CompletedProcess[str]:
    """Run the engine's command and return how it ended."""
    return subprocess.run(
        [ENGINE, *arguments],
        check=False,
        capture_output=True,
        encoding="utf-8",
        errors="backslashreplace",
        timeout=patience,
    )


def succeed(*arguments: str, patience: float = PATIENCE) -> str:
    """Run the engine's command, which has to succeed, and return what it printed."""
    done = engine(*arguments, patience=patience)
    assert done.returncode == 0, f"{ENGINE} {' '.join(arguments)}\n{done.stdout}{done.stderr}"
    return done.stdout


def find_health_check(inspected: dict[str, Any]) -> dict[str, Any]:
    """Return an image's health check from what docker or podman say of the image."""
    found: dict[str, Any] | None = inspected["Config"].get("Healthcheck")
    found = found or inspected.get("HealthCheck") or inspected.get("Healthcheck")
    assert found, "the image declares no health check"
    return found


def unique_name() -> str:
    """Return a name for a container or a network that nobody else has."""
    return f"cors-gateway-test-{token_hex(6)}"


def eventually(condition: Callable[[], bool], what: str) -> None:
    """Wait until something is so."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, f"it never came to this: {what}"
        time.sleep(0.1)


@dataclass(frozen=True)
class Container:
    """A container that runs, or has run."""

    name: str

    @property
    def port(self) -> int:
        """Where on loopback the gateway's port is published."""
        return int(succeed("port", self.name, "8080").splitlines()[0].rpartition(":")[2])

    @property
    def published(self) -> list[str]:
        """Every address of this machine that leads into it."""
        lines = succeed("port", self.name).splitlines()
        return [line.rpartition(" -> ")[2] for line in lines]

    @property
    def printed(self) -> str:
        """Everything it has printed so far."""
        done = engine("logs", self.name)
        return done.stdout + done.stderr

    @property
    def is_running(self) -> bool:
        return self.state["Running"] is True

    @property
    def state(self) -> dict[str, Any]:
        """What the engine knows of it."""
        state: dict[str, Any] = json.loads(succeed("inspect", self.name))[0]["State"]
        return state

    def python(self, code: str) -> Any:
        """Run Python among its processes and on its network; return what it printed as JSON.

        In a container of its own, and not by ``exec``, which needs more privileges of the engine
        than some test machines give it.
        """
        status, printed = self._beside("python", "-I", "-c", code)
        assert status == 0, printed
        return json.loads(printed)

    def probe(self) -> int:
        """Run the health check that the image declares; return its exit status."""
        declared = json.loads(succeed("image", "inspect", IMAGE))[0]
        kind, *command = find_health_check(declared)["Test"]
        assert kind == "CMD"
        return self._beside(*command)[0]

    def _beside(self, program: str, *arguments: str) -> tuple[int, str]:
        joined = [f"--pid=container:{self.name}", f"--network=container:{self.name}"]
        flags = [*HARDENED, *joined, f"--entrypoint={program}"]
        return run_once(IMAGE, *flags, command=arguments)

    def sees_it_listen(self) -> None:
        """Wait until the gateway says where it listens."""

        def listens_or_has_ended() -> bool:
            return "listening on" in self.printed or not self.is_running

        eventually(listens_or_has_ended, "the gateway listens")
        assert self.is_running, self.printed

    def signal(self, name: str) -> None:
        succeed("kill", f"--signal={name}", self.name)

    def wait(self) -> int:
        """Wait for its end; return its exit status."""
        return int(succeed("wait", self.name))

    def stop(self) -> int:
        """Stop it as ``docker stop`` does: TERM, and KILL after 10 s, whose exit status is 137."""
        succeed("stop", "--time=10", self.name)
        return self.wait()


@contextmanager
def started(
    image: str, *flags: str, command: Sequence[str] = (), env: Mapping[str, str] | None = None
) -> Iterator[Container]:
    """Start a container, and remove it at the end whatever has become of it."""
    container = Container(unique_name())
    variables = [f"--env={name}={value}" for name, value in (env or {}).items()]
    try:
        succeed("run", "--detach", f"--name={container.name}", *flags, *variables, image, *command)
        yield container
    finally:
        failed = sys.exc_info()[0] is not None
        if failed:
            print(container.printed)
        engine("rm", "--force", "--volumes", container.name)


@contextmanager
def running_container(
    image: str, *flags: str, command: Sequence[str] = (), env: Mapping[str, str] | None = None
) -> Iterator[Container]:
    """Run the gateway, hardened, its port published on loopback; return once it listens."""
    publish = "--publish=127.0.0.1::8080"
    with started(image, *HARDENED, publish, *flags, command=command, env=env) as container:
        container.sees_it_listen()
        yield container


def run_once(
    image: str, *flags: str, command: Sequence[str] = (), env: Mapping[str, str] | None = None
) -> tuple[int, str]:
    """Run a container to its end; return its exit status and what it printed."""
    with started(image, *flags, command=command, env=env) as container:
        return container.wait(), container.printed


@contextmanager
def network() -> Iterator[str]:
    """Make a network on which containers find each other by name."""
    name = unique_name()
    succeed("network", "create", name)
    try:
        yield name
    finally:
        engine("network", "rm", name)
