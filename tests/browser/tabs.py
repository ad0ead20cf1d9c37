"""A page open in a browser, and what it and the browser learn of its calls.

A page is told next to nothing of a refusal. Chromium's reason comes from its DevTools protocol, under
the names that ``explain`` uses; Firefox's is the sentence that it writes to the console.
"""

import re
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

from playwright.sync_api import CDPSession
from playwright.sync_api import Page as ChromiumPage

from tests.browser.pages import LONGEST_WAIT, Page, wait_for_message

__all__ = ["ChromiumTab", "Fetched", "FirefoxTab", "Tab", "tab_of"]

FETCH = """async ([url, init]) => {
    try {
        const response = await fetch(url, init);
        return {
            status: response.status,
            text: await response.text(),
            headers: Object.fromEntries(response.headers),
        };
    } catch (error) {
        return {error: String(error)};
    }
}"""
FIREFOX_REASONS: Mapping[str, str] = {
    "MissingAllowOriginHeader": "CORS header ‘Access-Control-Allow-Origin’ missing",
    "WildcardOriginNotAllowed": (
        "Credential is not supported if the CORS header ‘Access-Control-Allow-Origin’ is ‘*’"
    ),
    "InvalidAllowCredentials": (
        "expected ‘true’ in CORS header ‘Access-Control-Allow-Credentials’"
    ),
    "MethodDisallowedByPreflightResponse": (
        "Did not find method in CORS header ‘Access-Control-Allow-Methods’"
    ),
    "HeaderDisallowedByPreflightResponse": (
        "header ‘…’ is not allowed according to header ‘Access-Control-Allow-Headers’ from CORS"
        " preflight response"
    ),
}
"""How Firefox words what Chromium calls so. For a preflight, too, if there is no other name."""


@dataclass(frozen=True)
class Fetched:
    """What a page learns of its call, and what only the browser knows."""

    status: int | None = None
    text: str | None = None
    headers: dict[str, str] | None = None
    """Those that the page may read."""
    error: str | None = None
    """What the page is told of a failure: next to nothing."""
    reason: str | None = None
    """Why the browser refused, in its own words: see ``Tab.reason_for``."""


@dataclass
class Tab(ABC):
    """A page that is open on some origin."""

    page: Page

    def fetch(self, url: str, **init: Any) -> Fetched:
        """Call ``fetch(url, init)`` in the page and wait until its end is known."""
        self._forget()
        answer = self.page.evaluate(FETCH, [url, init])
        if "error" in answer:
            return Fetched(error=answer["error"], reason=self._reason())
        return Fetched(**answer)

    @abstractmethod
    def reason_for(self, error: str | None, parameter: str | None = None) -> str | None:
        """Return this browser's words for one of Chromium's errors: ``Fetched.reason``."""

    @abstractmethod
    def _forget(self) -> None:
        """Take what comes from now on for the next call's."""

    @abstractmethod
    def _reason(self) -> str:
        """Wait until the browser has said why a call failed."""


@dataclass
class ChromiumTab(Tab):
    """A page of Chromium: ``ERROR`` or ``ERROR: PARAMETER``, of the DevTools protocol."""

    page: ChromiumPage
    failures: list[dict[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Listen to what the browser says of this page's calls."""
        devtools: CDPSession = self.page.context.new_cdp_session(self.page)
        devtools.on("Network.loadingFailed", self.note)
        devtools.send("Network.enable")

    def note(self, failure: dict[str, Any]) -> None:
        """Keep what the browser says of a failed request."""
        self.failures.append(failure)

    def reason_for(self, error: str | None, parameter: str | None = None) -> str | None:
        """Return the error's own name, and what it names."""
        return f"{error}: {parameter}" if parameter else error

    def _forget(self) -> None:
        self.failures.clear()

    def _reason(self) -> str:
        deadline = monotonic() + LONGEST_WAIT
        while monotonic() < deadline:
            for failure in self.failures:
                # A preflight's own failure is another event, of another type.
                if failure["type"] == "Fetch":
                    status = failure.get("corsErrorStatus", {})
                    error, parameter = status.get("corsError"), status.get("failedParameter")
                    return f"{error}: {parameter}" if parameter else str(error)
            self.page.wait_for_timeout(10)
        raise AssertionError("the page's call failed, but the browser does not say why")


@dataclass
class FirefoxTab(Tab):
    """A page of Firefox: what stands in brackets behind *Reason:* in its console."""

    seen: int = 0

    def reason_for(self, error: str | None, parameter: str | None = None) -> str | None:
        """Return the sentence of its console. Of methods, it does not say which is missing."""
        if error is None:
            return None
        sentence = FIREFOX_REASONS.get(error) or FIREFOX_REASONS[error.removeprefix("Preflight")]
        return sentence.replace("…", parameter or "")

    def _forget(self) -> None:
        self.seen = len(self.page.console_messages())

    def _reason(self) -> str:
        # Of a failed preflight there are two sentences, and the second says only that it failed.
        said = wait_for_message(self.page, lambda text: "Cross-Origin Request" in text, self.seen)
        found = re.search(r"\(Reason: (.+)\)", said)
        assert found, said
        return re.sub(r"\)\. Status code: .*", "", found[1])


def tab_of(page: Page) -> Tab:
    """Return a page with its browser's way to say why."""
    return ChromiumTab(page) if isinstance(page, ChromiumPage) else FirefoxTab(page)
