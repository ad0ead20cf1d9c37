import pytest

from cors_gateway.files.paths import Wanted, read_target


@pytest.mark.parametrize(
    "target, prefix, names, is_folder",
    [
        pytest.param("/", "", (), True, id="the folder itself"),
        pytest.param("/a.css", "", ("a.css",), False, id="a file"),
        pytest.param("/a/b/", "", ("a", "b"), True, id="a folder in it"),
        pytest.param("/static/a.css", "/static", ("a.css",), False, id="below a prefix"),
        pytest.param("/static/", "/static", (), True, id="the prefix as a folder"),
        pytest.param("/static", "/static", (), False, id="the prefix without its slash"),
        pytest.param("/a%20b/%C3%A4.txt", "", ("a b", "ä.txt"), False, id="percent-encoded"),
        pytest.param("/a%25.txt", "", ("a%.txt",), False, id="an encoded percent sign"),
        pytest.param("/%252e%252e/x", "", ("%2e%2e", "x"), False, id="decoded once, not twice"),
        pytest.param("/a+b;c=d,e", "", ("a+b;c=d,e",), False, id="what is literal in a path"),
        pytest.param("/a?/../x", "", ("a",), False, id="a query is no path"),
        pytest.param("/.well-known/x.txt", "", (".well-known", "x.txt"), False, id="well-known"),
        pytest.param(f"/{'a' * 255}", "", ("a" * 255,), False, id="a long name"),
    ],
)
def test_what_is_asked_for(
    target: str, prefix: str, names: tuple[str, ...], is_folder: bool
) -> None:
    wanted = read_target(target, prefix)

    assert wanted is not None
    assert (wanted.names, wanted.is_folder) == (names, is_folder)


@pytest.mark.parametrize(
    "target",
    [
        pytest.param("/..", id="up"),
        pytest.param("/../x", id="up and down"),
        pytest.param("/a/../../x", id="up from below"),
        pytest.param("/%2e%2e/x", id="up, encoded"),
        pytest.param("/.%2E/x", id="up, half encoded"),
        pytest.param("/./x", id="here"),
        pytest.param("/%2e/x", id="here, encoded"),
        pytest.param("/..%2fx", id="up with an encoded slash"),
        pytest.param("/a%2fb", id="an encoded slash"),
        pytest.param("/a%5cb", id="an encoded backslash"),
        pytest.param("/a\\b", id="a backslash"),
        pytest.param("/..\\x", id="up with a backslash"),
        pytest.param("/a%00.css", id="an encoded NUL"),
        pytest.param("/a\0.css", id="a NUL"),
        pytest.param("/a%0d%0ab", id="an encoded line end"),
        pytest.param("/a%7f", id="an encoded delete"),
        pytest.param("/a b", id="a space"),
        pytest.param("/ä", id="beyond ASCII"),
        pytest.param("/a#b", id="a fragment"),
        pytest.param("/%c3%28", id="no UTF-8"),
        pytest.param("/%ff", id="a byte that UTF-8 does not have"),
        pytest.param("/%c0%ae%c0%ae/x", id="dots in overlong UTF-8"),
        pytest.param("/%ed%a0%80", id="a surrogate in UTF-8"),
        pytest.param("/%", id="a percent sign alone"),
        pytest.param("/a%2", id="half an encoding"),
        pytest.param("/%u002e", id="an encoding of others"),
        pytest.param("//a", id="an empty name in front"),
        pytest.param("/a//b", id="an empty name in between"),
        pytest.param("/a//", id="an empty name at the end"),
        pytest.param("/.git/config", id="a folder with a dot"),
        pytest.param("/a/.env", id="a file with a dot"),
        pytest.param("/%2egit/config", id="a folder with an encoded dot"),
        pytest.param("/a/.well-known/x", id="well-known elsewhere"),
        pytest.param("/.well-known/.secret", id="a dot below well-known"),
        pytest.param("/.well-knownx", id="nearly well-known"),
        pytest.param("/...", id="three dots"),
        pytest.param(f"/{'a' * 256}", id="a name that is too long"),
        pytest.param(f"/{'%c3%a4' * 128}", id="too many bytes in few letters"),
        pytest.param("", id="nothing"),
        pytest.param("a.css", id="no slash in front"),
        pytest.param("*", id="the asterisk"),
        pytest.param("http://a/b", id="a whole URL"),
    ],
)
def test_what_is_refused_whatever_is_there(target: str) -> None:
    assert read_target(target, "") is None


@pytest.mark.parametrize("target", ["/staticx/a.css", "/a.css", "/", "/static%2fa.css"])
def test_what_is_beside_the_prefix_is_refused(target: str) -> None:
    assert read_target(target, "/static") is None


@pytest.mark.parametrize(
    "target, last",
    [
        pytest.param("/docs", "docs", id="plain"),
        pytest.param("/a%3Ab", "a%3Ab", id="a colon, which would end a scheme"),
        pytest.param("/a:b", "a%3Ab", id="a plain colon"),
        pytest.param('/a"b', "a%22b", id="a quote"),
        pytest.param("/%c3%a4", "%C3%A4", id="beyond ASCII"),
    ],
)
def test_the_last_name_is_spelled_for_a_reference(target: str, last: str) -> None:
    wanted = read_target(f"{target}?q=1&r", "")

    assert wanted is not None
    assert (wanted.last, wanted.query) == (last, "?q=1&r")


def test_the_prefix_itself_is_spelled_by_its_last_name() -> None:
    wanted = read_target("/a/static", "/a/static")

    assert wanted == Wanted((), is_folder=False, last="static", query="")


@pytest.mark.parametrize(
    "target, is_like_a_file",
    [
        ("/app.3f2a.js", True),
        ("/orders/1", False),
        ("/v1.2/orders", False),
        ("/a.css/", True),
        ("/", False),
    ],
)
def test_a_file_is_told_by_its_extension(target: str, is_like_a_file: bool) -> None:
    wanted = read_target(target, "")

    assert wanted is not None
    assert wanted.is_like_a_file is is_like_a_file


@pytest.mark.parametrize(
    "target, is_well_known",
    [("/.well-known/x", True), ("/.well-known", True), ("/x/y", False), ("/", False)],
)
def test_the_well_known_is_told(target: str, is_well_known: bool) -> None:
    wanted = read_target(target, "")

    assert wanted is not None
    assert wanted.is_well_known is is_well_known
