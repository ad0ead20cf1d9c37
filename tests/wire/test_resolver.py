"""What a name stands for: asked on a thread of its own, kept for a while, renewed while in use."""

import asyncio
import socket
import threading
from collections.abc import AsyncIterator

import pytest

from cors_gateway.wire import resolver
from cors_gateway.wire.resolver import KEPT, PAUSE, RENEWED, SERVED_STALE, Address, Name, Names
from tests.wire.backends import Zone
from tests.wire.gateways import until

NOT_KNOWN = socket.gaierror(socket.EAI_NONAME, "Name or service not known")
TROUBLE = socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")


@pytest.fixture
async def zone(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Zone]:
    zone = Zone()
    monkeypatch.setattr(socket, "getaddrinfo", zone.getaddrinfo)
    yield zone
    zone.releases()


@pytest.fixture
async def name(zone: Zone) -> Name:
    return Names(asyncio.get_running_loop()).find("api")


async def answered(name: Name) -> tuple[Address, ...] | None:
    name.look_up()
    await until(lambda: name.lookup is None)
    return name.known


def v4(address: str) -> Address:
    return (socket.AF_INET, address, 0, 0)


def now() -> float:
    return asyncio.get_running_loop().time()


async def test_its_addresses_are_those_of_the_resolver_in_its_order(name: Name, zone: Zone) -> None:
    zone.answers["api"] = ["::1", "127.0.0.2", "127.0.0.1", "127.0.0.2"]
    assert await answered(name) == (
        (socket.AF_INET6, "::1", 0, 0),
        v4("127.0.0.2"),
        v4("127.0.0.1"),
    )


async def test_the_system_knows_localhost() -> None:
    known = await answered(Names(asyncio.get_running_loop()).find("localhost"))
    assert known
    assert {host for _, host, _, _ in known} <= {"127.0.0.1", "::1"}


async def test_a_lookup_that_hangs_delays_no_other_name(zone: Zone) -> None:
    zone.answers = {"slow": zone.hangs, "api": ["127.0.0.1"]}
    names = Names(asyncio.get_running_loop())
    slow = names.find("slow")
    slow.look_up()
    assert await answered(names.find("api")) == (v4("127.0.0.1"),)
    assert slow.lookup is not None


async def test_a_name_is_asked_for_once_at_a_time(zone: Zone) -> None:
    zone.answers = {"slow": zone.hangs}
    names = Names(asyncio.get_running_loop())
    for _ in range(20):
        names.find("slow").look_up()
    await until(lambda: bool(zone.asked))
    assert zone.asked == ["slow"]
    assert sum(thread.name == "dns slow" for thread in threading.enumerate()) == 1


async def test_its_thread_keeps_no_process_from_ending(name: Name, zone: Zone) -> None:
    await answered(name)
    assert [thread.daemon for thread in zone.threads] == [True]


async def test_an_answer_in_another_order_is_the_same(name: Name, zone: Zone) -> None:
    zone.answers["api"] = ["127.0.0.1", "127.0.0.2"]
    first = await answered(name)
    zone.answers["api"] = ["127.0.0.2", "127.0.0.1"]
    assert await answered(name) is first
    zone.answers["api"] = ["127.0.0.2"]
    assert await answered(name) == (v4("127.0.0.2"),)


async def test_a_name_in_use_is_renewed_and_served_meanwhile(name: Name, zone: Zone) -> None:
    zone.answers["api"] = ["127.0.0.1"]
    await answered(name)
    name.use(now() + RENEWED - 1)
    name.sweep(now() + RENEWED - 1)
    assert name.lookup is None
    zone.answers["api"] = ["127.0.0.2"]
    name.sweep(now() + RENEWED + 0.1)
    assert name.lookup is not None
    assert name.known == (v4("127.0.0.1"),)
    await until(lambda: name.lookup is None)
    assert name.known == (v4("127.0.0.2"),)


