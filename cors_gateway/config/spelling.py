"""What an unknown key or name was probably meant to be.

Users come from other gateways and libraries, so that a key is compared without its case,
underscores and hyphens, then with what others call the same thing, then by likeness.
"""

from collections.abc import Iterable
from difflib import get_close_matches
from functools import cache
from typing import NamedTuple

from cors_gateway.config.problems import Path
from cors_gateway.config.schema import settings_blocks

__all__ = ["Suggestion", "known_keys", "suggest_key", "suggest_name"]

SYNONYMS = {
    "allowOrigins": (
        "origins origin allowOrigin allowedOrigins allowedOrigin corsOrigins corsAllowOrigin "
        "accessControlAllowOrigin accessControlAllowOriginList allowOriginPatterns"
    ),
    "allowOriginRegex": (
        "originRegex originsRegex allowOriginsRegex allowOriginsByRegex allowedOriginRegex "
        "allowOriginRegexes accessControlAllowOriginListRegex originPatterns"
    ),
    "allowMethods": (
        "methods allowMethod allowedMethods corsAllowMethods accessControlAllowMethods"
    ),
    "allowHeaders": (
        "headers allowHeader allowedHeaders requestHeaders corsAllowHeaders "
        "accessControlAllowHeaders"
    ),
    "exposeHeaders": (
        "exposedHeaders exposeHeader expose responseHeaders corsExposeHeaders "
        "accessControlExposeHeaders"
    ),
    "allowCredentials": (
        "credentials credentialed allowCredential supportsCredentials withCredentials "
        "corsAllowCredentials accessControlAllowCredentials"
    ),
    "maxAge": "age maxAgeSeconds maxAgeInSeconds corsMaxAge accessControlMaxAge preflightMaxAge",
    "preflight": "preflightContinue optionsPassthrough unmatchedPreflights",
    "missingOrigin": "originFallback allowOriginAbsent",
    "timingAllowOrigins": "timingAllowOrigin",
    "crossOriginResourcePolicy": "corp resourcePolicy crossOriginPolicy",
    "upstreamCors": "upstreamHeaders overrideUpstream",
    "dangerouslyAllowNullOrigin": "allowNullOrigin nullOrigin",
    "dangerouslyReflectAnyOrigin": "reflectAnyOrigin reflectOrigin allowAnyOrigin",
    "mode": "reportOnly shadow shadowEnabled",
    "upstream": "backend backendRefs to proxyPass target service proxyUrl",
    "url": "uri address proxyPass target",
    "host": "hostHeader preserveHost hostname hosts vhost hostnames",
    "stripPrefix": "stripPath rewrite",
    "timeouts": "timeout",
    "pool": "connectionPool keepalive",
    "path": "prefix pathPrefix location paths uri",
    "cookies": "cookie setCookie proxyCookieDomain proxyCookiePath proxyCookieFlags cookieRewrite",
    "redirects": "redirect proxyRedirect rewriteRedirects autoRewrite location",
    "match": "matches rule when",
    "cors": "policy corsPolicy",
    "files": "static staticFiles fileServer serveStatic",
    "root": "dir directory folder documentRoot",
    "fallback": "tryFiles notFound historyApiFallback indexFallback",
    "routes": "route locations rules apis proxies",
    "corsPolicies": "policies corsPolicy cors",
    "defaults": "default",
    "server": "gateway listen",
    "listen": "port bind address host listeners listener ports",
    "tls": "ssl https",
    "ca": (
        "caFile caBundle caCert caCertificate caCertificates cacert rootCa rootCas trustedCa "
        "trustedCertificate proxySslTrustedCertificate verifyCa"
    ),
    "serverName": "sni hostname host proxySslName tlsServerName serverHostname",
    "urls": "servers backends targets endpoints addresses upstreams",
    "certificate": "cert certFile certificateFile chain fullchain sslCertificate tlsCert crt",
    "key": "keyFile privateKey sslCertificateKey tlsKey privkey",
    "log": "logging logs accessLog",
    "level": "logLevel",
    "format": "logFormat",
    "trustedProxies": "trustProxy forwardedAllowIps trusted",
    "drain": "shutdown gracefulShutdown shutdownDelay",
    "expect": "expected result decision validate",
    "set": "add append",
    "remove": "delete unset",
}
"""What others call a key, by our name for it."""


