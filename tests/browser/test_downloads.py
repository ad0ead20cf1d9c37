"""Downloads, images and scripts: what the browser fetches by itself, and saves."""

import hashlib
from pathlib import Path
from urllib.parse import quote

import pytest
from playwright.sync_api import Download
from playwright.sync_api import Page as ChromiumPage

from tests.browser.pages import in_chromium
from tests.browser.visits import Visit, both_ways

pytestmark = pytest.mark.system("node")

MIB = 1024 * 1024

CLICK = """({url, name}) => {
    const link = document.createElement("a");
    link.href = url;
    link.download = name;
    document.body.append(link);
    link.click();
}"""


def download(visit: Visit, path: str, name: str = "") -> Download:
    """Click a link to a download, and wait until the browser has begun it."""
    assert isinstance(visit.page, ChromiumPage)  # Playwright tells of downloads
    with visit.page.expect_download() as begun:
        visit.run(CLICK, path, name=name)
    return begun.value


def checksum_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@in_chromium
@both_ways
@pytest.mark.parametrize(
    "disposition, name",
    [
        pytest.param('attachment; filename="report.pdf"', "report.pdf", id="a plain name"),
        pytest.param(
            "attachment; filename=\"menu.pdf\"; filename*=UTF-8''K%C3%A4nnchen%20%E2%98%95.pdf",
            "Kännchen ☕.pdf",
            id="a name that is not ASCII (RFC 6266)",
        ),
    ],
)
def test_a_file_is_saved_under_the_name_that_the_api_gave(
    visit: Visit, disposition: str, name: str
) -> None:
    saved = download(visit, f"bytes/*?size=1000&disposition={quote(disposition)}", "another name")

    assert saved.suggested_filename == name
    assert saved.path().stat().st_size == 1000


@in_chromium
@both_ways
def test_a_hundred_mebibytes_are_saved_byte_for_byte(visit: Visit) -> None:
    disposition = quote('attachment; filename="large.bin"')
    saved = download(visit, f"bytes/*?size={100 * MIB}&disposition={disposition}")

    assert saved.failure() is None
    assert saved.path().stat().st_size == 100 * MIB
    assert checksum_of(saved.path()) == visit.peer.noted("sent", visit.name)["sha256"]


@in_chromium
@both_ways
def test_a_download_that_breaks_off_goes_on_where_it_ended(visit: Visit) -> None:
    """The browser asks for the rest by itself, with Range and If-Range."""
    size = 4 * MIB
    saved = download(visit, f"resumable/*?size={size}")

    assert saved.failure() is None
    rest = visit.peer.noted("asked", visit.name, 2)
    assert rest["from"] > 0
    assert rest["fields"]["if-range"] == '"one"'
    whole = download(visit, f"bytes/*?size={size}&disposition=attachment")
    assert checksum_of(saved.path()) == checksum_of(whole.path())


@both_ways
def test_a_page_may_read_the_pixels_of_an_image(visit: Visit) -> None:
    script = """async ({url}) => {
        const image = new Image();
        image.crossOrigin = "use-credentials";
        image.src = url;
        await image.decode();
        const canvas = document.createElement("canvas").getContext("2d");
        canvas.drawImage(image, 0, 0);
        return [image.width, image.height, [...canvas.getImageData(1, 1, 1, 1).data]];
    }"""

    assert visit.run(script, "image") == [4, 3, [0, 255, 0, 255]]


@both_ways
def test_a_script_runs_and_its_errors_are_told(visit: Visit) -> None:
    """Of a script without CORS a page is told "Script error." and nothing else."""
    script = """async ({url}) => {
        const told = new Promise(resolve => addEventListener("error", e => resolve(e.message)));
        const element = document.createElement("script");
        element.crossOrigin = "use-credentials";
        element.src = url;
        document.head.append(element);
        return [await told, window.loaded];
    }"""

    told, loaded = visit.run(script, "script")

    assert told.endswith("Error: told")
    assert loaded == "by the script"
