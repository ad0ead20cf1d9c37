"""What is wrong, found in what was asked and answered: each thing once, with all places it was seen.

The answers to the page itself are judged as its browser would judge them (``values``, ``preflights``);
those to strangers by whether they are let in. What could be meant well is no finding: ``*`` without
cookies is how an API says that it is for everybody.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from cors_gateway.cors.browser import REDIRECTS, judge_preflight, judge_response
from cors_gateway.cors.origins import parse_origin
from cors_gateway.doctor.case import ALLOW_ORIGIN, Answer, Case, Course, Exchange, Purpose
from cors_gateway.doctor.catalogue import Code, Kind
from cors_gateway.doctor.finding import Finding, found, show
from cors_gateway.doctor.preflights import list_items, look_at_preflight
from cors_gateway.doctor.strangers import beginning_of
from cors_gateway.doctor.values import look_at_grant, says_credentials

__all__ = ["find_all", "is_fine"]

EXPOSE_HEADERS = b"access-control-expose-headers"

_OF_PAGE = frozenset({Purpose.PLAIN, Purpose.PAGE, Purpose.PREFLIGHT})
"""What a page would ask for: a path that is made up is not among it."""

_COMPARED = (
    Purpose.PLAIN,
    Purpose.PAGE,
    Purpose.LOOK_ALIKE,
    Purpose.STRANGER,
    Purpose.BEGINNING,
    Purpose.MIDDLE,
    Purpose.OWN_NAME,
    Purpose.DOT,
    Purpose.INSECURE,
    Purpose.NULL,
)
"""Requests that differ by their origin alone."""

_ORDER = tuple(Kind)


def find_all(case: Case, course: Course) -> tuple[Finding, ...]:
    """Find all that is wrong: what lets in others first, then what breaks the page."""
    merged: dict[tuple[Code, str], Finding] = {}
    for one in _look(case, course):
        before = merged.get((one.code, one.what))
        seen = one.seen if before is None else (*before.seen, *one.seen)
        merged[one.code, one.what] = replace(before or one, seen=tuple(dict.fromkeys(seen)))
    return tuple(sorted(merged.values(), key=lambda one: _ORDER.index(one.kind)))


def is_fine(findings: Iterable[Finding]) -> bool:
    """Say whether the pages can call the API, and nobody else is let in."""
    return all(one.kind is Kind.NOTE for one in findings)


def _look(case: Case, course: Course) -> Iterator[Finding]:
    yield from _look_at_ends(case, course)
    for exchange in course.of(Purpose.PAGE):
        yield from look_at_grant(exchange, credentials=case.page.credentials)
        yield from _look_at_exposed(case, exchange)
    for exchange in course.of(Purpose.PREFLIGHT):
        yield from look_at_preflight(case.page.browser_request(), exchange)
    yield from _look_at_errors(case, course)
    yield from _look_at_vary(course)
    yield from _look_at_strangers(case, course)
    yield from _look_at_cookies(case, course)


def _look_at_ends(case: Case, course: Course) -> Iterator[Finding]:
    """Find what ends a call before CORS is looked at, or beside it."""
    if not case.is_page_assumed and (mixed := [one for one in case.pages if one.is_mixed_content]):
        pages = " and ".join((one.origin or b"").decode() for one in mixed)
        yield found(Code.MIXED_CONTENT, f"{pages} is https, and {case.base} is not.")
    for exchange in course.exchanges:
        if exchange.answer is None and exchange.probe.purpose in _OF_PAGE:
            yield found(Code.NO_ANSWER, f"The API {exchange.trouble}.", exchange)
    plain = course.first(Purpose.PLAIN)
    for exchange in course.of(Purpose.PAGE):
        yield from _look_at_status(exchange, plain)


def _look_at_status(exchange: Exchange, plain: Exchange | None) -> Iterator[Finding]:
    status = _answer(exchange).status
    without = _answer(plain).status if plain else status
    location = _answer(exchange).combined(b"location")
    if status in REDIRECTS and location is not None:
        yield found(Code.REDIRECT, f"The API redirects to {show(location)}.", exchange)
    elif without < 400 <= status:
        what = f"The API answers {status} to the page's origin, and {without} without one."
        yield found(Code.REFUSES_ORIGIN, what, exchange)
    elif status >= 400:
        yield found(Code.ANSWER_IS_AN_ERROR, f"The API answers {status}.", exchange)


def _look_at_exposed(case: Case, exchange: Exchange) -> Iterator[Finding]:
    answer = _answer(exchange)
    listed = list_items(answer, EXPOSE_HEADERS) or []
    if b"*" in listed and (case.page.credentials or says_credentials(answer)):
        what = "Access-Control-Expose-Headers holds *, and cookies are allowed."
        yield found(Code.WILDCARD_LIST_WITH_CREDENTIALS, what, exchange)


def _look_at_errors(case: Case, course: Course) -> Iterator[Finding]:
    for exchange in course.of(Purpose.MISSING):
        answer = _answer(exchange)
        error = judge_response(case.page.browser_request(), answer.fields)
        if answer.status >= 400 and not exchange.is_granted:
            shown = (answer.combined(ALLOW_ORIGIN) or b"").decode("latin-1")
            what = f"The page may read what is there, and not the {answer.status} for what is not."
            yield found(Code.ERRORS_WITHOUT_ALLOW_ORIGIN, what, exchange, error=error, shown=shown)


def _look_at_vary(course: Course) -> Iterator[Finding]:
    compared = course.of(*_COMPARED)
    if len({_answer(one).combined(ALLOW_ORIGIN) for one in compared}) < 2:
        return
    silent = [one for one in compared if not _tells_caches(_answer(one))]
    if silent:
        what = "Access-Control-Allow-Origin depends on Origin, and Vary does not always say so."
        yield found(Code.VARY_ORIGIN_MISSING, what, *silent)


def _tells_caches(answer: Answer) -> bool:
    """Say whether no cache gives an answer to another origin."""
    varies = (answer.combined(b"vary") or b"").lower().split(b",")
    control = (answer.combined(b"cache-control") or b"").lower().split(b",")
    return bool({b"origin", b"*"} & {item.strip() for item in varies}) or b"no-store" in {
        item.strip() for item in control
    }


def _look_at_strangers(case: Case, course: Course) -> Iterator[Finding]:
    let_in = [one for one in course.exchanges if one.is_granted and not one.is_for_all]
    by_purpose = {one.probe.purpose: one for one in let_in}
    page = (case.page.origin or b"").decode()
    if stranger := by_purpose.get(Purpose.STRANGER):
        origin = show(_origin(stranger))
        cookies = says_credentials(_answer(stranger))
        code = Code.REFLECTS_ANY_ORIGIN_WITH_CREDENTIALS if cookies else Code.REFLECTS_ANY_ORIGIN
        also = ", with cookies" if cookies else ""
        yield found(code, f"It lets in {origin}{also}, and so anybody.", stranger)
    elif Purpose.LOOK_ALIKE in by_purpose:
        yield _partial_match(case, course, by_purpose)
    if dot := by_purpose.get(Purpose.DOT):
        what = f"It lets in {show(_origin(dot))} as if it were {page}."
        yield found(Code.UNESCAPED_DOT, what, dot)
    if insecure := by_purpose.get(Purpose.INSECURE):
        what = f"It lets in {show(_origin(insecure))} as well as {page}."
        yield found(Code.ALLOWS_INSECURE_ORIGIN, what, insecure)
    if null := by_purpose.get(Purpose.NULL):
        yield found(Code.ALLOWS_NULL, "It lets in the origin null.", null)
    is_open = any(one.is_granted for one in course.of(Purpose.STRANGER, Purpose.LOOK_ALIKE))
    for exchange in course.of(Purpose.STRANGERS_PREFLIGHT):
        answer, asked = _answer(exchange), case.page.browser_request()
        stranger_asks = replace(asked, origin=exchange.probe.origin or b"", credentials=False)
        if not is_open and judge_preflight(stranger_asks, answer.status, answer.fields) is None:
            what = f"It lets {show(stranger_asks.origin)} send {asked.method.decode()}."
            yield found(Code.PREFLIGHT_ALLOWS_STRANGERS, what, exchange)


def _partial_match(case: Case, course: Course, let_in: Mapping[Purpose, Exchange]) -> Finding:
    """Tell which part is enough, as far as the strangers that were asked for show it."""
    host = _host_of(case)
    if own := let_in.get(Purpose.OWN_NAME):
        also, enough = [own], "the API's own name in it"
    elif middle := let_in.get(Purpose.MIDDLE):
        also, enough = [let_in[Purpose.BEGINNING], middle], f"to hold {host}"
    elif beginning := let_in.get(Purpose.BEGINNING):
        also, enough = [beginning], f"to begin like {beginning_of(_origin(beginning))}"
        # Not where the request for that was one too many.
        is_told_apart = course.of(Purpose.MIDDLE)
        enough += "" if is_told_apart else ", or to hold a part of it,"
    else:
        also, enough = [], f"to end like {host}, or to hold a part of it,"
    whole = let_in[Purpose.LOOK_ALIKE]
    others = " and ".join(show(_origin(one)) for one in also)
    told = f"It lets in {show(_origin(whole))}, which is somebody else's"
    told += f", and {others}: {enough} is enough." if others else f": {enough} is enough."
    return found(Code.PARTIAL_MATCH, told, whole, *also)


def _host_of(case: Case) -> str:
    page = parse_origin(case.page.origin or b"")
    return page.host if page else ""


def _look_at_cookies(case: Case, course: Course) -> Iterator[Finding]:
    if "cross-site" not in case.sites:
        return
    exchanges = course.of(*_COMPARED)
    is_meant = case.page.credentials or any(says_credentials(_answer(one)) for one in exchanges)
    kind = Kind.BROKEN if is_meant else Kind.NOTE
    for exchange in exchanges:
        for line in _answer(exchange).values(b"set-cookie"):
            pair, *attributes = (part.strip() for part in line.split(b";"))
            attributes = [attribute.lower() for attribute in attributes]
            if b"secure" in attributes and b"samesite=none" in attributes:
                continue
            name = pair.partition(b"=")[0].strip()
            what = f"The cookie {show(name)} is not SameSite=None and Secure."
            yield found(Code.COOKIE_STAYS_HOME, what, exchange, kind=kind)


def _answer(exchange: Exchange) -> Answer:
    assert exchange.answer is not None  # noqa: S101 - only such are given out by a course
    return exchange.answer


def _origin(exchange: Exchange) -> bytes:
    return exchange.probe.origin or b""
