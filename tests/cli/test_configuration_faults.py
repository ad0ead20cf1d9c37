"""Configurations that are wrong, or that cannot be read any more: what a start and a reload do.

The lines of ``docs/faults.md`` about configurations, by the command.
"""

import errno
import os
import re
import signal
import sys
from collections.abc import Callable, Mapping
from http.client import HTTPConnection
from pathlib import Path

import pytest

from cors_gateway.snapshot import Snapshot
from tests.cli.conftest import Command
from tests.peers.processes import GATEWAY_LISTENS, Running, running

ADMIN_LISTENS = re.compile(r"admin on http://(\S+)")
A, B = "https://a.example.com", "https://b.example.com"

POLICY = (
    "routes:\n  - match: {path: /}\n    upstream: http://h\n    cors:\n      allowOrigins: [%s]\n"
)
GOOD = POLICY % A
BOMB = "a: &a [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{name}: &{name} [{', '.join([f'*{before}'] * 10)}]\n"
    for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)

E1 = {
    "a syntax error": (f"{GOOD}server: [\n", "7:1: a value is missing"),
    "an unknown key": (f"{GOOD}sever: {{}}\n", "6:1: sever: unknown key sever"),
    "a wrong type": (f"{GOOD}server: {{workers: many}}\n", '6:19: server.workers: "many" is not'),
    "no byte": ("", "1:1: the configuration is empty"),
    "a byte order mark and no more": ("\ufeff", "1:1: the configuration is empty"),
    "a tab": (f"{GOOD}server:\n\tworkers: 1\n", "7:1: a tab"),
    "a key twice": (f"{GOOD}routes: []\n", '6:1: routes: the key "routes" again, line 1 has it'),
    "aliases that multiply": (f"{GOOD}{BOMB}", "11:36: the document is too large"),
    "a tag that makes an object": (
        f"{GOOD}log: !!python/object/apply:os.mkdir [pwned]\n",
        '6:6: log: the tag "!!python/object/apply:os.mkdir"',
    ),
    "a zero byte": (f"{GOOD}log: \0\n", "6:6: character U+0000"),
    "a second document": (f"{GOOD}---\n{GOOD}", "6:1: a second document begins"),
}

E2 = {
    "everybody with cookies": (
        (POLICY % "'*'") + "      allowCredentials: true\n",
        '5:22: routes[0].cors.allowOrigins[0]: "*" and allowCredentials: true exclude',
    ),
    "an origin with a path": (POLICY % f"{A}/x", "5:22: ", "an origin has no path"),
    "an origin with a slash at its end": (POLICY % f"{A}/", "5:22: ", "ends without a slash"),
    "null": (POLICY % "'null'", "5:22: ", '"null" is not an origin that can be listed'),
    "an expression that does not compile": (
        f"{GOOD}      allowOriginRegex: 'https://(a'\n",
        "6:25: routes[0].cors.allowOriginRegex: ",
        "it does not compile",
    ),
    "an expression that lets in strangers": (
        f"{GOOD}      allowOriginRegex: 'https://.*.example.com'\n",
        "6:25: ",
        "lets in https://aexampleacom",
    ),
    "an expression that has to be tried in many ways": (
        f"{GOOD}      allowOriginRegex: 'https://(a+)+(?=b)\\.example\\.com'\n",
        "6:25: ",
        "it looks ahead or behind",
    ),
}

E3 = {
    "a route that is never reached": (
        f"{GOOD}  - match: {{path: /}}\n    upstream: http://i\n    cors: false\n",
        "6:12: routes[1].match: the route is unreachable, routes[0] takes all",
    ),
    "no upstream": (
        GOOD.replace("    upstream: http://h\n", ""),
        "2:5: routes[0].upstream: upstream is missing",
    ),
    "port 0": (GOOD.replace("//h", "//h:0"), '3:15: routes[0].upstream: "http://h:0" has a bad'),
    "a scheme that is no upstream's": (GOOD.replace("http://h", "ftp://h"), "3:15: ", "ftp://h"),
    "a path with dots": (GOOD.replace("path: /", "path: /a/.."), "2:19: ", "is ambiguous"),
}

E4 = {
    "a variable that is not set": (
        GOOD.replace("//h", "//${NOT_THERE}"),
        "3:15: routes[0].upstream: the variable NOT_THERE is not set",
    ),
    "a variable with a message": (
        GOOD.replace("//h", "//${NOT_THERE:?say where}"),
        "3:15: ",
        "NOT_THERE is not set, say where",
    ),
    "a file that is not there": (
        GOOD.replace("http://h", "'http://${file:/not/there}'"),
        "3:15: ",
        "the file /not/there cannot be read",
    ),
}


