"""``/explain``: the command's answer to a question in a query."""

import json
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlencode

import pytest

from cors_gateway.admin.asking import EXAMPLE
from cors_gateway.cli.main import main
from tests.admin.admin_rig import FILE, Admin, Seen
from tests.admin.conftest import StartAdmin
from tests.explain.asking import configured

APP = "https://app.example.com"

ASKED = [
    pytest.param([], {"url": "/api"}, id="a program"),
    pytest.param(["--origin", APP], {"origin": APP, "url": "/api?a=b&c"}, id="a page"),
    pytest.param(
        ["--origin", APP, "--method", "DELETE", "--header", "X-A: 1", "--header", "X-B: 2"],
        {"origin": APP, "method": "DELETE", "header": ["X-A: 1", "X-B: 2"], "url": "/api/1"},
        id="what is refused, with a remedy",
    ),
    pytest.param(
        ["--origin", "https://evil.example", "--credentials"],
        {"origin": "https://evil.example", "credentials": "true", "url": "https://gw.test/api"},
        id="another origin, with credentials",
    ),
    pytest.param(["--origin", APP], {"origin": APP, "url": "/api/orders"}, id="no policy"),
    pytest.param(["--origin", APP], {"origin": APP, "url": "/elsewhere"}, id="no route"),
    pytest.param(["--origin", APP], {"origin": APP, "url": "wss://gw.test/api"}, id="a WebSocket"),
]


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("f.yaml").write_text(FILE)


def spelled(question: dict[str, str | list[str]]) -> str:
    return f"/explain?{urlencode(question, doseq=True)}"


@pytest.mark.parametrize("arguments, question", ASKED)
@pytest.mark.usefixtures("file")
async def test_the_answer_for_programs_is_the_commands(
    admin: Admin,
    capsys: pytest.CaptureFixture[str],
    arguments: Sequence[str],
    question: dict[str, str | list[str]],
) -> None:
    main(["explain", "-c", "f.yaml", "--json", *arguments, str(question["url"])])

    answer = await admin.answers(spelled(question))

    assert (answer.status, answer.text) == (200, capsys.readouterr().out)


@pytest.mark.parametrize("arguments, question", ASKED)
@pytest.mark.usefixtures("file")
async def test_the_answer_for_people_is_the_commands(
    admin: Admin,
    capsys: pytest.CaptureFixture[str],
    arguments: Sequence[str],
    question: dict[str, str | list[str]],
) -> None:
    main(["explain", "-c", "f.yaml", *arguments, str(question["url"])])

    answer = await admin.answers(spelled(question) + "&format=text")

    assert (answer.status, answer.text) == (200, capsys.readouterr().out)
    assert answer.fields["content-type"] == "text/plain; charset=utf-8"


@pytest.mark.parametrize(
    "accept, content_type",
    [
        pytest.param("*/*", "application/json", id="curl"),
        pytest.param(
            "text/html,application/xml;q=0.9,*/*;q=0.8", "application/json", id="a browser"
        ),
        pytest.param("text/plain", "text/plain", id="text"),
        pytest.param("Text/Plain;q=0.5", "text/plain", id="text, in another spelling"),
        pytest.param("text/plain, application/json", "application/json", id="both"),
    ],
)
async def test_who_asks_for_text_gets_text(admin: Admin, accept: str, content_type: str) -> None:
    answer = await admin.answers("/explain?url=/api", Accept=accept)

    assert answer.fields["content-type"].partition(";")[0] == content_type


async def test_the_form_that_is_named_counts_before_accept(admin: Admin) -> None:
    answer = await admin.answers("/explain?url=/api&format=json", Accept="text/plain")

    assert answer.data["browser"]["verdict"] == "allowed"


async def test_what_is_empty_is_not_said_as_in_a_form(admin: Admin) -> None:
    empty = "/explain?origin=&method=&header=&header=&credentials=&format=&url=/api"

    assert (await admin.answers(empty)).text == (await admin.answers("/explain?url=/api")).text


@pytest.mark.parametrize(
    "query, sentence",
    [
        pytest.param("", f"say what is called, as in {EXAMPLE}", id="nothing"),
        pytest.param("url=", f"say what is called, as in {EXAMPLE}", id="an empty URL"),
        pytest.param(
            "url=/&path=/api",
            "'path' is not known here: the parameters are "
            "url, origin, method, credentials, format, header",
            id="an unknown parameter",
        ),
        pytest.param("url=/a&url=/b", "url is there twice: leave one out", id="two URLs"),
        pytest.param(
            "url=/&credentials=include",
            "credentials is true or false, not 'include'",
            id="a switch that is neither",
        ),
        pytest.param("url=/&format=xml", "format is json or text, not 'xml'", id="an odd form"),
        pytest.param(
            "url=ftp://h/", "'ftp://h/' is neither a URL nor a path: write http", id="no URL"
        ),
        pytest.param(
            "url=/&header=a%20b:c", "'a b:c' is no header: write 'Name: value'", id="no header"
        ),
        pytest.param("url=/&method=A%20B", "'A B' is no method: write one", id="no method"),
        pytest.param(
            "url=/&origin=https://a.example&method=TRACE", "no page can send TRACE", id="forbidden"
        ),
    ],
)
async def test_a_mistake_of_the_question_is_a_sentence(
    admin: Admin, query: str, sentence: str
) -> None:
    answer = await admin.answers(f"/explain?{query}")

    assert answer.status == 400
    assert answer.text.startswith(sentence)
    assert answer.fields["content-type"] == "text/plain; charset=utf-8"


@pytest.mark.parametrize(
    "query",
    [
        pytest.param("url=/%ff&origin=%ff", id="not UTF-8"),
        pytest.param("url=/%ed%a0%80&origin=%ed%a0%80", id="a surrogate"),
        pytest.param("url=/%00&origin=%00&method=%00&header=%00", id="zeros"),
        pytest.param("url=/&origin=https://a%0d%0aX:y&header=A:%0d%0aB:c", id="line breaks"),
        pytest.param("url=http://&origin=http://", id="no hosts"),
        pytest.param("url=https://%E2%82%AC.example/&origin=https://%E2%82%AC", id="not ASCII"),
        pytest.param("url=" + "/" * 4000, id="a long path"),
        pytest.param("%=%&;&=&&url", id="no query"),
    ],
)
async def test_no_question_is_a_fault(admin: Admin, query: str) -> None:
    answer = await admin.answers(f"/explain?{query}")

    assert answer.status in {200, 400}
    assert admin.told == []


async def test_a_path_is_one_of_the_gateways_own(start_admin: StartAdmin) -> None:
    named = configured("server: {publicOrigin: https://gw.example.com}\n" + FILE)
    admin = await start_admin(Seen(loaded=named))

    answer = await admin.answers("/explain?url=/api")

    assert answer.data["request"]["url"] == "https://gw.example.com/api"


async def test_the_example_is_a_question(admin: Admin) -> None:
    answer = await admin.answers(EXAMPLE)

    assert json.loads(answer.text)["request"]["method"] == "PUT"
