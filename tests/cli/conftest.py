"""Every test of a command starts with an empty directory and none of the variables we know."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from cors_gateway.cli.main import main
from cors_gateway.cli.sources import snapshot_of
from cors_gateway.config.load import Loaded
from cors_gateway.snapshot import Snapshot

FILE = """\
corsPolicies:
  spa:
    allowOrigins: [https://app.example.com]
    allowMethods: [GET, PUT]
defaults: {cors: spa}
routes:
  - name: api
    match: {path: /}
    upstream: http://127.0.0.1:9
"""


@dataclass(frozen=True)
class Ended:
    """How a command ended, and what it printed."""

    code: int
    out: str
    err: str


Command = Callable[..., Ended]


@pytest.fixture(autouse=True)
def _nothing_around(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in list(os.environ):
        if name.startswith("CORS_GATEWAY_"):
            monkeypatch.delenv(name)
    for name in ("PORT", "WEB_CONCURRENCY", "FORWARDED_ALLOW_IPS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str]) -> Command:
    """Call the command in this process."""

    def call(*arguments: str) -> Ended:
        try:
            code = main(arguments)
        except SystemExit as ended:
            code = ended.code if isinstance(ended.code, int) else -1
        printed = capsys.readouterr()
        return Ended(code, printed.out, printed.err)

    return call


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A configuration without mistakes, under a name that is not looked for."""
    path = tmp_path / "mine.yaml"
    path.write_text(FILE)
    return path


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> list[Snapshot]:
    """What would be served: instead of serving, its snapshot is kept."""
    snapshots: list[Snapshot] = []

    def serve(loaded: Loaded, *_: object, **__: object) -> int:
        snapshots.append(snapshot_of(loaded))
        return 0

    monkeypatch.setattr("cors_gateway.cli.run_file.serve", serve)
    monkeypatch.setattr("cors_gateway.cli.run_flags.serve", serve)
    return snapshots
