"""How the image is told what to serve: by the environment, or by a directory; and what it refuses."""

import re
from pathlib import Path

import pytest

from tests.image.calls import ORIGIN, ask, preflight
from tests.image.containers import (
    HARDENED,
    Container,
    eventually,
    run_once,
    running_container,
    started,
)

PLACE = "/etc/cors-gateway"
DEVELOPER = "http://localhost:5173"
BY_ENVIRONMENT = {
    "CORS_GATEWAY_UPSTREAM": "http://api:5000",
    "CORS_GATEWAY_ALLOW_ORIGINS": f"{ORIGIN},{DEVELOPER}",
}
CONFIG = """\
routes:
  - match: {path: /}
    upstream:
      url: http://api:5000
      headers: {set: {X-Api-Key: "${file:/run/secrets/api_key}"}}
    cors: {allowOrigins: ["https://app.example.com"]}
"""
WITHOUT_SECRET = CONFIG.replace("${file:/run/secrets/api_key}", "none")


def write(directory: Path, text: str, *, mode: int = 0o644) -> str:
    """Write a configuration; give the flag that mounts its directory."""
    file = directory / "gateway.yaml"
    file.write_text(text)
    file.chmod(mode)
    return f"--volume={directory}:{PLACE}:ro"


@pytest.mark.parametrize("origin", [ORIGIN, DEVELOPER])
def test_the_environment_alone_is_enough(
    image: str, api: Container, between: str, origin: str
) -> None:
    with running_container(image, f"--network={between}", env=BY_ENVIRONMENT) as container:
        asked = preflight(container.port, "/orders", "POST", origin)
        actual = ask(container.port, "/orders", origin=origin)
        stranger = ask(container.port, "/orders", origin="https://evil.example")

    assert (asked.status, asked.grant) == (204, origin)
    assert (actual.status, actual.grant) == (200, origin)
    assert [order["id"] for order in actual.json()] == [1, 2]
    assert (stranger.status, stranger.grant) == (200, None)


def test_with_nothing_said_it_does_not_start_and_says_what_to_set(image: str) -> None:
    status, printed = run_once(image, *HARDENED)

    assert status == 1
    assert "CORS_GATEWAY_UPSTREAM" in printed
    assert "CORS_GATEWAY_ALLOW_ORIGINS" in printed
    assert f"{PLACE}/gateway.yaml" in printed


@pytest.mark.parametrize("missing", list(BY_ENVIRONMENT))
def test_half_an_environment_does_not_start(image: str, missing: str) -> None:
    env = {name: value for name, value in BY_ENVIRONMENT.items() if name != missing}

    status, printed = run_once(image, *HARDENED, env=env)

    assert status == 1
    assert f"set {missing}=http" in printed


def test_the_mounted_directory_is_found(
    image: str, api: Container, between: str, mounted: Path
) -> None:
    flags = [f"--network={between}", write(mounted, WITHOUT_SECRET)]

    with running_container(image, *flags) as container:
        answer = ask(container.port, "/orders")

    assert (answer.status, answer.grant) == (200, ORIGIN)


def test_a_secret_comes_from_its_file(
    image: str, api_image: str, between: str, mounted: Path, tmp_path: Path
) -> None:
    secret = tmp_path / "api_key"
    secret.write_text("quite secret\n")
    secret.chmod(0o644)
    given = f"--volume={secret}:/run/secrets/api_key:ro"
    flags = [f"--network={between}", write(mounted, CONFIG.replace("//api:", "//locked-api:"))]
    locked = [f"--network={between}", "--network-alias=locked-api", given]
    wants_it = {"ORDERS_API_KEY_FILE": "/run/secrets/api_key"}

    with (
        running_container(image, *flags, given) as container,
        started(api_image, *locked, env=wants_it),
    ):
        eventually(lambda: ask(container.port, "/orders").status != 502, "the API listens")
        answer = ask(container.port, "/orders")
        command = ["render", "-c", f"{PLACE}/gateway.yaml"]
        _, rendered = run_once(image, *HARDENED, *flags, given, command=command)
        printed = container.printed

    assert answer.status == 200
    assert "quite secret" not in printed + rendered


def test_a_missing_secret_is_named(image: str, mounted: Path) -> None:
    status, printed = run_once(image, *HARDENED, write(mounted, CONFIG))

    assert status == 1
    assert re.search(rf"{PLACE}/gateway.yaml:5:\d+: .*/run/secrets/api_key", printed)


def test_a_file_and_an_environment_exclude_each_other(image: str, mounted: Path) -> None:
    mount = write(mounted, WITHOUT_SECRET)

    status, printed = run_once(image, *HARDENED, mount, env=BY_ENVIRONMENT)

    assert status == 1
    assert f"{PLACE}/gateway.yaml" in printed
    assert "CORS_GATEWAY_UPSTREAM" in printed


def test_a_file_that_its_user_cannot_read_names_the_user(image: str, mounted: Path) -> None:
    status, printed = run_once(image, *HARDENED, write(mounted, WITHOUT_SECRET, mode=0o600))

    assert status == 1
    assert "let user 65532 read it" in printed


def test_the_other_commands_are_in_it_as_well(image: str, mounted: Path) -> None:
    mount = write(mounted, WITHOUT_SECRET)
    question = ["explain", "--origin", ORIGIN, "/orders"]

    assert run_once(image, *HARDENED, mount, command=["validate"])[0] == 0
    assert run_once(image, *HARDENED, mount, command=question)[0] == 0
    assert run_once(image, *HARDENED, mount, command=["nonsense"])[0] == 2
