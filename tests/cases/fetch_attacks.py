"""The attack list: what must not get in and what must not come back, class by class.

``attack N`` is class N of the list; its hostile origins have a file of their own.
"""

from collections.abc import Mapping
from typing import Any

from tests.cases.fetch_case import (
    EVIL,
    PREFLIGHT_VARY,
    Answer,
    Case,
    Request,
    Stage,
    Upstream,
    actual,
    granted,
    malformed,
    options,
    preflight,
    readable,
    refused,
    unreadable,
)
from tests.cases.fetch_hostile_origins import APP, COOKIES, EXACT, HOSTILE_ORIGINS, POLICIES
from tests.judge import Verdict

__all__ = ["ATTACKS"]

OUT = Verdict.NO_ALLOW_ORIGIN


def _attack(
    number: int,
    sentence: str,
    policy: Mapping[str, Any],
    request: Request,
    answer: Answer,
    browser: Verdict = OUT,
    **more: Any,
) -> Case:
    return Case(
        sentence=f"{number}. {sentence}",
        provenance=f"attack {number}",
        policy=policy,
        request=request,
        answer=answer,
        browser=browser,
        **more,
    )


ORIGIN = (b"Origin", APP.encode())
PUT = (b"Access-Control-Request-Method", b"PUT")
TWICE = {
    "the same origin": (ORIGIN, ORIGIN),
    "a stranger after an allowed origin": (ORIGIN, (b"Origin", EVIL)),
    "an allowed origin after a stranger": ((b"Origin", EVIL), ORIGIN),
    "an empty line before an allowed origin": ((b"Origin", b""), ORIGIN),
}

LISTS = EXACT | {"allowMethods": ["GET", "PUT"], "allowHeaders": ["X-A", "X-B"]}
LISTS_GRANTED = granted(APP, methods="GET, PUT", headers="X-A, X-B", credentials=True)
STARS = EXACT | {"allowMethods": ["*"], "allowHeaders": ["*"]}


def _announced(name: str, *values: bytes) -> tuple[tuple[bytes, bytes], ...]:
    return tuple((f"Access-Control-Request-{name}".encode(), value) for value in values)


FLOODS = {
    "a mebibyte of commas": (b"," * 2**20,),
    "ten thousand names": (b",".join(b"x%d" % n for n in range(10_000)),),
    "a mebibyte of spaces": (b"x-a," + b" " * 2**20 + b"x-b",),
    "a name of a mebibyte": (b"x" * 2**20,),
    "two hundred lines": tuple(b"x-%d" % n for n in range(200)),
    "two hundred lines of one allowed name": (b"x-a",) * 200,
}

BAD_METHODS = {
    "get": b"get",
    "TRACE": b"TRACE",
    "CONNECT": b"CONNECT",
    "TRACK": b"TRACK",
    "GET, PUT": b"GET, PUT",
    "GET, a tab and PUT": b"GET\tPUT",
    "ten kibibytes": b"A" * 10240,
    "a star": b"*",
    "an escape sequence": b"\x1b[2J",
    "a line break and a field": b"PUT\r\nX-Injected: 1",
    "an encoded line break": b"PUT%0d%0aX-Injected:1",
}

BAD_HEADERS = {
    "a line break and a field": b"x-a\r\nSet-Cookie: a=b",
    "a bare line feed": b"x-a\nX-Injected: 1",
    "an escape sequence": b"x-a,\x1b[2J",
    "a colon": b"x-a:1",
    "a space inside": b"x-a x-b",
    "a quotation mark": b'"x-a"',
    "a byte outside ASCII": b"x-\xe4",
    "a NUL": b"x-a\x00",
    "an encoded line break in brackets": b"<%0d%0a>",
}

ADMIN = {"allowOrigins": ["https://admin.example.com"]} | COOKIES
OPEN = {"allowOrigins": ["*"]}
TWO_ROUTES = (
    {"match": {"path": "/admin"}, "cors": ADMIN},
    {"match": {"path": "/"}, "cors": OPEN},
)
AMBIGUOUS = Answer(400, {})

