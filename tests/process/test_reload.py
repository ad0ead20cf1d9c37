"""The whole command: another configuration while it serves, asked for by HUP and by ``POST /reload``."""

import json
import os
import re
import signal
import threading
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from http.client import HTTPConnection
from itertools import count
from pathlib import Path

import pytest

from tests.peers.ports import free_port
from tests.process.gateway_rig import (
    GET,
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
    receive,
    slow_api,
    wait_until,
    with_another_listener,
)

OTHER = b"https://other.example.com"
GRANTED = b"Access-Control-Allow-Origin: "


@pytest.fixture(scope="module")
def api() -> Iterator[Api]:
    with slow_api() as known:
        yield known


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory, api: Api) -> Iterator[Gateway]:
    """A gateway of two workers, for tests that leave it as it began."""
    with gateway(tmp_path_factory.mktemp("shared"), config(api.port), 2, has_admin=True) as started:
        yield started


@pytest.fixture
def served(shared: Gateway, api: Api) -> Iterator[Gateway]:
    """The same, with what it began with."""
    api.may_answer.clear()
    workers = shared.workers()
    yield shared
    api.may_answer.set()
    shared.config.write_text(config(api.port))
    assert reload(shared)[0] == 200
    assert shared.workers() == workers


def ask_admin(
    served: Gateway, method: str, target: str, fields: Mapping[str, str] | None = None
) -> tuple[int, str]:
    connection = HTTPConnection("127.0.0.1", served.admin_port, timeout=PATIENCE)
    try:
        connection.request(method, target, headers=dict(fields or {}))
        response = connection.getresponse()
        return response.status, response.read().decode()
    finally:
        connection.close()


def reload(served: Gateway, text: str | None = None) -> tuple[int, str]:
    """Have a configuration loaded; give the status and what is said of it."""
    if text is not None:
        served.config.write_text(text)
    return ask_admin(served, "POST", "/reload")


def granted_by(served: Gateway, clients: int = 16) -> set[bytes]:
    """Ask on many connections, so that every worker answers; give what they grant."""
    with ExitStack() as stack:
        asked = [stack.enter_context(served.connects()) for _ in range(clients)]
        wait_until(lambda: all(has_clients(pid, served.port) for pid in served.workers()))
        granted = set()
        for client in asked:
            for origin in (ORIGIN, OTHER):
                client.sendall(GET.replace(ORIGIN, origin))
                granted |= set(re.findall(rb"Access-Control-Allow-Origin: (\S+)", receive(client)))
        return granted


def printed_since(served: Gateway, index: int) -> list[dict[str, str]]:
    """Its log since then, without the requests."""
    lines = [json.loads(line) for line in served.program.printed[index:] if line[0] == "{"]
    return [line for line in lines if line["msg"] != "access"]


