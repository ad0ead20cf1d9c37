"""At which level a process tells what is going on, while its configuration is exchanged."""

import json

import pytest

from cors_gateway.process.telling import Telling
from cors_gateway.snapshot import Snapshot
from tests.explain.asking import configured

FILE = """
routes: [{match: {path: /}, upstream: "http://h", cors: false}]
log: {format: json, level: %s}
"""


def snapshot_with(level: str) -> Snapshot:
    snapshot = configured(FILE % level).snapshot
    assert snapshot is not None
    return snapshot


@pytest.mark.parametrize(
    "before, after, told",
    [
        ("info", "error", ["begin", "commit"]),
        ("error", "info", ["commit", "settle"]),
        ("error", "error", []),
        ("info", "info", ["begin", "commit", "settle"]),
    ],
)
async def test_what_came_of_a_change_is_told_where_either_level_wants_it(
    capfd: pytest.CaptureFixture[str], before: str, after: str, told: list[str]
) -> None:
    telling = Telling(snapshot_with(before).log)

    telling("info", "begin")
    await telling.prepare(snapshot_with(after))
    telling.commit()
    telling("info", "commit")
    telling.settle()
    telling("info", "settle")

    assert [json.loads(line)["msg"] for line in capfd.readouterr().err.splitlines()] == told


async def test_a_change_that_is_given_up_leaves_the_level_as_it_was(
    capfd: pytest.CaptureFixture[str],
) -> None:
    telling = Telling(snapshot_with("info").log)

    await telling.prepare(snapshot_with("error"))
    telling.forget()
    telling.settle()
    telling("info", "on")

    assert json.loads(capfd.readouterr().err)["msg"] == "on"
