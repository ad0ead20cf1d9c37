"""One route in words: where its requests go now, what of them passes, what changes on the way.

Who may call is said by ``policies``, for all routes with the same policy at once.

Wider is what a client may do through the gateway, also with credentials that it lends, or where it
hides the page's origin from the API. Where requests go is said and not judged, because nobody here
knows what is there.
"""

from collections.abc import Iterator, Mapping
from pathlib import PurePath
from typing import Any

from cors_gateway.config.cookie_schema import CookieSettings
from cors_gateway.config.files_schema import FilesSettings
from cors_gateway.config.load import Loaded
from cors_gateway.config.route_schema import RouteSettings, UpstreamSettings
from cors_gateway.config.substitution import SECRET_NAME
from cors_gateway.differences.change import Change, join_names
from cors_gateway.differences.keys import Side, changed_keys
from cors_gateway.snapshot import Route

__all__ = ["compare_routes", "more_that_passes", "spell_match"]

SAID_ELSEWHERE = frozenset(
    {
        ("name",),
        ("cors",),
        ("upstream", "url"),
        ("upstream", "urls"),
        ("upstream", "upgrades"),
        ("upstream", "headers"),
        ("files", "root"),
    }
)

LOOSER: Mapping[tuple[str, ...], tuple[tuple[str, ...], str]] = {
    ("cookies", "sameSite"): (
        ("Strict", "Lax", "keep", "None"),
        "pages of other sites may send the cookies",
    ),
    ("cookies", "secure"): (
        ("add", "keep", "remove"),
        "the cookies may be sent without TLS",
    ),
}
"""Keys whose values stand in an order, and what may be with a later one."""

UNWRITTEN: Mapping[tuple[str, ...], str] = {
    ("match", "host"): "every host",
    ("match", "methods"): "every method",
    ("upstream", "healthCheck", "status"): "200 to 299",
}
"""What it means where nothing is written."""

BLINDS = "the API cannot refuse by the page's own origin"


def compare_routes(
    old: Route, new: Route, before: tuple[Loaded, int], after: tuple[Loaded, int]
) -> Iterator[Change]:
    """Say what changes on one route, but for its policy.

    Args:
        old: the route as it was.
        new: the route as it is.
        before: where it stood: the configuration, and the place among its routes.
        after: where it stands.
    """
    if _settings(*before) == _settings(*after):
        return
    was, becomes = _side(*before), _side(*after)
    yield from _compare_places(old, new)
    yield from _compare_passing(old, new)
    yield from changed_keys(
        was, becomes, without=SAID_ELSEWHERE, unwritten=UNWRITTEN, why_wider=_why_wider
    )


def more_that_passes(old: Route, new: Route) -> list[str]:
    """Say what clients may do at the API by one route that they may not by another."""
    more = [change.text for change in _compare_passing(old, new) if change.is_wider]
    if new.origin_field is not None and new.origin_field != old.origin_field:
        more.append(BLINDS)
    return more


def spell_match(route: Route) -> str:
    """Write which requests a route takes: ``GET, PUT api.example.com/orders``."""
    methods = ", ".join(sorted(method.decode() for method in route.methods or ()))
    host = "" if route.host is None else route.host.decode()
    return f"{methods}{' ' if methods else ''}{host}{route.path.decode()}"


def _settings(loaded: Loaded, index: int) -> RouteSettings:
    return RouteSettings() if loaded.settings is None else loaded.settings.routes[index]


def _side(loaded: Loaded, index: int) -> Side:
    value = _settings(loaded, index).model_dump(by_alias=True)
    # What is not written is compared by what it stands for.
    for key, block in (
        ("upstream", UpstreamSettings()),
        ("cookies", CookieSettings()),
        ("files", FilesSettings()),
    ):
        value[key] = value[key] or block.model_dump(by_alias=True)
    return Side(value, ("routes", index), loaded)


def _compare_places(old: Route, new: Route) -> Iterator[Change]:
    """Compare where requests go."""
    was, becomes = old.upstream, new.upstream
    is_folder = was.files is not None and becomes.files is not None
    key = "files" if becomes.files is not None else "upstream"
    path = ("files", "root") if becomes.files is not None else ("upstream", "url")
    if was.url != becomes.url:
        # The key says already which of them are folders.
        urls = (each.url.removeprefix(f"{key}:") for each in (was, becomes))
        text = f"{key}: {' → '.join(urls)}"
        # Only of a folder is it known what is in another one.
        is_wider = (
            is_folder
            and was.files is not None
            and becomes.files is not None
            and PurePath(becomes.files.root) in PurePath(was.files.root).parents
        )
        yield Change(f"{text}: it holds the other" if is_wider else text, is_wider, path)
    elif not is_folder and (was.endpoints, was.base_path) != (becomes.endpoints, becomes.base_path):
        yield Change(f"{key}: leads elsewhere, by what is not shown", path=path)


def _compare_passing(old: Route, new: Route) -> Iterator[Change]:
    """Compare what of a client's request reaches the API."""
    for name in sorted(new.upgrades - old.upgrades):
        yield Change(f"clients may switch to {name.decode()} now", True, ("upstream", "upgrades"))  # noqa: FBT003
    for name in sorted(old.upgrades - new.upgrades):
        text = f"clients may not switch to {name.decode()} any more"
        yield Change(text, path=("upstream", "upgrades"))
    was, becomes = _by_name(old), _by_name(new)
    where = ("upstream", "headers")
    gained = [name for key, (name, _) in becomes.items() if key not in was]
    credentials = [name for name in gained if _is_credential(name)]
    if credentials:
        # Whoever reaches the route is, for the API, whom they belong to.
        text = f"{_headers(credentials)} set now, for everybody who reaches the route"
        yield Change(text, True, where)  # noqa: FBT003
    if others := [name for name in gained if name not in credentials]:
        yield Change(f"{_headers(others)} set now", path=where)
    other = [name for key, (name, value) in becomes.items() if key in was and was[key][1] != value]
    if other:
        yield Change(f"{_headers(other)} set to another value", path=where)
    lost = [name for key, (name, _) in was.items() if key not in becomes]
    if lost:
        yield Change(f"{_headers(lost)} not set any more", path=where)
    removed = sorted(new.remove_fields - old.remove_fields)
    if removed:
        yield Change(f"{_headers(removed)} removed now where a client sends it", path=where)
    passing = sorted((old.remove_fields | was.keys()) - (new.remove_fields | becomes.keys()))
    if passing:
        # An API may believe such a header, because only the gateway could set it.
        text = f"{_headers(passing)} passed on now where a client sends it"
        yield Change(text, True, where)  # noqa: FBT003


def _by_name(route: Route) -> dict[bytes, tuple[bytes, bytes]]:
    return {name.lower(): (name, value) for name, value in route.set_fields}


def _is_credential(name: bytes) -> bool:
    spelled = name.decode("ascii", "replace")
    return SECRET_NAME.search(spelled) is not None or "cookie" in spelled.lower()


def _headers(names: list[bytes]) -> str:
    spelled = join_names([name.decode("ascii", "replace") for name in names])
    return f"header {spelled} is" if len(names) == 1 else f"headers {spelled} are"


def _why_wider(key: tuple[str, ...], old: Any, new: Any) -> str:
    if key == ("upstream", "origin"):
        return "" if new == "keep" else BLINDS
    order, why = LOOSER.get(key, ((), ""))
    return why if order and order.index(old) < order.index(new) else ""
