"""Somebody who visits the pages of an example, with a browser as people have it.

Debian's Chromium keeps the cookies of other sites from a page, and so does every browser in its
private windows. Ordinary windows of Chrome send a cookie that says ``SameSite=None``; only there is
it seen what a hostile page can do with somebody's login.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from playwright.sync_api import BrowserContext, sync_playwright

from tests.peers.chromium import ARGUMENTS, CHROMIUM

__all__ = [
    "FAILED",
    "IN_PREFLIGHT",
    "NO_ALLOW_ORIGIN",
    "PATIENCE",
    "Seen",
    "Visitor",
    "visitor_in",
]

PATIENCE = 60_000
"""Milliseconds that a page may take on a busy machine."""
FAILED = "TypeError: Failed to fetch"
"""All that a page learns of a call that was refused."""
NO_ALLOW_ORIGIN = "No 'Access-Control-Allow-Origin' header is present on the requested resource."
IN_PREFLIGHT = "Response to preflight request doesn't pass access control check: "
"""What stands before the reason in the console, where it is a preflight that was refused."""

ONLY_IN_PRIVATE_WINDOWS = 2
"""Where Chrome keeps the cookies of other sites back unless a user says otherwise."""
PREFERENCES = {"profile": {"cookie_controls_mode": ONLY_IN_PRIVATE_WINDOWS}}


@dataclass(frozen=True)
class Seen:
    """What a page has learnt of its calls, by the id of the item that shows it."""

    answered: dict[str, str]
    refused: dict[str, str]
    console: list[str] = field(repr=False)

    def cors_errors(self) -> list[str]:
        """Return the sentences by which the browser says that it has refused."""
        policy = " has been blocked by CORS policy: "
        return [line.partition(policy)[2] for line in self.console if policy in line]


@dataclass(frozen=True)
class Visitor:
    """One person: the cookies that one page has got are there when another one calls."""

    context: BrowserContext

    def opens(self, url: str) -> Seen:
        """Open a page, wait until it has made all its calls, and close it."""
        page = self.context.new_page()
        console: list[str] = []
        page.on("console", lambda message: console.append(message.text))
        page.goto(url)
        page.wait_for_selector("body[data-state=done]")
        items = page.eval_on_selector_all(
            "#calls [id]",
            """items => items.map(item =>
                [item.className, item.id, item.querySelector(".saw").textContent])""",
        )
        page.close()
        return Seen(
            answered={name: saw for state, name, saw in items if state == "answered"},
            refused={name: saw for state, name, saw in items if state == "refused"},
            console=console,
        )


@contextmanager
def visitor_in(directory: Path) -> Iterator[Visitor]:
    """Give a person with a browser of their own, which has seen nothing yet.

    Args:
        directory: an empty one, for the browser's profile.
    """
    (directory / "Default").mkdir()
    (directory / "Default/Preferences").write_text(json.dumps(PREFERENCES), "utf-8")
    with sync_playwright() as playwright:
        context = playwright.chromium.launch_persistent_context(
            directory, executable_path=CHROMIUM, headless=True, args=ARGUMENTS
        )
        context.set_default_timeout(PATIENCE)
        yield Visitor(context)
        context.close()
