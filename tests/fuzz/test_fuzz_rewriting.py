"""Cookies, redirects and forwarding fields of any form, judged by their readers.

A browser reads a cookie and follows a redirect, a WSGI application reads the fields, and each is
modelled here from its own standard. None of them may come to more than was sent or configured.
"""

import re

from hypothesis import event, example, given
from hypothesis import strategies as st

from cors_gateway.messages.cookies import CookieRewrite, rewrite_set_cookie
from cors_gateway.messages.fields import check_fields
from cors_gateway.messages.heads import FieldLines, RequestHead
from cors_gateway.messages.path_map import PathMap
from cors_gateway.messages.redirects import AskedFor, RedirectRewrite, rewrite_redirect
from cors_gateway.plan import plan
from cors_gateway.planned import Peer, Respond
from tests.fuzz.effort import also, fuzzed
from tests.wire.gateways import route_to, snapshot_of

PEER = Peer("127.0.0.1")

# Cookies: RFC 6265bis, sections 4.1.3, 5.6 and 5.7.

PAIRS = [
    b"a=b",
    b"__Host-a=b",
    b"__Secure-a=b",
    b"__host-a=b",
    b" a = b ",
    b"a",
    b"=b",
    b"",
    b"a=b=c",
    b'a="x"',
    b"a\x00=b",
    b"__Http-a=b",
]
ATTRIBUTES = [
    b"Path=/", b"path=/legacy", b"Path", b"Path=", b"Path=x", b"Path=/a\\b", b"Domain=api.example", b"domain=.api.example",
    b"Domain=", b"Domain=a b", b"Domain", b"Secure", b"SECURE=x", b"HttpOnly", b"SameSite=None", b"samesite=lax", b"SameSite",
    b"SameSite=x", b"Partitioned", b"Max-Age=3", b"Expires=Thu, 01 Jan 1970 00:00:00 GMT", b"x=y", b"", b" ", b"Path=/" + b"a" * 1024,
    b"Domain=" + b"a" * 1025, b"Path=\t/x",
]  # fmt: skip
REWRITABLE = {b"domain", b"path", b"secure", b"samesite", b"partitioned"}

set_cookies = st.builds(
    lambda pair, attributes, glue: glue.join([pair, *attributes]),
    st.sampled_from(PAIRS),
    st.lists(st.sampled_from(ATTRIBUTES) | st.binary(max_size=6), max_size=5),
    st.sampled_from([b";", b"; ", b" ;\t"]),
)
path_maps = st.builds(
    PathMap, st.sampled_from([b"", b"/api", b"/a/b"]), st.sampled_from([b"", b"/legacy"])
)
cookie_rewrites = st.builds(
    CookieRewrite,
    domain=st.sampled_from([None, b"", b"app.example"]),
    path=st.sampled_from([None, b"/", b"/new"]),
    paths=st.none() | path_maps,
    secure=st.sampled_from([None, True, False]),
    same_site=st.sampled_from([None, b"Lax", b"Strict", b"None"]),
    partitioned=st.booleans(),
)


def attributes_of(line: bytes) -> list[tuple[bytes, bytes]]:
    found = []
    for attribute in line.split(b";")[1:]:
        name, _, value = attribute.partition(b"=")
        found.append((name.strip(b" \t").lower(), value.strip(b" \t")))
    return found


def last_ones(line: bytes) -> dict[bytes, bytes]:
    """What counts for a browser: the last of each, none that is too long."""
    return {name: value for name, value in attributes_of(line) if len(value) <= 1024}


def is_refused_by_browsers(line: bytes) -> bool:
    name = line.partition(b";")[0].partition(b"=")[0].strip(b" \t").lower()
    found = last_ones(line)
    needs_secure = (
        found.get(b"samesite", b"").lower() == b"none"
        or b"partitioned" in found
        or name.startswith((b"__host-", b"__secure-", b"__http-"))
    )
    if needs_secure and b"secure" not in found:
        return True
    return name.startswith(b"__host-") and (
        bool(found.get(b"domain")) or found.get(b"path") != b"/"
    )


@fuzzed(200)
@given(set_cookies, cookie_rewrites)
@example(
    b"__Host-a=b; Path=/; Secure", CookieRewrite(path=b"/new", secure=False, domain=b"app.example")
)
@example(b"a=b; Domain=a b; Domain=c", CookieRewrite(domain=b""))
@example(b"a=b; SameSite=None; Secure; Path=/x; path=/", CookieRewrite(secure=False, path=b"/new"))
def test_a_cookie_stays_the_one_that_the_api_set(line: bytes, rewrite: CookieRewrite) -> None:
    changed, is_unparsed = rewrite_set_cookie(line, rewrite)

    assert changed.partition(b";")[0] == line.partition(b";")[0]
    before, after = last_ones(line), last_ones(changed)
    others = [each for each in attributes_of(line) if each[0] not in REWRITABLE]
    assert [each for each in attributes_of(changed) if each[0] not in REWRITABLE] == others
    assert is_refused_by_browsers(line) or not is_refused_by_browsers(changed)
    if not before.get(b"domain"):
        assert not after.get(b"domain"), "a cookie for one host is never widened"
    was = before.get(b"domain", b"")
    assert after.get(b"domain", b"") in {b"", was, rewrite.domain}, "an older one comes to count"
    if is_unparsed:
        event("unparsed")
        return
    event("changed" if changed != line else "as it was")
    if rewrite.domain is None:
        assert after.get(b"domain") == before.get(b"domain")
    else:
        assert after.get(b"domain", b"") in {b"", rewrite.domain}
    if rewrite.secure:
        assert b"secure" in after
    assert rewrite_set_cookie(changed, CookieRewrite()) == (changed, False)


