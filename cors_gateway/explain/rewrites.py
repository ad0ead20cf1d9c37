"""What a route changes on its API's responses, in words: cookies and redirects.

Decides nothing: ``messages/cookies`` and ``messages/redirects`` say what becomes of a line.
"""

from collections.abc import Iterator

from cors_gateway.messages.cookies import CookieRewrite
from cors_gateway.messages.path_map import PathMap
from cors_gateway.snapshot import Route

__all__ = ["tell_rewrites"]


def tell_rewrites(route: Route) -> Iterator[str]:
    """Say in a line each what becomes of the API's cookies and of its redirects."""
    if route.cookies is not None:
        yield f"cookies of the API: {', '.join(_cookie_changes(route.cookies))}"
    if route.redirects is not None:
        place = _place(route.redirects.paths) or "here"
        yield f"redirects of the API to itself become paths {place}"


def _cookie_changes(cookies: CookieRewrite) -> Iterator[str]:
    if cookies.domain is not None:
        domain = cookies.domain.decode()
        yield f"Domain becomes {domain} where there is one" if domain else "Domain is left out"
    if cookies.path is not None:
        yield f"Path becomes {cookies.path.decode()}"
    elif cookies.paths is not None:
        yield f"Path is put {_place(cookies.paths)}"
    if cookies.secure is not None:
        yield "Secure is added" if cookies.secure else "Secure is left out"
    beside = "" if cookies.secure else " beside Secure"
    if cookies.same_site is not None:
        is_none = cookies.same_site == b"None"
        yield f"SameSite={cookies.same_site.decode()} is set{beside if is_none else ''}"
    if cookies.partitioned:
        yield f"Partitioned is added{beside}"


def _place(paths: PathMap) -> str:
    if paths.is_identity:
        return ""
    instead = f" in place of {paths.base_path.decode()}" if paths.base_path else ""
    return f"below {paths.prefix.decode() or '/'}{instead}"
