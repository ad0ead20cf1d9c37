"""Hostile origins: every string of the attack list, against three ways to write a policy.

``attack N`` is class N of the list. Every origin is tried as a preflight and as a GET with
cookies. Where a string is harmless under a wildcard (a subdomain of it), it is tried against the
exact policies only. No page can send most of these: a client that writes its own Origin is no
browser, but a proxy that can be talked into reflecting it serves one.
"""

from collections.abc import Iterator

from tests.cases.fetch_case import Case, actual, preflight, refused, unreadable
from tests.judge import Verdict

__all__ = ["APP", "COOKIES", "EXACT", "HOSTILE_ORIGINS", "POLICIES", "WIDE"]

APP = "https://app.example.com"
COOKIES = {"allowCredentials": True}
EXACT = {"allowOrigins": [APP]} | COOKIES
WIDE = {
    "allowOrigins": [
        APP,
        "https://*.example.com",
        "http://localhost:*",
        "https://pr-*.preview.example.net",
    ]
} | COOKIES
EXPRESSION = {"allowOriginRegex": [r"https://(app|www)\.example\.com"]} | COOKIES
POLICIES = {"exact": EXACT, "wide": WIDE, "expression": EXPRESSION}
EVERY = ("exact", "wide", "expression")
NARROW = ("exact", "expression")

_SPECIAL = "-\"{}+^!~;|&'()*,$=`_<>@\\#?/:%[] "
_GLUED = [f"{APP}{char}.evil.com" for char in _SPECIAL]
_LABELS = [f"{APP}.{char}.evil.com" for char in _SPECIAL]
_ENCODED = [f"{APP}%60.evil.com", f"{APP}%0b.evil.com", f"{APP}.%0b.evil.com", f"{APP}%00.evil.com"]
_BEFORE_SUFFIX = [f"https://evil.com{char}.example.com" for char in "/\\#?@:&,;%` "]