# Redirects: the URL standard, as far as it says to which host a Location leads.

LOCATION_PARTS = [
    b"http:", b"https:", b"HTTP:", b"//", b"/", b"\\", b"///", b"api:5000", b"api", b"app.example", b"evil.example", b"@", b":80",
    b":", b"?", b"#", b"/legacy", b"/api", b"/legacyx", b"/x", b"..", b"%2f", b"\t", b" ", b"javascript:", b"x", b"api.", b"API:5000",
    b"%00", b";", b"\xe9", b"[::1]", b":443", b"/a?b", b"http://api:5000/legacy", b"https://app.example/api/a?b",
]  # fmt: skip
loose_parts = st.lists(st.sampled_from(LOCATION_PARTS), max_size=4).map(b"".join)
locations = st.builds(
    lambda beginning, rest: (beginning + rest).strip(),
    st.sampled_from(
        [b"http://api:5000", b"https://app.example", b"http://evil.example", b"", b"/", b"//"]
    ),
    loose_parts,
)
ASKED = AskedFor(b"/api/a?b", b"app.example", (b"https://app.example",))
THE_APIS = frozenset({(b"api", 5000), (b"app.example", None)})
OURS = {
    b"api:5000",
    b"api.:5000",
    b"app.example",
    b"app.example:80",
    b"app.example:443",
    b"app.example.",
    b"app.example.:80",
    b"app.example.:443",
}


def destination(location: bytes) -> tuple[bytes, bytes]:
    """Return the authority that a browser goes to from ours, and the rest of the URL."""
    text = re.sub(rb"[\t\r\n]", b"", location.strip(bytes(range(0x21))))
    scheme, rest = b"https", text
    if match := re.match(rb"([A-Za-z][A-Za-z0-9+.-]*):(.*)", text, re.DOTALL):
        scheme, rest = match[1].lower(), match[2]
        if scheme not in {b"http", b"https"}:
            return scheme + b":", rest
        is_relative = scheme == b"https" and not re.match(rb"[/\\]{2}", rest)
        if not is_relative:
            rest = b"//" + rest.lstrip(b"/\\")
    if not re.match(rb"[/\\]{2}", rest):
        return b"app.example", rest
    match = re.match(rb"([^/\\?#]*)(.*)", rest.lstrip(b"/\\"), re.DOTALL)
    assert match
    return match[1].rpartition(b"@")[2].lower(), match[2]


@fuzzed(200)
@given(locations, path_maps)
@example(b"http://api:5000//evil.example/x", PathMap())
@example(b"http://api:5000\\@evil.example/x", PathMap(b"/api"))
@example(b"http://evil.example/x", PathMap(b"/api"))
@example(b"/\t/evil.example", PathMap(b"/api"))
@example(b"http:///evil.example", PathMap(b"/api"))
@example(b"/legacy//evil.example", PathMap(b"", b"/legacy"))
def test_a_redirect_leads_nowhere_that_the_api_did_not_name(
    location: bytes, paths: PathMap
) -> None:
    rewrite = RedirectRewrite(THE_APIS, paths)
    ((_, changed),) = rewrite_redirect(((b"Location", location),), 302, rewrite, ASKED)

    if changed == location:
        event("as it was")
        return
    event("changed")
    before, after = destination(location), destination(changed)
    assert before[0] in OURS
    assert after[0] in {b"app.example", before[0]}
    check_fields(((b"Location", changed),), 500)
    rest = before[1] or b"/"
    for part in (b"?", b"#"):
        assert after[1].partition(part)[1:] == rest.partition(part)[1:], "only the path changes"


# Forwarding fields, as CGI and WSGI spell them.