def cases(rows: Mapping[str, tuple[str, ...]]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize(
        "text, said", [pytest.param(text, said, id=row) for row, (text, *said) in rows.items()]
    )


def assert_refused(
    command: Command, file: Path, served: list[Snapshot], text: str, said: list[str]
) -> None:
    """Start it; nothing is served, and the first line names the place and the key."""
    file.write_text(text, "utf-8")

    ended = command("run", "-c", str(file))

    assert (ended.code, ended.out, served) == (1, "", [])
    first = ended.err.splitlines()[0]
    assert first.startswith(f"{file}:{said[0]}")
    assert all(part in first for part in said)


@pytest.mark.row("E1")
@cases(E1)
def test_a_document_that_cannot_be_read_starts_nothing(
    command: Command, file: Path, served: list[Snapshot], text: str, said: list[str]
) -> None:
    assert_refused(command, file, served, text, said)
    assert not Path("pwned").exists()


@pytest.mark.row("E1")
def test_a_byte_order_mark_before_it_is_no_mistake(
    command: Command, file: Path, served: list[Snapshot]
) -> None:
    file.write_text(GOOD, "utf-8-sig")

    assert (command("run", "-c", str(file)).code, len(served)) == (0, 1)


@pytest.mark.row("E2")
@cases(E2)
def test_a_policy_that_would_let_in_strangers_starts_nothing(
    command: Command, file: Path, served: list[Snapshot], text: str, said: list[str]
) -> None:
    assert_refused(command, file, served, text, said)


@pytest.mark.row("E3")
@cases(E3)
def test_a_route_that_leads_nowhere_starts_nothing(
    command: Command, file: Path, served: list[Snapshot], text: str, said: list[str]
) -> None:
    assert_refused(command, file, served, text, said)


@pytest.mark.row("E4")
@cases(E4)
def test_what_is_missing_outside_is_never_the_empty_text(
    command: Command, file: Path, served: list[Snapshot], text: str, said: list[str]
) -> None:
    assert_refused(command, file, served, text, said)


class Served:
    """A gateway that runs a file, and what it says."""

    def __init__(self, program: Running) -> None:
        self._program = program
        self.url = program.wait_for(GATEWAY_LISTENS)[1].removeprefix("http://")
        self.admin = program.wait_for(ADMIN_LISTENS)[1]

    def allowed(self) -> list[str]:
        """Ask which of two origins may call."""
        return [origin for origin in (A, B) if ask(self.url, "/", "OPTIONS", origin)[0] == 204]

    def reloads(self, told: str) -> None:
        """Send HUP, and wait for what is said of it."""
        self._program.process.send_signal(signal.SIGHUP)
        self._program.wait_for(re.compile(told))


def ask(address: str, path: str, method: str = "GET", origin: str = "") -> tuple[int, str]:
    connection = HTTPConnection(address, timeout=60)
    fields = {"Origin": origin, "Access-Control-Request-Method": "GET"} if origin else {}
    connection.request(method, path, headers=fields)
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    return answer.status, text


def start(file: Path, *flags: str) -> list[str]:
    listen = ["--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"]
    return [sys.executable, "-m", "cors_gateway", "run", "-c", str(file), *listen, *flags]


def empty(file: Path) -> None:
    """Somebody is about to write it."""
    file.write_bytes(b"")


def cut_short(file: Path) -> None:
    file.write_text(GOOD[: GOOD.index("cors:")], "utf-8")


def delete(file: Path) -> None:
    file.unlink()


def make_a_folder(file: Path) -> None:
    file.mkdir()


def make_a_link_in_a_circle(file: Path) -> None:
    """Unreadable, also for the superuser, who may read every file."""
    file.rmdir()
    file.symlink_to(file.name)


def put_back(file: Path) -> None:
    """Replace the file as editors do: another one gets its name."""
    other = file.with_name("other")
    other.write_text(POLICY % B, "utf-8")
    other.replace(file)


@pytest.mark.row("E7")
def test_a_file_is_replaced_in_many_ways_and_one_that_cannot_be_read_changes_nothing(
    tmp_path: Path,
) -> None:
    """One gateway sees all of it, one after the other, and at last a file that is right again.

    At first the file is mounted as Kubernetes does a ConfigMap: ``gateway.yaml`` →
    ``..data/gateway.yaml``.
    """
    for folder, origin in (("..1", B), ("..2", A)):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "gateway.yaml").write_text(POLICY % origin, "utf-8")
    data, file = tmp_path / "..data", tmp_path / "gateway.yaml"
    data.symlink_to("..1")
    file.symlink_to("..data/gateway.yaml")
    steps: list[tuple[Callable[[Path], None], str]] = [
        (empty, "the configuration is empty"),
        (cut_short, "cors is missing"),
        (delete, "there is no such file"),
        (make_a_folder, "it is a directory"),
        (make_a_link_in_a_circle, os.strerror(errno.ELOOP)),
    ]
    with running(start(file)) as program:
        served = Served(program)
        assert served.allowed() == [B]

        (tmp_path / "..data_tmp").symlink_to("..2")
        (tmp_path / "..data_tmp").replace(data)
        served.reloads("reloaded ")
        assert served.allowed() == [A]

        for change, told in steps:
            change(file)
            served.reloads(f"not reloaded.*{re.escape(told)}")
            assert served.allowed() == [A]
            status, text = ask(served.admin, "/readyz?verbose")
            assert (status, told in text) == (200, True)

        put_back(file)
        served.reloads("reloaded ")
        assert served.allowed() == [B]
        assert "not reloaded" not in ask(served.admin, "/readyz?verbose")[1]


