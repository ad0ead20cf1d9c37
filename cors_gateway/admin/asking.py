"""``/explain``: a question in a query, and the answer that the command ``explain`` gives to it.

Decides how a question is spelled here, and nothing about its answer.
"""

import json
from collections.abc import Iterable

from cors_gateway.config.load import Loaded
from cors_gateway.config.policies import PublicSuffixes
from cors_gateway.config.public_suffixes import is_public_suffix, is_registry_suffix
from cors_gateway.explain.explanation import Explanation, explain, home_of
from cors_gateway.explain.question import (
    Question,
    QuestionError,
    parse_header,
    parse_question,
)
from cors_gateway.explain.remedies import Remedy, find_remedy
from cors_gateway.explain.wording import as_data, render_text
from cors_gateway.snapshot import Snapshot

__all__ = ["EXAMPLE", "explain_as_json", "explain_as_text", "read_question"]

EXAMPLE = "/explain?origin=https://app.example.com&method=PUT&url=/api/orders/17"

SUFFIXES = PublicSuffixes(is_public_suffix, is_registry_suffix)
SINGLE = ("url", "origin", "method", "credentials", "format")
REPEATABLE = "header"
SWITCHES = {"true": True, "1": True, "false": False, "0": False}


def read_question(query: Iterable[tuple[str, str]], snapshot: Snapshot) -> Question:
    """Read a question that is spelled as a query.

    Raises:
        QuestionError: it is not spelled right, or makes no sense.
    """
    given: dict[str, str] = {}
    headers: list[tuple[bytes, bytes]] = []
    for name, value in query:
        if name != REPEATABLE and name not in SINGLE:
            known = ", ".join((*SINGLE, REPEATABLE))
            raise QuestionError(f"{name!a} is not known here: the parameters are {known}")
        if not value:
            # As forms leave it.
            continue
        if name == REPEATABLE:
            headers.append(parse_header(value))
        elif name in given:
            raise QuestionError(f"{name} is there twice: leave one out")
        else:
            given[name] = value
    if "url" not in given:
        raise QuestionError(f"say what is called, as in {EXAMPLE}")
    credentials = given.get("credentials", "false")
    if credentials not in SWITCHES:
        raise QuestionError(f"credentials is true or false, not {credentials!a}")
    return parse_question(
        given["url"],
        origin=given.get("origin"),
        method=given.get("method", "GET"),
        headers=headers,
        credentials=SWITCHES[credentials],
        home=home_of(snapshot),
    )


def explain_as_json(loaded: Loaded, snapshot: Snapshot, question: Question) -> str:
    """Answer a question for programs.

    Raises:
        QuestionError: it makes no sense.
    """
    return json.dumps(as_data(*_answer(loaded, snapshot, question)), indent=2) + "\n"


def explain_as_text(loaded: Loaded, snapshot: Snapshot, question: Question) -> str:
    """Answer a question for people.

    Raises:
        QuestionError: it makes no sense.
    """
    return render_text(*_answer(loaded, snapshot, question))


def _answer(
    loaded: Loaded, snapshot: Snapshot, question: Question
) -> tuple[Explanation, Remedy | None]:
    explanation = explain(snapshot, question, is_public_suffix)
    return explanation, find_remedy(loaded, explanation, SUFFIXES)
