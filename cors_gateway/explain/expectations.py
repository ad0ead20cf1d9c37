"""Running the ``tests:`` of a configuration: each is a question, and its expectation the answer.

``allow`` is: the API gets the request and the page its answer, or its WebSocket. So a test also fails
where the browser would allow it and no route takes it.
"""

from collections.abc import Iterator

from cors_gateway.config.expectations import Expectation
from cors_gateway.config.load import Loaded
from cors_gateway.config.policies import PublicSuffixes
from cors_gateway.config.problems import Path, Problem, Severity, quote
from cors_gateway.explain.explanation import Explanation, explain, home_of
from cors_gateway.explain.question import QuestionError, parse_question
from cors_gateway.explain.remedies import find_remedy
from cors_gateway.explain.urls import DEFAULT_SCHEME

__all__ = ["check_expectations"]


def check_expectations(loaded: Loaded, suffixes: PublicSuffixes) -> tuple[Problem, ...]:
    """Run all tests of a configuration that loads.

    Args:
        loaded: the configuration.
        suffixes: what policies are checked with.

    Returns:
        A problem for each test that fails, at its line.
    """
    return tuple(_failures(loaded, suffixes))


def _failures(loaded: Loaded, suffixes: PublicSuffixes) -> Iterator[Problem]:
    assert loaded.snapshot is not None  # noqa: S101 - see the docstring
    home = home_of(loaded.snapshot)
    for index, test in enumerate(loaded.expectations):
        path: Path = ("tests", index)
        what = f"{quote(test.name)} fails"
        try:
            question = parse_question(
                _url(test, home),
                origin=None if test.origin is None else test.origin.decode(),
                method=test.method.decode(),
                headers=test.headers,
                credentials=test.credentials,
                websocket=test.websocket,
                home=home,
            )
            explanation = explain(loaded.snapshot, question, suffixes.is_public_suffix)
            if explanation.is_served is test.allow:
                continue
            remedy = find_remedy(loaded, explanation, suffixes) if test.allow else None
        except QuestionError as error:
            yield Problem(Severity.ERROR, path, what, str(error), "", test.position)
            continue
        fix = "" if remedy is None else str(remedy)
        yield Problem(Severity.ERROR, path, what, _say(explanation), fix, test.position)


def _url(test: Expectation, home: str | None) -> str:
    target = test.target.decode()
    if test.host is None:
        return target
    scheme = home.partition("://")[0] if home else DEFAULT_SCHEME
    return f"{scheme}://{test.host.decode()}{target}"


def _say(explanation: Explanation) -> str:
    """Say what happened instead of what was expected."""
    question, last = explanation.question, explanation.last
    sent = ""
    if question.respelled_from:
        sent = f"the browser sends {question.target.decode()}: "
    what = "its WebSocket" if question.is_websocket else "the answer"
    if explanation.is_declined:
        return f"{sent}it expects allow and the gateway asks the API for no WebSocket"
    refuses = explanation.error is not None and not question.is_websocket
    if refuses or last is None:
        return f"{sent}it expects allow and the browser refuses: {explanation.error}"
    if not explanation.is_served:
        return f"{sent}it expects allow and the gateway answers {last.status} itself"
    entry = last.decision and last.decision.entry
    return f"{sent}it expects deny and the page gets {what}" + (
        f": {quote(entry)} allows its origin" if entry else ""
    )