SECRETS = """\
log: {{level: debug}}
corsPolicies:
  spa: {{allowOrigins: [https://a.example.com]}}
defaults: {{cors: spa}}
routes:
  - name: api
    match: {{path: /api}}
    upstream:
      url: http://127.0.0.1:9${{file:{file}}}
      headers:
        set:
          X-Plain: hunter22-plain
          X-Env: ${{API_KEY}}
          X-Part: Bearer ${{API_KEY}}
          X-File: ${{file:{file}}}
"""


MISTAKES = (
    ("level: debug", "level: '${API_KEY}'"),
    ("url: http://127.0.0.1:9", "url: ${API_KEY}"),
    ("url: http://127.0.0.1:9", "url: http://me:hunter22-typed@127.0.0.1:9"),
    ("X-Plain: hunter22-plain", 'X-Plain: "hunter22-plain\\u0001"'),
    ("X-Plain: hunter22-plain", "X-Plain: [hunter22-plain]"),
    ("X-Plain: hunter22-plain", "X-Plain: 22112211"),
    ("X-Part: Bearer ${API_KEY}", "X Part: Bearer hunter22-name"),
)
"""What is right, and what is refused for the value that stands there."""


@pytest.mark.row("E10")
def test_secrets_are_told_nowhere(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The log of a gateway that starts, fails and reloads; all that admin tells; every command."""
    secret, file, other = tmp_path / "secret", tmp_path / "gateway.yaml", tmp_path / "other.yaml"
    secret.write_text("/hunter22-file\n")
    monkeypatch.setenv("API_KEY", "hunter22-env")
    text = SECRETS.format(file=secret)
    file.write_text(text)
    other.write_text(text.replace("hunter22-plain", "hunter22-other").replace("Bearer", "Basic"))
    told: list[str] = []
    with running(start(file)) as program:
        served = Served(program)
        explain = "/explain?origin=https://a.example.com&url=/api/x"
        for path in ("/config", "/config?format=yaml", "/routes", "/metrics", explain):
            status, document = ask(served.admin, path)
            told.append(document)
            assert status == 200, path
        ask(served.url, "/api/x")

        file.write_text(other.read_text())
        told.append(ask(served.admin, "/reload", "POST")[1])
        secret.write_text("/hunter22-later")
        told.append(ask(served.admin, "/reload", "POST")[1])
        for right, wrong in MISTAKES:
            file.write_text(text.replace(right, wrong))
            status, said = ask(served.admin, "/reload", "POST")
            told.append(said)
            assert status == 422, (wrong, said)
        told.append(ask(served.admin, "/readyz?verbose")[1])
    told += program.printed
    for words in (
        ("validate", str(other)),
        ("validate", str(file)),
        ("diff", str(file), str(other)),
        ("render", "-c", str(other)),
        ("routes", "-c", str(other)),
        ("routes", "-c", str(other), "--json"),
        ("explain", "-c", str(other), "--origin", A, "/api/x"),
        ("explain", "-c", str(other), "--origin", A, "--json", "/api/x"),
    ):
        ended = command(*words)
        told += [ended.out, ended.err]

    whole = "".join(told)
    assert "headers X-Plain and X-Part are set to another value" in whole
    assert "leads elsewhere, by what is not shown" in whole
    assert re.findall(".*(?:hunter22|22112211).*", whole) == []
