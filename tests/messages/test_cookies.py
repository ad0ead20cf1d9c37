"""Cookies: how each attribute changes, what stays, and that browsers still take the result.

``stored`` reads a line as browsers do (RFC 6265bis, sections 5.6 and 5.7), by rules of its own: the
laws at the end compare what a browser keeps of a line before and after.
"""

from dataclasses import dataclass, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cors_gateway.messages.cookies import CookieRewrite, rewrite_cookies, rewrite_set_cookie
from cors_gateway.messages.path_map import PathMap

API = PathMap(b"/api")
DOMAIN = CookieRewrite(domain=b"example.com")
HOST_ONLY = CookieRewrite(domain=b"")
PATH = CookieRewrite(path=b"/x")
AUTO = CookieRewrite(paths=API)
SECURE = CookieRewrite(secure=True)
INSECURE = CookieRewrite(secure=False)
LAX = CookieRewrite(same_site=b"Lax")
NONE = CookieRewrite(same_site=b"None")
PARTITIONED = CookieRewrite(partitioned=True)
ALL = CookieRewrite(
    domain=b"", paths=API, secure=True, same_site=b"None", partitioned=True
)  # fmt: skip

CHANGED = [
    ("a Domain is replaced", DOMAIN, b"a=b; Domain=h.legacy; X", b"a=b; Domain=example.com; X"),
    ("a Domain with a dot", DOMAIN, b"a=b; domain=.h.legacy", b"a=b; domain=example.com"),
    ("a Domain of one label", DOMAIN, b"a=b; Domain=localhost", b"a=b; Domain=example.com"),
    ("a Domain that is an address", DOMAIN, b"a=b; Domain=10.0.0.1", b"a=b; Domain=example.com"),
    ("a cookie for one host is not widened", DOMAIN, b"a=b; Path=/", b"a=b; Path=/"),
    ("a Domain as long as browsers take", DOMAIN, b"a=b; Domain=" + b"a" * 1024, b"a=b; Domain=example.com"),
    ("an empty Domain is none", DOMAIN, b"a=b; Domain=; X", b"a=b; Domain=; X"),
    ("a Domain without a value is none", DOMAIN, b"a=b; Domain", b"a=b; Domain"),
    ("a Domain is removed", HOST_ONLY, b"a=b; Domain=h.legacy; Path=/", b"a=b; Path=/"),
    ("an empty Domain is removed", HOST_ONLY, b"a=b;Domain=;X", b"a=b;X"),
    ("every Domain is removed", HOST_ONLY, b"a=b; Domain=a; X; DOMAIN=b", b"a=b; X"),
    ("every Domain is replaced", DOMAIN, b"a=b; Domain=a; Domain=b", b"a=b; Domain=example.com; Domain=example.com"),
    ("an unknown attribute that holds the word", HOST_ONLY, b"a=b; XDomain=a", b"a=b; XDomain=a"),
    ("a value that looks like an attribute", HOST_ONLY, b"Domain=a; X", b"Domain=a; X"),
    ("a Path is set", PATH, b"a=b", b"a=b; Path=/x"),
    ("a Path is replaced", PATH, b"a=b; path=/y; X", b"a=b; path=/x; X"),
    ("an empty Path is replaced", PATH, b"a=b; Path=; X", b"a=b; Path=/x; X"),
    ("a Path without a value is replaced", PATH, b"a=b;Path;X", b"a=b;Path=/x;X"),
    ("every Path is replaced", PATH, b"a=b; Path=/y; Path=/z", b"a=b; Path=/x; Path=/x"),
    ("spaces and spelling stay", PATH, b" a = b ;  pAtH \t= /y\t; X", b" a = b ;  pAtH \t= /x\t; X"),
    ("a prefix in front of a Path", AUTO, b"a=b; Path=/y; X", b"a=b; Path=/api/y; X"),
    ("a prefix in front of every Path", AUTO, b"a=b; Path=/y; Path=/z", b"a=b; Path=/api/y; Path=/api/z"),
    ("for the root it is the prefix", AUTO, b"a=b; Path=/", b"a=b; Path=/api"),
    ("a prefix stands there once", AUTO, b"a=b; Path=/api/y", b"a=b; Path=/api/y"),
    ("a folder stays one", AUTO, b"a=b; Path=/y/", b"a=b; Path=/api/y/"),
    ("a Path with bytes above 0x7f", AUTO, b"a=\xe9; Path=/\xc3\xa9", b"a=\xe9; Path=/api/\xc3\xa9"),
    ("no Path is the folder that was called", AUTO, b"a=b", b"a=b"),
    ("an empty Path is too", AUTO, b"a=b; Path=", b"a=b; Path="),
    ("a base path is cut off", CookieRewrite(paths=PathMap(b"", b"/v1")), b"a=b; Path=/v1", b"a=b; Path=/"),
    ("a base path becomes the prefix", CookieRewrite(paths=PathMap(b"/api", b"/v1")), b"a=b; Path=/v1/y", b"a=b; Path=/api/y"),
    ("the root with a base path", CookieRewrite(paths=PathMap(b"/api", b"/v1")), b"a=b; Path=/", b"a=b; Path=/api"),
    ("the root where no prefix was cut off", CookieRewrite(paths=PathMap(b"", b"/v1")), b"a=b; Path=/", b"a=b; Path=/"),
    ("the same on both sides", CookieRewrite(paths=PathMap(b"/v1", b"/v1")), b"a=b; Path=/", b"a=b; Path=/"),
    ("Secure is added", SECURE, b"a=b; Path=/", b"a=b; Path=/; Secure"),
    ("Secure is there", SECURE, b"a=b; secure; X", b"a=b; secure; X"),
    ("Secure with a value is there", SECURE, b"a=b; Secure=false", b"a=b; Secure=false"),
    ("Secure is removed", INSECURE, b"a=b; Secure; X", b"a=b; X"),
    ("every Secure is removed", INSECURE, b"a=b;secure;X;SECURE=1", b"a=b;X"),
    ("SameSite is added", LAX, b"a=b", b"a=b; SameSite=Lax"),
    ("SameSite is replaced", LAX, b"a=b; samesite=NONE; X", b"a=b; samesite=Lax; X"),
    ("every SameSite is replaced", LAX, b"a=b; SameSite=None; SameSite=Strict", b"a=b; SameSite=Lax; SameSite=Lax"),
    ("SameSite=None beside Secure", NONE, b"a=b; Secure", b"a=b; Secure; SameSite=None"),
    ("SameSite=None with Secure from us", replace(NONE, secure=True), b"a=b", b"a=b; Secure; SameSite=None"),
    ("Partitioned beside Secure", PARTITIONED, b"a=b; Secure", b"a=b; Secure; Partitioned"),
    ("Partitioned is there", PARTITIONED, b"a=b; Secure; partitioned", b"a=b; Secure; partitioned"),
    ("everything at once", ALL, b"a=b; HttpOnly; Domain=h; Path=/; Max-Age=1", b"a=b; HttpOnly; Path=/api; Max-Age=1; Secure; SameSite=None; Partitioned"),
    ("an empty cookie", SECURE, b"a=", b"a=; Secure"),
    ("a value with equals signs and quotes", SECURE, b'a="b=c,d"; X=y=z', b'a="b=c,d"; X=y=z; Secure'),
    ("a date with a comma", AUTO, b"a=b; Expires=Sat, 21 Nov 2026 07:00:00 GMT; Path=/", b"a=b; Expires=Sat, 21 Nov 2026 07:00:00 GMT; Path=/api"),
    ("empty attributes", HOST_ONLY, b"a=b;;Domain=h; ;", b"a=b;; ;"),
]  # fmt: skip


