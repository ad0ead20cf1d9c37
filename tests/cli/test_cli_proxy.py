"""``proxy``: one API without a file."""

import pytest
import yaml

from cors_gateway.snapshot import Listener, Snapshot
from tests.cli.conftest import FILE, Command

QUICK = ("proxy", "--to", "http://localhost:5000", "--allow-origin", "https://a.example")


def test_flags_make_one_route_and_one_policy(command: Command, served: list[Snapshot]) -> None:
    ended = command(
        *QUICK, "--allow-origin", "http://localhost:*", "--credentials", "--listen", ":1"
    )

    (route,) = served[0].routes
    assert (ended.code, ended.err) == (0, "")
    assert (route.path, route.upstream.url) == (b"/", "http://localhost:5000")
    assert route.policy is not None
    assert route.policy.settings.allow_origins == ("https://a.example", "http://localhost:*")
    assert route.policy.settings.allow_credentials
    assert served[0].default_policy is route.policy
    assert served[0].listeners == (Listener(port=1),)


def test_lists_are_extended_and_not_replaced(command: Command) -> None:
    more = ("--allow-method", "PUT", "--allow-header", "X-A", "--max-age", "1h")

    ended = command(*QUICK, *more, "--print-config")

    policy = yaml.safe_load(ended.out)["corsPolicies"]["quick"]
    assert ended.code == 0
    assert policy["allowMethods"] == ["GET", "HEAD", "POST", "PUT"]
    assert policy["allowHeaders"] == ["Content-Type", "X-Requested-With", "X-A"]
    assert policy["maxAge"] == 3600


def test_a_value_may_list_several(command: Command) -> None:
    ended = command(
        *("proxy", "--to", "http://h", "--allow-origin", "https://a.example, https://b.example"),
        *("--allow-origin", "https://c.example|https://d.example"),
        *("--allow-method", "PUT,DELETE", "--allow-header", "X-A, X-B", "--print-config"),
    )

    policy = yaml.safe_load(ended.out)["corsPolicies"]["quick"]
    assert (ended.code, ended.err) == (0, "")
    assert policy["allowOrigins"] == [f"https://{name}.example" for name in "abcd"]
    assert policy["allowMethods"][-2:] == ["PUT", "DELETE"]
    assert policy["allowHeaders"][-2:] == ["X-A", "X-B"]


def test_a_star_is_not_beside_defaults_that_nobody_wrote(command: Command) -> None:
    ended = command(*QUICK, "--allow-method", "*", "--allow-header", "*", "--print-config")

    policy = yaml.safe_load(ended.out)["corsPolicies"]["quick"]
    assert (ended.code, ended.err) == (0, "")
    assert (policy["allowMethods"], policy["allowHeaders"]) == (["*"], ["*"])


@pytest.mark.parametrize("flag", ["--allow-origin", "--allow-method", "--allow-header"])
@pytest.mark.parametrize("value", ["", ","])
def test_a_flag_with_nothing_in_it_is_no_flag_that_is_left_out(
    command: Command,
    served: list[Snapshot],
    monkeypatch: pytest.MonkeyPatch,
    flag: str,
    value: str,
) -> None:
    monkeypatch.setenv("CORS_GATEWAY_ALLOW_ORIGINS", "https://b.example")

    ended = command("proxy", "--to", "http://h", flag, value)

    assert (ended.code, ended.out) == (1, "")
    assert ended.err.startswith(f"{flag}: ")
    assert served == []


@pytest.mark.parametrize(
    "flags, code",
    [pytest.param([], 2, id="no API"), pytest.param(["--to", "http://h"], 1, id="no origin")],
)
def test_a_variable_that_may_have_meant_it_is_named_once_before_a_refusal(
    command: Command, monkeypatch: pytest.MonkeyPatch, flags: list[str], code: int
) -> None:
    monkeypatch.setenv("CORS_GATEWAY_ALLOW_ORIGIN", "https://a.example")

    ended = command("proxy", *flags)

    warning, refusal = ended.err.splitlines()
    assert ended.code == code
    assert "CORS_GATEWAY_ALLOW_ORIGIN has no effect" in warning
    assert not refusal.startswith("cors-gateway: warning")


def test_a_printed_configuration_runs(
    command: Command, served: list[Snapshot], tmp_path_factory: pytest.TempPathFactory
) -> None:
    file = tmp_path_factory.mktemp("printed") / "gateway.yaml"
    file.write_text(command(*QUICK, "--print-config").out)

    ended = command("run", "-c", str(file))

    assert (ended.code, ended.err) == (0, "")
    assert served[0].routes[0].upstream.url == "http://localhost:5000"


def test_variables_stand_in_for_flags(
    command: Command, served: list[Snapshot], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CORS_GATEWAY_UPSTREAM", "http://other:1")
    monkeypatch.setenv("CORS_GATEWAY_ALLOW_ORIGINS", "https://b.example|https://c.example")
    command("proxy")
    command(*QUICK)

    assert [snapshot.routes[0].upstream.url for snapshot in served] == [
        "http://other:1",
        "http://localhost:5000",
    ]
    policies = [snapshot.routes[0].policy for snapshot in served]
    assert [policy and policy.settings.allow_origins for policy in policies] == [
        ("https://b.example", "https://c.example"),
        ("https://a.example",),
    ]


def test_no_file_is_looked_for(command: Command, served: list[Snapshot], tmp_path: object) -> None:
    with open("cors-gateway.yaml", "w") as file:  # noqa: PTH123
        file.write(FILE)

    assert command(*QUICK).code == 0
    assert served[0].source == "command line"


@pytest.mark.parametrize(
    "arguments, code, said",
    [
        pytest.param(["--allow-origin", "https://a.example"], 2, "--to", id="no API"),
        pytest.param(["--to", "http://h"], 1, "--allow-origin", id="no origin"),
        pytest.param(
            ["--to", "h:1", "--allow-origin", "https://a.example"],
            1,
            '--to: "h:1" has no scheme',
            id="no URL",
        ),
        pytest.param(
            ["--to", "http://h", "--allow-origin", "https://a.example/"],
            1,
            '--allow-origin: "https://a.example/" is not an origin, ',
            id="no origin but a URL",
        ),
        pytest.param(
            ["--to", "http://h", "--allow-origin", "*", "--credentials"],
            1,
            "exclude each other",
            id="everyone with cookies",
        ),
    ],
)
def test_a_mistake(command: Command, arguments: list[str], code: int, said: str) -> None:
    ended = command("proxy", *arguments)

    assert (ended.code, ended.out) == (code, "")
    assert said in ended.err
