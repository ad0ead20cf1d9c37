"""``init``: what it writes loads, passes its own tests and serves; and what it does not touch."""

import os
import re
import shlex
import subprocess
import sys
from http.client import HTTPConnection
from pathlib import Path

import pytest
import yaml

from cors_gateway.cli.starters import compose_file, configuration
from tests.cli.conftest import Command
from tests.peers.processes import GATEWAY_LISTENS, flask_api, running

ROOT = Path(__file__).parents[2]
GATEWAY = [sys.executable, "-m", "cors_gateway"]
ENVIRONMENT = {"PYTHONPATH": str(ROOT)}


def steps_in(printed: str) -> list[list[str]]:
    """Give the command lines that are to be next, as a shell would read them."""
    _, _, steps = printed.partition("\n\nnext:\n")
    return [shlex.split(line) for line in steps.splitlines()]


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param([], id="nothing said"),
        pytest.param(["--allow-origin", "*"], id="everybody"),
        pytest.param(["--allow-origin", "https://*.example.com"], id="a pattern"),
        pytest.param(["--allow-origin", "http://[::1]:*"], id="an address"),
        pytest.param(["--allow-origin", "capacitor://localhost"], id="an app"),
        pytest.param(
            ["--allow-origin", "https://a.example", "--allow-origin", "https://a.example"],
            id="the same twice",
        ),
        pytest.param(["--allow-origin", "https://a.example,https://a.example"], id="in one list"),
        pytest.param(["--allow-origin", "https://other.example"], id="the stranger of the tests"),
        pytest.param(["--to", "https://h.example:8443/base"], id="https and a path"),
        pytest.param(["--to", "http://[::1]:5000"], id="an API at an address"),
        pytest.param(["--to", "http://h/it's:$HOME"], id="an API that YAML would misread"),
        pytest.param(["--to", "unix:/run/api socket"], id="a unix socket"),
        pytest.param(["--compose"], id="with a compose file"),
    ],
)
def test_what_it_writes_passes_its_own_tests_without_a_warning(
    command: Command, arguments: list[str]
) -> None:
    written = command("init", *arguments)
    checked = command("validate", "--tests", "--strict")

    assert (written.code, written.err) == (0, "")
    assert written.out.startswith("wrote cors-gateway.yaml")
    assert (checked.code, checked.err) == (0, "")
    assert re.search(r"ok: 1 route, 1 policy, 1 origin, [12] tests? passed$", checked.out)


def test_what_was_said_is_filled_in(command: Command) -> None:
    command(
        *("init", "--to", "http://legacy:80/$x", "--allow-origin", "https://a.example"),
        *("--allow-origin", "http://localhost:*"),
    )

    document = yaml.safe_load(Path("cors-gateway.yaml").read_text())
    assert document["routes"][0]["upstream"] == "http://legacy:80/$$x"
    assert document["corsPolicies"]["pages"]["allowOrigins"] == [
        "https://a.example",
        "http://localhost:*",
    ]
    assert [(test["origin"], test["expect"]) for test in document["tests"]] == [
        ("https://a.example", "allow"),
        ("https://other.example", "deny"),
    ]


def test_every_block_of_it_is_explained_and_it_is_short() -> None:
    lines = configuration("http://h", ["https://a.example"], "https://a.example", None).splitlines()

    assert len(lines) <= 50
    assert max(map(len, lines)) <= 100
    keys = [at for at, line in enumerate(lines) if re.match(r" +\w+: ", line)]
    first = [at for at in keys if not lines[at - 1].lstrip().startswith(("-", "match"))]
    assert len(first) >= 7
    assert all(
        lines[at - 1].lstrip().startswith("#") or lines[at - 1] == "defaults:" for at in first
    )


def test_what_is_next_works_when_it_is_pasted(tmp_path: Path) -> None:
    with flask_api(tmp_path) as api:
        folder = tmp_path / "new folder"
        folder.mkdir()
        written = subprocess.run(
            [*GATEWAY, "init", "--to", f"http://127.0.0.1:{api.port}"],
            cwd=folder,
            env=ENVIRONMENT,
            capture_output=True,
            text=True,
            check=True,
        )
        validate, run, curl, explain = steps_in(written.stdout)
        for step in (validate, explain):
            assert step[0] == "cors-gateway"
            subprocess.run([*GATEWAY, *step[1:]], cwd=folder, env=ENVIRONMENT, check=True)
        assert run == ["cors-gateway", "run"]
        assert curl[:3] == ["curl", "-i", "-H"]
        assert curl[-1] == "http://localhost:8080/"
        # Port 8080 may be taken where the tests run: all else is as pasted.
        flags = ["-c", str(folder / "cors-gateway.yaml"), "--listen", "127.0.0.1:0"]
        with running([*GATEWAY, *run[1:], *flags, "--admin", "off"]) as program:
            port = int(program.wait_for(GATEWAY_LISTENS)[1].rpartition(":")[2])
            name, _, origin = curl[3].partition(": ")
            connection = HTTPConnection("127.0.0.1", port, timeout=30)
            connection.request("GET", "/orders", headers={name: origin})
            response = connection.getresponse()
            connection.close()
    assert response.headers["Access-Control-Allow-Origin"] == origin


@pytest.mark.parametrize("name", ["mine.yaml", "a folder/b.yaml", "-x.yaml"])
def test_a_file_of_another_name_is_named_in_what_is_next(command: Command, name: str) -> None:
    Path("a folder").mkdir()

    ended = command("init", f"--output={name}")

    validate, run, _, explain = steps_in(ended.out)
    assert (ended.code, ended.err) == (0, "")
    assert command(*validate[1:]).code == 0
    assert command(*explain[1:]).code == 0
    assert run[2:] == validate[2:-1]


