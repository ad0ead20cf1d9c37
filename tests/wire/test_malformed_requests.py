"""Requests that must not be served, as raw bytes: the rows D1 to D13 and their neighbours.

Each is answered (or its connection closed), reaches no API, and harms nobody: the next request,
on a new connection, is served.
"""

import re

import pytest

from tests.wire.gateways import Gateway
from tests.wire.raw_peer import End
from tests.wire.scripted_upstream import OK, ScriptedUpstream

HOST = b"Host: gw.example\r\n"
POST = b"POST / HTTP/1.1\r\n" + HOST
GET = b"GET / HTTP/1.1\r\n" + HOST
SMUGGLED = b"GET /admin HTTP/1.1\r\nHost: gw.example\r\n\r\n"
CHUNKS = b"5\r\nhello\r\n0\r\n\r\n"

D1 = [
    (400, "CL then TE", POST + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n" + CHUNKS),
    (400, "TE then CL", POST + b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n" + CHUNKS),
    (
        400,
        "CL 0 and TE",
        POST + b"Content-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n" + SMUGGLED,
    ),
]
D2 = [
    (400, f"Content-Length {value!r}", POST + b"Content-Length: " + value + b"\r\n\r\nhello")
    for value in (
        *(b"+5", b"-1", b"0x5", b"5_0", b"", b"5,5", b"5, 6", b"5 5", b"5;", b"5.0", b"five"),
        *(b"005", b"1" * 20, b"9" * 30, b"18446744073709551621", b"5\x0b", b"\xb2", b'"5"'),
    )
] + [
    (400, "two equal", POST + b"Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello"),
    (400, "two different", POST + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!"),
    (400, "one empty", POST + b"Content-Length: 5\r\nContent-Length:\r\n\r\nhello"),
]
D4 = [
    (
        status,
        f"Transfer-Encoding {value!r}",
        POST + b"Transfer-Encoding:" + value + b"\r\n\r\n" + CHUNKS,
    )
    for status, value in (
        (400, b" identity"),
        (501, b" gzip, chunked"),
        (501, b" xchunked, chunked"),
        (400, b" chunked, chunked"),
        (400, b" chunked, gzip"),
        (400, b" gzip"),
        (400, b" ,chunked"),
        (400, b" chunked,"),
        (400, b" "),
        (400, b""),
        (400, b' "chunked"'),
        (400, b" 'chunked'"),
        (400, b" \x0bchunked"),
        (400, b" chunked\x0b"),
        (400, b" \xffchunked"),
        (400, b" chunked;q=1"),
        (400, b" chun ked"),
        (400, b"\r\n chunked"),
        (400, b" x\r\n chunked"),
        (400, b" chunked\x00"),
    )
] + [
    (
        400,
        "two lines",
        POST + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n" + CHUNKS,
    ),
    (
        400,
        "identity first",
        POST + b"Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n\r\n" + CHUNKS,
    ),
]
D5 = [
    (
        400,
        "HTTP/1.0 with TE",
        b"POST / HTTP/1.0\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n" + CHUNKS,
    ),
    (
        400,
        "HTTP/1.0 with TE and keep-alive",
        b"POST / HTTP/1.0\r\n"
        + HOST
        + b"Connection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n"
        + CHUNKS,
    ),
]
D9 = [
    (400, "bare LF as line end", b"GET / HTTP/1.1\nHost: gw.example\n\n"),
    (400, "bare LF in the fields", GET + b"A: b\nC: d\r\n\r\n"),
    (400, "bare CR in the fields", GET + b"A: b\rC: d\r\n\r\n"),
    (400, "bare CR in the request line", b"GET /\rX HTTP/1.1\r\n" + HOST + b"\r\n"),
    (400, "NUL in a value", GET + b"A: b\x00c\r\n\r\n"),
    (400, "NUL in a name", GET + b"A\x00B: c\r\n\r\n"),
    (400, "CTL in a value", GET + b"A: b\x01c\r\n\r\n"),
    (400, "DEL in a value", GET + b"A: b\x7fc\r\n\r\n"),
    (400, "NUL in the target", b"GET /\x00 HTTP/1.1\r\n" + HOST + b"\r\n"),
    (400, "LF ends the head early", GET + b"A: b\n\nGET /admin HTTP/1.1\r\n\r\n"),
]
D10 = [
    (400, "space before colon", GET + b"A : b\r\n\r\n"),
    (400, "tab before colon", GET + b"Transfer-Encoding\t: chunked\r\n\r\n" + CHUNKS),
    (400, "leading space in the first line", b"GET / HTTP/1.1\r\n Host: gw.example\r\n\r\n"),
    (400, "leading space in a later line", GET + b" A: b\r\n\r\n"),
    (400, "folded line", GET + b"A: b\r\n c\r\n\r\n"),
    (400, "no colon", GET + b"nonsense\r\n\r\n"),
    (400, "empty name", GET + b": b\r\n\r\n"),
    (400, "name is no token", GET + b"A(b): c\r\n\r\n"),
    (400, "name with obs-text", GET + b"A\xe9: c\r\n\r\n"),
]
D11 = [
    (400, "Host missing", b"GET / HTTP/1.1\r\nA: b\r\n\r\n"),
    (400, "Host twice", GET + b"Host: other.example\r\n\r\n"),
    (400, "Host twice the same", GET + HOST + b"\r\n"),
    *(
        (400, f"Host {value!r}"[:40], b"GET / HTTP/1.1\r\nHost: " + value + b"\r\n\r\n")
        for value in (
            *(b"", b"a b", b"u@gw.example", b"gw.example/x", b"a,b", b"a" * 300, b"gw.example:"),
            *(b"gw.example:x", b"gw.example:0", b"gw.example:99999", b"[::1", b"[gw]", b"a#b"),
            *(b"a?b", b"a\\b", b"%67w", b"gw..example", b".gw", b"\xe9.example", b"http://gw"),
        )
    ),
]
D13 = [
    (400, "two spaces", b"GET  / HTTP/1.1\r\n" + HOST + b"\r\n"),
    (400, "two spaces before the version", b"GET /  HTTP/1.1\r\n" + HOST + b"\r\n"),
    (400, "tab", b"GET\t/ HTTP/1.1\r\n" + HOST + b"\r\n"),
    (400, "space in the target", b"GET /a b HTTP/1.1\r\n" + HOST + b"\r\n"),
    (400, "space behind the version", b"GET / HTTP/1.1 \r\n" + HOST + b"\r\n"),
    (400, "HTTP/0.9", b"GET /\r\n\r\n"),
    (505, "HTTP/0.9, spelled out", b"GET / HTTP/0.9\r\n" + HOST + b"\r\n"),
    (505, "HTTP/1.2", b"GET / HTTP/1.2\r\n" + HOST + b"\r\n"),
    (505, "HTTP/2.0", b"GET / HTTP/2.0\r\n" + HOST + b"\r\n"),
    (505, "the preface of HTTP/2", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
    (400, "HTTP/1.10", b"GET / HTTP/1.10\r\n" + HOST + b"\r\n"),
    (400, "HTTP/11", b"GET / HTTP/11\r\n" + HOST + b"\r\n"),
    (400, "lower-case http", b"GET / http/1.1\r\n" + HOST + b"\r\n"),
    (400, "RTSP", b"GET / RTSP/1.0\r\n" + HOST + b"\r\n"),
    (400, "ICE", b"SOURCE / ICE/1.0\r\n" + HOST + b"\r\n"),
    (400, "fragment", b"GET /a#b HTTP/1.1\r\n" + HOST + b"\r\n"),
    (400, "no target", b"GET HTTP/1.1\r\n" + HOST + b"\r\n"),
    (400, "target without a slash", b"GET a HTTP/1.1\r\n" + HOST + b"\r\n"),
    (400, "asterisk for GET", b"GET * HTTP/1.1\r\n" + HOST + b"\r\n"),
    (400, "non-ASCII target", b"GET /\xc3\xa9 HTTP/1.1\r\n" + HOST + b"\r\n"),
    (400, "leading LF", b"\n" + GET + b"\r\n"),
    (400, "leading CR", b"\r" + GET + b"\r\n"),
    (400, "leading space", b" " + GET + b"\r\n"),
    (501, "unknown method", b"BREW / HTTP/1.1\r\n" + HOST + b"\r\n"),
    (400, "method is no token", b"G(T / HTTP/1.1\r\n" + HOST + b"\r\n"),
    (501, "lower-case method", b"get / HTTP/1.1\r\n" + HOST + b"\r\n"),
]
A24 = [
    (414, "target of 9 KiB", b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\n" + HOST + b"\r\n"),
    (414, "target without end", b"GET /" + b"a" * 9000),
    (431, "one field of 64 KiB", GET + b"Cookie: " + b"a" * 65536 + b"\r\n\r\n"),
    (431, "a field without end", GET + b"Cookie: " + b"a" * 40000),
    (431, "200 fields", GET + b"".join(b"X-%d: y\r\n" % i for i in range(200)) + b"\r\n"),
    (431, "D30: 30 cookies of 4 KiB", GET + b"Cookie: a=%b\r\n" % (b"c" * 4096) * 30 + b"\r\n"),
]
A31 = [
    # Who speaks these waits for an answer before it sends more: no empty line comes.
    (400, "TLS", bytes.fromhex("16030100d0010000cc0303") + bytes(range(32))),
    (400, "the first bytes of TLS", bytes.fromhex("160301")),
    (400, "SSH", b"SSH-2.0-OpenSSH_9.2\r\n"),
    (505, "HTTP/2", b"PRI * HTTP/2.0\r\n"),
    (400, "NULs", bytes(3)),
    (400, "one byte that is in no method", b"\xff"),
    (400, "an FTP greeting", b"USER anonymous\r\n"),
    (400, "noise behind a method", b"GET /\x00"),
    (400, "TLS with an empty line in it", b"\x16\x03\x01\n\n"),
]
D12_D14 = [
    (400, f"target {target!r}", b"GET " + target + b" HTTP/1.1\r\n" + HOST + b"\r\n")
    for target in (
        *(
            b"/a/../b",
            b"/a/./b",
            b"/..",
            b"/.",
            b"/a/%2e%2e/b",
            b"/a/%2E./b",
            b"/a/.%2e",
            b"/a%2f..%2fb",
        ),
        *(b"/a/..;x/b", b"/a/..%3bx", b"/%00", b"/a%5cb", b"/a%5Cb", b"/\\evil", b"/a\\..\\b"),
        *(
            b"http://u@gw.example/",
            b"http://gw.example:x/",
            b"http:///",
            b"http://",
            b"ftp://gw.example/",
        ),
        *(
            b"//",
            b"http:/x",
            b"http://a b/",
            b"http://[::1/",
            b"/public/%2e%2e/admin",
            b"/public//../admin",
        ),
    )
    if target != b"//"
]

ROWS = [
    (pytest.mark.row("D1"), D1),
    (pytest.mark.row("D2"), D2),
    (pytest.mark.row("D4"), D4),
    (pytest.mark.row("D5"), D5),
    (pytest.mark.row("D9"), D9),
    (pytest.mark.row("D10"), D10),
    (pytest.mark.row("D11"), D11),
    (pytest.mark.row("D13"), D13),
    (pytest.mark.row("A24", "D30"), A24),
    (pytest.mark.row("A31"), A31),
    (pytest.mark.row("D12", "D14", "D15"), D12_D14),
]


@pytest.mark.parametrize(
    "status, payload",
    [
        pytest.param(status, payload, id=f"{row.args[0]}: {sentence}", marks=row)
        for row, cases in ROWS
        for status, sentence, payload in cases
    ],
)
async def test_it_is_refused_and_the_next_is_served(
    gateway: Gateway, api: ScriptedUpstream, status: int, payload: bytes
) -> None:
    api.answers(OK)
    client = await gateway.connects()
    await client.sends(payload)
    response = await client.gets()

    assert response.status == status
    assert response.value("Content-Type") == b"application/problem+json"
    assert response.closes
    assert b"/admin" not in response.content
    await client.sees_end(End.CLOSED)
    assert api.heads == []

    other = await gateway.connects()
    await other.asks("/next")
    assert (await other.gets()).content == b"ok"
    assert [head.split(b" ")[1] for head in api.heads] == [b"/next"]


SEPARATORS = (
    b" ",
    b"\t",
    b"\x0b",
    b"\x0c",
    b"\x00",
    b"\x85",
    b"\xa0",
    b"\xff",
    b"\r",
    b"\n",
    b",",
    b";",
)


def mutations() -> list[bytes]:
    """D3: spellings of one field by which some server or other was once deceived."""
    name, value = b"Transfer-Encoding", b"chunked"
    lines = [
        b"%b:%b%b%b" % (name, before, value, behind)
        for before in (b" ", b"", *SEPARATORS)
        for behind in (b"", *SEPARATORS)
    ]
    lines += [b"%b%b: %b" % (name, byte, value) for byte in SEPARATORS]
    lines += [b"%b%b: %b" % (byte, name, value) for byte in SEPARATORS]
    lines += [b"X: y%b%b: %b" % (end, name, value) for end in (b"\n", b"\r", b"\r\n ", b"\r\n\t")]
    lines += [b"%b: %b%b%b" % (name, a, value, b) for a in (b"'", b'"') for b in (b"'", b'"')]
    lines += [b"%b: %b" % (name, word) for word in (b"cow", b"chunk", b"chunkedx", b"xchunked")]
    lines += [
        b"%b: %b" % (name, value[:i] + bytes([byte]) + value[i:])
        for i in range(8)
        for byte in (0, 9, 11, 13, 32, 45, 95, 127, 128, 255)
    ]
    lines += [name.replace(b"-", dash) + b": chunked" for dash in (b"_", b" ", b".", b"", b"\xad")]
    return [line for line in lines if line != b"Transfer-Encoding: chunked"]


@pytest.mark.row("D3")
async def test_d3_no_spelling_of_transfer_encoding_frames_for_one_side_only(
    gateway: Gateway, api: ScriptedUpstream
) -> None:
    """What is not refused is chunked for both, or not framing for both."""
    api.answers(OK)
    refused = 0
    for line in mutations():
        seen = len(api.heads)
        client = await gateway.connects()
        await client.sends(POST + line + b"\r\nConnection: close\r\n\r\n" + b"0\r\n\r\n" + SMUGGLED)
        response = await client.gets()
        if response.status != 200:
            assert response.status in {400, 501}, line
            assert len(api.heads) == seen, line
            refused += 1
        else:
            (head,) = api.heads[seen:]
            assert head.startswith(b"POST / "), line
            is_chunked = b"\r\nTransfer-Encoding: chunked\r\n" in head
            name, _, value = line.partition(b":")
            says_chunked = name == b"Transfer-Encoding" and value.strip(b" \t") == b"chunked"
            assert is_chunked is says_chunked, line
            assert is_chunked or not re.search(rb"(?i)transfer[-_]encoding", head), line
        assert response.closes
        client.closes()
    assert refused > 200
