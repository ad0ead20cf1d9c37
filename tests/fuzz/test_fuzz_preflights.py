"""Preflights and actual requests of any form: who is granted what, by the letter of the policy.

Only an origin that the policy names is granted anything, whatever stands beside it, and nothing is
repeated from a request that is no name.
"""

import re

import pytest
from hypothesis import event, example, given
from hypothesis import strategies as st

from cors_gateway.messages.fields import check_fields
from cors_gateway.messages.heads import RequestHead
from cors_gateway.plan import plan
from cors_gateway.planned import Forward, Peer, Respond
from tests.fuzz.effort import also, fuzzed
from tests.fuzz.messages import mutated
from tests.fuzz.strict_reading import TCHAR
from tests.wire.gateways import APP, policy, route_to, snapshot_of

PEER = Peer("127.0.0.1")
ORIGIN_PARTS = [
    b"https://", b"http://", b"app.example", b"APP.EXAMPLE", b"a.preview.example.com", b"preview.example.com", b".preview.example.com",
    b"localhost", b":8080", b":0", b":443", b":", b".", b"evil.example", b"/", b"\\", b"@", b"null", b" ", b",", b"\x00", b"\xe9", b"%2e",
    b"a-b", b"_", b"*", b"?x", b"#", b"https://app.example", b"[::1]", b":99999",
]  # fmt: skip
NAMED = [
    b"https://app.example",
    b"https://a.preview.example.com",
    b"http://localhost:8080",
    b"http://localhost",
]
origins = mutated(NAMED) | st.lists(st.sampled_from(ORIGIN_PARTS), max_size=5).map(b"".join)
ANNOUNCED = [
    b"PUT", b"put", b"X-A", b"content-type", b"x-b, x-a", b"*", b"", b",", b" ", b"a\r\nb", b"\x00", b"x" * 300,
    b"authorization", b"a b", b"\xe9",
]  # fmt: skip
announced = st.lists(st.sampled_from(ANNOUNCED), max_size=3)
GRANTING = policy(
    allow_origins=(APP, "https://*.preview.example.com", "http://localhost:*"),
    allow_credentials=True,
    allow_headers=("*",),
    allow_methods=("*",),
)
LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?")


def is_named(origin: str) -> bool:
    """Whether the policy above names an origin."""
    if origin == APP:
        return True
    if origin.startswith("https://") and origin.endswith(".preview.example.com"):
        labels = origin.removeprefix("https://").removesuffix(".preview.example.com").split(".")
        return all(map(LABEL.fullmatch, labels))
    host, _, port = origin.removeprefix("http://").partition(":")
    is_port = not port or (
        port.isascii()
        and port.isdigit()
        and str(int(port)) == port
        and 0 < int(port) < 65536
        # No browser writes the port that http has anyway.
        and port != "80"
    )
    return origin.startswith("http://") and host == "localhost" and is_port and origin[-1] != ":"


@fuzzed(200)
@given(
    origins.map(lambda each: [each]) | st.lists(origins, max_size=2),
    announced,
    announced,
    st.sampled_from([b"OPTIONS", b"GET"]),
)
@also(([NAMED[0]], [b"PUT"], [value], b"OPTIONS") for value in ANNOUNCED)
@also(([NAMED[0]], [value], [], b"OPTIONS") for value in ANNOUNCED)
@example([b"https://app.example"], [b"PUT"], [b"X-A,x-b", b"x-c"], b"OPTIONS")
@example([b"https://app.example.evil.example"], [b"PUT"], [], b"OPTIONS")
@example([b"http://localhost:80"], [], [], b"OPTIONS")
@example([b"http://localhost:8080"], [], [], b"OPTIONS")
def test_only_a_named_origin_is_granted_anything(
    origin_lines: list[bytes], method_lines: list[bytes], header_lines: list[bytes], method: bytes
) -> None:
    lines = [(b"Host", b"gw.example"), *((b"Origin", each) for each in origin_lines)]
    lines += [(b"Access-Control-Request-Method", each) for each in method_lines]
    lines += [(b"Access-Control-Request-Headers", each) for each in header_lines]
    head = RequestHead(method, b"/", 1, tuple(lines))
    planned = plan(snapshot_of(route_to(1, policy=GRANTING)), head, PEER, b"gw")
    fields = planned.answer.fields if isinstance(planned, Respond) else planned.answer_fields
    assert not isinstance(planned, Respond) or planned.fault is None

    check_fields(fields, 500)
    names = [name.lower() for name, _ in fields]
    assert len(names) == len(set(names))
    granted = dict(zip(names, (value for _, value in fields), strict=True))
    assert b"Origin" in granted[b"vary"].split(b", ")
    for name in (b"access-control-allow-methods", b"access-control-allow-headers"):
        for item in granted.get(name, b"x").split(b", "):
            assert item
            assert TCHAR.issuperset(item), "nothing is repeated that is no name"
    origin = granted.get(b"access-control-allow-origin")
    if origin is None:
        event("not granted")
        assert not [name for name in names if name.startswith(b"access-control-")]
        if len(origin_lines) == 1 and is_named(origin_lines[0].decode("latin-1")):
            assert len(method_lines) > 1, "a named origin is refused"
        return
    event("granted")
    assert [origin] == origin_lines
    assert is_named(origin.decode("latin-1"))
    assert isinstance(planned, Forward) or planned.answer.status == 204


@pytest.mark.parametrize(
    "origin", [APP, "http://localhost", "http://localhost:8080", "https://a.b.preview.example.com"]
)
def test_the_model_knows_whom_the_policy_names(origin: str) -> None:
    assert is_named(origin)
    assert not is_named("http://localhost:80")
    assert not is_named(f"{origin}.evil.example")
    assert not is_named(origin.replace("://", "://evil@"))
