"""``diff``: what it prints, in which format, and how it ends."""

import io
import json
import re
from pathlib import Path

import pytest

from cors_gateway.cli.verbs import VERBS
from tests.cli.conftest import FILE, Command

WIDER = FILE.replace("[GET, PUT]", "[GET, PUT, DELETE]").replace("127.0.0.1:9", "127.0.0.1:8")
WRONG = FILE.replace("allowOrigins", "allowOrigin").replace("match:", "mach:")

DIFFERENCES = """\
new.yaml:4: wider: route api, requests that no route takes: DELETE may be used now
new.yaml:9: route api: upstream: http://127.0.0.1:9 → http://127.0.0.1:8
2 differences, 1 of them wider
"""


@pytest.fixture(autouse=True)
def _two_files(_nothing_around: None, tmp_path: Path) -> None:
    (tmp_path / "old.yaml").write_text(FILE)
    (tmp_path / "new.yaml").write_text(WIDER)


def test_what_is_wider_comes_first(command: Command) -> None:
    ended = command("diff", "old.yaml", "new.yaml")

    assert (ended.code, ended.out, ended.err) == (0, DIFFERENCES, "")


@pytest.mark.parametrize(
    "old, new, code",
    [
        pytest.param("old.yaml", "new.yaml", 1, id="wider"),
        pytest.param("new.yaml", "old.yaml", 0, id="narrower"),
        pytest.param("old.yaml", "old.yaml", 0, id="the same"),
    ],
)
def test_strict_ends_with_1_only_where_it_is_wider(
    command: Command, old: str, new: str, code: int
) -> None:
    assert command("diff", "--strict", old, new).code == code


def test_nothing_changes(command: Command) -> None:
    ended = command("diff", "old.yaml", "old.yaml")

    assert (ended.code, ended.out, ended.err) == (0, "no difference\n", "")


def test_differences_for_programs(command: Command) -> None:
    ended = command("diff", "old.yaml", "new.yaml", "--format", "json")

    assert json.loads(ended.out) == [
        {
            "text": "route api, requests that no route takes: DELETE may be used now",
            "wider": True,
            "source": "new.yaml:4",
        },
        {
            "text": "route api: upstream: http://127.0.0.1:9 → http://127.0.0.1:8",
            "wider": False,
            "source": "new.yaml:9",
        },
    ]


@pytest.mark.parametrize("form", ["text", "json"])
def test_all_mistakes_of_both_are_told_in_place_of_differences(
    command: Command, tmp_path: Path, form: str
) -> None:
    for name in ("old.yaml", "new.yaml"):
        (tmp_path / name).write_text(WRONG)

    ended = command("diff", "old.yaml", "new.yaml", "--format", form)

    assert (ended.code, ended.out) == (1, "")
    assert [line.split(", did")[0] for line in ended.err.splitlines()] == [
        f"{name}:{mistake}"
        for name in ("old.yaml", "new.yaml")
        for mistake in (
            "3:5: corsPolicies.spa.allowOrigin: unknown key allowOrigin",
            "8:5: routes[0].mach: unknown key mach",
        )
    ]


def test_warnings_are_for_validate(command: Command, tmp_path: Path) -> None:
    (tmp_path / "old.yaml").write_text(FILE.replace("[GET, PUT]", "[GET, PUT, PUT]"))

    ended = command("diff", "old.yaml", "old.yaml")

    assert command("validate", "old.yaml").out.startswith("old.yaml:4")
    assert (ended.code, ended.out, ended.err) == (0, "no difference\n", "")


@pytest.mark.parametrize("words", [["-", "new.yaml"], ["old.yaml", "-"]])
def test_one_may_come_from_standard_input(
    command: Command, monkeypatch: pytest.MonkeyPatch, words: list[str]
) -> None:
    content = FILE if words[0] == "-" else WIDER
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(content.encode())))

    ended = command("diff", *words)

    assert (ended.code, ended.err) == (0, "")
    assert ended.out == DIFFERENCES.replace("new.yaml", words[1] if words[1] != "-" else "stdin")


def test_both_may_not(command: Command) -> None:
    ended = command("diff", "-", "-")

    assert (ended.code, ended.out) == (2, "")
    assert "standard input can be one of the two only" in ended.err


def test_a_file_that_is_not_there(command: Command) -> None:
    ended = command("diff", "old.yaml", "gone.yaml")

    assert (ended.code, ended.out) == (1, "")
    assert "gone.yaml" in ended.err


def test_only_one_file(command: Command) -> None:
    ended = command("diff", "old.yaml")

    assert (ended.code, ended.out) == (2, "")
    assert "NEW" in ended.err


def test_the_example_compares_with_what_was_committed(
    command: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "cors-gateway.yaml").write_text(WIDER)
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(FILE.encode())))
    git, _, ours = VERBS["diff"].example.partition(" |\n")

    ended = command(*ours.split()[1:])

    assert git == "git show HEAD:cors-gateway.yaml"
    assert ended.code == 1
    assert len(re.findall("^.*wider: ", ended.out, re.MULTILINE)) == 1


@pytest.mark.row("E10")
def test_secrets_are_not_shown(
    command: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "key").write_text("hunter22-from-a-file")
    monkeypatch.setenv("API_KEY", "hunter22-from-outside")
    plain = "upstream: {url: http://h, headers: {set: {X-Key: hunter22-written-out}}}"
    filled = (
        "upstream: {url: 'http://h/${API_KEY}', headers: {set: {X-Key: '${file:key}${API_KEY}'}}}"
    )
    for name, upstream in (("old.yaml", plain), ("new.yaml", filled)):
        text = FILE.replace("upstream: http://127.0.0.1:9", upstream)
        (tmp_path / name).write_text(text.replace("file:key", f"file:{tmp_path}/key"))

    there, back = command("diff", "old.yaml", "new.yaml"), command("diff", "new.yaml", "old.yaml")

    assert there.code == back.code == 0
    assert "header X-Key is set to another value" in there.out
    assert "hunter22" not in f"{there.out}{there.err}{back.out}{back.err}"
