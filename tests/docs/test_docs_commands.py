"""The commands of the README do what it says: each is run here, or where its class says.

What differs from what a reader types is in the tables below and nowhere else. A command of the
README that is in no class, or in two, fails the suite; so does one that is in a table and not there.
"""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.request import Request, urlopen

import pytest

from tests.docs.pages import DOCS, ROOT
from tests.peers.processes import (
    GATEWAY_LISTENS,
    FlaskApi,
    Running,
    closed_port,
    flask_api,
    running,
)

README = DOCS["README.md"]
PAGE = "http://localhost:5173"

IN_A_SHELL = (". .venv/bin/activate",)
"""It puts the command on the path, as these tests do by calling it with their own Python."""

AS_A_DEMONSTRATION = ("make run",)
"""The command that its target runs is run here: make itself would fetch packages."""

ANOTHER_PAGE = "https://another.example.com"
THAT_SERVE = (
    (
        "cors-gateway proxy --to http://localhost:5000 --allow-origin http://localhost:5173 "
        "--credentials --listen 127.0.0.1:8080"
    ),
    "cors-gateway run -c cors-gateway.yaml --watch",
)
THAT_END = (
    "cors-gateway init",
    "cors-gateway validate -c cors-gateway.yaml --tests",
    (
        "cors-gateway explain -c config/gateway.yaml --origin https://shop.example.com "
        "--method PUT --header Authorization --credentials /orders/17"
    ),
    (
        "cors-gateway doctor http://localhost:5000/orders --origin http://localhost:5173 "
        "--credentials"
    ),
    "cors-gateway diff old.yaml cors-gateway.yaml",
)

BY_THE_TESTS_OF_THE_IMAGE = {
    "docker compose up": ("tests/image/test_compose_stack.py", 'compose("up"'),
    "docker run -p 127.0.0.1:8080:8080 --add-host host.docker.internal:host-gateway "
    "-e CORS_GATEWAY_UPSTREAM=http://host.docker.internal:5000 "
    "-e CORS_GATEWAY_ALLOW_ORIGINS=http://localhost:5173 "
    "-e CORS_GATEWAY_ALLOW_CREDENTIALS=true cors-gateway": (
        "tests/image/test_image_readme.py",
        'startswith("docker run ")',
    ),
}
"""They need a container engine (make image-test): where each is run, and the words that do it."""

IN_THE_ENVIRONMENT = {"CORS_GATEWAY_LISTEN": "127.0.0.1:0"}
"""In place of port 8080, which somebody may have."""

LISTENS = "--listen 127.0.0.1:8080"
A_FREE_PORT = "--listen 127.0.0.1:0"
"""The same where a command says it itself."""

API = "http://localhost:5000"
"""In place of it stands the API that is started here, also in files that a command has written."""


def commands() -> list[str]:
    """Give the commands of the README as a shell takes them: one a line, without comments."""
    lines = "".join(
        block.text.replace("\\\n", " ") for block in README.blocks if block.language == "sh"
    ).splitlines()
    return [shlex.join(words) for line in lines if (words := shlex.split(line, comments=True))]


def quoted(command: str) -> str:
    return shlex.join(shlex.split(command))


def test_every_command_is_in_one_class() -> None:
    classes = (IN_A_SHELL, AS_A_DEMONSTRATION, THAT_SERVE, THAT_END, BY_THE_TESTS_OF_THE_IMAGE)

    assert sorted(commands()) == sorted(quoted(one) for kind in classes for one in kind)


@pytest.mark.parametrize(
    "command", [pytest.param(one, id=one[:20]) for one in BY_THE_TESTS_OF_THE_IMAGE]
)
def test_a_command_for_a_container_engine_has_its_test(command: str) -> None:
    file, words = BY_THE_TESTS_OF_THE_IMAGE[command]

    assert words in (ROOT / file).read_text("utf-8")


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FlaskApi]:
    with flask_api(tmp_path_factory.mktemp("api")) as served:
        yield served


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """What a reader has who is in the repository's folder, as far as a command looks at it."""
    shutil.copytree(ROOT / "config", tmp_path / "config")
    return tmp_path


def argv_of(command: str, api: FlaskApi | None = None) -> list[str]:
    if api:
        command = command.replace(API, api.url).replace(LISTENS, A_FREE_PORT)
    program, *words = shlex.split(command)
    assert program == "cors-gateway"
    return [sys.executable, "-m", "cors_gateway", *words]


def finish(
    command: str, folder: Path, api: FlaskApi | None = None
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        argv_of(command, api),
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )


@contextmanager
def serve(argv: list[str], folder: Path) -> Iterator[Running]:
    # In the folder without a shell: a shell would stand between the signal and the gateway.
    into = [
        sys.executable,
        "-c",
        "import os, sys; os.chdir(sys.argv[1]); os.execv(sys.argv[2], sys.argv[2:])",
    ]
    env = {**IN_THE_ENVIRONMENT, "PYTHONPATH": str(ROOT)}
    with running([*into, str(folder), *argv], env) as program:
        yield program
    assert program.process.returncode == 0, "".join(program.printed)


def ask(url: str, origin: str, **fields: str) -> tuple[int, dict[str, str], bytes]:
    request = Request(url, headers={"Origin": origin, **fields})
    with urlopen(request) as answer:
        return answer.status, {k.lower(): v for k, v in answer.headers.items()}, answer.read()