class TestInPlace:
    @pytest.mark.row("E6")
    def test_all_workers_go_over_and_what_has_begun_ends_as_it_began(
        self, served: Gateway, api: Api
    ) -> None:
        with served.connects() as client:
            client.sendall(WAIT)
            assert api.arrived.acquire(timeout=PATIENCE)
            status, said = reload(served, config(api.port, OTHER.decode()))
            granted = granted_by(served)
            api.may_answer.set()
            answer = receive(client)

            assert (status, granted) == (200, {OTHER}), said
            assert is_answered(answer)
            assert GRANTED + ORIGIN in answer
            client.sendall(GET)
            assert GRANTED not in receive(client)

    def test_the_log_says_what_has_changed_and_warns_of_what_is_wider(
        self, served: Gateway, api: Api
    ) -> None:
        before = len(served.program.printed)
        status, said = reload(served, config(api.port, OTHER.decode()))
        assert status == 200
        first, *lines = said.splitlines()
        wait_until(lambda: len(printed_since(served, before)) >= 2 + len(lines))
        began, *told = printed_since(served, before)

        assert first.endswith(f"gateway.yaml: {len(lines)} differences, 1 wider")
        assert lines[0].startswith("wider: ")
        assert OTHER.decode() in lines[0]
        assert f"({served.config}:" in lines[0]
        assert began["msg"] == f"reloading {served.config}: POST /reload"
        assert [line["msg"] for line in told] == [first, *lines]
        assert [line["level"] for line in told] == ["info", "warning"] + ["info"] * (len(lines) - 1)

    def test_a_higher_level_of_the_log_hides_nothing_that_comes_with_it(
        self, served: Gateway, api: Api
    ) -> None:
        before = len(served.program.printed)
        text = config(api.port, OTHER.decode()) + "log: {level: error}\n"
        said = reload(served, text)[1].splitlines()
        wait_until(lambda: len(printed_since(served, before)) >= 1 + len(said))

        assert [line["msg"] for line in printed_since(served, before)][1:] == said
        assert any(line.startswith("wider: ") for line in said)

    def test_an_equal_file_is_loaded_too(self, served: Gateway) -> None:
        assert reload(served) == (200, f"reloaded {served.config}: nothing has changed\n")

    def test_what_a_secret_says_now_counts(self, served: Gateway, api: Api, tmp_path: Path) -> None:
        """The file that names it is the same."""
        secret = tmp_path / "origin"
        text = config(api.port, f"'${{file:{secret}}}'")
        secret.write_text(ORIGIN.decode())
        assert reload(served, text)[0] == 200
        before = granted_by(served)
        secret.write_text(OTHER.decode())
        assert reload(served)[0] == 200

        assert (before, granted_by(served)) == ({ORIGIN}, {OTHER})

    def test_the_logs_settings_count_at_once(self, served: Gateway, api: Api) -> None:
        assert reload(served, config(api.port) + "log: {access: false, level: warning}\n")[0] == 200
        before = len(served.program.printed)
        assert is_answered(served.answer())
        assert reload(served, config(api.port))[0] == 200
        assert is_answered(served.answer())
        wait_until(lambda: any('"access"' in line for line in served.program.printed[before:]))
        time.sleep(0.3)

        told = [json.loads(line)["msg"] for line in served.program.printed[before:]]
        assert told.count("access") == 1

    def test_what_serves_files_is_there_when_a_route_has_some(
        self, served: Gateway, api: Api, tmp_path: Path
    ) -> None:
        (tmp_path / "www").mkdir()
        (tmp_path / "www" / "index.html").write_text("ok")
        files = f"  - {{match: {{path: /www}}, files: {{root: {tmp_path}/www}}, cors: false}}\n"
        assert reload(served, config(api.port) + files)[0] == 200

        answer = served.answer(GET.replace(b"/", b"/www/", 1))
        assert is_answered(answer)
        assert b"text/html" in answer

    @pytest.mark.row("G5")
    def test_thirty_of_them_leave_nothing_behind(self, served: Gateway, api: Api) -> None:
        """Of a thousand: ``make stress`` does the others, under load."""

        def held() -> list[int]:
            """The descriptors and the threads of each process."""
            processes = [Path(f"/proc/{pid}") for pid in (served.pid, *served.workers())]
            return [
                len([*(each / kind).iterdir()]) for each in processes for kind in ("fd", "task")
            ]

        for _ in range(3):
            assert reload(served)[0] == 200
        before = held()
        for origin in (ORIGIN, OTHER) * 15:
            assert reload(served, config(api.port, origin.decode()))[0] == 200

        # What was open by chance at the beginning may be gone, but nothing is left of thirty.
        wait_until(lambda: all(now <= then for now, then in zip(held(), before, strict=True)))


class TestAMistake:
    @pytest.mark.row("E5")
    def test_changes_nothing_and_is_said_everywhere(self, served: Gateway, api: Api) -> None:
        text = config(api.port).replace("allowOrigins", "allowOrigin")
        status, said = reload(served, text)
        ready, verbose = ask_admin(served, "GET", "/readyz?verbose")
        metrics = ask_admin(served, "GET", "/metrics")[1]

        assert status == 422
        assert said.startswith(f"{served.config}:5:12: routes[0].cors.allowOrigin: ")
        assert (ready, said.splitlines()[0] in verbose) == (200, True)
        assert "cors_gateway_config_last_reload_successful 0.0\n" in metrics
        served.says("not reloaded, what was served before is served on: ")
        assert granted_by(served) == {ORIGIN}

    def test_of_the_operator_is_given_as_json_where_that_is_asked_for(
        self, served: Gateway
    ) -> None:
        good = ask_admin(served, "POST", "/reload", {"Accept": "application/json"})
        served.config.write_text("routes: []\n")
        bad = ask_admin(served, "POST", "/reload?format=json")

        assert (good[0], json.loads(good[1])) == (
            200,
            {"reloaded": True, "inPlace": True, "differences": []},
        )
        assert (bad[0], json.loads(bad[1])["reloaded"]) == (422, False)
        assert "routes" in json.loads(bad[1])["problem"]


