"""Where a change stands in the file, and in which words it is told."""

from dataclasses import replace

import pytest

from cors_gateway.config.nodes import Block, Document
from cors_gateway.config.problems import Path, Position
from cors_gateway.cors.settings import PolicySettings
from cors_gateway.explain.changes import block_of, change_at, policy_changes
from tests.explain.asking import FILE, configured

SPA = ("corsPolicies", "spa")
BEFORE = PolicySettings(allow_origins=("https://app.example.com",), allow_methods=("GET", "PUT"))


@pytest.mark.parametrize(
    "path, line_of, told",
    [
        pytest.param((*SPA, "allowMethods"), None, "5: corsPolicies.spa.allowMethods", id="a key"),
        pytest.param((*SPA, "maxAge"), SPA, "2: corsPolicies.spa.maxAge", id="one that is missing"),
        pytest.param(
            ("server", "publicOrigin"), ("server",), "1: server.publicOrigin",
            id="one whose block is missing",
        ),
        pytest.param(("routes", 0, "match"), None, "8: routes[0].match", id="within a list"),
    ],
)  # fmt: skip
def test_a_change_stands_where_it_is_to_be_made(
    path: Path, line_of: Path | None, told: str
) -> None:
    assert str(change_at(configured(), path, "do", line_of=line_of)) == f"f.yaml:{told}: do"


def test_what_came_from_no_file_has_no_line() -> None:
    document = Document("environment", Block(Position("--allow-origin"), {}, {}))
    loaded = replace(configured(), document=document)

    assert str(change_at(loaded, ("routes",), "do")) == "--allow-origin: routes: do"


@pytest.mark.parametrize(
    "after, told",
    [
        pytest.param(
            {"allow_origins": ("https://app.example.com", "https://b.example")},
            ['3: corsPolicies.spa.allowOrigins: add "https://b.example"'],
            id="an item more",
        ),
        pytest.param(
            {"allow_methods": ("GET", "DELETE")},
            ["5: corsPolicies.spa.allowMethods: replace PUT by DELETE, and by the other pages that call it"],
            id="another item",
        ),
        pytest.param(
            {"expose_headers": ("X-A", "X-B")},
            ["2: corsPolicies.spa.exposeHeaders: write it as [X-A, X-B]"],
            id="a list that is not written",
        ),
        pytest.param(
            {"mode": "reportOnly"}, ["2: corsPolicies.spa.mode: set it to reportOnly"], id="a word"
        ),
        pytest.param(
            {"require_origin": True}, ["2: corsPolicies.spa.requireOrigin: set it to true"], id="on"
        ),
        pytest.param({}, [], id="nothing"),
        pytest.param(
            {"allow_methods": ("GET", "PUT", "DELETE"), "csrf_guard": True},
            ["5: corsPolicies.spa.allowMethods: add DELETE",
             "2: corsPolicies.spa.csrfGuard: set it to true"],
            id="two keys",
        ),
    ],
)  # fmt: skip
def test_each_difference_of_two_policies_is_a_change(
    after: dict[str, object], told: list[str]
) -> None:
    changed = replace(BEFORE, **after)  # type: ignore[arg-type]
    changes = policy_changes(configured(), SPA, BEFORE, changed)

    assert list(map(str, changes)) == [f"f.yaml:{line}" for line in told]


def test_what_is_switched_off_is_set_to_false() -> None:
    before = replace(BEFORE, require_origin=True)

    (change,) = policy_changes(configured(), SPA, before, BEFORE)

    assert change.text == "set it to false"


@pytest.mark.parametrize(
    "cors, block",
    [
        pytest.param("spa", SPA, id="a name"),
        pytest.param("{allowOrigins: [https://b.example]}", ("routes", 1, "cors"), id="its own"),
        pytest.param("false", ("routes", 1, "cors"), id="none"),
        pytest.param("", ("defaults", "cors"), id="nothing said"),
    ],
)
def test_which_block_is_a_routes_policy(cors: str, block: Path) -> None:
    text = FILE.replace("{cors: spa}", "{cors: {allowOrigins: [https://a.example]}}")
    said = f", cors: {cors}" if cors else ""
    loaded = configured(f"{text}  - {{match: {{path: /x}}, upstream: http://h{said}}}\n")
    assert loaded.snapshot is not None

    assert block_of(loaded, loaded.snapshot, loaded.snapshot.routes[1]) == block
