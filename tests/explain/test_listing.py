from cors_gateway.explain.listing import name_policy, routes_as_data, routes_in_order
from tests.explain.asking import configured

FILE = """\
corsPolicies:
  spa: {allowOrigins: [https://app.example.com]}
defaults: {cors: spa}
routes:
  - {name: rest, match: {path: /}, upstream: http://h}
  - {name: other-methods, match: {path: /a}, upstream: http://h}
  - {name: methods, match: {path: /a, methods: [PUT, GET]}, upstream: http://h/v1, cors: false}
  - {name: z, match: {path: /, host: Z.example.com}, upstream: http://h}
  - name: b
    match: {path: /b, host: b.example.com}
    upstream: {url: http://h, stripPrefix: true}
    cors: {allowOrigins: [https://b.example.com]}
"""


def test_routes_are_in_the_order_in_which_they_are_tried() -> None:
    snapshot = configured(FILE).snapshot
    assert snapshot is not None

    names = [route.name for route in routes_in_order(snapshot)]

    assert names == ["b", "z", "methods", "other-methods", "rest"]


def test_a_row_says_what_a_route_takes_and_where_it_goes() -> None:
    snapshot = configured(FILE).snapshot
    assert snapshot is not None

    rows = {row["name"]: row for row in routes_as_data(snapshot)}

    assert rows["b"] == {
        "name": "b",
        "host": "b.example.com",
        "path": "/b",
        "methods": None,
        "upstream": "http://h",
        "stripPrefix": True,
        "policy": "routes[4].cors",
        "source": "f.yaml:9",
    }
    assert rows["methods"]["methods"] == ["GET", "PUT"]
    assert (rows["methods"]["policy"], rows["rest"]["policy"]) == (None, "spa")


def test_a_policy_has_a_name_or_a_place_or_there_is_none() -> None:
    snapshot = configured(FILE).snapshot
    assert snapshot is not None

    assert [name_policy(route) for route in snapshot.routes] == [
        "spa",
        "spa",
        "none",
        "spa",
        "routes[4].cors",
    ]
