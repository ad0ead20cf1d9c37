"""What a server's ``Keep-Alive`` says, and that nothing it can say does harm."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cors_gateway.messages.fields import index_fields
from cors_gateway.messages.keep_alive import KeepAlive, read_keep_alive


def read(*values: bytes) -> KeepAlive | None:
    return read_keep_alive(index_fields(tuple((b"Keep-Alive", value) for value in values)))


@pytest.mark.parametrize(
    "value, said",
    [
        pytest.param(b"timeout=5", KeepAlive(5), id="Node"),
        pytest.param(b"timeout=5, max=100", KeepAlive(5, 100), id="Apache"),
        pytest.param(b"max=0", KeepAlive(None, 0), id="no more requests"),
        pytest.param(b"Timeout = 15 ,MAX\t=\t2", KeepAlive(15, 2), id="case and white space"),
        pytest.param(b'timeout="5"', KeepAlive(5), id="quoted"),
        pytest.param(b"timeout=0", KeepAlive(0), id="not at all"),
        pytest.param(b"timeout=005", KeepAlive(5), id="zeros in front"),
        pytest.param(b"timeout=60, timeout=5", KeepAlive(5), id="the smallest counts"),
        pytest.param(b"timeout=5, foo=bar, x", KeepAlive(5), id="what is unknown is passed over"),
        pytest.param(b"timeout=5;max=3", None, id="another separator"),
        pytest.param(b"timeout=-1", None, id="negative"),
        pytest.param(b"timeout=1.5", None, id="a fraction"),
        pytest.param(b"timeout=" + b"9" * 5000, None, id="huge"),
        pytest.param(b"timeout=\xb2", None, id="a digit beyond ASCII"),
        pytest.param(b"300", None, id="a number alone"),
        pytest.param(b"", None, id="empty"),
    ],
)
def test_what_a_server_says(value: bytes, said: KeepAlive | None) -> None:
    assert read(value) == said


def test_several_lines_are_one_list() -> None:
    assert read(b"timeout=7", b"max=4, timeout=9") == KeepAlive(7, 4)


def test_without_the_field_nothing_is_said() -> None:
    assert read() is None


@given(st.lists(st.binary() | st.from_regex(rb"(timeout|max)=[0-9]+", fullmatch=True)))
def test_whatever_stands_there_is_a_number_of_seconds_or_nothing(values: list[bytes]) -> None:
    said = read(*values)
    assert said is None or all(
        number is None or 0 <= number < 10**9 for number in (said.timeout, said.max)
    )
    assert said != KeepAlive()
