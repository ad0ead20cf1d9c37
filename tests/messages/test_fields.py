"""Fields: grammar, look-up, connection options, and the lines that do not travel on."""

import pytest

from cors_gateway.messages.fields import (
    CONNECTION_SPECIFIC,
    check_connection_options,
    check_fields,
    connection_options,
    connection_specific_names,
    first_value,
    index_fields,
    is_field_value,
    is_prohibited_connection_option,
    is_token,
    kept_lines,
    merge_vary,
    only_value,
    parse_list,
    strip_fields,
    underscored_names,
)
from cors_gateway.messages.heads import FieldLines, MessageError, section_of


@pytest.mark.parametrize(
    "value, expected",
    [
        pytest.param(b"Content-Type", True, id="a name"),
        pytest.param(b"!#$%&'*+-.^_`|~09azAZ", True, id="every kind of byte that a token has"),
        pytest.param(b"", False, id="empty"),
        pytest.param(b"a b", False, id="a space"),
        pytest.param(b"a:", False, id="a colon"),
        pytest.param(b"a,b", False, id="a comma"),
        pytest.param(b'"a"', False, id="quotes"),
        pytest.param(b"caf\xe9", False, id="not ASCII"),
        pytest.param(b"a\n", False, id="a line end"),
    ],
)
def test_tokens_are_told(value: bytes, expected: bool) -> None:
    assert is_token(value) is expected


@pytest.mark.parametrize(
    "value, expected",
    [
        pytest.param(b"", True, id="empty"),
        pytest.param(b"a \t b", True, id="white space inside"),
        pytest.param(b"\x85admin\xa0", True, id="D19 obs-text that some take for white space"),
        pytest.param(b" a", False, id="a space in front"),
        pytest.param(b"a\t", False, id="a tab at the end"),
        pytest.param(b"a\rb", False, id="CR"),
        pytest.param(b"a\nb", False, id="LF"),
        pytest.param(b"a\x00b", False, id="NUL"),
        pytest.param(b"a\x7fb", False, id="DEL"),
    ],
)
def test_field_values_are_told(value: bytes, expected: bool) -> None:
    assert is_field_value(value) is expected


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param((), id="none"),
        pytest.param(((b"A", b""), (b"B", b"caf\xe9\xa0\t1")), id="B34 latin-1 and a tab"),
    ],
)
def test_valid_fields_pass(fields: FieldLines) -> None:
    check_fields(fields, 502)


@pytest.mark.parametrize(
    "line",
    [
        pytest.param((b"", b"1"), id="D10 an empty name"),
        pytest.param((b"A ", b"1"), id="D10 a space before the colon"),
        pytest.param((b"A(", b"1"), id="D10 a name that is no token"),
        pytest.param((b"A", b"1\x002"), id="B34 NUL"),
        pytest.param((b"A", b"1\x012"), id="B34 a control character"),
        pytest.param((b"A", b"1\x7f2"), id="B34 DEL"),
        pytest.param((b"A", b"1\r2"), id="B33 a bare CR"),
        pytest.param((b"A", b"1\n2"), id="D22 a bare LF"),
    ],
)
def test_invalid_fields_are_refused_with_the_status_asked_for(line: tuple[bytes, bytes]) -> None:
    for status in (400, 502):
        with pytest.raises(MessageError) as caught:
            check_fields(((b"Host", b"a"), line), status)
        assert caught.value.status == status


LINES = ((b"A", b"1"), (b"b", b"2"), (b"a", b"3"), (b"A", b"4"))


def test_an_index_holds_every_value_by_lower_name_in_order() -> None:
    assert index_fields(LINES) == {b"a": (b"1", b"3", b"4"), b"b": (b"2",)}
    assert index_fields(()) == {}


@pytest.mark.parametrize(
    "values, items",
    [
        pytest.param([], (), id="no value"),
        pytest.param([b""], (), id="an empty value"),
        pytest.param([b" , ,\t"], (), id="nothing but commas"),
        pytest.param([b"a,b , c"], (b"a", b"b", b"c"), id="items"),
        pytest.param([b"a, b", b"c"], (b"a", b"b", b"c"), id="two lines"),
        pytest.param([b'a="1,2", b'], (b'a="1,2"', b"b"), id="a comma in quotes"),
        pytest.param([b'a="\\",", b'], (b'a="\\","', b"b"), id="an escaped quote"),
        pytest.param([b'a="1, b', b"c"], (b'a="1, b', b"c"), id="quotes left open end the line"),
        pytest.param([b'"a\\'], (b'"a\\',), id="a lone escape at the end"),
    ],
)
def test_lists_are_split(values: list[bytes], items: tuple[bytes, ...]) -> None:
    assert parse_list(values) == items


@pytest.mark.parametrize(
    "values, options",
    [
        pytest.param([], set(), id="no Connection"),
        pytest.param([b"keep-alive"], {b"keep-alive"}, id="the usual"),
        pytest.param([b"Close"], {b"close"}, id="case"),
        pytest.param([b"close, X-Foo", b"TE ,"], {b"close", b"x-foo", b"te"}, id="several"),
        pytest.param([b'"a, Host'], {b'"a', b"host"}, id="a quote hides nothing"),
        pytest.param([b" , "], set(), id="empty items"),
    ],
)
def test_connection_options_are_read(values: list[bytes], options: set[bytes]) -> None:
    fields = tuple((b"Connection", value) for value in values)
    assert connection_options(index_fields(fields)) == options


