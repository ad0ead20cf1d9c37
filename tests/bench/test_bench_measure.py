"""What is measured of programs comes from the kernel, and they go on meanwhile."""

import os
from collections.abc import Callable
from threading import Event, Thread

import pytest

from bench.measure import cpu_seconds, family
from bench.processes import environment

ASKED = 2_000
"""Of as many, some forty meet a thread between the moments when its files are opened and read."""


@pytest.mark.parametrize("ask", [cpu_seconds, family], ids=["CPU time", "descendants"])
def test_threads_that_end_meanwhile_are_no_mistake(ask: Callable[[int], object]) -> None:
    is_over = Event()

    def begin_and_end() -> None:
        while not is_over.is_set():
            thread = Thread(target=int)
            thread.start()
            thread.join()

    churning = Thread(target=begin_and_end)
    churning.start()
    try:
        for _ in range(ASKED):
            ask(os.getpid())
    finally:
        is_over.set()
        churning.join()


@pytest.mark.parametrize("name", ["PYTHONDONTWRITEBYTECODE", "CORS_GATEWAY_WORKERS", "PORT"])
def test_programs_do_not_get_the_variables_of_whoever_measures(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, "1")
    monkeypatch.setenv("PYTHONPATH", "/elsewhere")
    assert name not in environment()
    assert "/elsewhere" not in environment()["PYTHONPATH"]
