"""Workers' processes that are started before it is known what they serve."""

import os
import re
import signal
import subprocess
import sys
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from cors_gateway.process import recruits
from cors_gateway.process.cpus import count_workers
from cors_gateway.process.recruits import NOBODY, Recruit, Recruits, recruit_early
from tests.peers.processes import GATEWAY_LISTENS, Running, running
from tests.process.changed_gateway import wait_until
from tests.process.running_worker import children_of

CONFIG = """\
server: {{listen: "127.0.0.1:0"{more}}}
routes: [{{match: {{path: /}}, upstream: "http://127.0.0.1:9", cors: false}}]
"""


@contextmanager
def some(count: int) -> Iterator[Recruits]:
    started = Recruits(count)
    try:
        yield started
    finally:
        started.dismiss()


def is_there(recruit: Recruit) -> bool:
    return Path(f"/proc/{recruit.process.pid}").exists()


def marked(mark: str) -> list[int]:
    """The processes that have something in their environment."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if mark.encode() in (folder / "environ").read_bytes():
                found.append(int(folder.name))
        except OSError:
            continue
    return found


class TestRecruits:
    def test_those_who_were_started_are_given_first(self) -> None:
        with some(2) as started:
            early = set(children_of(os.getpid()))
            taken = [started.take() for _ in range(3)]
        assert [recruit.process.pid in early for recruit in taken] == [True, True, False]
        assert all(map(is_there, taken))
        for recruit in taken:
            recruit.dismiss()
        assert not any(map(is_there, taken))

    def test_whom_nobody_needs_is_gone(self) -> None:
        with some(3) as started:
            before = set(children_of(os.getpid()))
            started.dismiss(but=1)
            assert len(before - set(children_of(os.getpid()))) == 2
            kept = started.take()
            assert is_there(kept)
            kept.dismiss()

    def test_one_ends_by_itself_when_nobody_can_tell_it_anything(self) -> None:
        recruit = Recruit.start()
        recruit.control.close()

        assert recruit.process.wait(60) == 0

    def test_where_no_process_can_be_had_who_needs_one_is_told(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def refuse(*_: object, **__: object) -> None:
            raise BlockingIOError(11, "Resource temporarily unavailable")

        monkeypatch.setattr(subprocess, "Popen", refuse)
        with recruit_early("1") as started, pytest.raises(BlockingIOError):
            started.take()

    @pytest.mark.parametrize(
        "wanted, count",
        [
            pytest.param("1", 1, id="one"),
            pytest.param("0", 0, id="none, which the configuration refuses"),
            pytest.param("200", count_workers(), id="more than the machine is good for"),
            pytest.param("auto", count_workers(), id="as many as it is good for"),
            pytest.param(None, count_workers(), id="nobody has said"),
        ],
    )
    def test_as_many_as_will_probably_be_needed(
        self, monkeypatch: pytest.MonkeyPatch, wanted: str | None, count: int
    ) -> None:
        asked_for: list[int] = []

        def start(count: int) -> Recruits:
            asked_for.append(count)
            return NOBODY

        monkeypatch.setattr(recruits, "Recruits", start)

        with recruit_early(wanted):
            pass

        assert asked_for == [count]

    def test_little_is_imported_before_the_first_is_started(self) -> None:
        script = (
            "import sys, cors_gateway.cli.run, cors_gateway.cli.proxy\n"
            "print(sorted({'asyncio', 'pydantic', 'yaml', 'ssl', 'cors_gateway.snapshot',"
            " 'cors_gateway.config.load'} & set(sys.modules)))"
        )
        done = subprocess.run(
            [sys.executable, "-c", script], capture_output=True, text=True, check=True
        )

        assert done.stdout == "[]\n"


class TestTheCommand:
    """``run`` while its configuration is a pipe that nobody has written to yet."""

    @pytest.fixture
    def pipe(self, tmp_path: Path) -> Path:
        path = tmp_path / "gateway.yaml"
        os.mkfifo(path)
        return path

    @staticmethod
    @contextmanager
    def waiting(pipe: Path, workers: str = "1") -> Iterator[tuple[Running, str]]:
        """The command, and what is in the environment of all its processes."""
        mark = uuid.uuid4().hex
        argv = [sys.executable, "-m", "cors_gateway", "run", "-c", str(pipe)]
        env = {"CORS_GATEWAY_WORKERS": workers, "MARK": mark}
        with running(argv, env) as program:
            yield program, mark
        # Whoever is left ends as soon as it hears that nobody tells it anything.
        wait_until(lambda: not marked(mark), "a process was left behind")

    @staticmethod
    def write(pipe: Path, text: str) -> None:
        # Who reads may be gone, and opening would wait for ever.
        threading.Thread(target=pipe.write_text, args=(text,), daemon=True).start()

    def test_workers_load_while_the_configuration_is_waited_for(self, pipe: Path) -> None:
        with self.waiting(pipe) as (program, _):
            wait_until(lambda: bool(children_of(program.process.pid)))
            [early] = children_of(program.process.pid)
            self.write(pipe, CONFIG.format(more=""))
            program.wait_for(GATEWAY_LISTENS)

            assert children_of(program.process.pid) == [early]

    @pytest.mark.parametrize("workers", [1, 3])
    def test_as_many_serve_as_the_configuration_says(self, pipe: Path, workers: int) -> None:
        with self.waiting(pipe, workers="") as (program, _):
            wait_until(lambda: len(children_of(program.process.pid)) == count_workers())
            early = set(children_of(program.process.pid))
            self.write(pipe, CONFIG.format(more=f", workers: {workers}"))
            program.wait_for(GATEWAY_LISTENS)

            serving = set(children_of(program.process.pid))
            assert len(serving) == workers
            assert len(serving & early) == min(workers, len(early))

    def test_a_configuration_with_mistakes_leaves_nobody_behind(self, pipe: Path) -> None:
        with self.waiting(pipe) as (program, mark):
            wait_until(lambda: bool(children_of(program.process.pid)))
            self.write(pipe, "nothing: here\n")

            assert program.process.wait(60) == 1
            assert marked(mark) == []
        assert re.search(r"^\S+:1:1: nothing: unknown key", "".join(program.printed), re.MULTILINE)

    @pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
    def test_a_command_that_is_ended_leaves_nobody_behind(
        self, pipe: Path, number: signal.Signals
    ) -> None:
        with self.waiting(pipe) as (program, mark):
            wait_until(lambda: len(marked(mark)) == 2)
            program.process.send_signal(number)

            assert program.process.wait(60) in {-number, 130}

    def test_one_that_dies_before_its_orders_is_told_of(self, pipe: Path) -> None:
        with self.waiting(pipe) as (program, _):
            wait_until(lambda: bool(children_of(program.process.pid)))
            [early] = children_of(program.process.pid)
            os.kill(early, signal.SIGKILL)
            self.write(pipe, CONFIG.format(more=""))

            assert program.process.wait(60) == 3
        assert "cors-gateway: it was ended by SIGKILL" in "".join(program.printed)
