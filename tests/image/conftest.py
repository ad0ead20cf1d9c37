"""The image, built from the working tree as ``make image`` builds it, and an API beside it."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.image.containers import (
    BUILD_FLAGS,
    BUILD_PATIENCE,
    ENGINE,
    IMAGE,
    ROOT,
    Container,
    eventually,
    network,
    started,
    succeed,
)

API_IMAGE = "cors-gateway-example-api"


@pytest.fixture(scope="session")
def image() -> str:
    """The gateway's image."""
    done = subprocess.run(
        ["make", "image", f"IMAGE={IMAGE}", f"CONTAINER_ENGINE={ENGINE}"],
        cwd=ROOT,
        check=False,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        timeout=BUILD_PATIENCE,
    )
    assert done.returncode == 0, done.stdout
    return IMAGE


@pytest.fixture(scope="session")
def api_image() -> str:
    """The image of the Flask application of ``docker-compose.yml``."""
    folder = str(ROOT / "compose" / "api")
    succeed("build", *BUILD_FLAGS, "-t", API_IMAGE, folder, patience=BUILD_PATIENCE)
    return API_IMAGE


@pytest.fixture(scope="session")
def between() -> Iterator[str]:
    """A network of the gateway and the API."""
    with network() as name:
        yield name


@pytest.fixture(scope="session")
def api(api_image: str, between: str) -> Iterator[Container]:
    """The Flask application, on that network as ``http://api:5000``, wanting no key."""
    with started(api_image, f"--network={between}", "--network-alias=api") as container:
        eventually(lambda: "Booting worker" in container.printed, "the API listens")
        yield container


@pytest.fixture
def mounted(tmp_path: Path) -> Path:
    """A directory to mount, which the image's user may read."""
    directory = tmp_path / "configuration"
    directory.mkdir(mode=0o755)
    return directory
