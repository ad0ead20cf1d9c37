"""What is found in answers, each sentence of it; real APIs are in ``test_doctor_flask``."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import pytest

from cors_gateway.config.problems import quote
from cors_gateway.cors.browser import CorsError
from cors_gateway.doctor.browser_words import SENTENCES
from cors_gateway.doctor.case import Answer, Case
from cors_gateway.doctor.catalogue import CATALOGUE, Code, Kind
from cors_gateway.doctor.finding import Finding
from cors_gateway.doctor.findings import find_all, is_fine
from cors_gateway.doctor.strangers import STRANGER
from tests.docs.pages import DOCS
from tests.doctor.examining import APP, Server, answer, case, course

LISTS = {"allow_methods": "PUT", "allow_headers": "content-type"}
LOOK_ALIKE = "https://app.example.com.api.example.com.attackerexample.com"
BEGINNING = "https://app.example.com.attacker.example"
MIDDLE = "https://attackerapp.example.com.attacker.example"

GET = case(APP, method="GET")
"""Leaves a request for what is not there."""


@dataclass
class Says(Server):
    """Answers the page alone, or by origin, and everybody else without CORS."""

    to_page: Answer = field(default_factory=answer)
    to_preflight: Answer | None = field(default_factory=lambda: good(**LISTS))
    others: Mapping[str | None, Answer | None] = field(default_factory=dict)

    def answer(self, method: str, target: str, origin: str | None) -> Answer | None:
        if origin in self.others:
            return self.others[origin]
        if method == "OPTIONS":
            return self.to_preflight if origin == APP else answer()
        return self.to_page if origin == APP else answer(vary="Origin")


@dataclass
class Ending(Says):
    """Answers in another way where there is nothing."""

    to_missing: Answer | None = field(default_factory=lambda: answer(404))

    def answer(self, method: str, target: str, origin: str | None) -> Answer | None:
        return self.to_missing if "not-there" in target else super().answer(method, target, origin)


def good(**fields: str) -> Answer:
    return answer(**{"allow_origin": APP, "vary": "Origin", **fields})


def findings(server: Server, opened: Case | None = None) -> list[Finding]:
    opened = opened or case(APP, method="PUT")
    return list(find_all(opened, course(opened, server)))


def only(server: Server, code: str, opened: Case | None = None) -> Finding:
    """Give the one finding that there is."""
    (finding,) = findings(server, opened)
    assert finding.code == code
    return finding


def test_nothing_is_found_where_nothing_is_wrong() -> None:
    assert findings(Says(good())) == []
    assert is_fine(())


def test_what_is_for_everybody_may_be_meant_so() -> None:
    class Public(Server):
        def answer(self, method: str, target: str, origin: str | None) -> Answer:
            return answer(allow_origin="*", **LISTS)

    assert findings(Public()) == []


@pytest.mark.parametrize(
    "value, code, what",
    [
        pytest.param(
            "localhost:3000",
            "allow-origin-without-scheme",
            '"localhost:3000"; an origin is spelled http://localhost:3000.',
            id="host and port",
        ),
        pytest.param(
            "https://app.example.com:443",
            "allow-origin-misspelled",
            '"https://app.example.com:443"; an origin is spelled https://app.example.com.',
            id="the default port",
        ),
        pytest.param(
            "https://app.example.com/index.html",
            "allow-origin-misspelled",
            '"https://app.example.com/index.html"; an origin is spelled https://app.example.com.',
            id="a path",
        ),
        pytest.param(
            "https://a.example https://b.example",
            "allow-origin-list",
            '"https://a.example https://b.example", a list.',
            id="a list with spaces",
        ),
        pytest.param(
            "https://*", "allow-origin-pattern", '"https://*", a pattern.', id="a pattern"
        ),
        pytest.param(
            "null",
            "allow-origin-other",
            '"null", and not https://app.example.com.',
            id="null to everybody",
        ),
        pytest.param("!", "allow-origin-invalid", '"!".', id="nothing like it"),
        pytest.param(
            "https://\x1b[2J", "allow-origin-invalid", '"https://\\u001b[2J".', id="an escape"
        ),
    ],
)
def test_a_value_that_is_not_the_pages_origin(value: str, code: str, what: str) -> None:
    finding = only(Says(answer(allow_origin=value, vary="Origin")), code)

    assert finding.what == f"Access-Control-Allow-Origin is {what}"
    assert f"'{quote(value)[1:-1]}'" in finding.console
    assert finding.console.isprintable()
    assert finding.kind is Kind.BROKEN


def test_an_empty_value_and_several_lines() -> None:
    empty = only(Says(answer(allow_origin="", vary="Origin")), "allow-origin-invalid")
    lines = (*answer(allow_origin=APP, vary="Origin").fields, *answer(allow_origin=APP).fields)
    several = only(Says(Answer(200, lines)), "allow-origin-repeated")

    assert empty.what == "Access-Control-Allow-Origin is empty."
    assert several.what == (
        'There are 2 lines of Access-Control-Allow-Origin: "https://app.example.com" and '
        '"https://app.example.com".'
    )
    assert f"contains multiple values '{APP}, {APP}'" in several.console


def test_a_star_among_other_lines_is_for_nobody() -> None:
    lines = (*answer(allow_origin="*", allow_credentials="true").fields, *good().fields)

    only(Says(Answer(200, lines)), "allow-origin-repeated")


def test_the_same_mistake_in_both_answers_is_told_once() -> None:
    finding = only(
        Says(answer(vary="Origin"), answer(allow_methods="PUT")),
        "no-allow-origin",
    )

    assert [probe.purpose for probe in finding.seen] == ["page", "preflight"]
    assert finding.console == SENTENCES[CorsError.MISSING_ALLOW_ORIGIN_HEADER]


def test_what_lets_in_others_comes_first_and_notes_come_last() -> None:
    said = {**LISTS, "allow_headers": "a b", "max_age": "soon"}
    others: dict[str | None, Answer] = {"null": good(allow_origin="null")}

    found = findings(Says(good(), good(**said), others))

    assert [one.code for one in found] == ["allows-null", "headers-malformed", "max-age-invalid"]


def test_what_only_the_preflight_lacks_is_told_in_its_words() -> None:
    finding = only(Says(good(), answer(**LISTS)), "no-allow-origin")

    assert finding.console.startswith("Response to preflight request doesn't pass access control")


class TestCredentials:
    @pytest.mark.parametrize("value", ["True", "TRUE", "1", "yes", ""])
    def test_only_true_counts(self, value: str) -> None:
        finding = only(Says(good(allow_credentials=value)), "credentials-not-true")

        assert finding.what == f'Access-Control-Allow-Credentials is "{value}".'
        assert f"is '{value}' which must be 'true'" in finding.console

    def test_two_lines_do_not(self) -> None:
        lines = (*good().fields, *answer(allow_credentials="true").fields)
        twice = Answer(200, (*lines, *answer(allow_credentials="true").fields))

        assert '"true, true"' in only(Says(twice), "credentials-not-true").what

    def test_false_says_what_nothing_says(self) -> None:
        assert findings(Says(good(allow_credentials="false"))) == []

    @pytest.mark.parametrize(
        "fields, said", [({}, "missing."), ({"allow_credentials": "false"}, "false.")]
    )
    def test_a_page_that_sends_cookies_needs_it(self, fields: dict[str, str], said: str) -> None:
        opened = case(APP, method="GET", credentials=True)

        finding = only(Says(good(**fields)), "credentials-not-allowed", opened)

        assert finding.what == f"Access-Control-Allow-Credentials is {said}"

    @pytest.mark.parametrize(
        "credentials, fields", [(True, {}), (False, {"allow_credentials": "true"})]
    )
    def test_the_wildcard_does_not_go_with_cookies(
        self, credentials: bool, fields: dict[str, str]
    ) -> None:
        opened = case(APP, method="GET", credentials=credentials)
        everybody = answer(allow_origin="*", vary="Origin", **fields)

        finding = only(Says(everybody), "wildcard-with-credentials", opened)

        assert "must not be the wildcard '*'" in finding.console


class TestPreflight:
    @pytest.mark.parametrize(
        "status, code",
        [
            (401, "preflight-needs-login"),
            (403, "preflight-status"),
            (404, "preflight-not-answered"),
            (405, "preflight-not-answered"),
            (302, "preflight-status"),
            (500, "preflight-status"),
            (501, "preflight-not-answered"),
        ],
    )
    def test_its_status(self, status: int, code: str) -> None:
        finding = only(Says(good(), Answer(status, good(**LISTS).fields)), code)

        assert finding.what == f"The preflight is answered by {status}."
        assert finding.console.endswith("It does not have HTTP ok status.")

    def test_chromium_looks_at_the_origin_first(self) -> None:
        finding = only(Says(good(), answer(405)), "preflight-not-answered")

        assert finding.console.endswith(
            "No 'Access-Control-Allow-Origin' header is present on the requested resource."
        )

    def test_a_redirect(self) -> None:
        finding = only(Says(good(), answer(308, Location="/orders/")), "preflight-redirect")

        assert finding.what == 'The preflight is redirected to "/orders/".'
        assert "Redirect is not allowed for a preflight request." in finding.console

    def test_a_server_that_hangs_up(self) -> None:
        finding = only(Says(good(), None), "no-answer")

        assert finding.what == "The API hangs up without an answer."
        assert [probe.purpose for probe in finding.seen] == ["preflight"]

    @pytest.mark.parametrize(
        "fields, code, what",
        [
            pytest.param(
                {"allow_methods": "GET,PO ST"},
                "methods-malformed",
                'Access-Control-Allow-Methods is "GET,PO ST".',
                id="methods without commas",
            ),
            pytest.param(
                {"allow_headers": "content-type: x"},
                "headers-malformed",
                'Access-Control-Allow-Headers is "content-type: x".',
                id="a header's value in the list",
            ),
            pytest.param(
                {"allow_methods": "GET"},
                "method-not-listed",
                'Access-Control-Allow-Methods does not list PUT: it is "GET".',
                id="another method",
            ),
            pytest.param(
                {"allow_methods": "put"},
                "method-not-listed",
                'Access-Control-Allow-Methods is "put"; methods are case-sensitive: PUT.',
                id="small letters",
            ),
            pytest.param(
                {"allow_headers": "x-other"},
                "header-not-listed",
                'Access-Control-Allow-Headers does not list content-type: it is "x-other".',
                id="another header",
            ),
            pytest.param(
                {"max_age": "1h"},
                "max-age-invalid",
                'Access-Control-Max-Age is "1h", which is no number of seconds.',
                id="a duration",
            ),
        ],
    )
    def test_its_lists(self, fields: dict[str, str], code: str, what: str) -> None:
        opened = case(APP, method="PUT", headers=((b"Content-Type", b"application/json"),))

        finding = only(Says(good(), good(**{**LISTS, **fields})), code, opened)

        assert finding.what == what

    def test_a_wildcard_never_covers_authorization(self) -> None:
        opened = case(APP, method="GET", headers=((b"Authorization", b"x"), (b"X-A", b"1")))

        finding = only(Says(good(), good(allow_headers="*")), "header-not-listed", opened)

        assert (
            finding.what == "Access-Control-Allow-Headers is *, which never covers authorization."
        )
        assert "Request header field authorization is not allowed" in finding.console

    @pytest.mark.parametrize("seconds", ["600", "-1", "0"])
    def test_a_number_of_seconds_is_fine(self, seconds: str) -> None:
        assert findings(Says(good(), good(**LISTS, max_age=seconds))) == []

    @pytest.mark.parametrize("name", ["allow_methods", "allow_headers"])
    def test_a_wildcard_in_a_list_covers_nothing_with_cookies(self, name: str) -> None:
        said = {**LISTS, name: "*", "allow_credentials": "true"}

        finding = only(Says(good(), good(**said)), "wildcard-list-with-credentials")

        assert finding.kind is Kind.BROKEN

    def test_what_everybody_may_send_although_nobody_may_read(self) -> None:
        others: dict[str | None, Answer] = {STRANGER.decode(): answer(allow_origin="*", **LISTS)}

        finding = only(Says(good(), good(**LISTS), others), "preflight-allows-strangers")

        assert finding.what == 'It lets "https://attacker.example" send PUT.'
        assert finding.kind is Kind.DANGEROUS


class TestStrangers:
    def test_whoever_asks_is_let_in(self) -> None:
        class Reflecting(Server):
            cookies = "true"

            def answer(self, method: str, target: str, origin: str | None) -> Answer:
                if not origin:
                    return answer(vary="Origin")
                said = {"allow_origin": origin, "allow_credentials": self.cookies}
                return good(**LISTS, **said)

        finding = only(Reflecting(), "reflects-any-origin-with-credentials")
        Reflecting.cookies = "false"
        without = only(Reflecting(), "reflects-any-origin")

        assert (
            finding.what == 'It lets in "https://attacker.example", with cookies, and so anybody.'
        )
        assert without.what == 'It lets in "https://attacker.example", and so anybody.'
        assert (finding.kind, finding.console) == (Kind.DANGEROUS, "")

    @pytest.mark.parametrize(
        "let_in, said",
        [
            pytest.param(
                [BEGINNING],
                f'"{BEGINNING}": to begin like https://app.example.com is enough.',
                id="its beginning",
            ),
            pytest.param(
                [BEGINNING, MIDDLE],
                f'"{BEGINNING}" and "{MIDDLE}": to hold app.example.com is enough.',
                id="any place",
            ),
            pytest.param(
                ["https://api.example.com.attacker.example"],
                '"https://api.example.com.attacker.example": the API\'s own name in it is enough.',
                id="the API's own name",
            ),
            pytest.param(
                [],
                "to end like app.example.com, or to hold a part of it, is enough.",
                id="its end",
            ),
        ],
    )
    def test_who_compares_a_part_is_told_which(self, let_in: list[str], said: str) -> None:
        let_in = [LOOK_ALIKE, *let_in]
        others: dict[str | None, Answer] = {one: good(allow_origin=one) for one in let_in}

        finding = only(Says(good(), good(**LISTS), others), "partial-match")

        assert LOOK_ALIKE in finding.what
        assert finding.what.endswith(said)
        assert [(probe.origin or b"").decode() for probe in finding.seen] == let_in

    def test_where_one_request_is_too_few_to_tell_both_are_said(self) -> None:
        pages = [APP, "https://b.example"]

        class Beginning(Server):
            def answer(self, method: str, target: str, origin: str | None) -> Answer:
                is_let_in = (origin or "").startswith(tuple(pages))
                return (
                    good(**LISTS, allow_origin=origin or "") if is_let_in else answer(vary="Origin")
                )

        (finding,) = findings(Beginning(), case(*pages, method="PUT"))

        assert finding.what.endswith(
            f'"{BEGINNING}": to begin like {APP}, or to hold a part of it, is enough.'
        )

    @pytest.mark.parametrize(
        "check, part",
        [
            pytest.param(
                lambda origin: origin.startswith("http://localhost"),
                "to begin like http://localhost is",
                id="startswith",
            ),
            pytest.param(
                lambda origin: "localhost" in origin, "to hold localhost is", id="contains"
            ),
        ],
    )
    def test_the_part_is_what_the_stranger_has_of_it_without_its_port(
        self, check: Callable[[str], bool], part: str
    ) -> None:
        class Partial(Server):
            def answer(self, method: str, target: str, origin: str | None) -> Answer:
                is_let_in = check(origin or "")
                return (
                    good(**LISTS, allow_origin=origin or "") if is_let_in else answer(vary="Origin")
                )

        opened = case("http://localhost:5173", method="PUT")

        (finding,) = findings(Partial(), opened)

        assert (finding.code, part in finding.what) == ("partial-match", True)

    @pytest.mark.parametrize(
        "expression, is_found",
        [
            pytest.param(r"https://app.example.com", True, id="not escaped"),
            pytest.param(r"https://(app|admin).example\.com", True, id="one of two is not"),
            pytest.param(r"https://app\.example\.com", False, id="escaped"),
            pytest.param(r"https://app[.]example[.]com", False, id="in brackets"),
            pytest.param(r"https://([a-z]+\.)*example\.com", False, id="any subdomain"),
        ],
    )
    def test_a_dot_that_stands_for_any_character(self, expression: str, is_found: bool) -> None:
        class Matching(Server):
            def answer(self, method: str, target: str, origin: str | None) -> Answer:
                is_let_in = re.fullmatch(expression, origin or "")
                return (
                    good(**LISTS, allow_origin=origin or "") if is_let_in else answer(vary="Origin")
                )

        told = [(one.code.value, one.kind.value, one.what) for one in findings(Matching())]

        what = 'It lets in "https://appxexample.com" as if it were https://app.example.com.'
        assert told == ([("unescaped-dot", "dangerous", what)] if is_found else [])

    def test_null(self) -> None:
        finding = only(
            Says(good(), good(**LISTS), {"null": good(allow_origin="null")}), "allows-null"
        )

        assert finding.kind is Kind.DANGEROUS

    def test_the_same_name_over_http(self) -> None:
        http = "http://app.example.com"

        finding = only(
            Says(good(), good(**LISTS), {http: good(allow_origin=http)}),
            "allows-insecure-origin",
        )

        assert finding.what == f'It lets in "{http}" as well as {APP}.'

    def test_a_stranger_who_is_answered_by_the_pages_origin_is_not_let_in(self) -> None:
        others: dict[str | None, Answer] = {None: good(), LOOK_ALIKE: good(), "null": good()}

        assert findings(Says(good(), good(**LISTS), others)) == []


class TestVary:
    @pytest.mark.parametrize(
        "fields",
        [
            pytest.param({"vary": "Accept-Encoding, origin"}, id="in small letters, among others"),
            pytest.param({"vary": "*"}, id="a star"),
            pytest.param({"Cache-Control": "private, No-Store"}, id="what no cache keeps"),
        ],
    )
    def test_caches_that_are_told(self, fields: dict[str, str]) -> None:
        page = answer(allow_origin=APP, **fields)

        assert findings(Says(page)) == []

    def test_each_answer_that_tells_no_cache_is_named(self) -> None:
        finding = only(
            Says(answer(allow_origin=APP), good(**LISTS), {None: answer()}), "vary-origin-missing"
        )

        assert [probe.origin for probe in finding.seen] == [None, APP.encode()]

    def test_the_same_for_everybody_needs_no_vary(self) -> None:
        class Fixed(Server):
            def answer(self, method: str, target: str, origin: str | None) -> Answer:
                return answer(allow_origin=APP, **LISTS)

        assert findings(Fixed()) == []


class TestEnds:
    def test_a_page_on_https_and_an_api_without(self) -> None:
        finding = findings(Says(good()), case(APP, url="http://legacy:5000/", method="GET"))[0]

        assert (finding.code, finding.seen) == ("mixed-content", ())
        assert finding.what == "https://app.example.com is https, and http://legacy:5000 is not."

    def test_a_page_that_nobody_named_is_not_held_to_https(self) -> None:
        opened = case(url="http://legacy:5000/", method="GET")

        assert findings(Says(good()), opened) == []

    def test_a_redirect_is_named_and_not_followed(self) -> None:
        moved = Answer(302, (*good().fields, (b"Location", b"https://other.example/")))

        finding = only(Says(moved), "redirect")

        assert finding.what == 'The API redirects to "https://other.example/".'

    def test_to_hang_up_on_a_stranger_is_no_mistake(self) -> None:
        assert findings(Says(good(), others={"null": None})) == []

    def test_an_api_that_refuses_because_of_the_origin(self) -> None:
        finding = only(Says(Answer(403, good().fields)), "refuses-origin")

        assert finding.what == "The API answers 403 to the page's origin, and 200 without one."

    def test_an_error_that_everybody_gets_is_worth_a_note(self) -> None:
        class Locked(Says):
            def answer(self, method: str, target: str, origin: str | None) -> Answer | None:
                told = super().answer(method, target, origin)
                return told and Answer(200 if method == "OPTIONS" else 401, told.fields)

        assert only(Locked(good()), "answer-is-an-error").kind is Kind.NOTE
        assert is_fine(findings(Locked(good())))

    def test_an_error_that_the_page_may_not_read_is_worth_a_note(self) -> None:
        finding = only(Ending(good()), "errors-without-allow-origin", GET)

        assert finding.what == "The page may read what is there, and not the 404 for what is not."
        assert finding.kind is Kind.NOTE
        assert is_fine([finding])

    def test_among_what_is_broken_it_is_never_the_first(self) -> None:
        found = findings(Ending(good(allow_credentials="True")), GET)

        assert [one.code for one in found] == [
            *("credentials-not-true", "errors-without-allow-origin")
        ]
        assert not is_fine(found)

    def test_a_path_that_is_made_up_may_end_in_silence(self) -> None:
        assert findings(Ending(good(), to_missing=None), GET) == []

    def test_what_is_everywhere_tells_nothing_of_errors(self) -> None:
        assert findings(Ending(good(), to_missing=answer(200)), GET) == []


class TestCookies:
    ELSEWHERE = "https://app.example.org"

    def found(
        self, cookie: str, *, credentials: bool = False, origin: str = ELSEWHERE
    ) -> list[Finding]:
        class Setting(Server):
            def answer(self, method: str, target: str, origin: str | None) -> Answer:
                said = {"allow_origin": origin or "none", "vary": "Origin", "Set-Cookie": cookie}
                is_page = (
                    origin is not None and "app.example" in origin and "attacker" not in origin
                )
                if not is_page or (origin or "").startswith("http:"):
                    return answer(vary="Origin", **{"Set-Cookie": cookie})
                return answer(**said, **({"allow_credentials": "true"} if credentials else {}))

        return findings(Setting(), case(origin, method="GET", credentials=credentials))

    @pytest.mark.parametrize(
        "cookie",
        [
            "sid=secret; HttpOnly",
            "sid=secret; SameSite=Lax; Secure",
            "sid=secret; samesite=none",
            " sid =secret;Secure",
        ],
    )
    def test_one_that_stays_home_is_named_without_its_value(self, cookie: str) -> None:
        (finding,) = self.found(cookie, credentials=True)

        assert (finding.code, finding.kind) == ("cookie-stays-home", Kind.BROKEN)
        assert finding.what == 'The cookie "sid" is not SameSite=None and Secure.'

    def test_where_no_cookies_are_meant_it_is_a_note(self) -> None:
        (finding,) = self.found("sid=secret")

        assert finding.kind is Kind.NOTE

    def test_one_that_travels_is_fine(self) -> None:
        assert self.found("sid=secret; SECURE ;SameSite=None", credentials=True) == []

    def test_for_a_page_of_the_same_site_any_is_fine(self) -> None:
        assert self.found("sid=secret", credentials=True, origin=APP) == []


class TestCatalogue:
    @pytest.mark.parametrize("code", Code)
    def test_every_code_says_why_and_what_to_do(self, code: Code) -> None:
        entry = CATALOGUE[code]

        assert entry.why.endswith(".")
        assert entry.gateway.endswith(".")

    @pytest.mark.parametrize("error", SENTENCES)
    def test_the_browsers_sentences_are_those_of_the_documents(self, error: CorsError) -> None:
        assert f"`{SENTENCES[error]}`" in DOCS["docs/cors.md"].text