GONE = {
    "allowprivatenetwork": "browsers ask their users for permission instead",
    "privatenetwork": "browsers ask their users for permission instead",
    "crossoriginembedderpolicy": "it belongs to pages, and their own server sends it",
    "crossoriginopenerpolicy": "it belongs to pages, and their own server sends it",
    "addvaryheader": "Vary is always sent where the answer depends on it",
}
"""What needs no key here, by its plain form."""


UNVERIFIED = frozenset(
    [
        "insecure",
        "verify",
        "insecureskipverify",
        "skipverify",
        "tlsinsecureskipverify",
        "proxysslverify",
        "sslverify",
        "verifyssl",
        "tlsverify",
        "rejectunauthorized",
        "skiptlsverify",
        "noverify",
        "checkhostname",
    ]
)
"""What others call the key that switches verification off, in its plain form; here is none."""


class Suggestion(NamedTuple):
    """What to say about an unknown key."""

    why: str
    fix: str
    meant: str | None = None
    """The key beside it that was probably meant."""


def known_keys(path: Path) -> tuple[str, ...] | None:
    """List the keys of the block at ``path``, or ``None`` where there is no such block."""
    for pattern, keys in _blocks():
        if _matches(pattern, path):
            return keys
    return None


def suggest_key(path: Path) -> Suggestion:
    """Say why a key is not known, and what was probably meant.

    Args:
        path: of the unknown key.
    """
    key, keys = str(path[-1]), known_keys(path[:-1]) or ()
    plain = _plain(key)
    for known in keys:
        if _plain(known) == plain:
            return Suggestion("", f"did you mean {known}?", known)
    if plain in GONE:
        return Suggestion(GONE[plain], "remove it")
    if plain in UNVERIFIED:
        fix = "name the authority of its certificate with tls.ca, and its host with tls.serverName"
        return Suggestion("the certificate of an API is always verified", fix)
    for known in keys:
        if plain in _plain(SYNONYMS.get(known, "")).split(" "):
            return Suggestion("", f"did you mean {known}?", known)
    if near := get_close_matches(plain, [_plain(known) for known in keys], n=1, cutoff=0.7):
        known = next(known for known in keys if _plain(known) == near[0])
        return Suggestion("", f"did you mean {known}?", known)
    for _, others in _blocks():
        for known in others:
            if _plain(known) == plain:
                return Suggestion(_say_where(known, path[:-1]), "move it there")
    return Suggestion("", f"the keys here are {', '.join(keys)}")


def _say_where(key: str, block: Path) -> str:
    """Say which block a key belongs to: both, where an API and a listener can have it.

    One inside the ``block`` where the key stands comes first.
    """
    places = [pattern for pattern, keys in _blocks() if key in keys]
    places.sort(key=lambda place: not (block and _matches(place[: len(block)], block)))
    of_listeners = next((place for place in places if "server" in place), None)
    of_an_api = next((place for place in places if "upstream" in place), None)
    if of_listeners is None or of_an_api is None:
        return f"{key} belongs to {_spell(places[0])}"
    return f"of an API it belongs to {_spell(of_an_api)}, of listeners to {_spell(of_listeners)}"


def _matches(pattern: tuple[str, ...], path: Path) -> bool:
    return len(pattern) == len(path) and all(
        wanted in ("*", part) for wanted, part in zip(pattern, path, strict=True)
    )


def _spell(pattern: tuple[str, ...]) -> str:
    text = ".".join(pattern).replace("corsPolicies.*", "corsPolicies.NAME")
    return text.replace(".*", "[]") or "the top level"


def suggest_name(name: str, names: Iterable[str]) -> str:
    """Say which of the names was probably meant."""
    names = list(names)
    if near := get_close_matches(name, names, n=1):
        return f"did you mean {near[0]}?"
    return f"there are {', '.join(names[:10])}" if names else "write it there, or a block here"


def _plain(key: str) -> str:
    return key.replace("_", "").replace("-", "").lower()


@cache
def _blocks() -> tuple[tuple[tuple[str, ...], tuple[str, ...]], ...]:
    return tuple(
        (path, tuple(field.alias or name for name, field in model.model_fields.items()))
        for path, model in settings_blocks()
    )
