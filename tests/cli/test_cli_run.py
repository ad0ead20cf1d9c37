"""Which configuration ``run`` would serve: files, flags and variables, and their order."""

from collections.abc import Callable
from io import BytesIO, TextIOWrapper
from pathlib import Path
from typing import BinaryIO

import pytest

from cors_gateway.cli.endings import RefusedError
from cors_gateway.config.load import Loaded
from cors_gateway.snapshot import Admin, Listener, Snapshot
from tests.cli.conftest import FILE, Command

UPSTREAM = ("CORS_GATEWAY_UPSTREAM", "http://127.0.0.1:9")
ORIGINS = ("CORS_GATEWAY_ALLOW_ORIGINS", "https://a.example")


@pytest.mark.parametrize(
    "flag, variable, in_file, platform, listens",
    [
        pytest.param(None, None, None, None, ("0.0.0.0", 8080), id="the default"),
        pytest.param(None, None, None, "1", ("0.0.0.0", 1), id="PORT"),
        pytest.param(None, None, ":2", "1", ("0.0.0.0", 2), id="the file before PORT"),
        pytest.param(None, "[::1]:3", ":2", "1", ("::1", 3), id="the variable before the file"),
        pytest.param(":4", ":3", ":2", "1", ("0.0.0.0", 4), id="the flag before all"),
        pytest.param(None, "", None, " ", ("0.0.0.0", 8080), id="empty is not set"),
    ],
)
def test_where_it_listens(
    command: Command,
    served: list[Snapshot],
    file: Path,
    monkeypatch: pytest.MonkeyPatch,
    flag: str | None,
    variable: str | None,
    in_file: str | None,
    platform: str | None,
    listens: tuple[str, int],
) -> None:
    if variable is not None:
        monkeypatch.setenv("CORS_GATEWAY_LISTEN", variable)
    if platform is not None:
        monkeypatch.setenv("PORT", platform)
    if in_file is not None:
        file.write_text(f"{FILE}server: {{listen: '{in_file}'}}\n")

    ended = command("run", "-c", str(file), *(["--listen", flag] if flag else []))

    assert (ended.code, ended.err) == (0, "")
    assert served[0].listeners == (Listener(*listens),)


@pytest.mark.parametrize(
    "env, in_file, networks",
    [
        pytest.param(
            "10.0.0.1, fd00::/8", "", ["10.0.0.1/32", "fd00::/8"], id="addresses and networks"
        ),
        pytest.param("*", "", ["0.0.0.0/0", "::/0"], id="everyone"),
        pytest.param(
            "10.0.0.1",
            "server: {trustedProxies: [10.0.0.2]}\n",
            ["10.0.0.2/32"],
            id="the file first",
        ),
    ],
)
def test_whom_it_trusts(
    command: Command,
    served: list[Snapshot],
    file: Path,
    monkeypatch: pytest.MonkeyPatch,
    env: str,
    in_file: str,
    networks: list[str],
) -> None:
    monkeypatch.setenv("FORWARDED_ALLOW_IPS", env)
    file.write_text(FILE + in_file)

    command("run", "-c", str(file))

    assert list(map(str, served[0].trusted_proxies)) == networks


@pytest.mark.parametrize(
    "name, value, said",
    [
        pytest.param("CORS_GATEWAY_LISTEN", "8080", 'write ":8080"', id="a listener"),
        pytest.param("PORT", "http", 'PORT: "0.0.0.0:http" ', id="PORT"),
        pytest.param("FORWARDED_ALLOW_IPS", "me", 'FORWARDED_ALLOW_IPS: "me" ', id="a network"),
        pytest.param("CORS_GATEWAY_WORKERS", "0", "from 1 to 256, or auto", id="workers"),
        pytest.param("WEB_CONCURRENCY", "many", 'WEB_CONCURRENCY: "many" ', id="a platform's"),
        pytest.param("CORS_GATEWAY_ADMIN", "9901", 'write ":9901"', id="an admin listener"),
    ],
)
def test_a_mistake_in_a_variable_is_named_like_one_in_the_file(
    command: Command, file: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str, said: str
) -> None:
    monkeypatch.setenv(name, value)

    ended = command("run", "-c", str(file))

    assert (ended.code, ended.out) == (1, "")
    assert ended.err.startswith(f"{name}: ")
    assert said in ended.err


