"""What a route changes on its API's responses, as it runs: cookies and redirects.

How they change is decided in ``messages/``; here it is decided what the keys mean together, and
what can have no effect.
"""

from cors_gateway.config.cookie_schema import CookieSettings
from cors_gateway.config.findings import Findings
from cors_gateway.config.problems import Path
from cors_gateway.cors.public_suffixes import IsPublicSuffix
from cors_gateway.messages.cookies import CookieRewrite
from cors_gateway.messages.path_map import PathMap
from cors_gateway.messages.redirects import RedirectRewrite, read_authority
from cors_gateway.snapshot import Upstream

__all__ = ["check_cookies", "compile_cookies", "compile_redirects"]

SECURES = {"keep": None, "add": True, "remove": False}


def check_cookies(
    cookies: CookieSettings | None,
    path: Path,
    findings: Findings,
    is_public_suffix: IsPublicSuffix,
) -> None:
    """Report what a ``cookies`` block contradicts itself in, and what of it has no effect.

    Args:
        cookies: the block.
        path: of the block.
        findings: where to report.
        is_public_suffix: whether names below a domain belong to different parties.
    """
    if cookies is None:
        return
    if cookies.domain not in {"keep", "remove"} and is_public_suffix(cookies.domain.lower()):
        why = "anyone can register names below it, and browsers take no cookie for all of them"
        fix = "write a domain of your own, or remove"
        findings.error((*path, "domain"), "{value} is a public suffix", why, fix)
    if cookies == CookieSettings() and not findings.is_touched(path):
        fix = "say what is to change, or remove it"
        findings.warning(path, "{key} has no effect", "it changes nothing", fix, at_key=True)
    needing = {"sameSite": cookies.same_site == "None", "partitioned": cookies.partitioned == "add"}
    for key in (key for key, needs in needing.items() if needs):
        value = "None" if key == "sameSite" else "add"
        if cookies.secure == "remove":
            what = f"{{value}} contradicts {key}: {value}"
            why = "browsers refuse such a cookie without Secure"
            findings.error((*path, "secure"), what, why, "write secure: add")
            return
        if cookies.secure == "keep" and not findings.is_touched((*path, "secure")):
            what = "{value} has no effect on cookies without Secure"
            why = "browsers would refuse them"
            findings.warning((*path, key), what, why, "write secure: add beside it")


def compile_cookies(
    cookies: CookieSettings | None, paths: PathMap, path: Path, findings: Findings
) -> CookieRewrite | None:
    """Compile a ``cookies`` block; ``None`` where no cookie can change.

    Args:
        cookies: the block.
        paths: how the paths of the API begin for a client.
        path: of the block.
        findings: where to report.
    """
    if cookies is None:
        return None
    is_auto = cookies.path == "auto"
    if is_auto and paths.is_identity:
        why = "a cookie's path is the same for the API and its clients"
        fix = "write stripPrefix: true below upstream, or remove it"
        findings.warning((*path, "path"), "{value} has no effect", why, fix)
        is_auto = False
    domain = {"keep": None, "remove": b""}.get(cookies.domain, cookies.domain.encode())
    rewrite = CookieRewrite(
        domain=domain,
        path=None if cookies.path in {"keep", "auto"} else cookies.path.encode(),
        paths=paths if is_auto else None,
        secure=SECURES[cookies.secure],
        same_site=None if cookies.same_site == "keep" else cookies.same_site.encode(),
        partitioned=cookies.partitioned == "add",
    )
    return None if rewrite == CookieRewrite() else rewrite


def compile_redirects(
    upstream: Upstream, host_field: bytes | None, paths: PathMap
) -> RedirectRewrite:
    """Compile ``redirects: rewrite``.

    Args:
        upstream: the API.
        host_field: the ``Host`` that it is sent, where that is not the client's.
        paths: how its paths begin for a client.
    """
    names = [] if host_field is None else [host_field]
    for endpoint in upstream.endpoints:
        # That of a unix socket is empty, and makes no authority.
        host = f"[{endpoint.host}]" if ":" in endpoint.host else endpoint.host
        names.append(f"{host}:{endpoint.port}".encode())
    authorities = frozenset(filter(None, map(read_authority, names)))
    return RedirectRewrite(authorities, paths)