@pytest.mark.parametrize(
    "option",
    [
        *b"host origin cookie authorization forwarded via referer set-cookie vary".split(),
        *b"content-length content-type x-forwarded-for x-forwarded-prefix x-real-ip".split(),
        *b"access-control-request-method sec-fetch-site x-original-origin x-request-id".split(),
    ],
)
@pytest.mark.row("D16")
def test_d16_options_that_would_deceive_the_next_hop_are_refused(option: bytes) -> None:
    assert is_prohibited_connection_option(option)
    with pytest.raises(MessageError) as caught:
        check_connection_options({b"close", option})
    assert caught.value.status == 400


@pytest.mark.parametrize("option", [b"\xff", b'"close"', b"a b", b"a:b"])
def test_options_that_are_no_token_are_refused(option: bytes) -> None:
    with pytest.raises(MessageError):
        check_connection_options({option})


def test_honest_options_pass() -> None:
    check_connection_options({b"close", b"keep-alive", b"upgrade", b"te", b"x-foo"})


def test_lines_are_left_out_by_name_and_the_others_stay_as_they_are() -> None:
    assert strip_fields(LINES, {b"a"}) == ((b"b", b"2"),)
    assert strip_fields(LINES, frozenset()) == LINES


@pytest.mark.row("B32")
def test_b32_connection_specific_and_listed_lines_do_not_travel_on() -> None:
    fields = (
        (b"Connection", b"close, X-Foo, Set-Cookie, Content-Length"),
        (b"X-Foo", b"1"),
        (b"x-bar", b"2"),
        (b"Set-Cookie", b"a=1"),
        (b"Content-Length", b"3"),
        *((name.title(), b"x") for name in sorted(CONNECTION_SPECIFIC)),
    )
    options = connection_options(index_fields(fields))
    assert strip_fields(fields, connection_specific_names(options)) == (
        (b"x-bar", b"2"),
        (b"Set-Cookie", b"a=1"),
        (b"Content-Length", b"3"),
    )


@pytest.mark.parametrize(
    "name",
    [
        b"X_Forwarded_For",
        b"X-Forwarded_For",
        b"x_forwarded_client_cert",
        b"Transfer_Encoding",
        b"Content_Length",
        b"X_Real_IP",
        b"X_Request_ID",
        b"Proxy_Authorization",
        b"X_Api_Key",
    ],
)
@pytest.mark.row("D18")
def test_d18_underscored_names_that_collide_are_found(name: bytes) -> None:
    index = index_fields(((b"Host", b"a"), (name, b"1")))
    assert underscored_names(index, frozenset({b"x-api-key"})) == {name.lower()}


def test_other_underscored_names_are_left_alone() -> None:
    index = index_fields(((b"X_Total", b"1"), (b"X-Api-Key", b"2"), (b"X_Api_Key", b"3")))
    assert underscored_names(index, frozenset()) == frozenset()
    assert underscored_names(index_fields(((b"Host", b"a"),)), frozenset()) == frozenset()


@pytest.mark.parametrize(
    "values, tokens, merged",
    [
        pytest.param((), (), None, id="nothing"),
        pytest.param((b"",), (), None, id="an empty field"),
        pytest.param((), (b"Origin",), b"Origin", id="ours alone"),
        pytest.param((b"Accept",), (), b"Accept", id="the upstream's alone"),
        pytest.param((b"Accept",), (b"Origin",), b"Accept, Origin", id="B36 ours is added"),
        pytest.param((b"origin",), (b"Origin",), b"origin", id="B36 ours is there already"),
        pytest.param(
            (b"Accept,Cookie", b"accept, X"),
            (b"Origin", b"cookie"),
            b"Accept, Cookie, X, Origin",
            id="B35 several lines",
        ),
        pytest.param((b"*",), (b"Origin",), b"*", id="the star stands alone"),
        pytest.param((b"Accept, *",), (b"Origin",), b"*", id="the star wins"),
    ],
)
def test_vary_is_a_union(
    values: tuple[bytes, ...], tokens: tuple[bytes, ...], merged: bytes | None
) -> None:
    assert merge_vary(values, tokens) == merged


def test_the_first_and_the_only_value_of_a_name() -> None:
    index = index_fields(((b"A", b"1"), (b"B", b"2"), (b"b", b"3")))
    assert [first_value(index, name) for name in (b"a", b"b", b"c")] == [b"1", b"2", None]
    assert [only_value(index, name) for name in (b"a", b"b", b"c")] == [b"1", None, None]


def test_kept_lines_leave_out_names_in_any_case() -> None:
    section = section_of(((b"A", b"1"), (b"Host", b"x"), (b"hOST", b"y"), (b"C", b"")))
    assert kept_lines(section, frozenset({b"host"})) == [b"A: 1", b"C: "]
