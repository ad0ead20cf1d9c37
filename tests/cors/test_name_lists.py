from collections.abc import Callable, Sequence

import pytest

from cors_gateway.cors.name_lists import (
    NameList,
    compile_exposed_headers,
    compile_methods,
    compile_request_headers,
)
from cors_gateway.cors.settings import PolicyProblem

TOKEN = "letters, digits and !#$%&'*+-.^_`|~ are all that one may hold"
COVERED = 'the list also holds "*", which covers it'
REFUSED = "browsers do not let pages set this header"
HIDDEN = "browsers never show this header to pages"
UNKNOWN = "the gateway's parser does not receive this one"
CASED = "methods are case-sensitive, and the gateway's parser does not receive this one"
FORBIDDEN = "browsers forbid CONNECT, TRACE and TRACK to every page"

Compile = Callable[[Sequence[str]], tuple[NameList, list[PolicyProblem]]]


def test_a_clean_list_goes_on_the_wire_as_it_is_written() -> None:
    assert compile_methods(["GET", "PUT", "PROPFIND"]) == (
        NameList((b"GET", b"PUT", b"PROPFIND")),
        [],
    )
    assert compile_request_headers(["Content-Type", "x-a"]) == (
        NameList((b"Content-Type", b"x-a")),
        [],
    )
    assert compile_exposed_headers(["X-Total-Count"]) == (NameList((b"X-Total-Count",)), [])
    assert compile_exposed_headers([]) == (NameList(()), [])


def test_methods_are_normalized_as_browsers_do_it() -> None:
    assert compile_methods(["get", "Delete"]) == (NameList((b"GET", b"DELETE")), [])


def test_a_wildcard_takes_the_place_of_all_names_but_authorization() -> None:
    names, problems = compile_request_headers(["X-A", "*", "Authorization"])

    assert names == NameList((b"Authorization",), has_wildcard=True)
    assert [problem.what for problem in problems] == ['"X-A" has no effect']


ROWS: list[tuple[Compile, list[str], str, int, str, str, str]] = [
    (compile_methods, ["GET", "get"], "warning", 1, '"GET" has no effect',
     "item 1 of the list says the same", "remove one of them"),
    (compile_request_headers, ["X-A", "x-b", "x-a"], "warning", 2, '"x-a" has no effect',
     "item 1 of the list says the same", "remove one of them"),
    (compile_methods, ["PUT", "*"], "warning", 0, '"PUT" has no effect', COVERED,
     'remove "PUT", or remove "*" and list what is needed'),
    (compile_exposed_headers, ["*", "X-A"], "warning", 1, '"X-A" has no effect', COVERED,
     'remove "X-A", or remove "*" and list what is needed'),
    (compile_methods, ["patch"], "warning", 0, '"patch" has no effect', CASED,
     'did you mean "PATCH"?'),
    (compile_methods, ["FOO"], "warning", 0, '"FOO" has no effect', UNKNOWN, 'remove "FOO"'),
    (compile_methods, ["TRACE"], "error", 0, '"TRACE" cannot be allowed', FORBIDDEN,
     'remove "TRACE"'),
    (compile_methods, ["GET", "connect"], "error", 1, '"connect" cannot be allowed', FORBIDDEN,
     'remove "connect"'),
    (compile_request_headers, ["DNT"], "warning", 0, '"DNT" has no effect', REFUSED,
     'remove "DNT"'),
    (compile_request_headers, ["Sec-Anything"], "warning", 0, '"Sec-Anything" has no effect',
     REFUSED, 'remove "Sec-Anything"'),
    (compile_exposed_headers, ["Set-Cookie"], "warning", 0, '"Set-Cookie" has no effect', HIDDEN,
     'remove "Set-Cookie"'),
    (compile_methods, [""], "error", 0, "an item is empty", TOKEN,
     "write a method, or remove the item"),
    (compile_request_headers, ["X A"], "error", 0, '"X A" is no header name', TOKEN,
     "write one item each: [X, A]"),
    (compile_methods, ["GET, PUT"], "error", 0, '"GET, PUT" is no method', TOKEN,
     "write one item each: [GET, PUT]"),
    (compile_request_headers, [" X-A"], "error", 0, '" X-A" is no header name', TOKEN,
     'did you mean "X-A"?'),
    (compile_request_headers, ["X-A: "], "error", 0, '"X-A: " is no header name', TOKEN,
     'did you mean "X-A"?'),
    (compile_request_headers, ["X-Ä"], "error", 0, '"X-Ä" is no header name', TOKEN,
     "write a header name, or remove the item"),
    (compile_methods, ["G\u00cbT"], "error", 0, '"G\u00cbT" is no method', TOKEN,
     "write a method, or remove the item"),
    (compile_request_headers, ["a?b"], "error", 0, '"a?b" is no header name', TOKEN,
     "write a header name, or remove the item"),
]  # fmt: skip


@pytest.mark.parametrize("compile_list, items, severity, index, what, why, fix", ROWS)
def test_a_mistake_is_told_with_its_place_and_its_remedy(
    compile_list: Compile,
    items: list[str],
    severity: str,
    index: int,
    what: str,
    why: str,
    fix: str,
) -> None:
    _, [problem] = compile_list(items)

    assert (problem.severity, problem.index) == (severity, index)
    assert (problem.what, problem.why, problem.fix) == (what, why, fix)


def test_all_mistakes_are_told_at_once() -> None:
    _, problems = compile_methods(["", "TRACE", "GET", "GET", "patch"])

    assert [problem.index for problem in problems] == [0, 1, 3, 4]
    assert {problem.key for problem in problems} == {"allowMethods"}


def test_names_without_effect_are_still_sent() -> None:
    names, _ = compile_request_headers(["DNT", "X-A"])

    assert names == NameList((b"DNT", b"X-A"))
