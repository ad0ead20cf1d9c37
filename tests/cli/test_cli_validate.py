"""``validate``: what it prints, in which format, and how it ends."""

import io
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
import trustme

from tests.cli.conftest import FILE, Command

TESTS = """\
tests:
  - {origin: https://app.example.com, method: PUT, path: /a, expect: allow}
  - {origin: https://app.example.com, method: DELETE, path: /a, expect: allow}
  - {name: nobody else, origin: https://evil.example, path: /a, expect: deny}
"""


def test_a_configuration_without_mistakes(command: Command, file: Path) -> None:
    ended = command("validate", str(file))

    assert (ended.code, ended.err) == (0, "")
    assert ended.out == f"{file}: ok: 1 route, 1 policy, 1 origin\n"


def test_tests_are_run_when_asked_for(command: Command, file: Path) -> None:
    file.write_text(FILE + TESTS)
    plain = command("validate", "-c", str(file))
    tested = command("validate", "-c", str(file), "--tests")

    assert plain.code == 0
    assert plain.out.endswith("3 tests not run (--tests)\n")
    assert tested.code == 1
    assert tested.out == (
        f'{file}:12:5: tests[1]: "DELETE /a from https://app.example.com" fails, '
        "it expects allow and the browser refuses: MethodDisallowedByPreflightResponse, "
        f"{file}:4: corsPolicies.spa.allowMethods: add DELETE\n"
    )
    assert tested.err == "1 error, 0 warnings\n"


def test_tests_that_pass_are_counted(command: Command, file: Path) -> None:
    file.write_text(FILE.replace("PUT", "PUT, DELETE") + TESTS)

    ended = command("validate", str(file), "--tests")

    assert (ended.code, ended.err) == (0, "")
    assert ended.out.endswith("1 origin, 3 tests passed\n")


def test_a_certificate_that_an_api_may_refuse(command: Command, file: Path) -> None:
    leaf = trustme.CA().issue_cert("client", not_after=datetime(2020, 1, 1, tzinfo=UTC))
    leaf.private_key_and_cert_chain_pem.write_to_path(str(file.parent / "old.pem"))
    pair = "{certificate: old.pem, key: old.pem}"
    file.write_text(f"""\
server: {{tls: {pair}}}
routes: [{{match: {{path: /}}, cors: false, upstream: {{url: "https://a", tls: {pair}}}}}]
""")
    listener, api, _ = command("validate", str(file)).out.splitlines()

    assert listener.endswith("on 2020-01-01 at 00:00 UTC, renew it: clients refuse it")
    assert api.endswith("on 2020-01-01 at 00:00 UTC, renew it: the API may refuse it")


def test_warnings_are_mistakes_only_where_that_is_asked_for(command: Command, file: Path) -> None:
    file.write_text(FILE.replace("[GET, PUT]", "[GET, PUT, PUT]"))
    plain = command("validate", str(file))
    strict = command("validate", str(file), "--strict")

    assert plain.code == 0
    assert plain.out.splitlines()[0].startswith(f"{file}:4:")
    assert plain.out.splitlines()[1].endswith("1 origin, 1 warning")
    assert (strict.code, strict.err) == (1, "0 errors, 1 warning, which --strict refuses\n")


def test_mistakes_for_programs(command: Command, file: Path) -> None:
    file.write_text(FILE.replace("[GET, PUT]", "[TRACE]") + TESTS)

    ended = command("validate", str(file), "--format", "json", "--tests")

    assert (ended.code, ended.err) == (1, "")
    (problem,) = json.loads(ended.out)
    assert problem["key"] == "corsPolicies.spa.allowMethods[0]"
    assert (problem["severity"], problem["line"]) == ("error", 4)


def test_mistakes_for_github(command: Command, file: Path) -> None:
    file.write_text(FILE + TESTS)

    ended = command("validate", str(file), "--format", "github", "--tests")

    assert ended.code == 1
    assert ended.out.startswith(f"::error file={file},line=12,col=5,title=tests[1]::")


@pytest.mark.parametrize(("form", "out"), [("json", "[]\n"), ("github", "")])
def test_nothing_to_say_to_programs(command: Command, file: Path, form: str, out: str) -> None:
    ended = command("validate", str(file), "--format", form)

    assert (ended.code, ended.out, ended.err) == (0, out, "")


def test_standard_input(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    stdin = io.TextIOWrapper(io.BytesIO(FILE.encode()))
    monkeypatch.setattr("sys.stdin", stdin)

    ended = command("validate", "-")

    assert (ended.code, ended.err) == (0, "")
    assert ended.out.startswith("stdin: ok: ")


def test_a_file_without_an_end(command: Command) -> None:
    ended = command("validate", "-c", "/dev/zero")

    assert ended.code == 1
    assert "the file is too long" in ended.out


def test_a_value_from_a_file_without_an_end(command: Command, file: Path) -> None:
    file.write_text(FILE.replace("http://127.0.0.1:9", "${file:/dev/zero}"))

    ended = command("validate", str(file))

    assert ended.code == 1
    assert "the file /dev/zero cannot be read, it has more than 1024 KiB" in ended.out


def test_two_files(command: Command, file: Path) -> None:
    assert command("validate", "-c", str(file), str(file)).code == 2


def test_the_environment_alone(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CORS_GATEWAY_UPSTREAM", "http://h")
    monkeypatch.setenv("CORS_GATEWAY_ALLOW_ORIGINS", "https://a.example")

    assert command("validate").out == "environment: ok: 1 route, 1 policy, 1 origin\n"