def test_proxy_lets_the_page_read_the_answer(api: FlaskApi, folder: Path) -> None:
    with serve(argv_of(THAT_SERVE[0], api), folder) as program:
        url = program.wait_for(GATEWAY_LISTENS)[1]
        status, fields, content = ask(f"{url}/orders", PAGE)

    assert status == 200
    assert json.loads(content)
    assert fields["access-control-allow-origin"] == PAGE
    assert fields["access-control-allow-credentials"] == "true"


def test_proxy_listens_where_the_readme_says(folder: Path) -> None:
    printed = finish(f"{THAT_SERVE[0]} --print-config", folder).stdout

    assert "http://localhost:8080" in README.section("Put it in front of your API")
    assert LISTENS in THAT_SERVE[0]
    assert "  listen:\n  - 127.0.0.1:8080\n" in printed


def test_without_an_option_it_listens_where_the_readme_says(folder: Path) -> None:
    printed = finish(f"{THAT_SERVE[0].replace(LISTENS, '')} --print-config", folder).stdout

    assert "Without `--listen` it can be called at every IPv4 address" in README.text
    assert "  listen:\n  - 0.0.0.0:8080\n" in printed


def test_a_file_is_written_checked_and_run(api: FlaskApi, folder: Path) -> None:
    init, validate, *_ = THAT_END
    written = finish(init, folder)
    file = folder / "cors-gateway.yaml"
    assert written.returncode == 0, written.stderr
    file.write_text(file.read_text("utf-8").replace(API, api.url), "utf-8")

    checked = finish(validate, folder)

    assert (checked.returncode, checked.stderr) == (0, "")
    with serve(argv_of(THAT_SERVE[1]), folder) as program:
        url = program.wait_for(GATEWAY_LISTENS)[1]
        _, fields, _ = ask(f"{url}/orders", PAGE)
        file.write_text(file.read_text("utf-8").replace(PAGE, ANOTHER_PAGE), "utf-8")
        program.wait_for(re.compile(f"wider: .*{ANOTHER_PAGE}"))
        _, fields_then, _ = ask(f"{url}/orders", ANOTHER_PAGE)
    assert fields["access-control-allow-origin"] == PAGE
    assert fields_then["access-control-allow-origin"] == ANOTHER_PAGE


def test_what_differs_is_said_in_words(folder: Path) -> None:
    finish(THAT_END[0], folder)
    file = folder / "cors-gateway.yaml"
    shutil.copy(file, folder / "old.yaml")
    file.write_text(file.read_text("utf-8").replace(PAGE, ANOTHER_PAGE), "utf-8")

    told = finish(THAT_END[4], folder)

    assert (told.returncode, told.stderr) == (0, "")
    assert re.search(f"wider: .*{ANOTHER_PAGE} may call", told.stdout)


def test_the_yaml_that_is_shown_is_checked_and_run(folder: Path) -> None:
    shown = next(block for block in README.blocks if block.language == "yaml")
    with closed_port() as port:
        text = shown.text.replace("legacy:5000", f"127.0.0.1:{port}")
        (folder / "cors-gateway.yaml").write_text(text, "utf-8")
        checked = finish(THAT_END[1], folder)
        with serve(argv_of(THAT_SERVE[1]), folder) as program:
            url = program.wait_for(GATEWAY_LISTENS)[1]
            asked = Request(
                f"{url}/api/orders/1",
                method="OPTIONS",
                headers={
                    "Origin": "https://app.example.com",
                    "Access-Control-Request-Method": "PUT",
                },
            )
            with urlopen(asked) as answer:
                granted = answer.headers["Access-Control-Allow-Methods"]

    assert (checked.returncode, checked.stderr) == (0, "")
    assert "PUT" in granted


def test_explain_ends_as_it_is_shown(folder: Path) -> None:
    explained = finish(THAT_END[2], folder)
    (shown,) = [
        block.text
        for block in README.blocks
        if block.language == "" and "The browser refuses" in block.text
    ]

    # A note on what a whole URL would say stands in between.
    assert re.sub(r"^  note: .*\n", "", explained.stdout, flags=re.MULTILINE).endswith(shown)
    assert explained.returncode == 1


def test_doctor_says_what_an_api_without_cors_lacks(api: FlaskApi, folder: Path) -> None:
    api.forget()
    examined = finish(THAT_END[3], folder, api)

    assert examined.returncode == 1
    assert "Access-Control-Allow-Origin" in examined.stdout
    assert f'allowOrigins: ["{PAGE}"]' in examined.stdout or f"- {PAGE}" in examined.stdout
    methods = {hit["method"] for hit in api.hits()}
    assert methods <= {"GET", "HEAD", "OPTIONS"}
    assert methods


def test_the_demonstration_shows_what_it_prints(folder: Path) -> None:
    # Where make runs the suite, its words for that are not meant for this.
    env = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    env.pop("ARGS", None)
    planned = subprocess.run(
        ["make", "--dry-run", "run"], cwd=ROOT, env=env, capture_output=True, text=True, check=True
    )
    words = planned.stdout.splitlines()[-1].partition("cors-gateway")[2]

    with serve(argv_of(f"cors-gateway{words}"), folder) as program:
        page = program.wait_for(re.compile(r"(http://localhost:\d+)  open this"))[1]
        gateway = program.wait_for(re.compile(r"(http://localhost:\d+)  the gateway"))[1]
        opened, _, _ = ask(page, page)
        status, fields, _ = ask(f"{gateway}/orders", page)

    assert (opened, status) == (200, 200)
    assert fields["access-control-allow-origin"] == page
