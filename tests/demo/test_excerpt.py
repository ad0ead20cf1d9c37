"""Which lines of a file are shown for a policy's keys."""

import pytest

from cors_gateway.demo.excerpt import excerpt

NAMED = """\
corsPolicies:
  # Pages.
  spa:
    # Who.
    allowOrigins:
      # One.
      - https://one.example

      - https://two.example   # two
    allowMethods: [GET,
      PUT]
    maxAge: 600
  other:
    allowOrigins: [https://three.example]
"""
SAME_DEPTH = """\
defaults:
  cors:
    allowOrigins:
    - https://one.example
    allowMethods: [GET]
"""
IN_BRACES = """\
routes:
  - match: {path: /}
    cors: {allowMethods: [GET], allowOrigins: [https://one.example]}
    upstream: http://legacy
"""
OF_A_ROUTE = """\
routes:
  - name: first
    cors: false
  - name: legacy
    match: {path: /}
    cors:
      allowOrigins: [https://one.example]
    upstream: http://legacy
"""


@pytest.mark.parametrize(
    "text, number, keys, shown",
    [
        pytest.param(
            NAMED,
            5,
            ["allowOrigins"],
            {1: "", 3: "", 5: "allowOrigins", 7: "allowOrigins", 9: "allowOrigins"},
            id="a list over several lines, without comments",
        ),
        pytest.param(
            NAMED,
            5,
            ["allowMethods"],
            {1: "", 3: "", 10: "allowMethods", 11: "allowMethods"},
            id="brackets over several lines",
        ),
        pytest.param(NAMED, 5, ["allowHeaders"], {1: "", 3: ""}, id="a key that is not there"),
        pytest.param(
            SAME_DEPTH,
            3,
            ["allowOrigins"],
            {1: "", 2: "", 3: "allowOrigins", 4: "allowOrigins"},
            id="items as far left as their list",
        ),
        pytest.param(
            IN_BRACES, 3, ["allowOrigins"], {1: "", 2: "", 3: "allowOrigins"}, id="in braces"
        ),
        pytest.param(
            OF_A_ROUTE,
            7,
            ["allowOrigins"],
            {1: "", 4: "", 6: "", 7: "allowOrigins"},
            id="a route's own block",
        ),
        pytest.param(NAMED, 2, ["allowOrigins"], {}, id="no line that says something"),
        pytest.param(NAMED, 99, ["allowOrigins"], {}, id="no line of this file"),
    ],
)
def test_the_lines_that_decide(
    text: str, number: int, keys: list[str], shown: dict[int, str]
) -> None:
    lines = excerpt(text, number, keys)

    assert {line.number: line.key for line in lines} == shown
    assert [line.text for line in lines] == [text.splitlines()[at - 1] for at in shown]
