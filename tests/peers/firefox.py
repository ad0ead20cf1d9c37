"""Debian's Firefox, driven by WebDriver BiDi.

Its pages are called like Playwright's, as far as ``tests.browser.pages`` says what a test of both
browsers may ask. Firefox resolves ``localhost`` and every ``….localhost`` to loopback by itself, as
Chromium does.
"""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Any, Self

from tests.peers.bidi import BidiError, Conversation, conversation
from tests.peers.processes import running
from tests.peers.programs import path_of

__all__ = ["Firefox", "FirefoxContext", "FirefoxMessage", "FirefoxPage", "running_firefox"]

LISTENS = re.compile(r"WebDriver BiDi listening on (ws://\S+)")
CALL = """async (argument) => {
    let value = (EXPRESSION);
    if (typeof value === "function") value = value(JSON.parse(argument));
    return JSON.stringify(await value);
}"""
PREFERENCES: dict[str, bool | int | str] = {
    # What a fresh profile would ask of the Internet.
    "app.normandy.enabled": False,
    "captivedetect.canonicalURL": "",
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "nimbus.rollouts.enabled": False,
    "services.settings.server": "data:,",
    # It would wait ever longer before it opens a WebSocket to a host that has refused one.
    "network.websocket.delay-failed-reconnects": False,
}


@dataclass(frozen=True, slots=True)
class FirefoxMessage:
    """A line of a page's console."""

    text: str


@dataclass
class Firefox:
    """A browser that runs."""

    conversation: Conversation
    _messages: dict[str, list[FirefoxMessage]] = field(default_factory=dict)
    """Of each page, by its id."""

    def new_context(self, *, ignore_https_errors: bool = False) -> "FirefoxContext":
        """Open what has cookies and a cache of its own."""
        made = self.conversation.command(
            "browser.createUserContext", acceptInsecureCerts=ignore_https_errors
        )
        return FirefoxContext(self, made["userContext"])

    def messages_of(self, page: str) -> list[FirefoxMessage]:
        """Return what has been written so far to the console of a page."""
        # Whatever was told before the answer to this is read with it.
        self.conversation.command("session.status")
        for event in self.conversation.take("log.entryAdded"):
            source = event["source"].get("context", "")
            self._messages.setdefault(source, []).append(FirefoxMessage(event["text"] or ""))
        return list(self._messages.get(page, ()))


@dataclass
class FirefoxContext:
    """Pages that share cookies and a cache, as the windows of one profile do."""

    browser: Firefox
    name: str

    def new_page(self) -> "FirefoxPage":
        """Open a page that is on no origin yet."""
        made = self.browser.conversation.command(
            "browsingContext.create", type="tab", userContext=self.name
        )
        return FirefoxPage(self, made["context"])

    def __enter__(self) -> Self:
        """Be closed at the end of a block."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close the pages and forget the cookies."""
        self.browser.conversation.command("browser.removeUserContext", userContext=self.name)


@dataclass(frozen=True)
class FirefoxPage:
    """A page that is open."""

    context: FirefoxContext
    name: str

    @property
    def url(self) -> str:
        """Where it is."""
        tree = self._command("browsingContext.getTree", root=self.name, maxDepth=0)
        return str(tree["contexts"][0]["url"])

    def goto(self, url: str) -> None:
        """Open a URL and wait until all of it has loaded."""
        self._command("browsingContext.navigate", context=self.name, url=url, wait="complete")

    def evaluate(self, expression: str, arg: Any = None) -> Any:
        """Return the value of an expression of the page; if it is a function, what that returns."""
        done = self._command(
            "script.callFunction",
            functionDeclaration=CALL.replace("EXPRESSION", expression),
            arguments=[{"type": "string", "value": json.dumps(arg)}],
            awaitPromise=True,
            target={"context": self.name},
        )
        if done["type"] == "exception":
            raise BidiError(done["exceptionDetails"]["text"])
        value = done["result"].get("value")
        return None if value is None else json.loads(value)

    def console_messages(self) -> list[FirefoxMessage]:
        """Return what has been written to its console, in order."""
        return self.context.browser.messages_of(self.name)

    def close(self) -> None:
        """Close it, as its user does."""
        self._command("browsingContext.close", context=self.name)

    def _command(self, method: str, **params: Any) -> dict[str, Any]:
        return self.context.browser.conversation.command(method, **params)


@contextmanager
def running_firefox() -> Iterator[Firefox]:
    """Run a browser without a window, with a profile of its own."""
    with TemporaryDirectory(prefix="firefox-", ignore_cleanup_errors=True) as folder:
        lines = [f"user_pref({json.dumps(k)}, {json.dumps(v)});" for k, v in PREFERENCES.items()]
        (Path(folder) / "user.js").write_text("\n".join(lines), "utf-8")
        argv = [path_of("firefox-esr"), "--headless", "--no-remote", "--profile", folder]
        argv += ["--remote-debugging-port", "0"]
        env = {"HOME": folder, "MOZ_CRASHREPORTER_DISABLE": "1"}
        with running(argv, env) as program:
            url = program.wait_for(LISTENS)[1]
            with conversation(f"{url}/session") as talk:
                talk.command("session.new", capabilities={})
                talk.command("session.subscribe", events=["log.entryAdded"])
                yield Firefox(talk)
                talk.command("browser.close")
            program.process.wait()
