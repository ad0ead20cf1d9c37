"""What Chromium takes for a URL in Access-Control-Allow-Origin, as ``cors.browser`` says it."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import playwright.sync_api as playwright
import pytest

from tests.browser.tabs import ChromiumTab
from tests.cases.allow_origin_values import NO_URLS, URLS

pytestmark = pytest.mark.chromium

VALUES = (*URLS, *NO_URLS)


class _Api(BaseHTTPRequestHandler):
    """Answers ``/N`` with the value of that number."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        value = VALUES[int(self.path.strip("/"))]
        self.wfile.write(
            b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n"
            b"Access-Control-Allow-Origin: %b\r\n\r\n" % value
        )

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def api() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Api) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_chromium_names_the_same_reason(
    fresh_page: playwright.Page, page_origin: str, api: str
) -> None:
    fresh_page.goto(page_origin)
    tab = ChromiumTab(fresh_page)

    reasons = {value: tab.fetch(f"{api}/{n}").reason for n, value in enumerate(VALUES)}
    said = {value: str(reason).partition(":")[0] for value, reason in reasons.items()}

    assert said == {
        **dict.fromkeys(URLS, "AllowOriginMismatch"),
        **dict.fromkeys(NO_URLS, "InvalidAllowOriginValue"),
    }
