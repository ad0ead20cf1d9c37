"""Which request comes next: a few that tell most, and each only where the ones before it leave it open.

The order is that of what matters: the page itself, then whether the API asks who is there at all,
then how it compares. What an answer has decided already is not asked: where ``*`` is sent, nobody is
compared with anything.
"""

from collections.abc import Iterator
from dataclasses import replace

from cors_gateway.cors.browser import unsafe_header_names
from cors_gateway.doctor.case import Case, Course, Probe, Purpose
from cors_gateway.doctor.strangers import STRANGER
from cors_gateway.explain.question import Question
from cors_gateway.messages.heads import FieldLines

__all__ = ["MOST_REQUESTS", "next_probe"]

MOST_REQUESTS = 8

_NOT_THERE = b"cors-gateway-doctor-asks-for-what-is-not-there"


def next_probe(case: Case, course: Course) -> Probe | None:
    """Say what to ask next; ``None`` where that is all."""
    if len(course.exchanges) >= MOST_REQUESTS:
        return None
    asked = {(one.probe.purpose, one.probe.origin) for one in course.exchanges}
    wanted = _wanted(case, course)
    return next((one for one in wanted if (one.purpose, one.origin) not in asked), None)


def _wanted(case: Case, course: Course) -> Iterator[Probe]:
    """Give all requests that are worth their while, the ones that were made among them."""
    yield _request(case, Purpose.PLAIN, None)
    for page in case.pages:
        yield _request(case, Purpose.PAGE, page.origin)
    if case.asks_first:
        yield _preflight(case.page, Purpose.PREFLIGHT)
    yield from _strangers(case, course)
    preflight = course.first(Purpose.PREFLIGHT)
    if preflight is not None and preflight.is_granted:
        stranger = replace(case.page, origin=STRANGER)
        yield _preflight(stranger, Purpose.STRANGERS_PREFLIGHT)
    # The last, and so the one that is given up: it can come to no more than a note.
    if course.grants(Purpose.PAGE):
        yield _request(case, Purpose.MISSING, case.page.origin, target=_missing(case.page.target))


def _strangers(case: Case, course: Course) -> Iterator[Probe]:
    strangers = case.strangers
    if any(one.is_for_all for one in course.of(Purpose.PAGE)):
        yield _request(case, Purpose.STRANGER, STRANGER)
        return
    yield _request(case, Purpose.LOOK_ALIKE, strangers.look_alike)
    if course.grants(Purpose.LOOK_ALIKE):
        yield _request(case, Purpose.STRANGER, STRANGER)
        if course.grants(Purpose.STRANGER):
            return
    # Any page can be this one; the others want a name of their own, or somebody else's wire.
    yield _request(case, Purpose.NULL, b"null")
    if course.grants(Purpose.LOOK_ALIKE):
        yield from _narrowing(case, course)
    elif course.grants(Purpose.PAGE):
        if strangers.dot is not None:
            yield _request(case, Purpose.DOT, strangers.dot)
        if strangers.insecure is not None:
            yield _request(case, Purpose.INSECURE, strangers.insecure)


def _narrowing(case: Case, course: Course) -> Iterator[Probe]:
    """Ask what of the look-alike was enough; the likelier of two first, the other if it was not.

    Whoever holds the page's name in the middle would be let in by the beginning, too: it is asked for
    only after that.
    """
    strangers = case.strangers
    parts = [(Purpose.BEGINNING, strangers.beginning), (Purpose.OWN_NAME, strangers.own_name)]
    if not course.grants(Purpose.PAGE):
        parts.reverse()
    for purpose, origin in parts:
        if origin is not None:
            yield _request(case, purpose, origin)
            if course.grants(purpose):
                break
    if course.grants(Purpose.BEGINNING) and strangers.middle is not None:
        yield _request(case, Purpose.MIDDLE, strangers.middle)


def _request(
    case: Case, purpose: Purpose, origin: bytes | None, *, target: bytes | None = None
) -> Probe:
    """Write a request that changes nothing, whatever the page's own would do."""
    page = case.page
    method = b"HEAD" if page.method == b"HEAD" else b"GET"
    # It has no content, so nothing is said of one.
    headers = tuple(line for line in page.headers if not line[0].lower().startswith(b"content-"))
    return Probe(purpose, method, page.target if target is None else target, origin, headers)


def _preflight(page: Question, purpose: Purpose) -> Probe:
    lines: FieldLines = ((b"Access-Control-Request-Method", page.method),)
    if names := unsafe_header_names(page.browser_request()):
        lines += ((b"Access-Control-Request-Headers", b",".join(names)),)
    return Probe(purpose, b"OPTIONS", page.target, page.origin, lines)


def _missing(target: bytes) -> bytes:
    """Name a neighbour of a target that is hardly there."""
    folder, _, _ = target.partition(b"?")[0].rpartition(b"/")
    return b"%b/%b" % (folder, _NOT_THERE)
