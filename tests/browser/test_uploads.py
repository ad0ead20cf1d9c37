"""Uploads: progress that is true, files whole, aborts noticed, and answers that come early."""

from typing import Any

import pytest

from tests.browser.visits import Visit, both_ways

pytestmark = pytest.mark.system("node")

MIB = 1024 * 1024

MADE_CONTENT = """
    const made = size => {
        const content = new Uint8Array(size);
        for (let at = 0; at < size; at += 1) content[at] = (at * 31 + (at >> 12)) & 0xff;
        return content;
    };
    const hex = async content => {
        const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", content));
        return [...digest].map(byte => byte.toString(16).padStart(2, "0")).join("");
    };
"""

SEND = """({url, size}) => {
    window.loaded = 0;
    window.end = null;
    window.request = new XMLHttpRequest();
    request.open("POST", url);
    request.setRequestHeader("Content-Type", "application/octet-stream");
    request.upload.onprogress = event => { window.loaded = event.loaded; };
    for (const end of ["load", "error", "abort", "timeout"])
        request.addEventListener(end, () => { window.end = [end, request.status]; });
    request.send(new Blob([new Uint8Array(size)]));
}"""
"""Begin to upload; ``window.loaded`` is the progress, ``window.end`` says how it ended.

Of a Blob, unlike of an array, the browser does not send a copy to Playwright.
"""


def wait_for_end(visit: Visit) -> list[Any]:
    visit.wait_until("window.end !== null")
    return list(visit.page.evaluate("window.end"))


@both_ways
def test_progress_grows_as_the_api_reads_and_not_before(visit: Visit) -> None:
    """What fits into the kernel's buffers is sent ahead; all the rest waits for the API."""
    size = 160 * MIB
    visit.run(SEND, "upload/*?take=0", size=size)
    visit.peer.noted("opened", visit.name)
    visit.wait_until("window.loaded > 0")

    ahead = visit.settled("window.loaded")
    visit.peer.take(visit.name, 32 * MIB)
    visit.wait_until("ahead => window.loaded > ahead", ahead)
    assert ahead < visit.settled("window.loaded") < size
    assert visit.page.evaluate("window.end") is None
    visit.peer.take(visit.name)

    assert wait_for_end(visit) == ["load", 200]
    assert visit.page.evaluate("window.loaded") == size
    assert visit.peer.noted("uploaded", visit.name)["length"] == size


@both_ways
def test_the_api_learns_of_an_upload_that_is_aborted(visit: Visit) -> None:
    visit.run(SEND, "upload/*?take=0", size=64 * MIB)
    visit.peer.noted("opened", visit.name)
    visit.peer.take(visit.name, MIB)
    visit.wait_until("window.loaded > 0")

    visit.page.evaluate("window.request.abort()")
    visit.peer.take(visit.name)

    visit.peer.noted("aborted", visit.name)
    assert wait_for_end(visit) == ["abort", 0]
    assert visit.peer.notes("uploaded", visit.name) == []


@both_ways
@pytest.mark.parametrize("server", ["werkzeug", "gunicorn"])
def test_a_file_in_a_form_arrives_byte_for_byte_with_its_name(visit: Visit) -> None:
    script = f"""async ({{url, size}}) => {{
        {MADE_CONTENT}
        const content = made(size);
        const form = new FormData();
        form.append("note", "für später");
        form.append("file", new File([content], "Kännchen ☕.bin"));
        const response = await fetch(url, {{method: "POST", body: form, credentials: "include"}});
        return [await hex(content), await response.json()];
    }}"""

    checksum, seen = visit.run(script, "form", size=20 * MIB)

    assert seen == {
        "sha256": checksum,
        "length": 20 * MIB,
        "filename": "Kännchen ☕.bin",
        "note": "für später",
    }


@both_ways
def test_a_blob_is_put_byte_for_byte(visit: Visit) -> None:
    """Across origins a PUT has a preflight, which the API does not see."""
    script = f"""async ({{url, size}}) => {{
        {MADE_CONTENT}
        const content = made(size);
        const body = new Blob([content], {{type: "application/x-thing"}});
        const response = await fetch(url, {{method: "PUT", body, credentials: "include"}});
        return [await hex(content), await response.json()];
    }}"""

    checksum, seen = visit.run(script, "upload/*", size=20 * MIB)

    assert seen == {"sha256": checksum, "length": 20 * MIB}
    visit.peer.noted("opened", visit.name)
    opened = visit.peer.notes("opened", visit.name)
    assert [note["method"] for note in opened] == ["PUT"]
    assert opened[0]["fields"]["content-type"] == "application/x-thing"
    assert opened[0]["fields"]["content-length"] == str(20 * MIB)


@both_ways
def test_a_refusal_that_comes_early_is_read_when_the_api_reads_on(visit: Visit) -> None:
    visit.run(SEND, "refuse/*?then=read", size=20 * MIB)

    assert wait_for_end(visit) == ["load", 413]
    visit.peer.noted("asked", visit.name)


@both_ways
def test_a_refusal_that_comes_early_ends_the_upload_also_when_the_api_closes(visit: Visit) -> None:
    """Whether the status can be read is a race between it and the reset, also without us."""
    visit.run(SEND, "refuse/*?then=close", size=64 * MIB)

    assert wait_for_end(visit) in (["load", 413], ["error", 0])
    visit.peer.noted("asked", visit.name)


LAST_WORDS = {
    "sendBeacon": "navigator.sendBeacon(url, 'the last words')",
    "sendBeacon of JSON": (
        "navigator.sendBeacon(url, new Blob(['the last words'], {type: 'application/json'}))"
    ),
    "fetch with keepalive": (
        "fetch(url, {method: 'PUT', body: 'the last words', keepalive: true})"
    ),
}


@both_ways
@pytest.mark.parametrize("send", LAST_WORDS.values(), ids=LAST_WORDS.keys())
def test_last_words_of_a_page_arrive_after_it_has_gone(visit: Visit, send: str) -> None:
    visit.run(f"({{url}}) => addEventListener('pagehide', () => {{ {send}; }})", "upload/*")

    visit.page.goto("about:blank")

    seen = visit.peer.noted("uploaded", visit.name)
    assert seen["length"] == len("the last words")
