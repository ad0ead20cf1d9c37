"""What stood on a wire, read by rules of the test's own: the two ends of a conversation.

It knows RFC 9112's framing and nothing else, and never mends: what it cannot read stays behind as
``rest``. So it says the same of all three gateways that stand side by side.
"""

import re
from dataclasses import dataclass

__all__ = ["Message", "is_no_answer", "read_answers", "read_requests"]

_STATUS_LINE = re.compile(rb"HTTP/1\.[01] [0-9]{3}( |\r\n)")
_CHUNK = re.compile(rb"([0-9a-fA-F]+)[^\r\n]*\r\n")


@dataclass(frozen=True, slots=True)
class Message:
    """A request or a response."""

    start: bytes
    fields: tuple[tuple[bytes, bytes], ...]
    content: bytes = b""
    is_whole: bool = True
    """Whether the content came to the end that was announced."""

    @property
    def status(self) -> int:
        """The status of a response."""
        return int(self.start.split(b" ")[1])

    @property
    def is_final(self) -> bool:
        """Whether a response is no interim one."""
        return self.status >= 200 or self.status == 101

    @property
    def target(self) -> str:
        """What a request asks for."""
        return self.start.split(b" ")[1].decode("latin-1")

    def values(self, name: str) -> list[bytes]:
        """Give the values of all lines of a name."""
        return [value for one, value in self.fields if one.lower() == name.lower().encode()]

    @property
    def closes(self) -> bool:
        """Whether it says that nothing follows on its connection."""
        return not self.is_whole or b"close" in b",".join(self.values("Connection")).lower()


def read_requests(data: bytes) -> tuple[list[Message], bytes]:
    """Read the whole requests, and give what is left behind them."""
    requests = []
    while (cut := _cut(data)) is not None:
        bare, rest = cut
        framed = _content(bare, rest)
        if framed is None:
            break
        content, data = framed
        requests.append(Message(bare.start, bare.fields, content))
    return requests, data


def read_answers(data: bytes, method: str, *, has_ended: bool) -> tuple[list[Message], bytes]:
    """Read responses as a client does that has sent requests of one method.

    Args:
        data: everything that has come.
        method: what all the requests asked with.
        has_ended: whether nothing can come any more.
    """
    answers: list[Message] = []
    while (cut := _cut(data)) is not None:
        bare, rest = cut
        if is_no_answer(data):
            break
        if method == "HEAD" or bare.status < 200 or bare.status in {204, 304}:
            answers.append(bare)
            data = rest
            if bare.status == 101:
                break
            continue
        framed = _content(bare, rest, default=None)
        if framed is None and not has_ended:
            break
        if framed is None:
            is_whole = not (bare.values("Content-Length") or bare.values("Transfer-Encoding"))
            answers.append(Message(bare.start, bare.fields, rest, is_whole))
            return answers, b""
        content, data = framed
        answers.append(Message(bare.start, bare.fields, content))
    return answers, data


def is_no_answer(rest: bytes) -> bool:
    """Tell whether bytes cannot become an answer, whatever follows them."""
    is_line = b"\r\n" in rest and _STATUS_LINE.match(rest) is None
    return is_line or rest[:7] != b"HTTP/1."[: len(rest)]


def _cut(data: bytes) -> tuple[Message, bytes] | None:
    """Cut off the head in front."""
    head, end, rest = data.partition(b"\r\n\r\n")
    if not end:
        return None
    start, *lines = head.split(b"\r\n")
    pairs = (line.partition(b":") for line in lines)
    fields = tuple((name, value.strip(b" \t")) for name, _, value in pairs)
    return Message(start, fields), rest


def _content(
    head: Message, rest: bytes, default: bytes | None = b"0"
) -> tuple[bytes, bytes] | None:
    """Divide what stands behind a head into its content and the rest; ``None`` if it is not whole."""
    if head.values("Transfer-Encoding"):
        return _chunks(rest)
    lengths = head.values("Content-Length")
    length = lengths[0] if lengths else default
    if length is None or not length.isdigit() or len(rest) < int(length):
        return None
    return rest[: int(length)], rest[int(length) :]


def _chunks(rest: bytes) -> tuple[bytes, bytes] | None:
    content = b""
    while match := _CHUNK.match(rest):
        size = int(match[1], 16)
        rest = rest[match.end() :]
        if size == 0:
            _, end, behind = (b"\r\n" + rest).partition(b"\r\n\r\n")
            return (content, behind) if end else None
        if rest[size : size + 2] != b"\r\n":
            return None
        content, rest = content + rest[:size], rest[size + 2 :]
    return None
