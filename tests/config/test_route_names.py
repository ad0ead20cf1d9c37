import pytest

from cors_gateway.config.load import load
from tests.cases.configs import READER


def names(*routes: str) -> list[str]:
    text = "routes:\n" + "".join(
        f"- {{{route}, upstream: 'http://a:1', cors: false}}\n" for route in routes
    )
    snapshot = load(text, "f.yaml", READER, lambda domain: False).snapshot
    assert snapshot is not None
    return [route.name for route in snapshot.routes]


@pytest.mark.parametrize(
    "match, name",
    [
        ("path: /", "root"),
        ("path: /api", "api"),
        ("path: /api/v1.2", "api-v1.2"),
        ("path: /caf%C3%A9", "caf-C3-A9"),
        ("path: /, host: api.example.com", "api.example.com"),
        ("path: /v1, host: '[::1]'", "1-v1"),
        (f"path: /{'a' * 80}", "a" * 56),
    ],
)
def test_a_name_is_made_of_host_and_path(match: str, name: str) -> None:
    assert names(f"match: {{{match}}}") == [name]


def test_made_names_differ_from_each_other_and_from_given_ones() -> None:
    assert names(
        "match: {path: /a, methods: [GET]}",
        "match: {path: /a, methods: [PUT]}",
        "name: a-2, match: {path: /b}",
        "match: {path: /a}",
        "name: a, match: {path: /c}",
    ) == ["a-3", "a-4", "a-2", "a-5", "a"]


@pytest.mark.parametrize("name", ["api", "a:b/c.d_e-f", "5a", "_"])
def test_given_names_are_kept(name: str) -> None:
    assert names(f"name: {name}, match: {{path: /}}") == [name]
