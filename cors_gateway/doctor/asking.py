"""One request over a socket: sent as announced, and answered by a head or by a reason why not.

Every request has a connection of its own, and one deadline for connecting, TLS and head (the system
alone decides how long it looks up a name). A body is never read, a redirect never followed, a
certificate never taken unverified. A head is read as browsers read it (RFC 9112 sections 4 and 5):
folded lines are joined, and a line that is no field is passed over.

``http.client`` would take half a head for a whole one, an early hint (103) for the answer, and each
byte for a reason to wait longer.
"""

import socket
import ssl
from contextlib import closing
from time import monotonic

from cors_gateway import __version__
from cors_gateway.doctor.case import Answer, Probe
from cors_gateway.explain.question import Question
from cors_gateway.messages.fields import is_token
from cors_gateway.messages.heads import (
    FieldLines,
    MessageError,
    RequestHead,
    find_head_end,
    parse_status_line,
    serialize_request_head,
)
from cors_gateway.messages.targets import parse_authority

__all__ = ["SECONDS", "NoAnswerError", "ask"]

SECONDS = 10.0
"""How long a request may take, from its connection to the end of the head."""

MOST_BYTES = 128 * 1024
"""Of an answer that are read: its head, and what came in the same piece."""

USER_AGENT = f"cors-gateway-doctor/{__version__}".encode()

_BEGINNING = b"HTTP/1."
_TLS_ALERT = b"\x15\x03"

_PORTS = {"http": 80, "https": 443}

_CERTIFICATE_TROUBLES = {
    10: "it has expired",
    18: "it has signed itself",
    19: "it comes from an authority that is not trusted here",
    20: "it comes from an authority that is not trusted here",
    62: "it is for another name",
    64: "it is for another address",
}
"""OpenSSL's number of what is wrong → the same in words."""


class NoAnswerError(Exception):
    """There is no answer; the text says why, as the end of a sentence about the API."""


class _Line:
    """A connection on which nothing lasts longer than the deadline."""

    def __init__(self, page: Question, deadline: float) -> None:
        self._deadline = deadline
        host, port = parse_authority(page.authority)
        name = host.decode().strip("[]")
        self._socket = self._connect(name, port or _PORTS[page.scheme])
        if page.scheme == "https":
            self._speak_tls(name)

    def close(self) -> None:
        self._socket.close()

    def send(self, data: bytes) -> None:
        self._socket.settimeout(self._left())
        self._socket.sendall(data)

    def receive(self) -> bytes:
        self._socket.settimeout(self._left())
        return self._socket.recv(16 * 1024)

    def _connect(self, name: str, port: int) -> socket.socket:
        """Try each address of a name, and leave time for those that follow."""
        addresses = socket.getaddrinfo(name, port, type=socket.SOCK_STREAM)
        for number, (family, kind, protocol, _, address) in enumerate(addresses):
            connection = socket.socket(family, kind, protocol)
            try:
                connection.settimeout(self._left() / (len(addresses) - number))
                connection.connect(address)
            except OSError:
                connection.close()
                if number == len(addresses) - 1:
                    raise
            else:
                return connection
        raise OSError("the name has no address")

    def _speak_tls(self, name: str) -> None:
        context = ssl.create_default_context()
        plain = self._socket
        try:
            plain.settimeout(self._left())
            self._socket = context.wrap_socket(plain, server_hostname=name)
        except OSError:
            plain.close()
            raise

    def _left(self) -> float:
        left = self._deadline - monotonic()
        if left <= 0:
            raise TimeoutError
        return left


def ask(page: Question, probe: Probe, seconds: float = SECONDS) -> Answer:
    """Send a request, and read the head of its answer.

    Args:
        page: where to.
        probe: what.
        seconds: how long it may take.

    Raises:
        NoAnswerError: there is none.
    """
    try:
        with closing(_Line(page, monotonic() + seconds)) as line:
            line.send(_write(page, probe))
            return _read_answer(line)
    except TimeoutError as error:
        raise NoAnswerError(f"does not answer within {seconds:g} s") from error
    except MessageError as error:
        raise NoAnswerError("answers with something that is not HTTP/1.1") from error
    except (OSError, UnicodeError) as error:
        raise NoAnswerError(_say(error)) from error


def _write(page: Question, probe: Probe) -> bytes:
    origin: FieldLines = () if probe.origin is None else ((b"Origin", probe.origin),)
    fields = (
        (b"Host", page.authority),
        (b"User-Agent", USER_AGENT),
        (b"Accept", b"*/*"),
        *origin,
        *probe.fields,
        (b"Connection", b"close"),
    )
    # What a page says it accepts stands in the place of what is said here.
    said = {name.lower() for name, _ in probe.fields}
    kept = tuple(line for line in fields if line[0].lower() not in said or line in probe.fields)
    return serialize_request_head(RequestHead(probe.method, probe.target, 1, kept))


def _read_answer(line: _Line) -> Answer:
    buffer = b""
    while True:
        while (end := find_head_end(buffer)) < 0:
            if len(buffer) > MOST_BYTES:
                raise NoAnswerError(f"sends a head of more than {MOST_BYTES // 1024} KiB")
            received = line.receive()
            if not received:
                raise ConnectionResetError
            buffer += received
            if buffer.startswith(_TLS_ALERT):
                raise NoAnswerError("speaks TLS there: write https://")
            if not buffer.startswith(_BEGINNING[: len(buffer)]):
                raise NoAnswerError("answers with something that is not HTTP/1.1")
        first, *rest = buffer[:end].split(b"\n")
        status, _, _ = parse_status_line(first.removesuffix(b"\r"))
        # Others are interim: the answer follows.
        if status >= 200 or status == 101:
            return Answer(status, _read_fields(rest))
        buffer = buffer[end:]


def _read_fields(lines: list[bytes]) -> FieldLines:
    fields: list[tuple[bytes, bytes]] = []
    for raw in lines:
        if raw[:1] in {b" ", b"\t"} and fields:
            name, value = fields.pop()
            fields.append((name, b" ".join((value, raw.strip(b" \t\r"))).strip(b" ")))
            continue
        name, colon, value = raw.partition(b":")
        name = name.rstrip(b" \t")
        if colon and is_token(name):
            fields.append((name, value.strip(b" \t\r")))
    return tuple(fields)


def _say(error: OSError | UnicodeError) -> str:
    match error:
        case ssl.SSLCertVerificationError():
            why = _CERTIFICATE_TROUBLES.get(error.verify_code, error.verify_message)
            return f"shows a certificate that no browser takes either: {why}"
        case ssl.SSLError():
            reason = (error.reason or "").replace("_", " ").lower() or "no reason is given"
            hint = "; does it speak http?" if "wrong version" in reason else ""
            return f"does not agree on TLS: {reason}{hint}"
        case socket.gaierror() | UnicodeError():
            return "cannot be found: its name has no address here"
        case ConnectionRefusedError():
            return "cannot be reached: nothing listens there"
        case ConnectionError():
            return "hangs up without an answer"
        case _:
            return f"cannot be reached: {error.strerror or error}"
