"""The table of Fetch cases through ``load``, ``plan`` and ``conclude``, and the judge on every answer.

Each row is a whole configuration with one upstream, given as the YAML that a person writes; the
upstream's answer is the row's. Messages that the wire refuses before a plan is made are left to
the run through sockets.
"""

import pytest

from cors_gateway.conclude import conclude
from cors_gateway.messages.heads import RequestHead, ResponseHead
from cors_gateway.plan import plan
from cors_gateway.planned import Forward, Peer
from tests.cases.fetch import CASES, LOAD_CASES, Case, LoadCase, Stage
from tests.cases.fetch_case import Request
from tests.cases.fetch_judging import cors_lines, expected, judge, name_of, normalize
from tests.cases.fetch_loading import load_data, snapshot_of
from tests.judge import FieldLines

PLANNED = [case for case in CASES if case.stage is not Stage.SOCKETS and case.wire_status is None]
PEER = Peer("127.0.0.1")


def answer_of(case: Case, request: Request) -> tuple[int | None, FieldLines]:
    """Plan a row's request, or the one after it, and conclude it with the upstream's answer."""
    head = RequestHead(request.method, request.target, 1, request.fields)
    planned = plan(snapshot_of(case, "http://127.0.0.1:9"), head, PEER, b"test")
    if not isinstance(planned, Forward):
        return planned.answer.status, cors_lines(planned.answer.fields)
    response = ResponseHead(case.upstream.status, b"", 1, case.upstream.fields)
    concluded = conclude(planned, response, date=b"now", close=False)
    lines = [line.partition(b": ") for line in concluded.head(b"1").split(b"\r\n")[1:-2]]
    assert concluded.head(b"1").startswith(b"HTTP/1.1 %d " % case.upstream.status)
    return None, cors_lines((name, value) for name, _, value in lines)


@pytest.mark.parametrize("case", PLANNED, ids=name_of)
def test_the_answer(case: Case) -> None:
    status, lines = answer_of(case, case.request)

    assert status == case.answer.status
    assert normalize(lines) == expected(case.answer)

    def after(request: Request) -> FieldLines:
        return answer_of(case, request)[1]

    assert judge(case, status or case.upstream.status, lines, after) is case.browser


@pytest.mark.parametrize("case", LOAD_CASES, ids=name_of)
def test_the_loading_of_a_configuration(case: LoadCase) -> None:
    route = {"match": {"path": "/"}, "upstream": "http://127.0.0.1:9", "cors": dict(case.policy)}
    loaded = load_data({"routes": [route]})

    if case.severity is None:
        assert (loaded.snapshot is not None, loaded.problems) == (True, ())
        return
    assert (loaded.snapshot is None) is (case.severity == "error")
    told = [
        problem.sentence
        for problem in loaded.problems
        if problem.severity.value == case.severity
        and problem.path[:4] == ("routes", 0, "cors", case.key)
    ]
    assert any(all(word in text for word in case.mentions) for text in told), loaded.problems
