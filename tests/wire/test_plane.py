"""What all connections of a worker share: identifiers, and records that wait to be taken."""

import asyncio
from collections.abc import Sequence

from cors_gateway.wire.plane import MOST_RECORDS, Plane
from cors_gateway.wire.record import AccessRecord
from tests.wire.gateways import route_to, snapshot_of


def plane(taken: list[int] | None = None) -> Plane:
    def take(records: Sequence[AccessRecord]) -> None:
        if taken is not None:
            taken.append(len(records))

    return Plane(snapshot_of(route_to(1)), asyncio.get_running_loop(), take)


async def test_no_two_requests_have_one_identifier() -> None:
    one, other = plane(), plane()
    made = [each.new_request_id() for each in (one, other) for _ in range(9000)]
    assert len(set(made)) == len(made)


async def test_an_identifier_says_which_request_it_was() -> None:
    one = plane()
    made = [one.new_request_id() for _ in range(0x1002)]
    prefixes, numbers = zip(*[each.split(b"-") for each in made], strict=True)
    assert [int(number, 16) for number in numbers] == list(range(0x1002))
    assert len(set(prefixes)) == 1
    assert {len(number) for number in numbers} == {6}


async def test_many_records_do_not_wait_for_the_tick() -> None:
    taken: list[int] = []
    one = plane(taken)
    for _ in range(MOST_RECORDS - 1):
        one.report(AccessRecord(b"1", "192.0.2.1"))
    await asyncio.sleep(0)
    assert not taken
    for _ in range(3):
        one.report(AccessRecord(b"1", "192.0.2.1"))
    await asyncio.sleep(0)
    assert taken == [MOST_RECORDS + 2]
    one.flush_records()
    assert taken == [MOST_RECORDS + 2]