async def test_a_name_out_of_use_is_not_renewed_and_forgotten(name: Name, zone: Zone) -> None:
    zone.answers["api"] = ["127.0.0.1"]
    name.use(now() - KEPT)
    await answered(name)
    name.sweep(now() + KEPT - 0.1)
    assert (name.lookup, name.known) == (None, (v4("127.0.0.1"),))
    name.sweep(now() + KEPT + 0.1)
    assert (name.lookup, name.known) == (None, None)


@pytest.mark.parametrize("how", ["trouble", "hangs", "no thread"])
async def test_trouble_of_the_resolver_lets_the_last_answer_serve_on_for_a_while(
    name: Name, zone: Zone, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    zone.answers["api"] = ["127.0.0.1"]
    await answered(name)
    zone.answers["api"] = zone.hangs if how == "hangs" else TROUBLE
    if how == "no thread":
        monkeypatch.setattr(threading.Thread, "start", _no_thread)
    late = now() + KEPT + 1
    name.use(late)
    name.sweep(late)
    if how != "hangs":
        await until(lambda: name.lookup is None)
    assert name.known == (v4("127.0.0.1"),)
    late = now() + SERVED_STALE + 1
    name.use(late)
    name.sweep(late)
    assert name.known is None


def _no_thread(_: threading.Thread) -> None:
    raise RuntimeError("can't start new thread")


async def test_after_trouble_it_is_asked_again_but_not_at_every_tick(
    name: Name, zone: Zone
) -> None:
    zone.answers["api"] = ["127.0.0.1"]
    await answered(name)
    zone.answers["api"] = TROUBLE
    late = now() + RENEWED + 1
    name.use(late)
    name._asked = late - PAUSE / 2
    name.sweep(late)
    assert name.lookup is None
    name.sweep(late + PAUSE)
    await until(lambda: name.lookup is None)
    assert zone.asked == ["api", "api"]


async def test_a_forgotten_name_is_remembered_if_the_resolver_has_trouble(
    name: Name, zone: Zone, monkeypatch: pytest.MonkeyPatch
) -> None:
    zone.answers["api"] = ["127.0.0.1"]
    await answered(name)
    name.sweep(now() + KEPT + 1)
    assert name.known is None
    zone.answers["api"] = TROUBLE
    assert await answered(name) == (v4("127.0.0.1"),)
    name.sweep(now() + KEPT + 1)
    monkeypatch.setattr(resolver, "SERVED_STALE", -1)
    assert await answered(name) is None


@pytest.mark.parametrize("error", [NOT_KNOWN, UnicodeError("label too long")])
async def test_a_name_that_is_no_more_stands_for_nothing_at_once(
    name: Name, zone: Zone, error: Exception
) -> None:
    zone.answers["api"] = ["127.0.0.1"]
    await answered(name)
    zone.answers["api"] = error
    assert await answered(name) == ()
    zone.answers["api"] = ["127.0.0.1"]
    assert await answered(name) == (v4("127.0.0.1"),)


async def test_trouble_before_any_answer_leaves_it_unknown(name: Name, zone: Zone) -> None:
    zone.answers["api"] = OSError(5, "Input/output error")
    assert await answered(name) is None


async def test_it_is_renewed_on_demand_unless_that_was_done_just_now(
    name: Name, zone: Zone, monkeypatch: pytest.MonkeyPatch
) -> None:
    zone.answers["api"] = ["127.0.0.1"]
    await answered(name)
    name.renew()
    assert name.lookup is None
    monkeypatch.setattr(resolver, "PAUSE", 0)
    name.renew()
    assert name.lookup is not None
    await until(lambda: name.lookup is None)


def test_an_answer_after_the_end_of_the_loop_harms_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    zone = Zone()
    zone.answers["slow"] = zone.hangs
    monkeypatch.setattr(socket, "getaddrinfo", zone.getaddrinfo)

    async def ask() -> None:
        Names(asyncio.get_running_loop()).find("slow").look_up()
        await until(lambda: bool(zone.threads))

    asyncio.run(ask())
    zone.releases()
    assert not any(thread.is_alive() for thread in zone.threads)
