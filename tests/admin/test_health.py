"""``/livez`` and ``/readyz``: what a probe hears."""

import pytest

from cors_gateway.admin.health import spell_time
from cors_gateway.process.overview import Reloads
from tests.admin.admin_rig import START, Admin, Seen, ready_worker, worker
from tests.admin.conftest import StartAdmin


@pytest.mark.row("F16")
@pytest.mark.parametrize("path", ["/livez", "/healthz"])
async def test_it_lives_whatever_the_workers_do(start_admin: StartAdmin, path: str) -> None:
    admin = await start_admin(Seen(seen=[], is_draining=True))

    answer = await admin.answers(path)

    assert (answer.status, answer.text) == (200, "ok\n")


@pytest.mark.row("F16")
@pytest.mark.parametrize(
    "seen, status, text",
    [
        pytest.param(Seen(), 200, "ok\n", id="one worker that is ready"),
        pytest.param(
            Seen(seen=[worker(0, 1, "starting"), ready_worker(1)]), 200, "ok\n", id="one of two"
        ),
        pytest.param(
            Seen(seen=[worker(0, 1, "retiring"), ready_worker()]), 200, "ok\n", id="a new one"
        ),
        pytest.param(Seen(seen=[]), 503, "not ready: no worker is ready\n", id="none"),
        pytest.param(
            Seen(seen=[worker(0, 1, "starting"), worker(1, 2, "retiring")]),
            503,
            "not ready: no worker is ready\n",
            id="none yet or any more",
        ),
        pytest.param(Seen(is_draining=True), 503, "not ready: it is draining\n", id="draining"),
        pytest.param(
            Seen(reloads=Reloads(0, 1, START, "f.yaml:1:1: no")),
            200,
            "ok\n",
            id="a reload that failed",
        ),
    ],
)
async def test_it_is_ready_when_some_worker_is(
    start_admin: StartAdmin, seen: Seen, status: int, text: str
) -> None:
    admin = await start_admin(seen)

    answer = await admin.answers("/readyz")

    assert (answer.status, answer.text) == (status, text)


async def test_what_it_says_follows_the_gateway(admin: Admin) -> None:
    before = (await admin.answers("/readyz")).status
    admin.overview.is_draining = True

    assert [before, (await admin.answers("/readyz")).status] == [200, 503]


async def test_the_long_form_of_a_gateway_that_is_well(start_admin: StartAdmin) -> None:
    seen = Seen(seen=[ready_worker(0), ready_worker(1)], slots=2)
    admin = await start_admin(seen)
    assert seen.loaded.snapshot is not None

    answer = await admin.answers("/readyz?verbose")

    assert answer.status == 200
    assert answer.text == (
        "[+]workers ok: 2 of 2 ready\n"
        "[+]drain ok: it is not draining\n"
        f"[+]configuration ok: f.yaml, digest {seen.loaded.snapshot.digest}, "
        "loaded 2026-09-21T14:13:20Z, not watched\n"
        "[+]reload ok: 0 succeeded, 0 failed\n"
        "readyz check passed\n"
    )


@pytest.mark.row("F16")
async def test_the_long_form_shows_a_reload_that_failed(start_admin: StartAdmin) -> None:
    problem = "f.yaml:1:1: no\nf.yaml:2:1: nor this\n"
    admin = await start_admin(Seen(reloads=Reloads(2, 1, START, problem)))

    answer = await admin.answers("/readyz?verbose")

    assert answer.status == 200
    assert answer.text.endswith(
        "[-]reload failed: 2 succeeded, 1 failed; what was served before still is\n"
        "    f.yaml:1:1: no\n"
        "    f.yaml:2:1: nor this\n"
        "readyz check passed\n"
    )


@pytest.mark.parametrize(
    "seen, told",
    [
        pytest.param(Seen(is_watched=True), "Z, watched\n", id="its files are watched"),
        pytest.param(
            Seen(reloads=Reloads(1, 0, START, began=START + 1)),
            "[+]reload in progress: it began 2026-09-21T14:13:21Z\n"
            "[+]reload ok: 1 succeeded, 0 failed\n",
            id="a reload that is in progress",
        ),
    ],
)
async def test_the_long_form_says_what_may_change_soon(
    start_admin: StartAdmin, seen: Seen, told: str
) -> None:
    admin = await start_admin(seen)

    answer = await admin.answers("/readyz?verbose")

    assert answer.status == 200
    assert told in answer.text


@pytest.mark.parametrize(
    "seen, line",
    [
        pytest.param(
            Seen(seen=[ready_worker(1)], slots=2, restarts=3),
            "[-]workers degraded: 1 of 2 ready, 3 replaced",
            id="the first died",
        ),
        pytest.param(
            Seen(slots=3),
            "[-]workers degraded: 1 of 3 ready",
            id="fewer than configured",
        ),
        pytest.param(
            Seen(seen=[worker(3, 1, "retiring"), ready_worker()]),
            "[+]workers ok: 1 of 1 ready",
            id="those that go do not count",
        ),
    ],
)
async def test_the_long_form_counts_workers(start_admin: StartAdmin, seen: Seen, line: str) -> None:
    admin = await start_admin(seen)

    answer = await admin.answers("/readyz?verbose")

    assert answer.status == 200
    assert answer.text.splitlines()[0] == line


@pytest.mark.parametrize(
    "seen, line",
    [
        pytest.param(Seen(seen=[]), "[-]workers failed: 0 of 1 ready", id="no worker"),
        pytest.param(Seen(is_draining=True), "[-]drain failed: it is draining", id="draining"),
        pytest.param(
            Seen(seen=[worker(0, 1, "retiring"), worker(1, 2, "retiring")], is_draining=True),
            "[-]workers stopping: 2 left",
            id="workers that answer until their end",
        ),
    ],
)
async def test_the_long_form_says_what_is_wrong(
    start_admin: StartAdmin, seen: Seen, line: str
) -> None:
    admin = await start_admin(seen)

    answer = await admin.answers("/readyz?verbose")

    assert answer.status == 503
    assert line in answer.text.splitlines()
    assert answer.text.endswith("readyz check failed\n")


def test_times_are_in_utc() -> None:
    assert spell_time(0.9) == "1970-01-01T00:00:00Z"
