from datetime import UTC, datetime

import pytest

from cors_gateway.files.conditions import Validators, judge, part_of, spell_date

DATE = "Sun, 06 Nov 1994 08:49:37 GMT"
EARLIER = "Sun, 06 Nov 1994 08:49:36 GMT"
LATER = "Sun, 06 Nov 1994 08:49:38 GMT"
MODIFIED = int(datetime(1994, 11, 6, 8, 49, 37, tzinfo=UTC).timestamp())
OURS = Validators('"abc"', MODIFIED)
LONG_AFTER = MODIFIED + 3600.0


def test_a_date_is_written_as_http_does() -> None:
    assert spell_date(MODIFIED) == DATE


@pytest.mark.parametrize(
    "fields, status",
    [
        pytest.param({}, 200, id="no condition"),
        pytest.param({"if-none-match": '"abc"'}, 304, id="it has it"),
        pytest.param({"if-none-match": 'W/"abc"'}, 304, id="it has it, weakly"),
        pytest.param({"if-none-match": '"x", "abc" , W/"y"'}, 304, id="it has it among others"),
        pytest.param({"if-none-match": "*"}, 304, id="it has any"),
        pytest.param({"if-none-match": '"abcd"'}, 200, id="it has another"),
        pytest.param({"if-none-match": "abc"}, 200, id="a tag without quotes is none"),
        pytest.param({"if-none-match": '"x" "abc"'}, 200, id="a list that is none"),
        pytest.param({"if-none-match": '"a,bc", "abc"'}, 304, id="a comma in a tag"),
        pytest.param({"if-none-match": ""}, 200, id="an empty list"),
        pytest.param({"if-modified-since": DATE}, 304, id="of that date"),
        pytest.param({"if-modified-since": LATER}, 304, id="of a later date"),
        pytest.param({"if-modified-since": EARLIER}, 200, id="of an earlier date"),
        pytest.param({"if-modified-since": "yesterday"}, 200, id="a date that is none"),
        pytest.param({"if-modified-since": ""}, 200, id="no date"),
        pytest.param(
            {"if-modified-since": f"Sun, 06 Nov {10**30} 08:49:37 GMT"}, 200, id="a far year"
        ),
        pytest.param({"if-modified-since": "Sun, 99 Nov 1994 08:49:37 GMT"}, 304, id="a big day"),
        pytest.param(
            {"if-modified-since": "Sunday, 06-Nov-94 08:49:37 GMT"}, 304, id="the form of RFC 850"
        ),
        pytest.param(
            {"if-modified-since": "Sun Nov  6 08:49:37 1994"}, 304, id="the form of asctime"
        ),
        pytest.param(
            {"if-none-match": '"x"', "if-modified-since": DATE}, 200, id="the tag before the date"
        ),
        pytest.param({"if-match": '"abc"'}, 200, id="it wants this one"),
        pytest.param({"if-match": "*"}, 200, id="it wants any"),
        pytest.param({"if-match": '"x"'}, 412, id="it wants another"),
        pytest.param({"if-match": 'W/"abc"'}, 412, id="a weak tag wants nothing"),
        pytest.param({"if-match": '"abc"', "if-none-match": '"abc"'}, 304, id="both conditions"),
        pytest.param({"if-unmodified-since": DATE}, 200, id="not since then"),
        pytest.param({"if-unmodified-since": EARLIER}, 412, id="since then"),
        pytest.param({"if-unmodified-since": "soon"}, 200, id="since a date that is none"),
        pytest.param(
            {"if-match": '"abc"', "if-unmodified-since": EARLIER}, 200, id="the tag before since"
        ),
    ],
)
def test_what_conditions_come_to(fields: dict[str, str], status: int) -> None:
    assert judge(fields, OURS) == status


@pytest.mark.parametrize(
    "value, part",
    [
        pytest.param("bytes=0-3", range(4), id="the beginning"),
        pytest.param("bytes=2-2", range(2, 3), id="one byte"),
        pytest.param("bytes=8-", range(8, 10), id="from there on"),
        pytest.param("bytes=-3", range(7, 10), id="the end"),
        pytest.param("bytes=-30", range(10), id="more of the end than there is"),
        pytest.param("bytes=5-99", range(5, 10), id="beyond the end"),
        pytest.param("bytes=0-", range(10), id="all, as a part"),
        pytest.param("BYTES= 0-3 ", range(4), id="case and spaces"),
        pytest.param("bytes=10-", range(0), id="behind the end"),
        pytest.param("bytes=10-12", range(0), id="all behind the end"),
        pytest.param("bytes=-0", range(0), id="none of the end"),
        pytest.param("bytes=3-2", None, id="backwards"),
        pytest.param("bytes=-", None, id="no number"),
        pytest.param("bytes=a-b", None, id="no numbers"),
        pytest.param("bytes=0x1-2", None, id="numbers of another kind"),
        pytest.param("bytes=٣-", None, id="digits of another script"),
        pytest.param("bytes=0-1,4-5", None, id="several"),
        pytest.param(f"bytes={'9' * 4000}-", None, id="a number without end"),
        pytest.param("lines=0-3", None, id="another unit"),
        pytest.param("0-3", None, id="no unit"),
        pytest.param("", None, id="nothing"),
    ],
)
def test_which_part_is_asked_for(value: str, part: range | None) -> None:
    found = part_of(10, {"range": value}, OURS, LONG_AFTER)

    assert (found is None) == (part is None)
    assert list(found or ()) == list(part or ())


def test_an_empty_file_has_no_parts() -> None:
    assert part_of(0, {"range": "bytes=0-"}, OURS, LONG_AFTER) == range(0)
    assert part_of(0, {"range": "bytes=-1"}, OURS, LONG_AFTER) == range(0)


@pytest.mark.parametrize(
    "condition, holds",
    [
        pytest.param('"abc"', True, id="this one"),
        pytest.param(' "abc" ', True, id="this one, with spaces"),
        pytest.param('"x"', False, id="another"),
        pytest.param('W/"abc"', False, id="a weak tag"),
        pytest.param(DATE, True, id="its date"),
        pytest.param(LATER, False, id="a later date"),
        pytest.param(EARLIER, False, id="an earlier date"),
        pytest.param("abc", False, id="neither tag nor date"),
    ],
)
def test_a_part_is_sent_only_of_the_file_that_the_client_has(condition: str, holds: bool) -> None:
    found = part_of(10, {"range": "bytes=0-3", "if-range": condition}, OURS, LONG_AFTER)

    assert found == (range(4) if holds else None)


def test_the_date_of_a_file_that_has_just_changed_says_nothing() -> None:
    fields = {"range": "bytes=0-3", "if-range": DATE}

    assert part_of(10, fields, OURS, MODIFIED + 1.0) is None