UPSTREAM_FIELDS: dict[str, tuple[tuple[bytes, bytes], ...]] = {
    "a star": ((b"Access-Control-Allow-Origin", b"*"),),
    "two origins in two lines": (
        (b"Access-Control-Allow-Origin", b"https://a.example"),
        (b"Access-Control-Allow-Origin", APP.encode()),
    ),
    "null": ((b"Access-Control-Allow-Origin", b"null"),),
    "credentials": ((b"Access-Control-Allow-Credentials", b"true"),),
    "the stranger and credentials": (
        (b"Access-Control-Allow-Origin", EVIL),
        (b"Access-Control-Allow-Credentials", b"true"),
    ),
    "a list with a comma": (
        (b"Access-Control-Allow-Origin", b"%s, %s" % (EVIL, APP.encode())),
    ),
    "names in odd case": (
        (b"aCCESS-cONTROL-aLLOW-oRIGIN", EVIL),
        (b"ACCESS-CONTROL-ALLOW-CREDENTIALS", b"true"),
        (b"access-control-expose-headers", b"Set-Cookie"),
    ),
    "every field of a preflight": (
        (b"Access-Control-Allow-Methods", b"*"),
        (b"Access-Control-Allow-Headers", b"*"),
        (b"Access-Control-Max-Age", b"86400"),
        (b"Access-Control-Allow-Private-Network", b"true"),
    ),
}  # fmt: skip

UPGRADE = (
    (b"Connection", b"Upgrade"),
    (b"Upgrade", b"websocket"),
    (b"Sec-WebSocket-Version", b"13"),
    (b"Sec-WebSocket-Key", b"dGhlIHNhbXBsZSBub25jZQ=="),
)
JSON_AS_TEXT = ((b"Content-Type", b"text/plain"), (b"Content-Length", b"0"))

