"""What is answered to a request for a file, on a real disk and without a connection."""

import errno
import gzip
import json
import os
import time
from collections.abc import Iterator, Sequence
from email.utils import parsedate_to_datetime
from pathlib import Path

import pytest

from cors_gateway.files import replies
from cors_gateway.files.opening import Absent, OpenFile, open_below
from cors_gateway.files.replies import FIELDS, PIECE, Asked, Reply, reply_to
from cors_gateway.snapshot import FileTree
from tests.files.conftest import count_open

PAGE = b"<!doctype html><title>app</title>"
SCRIPT = b"console.log('app')\n" * 100
CODED = {"br": b"as if br", "gzip": gzip.compress(SCRIPT)}
LONG_AGO = 1_500_000_000
BROWSER = "text/html,application/xhtml+xml,*/*;q=0.8"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "site"
    (folder / "docs").mkdir(parents=True)
    (folder / "empty").mkdir()
    (folder / "index.html").write_bytes(PAGE)
    (folder / "docs" / "index.html").write_bytes(b"docs")
    (folder / "app.js").write_bytes(SCRIPT)
    (folder / "app.js.br").write_bytes(CODED["br"])
    (folder / "app.js.gz").write_bytes(CODED["gzip"])
    (folder / "a.bin").write_bytes(b"0123456789")
    (folder / "none.txt").write_bytes(b"")
    for file in folder.rglob("*.*"):
        os.utime(file, (LONG_AGO, LONG_AGO))
    return folder


@pytest.fixture(autouse=True)
def _nothing_stays_open() -> Iterator[None]:
    before = count_open()
    yield
    assert count_open() == before


class Site:
    """Asks for files of a folder, and reads the answers to their end."""

    def __init__(self, root: Path, fallback: str | None = None, prefix: str = "/") -> None:
        self.tree = FileTree(str(root), fallback, prefix)

    def gets(self, target: str, method: str = "GET", **fields: str) -> Reply:
        named = {name.replace("_", "-"): value for name, value in fields.items()}
        assert named.keys() <= set(FIELDS)
        reply = reply_to(Asked(method, target, named), self.tree, time.time())
        if reply.file is not None:
            sent = len(reply.content)
            reply.content += reply.file.read(reply.start + sent, reply.length - sent)
            reply.close()
        return reply


def test_a_file_and_all_that_is_said_of_it(root: Path) -> None:
    reply = Site(root).gets("/a.bin")

    assert (reply.status, reply.content, reply.length) == (200, b"0123456789", 10)
    tag = reply.fields.pop("ETag")
    assert tag.startswith('"')
    assert reply.fields == {
        "Last-Modified": "Fri, 14 Jul 2017 02:40:00 GMT",
        "Content-Type": "application/octet-stream",
        "Accept-Ranges": "bytes",
    }


def test_a_head_says_the_same_and_sends_nothing(root: Path) -> None:
    site = Site(root)
    head = site.gets("/a.bin", "HEAD")

    assert (head.status, head.content, head.length) == (200, b"", 10)
    assert head.fields == site.gets("/a.bin").fields


def test_an_empty_file(root: Path) -> None:
    reply = Site(root).gets("/none.txt")

    assert (reply.status, reply.content, reply.length) == (200, b"", 0)


def test_a_long_file_stays_open_until_all_of_it_is_sent(root: Path) -> None:
    content = os.urandom(3 * PIECE + 1)
    (root / "long").write_bytes(content)
    reply = reply_to(Asked("GET", "/long"), Site(root).tree, time.time())

    assert reply.file is not None
    assert len(reply.content) == PIECE
    assert (reply.start, reply.length) == (0, len(content))
    reply.close()
    reply.close()
    assert Site(root).gets("/long").content == content


def test_a_page_is_asked_for_again_each_time(root: Path) -> None:
    site = Site(root)

    assert site.gets("/").fields["Cache-Control"] == "no-cache"
    assert "Cache-Control" not in site.gets("/app.js").fields


