"""What is in the image, and what is not: looked at from inside a container of it."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.image.containers import (
    BUILD_FLAGS,
    BUILD_PATIENCE,
    ROOT,
    engine,
    run_once,
    started,
    succeed,
    unique_name,
)

LIST = "requirements-image.txt"

LIST_UNCOMPILED = """
import json, sys, sysconfig
from importlib.util import cache_from_source
from pathlib import Path
roots = [sysconfig.get_path("stdlib"), sysconfig.get_path("purelib")]
files = [file for root in roots for file in Path(root).rglob("*.py")]
missing = [str(file) for file in files if not Path(cache_from_source(file)).exists()]
print(json.dumps([len(files), missing]))
"""

LIST_TIMED = """
import json, sysconfig
from pathlib import Path
UNCHECKED_HASH = (1).to_bytes(4, "little")
files = Path(sysconfig.get_path("purelib")).rglob("*.pyc")
print(json.dumps([str(file) for file in files if file.read_bytes()[4:8] != UNCHECKED_HASH]))
"""

LIST_PACKAGES = """
import json
from importlib.metadata import distributions
print(json.dumps(sorted(f"{each.name}=={each.version}" for each in distributions())))
"""

LIST_TOOLS = """
import json, shutil, subprocess, sys
from pathlib import Path
programs = ["cc", "gcc", "c++", "make", "cargo", "git"]
found = [name for name in programs if shutil.which(name)]
for python in (sys.executable, sys._base_executable):
    code = "from importlib.util import find_spec as f; print(bool(f('pip') or f('ensurepip')))"
    if subprocess.check_output([python, "-c", code], text=True).strip() == "True":
        found.append(f"pip of {python}")
found += [name for name in ("/build", "/root/.cache") if Path(name).exists()]
print(json.dumps(found))
"""

LIST_WRITABLE = """
import json, os, stat
found = []
for folder, folders, files in os.walk("/"):
    if folder == "/":
        folders[:] = [name for name in folders if name not in ("proc", "sys", "dev")]
    for path in (os.path.join(folder, name) for name in (*folders, *files)):
        status = os.lstat(path)
        if stat.S_ISLNK(status.st_mode):
            continue
        # What everybody may use and nobody else's file can be taken from: /tmp and its like.
        shared = stat.S_ISDIR(status.st_mode) and status.st_mode & stat.S_ISVTX
        if status.st_uid == os.getuid() or (os.access(path, os.W_OK) and not shared):
            found.append(path)
print(json.dumps(found))
"""

LIST_SENT = """
import json
from pathlib import Path
sent = Path("/sent")
print(json.dumps(sorted(str(path.relative_to(sent)) for path in sent.rglob("*"))))
"""


def ask_inside(image: str, code: str, *flags: str) -> Any:
    """Run Python in a container of its own; return what it printed as JSON."""
    printed = run_once(image, "--entrypoint=python", *flags, command=["-I", "-c", code])
    assert printed[0] == 0, printed
    return json.loads(printed[1])


@pytest.fixture(scope="module")
def config(image: str) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(succeed("image", "inspect", image))[0]["Config"]
    return loaded


def test_every_module_is_compiled(image: str) -> None:
    count, missing = ask_inside(image, LIST_UNCOMPILED)

    assert count > 1000
    assert missing == []


def test_no_bytecode_depends_on_when_the_image_was_built(image: str) -> None:
    assert ask_inside(image, LIST_TIMED) == []


def test_a_run_compiles_nothing_even_where_it_could(image: str) -> None:
    """As root, on a root that can be written to: Python would keep what it had to compile."""
    flags = ["--user=0", "--env=CORS_GATEWAY_UPSTREAM=http://127.0.0.1:9"]
    with started(image, *flags, "--env=CORS_GATEWAY_ALLOW_ORIGINS=https://a.example") as container:
        container.sees_it_listen()
        assert container.stop() == 0
        changed = succeed("diff", container.name).splitlines()

    assert [line for line in changed if "pyc" in line] == []


def test_it_holds_exactly_the_packages_that_are_listed(image: str) -> None:
    lines = (ROOT / LIST).read_text("utf-8").splitlines()
    listed = {line.lower() for line in lines if not line.startswith("#")}

    installed = {name.lower() for name in ask_inside(image, LIST_PACKAGES)}

    assert {name for name in installed if not name.startswith("cors-gateway==")} == listed


def test_nothing_in_it_builds_or_installs(image: str) -> None:
    assert ask_inside(image, LIST_TOOLS, "--user=0") == []


def test_its_user_owns_nothing_and_may_write_to_nothing(image: str) -> None:
    assert ask_inside(image, LIST_WRITABLE) == []


def test_its_user_is_nobody_in_particular_by_number(image: str, config: dict[str, Any]) -> None:
    code = "import os; print([os.getuid(), os.getgid(), *os.getgroups()])"

    assert config["User"] == "65532:65532"
    assert set(ask_inside(image, code)) == {65532}


def test_it_brings_no_configuration(image: str) -> None:
    code = """
import json, os
from cors_gateway.cli.sources import DISCOVERED
print(json.dumps([name for name in DISCOVERED if os.path.lexists(name)] + os.listdir(os.curdir)))
"""
    found = ask_inside(image, code)

    assert not [name for name in found if name.endswith(".yaml") or name == "config"]


def test_only_the_gateways_port_is_exposed(config: dict[str, Any]) -> None:
    assert list(config["ExposedPorts"]) == ["8080/tcp"]


def test_its_labels_say_which_version_it_is(image: str, config: dict[str, Any]) -> None:
    status, printed = run_once(image, command=["version"])

    version = config["Labels"]["org.opencontainers.image.version"]
    assert status == 0
    assert version in printed.split()
    assert "(compiled, " in printed
    assert config["Labels"]["org.opencontainers.image.licenses"] == "MIT"


def test_a_builder_is_sent_nothing_but_what_the_image_is_made_of(tmp_path: Path) -> None:
    """The tests, the history, and what lies about in a working tree stay at home."""
    dockerfile = tmp_path / "Dockerfile"
    dockerfile.write_text("FROM python:3.13-slim\nCOPY . /sent\n")
    tag = unique_name()
    flags = [*BUILD_FLAGS, f"--tag={tag}", f"--file={dockerfile}"]
    succeed("build", *flags, str(ROOT), patience=BUILD_PATIENCE)
    try:
        sent = ask_inside(tag, LIST_SENT)
    finally:
        engine("rmi", tag)

    assert [name for name in sent if "/" not in name] == [
        "LICENSE",
        "README.md",
        "cors_gateway",
        "hatch_build.py",
        "pyproject.toml",
        LIST,
    ]
    assert "cors_gateway/__main__.py" in sent
    assert not [name for name in sent if "__pycache__" in name]
