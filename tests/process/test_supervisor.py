"""The whole command: workers that die, that are replaced, and that come to their end in order."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import pytest

from cors_gateway.config.load import Loaded, load
from cors_gateway.process import supervisor as supervisor_module
from cors_gateway.process.cpus import count_workers
from cors_gateway.process.overview import NotLoadedError
from cors_gateway.process.supervisor import Supervisor
from tests.cases.configs import FakeReader
from tests.peers.ports import free_port
from tests.peers.processes import SMALL, Running, running
from tests.process.gateway_rig import (
    GET,
    LISTENING,
    ORIGIN,
    PATIENCE,
    WAIT,
    Api,
    Gateway,
    config,
    gateway,
    has_clients,
    is_answered,
    is_gone,
    is_refused,
    listening_port,
    opened,
    receive,
    slow_api,
    wait_until,
    with_another_listener,
)

NO_HURRY = ", drain: {timeout: 1h}"


@pytest.fixture
def api() -> Iterator[Api]:
    with slow_api() as known:
        yield known


class TestWorkersAreReplaced:
    @pytest.mark.row("F9")
    @pytest.mark.parametrize("workers", [1, 2])
    def test_one_that_is_killed_has_a_successor(
        self, tmp_path: Path, api: Api, workers: int
    ) -> None:
        with gateway(tmp_path, config(api.port), workers) as served:
            before = served.workers()
            os.kill(before[0], signal.SIGKILL)
            served.says("is replaced: it was ended by SIGKILL")
            wait_until(lambda: len(served.workers()) == workers)

            assert len(before) == workers
            assert before[0] not in served.workers()
            assert all(is_answered(served.answer()) for _ in range(4 * workers))

    @pytest.mark.row("F9")
    def test_who_connects_meanwhile_waits_and_is_not_refused(
        self, tmp_path: Path, api: Api
    ) -> None:
        with gateway(tmp_path, config(api.port)) as served:
            [worker] = served.workers()
            os.kill(worker, signal.SIGSTOP)
            with served.connects() as client:
                client.sendall(GET)
                os.kill(worker, signal.SIGKILL)

                assert is_answered(receive(client))

    @pytest.mark.row("F9")
    def test_the_others_go_on_with_what_they_do(self, tmp_path: Path, api: Api) -> None:
        with gateway(tmp_path, config(api.port), 2) as served, served.connects() as client:
            client.sendall(WAIT)
            assert api.arrived.acquire(timeout=PATIENCE)
            [busy] = [pid for pid in served.workers() if has_clients(pid, served.port)]
            for idle in set(served.workers()) - {busy}:
                os.kill(idle, signal.SIGKILL)
            served.says("is replaced")
            api.may_answer.set()

            assert is_answered(receive(client))

    def test_one_that_is_asked_to_end_drains_and_has_a_successor(
        self, tmp_path: Path, api: Api
    ) -> None:
        with gateway(tmp_path, config(api.port, server=NO_HURRY)) as served:
            [worker] = served.workers()
            with served.connects() as client:
                client.sendall(WAIT)
                assert api.arrived.acquire(timeout=PATIENCE)
                os.kill(worker, signal.SIGTERM)
                api.may_answer.set()

                assert is_answered(receive(client))
            served.says("is replaced: it ended with status 0")
            assert is_answered(served.answer())

    @pytest.mark.row("F9")
    def test_workers_that_die_again_and_again_end_the_gateway(
        self, tmp_path: Path, api: Api
    ) -> None:
        with gateway(tmp_path, config(api.port), 2) as served:
            victim: int | None = served.workers()[0]
            while victim is not None and served.program.process.poll() is None:
                seen = set(served.workers())
                os.kill(victim, signal.SIGKILL)
                victim = successor(served, seen)

            assert served.ends() == 3
            served.says("died again and again, so the gateway ends")
            pauses = [line for line in served.program.printed if "is replaced" in line]
            assert len(pauses) == 5
            assert "is replaced in 0.25 s" in pauses[1]

    def test_a_worker_outlives_no_supervisor(self, tmp_path: Path, api: Api) -> None:
        text = config(api.port, server=", drain: {delay: 1h}")
        with gateway(tmp_path, text, 2) as served:
            workers = served.workers()
            os.kill(served.pid, signal.SIGKILL)

            wait_until(lambda: all(is_gone(pid) for pid in workers))


def successor(served: Gateway, seen: set[int]) -> int | None:
    """Wait for a worker that was not there before, or for the end."""
    found: list[int] = []

    def is_there() -> bool:
        try:
            found[:] = [pid for pid in served.workers() if pid not in seen]
        except FileNotFoundError:
            return True
        return bool(found) or served.program.process.poll() is not None

    wait_until(is_there)
    return found[0] if found else None


class TestTheEnd:
    @pytest.mark.row("F2")
    @pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGQUIT])
    @pytest.mark.parametrize("workers", [1, 2])
    def test_requests_in_progress_are_answered(
        self, tmp_path: Path, api: Api, number: signal.Signals, workers: int
    ) -> None:
        with gateway(tmp_path, config(api.port, server=NO_HURRY), workers) as served:
            pids = served.workers()
            clients = [served.connects() for _ in range(4)]
            for client in clients:
                client.sendall(WAIT)
            for _ in clients:
                assert api.arrived.acquire(timeout=PATIENCE)
            served.is_told(number)
            wait_until(lambda: is_refused(served.port), "new connections are still accepted")
            api.may_answer.set()
            answers = [receive(client) for client in clients]
            for client in clients:
                client.close()

            assert [is_answered(answer) for answer in answers] == [True] * 4
            assert all(b"connection: close" in answer.lower() for answer in answers)
            assert served.ends() == 0
            assert all(is_gone(pid) for pid in pids)

    @pytest.mark.row("F2")
    def test_connections_are_accepted_during_the_delay(self, tmp_path: Path, api: Api) -> None:
        text = config(api.port, server=", drain: {delay: 1h, timeout: 7s}")
        with gateway(tmp_path, text, 2) as served:
            served.is_told(signal.SIGTERM)
            answers: list[bytes] = []

            def are_all_told() -> bool:
                answers.extend(served.answer() for _ in range(8))
                return all(b"connection: close" in answer.lower() for answer in answers[-8:])

            wait_until(are_all_told)
            served.is_told(signal.SIGTERM)

            assert all(is_answered(answer) for answer in answers)
            assert served.ends() == 0

    @pytest.mark.row("F4")
    def test_a_second_signal_ends_it_without_waiting(self, tmp_path: Path, api: Api) -> None:
        text = config(api.port, server=NO_HURRY)
        with gateway(tmp_path, text, 2) as served, served.connects() as client:
            client.sendall(WAIT)
            assert api.arrived.acquire(timeout=PATIENCE)
            served.is_told(signal.SIGTERM)
            wait_until(lambda: is_refused(served.port))
            served.is_told(signal.SIGTERM)

            assert receive(client).startswith(b"HTTP/1.1 503 ")
            assert served.ends() == 0

    def test_a_signal_to_the_whole_group_is_one_signal(self, tmp_path: Path, api: Api) -> None:
        """As a terminal sends it, or ``pkill``."""
        text = config(api.port, server=NO_HURRY)
        with gateway(tmp_path, text, 2) as served, served.connects() as client:
            client.sendall(WAIT)
            assert api.arrived.acquire(timeout=PATIENCE)
            for pid in (served.pid, *served.workers()):
                os.kill(pid, signal.SIGINT)
            wait_until(lambda: is_refused(served.port))
            api.may_answer.set()

            assert is_answered(receive(client))
            assert served.ends() == 0

    @pytest.mark.row("F3")
    def test_a_worker_that_hangs_is_killed_in_time(self, tmp_path: Path, api: Api) -> None:
        text = config(api.port, server=", drain: {timeout: 100ms}")
        with gateway(tmp_path, text, 2) as served:
            os.kill(served.workers()[0], signal.SIGSTOP)
            served.is_told(signal.SIGTERM)

            assert served.ends() == 0

    @pytest.mark.parametrize("to_all", [False, True], ids=["as ^C does", "as systemd does"])
    def test_it_can_be_ended_before_it_serves(self, tmp_path: Path, api: Api, to_all: bool) -> None:
        with held_at_the_start(tmp_path, api, workers=2) as served:
            for pid in (served.pid, *(served.workers() if to_all else ())):
                os.kill(pid, signal.SIGTERM if to_all else signal.SIGINT)

            assert served.ends() == 0
        name = "TERM" if to_all else "INT"
        told = [json.loads(line)["msg"] for line in served.program.printed]
        assert told == [f"stopping: the signal {name}", "stopped"]

    @pytest.mark.row("F6")
    def test_whose_output_nobody_reads_is_ended_too(self, tmp_path: Path, api: Api) -> None:
        """Full pipes from the beginning, as of a program that does not read what it has started."""
        file = tmp_path / "gateway.yaml"
        file.write_text(config(api.port))
        reading, writing = os.pipe()
        os.set_blocking(writing, False)
        with suppress(BlockingIOError):
            while True:
                os.write(writing, b"x" * 4096)
        argv = [sys.executable, "-m", "cors_gateway", "run", "-c", str(file)]
        with subprocess.Popen(
            argv,
            stdout=writing,
            stderr=writing,
            text=True,
            env={**os.environ, **SMALL},
        ) as process:
            try:
                served = Gateway(Running(process), listening_port(process.pid), file)
                assert all(is_answered(served.answer()) for _ in range(20))
                file.write_text("no configuration" * 1000)
                for _ in range(10):
                    process.send_signal(signal.SIGHUP)
                assert is_answered(served.answer())
                process.terminate()

                assert process.wait(PATIENCE) == 0
            finally:
                process.kill()
                os.close(reading)
                os.close(writing)

    @pytest.mark.row("F6")
    @pytest.mark.parametrize("closed", ["<&-", ">&-", "<&- >&- 2>&-"])
    def test_closed_streams_are_nobodys_sockets(
        self, tmp_path: Path, api: Api, closed: str
    ) -> None:
        file = tmp_path / "gateway.yaml"
        file.write_text(config(api.port))
        argv = [sys.executable, "-m", "cors_gateway", "run", "-c", str(file)]
        log = tmp_path / "log"
        script = f'exec "$@" {closed}' if "2>" in closed else f'exec "$@" 2>"$LOG" {closed}'
        with subprocess.Popen(
            ["/bin/sh", "-c", script, "sh", *argv],
            text=True,
            env={**os.environ, **SMALL, "LOG": str(log)},
        ) as process:
            try:
                port = listening_port(process.pid)
                assert is_answered(Gateway(Running(process), port, file).answer())
                process.terminate()
                assert process.wait(PATIENCE) == 0
            finally:
                process.kill()
        assert not log.exists() or "Assertion" not in log.read_text()

    def test_a_worker_that_hangs_at_the_start_holds_up_no_stop(
        self, tmp_path: Path, api: Api
    ) -> None:
        with held_at_the_start(tmp_path, api, workers=1) as served:
            began = time.monotonic()
            served.is_told(signal.SIGTERM)

            assert served.ends() == 0
            assert time.monotonic() - began < 25, "it waited for the worker"


@contextmanager
def held_at_the_start(folder: Path, api: Api, workers: int) -> Iterator[Gateway]:
    """The command when it has bound its address and its workers, who are stopped, do not serve."""
    file = folder / "gateway.yaml"
    os.mkfifo(file)
    argv = [sys.executable, "-m", "cors_gateway", "run", "-c", str(file)]
    # Only where there are as many CPUs are there so many before the configuration is read.
    count = min(workers, count_workers())
    with running(argv, {"CORS_GATEWAY_WORKERS": str(workers)}) as program:
        served = Gateway(program, 0, file)
        wait_until(lambda: len(those_who_run(served)) == count)
        for pid in served.workers():
            os.kill(pid, signal.SIGSTOP)
        port = free_port()
        file.write_text(config(api.port).replace(":0", f":{port}", 1))
        wait_until(lambda: listens(port))
        yield served


def those_who_run(served: Gateway) -> set[int]:
    """Workers that are the worker's program; before, stopping one stops who starts it."""
    commands = {pid: Path(f"/proc/{pid}/cmdline").read_bytes() for pid in served.workers()}
    return {pid for pid, command in commands.items() if b"worker_main" in command}


