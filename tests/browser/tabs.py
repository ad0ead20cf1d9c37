"""A page open in Chromium, and what it and the browser learn of its calls."""

from dataclasses import dataclass
from typing import Any, Self

from playwright.sync_api import CDPSession, Page

__all__ = ["Fetched", "Tab"]


@dataclass(frozen=True)
class Fetched:
    """What a page learns of its call, and what only the browser knows."""

    status: int | None = None
    text: str | None = None
    headers: dict[str, str] | None = None
    """Those that the page may read."""
    error: str | None = None
    """What the page is told of a failure: next to nothing."""
    cors_error: str | None = None
    """Why the browser refused: the name in ``corsErrorStatus`` of the DevTools protocol."""
    parameter: str | None = None
    """The method, header or value that the refusal names."""


@dataclass
class Tab:
    """A page that is open on some origin."""

    page: Page
    failures: list[dict[str, Any]]

    @classmethod
    def of(cls, page: Page) -> Self:
        """Listen to what the browser says of this page's calls."""
        tab = cls(page, failures=[])
        devtools: CDPSession = page.context.new_cdp_session(page)
        devtools.on("Network.loadingFailed", tab.note)
        devtools.send("Network.enable")
        return tab

    def note(self, failure: dict[str, Any]) -> None:
        """Keep what the browser says of a failed request."""
        self.failures.append(failure)

    def fetch(self, url: str, **init: Any) -> Fetched:
        """Call ``fetch(url, init)`` in the page and wait until its end is known."""
        self.failures.clear()
        answer = self.page.evaluate(
            """async ([url, init]) => {
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
            }""",
            [url, init],
        )
        if "error" not in answer:
            return Fetched(**answer)
        status = self._failure_of_fetch().get("corsErrorStatus", {})
        return Fetched(
            error=answer["error"],
            cors_error=status.get("corsError"),
            parameter=status.get("failedParameter"),
        )

    def _failure_of_fetch(self) -> dict[str, Any]:
        for _ in range(500):
            for failure in self.failures:
                # A preflight's own failure is another event, of another type.
                if failure["type"] == "Fetch":
                    return failure
            self.page.wait_for_timeout(10)
        raise AssertionError("the page's call failed, but the browser does not say why")
