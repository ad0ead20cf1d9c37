"""Every sentence that docs/cors.md says a browser writes, it writes; and no other is missing there.

A small server answers wrongly in each way there is, a page calls it, and the console is read. When
an upgrade of a browser words a refusal anew, this fails, and the document follows.
"""

import re
from dataclasses import dataclass, field

import pytest

from cors_gateway.cors.browser import CorsError
from tests.browser.pages import BOTH, CHROMIUM, FIREFOX, Browser, wait_for_message
from tests.browser.wrong_answers import SITUATIONS, serving
from tests.docs.pages import DOCS
from tests.peers.firefox import Firefox
from tests.peers.processes import closed_port

PREFLIGHT = "Response to preflight request doesn't pass access control check: "
FETCH = "async ([url, init]) => { try { await fetch(url, init) } catch {} }"
AROUND = {
    CHROMIUM: (r"(?:.*(?:blocked by CORS policy: |failed: |cannot load \S+ ))?", ""),
    FIREFOX: (
        (
            r"(?:Cross-Origin Request Blocked: The Same Origin Policy disallows reading the remote"
            r" resource at \S+\. \(Reason: )?"
        ),
        r"(?:\)\.(?: Status code: (?:\d+|\(null\))\.)?)?",
    ),
}
"""What a browser writes around the sentences that are documented."""


def documented(browser: str) -> tuple[str, ...]:
    """Return the sentences of a browser that the document has."""
    line = re.compile(rf"^- {browser.title()}: (`{{1,2}})(.+?)\1$", re.MULTILINE)
    found = line.findall(DOCS["docs/cors.md"].text)
    return tuple(dict.fromkeys(sentence for _, sentence in found))


EACH_SENTENCE = [
    pytest.param(
        *one.values,
        sentence,
        marks=one.marks,
        id=f"{one.values[0]}: {sentence.replace(PREFLIGHT, 'preflight: ')}",
    )
    for one in BOTH
    for sentence in documented(str(one.values[0]))
]


@dataclass
class Written:
    """What a browser's console has said."""

    browser: str
    lines: list[str] = field(default_factory=list)
    first: dict[str, str] = field(default_factory=dict)
    """The first line of each situation that says more than that something failed."""


@pytest.fixture(scope="module")
def written(browser: Browser) -> Written:
    """What the console says in each situation."""
    found = Written(FIREFOX if isinstance(browser, Firefox) else CHROMIUM)
    with (
        serving() as plain,
        serving(secure=True) as secure,
        closed_port() as dead_port,
        browser.new_context(ignore_https_errors=True) as context,
    ):
        page = context.new_page()

        def call(name: str, script: str, url: str, init: object = None) -> None:
            page.evaluate(script, [url, init or {}])
            found.first[name] = wait_for_message(page, lambda text: url in text and tells(text))

        def leave(url: str) -> None:
            found.lines.extend(text for one in page.console_messages() if tells(text := one.text))
            found.lines.extend(found.first.values())
            page.goto(url)

        leave(f"{plain.replace('localhost', 'page.localhost')}/")
        for one in SITUATIONS:
            call(one.path, FETCH, f"{plain}/{one.path}", one.init)
        socket = "([url]) => { new WebSocket(url) }"
        call("a WebSocket", socket, f"{plain.replace('http', 'ws')}/")
        if found.browser == FIREFOX:
            # Chromium's line is the one of the network: that a resource was not loaded.
            call("nobody answers", FETCH, f"http://localhost:{dead_port}/")
        leave(f"{plain}/strict")
        call("the page's own policy", FETCH, f"{plain.replace('localhost', 'api.localhost')}/")
        leave(f"{secure}/public")
        call("plain http from https", FETCH, "http://api.example/")
        call("this machine from the Internet", FETCH, f"{plain}/MissingAllowOriginHeader")
        leave("about:blank")
    return found


def tells(text: str) -> bool:
    """Whether a line says more than that something failed; of two, the last."""
    silent = ("Failed to load resource", "Connecting to ")
    return not text.startswith(silent)


def matches(browser: str, sentence: str, text: str) -> bool:
    """Whether a line of the console is a documented sentence, with … for what differs."""
    before, after = AROUND[browser]
    pattern = ".*".join(map(re.escape, sentence.split("…")))
    return re.fullmatch(before + pattern + after, text) is not None


def test_every_error_that_explain_names_is_tried() -> None:
    assert {one.error for one in SITUATIONS} == set(CorsError)


@pytest.mark.parametrize("browser, sentence", EACH_SENTENCE, indirect=["browser"], scope="module")
def test_a_browser_writes_what_the_document_says(sentence: str, written: Written) -> None:
    assert any(matches(written.browser, sentence, text) for text in written.lines), written.lines


def test_the_document_has_every_sentence(written: Written) -> None:
    sentences = documented(written.browser)
    missing = [
        text
        for text in written.lines
        if not any(matches(written.browser, sentence, text) for sentence in sentences)
    ]

    assert missing == []


@pytest.mark.parametrize(
    "browser, sentence, text",
    [
        (
            CHROMIUM,
            "Method … is not.",
            "Access … has been blocked by CORS policy: Method PUT is not.",
        ),
        (
            FIREFOX,
            "header ‘…’ is not",
            (
                "Cross-Origin Request Blocked: The Same Origin Policy disallows reading the remote"
                " resource at ‘http://a/’. (Reason: header ‘x’ is not). Status code: (null)."
            ),
        ),
    ],
)
def test_what_a_browser_writes_around_a_sentence_does_not_count(
    browser: str, sentence: str, text: str
) -> None:
    assert matches(browser, sentence, text)
    assert not matches(browser, f"Not: {sentence}", text)
    assert not matches(browser, sentence[:-1], text)