def test_a_dollar_sign_of_a_flag_is_not_substituted(command: Command, file: Path) -> None:
    ended = command("run", "-c", str(file), "--listen", "${PATH}:1")

    assert (ended.code, ended.err.count("${PATH}:1")) == (1, 1)


@pytest.mark.parametrize(
    "flag, variable, in_file, platform, workers",
    [
        pytest.param("", "", "", "", None, id="nobody says how many"),
        pytest.param("", "", "", "4", 4, id="the platform"),
        pytest.param("", "", "2", "4", 2, id="the file before the platform"),
        pytest.param("", "3", "2", "4", 3, id="the variable before the file"),
        pytest.param("auto", "3", "2", "4", None, id="the flag before everything"),
    ],
)
def test_who_says_how_many_workers(
    command: Command,
    served: list[Snapshot],
    file: Path,
    monkeypatch: pytest.MonkeyPatch,
    flag: str,
    variable: str,
    in_file: str,
    platform: str,
    workers: int | None,
) -> None:
    monkeypatch.setenv("CORS_GATEWAY_WORKERS", variable)
    monkeypatch.setenv("WEB_CONCURRENCY", platform)
    file.write_text(f"{FILE}server: {{workers: {in_file}}}\n" if in_file else FILE)

    command("run", "-c", str(file), *(["--workers", flag] if flag else []))

    assert [snapshot.workers for snapshot in served] == [workers]


@pytest.mark.parametrize(
    "flag, variable, in_file, admin",
    [
        pytest.param("", "", "", Admin(), id="nobody says anything"),
        pytest.param(
            "", "", "{listen: ':1'}", Admin(Listener(port=1), is_default=False), id="file"
        ),
        pytest.param("", "off", "{listen: ':1'}", None, id="the variable before the file"),
        pytest.param("", "", "false", None, id="none in the file"),
        pytest.param(
            ":2", "off", "false", Admin(Listener(port=2), is_default=False), id="the flag first"
        ),
        pytest.param(
            ":2",
            "",
            "{listen: ':1', hosts: [ops.example]}",
            Admin(Listener(port=2), frozenset({"ops.example"}), is_default=False),
            id="its names stay",
        ),
        pytest.param("off", ":2", "{hosts: [ops.example]}", None, id="the flag switches it off"),
        pytest.param("on", "off", "false", Admin(), id="the flag switches it on"),
        pytest.param(
            "on",
            "",
            "{listen: ':1'}",
            Admin(Listener(port=1), is_default=False),
            id="on is where the file says",
        ),
    ],
)
def test_who_says_where_admin_is(
    command: Command,
    served: list[Snapshot],
    file: Path,
    monkeypatch: pytest.MonkeyPatch,
    flag: str,
    variable: str,
    in_file: str,
    admin: Admin | None,
) -> None:
    monkeypatch.setenv("CORS_GATEWAY_ADMIN", variable)
    file.write_text(f"{FILE}admin: {in_file}\n" if in_file else FILE)

    command("run", "-c", str(file), *(["--admin", flag] if flag else []))

    assert [snapshot.admin for snapshot in served] == [admin]


def test_without_a_file_there_is_no_admin_listener_unless_wanted(
    command: Command, served: list[Snapshot]
) -> None:
    flags = ["proxy", "--to", "http://127.0.0.1:9", "--allow-origin", "https://a.example"]

    command(*flags)
    command(*flags, "--admin", ":1")

    assert [snapshot.admin for snapshot in served] == [
        None,
        Admin(Listener(port=1), is_default=False),
    ]