@pytest.mark.parametrize(
    "rewrite, value, expected", [pytest.param(*row, id=title) for title, *row in CHANGED]
)
def test_an_attribute_changes_in_its_place(
    rewrite: CookieRewrite, value: bytes, expected: bytes
) -> None:
    assert rewrite_set_cookie(value, rewrite) == (expected, False)


KEPT = [
    ("Secure of a __Host- cookie", INSECURE, b"__Host-a=b; Secure; Path=/"),
    ("Secure of a __Secure- cookie", INSECURE, b"__Secure-a=b; Secure"),
    ("Secure of a __Http- cookie", INSECURE, b"__Http-a=b; Secure; HttpOnly"),
    ("a prefix in another case", INSECURE, b"__hOsT-a=b; Secure; Path=/"),
    ("a prefix behind white space", INSECURE, b"\t__Secure-a=b; Secure"),
    ("Path of a __Host- cookie", AUTO, b"__Host-a=b; Secure; Path=/"),
    ("Path of a __Host- cookie from another one", PATH, b"__HOST-a=b; Secure; Path=/"),
    ("a __Host- cookie without Path", PATH, b"__Host-a=b; Secure"),
    ("a __Host- cookie gets no Domain", DOMAIN, b"__Host-a=b; Secure; Path=/"),
    ("Secure beside SameSite=None", INSECURE, b"a=b; SameSite=none; Secure"),
    ("Secure where the last SameSite is None", INSECURE, b"a=b; SameSite=Lax; Secure; SameSite=None"),
    ("Secure beside Partitioned", INSECURE, b"a=b; Secure; Partitioned"),
    ("SameSite=None is not for a cookie without Secure", NONE, b"a=b; SameSite=Lax"),
    ("Partitioned is not for a cookie without Secure", PARTITIONED, b"a=b; Path=/"),
    ("a SameSite of the API's own", CookieRewrite(domain=b""), b"a=b; SameSite=None"),
]  # fmt: skip