def test_a_dash_is_standard_output(command: Command) -> None:
    ended = command("init", "--output", "-")

    assert (ended.code, ended.err) == (0, "")
    assert yaml.safe_load(ended.out)["routes"][0]["name"] == "api"
    assert os.listdir() == []  # noqa: PTH208


@pytest.mark.parametrize(
    "arguments, there, said",
    [
        pytest.param([], "cors-gateway.yaml", "move it away", id="the configuration"),
        pytest.param(["--compose"], "docker-compose.yml", "move it away", id="the compose file"),
    ],
)
def test_nothing_that_is_there_is_replaced_and_nothing_is_half_written(
    command: Command, arguments: list[str], there: str, said: str
) -> None:
    Path(there).write_text("mine")

    ended = command("init", *arguments)

    assert (ended.code, ended.out) == (1, "")
    assert ended.err.startswith(f"cors-gateway: {there} is there already: {said}")
    assert os.listdir() == [there]  # noqa: PTH208
    assert Path(there).read_text() == "mine"


def test_a_compose_file_is_not_put_beside_a_configuration_for_another_place(
    command: Command,
) -> None:
    command("init")

    ended = command("init", "--compose")

    assert (ended.code, ended.out) == (1, "")
    assert "to a container the API has another name: move it away, or choose" in ended.err
    assert os.listdir() == ["cors-gateway.yaml"]  # noqa: PTH208


@pytest.mark.parametrize(
    "upstream, start",
    [
        pytest.param(
            "http://api:5000", "API_IMAGE=the-image-of-your-api docker compose up", id="a service"
        ),
        pytest.param("http://host.docker.internal:5000", "docker compose up", id="this machine"),
        pytest.param("https://api.example.com", "docker compose up", id="elsewhere"),
    ],
)
def test_an_image_is_asked_for_where_the_compose_file_takes_one(
    command: Command, upstream: str, start: str
) -> None:
    ended = command("init", "--compose", "--to", upstream)

    assert steps_in(ended.out)[1] == shlex.split(start)
    assert ("API_IMAGE" in Path("docker-compose.yml").read_text()) is ("API_IMAGE" in start)


def test_a_link_that_leads_nowhere_is_not_followed(command: Command) -> None:
    Path("cors-gateway.yaml").symlink_to("elsewhere.yaml")

    assert command("init").code == 1
    assert not Path("elsewhere.yaml").exists()


@pytest.mark.parametrize(
    "arguments, code, said",
    [
        pytest.param(["--output", "."], 1, "is a directory: name a file in it", id="a directory"),
        pytest.param(["--output", "a/b.yaml"], 1, "no folder to stand in", id="no folder"),
        pytest.param(["--output", "/dev/full/x"], 1, "no folder to stand in", id="not a folder"),
        pytest.param(["--output", "/sys/x.yaml"], 1, "/sys/x.yaml", id="where nobody may"),
        pytest.param(["--to", "h:5000"], 1, 'did you mean "http://h:5000"?', id="no URL"),
        pytest.param(
            ["--allow-origin", "https://a.example/"], 1, 'did you mean "https://a.', id="a slash"
        ),
        pytest.param(
            ["--compose", "--output", "-"], 2, "leave out --output -", id="both to one stream"
        ),
        pytest.param(
            ["--compose", "--to", "http://localhost:5000"],
            1,
            "--to http://api:5000, or for an API on this machine "
            "--to http://host.docker.internal:5000",
            id="an API that a container cannot see",
        ),
        pytest.param(["--compose", "--to", "http://[::1]"], 1, "--to http://api, or", id="by IPv6"),
        pytest.param(["--compose", "--to", "unix:/s"], 1, "name its service", id="by a socket"),
    ],
)
def test_what_cannot_be_written_leaves_nothing_behind(
    command: Command, arguments: list[str], code: int, said: str
) -> None:
    ended = command("init", *arguments)

    assert (ended.code, ended.out) == (code, "")
    assert said in ended.err
    assert len(ended.err.splitlines()) == 1
    assert os.listdir() == []  # noqa: PTH208


def test_a_disk_that_is_full_leaves_nothing_behind(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Limits are the only disk that a test can fill for one process alone.
    import resource
    import signal

    kept = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, kept[1]))
    try:
        ended = command("init", "--compose")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, kept)
        signal.signal(signal.SIGXFSZ, ignored)

    assert ended.code == 1
    assert ended.err.endswith("nothing was written\n")
    assert os.listdir() == []  # noqa: PTH208


def test_the_compose_file_starts_the_api_that_the_configuration_names() -> None:
    services = yaml.safe_load(compose_file("my file.yaml", "http://legacy:5000"))["services"]

    assert list(services) == ["gateway", "legacy"]
    assert services["legacy"] == {"image": "${API_IMAGE:?set it to the image of the API}"}
    assert services["gateway"]["volumes"] == [
        "./my file.yaml:/etc/cors-gateway/gateway.yaml:ro",
    ]


@pytest.mark.parametrize(
    "upstream, hosts",
    [
        pytest.param("http://host.docker.internal:5000", True, id="on this machine"),
        pytest.param("https://api.example.com", False, id="elsewhere"),
        pytest.param("http://192.168.0.7:5000", False, id="at an address"),
    ],
)
def test_an_api_outside_of_compose_is_no_service(upstream: str, hosts: bool) -> None:
    services = yaml.safe_load(compose_file("f.yaml", upstream))["services"]

    assert list(services) == ["gateway"]
    assert ("extra_hosts" in services["gateway"]) is hosts
