"""Many clients at once: ``slowhttptest`` in its four modes beside clients who mean no harm, and a crowd."""

import os
import re
import signal
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, suppress

import pytest

from tests.peers.programs import path_of
from tests.stress.gateways import Stressed, stressed
from tests.stress.load import MIXED, under_load, wait_for_answers
from tests.stress.measuring import metric, wait_until, wait_until_stopped
from tests.stress.quick_api import quick_api
from tests.stress.scale import scaled

CONNECTIONS = 300
CLIENTS = 4
ANSWERS = scaled(100, 20_000)
MODES = {
    "slow heads": ("-H",),
    "slow content": ("-B", "-s", "8192"),
    "ranges": ("-R", "-a", "1", "-b", "2000"),
    "slow reading": ("-X", "-k", "3", "-w", "512", "-y", "1024", "-z", "32"),
}
LASTING = 3
"""Modes whose connections stay open: ranges are answered, and that was it."""

KEYS = ", limits: {connections: 4096}, timeouts: {head: 600s, content: 600s, write: 600s}"
"""Nobody is cut off for being slow: on a busy machine the first would be gone when the last come."""


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stressed]:
    with (
        quick_api() as api,
        stressed(tmp_path_factory.mktemp("attacked"), api, server=KEYS) as served,
    ):
        yield served


@pytest.mark.system("slowhttptest")
@pytest.mark.row("A4", "A11")
def test_clients_are_served_throughout_four_slow_attacks(gateway: Stressed) -> None:
    """300 connections each and one worker; 100 answers meanwhile, 20,000 by ``make stress``."""
    with ExitStack() as stack:
        load = stack.enter_context(under_load(gateway.port, clients=CLIENTS))
        url = f"http://127.0.0.1:{gateway.port}/large"
        attacks = {
            name: subprocess.Popen(
                [
                    *(path_of("slowhttptest"), *mode, "-u", url, "-c", str(CONNECTIONS)),
                    *("-r", str(CONNECTIONS), "-i", "1", "-l", "3600", "-p", "60", "-v", "1"),
                ],
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
            for name, mode in MODES.items()
        }
        for attack in attacks.values():
            stack.enter_context(attack)
            stack.callback(attack.kill)
        least = LASTING * CONNECTIONS * 9 // 10
        wait_until(lambda: metric(gateway.admin, "client_connections") > least, "too few attack")
        wait_for_answers(load, ANSWERS)
        for name, attack in attacks.items():
            attack.send_signal(signal.SIGINT)
            said = re.sub(r"\x1b\[[0-9;]*m", "", attack.communicate()[0])
            assert re.findall(r"service available: *(\w+)", said)[-1] == "YES", (name, said)
        wait_until(
            lambda: metric(gateway.admin, "client_connections") <= CLIENTS,
            "attackers are left over",
        )
    assert (load.lost, load.wrong) == ([], [])
    assert gateway.complaints() == []


@pytest.mark.row("D31")
def test_a_crowd_that_comes_at_once_is_served_when_the_worker_can(gateway: Stressed) -> None:
    [worker] = gateway.workers()
    os.kill(worker, signal.SIGSTOP)
    try:
        wait_until_stopped(worker)
        with ExitStack() as stack:
            # Connecting ends only where the kernel has room for one more.
            crowd = [stack.enter_context(gateway.connects()) for _ in range(CONNECTIONS)]
            for client in crowd:
                client.sendall(MIXED[0][0])
            os.kill(worker, signal.SIGCONT)
            for client in crowd:
                assert client.recv(12) == b"HTTP/1.1 200"
    finally:
        with suppress(ProcessLookupError):
            os.kill(worker, signal.SIGCONT)
