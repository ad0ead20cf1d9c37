"""Messages as two parsers of others read them: h11 and httptools (llhttp, as in Node).

What the gateway writes must be the same to both, to the last byte. A message that a parser refuses
raises ``RefusedError``.
"""

from dataclasses import dataclass

import h11
import httptools

__all__ = [
    "Message",
    "RefusedError",
    "requests_by_h11",
    "requests_by_llhttp",
    "response_by_h11",
    "response_by_llhttp",
]

Fields = tuple[tuple[bytes, bytes], ...]


class RefusedError(Exception):
    """The parser does not take it."""


@dataclass
class Message:
    """A request or a response. Names are in lower case: one of the parsers gives them so."""

    start: tuple[bytes, bytes]
    """Method and target; or the status and nothing."""
    fields: Fields
    content: bytes = b""
    is_whole: bool = False


def lowered(fields: object) -> Fields:
    assert isinstance(fields, list)
    return tuple((bytes(name).lower(), bytes(value)) for name, value in fields)


def requests_by_h11(data: bytes) -> list[Message]:
    """Read the requests of a connection on which the server answers each and keeps it open."""
    connection = h11.Connection(h11.SERVER, max_incomplete_event_size=1 << 20)
    connection.receive_data(data)
    messages: list[Message] = []
    try:
        while True:
            event = connection.next_event()
            if isinstance(event, h11.Request):
                messages.append(Message((event.method, event.target), lowered(list(event.headers))))
            elif isinstance(event, h11.Data):
                messages[-1].content += event.data
            elif isinstance(event, h11.EndOfMessage):
                messages[-1].is_whole = True
                connection.send(h11.Response(status_code=204, headers=[]))
                connection.send(h11.EndOfMessage())
                if connection.their_state is not h11.DONE:
                    return messages
                connection.start_next_cycle()
            else:
                return messages
    except h11.RemoteProtocolError as error:
        raise RefusedError(str(error)) from None


class Gathering:
    """What httptools calls back."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self.url = b""
        self.lines: list[tuple[bytes, bytes]] = []
        self.parser: httptools.HttpRequestParser | httptools.HttpResponseParser | None = None

    def on_message_begin(self) -> None:
        self.url, self.lines = b"", []

    def on_url(self, url: bytes) -> None:
        self.url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self.lines.append((name, value))

    def on_headers_complete(self) -> None:
        assert self.parser is not None
        if isinstance(self.parser, httptools.HttpRequestParser):
            start = (self.parser.get_method(), self.url)
        else:
            start = (b"%d" % self.parser.get_status_code(), b"")
        self.messages.append(Message(start, lowered(self.lines)))

    def on_body(self, data: bytes) -> None:
        self.messages[-1].content += data

    def on_message_complete(self) -> None:
        self.messages[-1].is_whole = True


def requests_by_llhttp(data: bytes) -> list[Message]:
    """Read the requests of a connection."""
    gathering = Gathering()
    gathering.parser = httptools.HttpRequestParser(gathering)
    return fed(gathering, data)


def response_by_llhttp(data: bytes, *, ends: bool) -> list[Message]:
    """Read the responses to one GET: interim ones, and the final one."""
    gathering = Gathering()
    gathering.parser = httptools.HttpResponseParser(gathering)
    messages = fed(gathering, data)
    if ends and messages and not messages[-1].is_whole:
        names = {name for name, _ in messages[-1].fields}
        # httptools has no way to say that the connection has ended.
        messages[-1].is_whole = not names & {b"content-length", b"transfer-encoding"}
    return messages


def fed(gathering: Gathering, data: bytes) -> list[Message]:
    assert gathering.parser is not None
    try:
        gathering.parser.feed_data(data)
    except httptools.HttpParserUpgrade:
        pass
    except httptools.HttpParserError as error:
        raise RefusedError(str(error)) from None
    return gathering.messages


def response_by_h11(data: bytes, *, method: bytes = b"GET", ends: bool) -> list[Message]:
    """Read the responses to one request: interim ones, and the final one."""
    connection = h11.Connection(h11.CLIENT, max_incomplete_event_size=1 << 20)
    connection.send(h11.Request(method=method, target="/", headers=[("Host", "x")]))
    connection.send(h11.EndOfMessage())
    messages: list[Message] = []
    try:
        if data:  # nothing would be the end
            connection.receive_data(data)
        if ends:
            connection.receive_data(b"")
        while True:
            event = connection.next_event()
            if isinstance(event, (h11.Response, h11.InformationalResponse)):
                is_interim = isinstance(event, h11.InformationalResponse)
                start = (b"%d" % event.status_code, b"")
                messages.append(Message(start, lowered(list(event.headers)), is_whole=is_interim))
            elif isinstance(event, h11.Data):
                messages[-1].content += event.data
            elif isinstance(event, h11.EndOfMessage):
                messages[-1].is_whole = True
                return messages
            else:
                return messages
    except h11.RemoteProtocolError as error:
        raise RefusedError(str(error)) from None
