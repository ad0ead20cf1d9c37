"""The course of an examination: ask, tell, ask what is open after that, and say what it comes to.

Whoever looks on is told of each request before it is sent, and of its end.
"""

from collections.abc import Callable
from dataclasses import dataclass

from cors_gateway.cors.public_suffixes import IsPublicSuffix
from cors_gateway.doctor.asking import SECONDS, NoAnswerError, ask
from cors_gateway.doctor.case import Case, Course, Exchange, Probe
from cors_gateway.doctor.finding import Finding
from cors_gateway.doctor.findings import find_all, is_fine
from cors_gateway.doctor.probes import next_probe
from cors_gateway.doctor.proposal import propose

__all__ = ["Examination", "examine"]

_MOST_TROUBLES = 2
"""An API that does not answer twice is not asked a third time."""


@dataclass(frozen=True, slots=True)
class Examination:
    """What came of it."""

    case: Case
    course: Course
    findings: tuple[Finding, ...]
    proposal: str
    """A configuration of the gateway, as YAML; empty where there was no answer at all."""

    @property
    def trouble(self) -> str:
        """Why the API cannot be examined; empty where it can."""
        if any(one.answer for one in self.course.exchanges):
            return ""
        return self.course.exchanges[0].trouble

    @property
    def is_fine(self) -> bool:
        """Whether the pages can call the API, and nobody else is let in."""
        return not self.trouble and is_fine(self.findings)


def examine(
    case: Case,
    is_public_suffix: IsPublicSuffix,
    *,
    before: Callable[[Probe], None],
    after: Callable[[Exchange], None],
    seconds: float = SECONDS,
) -> Examination:
    """Examine an API.

    Args:
        case: what to examine.
        is_public_suffix: whether names below a domain belong to different parties.
        before: is told of each request before it is sent.
        after: is told what came of it.
        seconds: how long each may take.
    """
    course = Course()
    while (probe := next_probe(case, course)) is not None:
        before(probe)
        try:
            exchange = Exchange(probe, ask(case.page, probe, seconds))
        except NoAnswerError as error:
            exchange = Exchange(probe, None, str(error))
        after(exchange)
        course = Course((*course.exchanges, exchange))
        troubles = [one for one in course.exchanges if one.answer is None]
        if troubles and (len(course.exchanges) == 1 or len(troubles) >= _MOST_TROUBLES):
            break
    if len(course.exchanges) == 1 and course.exchanges[0].answer is None:
        return Examination(case, course, (), "")
    findings = find_all(case, course)
    proposal = propose(case, course, findings, is_public_suffix)
    return Examination(case, course, findings, proposal)