def listens(port: int) -> bool:
    with socket.socket() as sock:
        return sock.connect_ex(("127.0.0.1", port)) == 0


def is_ignored(status: str, number: signal.Signals) -> bool:
    """Read from ``/proc/PID/status`` whether a process ignores a signal."""
    mask = int(status.partition("SigIgn:")[2].split()[0], 16)
    return bool(mask & 1 << (number - 1))


class TestAReloadByOtherWorkers:
    """With other addresses other workers have to serve them."""

    def test_what_the_file_says_now_is_served_from_the_same_address(
        self, tmp_path: Path, api: Api
    ) -> None:
        with gateway(tmp_path, config(api.port), 2) as served:
            before = set(served.workers())
            text = config(api.port, "https://other.example.com")
            served.config.write_text(with_another_listener(text))
            served.is_told(signal.SIGHUP)
            served.says("reloaded ")
            wait_until(lambda: not before & set(served.workers()))
            other = GET.replace(ORIGIN, b"https://other.example.com")

            assert b"Access-Control-Allow-Origin" in served.answer(other)
            assert b"Access-Control-Allow-Origin" not in served.answer()

    def test_a_request_in_progress_ends_as_it_began(self, tmp_path: Path, api: Api) -> None:
        with gateway(tmp_path, config(api.port)) as served, served.connects() as client:
            client.sendall(WAIT)
            assert api.arrived.acquire(timeout=PATIENCE)
            text = config(api.port, "https://other.example.com")
            served.config.write_text(with_another_listener(text))
            served.is_told(signal.SIGHUP)
            served.says("reloaded ")
            api.may_answer.set()
            answer = receive(client)

            assert is_answered(answer)
            assert b"Access-Control-Allow-Origin: " + ORIGIN in answer

    def test_a_worker_that_was_let_go_ends_with_the_gateway(self, tmp_path: Path, api: Api) -> None:
        text = config(api.port, server=", drain: {timeout: 100ms}")
        with gateway(tmp_path, text) as served, served.connects() as client:
            [before] = served.workers()
            client.sendall(WAIT)
            assert api.arrived.acquire(timeout=PATIENCE)
            served.config.write_text(with_another_listener(text))
            served.is_told(signal.SIGHUP)
            served.says("reloaded ")
            time.sleep(0.5)
            assert not is_gone(before), "it has time until the gateway ends"
            served.is_told(signal.SIGTERM)

            assert receive(client).startswith(b"HTTP/1.1 503 ")
            assert served.ends() == 0
            assert is_gone(before)

    @pytest.mark.parametrize(
        "text, said",
        [
            pytest.param("routes: [{", "not closed", id="no YAML"),
            pytest.param("routes: []\n", "routes", id="a mistake"),
            pytest.param(None, "there is no such file", id="no file"),
        ],
    )
    def test_a_mistake_changes_nothing(
        self, tmp_path: Path, api: Api, text: str | None, said: str
    ) -> None:
        with gateway(tmp_path, config(api.port)) as served:
            before = served.workers()
            if text is None:
                served.config.unlink()
            else:
                served.config.write_text(text)
            served.is_told(signal.SIGHUP)
            served.says("not reloaded, what was served before is served on")

            assert served.has_said(said), served.program.printed
            assert served.workers() == before
            assert is_answered(served.answer())

    def test_an_address_that_cannot_be_had_changes_nothing(self, tmp_path: Path, api: Api) -> None:
        with gateway(tmp_path, config(api.port), 2) as served:
            before = served.workers()
            taken = f'["127.0.0.1:0", "127.0.0.1:{api.port}"]'
            served.config.write_text(config(api.port).replace('"127.0.0.1:0"', taken))
            served.is_told(signal.SIGHUP)
            served.says("is in use")

            assert served.workers() == before
            assert is_answered(served.answer())

    def test_workers_that_cannot_begin_change_nothing(self, tmp_path: Path, api: Api) -> None:
        """The files of an upstream's TLS are read by the worker."""
        with gateway(tmp_path, config(api.port)) as served:
            before = served.workers()
            for name in ("cert.pem", "key.pem"):
                (tmp_path / name).write_text("nothing")
            tls = ", tls: {certificate: cert.pem, key: key.pem}"
            served.config.write_text(config(api.port, server=tls))
            served.is_told(signal.SIGHUP)
            served.says("not reloaded")

            assert served.workers() == before
            assert is_answered(served.answer())

    def test_who_has_connected_and_not_asked_yet_is_answered(
        self, tmp_path: Path, api: Api
    ) -> None:
        text = config(api.port, server=", timeouts: {head: 1h}")
        with gateway(tmp_path, text, 2) as served, ExitStack() as stack:
            before = set(served.workers())
            clients = [stack.enter_context(served.connects()) for _ in range(16)]
            for client in clients[:8]:
                client.sendall(GET[:20])
            wait_until(lambda: any(has_clients(pid, served.port) for pid in before))
            served.config.write_text(with_another_listener(text))
            served.is_told(signal.SIGHUP)
            served.says("reloaded ")
            time.sleep(0.5)
            for number, client in enumerate(clients):
                client.sendall(GET[20:] if number < 8 else GET)
            answers = [receive(client) for client in clients]

            assert [is_answered(answer) for answer in answers] == [True] * 16
            wait_until(lambda: not before & set(served.workers()), "the old ones stay")

    @pytest.mark.parametrize("persistent", [False, True], ids=["each anew", "keep-alive"])
    def test_under_load_no_request_fails(self, tmp_path: Path, api: Api, persistent: bool) -> None:
        with gateway(tmp_path, config(api.port), 2) as served:
            results: list[bytes] = []
            enough = threading.Event()

            def ask_again_and_again() -> None:
                while not enough.is_set():
                    with served.connects() as client:
                        for _ in range(1_000_000 if persistent else 1):
                            client.sendall(GET)
                            results.append(receive(client))
                            if enough.is_set() or b"connection: close" in results[-1].lower():
                                break

            threads = [threading.Thread(target=ask_again_and_again) for _ in range(4)]
            for thread in threads:
                thread.start()
            alone = config(api.port)
            for count, text in enumerate((with_another_listener(alone), alone), 1):
                served.config.write_text(text)
                served.is_told(signal.SIGHUP)
                wait_until(
                    lambda count=count: (  # type: ignore[misc]
                        sum("reloaded " in line for line in served.program.printed) == count
                    )
                )
            enough.set()
            for thread in threads:
                thread.join()

            assert results
            assert [each for each in results if not is_answered(each)] == []

    @pytest.mark.parametrize("error", [MemoryError(), KeyError("x")], ids=repr)
    async def test_a_mistake_of_our_own_does_not_go_unseen(self, error: Exception) -> None:
        def cannot_load() -> Loaded:
            raise error

        loaded = load("routes: []", "f.yaml", FakeReader(), lambda _: False)
        supervisor = Supervisor(loaded, cannot_load, lambda *_: None)
        with pytest.raises(NotLoadedError, match=r"internal error: .*cannot_load: .*Error\("):
            await supervisor.reload("a test")
        await supervisor.close()

        assert (supervisor.reloads.succeeded, supervisor.reloads.failed) == (0, 1)
        assert "cannot_load" in supervisor.reloads.last_problem

    async def test_it_is_told_and_seen_from_its_beginning_on(self) -> None:
        began: list[float] = []

        def load_again() -> Loaded:
            began.append(supervisor.reloads.began)
            raise NotLoadedError("no")

        told: list[str] = []
        loaded = load("routes: []", "f.yaml", FakeReader(), lambda _: False)
        supervisor = Supervisor(loaded, load_again, lambda _, text: told.append(text))
        with pytest.raises(NotLoadedError):
            await supervisor.reload("a test")
        await supervisor.close()

        assert began[0] > 0
        assert supervisor.reloads.began == 0
        assert told[0] == "reloading f.yaml: a test"

    async def test_one_that_waits_for_a_file_is_given_up_in_the_end(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """So that the next one is tried."""
        loaded = load("routes: []", "f.yaml", FakeReader(), lambda _: False)
        is_there = threading.Event()
        supervisor = Supervisor(loaded, lambda: is_there.wait() and loaded, lambda *_: None)  # type: ignore[arg-type, return-value]
        monkeypatch.setattr(supervisor_module, "LOAD_SECONDS", 0.1)
        with pytest.raises(NotLoadedError, match=r"it could not be read within 0\.1 s"):
            await supervisor.reload("the test")
        is_there.set()
        monkeypatch.setattr(supervisor_module, "LOAD_SECONDS", PATIENCE)
        with pytest.raises(NotLoadedError, match="mistakes"):
            await supervisor.reload("the test")
        await supervisor.close()

    def test_one_that_waits_for_a_file_holds_up_no_stop(self, tmp_path: Path, api: Api) -> None:
        """As on a network's file system that does not answer."""
        with gateway(tmp_path, config(api.port)) as served:
            os.mkfifo(tmp_path / "secret")
            headers = f"headers: {{set: {{X-Key: '${{file:{tmp_path}/secret}}'}}}}"
            upstream = f"http://127.0.0.1:{api.port}\n"
            blocked = config(api.port).replace(
                upstream, f"{{url: '{upstream.strip()}', {headers}}}\n"
            )
            served.config.write_text(blocked)
            served.is_told(signal.SIGHUP)
            served.says("reloading ")
            assert is_answered(served.answer())
            served.is_told(signal.SIGTERM)

            assert served.ends() == 0
            served.says("not reloaded: the gateway is stopping")

    def test_one_that_fails_half_way_breaks_nothing(self, tmp_path: Path, api: Api) -> None:
        """A worker of the new set has been ready when another one fails; it has served nobody."""
        script = HALF_WAY.format(config=str(tmp_path / "gateway.yaml"))
        (tmp_path / "gateway.yaml").write_text(config(api.port, server=", workers: 2"))
        with running([sys.executable, "-c", script]) as program:
            served = Gateway(program, int(program.wait_for(LISTENING)[1]), tmp_path)
            before = set(served.workers())
            text = config(api.port, "https://other.example.com", ", workers: 2")
            text = with_another_listener(text)
            (tmp_path / "gateway.yaml").write_text(text)
            served.is_told(signal.SIGHUP)
            wait_until((tmp_path / "one-is-ready").exists)
            with ExitStack() as stack:
                clients = [stack.enter_context(served.connects()) for _ in range(40)]
                for client in clients:
                    client.sendall(WAIT)
                for _ in clients:
                    assert api.arrived.acquire(timeout=PATIENCE)
                (tmp_path / "fail").touch()
                served.says("not reloaded")
                api.may_answer.set()

                granted = b"Access-Control-Allow-Origin: " + ORIGIN
                assert [granted in receive(client) for client in clients] == [True] * 40
            wait_until(lambda: set(served.workers()) == before)

    def test_one_that_hangs_holds_up_no_stop(self, tmp_path: Path, api: Api) -> None:
        with gateway(tmp_path, config(api.port)) as served:
            seen = set(served.workers())
            served.config.write_text(with_another_listener(config(api.port)))
            served.is_told(signal.SIGHUP)

            def starting() -> set[int]:
                return those_who_run(served) - seen

            wait_until(lambda: bool(starting()))
            for pid in starting():
                os.kill(pid, signal.SIGSTOP)
            began = time.monotonic()
            served.is_told(signal.SIGTERM)

            assert served.ends() == 0
            assert time.monotonic() - began < 25, "it waited for a worker that starts"

    def test_more_workers_and_fewer(self, tmp_path: Path, api: Api) -> None:
        file = tmp_path / "gateway.yaml"
        file.write_text(config(api.port, server=", workers: 1"))
        argv = [sys.executable, "-m", "cors_gateway", "run", "-c", str(file)]
        with running(argv, {"CORS_GATEWAY_WORKERS": ""}) as program:
            served = Gateway(program, int(program.wait_for(LISTENING)[1]), file)
            for workers in (3, 2):
                file.write_text(config(api.port, server=f", workers: {workers}"))
                served.is_told(signal.SIGHUP)
                wait_until(lambda workers=workers: len(served.workers()) == workers)  # type: ignore[misc]
                assert all(is_answered(served.answer()) for _ in range(8))


HALF_WAY = """
import asyncio, os, sys
from cors_gateway.process import place
from cors_gateway.process.worker_process import WorkerFailedError

count = 0
fill = place.Place.fill

async def fill_all_but_the_last(self, **waits):
    global count
    count += 1
    if count < 4:
        await fill(self, **waits)
        if count > 2:
            open(os.path.dirname({config!r}) + "/one-is-ready", "w").close()
        return
    while not os.path.exists(os.path.dirname({config!r}) + "/fail"):
        await asyncio.sleep(0.02)
    raise WorkerFailedError("as the test wants it")

place.Place.fill = fill_all_but_the_last
from cors_gateway.cli.main import main
sys.exit(main(["run", "-c", {config!r}, "--workers", "2"]))
"""
"""The command, whose second reload cannot start its last worker once there is a file ``fail``."""


class TestTheStart:
    def test_a_wish_to_reload_does_not_end_it(self, tmp_path: Path, api: Api) -> None:
        """``systemctl reload`` may come at any time."""
        file = tmp_path / "gateway.yaml"
        os.mkfifo(file)
        argv = [sys.executable, "-m", "cors_gateway", "run", "-c", str(file)]
        with running(argv) as program:
            ignored = Path(f"/proc/{program.process.pid}/status")
            wait_until(lambda: is_ignored(ignored.read_text("ascii"), signal.SIGHUP))
            program.process.send_signal(signal.SIGHUP)
            file.write_text(config(api.port))

            port = int(program.wait_for(LISTENING)[1])
            assert is_answered(Gateway(program, port, file).answer())

    def test_several_workers_share_the_clients(self, tmp_path: Path, api: Api) -> None:
        with gateway(tmp_path, config(api.port), 2) as served:
            clients = [served.connects() for _ in range(64)]
            # One that was accepted is a worker's; the kernel spreads them by a hash.
            wait_until(lambda: all(has_clients(pid, served.port) for pid in served.workers()))
            for client in clients:
                client.close()

    def test_each_access_is_logged_once_and_whole(self, tmp_path: Path, api: Api) -> None:
        # Bytes that are six characters in JSON: a line of several thousand.
        long = b"".join(
            b"%s: %s\r\n" % (name, b"\xe9" * 255) for name in (b"User-Agent", b"X-Request-ID")
        )
        with gateway(tmp_path, config(api.port), 2) as served:

            def ask() -> None:
                for _ in range(40):
                    served.answer(GET[:-2] + long + b"\r\n")

            threads = [threading.Thread(target=ask) for _ in range(4)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            wait_until(lambda: sum('"msg": "access"' in x for x in served.program.printed) >= 160)
            served.is_told(signal.SIGTERM)
            assert served.ends() == 0

        lines = [line for line in served.program.printed if '"access"' in line]
        assert [json.loads(line)["http.response.status_code"] for line in lines] == [200] * 160

    def test_workers_take_turns_at_the_log(self, tmp_path: Path, api: Api) -> None:
        with gateway(tmp_path, config(api.port), 2) as served:
            for pid in served.workers():
                assert [name for name in opened(pid) if "log-lock" in name]

    def test_the_level_of_the_log_is_the_supervisors_too(self, tmp_path: Path, api: Api) -> None:
        text = config(api.port) + "log: {level: error}\n"
        with gateway(tmp_path, text) as served:
            served.config.write_text(text.replace(ORIGIN.decode(), "https://other.example.com"))
            served.is_told(signal.SIGHUP)
            wait_until(lambda: b"Access-Control-Allow-Origin" not in served.answer())
            served.config.write_text("no configuration")
            served.is_told(signal.SIGHUP)
            served.says("not reloaded")

            assert not served.has_said('"level": "info"')

    def test_modules_that_lie_around_are_not_taken_for_ours(
        self, tmp_path: Path, api: Api, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        trap = tmp_path / "trap"
        trap.mkdir()
        for name in ("yaml", "uvloop", "json", "cors_gateway"):
            (trap / f"{name}.py").write_text("raise SystemExit('taken')\n")
        command = Path(sys.executable).with_name("cors-gateway")
        file = tmp_path / "gateway.yaml"
        file.write_text(config(api.port))
        monkeypatch.chdir(trap)
        with running([str(command), "run", "-c", str(file)]) as program:
            port = int(program.wait_for(LISTENING)[1])
            assert is_answered(Gateway(program, port, file).answer())
