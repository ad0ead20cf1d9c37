"""Python's ``http.server`` behind the gateway: HTTP/1.0, and content that ends with the connection."""

from collections.abc import Iterator

import pytest

from tests.peers import servers
from tests.peers.old_server import LINE, LINES
from tests.peers.processes import Gateway
from tests.real.caller import BrokenOff, ask, ask_both, calling
from tests.real.conftest import GatewayTo


@pytest.fixture(scope="module")
def old_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    directory = tmp_path_factory.mktemp("files")
    (directory / "folder").mkdir()
    (directory / "page.html").write_text("<title>a page</title>")
    (directory / "folder" / "caf\xe9.txt").write_bytes(b"in a folder")
    with servers.old_server(directory) as port:
        yield port


@pytest.fixture(scope="module")
def behind(old_server: int, gateway_to: GatewayTo) -> Gateway:
    return gateway_to(old_server)


@pytest.mark.parametrize(
    "method, target, status",
    [
        pytest.param("GET", "/page.html", 200, id="a file"),
        pytest.param("HEAD", "/page.html", 200, id="HEAD of a file"),
        pytest.param("GET", "/folder/caf%C3%A9.txt", 200, id="a name that is not ASCII"),
        pytest.param("GET", "/folder/", 200, id="the list of a folder"),
        pytest.param("GET", "/folder", 301, id="a folder without its slash"),
        pytest.param("GET", "/nowhere", 404, id="its own 404"),
        pytest.param("DELETE", "/page.html", 501, id="a method that it does not know"),
    ],
)
def test_an_answer_is_the_same_as_straight_from_http_server(
    method: str, target: str, status: int, old_server: int, behind: Gateway
) -> None:
    answer = ask_both(old_server, behind.port, target, method=method)

    assert answer.status == status
    assert ask(old_server, target, method=method).head.minor_version == 0
    assert answer.head.minor_version == 1


def test_a_redirect_to_the_folder_stays_on_the_gateway(behind: Gateway) -> None:
    with calling(behind.port) as caller:
        location = caller.asks_and_gets("/folder").value("Location")
        answer = caller.asks_and_gets((location or b"").decode())

    assert location == b"/folder/"
    assert b"caf" in answer.content


def test_content_until_close_is_whole_and_the_client_stays_connected(behind: Gateway) -> None:
    with calling(behind.port) as caller:
        answers = [caller.asks_and_gets("/report") for _ in range(2)]

    for answer in answers:
        assert answer.framing == "chunked"
        assert answer.head.reason == b"Here you are"
        assert answer.content == LINE * LINES


def test_an_http_1_0_client_gets_it_until_close_too(behind: Gateway) -> None:
    answer = ask(behind.port, "/report", version="1.0")

    assert answer.framing == "until close"
    assert answer.value("Connection") == b"close"
    assert answer.content == LINE * LINES


@pytest.mark.parametrize("target", ["/broken", "/cut"], ids=["reset", "closed before its length"])
@pytest.mark.parametrize("version", ["1.1", "1.0"])
def test_a_client_can_tell_an_abrupt_end(target: str, version: str, behind: Gateway) -> None:
    with calling(behind.port) as caller:
        caller.asks(target, version=version)
        with pytest.raises(BrokenOff):
            caller.sees_begin()[1].rest()


def test_head_of_what_has_no_length_leaves_the_connection_in_step(behind: Gateway) -> None:
    with calling(behind.port) as caller:
        head = caller.asks_and_gets("/folder/", method="HEAD")
        page = caller.asks_and_gets("/page.html")

    assert (head.status, head.content) == (200, b"")
    assert page.content == b"<title>a page</title>"