def test_a_date_in_the_future_is_not_repeated(root: Path) -> None:
    os.utime(root / "a.bin", (LONG_AGO, time.time() + 10_000))
    reply = Site(root).gets("/a.bin")

    assert parsedate_to_datetime(reply.fields["Last-Modified"]).timestamp() <= time.time()
    assert Site(root).gets("/a.bin", if_modified_since=reply.fields["Last-Modified"]).status == 304


# Folders.


@pytest.mark.parametrize(
    "prefix, target, content",
    [
        ("/", "/", PAGE),
        ("/", "/index.html", PAGE),
        ("/", "/docs/", b"docs"),
        ("/static", "/static/", PAGE),
        ("/static", "/static/docs/", b"docs"),
    ],
)
def test_a_folder_answers_with_its_index(
    root: Path, prefix: str, target: str, content: bytes
) -> None:
    reply = Site(root, prefix=prefix).gets(target)

    assert (reply.status, reply.content) == (200, content)
    assert reply.fields["Content-Type"] == "text/html; charset=utf-8"


@pytest.mark.parametrize(
    "prefix, target, location",
    [
        ("/", "/docs", "./docs/"),
        ("/", "/docs?page=2", "./docs/?page=2"),
        ("/static", "/static", "./static/"),
        ("/a/static", "/a/static?x", "./static/?x"),
        ("/static", "/static/docs", "./docs/"),
    ],
)
def test_a_folder_without_its_slash_is_found_with_it(
    root: Path, prefix: str, target: str, location: str
) -> None:
    """By a relative reference, which is right under whatever path a proxy in front serves it."""
    reply = Site(root, prefix=prefix).gets(target)

    assert (reply.status, reply.content, reply.length) == (301, b"", 0)
    assert reply.fields == {"Location": location, "Cache-Control": "no-cache"}


def test_a_folder_whose_name_looks_like_a_scheme_leads_nowhere_else(root: Path) -> None:
    (root / "javascript:alert(1)").mkdir()
    (root / "javascript:alert(1)" / "index.html").write_bytes(b"x")
    reply = Site(root).gets("/javascript:alert(1)")

    assert reply.fields["Location"] == "./javascript%3Aalert%281%29/"


@pytest.mark.parametrize("target", ["/empty", "/empty/", "/a.bin/", "/gone", "/app.js/index.html"])
def test_nothing_is_listed_and_a_file_is_no_folder(root: Path, target: str) -> None:
    reply = Site(root).gets(target, accept=BROWSER)

    assert reply.status == 404
    assert json.loads(reply.content) == {"type": "about:blank", "title": "Not Found", "status": 404}
    assert reply.length == len(reply.content)
    assert reply.fields == {
        "Content-Type": "application/problem+json",
        "Cache-Control": "no-cache",
    }


def test_an_index_that_is_a_folder_is_none(root: Path) -> None:
    (root / "empty" / "index.html").mkdir()

    assert Site(root).gets("/empty/").status == 404


# Methods.


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "PROPFIND", "get"])
@pytest.mark.parametrize("target", ["/a.bin", "/gone", "/.git/config"])
def test_other_methods_are_not_allowed(root: Path, method: str, target: str) -> None:
    reply = Site(root).gets(target, method)

    assert (reply.status, reply.fields["Allow"]) == (405, "GET, HEAD, OPTIONS")


def test_options_says_what_may_be_done(root: Path) -> None:
    reply = Site(root).gets("/a.bin", "OPTIONS")

    assert (reply.status, reply.fields, reply.content) == (
        204,
        {"Allow": "GET, HEAD, OPTIONS"},
        b"",
    )