HOSTILE: tuple[tuple[int, str, tuple[str, ...], list[str | bytes]], ...] = (
    (1, "a stranger", EVERY, ["https://evil.com", "http://evil.com", "https://evil.example"]),
    (2, "null", EVERY, ["null", "NULL", "Null", " null", "null "]),
    (3, "an origin that begins with an allowed one", EVERY, [
        f"{APP}.evil.com", "https://app.example.comevil.com", f"{APP}.tk",
        "https://app.example.computer",
    ]),
    (4, "an origin that ends with an allowed one", NARROW, [
        "https://evilapp.example.com", "https://d3vapp.example.com",
    ]),
    (4, "an origin that ends with an allowed one", EVERY, [
        "https://evilexample.com", "https://notexample.com", "http://sexample.com",
    ]),
    (5, "a part of an allowed origin", NARROW, ["https://pp.example.com"]),
    (5, "a part of an allowed origin", EVERY, ["https://xample.com", "https://example.co"]),
    (6, "another character for a dot", EVERY, [
        "https://appxexample.com", "https://app.examplexcom", "https://appaexampleacom",
    ]),
    (7, "another scheme", EVERY, [
        "http://app.example.com", "http://sub.example.com", "ws://app.example.com",
        "ftp://app.example.com",
    ]),
    (8, "another port", EVERY, [
        f"{APP}:8443", f"{APP}:443", f"{APP}:0", f"{APP}:65536", f"{APP}:08443", f"{APP}:",
        f"{APP}:443x", f"{APP}:-1", f"{APP}:80", "http://localhost:80", "http://localhost:",
        "http://localhost:65536", "http://localhost:03000", "http://localhost:3000x",
        "http://localhost:-1", "http://localhost:+80",
    ]),
    (9, "no subdomain of the wildcard", EVERY, [
        "https://example.com", "https://.example.com", "https://..example.com",
        "https://a..example.com", "https://*.example.com",
    ]),
    (10, "a special character", EVERY, [*_GLUED, *_LABELS, *_ENCODED, *_BEFORE_SUFFIX]),
    (11, "localhost as a part", EVERY, [
        "http://localhost.evil.com", "https://localhost.evil.com:3000",
        "http://localhost:3000.evil.com", "http://localhost:3000@evil.com",
        "http://localhosts:3000", "http://evil.localhost", "https://localhost:3000",
    ]),
    (12, "another spelling of loopback", EVERY, [
        "http://127.0.0.1:3000", "http://[::1]", "http://[::ffff:7f00:1]", "http://127.1",
        "http://0.0.0.0", "http://0x7f000001", "http://2130706433", "http://[::1]:3000",
    ]),
    (13, "a part of a URL that no origin has", EVERY, [
        f"{APP}/", f"{APP}/path", f"{APP}?x", f"{APP}#x", "https://user@app.example.com",
        f"{APP}@evil.com", "https://evil.com#app.example.com",
        r"https://evil.com\@app.example.com", rf"{APP}\.evil.com",
        "https://user:pass@app.example.com",
    ]),
    (14, "no origin at all", EVERY, [
        "https://example.com].evil.com", "https://[", "https://[]", "https://[::1", "https://", "://",
        "//app.example.com", "app.example.com", "", "https:app.example.com", "https:/app.example.com",
        f"https://{'a' * 8192}.example.com", b"https://\xff\xfe.example.com",
        f"{APP}\x00", "https://app\t.example.com", f"{APP},https://evil.com", f"{APP},{APP}",
        f"{APP} https://evil.com", f"{APP}, *", "*", "https://", "javascript:alert(1)",
        "data:,x", "file:///etc/passwd", "file://", "about:blank",
    ]),
    (15, "upper case", EVERY, [
        "HTTPS://APP.EXAMPLE.COM", "https://App.Example.com", "Https://app.example.com",
        "https://app.example.coM",
    ]),
    (16, "a dot at the end", EVERY, [f"{APP}.", "https://evil.com.", f"{APP}..", f"{APP}.:443"]),
    (17, "a name outside ASCII", EVERY, [
        "https://\u0430pp.example.com", "https://xn--pp-6kc.example.net",
        "https://app.example\uff0ecom", "https://app.example.com\uff0f.evil.com",
        "https://app.example\u3002com", "https://\u00df.example.com",
        "https://app.example.com\u2025.evil.com", "https://\u017fapp.example.com",
        b"https://\xe4pp.example.com",
    ]),
    (19, "an escape from the wildcard's label", EVERY, [
        "https://pr-x.evil.preview.example.net", "https://pr-.preview.example.net",
        "https://pr-1.preview.example.net.evil.com", "https://xpr-1.preview.example.net",
        "https://pr-1.preview.example.com.evil.net", "https://pr-A.preview.example.net",
        "https://pr-a_b/.preview.example.net", "https://preview.example.net",
        "https://pr-1.preview.example.net:8443", "http://pr-1.preview.example.net",
    ]),
    (28, "a control character", EVERY, [
        f"{APP}\r\nX-Injected: 1", f"{APP}\nSet-Cookie: a=b", f"{APP}\x1b[31m", f"{APP}%0d%0aX: 1",
        f"{APP}\x7f", f"{APP}\x0b",
    ]),
)  # fmt: skip


def _cases() -> Iterator[Case]:
    seen: set[tuple[bytes, str]] = set()
    for number, what, names, origins in HOSTILE:
        for origin in origins:
            value = origin if isinstance(origin, bytes) else origin.encode()
            for name in names:
                if (value, name) in seen:
                    continue
                seen.add((value, name))
                shown = repr(value)[1:] if len(value) < 100 else f"{len(value)} bytes"
                for kind, request, answer in (
                    ("preflight", preflight(value), refused()),
                    ("GET", actual("GET", value), unreadable()),
                ):
                    yield Case(
                        sentence=f"{number}. {what} is refused by the {name} policy: {shown}, {kind}",
                        provenance=f"attack {number}",
                        policy=POLICIES[name],
                        request=request,
                        answer=answer,
                        cookies=True,
                        browser=Verdict.NO_ALLOW_ORIGIN,
                    )


HOSTILE_ORIGINS: tuple[Case, ...] = tuple(_cases())
