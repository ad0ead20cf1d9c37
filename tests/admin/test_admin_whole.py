"""Admin of a real gateway: a supervisor, two workers, signals, and what is told of them."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from itertools import pairwise
from pathlib import Path
from time import monotonic, sleep

import pytest

from cors_gateway.process.metrics import METRICS
from tests.admin.reading import Samples, families_of, sample, samples_of
from tests.peers.processes import GATEWAY_LISTENS, Running, running
from tests.process.changed_gateway import changed_gateway

ADMIN_LISTENS = re.compile(r"admin on http://(127\.0\.0\.1):(\d+)$")
PATIENCE = 60.0
APP = "https://app.example.com"

CONFIG = """\
server:
  listen: 127.0.0.1:0
corsPolicies:
  spa: {allowOrigins: [https://app.example.com]}
defaults: {cors: spa}
routes:
  - {name: api, match: {path: /}, upstream: 'http://127.0.0.1:9'}
"""


@dataclass
class Whole:
    """A gateway that runs."""

    program: Running
    port: int
    admin_port: int
    file: Path

    @property
    def pid(self) -> int:
        return self.program.process.pid

    def workers(self) -> list[int]:
        """Its processes, beside the one that minds them."""
        listed = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text("ascii")
        return [int(pid) for pid in listed.split()]

    def told(self, target: str) -> tuple[int, str]:
        """What admin says: the status and the text."""
        status, _, text = call(self.admin_port, "GET", target)
        return status, text

    def samples(self) -> Samples:
        status, text = self.told("/metrics")
        assert status == 200
        return samples_of(text)

    def comes_to(self, condition: Callable[[Samples], bool]) -> Samples:
        """Wait until the metrics are as they are to be."""
        deadline = monotonic() + PATIENCE
        while not condition(samples := self.samples()):
            assert monotonic() < deadline, samples
            sleep(0.02)
        return samples

    def preflights(self, number: int) -> None:
        """Send requests that the gateway answers itself, each over its own connection."""
        fields = {"Origin": APP, "Access-Control-Request-Method": "GET"}
        for _ in range(number):
            assert call(self.port, "OPTIONS", "/", fields)[0] == 204


def call(
    port: int, method: str, target: str, fields: Mapping[str, str] | None = None
) -> tuple[int, Mapping[str, str], str]:
    connection = HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    try:
        connection.request(method, target, headers=dict(fields or {}))
        response = connection.getresponse()
        return response.status, dict(response.getheaders()), response.read().decode()
    finally:
        connection.close()


@contextmanager
def whole_gateway(folder: Path, config: str = CONFIG) -> Iterator[Whole]:
    file = folder / "gateway.yaml"
    file.write_text(config)
    argv = [sys.executable, "-m", "cors_gateway", "run", "-c", str(file)]
    env = {"CORS_GATEWAY_ADMIN": "127.0.0.1:0", "CORS_GATEWAY_WORKERS": "2"}
    with running(argv, env) as program:
        port = int(program.wait_for(GATEWAY_LISTENS)[1].rpartition(":")[2])
        admin_port = int(program.wait_for(ADMIN_LISTENS)[2])
        yield Whole(program, port, admin_port, file)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Whole]:
    """A gateway for tests that leave it as it was."""
    with whole_gateway(tmp_path_factory.mktemp("shared")) as gateway:
        yield gateway


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Whole]:
    """A gateway for a test of its own."""
    with whole_gateway(tmp_path) as gateway:
        yield gateway


def requests_in(samples: Samples) -> float:
    return sum(
        value for (name, _), value in samples.items() if name == "cors_gateway_requests_total"
    )


def test_it_is_ready_when_it_says_that_it_listens(shared: Whole) -> None:
    assert shared.told("/readyz") == (200, "ok\n")
    assert shared.told("/readyz?verbose")[1].startswith("[+]workers ok: 2 of 2 ready\n")


def test_what_all_workers_did_is_counted_together(shared: Whole) -> None:
    before = requests_in(shared.samples())

    shared.preflights(20)

    after = shared.comes_to(lambda samples: requests_in(samples) >= before + 20)
    assert requests_in(after) == before + 20
    name = "cors_gateway_requests_total"
    assert after[sample(name, route="api", method="OPTIONS", code="204")] >= 20
    assert after[sample("cors_gateway_workers", state="ready")] == 2


def test_every_metric_of_the_table_is_told(shared: Whole) -> None:
    _, text = shared.told("/metrics")

    assert families_of(text).keys() == {metric.full_name for metric in METRICS}


def test_memory_is_that_of_every_process(shared: Whole) -> None:
    pids = [shared.pid, *shared.workers()]
    least = max(
        int(Path(f"/proc/{pid}/statm").read_text("ascii").split()[1]) for pid in pids
    ) * os.sysconf("SC_PAGESIZE")

    assert len(pids) == 3
    assert shared.samples()[sample("process_resident_memory_bytes")] > 1.5 * least


def test_the_public_listener_has_nothing_of_admin(shared: Whole) -> None:
    for target in ("/livez", "/readyz", "/metrics", "/config"):
        status, _, text = call(shared.port, "GET", target)

        # The route takes it, and there is no API.
        assert status == 502
        assert "cors_gateway_" not in text


def test_a_question_is_answered_as_by_the_command(shared: Whole) -> None:
    asked = ["--origin", "https://evil.example", "--method", "PUT", "/orders"]
    argv = [sys.executable, "-m", "cors_gateway", "explain", "-c", str(shared.file), "--json"]
    ended = subprocess.run([*argv, *asked], capture_output=True, text=True, check=False)

    status, text = shared.told("/explain?origin=https://evil.example&method=PUT&url=/orders")

    assert (status, text) == (200, ended.stdout)


@pytest.mark.row("F16")
def test_a_healthcheck_is_0_while_it_serves_and_1_when_it_drains(tmp_path: Path) -> None:
    config = CONFIG.replace("server:", "server:\n  drain: {delay: 600s}")
    argv = [sys.executable, "-m", "cors_gateway", "healthcheck", "--timeout", "60"]
    with whole_gateway(tmp_path, config) as own:
        argv += ["--admin", f"127.0.0.1:{own.admin_port}"]
        well = subprocess.run(argv, capture_output=True, text=True, check=False)
        own.program.process.send_signal(signal.SIGTERM)
        deadline = monotonic() + PATIENCE
        while (told := own.told("/readyz"))[0] == 200:
            assert monotonic() < deadline
            sleep(0.02)

        ended = subprocess.run(argv, capture_output=True, text=True, check=False)
        livez = own.told("/livez")
        # The end sends a second signal, which does not wait for the delay.

    assert (well.returncode, well.stderr) == (0, "")
    assert told == (503, "not ready: it is draining\n")
    assert livez == (200, "ok\n")
    assert (ended.returncode, ended.stdout) == (1, "")
    assert "not ready: it is draining" in ended.stderr


def test_no_counter_falls_when_a_worker_dies(own: Whole) -> None:
    own.preflights(20)
    before = own.comes_to(lambda samples: requests_in(samples) == 20)
    os.kill(own.workers()[0], signal.SIGKILL)

    seen = [before]
    restarts = sample("cors_gateway_worker_restarts_total")
    ready = sample("cors_gateway_workers", state="ready")

    def is_replaced(samples: Samples) -> bool:
        seen.append(samples)
        return samples[restarts] == 1 and samples[ready] == 2

    own.comes_to(is_replaced)
    own.preflights(5)
    seen.append(own.comes_to(lambda samples: requests_in(samples) == 25))

    for earlier, later in pairwise(seen):
        for key, value in earlier.items():
            if key[0].endswith(("_total", "_count", "_sum", "_bucket")):
                assert later[key] >= value, key


def test_no_counter_falls_at_a_reload(own: Whole) -> None:
    own.preflights(10)
    before = own.comes_to(lambda samples: requests_in(samples) == 10)
    own.program.process.send_signal(signal.SIGHUP)
    states = sample("cors_gateway_workers", state="retiring")
    after = own.comes_to(
        lambda samples: (
            samples[sample("cors_gateway_config_reloads_total", result="success")] == 1
            and not samples.get(states)
        )
    )

    assert requests_in(after) == 10
    for key, value in before.items():
        if key[0].endswith(("_total", "_count", "_sum", "_bucket")):
            assert after[key] >= value, key


@pytest.mark.row("F5")
def test_a_reload_that_fails_shows_and_one_that_works_ends_that(own: Whole) -> None:
    digest = json.loads(own.told("/config")[1])["digest"]
    own.file.write_text(CONFIG.replace("/}", "nowhere}"))
    own.program.process.send_signal(signal.SIGHUP)
    failures = sample("cors_gateway_config_reloads_total", result="failure")
    failed = own.comes_to(lambda samples: samples[failures] == 1)

    assert failed[sample("cors_gateway_config_last_reload_successful")] == 0
    status, text = own.told("/readyz?verbose")
    assert status == 200
    assert f"    {own.file}:7:" in text
    assert json.loads(own.told("/config")[1])["digest"] == digest

    own.file.write_text(CONFIG.replace("name: api", "name: site"))
    own.program.process.send_signal(signal.SIGHUP)
    successes = sample("cors_gateway_config_reloads_total", result="success")
    worked = own.comes_to(lambda samples: samples[successes] == 1)

    told = json.loads(own.told("/config")[1])
    assert worked[sample("cors_gateway_config_last_reload_successful")] == 1
    assert "[-]" not in own.told("/readyz?verbose")[1]
    assert told["digest"] != digest
    assert told["settings"]["routes"][0]["name"] == "site"
    assert [route["name"] for route in json.loads(own.told("/routes")[1])] == ["site"]


SLOWLY = """
import time
from cors_gateway.cli import admin_listener
at_once = admin_listener.import_module

def slowly(name):
    time.sleep({seconds})
    return at_once(name)

admin_listener.import_module = slowly
"""


def test_who_asks_before_admin_is_loaded_is_answered_then(tmp_path: Path) -> None:
    slowly = SLOWLY.format(seconds=2)
    with changed_gateway(tmp_path, CONFIG, supervisor=slowly) as served:
        # No client of the gateway waits for it.
        assert served.asked("/")[0] == 502
        assert served.asked("/readyz", admin=True)[0] == 200


def test_a_stop_does_not_wait_for_admin_to_be_loaded(tmp_path: Path) -> None:
    with changed_gateway(tmp_path, CONFIG, supervisor=SLOWLY.format(seconds=60)) as served:
        served.program.process.terminate()

        assert served.program.process.wait(30) == 0