# Conditions and parts.


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_client_that_has_the_file_is_told_so(root: Path, method: str) -> None:
    site = Site(root)
    fields = site.gets("/index.html").fields
    for reply in (
        site.gets("/index.html", method, if_none_match=fields["ETag"]),
        site.gets("/index.html", method, if_modified_since=fields["Last-Modified"]),
    ):
        assert (reply.status, reply.content, reply.length) == (304, b"", 0)
        assert reply.fields == {
            name: fields[name] for name in ("ETag", "Last-Modified", "Cache-Control")
        }


def test_a_file_that_has_changed_is_sent_again(root: Path) -> None:
    site = Site(root)
    tag = site.gets("/index.html").fields["ETag"]
    (root / "new").write_bytes(PAGE)
    os.utime(root / "new", (LONG_AGO, LONG_AGO))
    (root / "new").replace(root / "index.html")

    assert site.gets("/index.html", if_none_match=tag).status == 200


def test_a_condition_that_fails_is_told(root: Path) -> None:
    reply = Site(root).gets("/a.bin", if_match='"x"')

    assert reply.status == 412
    assert reply.fields["Content-Type"] == "application/problem+json"


def test_a_part_of_a_file(root: Path) -> None:
    site = Site(root)
    reply = site.gets("/a.bin", range="bytes=2-4")

    assert (reply.status, reply.content, reply.length) == (206, b"234", 3)
    assert reply.fields["Content-Range"] == "bytes 2-4/10"
    whole = site.gets("/a.bin").fields
    assert {name: reply.fields[name] for name in whole} == whole


def test_a_part_that_is_not_there(root: Path) -> None:
    reply = Site(root).gets("/a.bin", range="bytes=10-")

    assert reply.status == 416
    assert reply.fields["Content-Range"] == "bytes */10"
    assert "ETag" not in reply.fields


def test_a_head_has_no_parts(root: Path) -> None:
    assert Site(root).gets("/a.bin", "HEAD", range="bytes=2-4").status == 200


def test_several_parts_are_the_whole(root: Path) -> None:
    reply = Site(root).gets("/a.bin", range="bytes=0-1,4-5")

    assert (reply.status, reply.content) == (200, b"0123456789")


def test_the_rest_is_sent_only_of_the_file_that_the_client_has(root: Path) -> None:
    site = Site(root)
    tag = site.gets("/a.bin").fields["ETag"]

    assert site.gets("/a.bin", range="bytes=5-", if_range=tag).content == b"56789"
    (root / "new").write_bytes(b"abcdefghij")
    (root / "new").replace(root / "a.bin")
    assert site.gets("/a.bin", range="bytes=5-", if_range=tag).content == b"abcdefghij"


# Codings.


@pytest.mark.parametrize(
    "accepted, coding", [("br, gzip", "br"), ("gzip", "gzip"), ("br;q=0, gzip;q=0.1", "gzip")]
)
def test_a_coded_file_beside_it_is_sent(root: Path, accepted: str, coding: str) -> None:
    reply = Site(root).gets("/app.js", accept_encoding=accepted)

    assert (reply.content, reply.length) == (CODED[coding], len(CODED[coding]))
    assert reply.fields["Content-Encoding"] == coding
    assert reply.fields["Content-Type"] == "text/javascript; charset=utf-8"
    assert reply.fields["Vary"] == "Accept-Encoding"


@pytest.mark.parametrize("accepted", ["", "identity", "gzip;q=0", "deflate", "br;q=0, gzip;q=0"])
def test_who_does_not_accept_it_gets_the_file_and_caches_are_told(
    root: Path, accepted: str
) -> None:
    reply = Site(root).gets("/app.js", accept_encoding=accepted)

    assert reply.content == SCRIPT
    assert "Content-Encoding" not in reply.fields
    assert reply.fields["Vary"] == "Accept-Encoding"


