"""Where the gateway itself answers: folders, and requests that no route takes.

There no policy means that no page of another origin may read anything.
"""

import pytest

from tests.differences.comparing import routed, said

A = "https://a.example.com"
API = "the API's own CORS headers decide"
UNBLOCKED = "requests of other origins are not refused any more"
NOBODY = "no page of another origin may read the answers"


def cors(rest: str = "") -> str:
    """Write a policy."""
    return f"{{allowOrigins: [{A}]{', ' * bool(rest)}{rest}}}"


WITHOUT_AN_API = [
    ("none any more", cors(), "false", [f"cors: a policy → false: {NOBODY}"]),
    (
        "none any more that blocked",
        cors("onDisallowedOrigin: block"),
        "false",
        [
            f"wider: cors: a policy → false: {NOBODY}; {UNBLOCKED}",
        ],
    ),
    (
        "none any more that kept others from embedding",
        cors("crossOriginResourcePolicy: same-origin"),
        "false",
        [f"wider: cors: a policy → false: {NOBODY}; pages of other origins may embed them"],
    ),
    ("one at last", "false", cors(), [f"wider: cors: false → a policy: {A} may call"]),
    (
        "one that is only logged",
        "false",
        cors("mode: reportOnly"),
        [
            f"cors: false → a policy: {NOBODY}; {A} could, if the mode were enforce, call",
        ],
    ),
    (
        "the same, only logged",
        cors(),
        cors("mode: reportOnly"),
        [f"mode: enforce → reportOnly: {NOBODY}"],
    ),
    (
        "the same, not only logged",
        cors("mode: reportOnly"),
        cors(),
        [f"wider: mode: reportOnly → enforce: {A} may call"],
    ),
]


@pytest.mark.parametrize(
    "old, new, lines",
    [pytest.param(old, new, lines, id=title) for title, old, new, lines in WITHOUT_AN_API],
)
def test_without_an_api_no_policy_means_that_nobody_reads(
    old: str, new: str, lines: list[str]
) -> None:
    folder = "files: {root: ./site}"
    other = f"routes: [{{match: {{path: /a}}, upstream: http://h, cors: {cors()}}}]\n"

    on_a_route = said(routed(old, folder), routed(new, folder))
    on_none = said(f"{other}defaults: {{cors: {old}}}\n", f"{other}defaults: {{cors: {new}}}\n")

    for subject, found in (("route api", on_a_route), ("requests that no route takes", on_none)):
        assert found == [
            f"{'wider: ' * line.startswith('wider: ')}{subject}: {line.removeprefix('wider: ')}"
            for line in lines
        ]


def test_a_policy_that_is_gone_is_wider_for_the_api_alone() -> None:
    folder = "  - {name: site, match: {path: /s}, files: {root: ./site}, cors: spa}\n"
    before = f"{routed('spa')}{folder}corsPolicies: {{spa: {cors()}}}\ndefaults: {{cors: spa}}\n"
    before = before.replace("routes: [{", "routes:\n  - {").replace("}]\n", "}\n", 1)

    assert said(before, before.replace("cors: spa", "cors: false")) == [
        f"wider: route api: cors: a policy → false: nothing is refused, and {API}",
        f"route site, requests that no route takes: cors: a policy → false: {NOBODY}",
    ]


def test_a_folder_within_a_route_is_not_wider_where_no_other_page_may_read_it() -> None:
    api = f"  - {{name: all, match: {{path: /}}, upstream: http://h, cors: {cors()}}}\n"
    folder = "  - {name: site, match: {path: /s}, files: {root: ./site}, cors: false}\n"

    [line] = said(f"routes:\n{api}", f"routes:\n{api}{folder}")

    assert line == f"route site is new: /s → files:./site, {NOBODY}; route all took that before"