@pytest.mark.parametrize("rewrite, value", [pytest.param(*row, id=title) for title, *row in KEPT])
def test_what_browsers_would_then_refuse_stays(rewrite: CookieRewrite, value: bytes) -> None:
    assert rewrite_set_cookie(value, rewrite) == (value, False)


@pytest.mark.parametrize(
    "rewrite, value, expected",
    [
        pytest.param(
            replace(INSECURE, same_site=b"Lax"),
            b"a=b; SameSite=None; Secure",
            b"a=b; SameSite=Lax",
            id="SameSite=None is gone too",
        ),
        pytest.param(
            INSECURE,
            b"a=b; SameSite=None; Secure; SameSite=Lax",
            b"a=b; SameSite=None; SameSite=Lax",
            id="the last SameSite is another",
        ),
        pytest.param(INSECURE, b"__Hostess=b; Secure", b"__Hostess=b", id="no prefix"),
        pytest.param(
            replace(INSECURE, same_site=b"None"),
            b"a=b; Secure",
            b"a=b; Secure; SameSite=None",
            id="not where a rewrite contradicts itself",
        ),
    ],
)
def test_secure_is_removed_where_nothing_needs_it(
    rewrite: CookieRewrite, value: bytes, expected: bytes
) -> None:
    assert rewrite_set_cookie(value, rewrite) == (expected, False)


UNPARSED = [
    ("a Domain that browsers do not read for its length", DOMAIN, b"a=b; Domain=" + b"a" * 1025, b"a=b; Domain=" + b"a" * 1025),
    ("nothing", ALL, b"", b""),
    ("attributes alone", ALL, b"; Path=/; Domain=h", b"; Path=/; Domain=h"),
    ("no equals sign", ALL, b"a; Path=/", b"a; Path=/"),
    ("no name", ALL, b" =b; Path=/", b" =b; Path=/"),
    ("a control byte", ALL, b"a=b\x01; Path=/", b"a=b\x01; Path=/"),
    ("a line end", SECURE, b"a=b\r\nX: y", b"a=b\r\nX: y"),
    ("DEL", ALL, b"a=b; Path=/\x7f", b"a=b; Path=/\x7f"),
    ("a Domain with a port", HOST_ONLY, b"a=b; Domain=h:5000", b"a=b; Domain=h:5000"),
    ("a Domain that is a URL", DOMAIN, b"a=b; Domain=http://h", b"a=b; Domain=http://h"),
    ("a Domain that is not ASCII", DOMAIN, b"a=b; Domain=\xc3\xa9.example", b"a=b; Domain=\xc3\xa9.example"),
    ("a Domain with an empty label", DOMAIN, b"a=b; Domain=..h", b"a=b; Domain=..h"),
    ("a quoted Path", AUTO, b'a=b; Path="/y"', b'a=b; Path="/y"'),
    ("a Path without a slash", PATH, b"a=b; Path=y", b"a=b; Path=y"),
    ("a Path that becomes too long", AUTO, b"a=b; Path=/" + b"y" * 1021, b"a=b; Path=/" + b"y" * 1021),
    ("an unknown SameSite", LAX, b"a=b; SameSite=Relaxed", b"a=b; SameSite=Relaxed"),
    ("an empty SameSite", LAX, b"a=b; SameSite", b"a=b; SameSite"),
    ("one of two attributes", AUTO, b"a=b; Path=y; Path=/y", b"a=b; Path=y; Path=/api/y"),
    ("the others still change", ALL, b"a=b; Domain=h; Path=y", b"a=b; Path=y; Secure; SameSite=None; Partitioned"),
]  # fmt: skip


