import pytest

from cors_gateway.cors import automata
from cors_gateway.cors.automata import MAX_PLACES, Automaton, AutomatonBuilder, Fragment, bits
from cors_gateway.cors.regexes import compile_regex


def letter(builder: AutomatonBuilder, accepted: str) -> Fragment:
    return builder.place(frozenset(accepted.encode()), is_spelled=True)


def abc() -> Automaton:
    """``a(b|c)+``."""
    builder = AutomatonBuilder()
    either = builder.choose([letter(builder, "b"), letter(builder, "c")])
    return builder.finish(builder.chain(letter(builder, "a"), builder.loop(either)))


@pytest.mark.parametrize("text", ["ab", "ac", "abcbcccb"])
def test_a_text_that_leads_to_an_end_is_accepted(text: str) -> None:
    assert abc().matches(text.encode())


@pytest.mark.parametrize("text", ["", "a", "b", "aba", "xab", "abx", "ab\xff"])
def test_a_text_that_leads_nowhere_or_not_far_enough_is_not(text: str) -> None:
    assert not abc().matches(text.encode("latin-1"))


def test_an_automaton_that_was_handed_over_accepts_the_same() -> None:
    made, parts = abc().__reduce__()
    handed_over = made(*parts)
    assert handed_over.matches(b"abc")
    assert not handed_over.matches(b"a")


def test_a_part_that_is_nothing_accepts_nothing_but_the_empty_text() -> None:
    automaton = AutomatonBuilder().finish(Fragment())

    assert automaton.matches(b"")
    assert not automaton.matches(b"a")


def test_places_say_what_they_read_and_what_follows_them() -> None:
    automaton = abc()

    assert [bytes(place.accepted) for place in automaton.places] == [b"", b"b", b"c", b"a"]
    assert [list(bits(after)) for after in automaton.following] == [[3], [1, 2], [1, 2], [1, 2]]
    assert list(bits(automaton.accepting)) == [1, 2]


def test_there_are_so_many_places_and_no_more() -> None:
    builder = AutomatonBuilder()
    for _ in range(MAX_PLACES):
        letter(builder, "a")

    assert len(builder) == MAX_PLACES
    with pytest.raises(OverflowError):
        letter(builder, "a")


def test_what_is_remembered_is_bounded_and_forgetting_changes_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(automata, "_MAX_REMEMBERED", 10)
    # What has been read has to be known for eight characters: 256 sets of places.
    automaton = compile_regex("[ab]*a[ab]{7}")
    sizes = set()
    for number in range(2**10):
        text = f"{number:010b}".replace("0", "a").replace("1", "b")
        assert automaton.matches(text.encode()) is (text[-8] == "a")
        sizes.add(len(automaton._moves))

    assert max(sizes) == 10