def test_files_are_looked_for_in_order(
    command: Command, served: list[Snapshot], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "config").mkdir()
    (tmp_path / "config/gateway.yaml").write_text(FILE)
    command("run")
    (tmp_path / "cors-gateway.yaml").write_text(FILE)
    command("run")
    (tmp_path / "named.yaml").write_text(FILE)
    monkeypatch.setenv("CORS_GATEWAY_CONFIG", "named.yaml")
    command("run")
    (tmp_path / "flag.yaml").write_text(FILE)
    command("run", "-c", "flag.yaml")

    assert [snapshot.source for snapshot in served] == [
        "config/gateway.yaml",
        "cors-gateway.yaml",
        "named.yaml",
        "flag.yaml",
    ]


def test_no_configuration_at_all(command: Command) -> None:
    ended = command("run")

    assert (ended.code, ended.out) == (1, "")
    assert "config/gateway.yaml" in ended.err
    assert "cors-gateway proxy --to" in ended.err


@pytest.mark.parametrize(
    "variables, said",
    [
        pytest.param([UPSTREAM], "CORS_GATEWAY_ALLOW_ORIGINS=", id="no origins"),
        pytest.param(
            [UPSTREAM, ("CORS_GATEWAY_ALLOW_ORIGINS", " ,|")],
            "CORS_GATEWAY_ALLOW_ORIGINS=",
            id="a list of no origins",
        ),
        pytest.param([ORIGINS], "CORS_GATEWAY_UPSTREAM=", id="no upstream"),
        pytest.param(
            [UPSTREAM, ORIGINS, ("CORS_GATEWAY_ALLOW_CREDENTIALS", "yes")],
            'CORS_GATEWAY_ALLOW_CREDENTIALS: "yes" ',
            id="a mistake in one",
        ),
    ],
)
def test_an_environment_that_does_not_say_enough(
    command: Command,
    monkeypatch: pytest.MonkeyPatch,
    variables: list[tuple[str, str]],
    said: str,
) -> None:
    for name, value in variables:
        monkeypatch.setenv(name, value)

    ended = command("run")

    assert (ended.code, ended.out) == (1, "")
    assert said in ended.err


@pytest.mark.parametrize("has_upstream", [True, False], ids=["no origins", "nothing at all"])
def test_a_variable_that_may_have_meant_it_is_named_once_before_a_refusal(
    command: Command, monkeypatch: pytest.MonkeyPatch, has_upstream: bool
) -> None:
    monkeypatch.setenv("CORS_GATEWAY_ALLOW_ORIGIN", "https://a.example")
    if has_upstream:
        monkeypatch.setenv(*UPSTREAM)

    ended = command("run")

    warning, refusal = ended.err.splitlines()
    assert (ended.code, ended.out) == (1, "")
    assert "CORS_GATEWAY_ALLOW_ORIGIN has no effect" in warning
    assert not refusal.startswith("cors-gateway: warning")


class Reloaded:
    """Stands for serving: loads once more, in a world that has changed."""

    def __init__(self, change: Callable[[], object]) -> None:
        self.change = change
        self.sources: list[str] = []
        self.refusal = ""

    def serve(self, loaded: Loaded, load_again: Callable[[], Loaded], *_: object) -> int:
        self.change()
        try:
            again = load_again()
        except RefusedError as refusal:
            self.refusal = str(refusal)
        else:
            self.sources = [loaded.document.name, again.document.name]
        return 0


@pytest.mark.parametrize("variable", [None, "cors-gateway.yaml"], ids=["found", "by a variable"])
def test_a_reload_serves_no_other_file_in_the_place_of_one_that_is_gone(
    command: Command, monkeypatch: pytest.MonkeyPatch, variable: str | None
) -> None:
    first, other = Path("cors-gateway.yaml"), Path("config/gateway.yaml")
    other.parent.mkdir()
    for path in (first, other):
        path.write_text(FILE)
    if variable:
        monkeypatch.setenv("CORS_GATEWAY_CONFIG", variable)
    reloaded = Reloaded(first.unlink)
    monkeypatch.setattr("cors_gateway.cli.run_file.serve", reloaded.serve)

    command("run")

    assert reloaded.sources == []
    assert reloaded.refusal.startswith("cors-gateway.yaml: there is no such file")


