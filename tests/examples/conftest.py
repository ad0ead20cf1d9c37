"""A real Chromium for the examples' pages, and the stacks that they belong to."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.examples.server_log import ServerLog
from tests.examples.stacks import Stack, stack
from tests.examples.visitors import PATIENCE, Visitor, visitor_in
from tests.peers.chromium import running_chromium


@pytest.fixture(scope="module")
def it(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The example that the module names as ``EXAMPLE``, running."""
    with stack(request.module.EXAMPLE, tmp_path_factory.mktemp("examples")) as running_stack:
        yield running_stack


@pytest.fixture
def log(it: Stack) -> ServerLog:
    """What the example's API is asked from here on, by its own log."""
    return ServerLog(it)


@pytest.fixture(autouse=True)
def _patience() -> Iterator[None]:
    """Wait for what a page shows as long as a busy machine may need."""
    expect.set_options(timeout=PATIENCE)
    yield
    expect.set_options(timeout=5_000)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with running_chromium() as browser:
        yield browser


@pytest.fixture
def fresh_page(chromium: Browser) -> Iterator[Page]:
    """A page of a browser without cookies and cache, on no origin yet."""
    with chromium.new_context() as context:
        context.set_default_timeout(PATIENCE)
        yield context.new_page()


@pytest.fixture
def console(fresh_page: Page) -> list[str]:
    """What the browser writes to the console of ``fresh_page``, a message an item."""
    written: list[str] = []
    fresh_page.on("console", lambda message: written.append(message.text))
    return written


@pytest.fixture
def visitor(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Visitor]:
    """Somebody with an ordinary window of a browser, which has seen nothing yet."""
    with visitor_in(tmp_path_factory.mktemp("visitor")) as somebody:
        yield somebody
