"""Which route takes a request: host, then the longest path, then methods, then file order."""

import pickle
from dataclasses import dataclass

import pytest

from cors_gateway.routes import Router
from tests.steps import count_steps


@dataclass(frozen=True, eq=False)
class Route:
    name: str
    path: bytes = b"/"
    host: bytes | None = None
    methods: frozenset[bytes] | None = None


GET = frozenset({b"GET", b"HEAD"})
POST = frozenset({b"POST"})


def names(*routes: Route, host: bytes = b"gw", path: bytes = b"/", method: bytes = b"GET") -> str:
    """Say what a router finds: a name, or what refuses."""
    match = Router(routes).match(host, path, method)
    if match.route is not None:
        return match.route.name
    if match.refused_by is None:
        return "none"
    return f"{match.refused_by.name} refuses, takes {b' '.join(sorted(match.methods)).decode()}"


@pytest.mark.parametrize(
    "path, found",
    [
        (b"/api", "api"),
        (b"/api/", "api"),
        (b"/api/a", "api"),
        (b"/api//a", "api"),
        (b"/api/v1", "v1"),
        (b"/api/v1/x/y/z", "v1"),
        (b"/api/v10", "api"),
        (b"/apix", "none"),
        (b"/api%2Fx", "none"),
        (b"/api;x", "none"),
        (b"/API", "none"),
        (b"/", "none"),
        (b"", "none"),
        (b"//api", "none"),
        (b"*", "none"),
    ],
)
def test_a_path_is_a_prefix_by_whole_segments(path: bytes, found: str) -> None:
    assert names(Route("api", b"/api"), Route("v1", b"/api/v1/"), path=path) == found


@pytest.mark.parametrize("path", [b"/", b"/x", b"//", b"*", b""])
def test_the_root_takes_every_path(path: bytes) -> None:
    assert names(Route("root"), path=path) == "root"


def test_the_host_comes_before_the_path() -> None:
    routes = Route("any", b"/a/b"), Route("named", b"/a", host=b"gw")
    assert names(*routes, path=b"/a/b/c") == "named"
    assert names(*routes, path=b"/a/b/c", host=b"other") == "any"
    assert names(*routes, path=b"/a/x", host=b"other") == "none"


def test_a_path_that_the_named_host_lacks_is_looked_for_under_any_host() -> None:
    routes = Route("any", b"/"), Route("named", b"/a", host=b"gw")
    assert names(*routes, path=b"/b") == "any"


def test_a_route_without_methods_takes_what_the_others_of_its_path_do_not() -> None:
    routes = Route("rest"), Route("get", methods=GET), Route("post", methods=POST)
    assert names(*routes) == "get"
    assert names(*routes, method=b"POST") == "post"
    assert names(*routes, method=b"PUT") == "rest"


def test_of_equal_routes_the_first_in_the_file_counts() -> None:
    assert names(Route("one"), Route("two")) == "one"
    assert names(Route("one", methods=GET), Route("two", methods=GET)) == "one"


def test_a_method_that_a_longer_path_refuses_is_taken_by_a_shorter_one() -> None:
    routes = Route("short", b"/"), Route("long", b"/a", methods=GET)
    assert names(*routes, path=b"/a", method=b"PUT") == "short"


def test_where_only_the_method_does_not_match_the_first_route_of_the_file_says_so() -> None:
    routes = Route("post", b"/a", methods=POST), Route("get", b"/a/", methods=GET)
    assert names(*routes, path=b"/a", method=b"PUT") == "post refuses, takes GET HEAD POST"


def test_a_router_that_has_been_pickled_finds_the_same() -> None:
    """Workers get it so, as a copy."""
    post, get = Route("post", b"/a", methods=POST), Route("get", b"/a", methods=GET)
    router: Router[Route] = pickle.loads(pickle.dumps(Router([post, get])))

    found = router.match(b"gw", b"/a", b"PUT")

    assert (found.refused_by and found.refused_by.name, found.methods) == ("post", GET | POST)
    assert not router.has_another_reading(b"gw", b"/a", b"PUT")


@pytest.mark.row("E9")
def test_ten_thousand_routes_are_searched_in_as_many_steps_as_one() -> None:
    few = Router([Route("r", b"/a/b/c")])
    many = Router([Route("r", b"/a/b/c%d" % number) for number in range(10_000)])
    path = b"/a/b/c77" + b"/x" * 2000

    def steps(router: Router[Route], path: bytes) -> int:
        return count_steps(lambda: router.match(b"gw", path, b"GET"))

    assert steps(many, path) <= steps(few, b"/a/b/c") + 10
    assert steps(many, b"/none" + path) == steps(few, b"/none" + path)
