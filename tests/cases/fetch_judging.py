"""What every run of the table does with an answer: compare all its fields, and ask the judge."""

from collections import defaultdict
from collections.abc import Callable, Iterable

from tests.cases.fetch_case import Answer, Case, LoadCase, Request
from tests.judge import FieldLines, Page, Verdict, judge_preflight, judge_response

__all__ = [
    "cors_lines",
    "expected",
    "is_preflight",
    "judge",
    "name_of",
    "normalize",
    "request_after",
]

LISTS = {
    b"access-control-allow-methods",
    b"access-control-allow-headers",
    b"access-control-expose-headers",
    b"timing-allow-origin",
    b"vary",
}
CASELESS = LISTS - {b"access-control-allow-methods", b"timing-allow-origin"}


def normalize(lines: Iterable[tuple[bytes, bytes]]) -> dict[bytes, list[bytes]]:
    """Spell field lines so that two answers that say the same are equal."""
    fields: dict[bytes, list[bytes]] = defaultdict(list)
    for name, value in lines:
        lower = name.lower()
        if lower in LISTS:
            items = (value.lower() if lower in CASELESS else value).split(b",")
            fields[lower] += [item.strip() for item in items]
        else:
            fields[lower].append(value)
    return {name: sorted(values) for name, values in fields.items()}


def expected(answer: Answer) -> dict[bytes, list[bytes]]:
    """Spell a row's fields in the same way."""
    lines = answer.fields.items()
    return normalize((name.encode(), value.encode("latin-1")) for name, value in lines)


def cors_lines(lines: Iterable[tuple[bytes, bytes]]) -> FieldLines:
    """Pick the lines of the CORS protocol out of a response."""
    return tuple(
        (name, value)
        for name, value in lines
        if name.lower().startswith(b"access-control-")
        or name.lower() in {b"timing-allow-origin", b"cross-origin-resource-policy", b"vary"}
    )


def is_preflight(request: Request) -> bool:
    """Say whether a browser means this request to be a preflight."""
    return request.method == b"OPTIONS" and any(request.values(b"access-control-request-method"))


def page_of(case: Case) -> Page:
    """Make the page that a row's request comes from."""
    method, names = case.request.method, []
    if is_preflight(case.request):
        method = case.request.values(b"access-control-request-method")[0]
        lines = b",".join(case.request.values(b"access-control-request-headers"))
        names = [name for item in lines.split(b",") if (name := item.strip(b" \t"))]
    return Page(
        origin=case.reading_origin,
        method=method,
        headers=tuple((name, b"x" * 129) for name in names),
        credentials=case.cookies,
        exact_method=True,
    )


def request_after(case: Case) -> Request:
    """Make the request that a page sends once its preflight is granted."""
    kept = {b"host", b"origin", b"referer", b"x-original-origin"}
    lines = tuple(line for line in case.request.fields if line[0].lower() in kept)
    return Request(page_of(case).method, lines, case.request.target)


def judge(
    case: Case, status: int, lines: FieldLines, after: Callable[[Request], FieldLines]
) -> Verdict:
    """Judge an answer as the page's browser does.

    Args:
        case: the row.
        status: the answer's, whoever gave it.
        lines: the answer's of the CORS protocol.
        after: answers the request that follows a granted preflight.
    """
    page = page_of(case)
    if not is_preflight(case.request):
        return judge_response(page, lines)
    verdict = judge_preflight(page, status, lines)
    if verdict is Verdict.ALLOWED:
        return judge_response(page, after(request_after(case)))
    return verdict


def name_of(case: Case | LoadCase) -> str:
    """Name a row for pytest."""
    return f"{case.provenance}: {case.sentence}"
