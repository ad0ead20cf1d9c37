"""Regular expressions of ``allowOriginRegex``, translated to automata.

An expression always has to match a whole origin. What can be matched in linear time is translated:
characters, classes, alternatives, groups and repeats, and anchors where they say nothing new. All
else is refused by name. The parse tree is Python's own (``re._parser``): private, but the same
since long before 3.11, and a second parser of this syntax would be the worse risk.
"""

import re
import warnings
from importlib import import_module
from typing import Any

from cors_gateway.cors.automata import MAX_PLACES, Automaton, AutomatonBuilder, Fragment

__all__ = ["RegexError", "compile_regex"]

_parser: Any = import_module("re._parser")
_compiler: Any = import_module("re._compiler")

_BEGINNINGS = frozenset({"AT_BEGINNING", "AT_BEGINNING_STRING"})
_ENDS = frozenset({"AT_END", "AT_END_STRING"})

_FIX = r"write an expression such as https://[a-z0-9-]+\.example\.com"
_LIST_THEM = "list the origins in allowOrigins"
_LEAVE_OUT = "leave it out"
_SPELL_OUT = "spell out what may stand there"

_REFUSED = {
    "ASSERT": ("it looks ahead or behind, with (?=…) or (?<=…)", _SPELL_OUT),
    "ASSERT_NOT": ("it looks ahead or behind, with (?!…) or (?<!…)", _SPELL_OUT),
    "FAILURE": ("it looks ahead or behind, with (?!…) or (?<!…)", _SPELL_OUT),
    "GROUPREF": (r"it refers back to a group, with \1 or (?P=…)", _LIST_THEM),
    "GROUPREF_EXISTS": ("it has a condition, (?(…)…|…)", "write alternatives: (…|…)"),
    "ATOMIC_GROUP": ("it has an atomic group, (?>…)", "write (?:…): any expression is fast here"),
    "POSSESSIVE_REPEAT": (
        "it has a possessive repeat, such as *+",
        "leave out the + at its end: any expression is fast here",
    ),
    "AT": (r"it has an anchor or a \b where the origin goes on", _LEAVE_OUT),
}

_ASCII = tuple(map(chr, range(128)))


class RegexError(ValueError):
    """An expression that cannot be used: why, and what to do."""

    def __init__(self, why: str, fix: str) -> None:
        super().__init__(why)
        self.why = why
        self.fix = fix


def compile_regex(text: str) -> Automaton:
    """Translate an expression to an automaton that accepts the same origins.

    Raises:
        RegexError: It is none, or not one that an automaton can match.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            tree = _parser.parse(text)
    except (re.error, OverflowError, RecursionError, Warning) as error:
        raise RegexError(f"it does not compile: {error}", _FIX) from error
    _check_flags(tree.state.flags & ~re.UNICODE)
    translation = _Translation(tree.state.flags)
    try:
        return translation.builder.finish(translation.sequence(tree, at_start=True, at_end=True))
    except RecursionError as error:
        raise RegexError("its groups are nested too deeply", _FIX) from error
    except OverflowError as error:
        why = f"it spells more than {MAX_PLACES} characters, repeats written out"
        raise RegexError(why, _LIST_THEM) from error


def _check_flags(flags: int) -> None:
    if flags:
        raise RegexError("it sets flags, such as (?i)", "leave them out: origins are in lower case")


class _Translation:
    """The translation of one tree."""

    def __init__(self, flags: int) -> None:
        self.builder = AutomatonBuilder()
        self._flags = flags

    def sequence(self, nodes: Any, *, at_start: bool, at_end: bool) -> Fragment:
        """Translate nodes that stand one behind the other.

        Args:
            nodes: What Python's parser made.
            at_start: Nothing can stand before them.
            at_end: Nothing can stand behind them.
        """
        anchors = [str(operator) == "AT" for operator, _ in nodes]
        whole = Fragment()
        for index in range(len(nodes)):
            part = self._node(
                nodes[index : index + 1],
                at_start=at_start and all(anchors[:index]),
                at_end=at_end and all(anchors[index + 1 :]),
            )
            whole = self.builder.chain(whole, part)
        return whole

    def _node(self, nodes: Any, *, at_start: bool, at_end: bool) -> Fragment:
        operator, argument = str(nodes[0][0]), nodes[0][1]
        match operator:
            case "LITERAL":
                return self._place(chr(argument), is_spelled=True)
            case "ANY" | "NOT_LITERAL" | "IN":
                regex = _compiler.compile(nodes, self._flags)
                is_spelled = operator == "IN" and all(
                    str(kind) == "LITERAL" for kind, _ in argument
                )
                return self._place("".join(filter(regex.fullmatch, _ASCII)), is_spelled=is_spelled)
            case "BRANCH":
                return self.builder.choose(
                    [self.sequence(o, at_start=at_start, at_end=at_end) for o in argument[1]]
                )
            case "SUBPATTERN":
                _, added, removed, body = argument
                _check_flags(added | removed)
                return self.sequence(body, at_start=at_start, at_end=at_end)
            case "MAX_REPEAT" | "MIN_REPEAT":
                return self._repeat(*argument)
            case "AT" if (at_start and str(argument) in _BEGINNINGS) or (
                at_end and str(argument) in _ENDS
            ):
                return Fragment()
        raise RegexError(*_REFUSED[operator])

    def _place(self, characters: str, *, is_spelled: bool) -> Fragment:
        # An origin is ASCII: what else stands in an expression matches none of its bytes.
        accepted = frozenset(characters.encode("ascii", "ignore"))
        return self.builder.place(accepted, is_spelled=is_spelled)

    def _repeat(self, low: int, high: int, body: Any) -> Fragment:
        """Write a repeat out: ``a{2,4}`` is ``aa(a(a)?)?``, and ``a{2,}`` is ``a(a)+``."""
        is_endless = high == _parser.MAXREPEAT
        copies: list[Fragment] = []
        for _ in range(max(low, 1) if is_endless else high):
            before = len(self.builder)
            copies.append(self.sequence(body, at_start=False, at_end=False))
            if len(self.builder) == before:  # It matches nothing, however often.
                return copies[0]
        whole = Fragment()
        if is_endless:
            copies[-1] = self.builder.loop(copies[-1])
        for index in range(len(copies) - 1, -1, -1):
            whole = self.builder.chain(copies[index], whole)
            if index >= low:
                whole = Fragment(whole.first, whole.last, is_optional=True)
        return whole