def test_every_answer_of_a_file_with_variants_says_so(root: Path) -> None:
    site = Site(root)
    tag = site.gets("/app.js").fields["ETag"]

    for reply, status in (
        (site.gets("/app.js", "HEAD"), 200),
        (site.gets("/app.js", if_none_match=tag), 304),
        (site.gets("/app.js", if_match='"x"'), 412),
        (site.gets("/app.js", range="bytes=0-0"), 206),
        (site.gets("/app.js", range="bytes=9999-"), 416),
    ):
        assert (reply.status, reply.fields["Vary"]) == (status, "Accept-Encoding")
    assert "Vary" not in site.gets("/a.bin", accept_encoding="gzip").fields


def test_each_variant_has_a_tag_of_its_own(root: Path) -> None:
    site = Site(root)
    tags = [
        site.gets("/app.js", accept_encoding=name).fields["ETag"] for name in ("", "br", "gzip")
    ]

    assert len(set(tags)) == 3
    assert site.gets("/app.js", accept_encoding="br", if_none_match=tags[1]).status == 304
    assert site.gets("/app.js", accept_encoding="br", if_none_match=tags[2]).status == 200


def test_variants_of_one_size_and_time_have_tags_of_their_own(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def all_alike(folder: str, names: Sequence[str]) -> OpenFile | Absent:
        found = open_below(folder, names)
        if isinstance(found, OpenFile):
            found.mark = "the same"
        return found

    monkeypatch.setattr(replies, "open_below", all_alike)
    site = Site(root)
    tags = {
        site.gets("/app.js", accept_encoding=name).fields["ETag"] for name in ("", "br", "gzip")
    }

    assert tags == {'"the same"', '"the same-br"', '"the same-gzip"'}


def test_a_long_variant_leaves_the_others_closed(root: Path) -> None:
    content = os.urandom(2 * PIECE)
    (root / "app.js.br").write_bytes(content)

    assert Site(root).gets("/app.js", accept_encoding="br").content == content


def test_a_part_is_never_joined_to_one_of_another_variant(root: Path) -> None:
    site = Site(root)
    coded = site.gets("/app.js", accept_encoding="gzip")
    tag = coded.fields["ETag"]

    rest = site.gets("/app.js", accept_encoding="gzip", range="bytes=10-", if_range=tag)
    assert (rest.status, rest.content) == (206, coded.content[10:])
    assert rest.fields["Content-Encoding"] == "gzip"
    plain = site.gets("/app.js", range="bytes=10-", if_range=tag)
    assert (plain.status, plain.content) == (200, SCRIPT)


@pytest.mark.parametrize("kind", ["folder", "pipe", "a link that leads out", "a link to nowhere"])
def test_a_variant_that_is_no_file_below_the_folder_is_none(root: Path, kind: str) -> None:
    variant = root / "index.html.gz"
    match kind:
        case "folder":
            variant.mkdir()
        case "pipe":
            os.mkfifo(variant)
        case "a link that leads out":
            (root.parent / "out.gz").write_bytes(b"secret")
            variant.symlink_to("../out.gz")
        case _:
            variant.symlink_to("gone")
    reply = Site(root).gets("/index.html", accept_encoding="gzip")

    assert (reply.content, "Vary" in reply.fields) == (PAGE, False)


def test_a_coded_file_that_is_asked_for_itself_is_no_coding(root: Path) -> None:
    reply = Site(root).gets("/app.js.gz", accept_encoding="gzip")

    assert reply.fields["Content-Type"] == "application/gzip"
    assert "Content-Encoding" not in reply.fields
    (root / "app.js").unlink()
    assert Site(root).gets("/app.js", accept_encoding="gzip").status == 404


# The fallback.


@pytest.mark.parametrize(
    "target, fields",
    [
        pytest.param("/orders/1", {"accept": BROWSER}, id="a page of the application"),
        pytest.param("/orders/1/", {"accept": BROWSER}, id="with a slash"),
        pytest.param("/v1.2", {"accept": BROWSER}, id="with a dot, opened in a browser"),
        pytest.param("/orders/1", {}, id="nothing is said of what is accepted"),
        pytest.param("/orders/1", {"accept": "*/*"}, id="a script"),
        pytest.param("/empty/", {"accept": BROWSER}, id="a folder without an index"),
        pytest.param("/a.bin/", {"accept": BROWSER}, id="a file with a slash"),
    ],
)
def test_the_page_of_an_application_stands_for_its_own_paths(
    root: Path, target: str, fields: dict[str, str]
) -> None:
    reply = Site(root, "index.html").gets(target, **fields)

    assert (reply.status, reply.content) == (200, PAGE)
    assert reply.fields["Content-Type"] == "text/html; charset=utf-8"
    assert reply.fields["Cache-Control"] == "no-cache"
    assert reply.fields["Vary"] == "Accept"


@pytest.mark.parametrize(
    "target, fields, vary",
    [
        pytest.param("/app.3f2a.js", {"accept": "*/*"}, "Accept", id="a script that is gone"),
        pytest.param("/app.3f2a.js", {}, "Accept", id="nothing is said"),
        pytest.param("/data", {"accept": "application/json"}, "Accept", id="data"),
        pytest.param("/logo", {"accept": "image/avif,*/*;q=0.8"}, "Accept", id="an image"),
        pytest.param("/.well-known/x", {"accept": BROWSER}, None, id="the well-known"),
        pytest.param("/.env", {"accept": BROWSER}, None, id="a name with a dot"),
        pytest.param("/a//b", {"accept": BROWSER}, None, id="an empty name"),
        pytest.param("/%2e%2e/x", {"accept": BROWSER}, None, id="up"),
    ],
)
def test_what_is_no_path_of_the_application_is_not_there(
    root: Path, target: str, fields: dict[str, str], vary: str | None
) -> None:
    reply = Site(root, "index.html").gets(target, **fields)

    assert (reply.status, reply.fields.get("Vary")) == (404, vary)


def test_what_is_there_needs_no_fallback(root: Path) -> None:
    site = Site(root, "index.html")

    assert site.gets("/a.bin").content == b"0123456789"
    assert "Vary" not in site.gets("/").fields
    assert site.gets("/docs", accept=BROWSER).status == 301


def test_a_fallback_is_a_file_like_any_other(root: Path) -> None:
    (root / "docs" / "app.html").write_bytes(PAGE)
    (root / "docs" / "app.html.gz").write_bytes(b"coded")
    site = Site(root, "docs/app.html")
    reply = site.gets("/x", accept_encoding="gzip")

    assert reply.content == b"coded"
    assert reply.fields["Vary"] == "Accept, Accept-Encoding"
    tag = reply.fields["ETag"]
    assert site.gets("/y", accept_encoding="gzip", if_none_match=tag).status == 304


def test_a_fallback_that_has_gone_since_is_not_there(root: Path) -> None:
    reply = Site(root, "gone.html").gets("/x")

    assert (reply.status, reply.fields["Vary"]) == (404, "Accept")


# What goes wrong.


def test_a_file_that_the_gateway_may_not_read_is_told_from_one_that_is_missing(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replies, "open_below", lambda *_: Absent.FORBIDDEN)
    reply = Site(root, "index.html").gets("/a.bin", accept=BROWSER)

    assert reply.status == 403
    assert json.loads(reply.content)["title"] == "Forbidden"


def test_nothing_stays_open_when_a_file_cannot_be_read(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> bytes:
        raise OSError(errno.EIO, "")

    monkeypatch.setattr(OpenFile, "read", fail)
    with pytest.raises(OSError, match=str(errno.EIO)):
        Site(root).gets("/app.js", accept_encoding="gzip")


def test_nothing_of_a_request_is_repeated(root: Path) -> None:
    for reply in (
        Site(root).gets("/<script>"),
        Site(root).gets("/<script>", "POST"),
        Site(root).gets("/a.bin", range="bytes=99-"),
    ):
        assert b"script" not in reply.content