ATTACKS: tuple[Case, ...] = (
    *HOSTILE_ORIGINS,
    *(
        _attack(14, f"two Origin lines are no request: {what}, {name} policy, {kind}", policy,
                Request(method, ((b"Host", b"gateway.example"), *lines, *more)),
                malformed(vary=vary), page=APP.encode(), cookies=True,
                reason="REPEATED_ORIGIN",
                differs="the list asks for 403; two Origin lines are no request at all, so 400")
        for name, policy in POLICIES.items()
        for what, lines in TWICE.items()
        for kind, method, more, vary in (
            ("preflight", b"OPTIONS", (PUT,), PREFLIGHT_VARY),
            ("GET", b"GET", (), "Origin"),
        )
    ),
    *(
        _attack(21, f"{what} announced as headers: nothing of it is echoed, {name}", policy,
                preflight(APP, "PUT", None, *_announced("Headers", *values)),
                answer, verdict, cookies=True)
        for what, values in FLOODS.items()
        for name, policy, answer, verdict in (
            ("with lists", LISTS, LISTS_GRANTED,
             Verdict.ALLOWED if what in {"a mebibyte of commas", "a mebibyte of spaces",
                                         "two hundred lines of one allowed name"}
             else Verdict.HEADER),
            ("with stars", STARS,
             granted(APP, methods="PUT", headers="", credentials=True),
             Verdict.ALLOWED if what == "a mebibyte of commas" else Verdict.HEADER),
        )
    ),
    *(
        _attack(22 if not what.startswith(("an escape", "a line", "an enc")) else 28,
                f"the method {what} is not on the list", LISTS,
                preflight(APP, value), LISTS_GRANTED, Verdict.METHOD,
                cookies=True, reason="METHOD_NOT_ALLOWED")
        for what, value in BAD_METHODS.items()
    ),
    *(
        _attack(22 if what.startswith(("GET", "ten")) else 28,
                f"no token is echoed as a method: {what}", STARS,
                preflight(APP, value), granted(APP, methods="", headers="", credentials=True),
                Verdict.METHOD, cookies=True, reason="METHOD_NOT_ALLOWED")
        for what, value in BAD_METHODS.items()
        if what not in {"get", "TRACE", "CONNECT", "TRACK", "a star", "ten kibibytes",
                        "an encoded line break"}
    ),
    *(
        _attack(22, f"{name.decode()} is not granted by a star with credentials: no API takes it",
                STARS, preflight(APP, name),
                granted(APP, methods="", headers="", credentials=True),
                Verdict.METHOD, cookies=True, reason="METHOD_NOT_ALLOWED")
        for name in (b"TRACE", b"CONNECT", b"TRACK")
    ),
    _attack(22, "a star announced as a method is not echoed: it would stand for all of them", STARS,
            preflight(APP, "*"), granted(APP, methods="", headers="", credentials=True),
            Verdict.METHOD, cookies=True, reason="METHOD_NOT_ALLOWED"),
    _attack(22, "a star announced as a header is not echoed: it would stand for all of them", STARS,
            preflight(APP, "PUT", "*"), granted(APP, methods="PUT", headers="", credentials=True),
            Verdict.HEADER, cookies=True, reason="HEADER_NOT_ALLOWED"),
    *(
        _attack(28, f"no token is echoed as a header: {what}, {name}", policy,
                preflight(APP, "PUT", value), answer, Verdict.HEADER, cookies=True,
                reason="HEADER_NOT_ALLOWED")
        for what, value in BAD_HEADERS.items()
        for name, policy, answer in (
            ("with lists", LISTS, LISTS_GRANTED),
            ("with stars", STARS, granted(APP, methods="PUT", headers="", credentials=True)),
        )
    ),
    *(
        _attack(23, f"an untrusted {name.decode()} does not make a stranger same-origin",
                EXACT | {"onDisallowedOrigin": "block"},
                actual("POST", EVIL, (name, value), (b"X-Forwarded-Proto", b"https")),
                refused(vary="Origin"), cookies=True, stage=Stage.PLAN)
        for name, value in (
            (b"X-Forwarded-Host", b"evil.example"),
            (b"Forwarded", b"host=evil.example;proto=https"),
            (b"X-Original-Host", b"evil.example"),
        )
    ),
    _attack(23, "an answer to no Origin may be kept, for it varies by Origin", EXACT,
            actual(), unreadable()),
    _attack(23, "an answer to a stranger says that it varies by Origin", EXACT,
            actual("GET", EVIL), unreadable()),
    _attack(23, "an answer to an allowed origin says that it varies by Origin", EXACT,
            actual("GET", APP), readable(APP, credentials=True), Verdict.ALLOWED, cookies=True),
    *(
        _attack(24, f"an API that sends {what} changes nothing for {who}", EXACT,
                actual("GET", origin), answer, verdict, cookies=True,
                upstream=Upstream(fields=fields), stage=Stage.PLAN)
        for what, fields in UPSTREAM_FIELDS.items()
        for who, origin, answer, verdict in (
            ("an allowed origin", APP, readable(APP, credentials=True), Verdict.ALLOWED),
            ("a stranger", EVIL, unreadable(), OUT),
            ("no Origin", None, unreadable(), OUT),
        )
    ),
    *(
        _attack(24, f"the API's Vary {text} becomes {vary}", EXACT,
                actual("GET", APP), readable(APP, credentials=True, vary=vary),
                Verdict.ALLOWED, cookies=True, stage=Stage.PLAN,
                upstream=Upstream(fields=tuple((b"vArY", v.encode()) for v in values)))
        for text, values, vary in (
            ("*", ("*",), "*"),
            ("origin in lower case", ("origin",), "Origin"),
            ("in two lines", ("Accept, Cookie", "Accept-Encoding"),
             "Accept, Cookie, Accept-Encoding, Origin"),
            ("with Origin inside", ("Accept, ORIGIN,Cookie",), "Accept, Origin, Cookie"),
        )
    ),
    *(
        _attack(25, f"a WebSocket handshake from {who} is "
                    f"{'refused' if answer.status else 'let through'}", policy,
                actual("GET", origin, *UPGRADE), answer, verdict, cookies=True,
                page=None if origin else EVIL)
        for who, policy, origin, answer, verdict in (
            ("a stranger", EXACT, EVIL, refused(vary="Origin"), OUT),
            ("null", EXACT, "null", refused(vary="Origin"), OUT),
            ("a client without Origin", EXACT, None, unreadable(), OUT),
            ("an allowed origin", EXACT, APP, readable(APP, credentials=True), Verdict.ALLOWED),
            ("our own page", EXACT, "http://gateway.example", unreadable(), OUT),
            ("a client without Origin, where one is required", EXACT | {"requireOrigin": True},
             None, refused(vary="Origin"), OUT),
            ("an allowed origin, where one is required", EXACT | {"requireOrigin": True},
             APP, readable(APP, credentials=True), Verdict.ALLOWED),
        )
    ),
    *(
        _attack(26, f"the target {target.decode()} is {what}", ADMIN,
                actual("GET", EVIL, target=target), answer, verdict,
                routes=TWO_ROUTES, stage=Stage.PLAN)
        for target, what, answer, verdict in (
            (b"/admin", "the strict route's", unreadable(), OUT),
            (b"/admin/", "the strict route's", unreadable(), OUT),
            (b"/admin/x", "the strict route's", unreadable(), OUT),
            (b"/admin?x", "the strict route's", unreadable(), OUT),
            (b"/Admin", "the open route's", readable("*", vary=""), Verdict.ALLOWED),
            (b"/adminx", "the open route's", readable("*", vary=""), Verdict.ALLOWED),
            (b"/a+dmin", "the open route's", readable("*", vary=""), Verdict.ALLOWED),
            (b"/a+b", "the open route's", readable("*", vary=""), Verdict.ALLOWED),
            (b"/admin%2f", "ambiguous", AMBIGUOUS, OUT),
            (b"/admin%2Fx", "ambiguous", AMBIGUOUS, OUT),
            (b"/%61dmin", "ambiguous", AMBIGUOUS, OUT),
            (b"/admin/../public", "refused for its dots", AMBIGUOUS, OUT),
            (b"/public/../admin", "refused for its dots", AMBIGUOUS, OUT),
            (b"/public/%2e%2e/admin", "refused for its dots", AMBIGUOUS, OUT),
            (b"/admin;x", "ambiguous", AMBIGUOUS, OUT),
            (b"//admin", "ambiguous", AMBIGUOUS, OUT),
            (b"/x%00/admin", "refused for its NUL", AMBIGUOUS, OUT),
            (b"/x%5c../admin", "refused for its backslash", AMBIGUOUS, OUT),
        )
    ),
    _attack(27, "a preflight from a stranger never reaches the API", EXACT,
            preflight(EVIL, "DELETE"), refused()),
    _attack(27, "a preflight from an allowed origin never reaches the API", EXACT,
            preflight(APP, "DELETE"), granted(APP, credentials=True), Verdict.METHOD,
            cookies=True),
    *(
        _attack(27, f"a blocked {method} of text from {who} never reaches the API",
                EXACT | {"onDisallowedOrigin": "block"},
                actual(method, origin, *JSON_AS_TEXT), refused(vary="Origin"), cookies=True)
        for method in ("POST", "PUT", "GET")
        for who, origin in (("a stranger", EVIL), ("null", b"null"))
    ),
    _attack(28, "a field that is no preflight's is not echoed", STARS,
            options(ORIGIN, *_announced("Headers", b"x-a\r\nX-Injected: 1")),
            readable(APP, credentials=True), Verdict.ALLOWED, cookies=True),
)  # fmt: skip
