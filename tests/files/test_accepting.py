from collections.abc import Collection

import pytest

from cors_gateway.files.accepting import accepts_page, choose_coding

BOTH = ("br", "gzip")


@pytest.mark.parametrize(
    "accepted, there, chosen",
    [
        pytest.param("gzip, deflate, br, zstd", BOTH, "br", id="a browser"),
        pytest.param("gzip, deflate", BOTH, "gzip", id="without br"),
        pytest.param("gzip, deflate, br", ("gzip",), "gzip", id="only one is there"),
        pytest.param("br", ("gzip",), "", id="only the other is there"),
        pytest.param("gzip", (), "", id="none is there"),
        pytest.param("", BOTH, "", id="nothing is said"),
        pytest.param("gzip;q=0", BOTH, "", id="refused"),
        pytest.param("gzip;q=0.000, br;q=0.0", BOTH, "", id="refused, written long"),
        pytest.param("br;q=0.5, gzip", BOTH, "gzip", id="by weight"),
        pytest.param("br;q=0.5, gzip;q=0.5", BOTH, "br", id="equal weights"),
        pytest.param("GZIP ; Q=1", BOTH, "gzip", id="case and spaces"),
        pytest.param("x-gzip", BOTH, "gzip", id="the old name"),
        pytest.param("*", BOTH, "br", id="anything"),
        pytest.param("*;q=0", BOTH, "", id="nothing at all"),
        pytest.param("br;q=0, *", BOTH, "gzip", id="anything but one"),
        pytest.param("identity;q=1, *;q=0", BOTH, "", id="a browser's media player"),
        pytest.param("identity", BOTH, "", id="the file as it is"),
        pytest.param("identity, gzip;q=0.5", BOTH, "", id="the file as it is, rather"),
        pytest.param("identity;q=0.5, gzip;q=0.5", BOTH, "gzip", id="as well"),
        pytest.param("gzip;q=0.2, *;q=0.5", ("gzip",), "", id="the file is among the others"),
        pytest.param("gzip;q=high", BOTH, "", id="a weight that is none"),
        pytest.param("gzip;q=1.5", BOTH, "", id="a weight out of bounds"),
        pytest.param("gzip;level=9", BOTH, "gzip", id="a parameter that is no weight"),
        pytest.param("notgzip, gzipped", BOTH, "", id="names that only hold one"),
        pytest.param(",, ;q=1,gzip", BOTH, "gzip", id="empty items"),
        pytest.param("gzip;q=0, gzip", BOTH, "", id="the first of two counts"),
    ],
)
def test_the_coding_that_is_liked_best(accepted: str, there: Collection[str], chosen: str) -> None:
    assert choose_coding(accepted, there) == chosen


BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8"


@pytest.mark.parametrize(
    "accept, is_like_a_file, accepted",
    [
        pytest.param(BROWSER, False, True, id="a browser opens a path"),
        pytest.param(BROWSER, True, True, id="a browser opens a path with a dot"),
        pytest.param("*/*", False, True, id="a script fetches a path"),
        pytest.param("*/*", True, False, id="a browser loads a script that is missing"),
        pytest.param("", False, True, id="nothing is said"),
        pytest.param("", True, False, id="nothing is said, of a file"),
        pytest.param("application/json", False, False, id="data"),
        pytest.param("application/json, */*;q=0.1", False, False, id="data, rather"),
        pytest.param("image/avif,image/webp,*/*;q=0.8", False, False, id="an image"),
        pytest.param("text/html;q=0, */*", False, True, id="anything, which is said too"),
        pytest.param("text/html;q=0", False, True, id="only what it is not"),
        pytest.param("TEXT/HTML", True, True, id="case"),
        pytest.param("text/htmlx", False, False, id="a name that begins so"),
        pytest.param("application/xhtml+xml", True, True, id="the other kind of page"),
    ],
)
def test_a_page_may_stand_for_what_is_missing(
    accept: str, is_like_a_file: bool, accepted: bool
) -> None:
    assert accepts_page(accept, is_like_a_file=is_like_a_file) is accepted