@pytest.mark.parametrize(
    "rewrite, value, expected", [pytest.param(*row, id=title) for title, *row in UNPARSED]
)
def test_what_cannot_be_parsed_stays_and_counts(
    rewrite: CookieRewrite, value: bytes, expected: bytes
) -> None:
    assert rewrite_set_cookie(value, rewrite) == (expected, True)


@pytest.mark.parametrize(
    "rewrite, value",
    [
        pytest.param(SECURE, b"a=b; Secure; Domain=h:5000; Path=y; SameSite=z", id="another one"),
        pytest.param(AUTO, b"a=b; Path=/" + b"y" * 1019, id="a path that is just not too long"),
        pytest.param(CookieRewrite(), b"a=b; Path=y; Domain=h:1", id="none at all"),
    ],
)
def test_only_what_would_have_to_change_counts(rewrite: CookieRewrite, value: bytes) -> None:
    assert rewrite_set_cookie(value, rewrite)[1] is False


def test_each_line_is_its_own_and_the_order_stays() -> None:
    fields = (
        (b"Set-Cookie", b"a=1; Path=/"),
        (b"X", b"y; Path=/"),
        (b"set-cookie", b"b"),
        (b"SET-COOKIE", b"c=3, d=4; Path=/y"),
        (b"Set-Cookie2", b"e=5; Path=/"),
        (b"Set-Cookie", b""),
    )
    assert rewrite_cookies(fields, AUTO) == (
        (
            (b"Set-Cookie", b"a=1; Path=/api"),
            (b"X", b"y; Path=/"),
            (b"set-cookie", b"b"),
            (b"SET-COOKIE", b"c=3, d=4; Path=/api/y"),
            (b"Set-Cookie2", b"e=5; Path=/"),
            (b"Set-Cookie", b""),
        ),
        2,
    )


@dataclass(frozen=True)
class Stored:
    """What a browser keeps of a cookie; ``path`` is empty for the folder of the URL."""

    name: bytes
    value: bytes
    domain: bytes
    path: bytes
    secure: bool
    same_site: bytes
    partitioned: bool
    others: tuple[bytes, ...]


def stored(line: bytes) -> Stored | None:
    """Read a line as a browser does; ``None`` where it takes no cookie from it."""
    pair, *attributes = line.split(b";")
    name, equals, value = (part.strip() for part in pair.partition(b"="))
    if not equals or not name:
        return None
    last: dict[bytes, bytes] = {}
    others: list[bytes] = []
    for attribute in attributes:
        key, _, text = (part.strip() for part in attribute.partition(b"="))
        if len(text) > 1024:
            continue
        if key.lower() in {b"domain", b"path", b"secure", b"samesite", b"partitioned"}:
            last[key.lower()] = text
        else:
            others.append(attribute)
    path, same_site = last.get(b"path", b""), last.get(b"samesite", b"").lower()
    cookie = Stored(
        name,
        value,
        last.get(b"domain", b"").removeprefix(b".").lower(),
        path if path.startswith(b"/") else b"",
        b"secure" in last,
        same_site if same_site in {b"lax", b"strict", b"none"} else b"",
        b"partitioned" in last,
        tuple(others),
    )
    needs_secure = cookie.same_site == b"none" or cookie.partitioned
    is_host = name.lower().startswith(b"__host-")
    if is_host and (cookie.domain or last.get(b"path") != b"/"):
        return None
    if is_host or name.lower().startswith(b"__secure-"):
        needs_secure = True
    return None if needs_secure and not cookie.secure else cookie


