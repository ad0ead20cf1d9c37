"""The lists of methods and header names in a policy: what they mean and what is wrong with them.

An item that is no token, or that the standard forbids to be allowed, is an error. An item that
changes nothing is a warning that says so: *has no effect*.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from cors_gateway.cors.exposure import is_forbidden_response_header
from cors_gateway.cors.methods import RECEIVABLE_METHODS, is_forbidden_method, normalize_method
from cors_gateway.cors.request_headers import is_forbidden_request_header
from cors_gateway.cors.settings import PolicyProblem
from cors_gateway.cors.tokens import is_token

__all__ = [
    "NameList",
    "compile_exposed_headers",
    "compile_methods",
    "compile_request_headers",
]


@dataclass(frozen=True, slots=True)
class NameList:
    """A list of names, without repeats, as it goes on the wire."""

    names: tuple[bytes, ...]
    """Without ``*``."""
    has_wildcard: bool = False


def compile_methods(items: Sequence[str]) -> tuple[NameList, list[PolicyProblem]]:
    """Compile ``allowMethods``."""
    normalized = [_normalize(item) for item in items]
    return _compile("allowMethods", normalized, lambda name: name, _check_method)


def compile_request_headers(items: Sequence[str]) -> tuple[NameList, list[PolicyProblem]]:
    """Compile ``allowHeaders``."""
    return _compile("allowHeaders", items, str.lower, _check_request_header)


def compile_exposed_headers(items: Sequence[str]) -> tuple[NameList, list[PolicyProblem]]:
    """Compile ``exposeHeaders``."""
    return _compile("exposeHeaders", items, str.lower, _check_exposed_header)


_Check = Callable[[str, str, int], Iterator[PolicyProblem]]


def _compile(
    key: str, items: Sequence[str], fold: Callable[[str], str], check: _Check
) -> tuple[NameList, list[PolicyProblem]]:
    problems: list[PolicyProblem] = []
    has_wildcard = "*" in items
    first_seen: dict[str, int] = {}
    for index, item in enumerate(items):
        if not is_token(item.encode("ascii", "replace").replace(b"?", b" ")):
            problems.append(_problem_of_no_token(key, index, item))
            continue
        first = first_seen.setdefault(fold(item), index)
        if first != index:
            problems.append(
                PolicyProblem(
                    "warning",
                    key,
                    index,
                    f'"{item}" has no effect',
                    f"item {first + 1} of the list says the same",
                    "remove one of them",
                )
            )
        elif has_wildcard and item != "*" and not _stands_beside_wildcard(key, item):
            problems.append(
                PolicyProblem(
                    "warning",
                    key,
                    index,
                    f'"{item}" has no effect',
                    'the list also holds "*", which covers it',
                    f'remove "{item}", or remove "*" and list what is needed',
                )
            )
        elif item != "*":
            problems.extend(check(key, item, index))
    names = tuple(
        items[index].encode("ascii")
        for index in first_seen.values()
        if items[index] != "*" and (not has_wildcard or _stands_beside_wildcard(key, items[index]))
    )
    return NameList(names, has_wildcard), problems


def _stands_beside_wildcard(key: str, item: str) -> bool:
    """Say whether ``*`` leaves an item its meaning: it never covers ``Authorization``."""
    return key == "allowHeaders" and item.lower() == "authorization"


def _problem_of_no_token(key: str, index: int, item: str) -> PolicyProblem:
    noun = "method" if key == "allowMethods" else "header name"
    parts = item.replace(",", " ").split()
    if len(parts) > 1 and all(is_token(part.encode("ascii", "replace")) for part in parts):
        fix = f"write one item each: [{', '.join(parts)}]"
    elif item.strip() != item and is_token(item.strip().encode("ascii", "replace")):
        fix = f'did you mean "{item.strip()}"?'
    elif item.strip().endswith(":"):
        fix = f'did you mean "{item.strip().rstrip(":").rstrip()}"?'
    else:
        fix = f"write a {noun}, or remove the item"
    what = f'"{item}" is no {noun}' if item else "an item is empty"
    why = "letters, digits and !#$%&'*+-.^_`|~ are all that one may hold"
    return PolicyProblem("error", key, index, what, why, fix)


def _normalize(item: str) -> str:
    return normalize_method(item.encode("ascii")).decode("ascii") if item.isascii() else item


def _check_method(key: str, item: str, index: int) -> Iterator[PolicyProblem]:
    if is_forbidden_method(item.encode()):
        yield PolicyProblem(
            "error",
            key,
            index,
            f'"{item}" cannot be allowed',
            "browsers forbid CONNECT, TRACE and TRACK to every page",
            f'remove "{item}"',
        )
    elif item.encode() not in RECEIVABLE_METHODS:
        upper = item.upper()
        is_known = upper.encode() in RECEIVABLE_METHODS
        why = "methods are case-sensitive, and " if is_known else ""
        yield PolicyProblem(
            "warning",
            key,
            index,
            f'"{item}" has no effect',
            f"{why}the gateway's parser does not receive this one",
            f'did you mean "{upper}"?' if is_known else f'remove "{item}"',
        )


def _check_request_header(key: str, item: str, index: int) -> Iterator[PolicyProblem]:
    if is_forbidden_request_header(item.encode()):
        yield PolicyProblem(
            "warning",
            key,
            index,
            f'"{item}" has no effect',
            "browsers do not let pages set this header",
            f'remove "{item}"',
        )


def _check_exposed_header(key: str, item: str, index: int) -> Iterator[PolicyProblem]:
    if is_forbidden_response_header(item.encode()):
        yield PolicyProblem(
            "warning",
            key,
            index,
            f'"{item}" has no effect',
            "browsers never show this header to pages",
            f'remove "{item}"',
        )