SPOOFED = [
    b"X-Forwarded-For", b"X_Forwarded_For", b"x-forwarded_for", b"Forwarded", b"X-Forwarded-Proto", b"X_FORWARDED_PROTO", b"Via",
    b"X-Forwarded-Host", b"X_Forwarded-Host", b"X-Real-IP", b"X_Real_Ip", b"X-Forwarded-Prefix", b"X-Forwarded_Prefix", b"Proxy",
    b"X-Forwarded-Client-Cert", b"X_Forwarded_User", b"X-Request-ID", b"X_Request_Id", b"Content_Length", b"Transfer_Encoding",
    b"X-Api-Key", b"X_Api_Key", b"x-api_key", b"X-Debug", b"X_Debug", b"Host_", b"Origin_", b"Te", b"Connection", b"Trailer",
]  # fmt: skip
VALUES = [
    b"1.2.3.4", b'for="x', b"for=1.2.3.4;proto=https, for=b", b'"', b"a, b", b"https", b"evil.example", b"", b'for="\\"', b"127.0.0.1",
    b"x-api-key, via-x", b"X_Api_Key", b"5", b"chunked", b"\xff", b"1.1 x, 1.1 y", b",,,", b'a"b,c"d',
]  # fmt: skip
spoofed = st.lists(st.tuples(st.sampled_from(SPOOFED), st.sampled_from(VALUES)), max_size=5).map(
    tuple
)
OWN = {
    "set_fields": ((b"X-Api-Key", b"secret"),),
    "remove_fields": frozenset({b"x-debug"}),
}


def environ_of(lines: FieldLines) -> dict[str, list[bytes]]:
    """Gather values as a CGI program gets them (RFC 3875, section 4.1.18)."""
    environ: dict[str, list[bytes]] = {}
    for name, value in lines:
        environ.setdefault(name.decode().upper().replace("-", "_"), []).append(value)
    return environ


def elements_of(value: bytes) -> list[bytes]:
    """Split a Forwarded field at the commas that are not quoted, sign by sign."""
    elements, at, is_quoted = [b""], 0, False
    while at < len(value):
        sign = value[at : at + 1]
        if is_quoted and sign == b"\\":
            elements[-1] += value[at : at + 2]
            at += 2
            continue
        is_quoted ^= sign == b'"'
        if sign == b"," and not is_quoted:
            elements.append(b"")
        else:
            elements[-1] += sign
        at += 1
    assert not is_quoted, "an open quote swallows what follows"
    return [element.strip() for element in elements]


@fuzzed(150)
@also((((name, value),), True) for name in (b"Forwarded", b"X-Forwarded-For") for value in VALUES)
@also((((name, b"1.2.3.4"),), False) for name in SPOOFED)
@given(spoofed, st.booleans())
def test_an_application_believes_only_what_the_gateway_vouches_for(
    lines: FieldLines, is_trusted: bool
) -> None:
    snapshot = snapshot_of(route_to(1, **OWN), trusts_unix=True)
    peer = Peer("") if is_trusted else PEER
    head = RequestHead(b"GET", b"/", 1, ((b"Host", b"gw.example"), *lines))
    planned = plan(snapshot, head, peer, b"gw")
    if isinstance(planned, Respond):
        event("refused")
        assert planned.fault is None
        return
    check_fields(planned.field_lines, 500)
    environ = environ_of(planned.field_lines)

    assert environ["HOST"] == [b"gw.example"]
    assert environ["X_API_KEY"] == [b"secret"]
    assert not {"X_DEBUG", "PROXY", "CONTENT_LENGTH", "TRANSFER_ENCODING", "X_REQUEST_ID"} & set(
        environ
    )
    (forwarded,) = environ["FORWARDED"]
    (via_ours,) = (value for value in environ["VIA"] if value == b"1.1 gw")
    assert environ["VIA"][-1] == via_ours
    (addresses,) = environ["X_FORWARDED_FOR"]
    node = b"unknown" if is_trusted else b"127.0.0.1"
    assert addresses.rpartition(b",")[2].strip() == node
    ours = b"for=%b;proto=%b;host=gw.example"
    (proto,) = environ["X_FORWARDED_PROTO"]
    assert proto in {b"http", b"https"}
    if not is_trusted:
        assert (addresses, proto, forwarded) == (node, b"http", ours % (node, proto))
        claimed = {name for name in environ if name.startswith("X_FORWARDED_")}
        assert claimed == {"X_FORWARDED_FOR", "X_FORWARDED_HOST", "X_FORWARDED_PROTO"}
        assert "X_REAL_IP" not in environ
    else:
        assert elements_of(forwarded)[-1].startswith(b"for=unknown;proto=%b;host=" % proto)


def test_the_models_read_as_their_standards_say() -> None:
    assert destination(b"//evil.example/x") == (b"evil.example", b"/x")
    assert destination(b"/\\evil.example/x") == (b"evil.example", b"/x")
    assert destination(b"http:evil.example") == (b"evil.example", b"")
    assert destination(b"https:x") == (b"app.example", b"x")
    assert destination(b"http://a@evil.example:1?y") == (b"evil.example:1", b"?y")
    assert elements_of(b'for="a,b";x=y, for=c') == [b'for="a,b";x=y', b"for=c"]
    assert is_refused_by_browsers(b"a=b; SameSite=None")
    assert not is_refused_by_browsers(b"__Host-a=b; Path=/; Secure")