SPELLINGS = st.sampled_from([b" %b", b"%b", b"\t%b ", b" %b  "])
ATTRIBUTES = st.sampled_from([
    *(b"Path=/", b"path=/y", b"Path=/api", b"PATH = /api/z/", b"Path=", b"Path", b"Path=y"),
    *(b"Domain=h.legacy", b"domain=.legacy", b"Domain=", b"DOMAIN = a", b"Domain=h:1"),
    *(b"Secure", b"secure", b"SECURE=0", b"Partitioned", b"partitioned=x"),
    *(b"SameSite=Lax", b"samesite = none", b"SameSite=None", b"SameSite=Strict", b"SameSite=?"),
    *(b"HttpOnly", b"Max-Age=5", b"Expires=Sat, 21 Nov 2026 07:00:00 GMT", b"X=\xe9=y", b""),
])  # fmt: skip
NAMES = st.sampled_from([b"a", b"__Host-a", b"__secure-a", b" session ", b"Path"])
LINES = st.builds(
    lambda name, value, attributes: b";".join(
        [name + b"=" + value, *(spelling % text for spelling, text in attributes)]
    ),
    NAMES,
    st.sampled_from([b"1", b"", b'"x y"', b"\xe9=z"]),
    st.lists(st.tuples(SPELLINGS, ATTRIBUTES), max_size=6),
)
REWRITES = st.builds(
    CookieRewrite,
    domain=st.sampled_from([None, b"", b"example.com"]),
    path=st.sampled_from([None, None, b"/", b"/x"]),
    paths=st.sampled_from([None, API]),
    secure=st.sampled_from([None, True, False]),
    same_site=st.sampled_from([None, b"Lax", b"Strict", b"None"]),
    partitioned=st.booleans(),
).filter(
    lambda made: made.secure is not False or not (made.partitioned or made.same_site == b"None")
)
"""Those that a configuration can ask for."""


@given(LINES, REWRITES)
def test_a_cookie_that_a_browser_takes_is_taken_after_a_rewrite(
    line: bytes, rewrite: CookieRewrite
) -> None:
    before, after = stored(line), stored(rewrite_set_cookie(line, rewrite)[0])
    if before is None:
        return
    assert after is not None
    assert (after.name, after.value, after.others) == (before.name, before.value, before.others)


@given(LINES, REWRITES)
def test_what_a_browser_keeps_is_what_the_rewrite_says(line: bytes, rewrite: CookieRewrite) -> None:
    written, is_unparsed = rewrite_set_cookie(line, rewrite)
    before, after = stored(line), stored(written)
    if before is None or is_unparsed:
        return
    assert after is not None
    domain = rewrite.domain if rewrite.domain is not None and before.domain else before.domain
    path = before.path
    if not before.name.lower().startswith(b"__host-"):
        if rewrite.path is not None:
            path = rewrite.path
        elif rewrite.paths is not None and path and not path.startswith(b"/api"):
            path = b"/api" + path.removesuffix(b"/")
    assert (after.domain, after.path) == (domain, path)
    if rewrite.secure is not None:
        must_be = before.name.lower().startswith((b"__host-", b"__secure-"))
        must_be |= after.same_site == b"none" or after.partitioned
        assert after.secure is (rewrite.secure or (must_be and before.secure))
    else:
        assert after.secure is before.secure
    if rewrite.same_site is not None and (rewrite.same_site != b"None" or after.secure):
        assert after.same_site == rewrite.same_site.lower()
    if rewrite.partitioned and after.secure:
        assert after.partitioned


@given(LINES, REWRITES)
def test_a_second_rewrite_changes_nothing(line: bytes, rewrite: CookieRewrite) -> None:
    once = rewrite_set_cookie(line, rewrite)
    assert rewrite_set_cookie(once[0], rewrite) == once


@given(st.binary(max_size=60), REWRITES)
def test_any_bytes_pass_or_change_without_a_line_of_their_own(
    value: bytes, rewrite: CookieRewrite
) -> None:
    written, is_unparsed = rewrite_set_cookie(value, rewrite)
    assert set(written) & {*range(9), *range(10, 32), 127} <= set(value)
    if set(value) & {*range(9), *range(10, 32), 127}:
        assert (written, is_unparsed) == (value, True)


def test_a_domain_that_was_not_understood_does_not_get_the_last_word() -> None:
    line = b"a=b; Domain=a b; Domain=c"
    assert rewrite_set_cookie(line, HOST_ONLY) == (b"a=b; Domain=a b; Domain=", True)