def test_a_reload_keeps_to_the_environment(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(*UPSTREAM)
    monkeypatch.setenv(*ORIGINS)
    reloaded = Reloaded(lambda: Path("cors-gateway.yaml").write_text(FILE))
    monkeypatch.setattr("cors_gateway.cli.run_file.serve", reloaded.serve)

    command("run")

    assert (reloaded.sources, reloaded.refusal) == (["environment", "environment"], "")


def test_standard_input_is_not_read_again(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CORS_GATEWAY_CONFIG", "-")
    monkeypatch.setattr("sys.stdin", TextIOWrapper(BytesIO(FILE.encode())))
    reloaded = Reloaded(lambda: None)
    monkeypatch.setattr("cors_gateway.cli.run_file.serve", reloaded.serve)

    command("run")

    assert "came from standard input" in reloaded.refusal


def test_origins_in_a_variable_are_separated_by_commas_or_bars(
    command: Command, served: list[Snapshot], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(*UPSTREAM)
    monkeypatch.setenv(
        "CORS_GATEWAY_ALLOW_ORIGINS", "https://a.example, https://b.example|https://c.example,"
    )
    monkeypatch.setenv("CORS_GATEWAY_ALLOW_CREDENTIALS", "true")

    ended = command("run", "--listen", ":1")

    policy = served[0].routes[0].policy
    assert (ended.code, ended.err) == (0, "")
    assert policy is not None
    assert policy.settings.allow_origins == tuple(f"https://{name}.example" for name in "abc")
    assert policy.settings.allow_credentials
    assert served[0].listeners == (Listener(port=1),)


@pytest.mark.parametrize("arguments", [["-c", "mine.yaml"], []], ids=["named", "discovered"])
def test_a_file_and_routes_of_the_environment_contradict_each_other(
    command: Command, file: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str]
) -> None:
    monkeypatch.setenv(*ORIGINS)
    Path("cors-gateway.yaml").write_text(FILE)

    ended = command("run", *arguments)

    assert (ended.code, ended.out) == (1, "")
    assert "both" in ended.err
    assert "unset CORS_GATEWAY_ALLOW_ORIGINS" in ended.err


@pytest.mark.parametrize(
    "name, value, said",
    [
        pytest.param("CORS_GATEWAY_LISTENS", ":1", "did you mean CORS_GATEWAY_LISTEN?", id="near"),
        pytest.param("CORS_GATEWAY_COLOUR", "red", "the names are CORS_GATEWAY_CONFIG", id="far"),
        pytest.param("CORS_GATEWAY_DRAIN", "5s", "the names are", id="as far, and as long"),
        pytest.param(
            "CORS_GATEWAY_ALLOWED_ORIGINS",
            "*",
            "did you mean CORS_GATEWAY_ALLOW_ORIGINS?",
            id="nearly",
        ),
        pytest.param("CORS_GATEWAY_PORT", "8080", "set PORT", id="a port that somebody meant"),
        pytest.param("CORS_GATEWAY_PORT", "tcp://10.0.0.1:80", None, id="a Service's port"),
        pytest.param("CORS_GATEWAY_SERVICE_HOST", "10.0.0.1", None, id="a Service's host"),
        pytest.param("CORS_GATEWAY_SERVICE_PORT_HTTP", "80", None, id="a Service's named port"),
        pytest.param("CORS_GATEWAY_PORT_80_TCP", "tcp://10.0.0.1:80", None, id="a Service's URL"),
        pytest.param("CORS_GATEWAY_PORT_80_TCP_ADDR", "10.0.0.1", None, id="a Service's address"),
        pytest.param("CORS_GATEWAY_ADMIN_SERVICE_PORT", "80", None, id="another Service"),
        pytest.param("CORS_GATEWAY_MINE", "info", None, id="the configuration names it"),
    ],
)
def test_variables_that_only_look_like_ours(
    command: Command,
    served: list[Snapshot],
    file: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    value: str,
    said: str | None,
) -> None:
    file.write_text(FILE + "log: {level: '${CORS_GATEWAY_MINE:-info}'}\n")
    monkeypatch.setenv(name, value)

    ended = command("run", "-c", str(file))

    assert ended.code == 0
    assert ended.out == ""
    if said is None:
        assert ended.err == ""
    else:
        assert ended.err.startswith(f"cors-gateway: warning: {name} has no effect")
        assert said in ended.err


def test_warnings_of_the_configuration_are_printed_at_the_start(
    command: Command, served: list[Snapshot], file: Path
) -> None:
    file.write_text(FILE.replace("[GET, PUT]", "[GET, PUT, PUT]"))

    ended = command("run", "-c", str(file))

    assert (ended.code, ended.out) == (0, "")
    assert ended.err.startswith(f"{file}:4:")
    assert "warning: " in ended.err


def test_every_mistake_of_the_configuration_is_printed(command: Command, file: Path) -> None:
    file.write_text(FILE.replace("[GET, PUT]", "[TRACE]").replace("http:", "ftp:"))

    ended = command("run", "-c", str(file))

    assert (ended.code, ended.out) == (1, "")
    assert [line.split(": ")[1] for line in ended.err.splitlines()] == [
        "corsPolicies.spa.allowMethods[0]",
        "routes[0].upstream",
    ]


def test_a_file_that_is_not_there(command: Command) -> None:
    ended = command("run", "-c", "nope.yaml")

    assert (ended.code, ended.out) == (1, "")
    assert ended.err.startswith("cors-gateway: nope.yaml: there is no such file")


def test_a_directory_in_the_place_of_a_file(command: Command) -> None:
    Path("cors-gateway.yaml").mkdir()

    ended = command("run")

    assert (ended.code, ended.out) == (1, "")
    assert "it is a directory" in ended.err


@pytest.mark.parametrize(
    "error, said",
    [
        pytest.param(PermissionError(13, "Permission denied"), "permission denied", id="no right"),
        pytest.param(OSError(5, "Input/output error"), "Input/output error", id="a bad disk"),
    ],
)
def test_a_file_that_cannot_be_read(
    command: Command,
    served: list[Snapshot],
    file: Path,
    monkeypatch: pytest.MonkeyPatch,
    error: OSError,
    said: str,
) -> None:
    def refuse(path: Path, *_: object, **__: object) -> BinaryIO:
        raise error

    monkeypatch.setattr(Path, "open", refuse)

    ended = command("run", "-c", str(file))

    assert (ended.code, ended.out, served) == (1, "", [])
    assert ended.err.startswith(f"cors-gateway: {file}: {said}")


def test_a_binary_file(command: Command, file: Path) -> None:
    file.write_bytes(b"\x89PNG\r\n\x1a\n\0\0")

    ended = command("run", "-c", str(file))

    assert (ended.code, ended.out) == (1, "")
    assert ended.err.startswith(f"{file}:1:1: ")


def test_a_document_that_holds_no_block_takes_no_flags(command: Command, file: Path) -> None:
    for text in ("- a\n", FILE + "server: here\n"):
        file.write_text(text)
        ended = command("run", "-c", str(file), "--listen", ":1")

        assert (ended.code, ended.out) == (1, "")
        assert ended.err.startswith(f"{file}:")


def test_secrets_come_from_files(
    command: Command, served: list[Snapshot], file: Path, tmp_path: Path
) -> None:
    (tmp_path / "key").write_text("letmein\n")
    upstream = f"{{url: 'http://h', headers: {{set: {{X-Key: '${{file:{tmp_path}/key}}'}}}}}}"
    file.write_text(FILE.replace("http://127.0.0.1:9", upstream))

    command("run", "-c", str(file))

    assert served[0].routes[0].set_fields == ((b"X-Key", b"letmein"),)
