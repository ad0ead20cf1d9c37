"""``fetch`` and its content as a stream: pieces, large content, broken ends, readable fields."""

import pytest

from tests.browser.pages import in_chromium
from tests.browser.visits import THROUGH, Visit, both_ways

pytestmark = pytest.mark.system("node")

MIB = 1024 * 1024

READ = """({url}) => {
    window.text = "";
    window.end = null;
    window.controller = new AbortController();
    const read = async () => {
        const response = await fetch(url, {signal: window.controller.signal});
        window.answered = response.status;
        const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
        for (;;) {
            const {done, value} = await reader.read();
            if (done) return;
            window.text += value;
        }
    };
    read().then(() => { window.end = "whole"; }, error => { window.end = error.name; });
}"""
"""Begin to read; ``window.text`` grows, ``window.end`` says how it ended."""

CHECKSUM = """async ({url}) => {
    const content = await (await fetch(url)).arrayBuffer();
    const digest = await crypto.subtle.digest("SHA-256", content);
    const hex = [...new Uint8Array(digest)].map(byte => byte.toString(16).padStart(2, "0"));
    return [content.byteLength, hex.join("")];
}"""


def wait_for_text(visit: Visit, text: str) -> None:
    visit.wait_until("text => window.text === text", text)


def wait_for_end(visit: Visit) -> str:
    visit.wait_until("window.end !== null")
    return str(visit.page.evaluate("window.end"))


@both_ways
@pytest.mark.parametrize("server", ["node", "gunicorn", "werkzeug"])
def test_each_piece_is_read_before_the_next_is_written(visit: Visit) -> None:
    visit.run(READ, "stream/*?type=text/plain")
    visit.peer.noted("opened", visit.name)

    text = ""
    for number in range(1, 6):
        visit.peer.push(visit.name, f"piece {number} ☕ ")
        text += f"piece {number} ☕ "
        wait_for_text(visit, text)
    visit.peer.end(visit.name)

    assert wait_for_end(visit) == "whole"


@both_ways
def test_each_piece_of_counted_content_is_read_before_the_next_is_written(visit: Visit) -> None:
    visit.run(READ, "stream/*?type=text/plain&length=10")
    visit.peer.noted("opened", visit.name)

    visit.peer.push(visit.name, "first")
    wait_for_text(visit, "first")
    visit.peer.push(visit.name, "again")
    visit.peer.end(visit.name)

    assert wait_for_end(visit) == "whole"
    wait_for_text(visit, "firstagain")


@in_chromium  # Firefox waits for the first byte of content
@both_ways
def test_a_call_returns_as_soon_as_there_is_a_head(visit: Visit) -> None:
    visit.run(READ, "stream/*?type=text/plain")

    visit.wait_until("window.answered === 200")

    assert visit.page.evaluate("[window.text, window.end]") == ["", None]


@both_ways
@pytest.mark.parametrize("pieces", [[], ["something "]], ids=["silent so far", "has begun"])
def test_the_api_learns_of_an_abort(visit: Visit, pieces: list[str]) -> None:
    visit.run(READ, "stream/*?type=text/plain")
    visit.peer.noted("opened", visit.name)
    visit.wait_for_head("window.answered === 200")
    for piece in pieces:
        visit.peer.push(visit.name, piece)
        wait_for_text(visit, piece)
    assert visit.peer.notes("closed", visit.name) == []

    visit.page.evaluate("window.controller.abort()")

    assert visit.peer.noted("closed", visit.name)["whole"] is False
    assert wait_for_end(visit) == "AbortError"


@both_ways
@pytest.mark.parametrize(
    "length", [pytest.param("", id="chunked"), pytest.param("&length=1000", id="counted")]
)
def test_content_that_breaks_off_is_no_short_success(visit: Visit, length: str) -> None:
    path = f"stream/*?type=text/plain{length}"
    visit.run(READ, path)
    visit.peer.noted("opened", visit.name)
    visit.peer.push(visit.name, "half ")
    wait_for_text(visit, "half ")

    visit.peer.break_off(visit.name)

    assert wait_for_end(visit) == "TypeError"


@both_ways
@pytest.mark.parametrize("server", ["gunicorn", "werkzeug"])
def test_a_view_that_raises_half_way_is_no_short_success(visit: Visit) -> None:
    visit.run(READ, "stream/*?type=text/plain")
    visit.peer.noted("opened", visit.name)
    visit.peer.push(visit.name, "half ")
    wait_for_text(visit, "half ")

    visit.peer.break_off(visit.name)

    assert wait_for_end(visit) == "TypeError"


@both_ways
def test_fifty_mebibytes_arrive_byte_for_byte(visit: Visit) -> None:
    length, checksum = visit.run(CHECKSUM, f"bytes/*?size={50 * MIB}")

    assert (length, checksum) == (50 * MIB, visit.peer.noted("sent", visit.name)["sha256"])


@both_ways
def test_the_browser_unpacks_what_the_api_compressed(visit: Visit) -> None:
    text = visit.run("({url}) => fetch(url).then(response => response.text())", "compressed")

    assert text == "Kännchen ☕ " * 50_000


@both_ways
def test_a_large_json_document_is_parsed(visit: Visit) -> None:
    script = """async ({url}) => {
        const rows = await (await fetch(url)).json();
        return [rows.length, rows.at(-1)];
    }"""

    length, last = visit.run(script, "json?rows=500000")

    assert (length, last) == (500_000, {"id": 499_999, "item": "tea ☕"})


@pytest.mark.parametrize("way", [THROUGH])
def test_a_page_reads_the_fields_that_are_exposed_and_no_others(visit: Visit) -> None:
    script = "({url}) => fetch(url).then(response => Object.fromEntries(response.headers))"

    fields = visit.run(script, "answer/*")

    assert fields == {"content-length": "9", "content-type": "text/plain", "x-total-count": "3"}


@both_ways
def test_seventy_calls_at_once_are_all_answered_with_their_own_content(visit: Visit) -> None:
    script = """async ({url}) => {
        const sizes = [...Array(70).keys()].map(number => number * 1000 + 1);
        const read = async size => (await (await fetch(url + size)).arrayBuffer()).byteLength;
        const lengths = await Promise.all(sizes.map(read));
        return lengths.filter((length, index) => length !== sizes[index]).length;
    }"""

    assert visit.run(script, "bytes/*?size=") == 0
