import re

import pytest

from cors_gateway.files.media_types import OTHER, TEXT, is_page, media_type


@pytest.mark.parametrize(
    "name, expected",
    [
        ("index.html", "text/html; charset=utf-8"),
        ("INDEX.HTM", "text/html; charset=utf-8"),
        ("app.3f2a.js", "text/javascript; charset=utf-8"),
        ("app.mjs", "text/javascript; charset=utf-8"),
        ("a.css", "text/css; charset=utf-8"),
        ("a.txt", "text/plain; charset=utf-8"),
        ("a.svg", "image/svg+xml"),
        ("a.wasm", "application/wasm"),
        ("a.json", "application/json"),
        ("a.js.map", "application/json"),
        ("a.webmanifest", "application/manifest+json"),
        ("a.woff", "font/woff"),
        ("a.woff2", "font/woff2"),
        ("favicon.ico", "image/vnd.microsoft.icon"),
        ("a.avif", "image/avif"),
        ("a.webp", "image/webp"),
        ("a.xml", "application/xml"),
        ("a.css.gz", "application/gzip"),
        ("apple-app-site-association", "application/json"),
        ("LICENSE", "application/octet-stream"),
        ("html", "application/octet-stream"),
        (".html", "application/octet-stream"),
        ("a.", "application/octet-stream"),
        ("a.unheard-of", "application/octet-stream"),
    ],
)
def test_the_type_of_a_name(name: str, expected: str) -> None:
    assert media_type(name) == expected


def test_the_table_is_of_types_and_no_extension_stands_in_it_twice() -> None:
    assert not TEXT.keys() & OTHER.keys()
    for extension, media in {**TEXT, **OTHER}.items():
        assert re.fullmatch(r"[0-9a-z]+", extension)
        assert re.fullmatch(r"[a-z]+/[a-z0-9.+-]+", media)


@pytest.mark.parametrize(
    "name, expected", [("a.html", True), ("a.xhtml", True), ("a.svg", False), ("a.js", False)]
)
def test_what_is_a_page(name: str, expected: bool) -> None:
    assert is_page(media_type(name)) is expected