class TestManyAtOnce:
    def test_wishes_that_come_meanwhile_are_one(self, served: Gateway, api: Api) -> None:
        before = len(served.program.printed)
        for number in range(30):
            served.config.write_text(config(api.port, OTHER.decode() if number % 2 else "'*'"))
            served.is_told(signal.SIGHUP)
        wait_until(lambda: granted_by(served) == {OTHER})
        time.sleep(0.3)

        tried = [line for line in served.program.printed[before:] if "the signal HUP" in line]
        assert 1 <= len(tried) < 30
        assert all("reloading " in line for line in tried)
        assert ask_admin(served, "GET", "/readyz?verbose")[1].endswith("readyz check passed\n")

    def test_those_that_are_asked_for_come_one_after_another(
        self, served: Gateway, api: Api
    ) -> None:
        numbers = count()

        def ask(_: int) -> int:
            served.config.write_text(config(api.port, f"https://a{next(numbers)}.example.com"))
            return reload(served)[0]

        with ThreadPoolExecutor(4) as pool:
            statuses = list(pool.map(ask, range(12)))
        assert set(statuses) <= {200, 422}  # a file that was being written
        assert 200 in statuses
        assert reload(served, config(api.port, OTHER.decode()))[0] == 200
        assert granted_by(served) == {OTHER}

    @pytest.mark.row("E6")
    def test_under_load_no_request_fails(self, served: Gateway, api: Api) -> None:
        answers: list[bytes] = []
        enough = threading.Event()

        def ask_again_and_again() -> None:
            with served.connects() as client:
                while not enough.is_set():
                    client.sendall(GET)
                    answers.append(receive(client))

        threads = [threading.Thread(target=ask_again_and_again) for _ in range(4)]
        for thread in threads:
            thread.start()
        for origin in (OTHER, ORIGIN) * 5:
            assert reload(served, config(api.port, origin.decode()))[0] == 200
        enough.set()
        for thread in threads:
            thread.join()

        assert [answer for answer in answers if not is_answered(answer)] == []
        assert not [answer for answer in answers if b"connection: close" in answer.lower()]

    @pytest.mark.row("E6", "F9")
    def test_a_worker_that_dies_meanwhile_comes_back_with_what_the_others_serve(
        self, shared: Gateway, api: Api
    ) -> None:
        victim, other = shared.workers()
        os.kill(victim, signal.SIGSTOP)
        with ThreadPoolExecutor(1) as pool:
            asked = pool.submit(reload, shared, config(api.port, OTHER.decode()))
            # The other one is ready, and waits for the victim's word.
            time.sleep(0.5)
            assert not asked.done()
            os.kill(victim, signal.SIGKILL)
            status, said = asked.result(PATIENCE)
        wait_until(lambda: "2 of 2 ready" in ask_admin(shared, "GET", "/readyz?verbose")[1])

        assert status == 200, said
        assert other in shared.workers()
        assert victim not in shared.workers()
        assert granted_by(shared) == {OTHER}


class TestOtherWorkers:
    def test_those_that_were_let_go_decide_by_what_is_served_now(
        self, tmp_path: Path, api: Api
    ) -> None:
        """Their clients may ask once more on connections that are open."""
        with (
            gateway(tmp_path, config(api.port), has_admin=True) as served,
            served.connects() as client,
        ):
            [before] = served.workers()
            client.sendall(GET)
            assert GRANTED + ORIGIN in receive(client)
            text = with_another_listener(config(api.port, OTHER.decode()))
            status, said = reload(served, text)
            after = served.workers()
            client.sendall(GET)
            answer = receive(client)
            wait_until(lambda: is_gone(before))

            assert status == 200, said
            assert len(after) == 2
            assert is_answered(answer)
            assert GRANTED not in answer
            assert b"connection: close" in answer.lower()

    def test_in_the_end_nothing_is_loaded_any_more(self, tmp_path: Path, api: Api) -> None:
        text = config(api.port, server=", drain: {delay: 1h}")
        with gateway(tmp_path, text, has_admin=True) as served:
            served.is_told(signal.SIGTERM)
            wait_until(lambda: ask_admin(served, "GET", "/readyz")[0] == 503)
            served.is_told(signal.SIGHUP)
            served.says("not reloaded: the gateway is stopping")
            told = reload(served, config(api.port, OTHER.decode()))

            assert told == (503, "the gateway is stopping\n")
            assert GRANTED + ORIGIN in served.answer()
            assert GRANTED not in served.answer(GET.replace(ORIGIN, OTHER))
            served.is_told(signal.SIGTERM)
            assert served.ends() == 0
            served.says("stopping now: the signal TERM")


class TestAdminsAddress:
    def test_is_another_at_once_and_who_asked_for_it_is_told(
        self, tmp_path: Path, api: Api
    ) -> None:
        first, second = free_port(), free_port()
        text = config(api.port) + "admin: {listen: '127.0.0.1:%d'}\n"
        with gateway(tmp_path, text % first, env={"CORS_GATEWAY_ADMIN": ""}) as served:
            served.admin_port = first
            status, said = reload(served, text % second)
            served.says(f"admin is on http://127.0.0.1:{second} now")
            with pytest.raises(ConnectionRefusedError):
                ask_admin(served, "GET", "/livez")
            served.admin_port = second

            assert (status, "127.0.0.1" in said) == (200, True), said
            assert ask_admin(served, "GET", "/livez") == (200, "ok\n")
            assert reload(served, text % api.port)[0] == 422
            assert ask_admin(served, "GET", "/livez") == (200, "ok\n")
            assert reload(served, config(api.port) + "admin: false\n")[0] == 200
            with pytest.raises(ConnectionRefusedError):
                ask_admin(served, "GET", "/livez")
            assert is_answered(served.answer())
