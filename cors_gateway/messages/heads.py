"""Heads: where one ends, how big it may be, its first line, and its form on the wire.

Decides: the end of a head in a buffer, the size limits, the grammar of the request line and the
status line. Does not know: what a target or a field means. RFC 9112 sections 2 to 4.

The field lines between the first line and the empty line are cut by aiohttp's parser; what that
parser lets pass in the first line is refused here, on the raw bytes.
"""

import re
from dataclasses import dataclass, field

__all__ = [
    "METHODS",
    "FieldIndex",
    "FieldLines",
    "FieldSection",
    "MessageError",
    "RequestHead",
    "ResponseHead",
    "check_head_size",
    "check_request_line_so_far",
    "check_status_line_so_far",
    "find_head_end",
    "parse_request_line",
    "parse_status_line",
    "salvage_head",
    "section_of",
    "serialize_request_head",
    "serialize_response_head",
    "skip_empty_lines",
    "target_in_line",
]

FieldLines = tuple[tuple[bytes, bytes], ...]
"""Name and value of each field line as received; values without white space around them."""

FieldIndex = dict[bytes, tuple[bytes, ...]]
"""The values of each field name, in lower case, in the order received."""

METHODS = frozenset(
    b"ACL BIND CHECKOUT CONNECT COPY DELETE GET HEAD LINK LOCK M-SEARCH MERGE MKACTIVITY "
    b"MKCALENDAR MKCOL MOVE NOTIFY OPTIONS PATCH POST PROPFIND PROPPATCH PURGE PUT QUERY REBIND "
    b"REPORT SEARCH SOURCE SUBSCRIBE TRACE UNBIND UNLINK UNLOCK UNSUBSCRIBE".split()
)
"""The methods that aiohttp's parser receives; another token is a 501 (RFC 9110 section 9.1)."""


class MessageError(Exception):
    """A message that must not be served or passed on.

    The reason is a fixed sentence: it never repeats what was received.
    """

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        """What to answer: 4xx or 5xx; 502 where the upstream is at fault."""
        self.reason = reason


@dataclass(slots=True)
class FieldSection:
    """The field lines of one head, ready to be searched, and to be sent on. Never changed once it is made."""

    lines: list[bytes]
    """Each line as it is sent on: name, colon, space, value; without its end."""
    names: list[bytes]
    """The name of each line, in lower case."""
    index: FieldIndex
    is_plain: bool = field(compare=False)
    """Whether names are known to be tokens, and values to hold no control characters."""

    def __init__(
        self,
        lines: list[bytes],
        names: list[bytes],
        index: FieldIndex,
        *,
        is_plain: bool = False,
    ) -> None:
        """Put a section together."""
        self.lines = lines
        self.names = names
        self.index = index
        self.is_plain = is_plain

    @property
    def fields(self) -> FieldLines:
        """Name and value of each line."""
        return tuple(
            [
                (line[: len(name)], line[len(name) + 2 :])
                for line, name in zip(self.lines, self.names, strict=True)
            ]
        )


def section_of(fields: FieldLines) -> FieldSection:
    """Make a section of names and values."""
    names = [name.lower() for name, _ in fields]
    index: dict[bytes, tuple[bytes, ...]] = {}
    for name, (_, value) in zip(names, fields, strict=True):
        index[name] = (*index[name], value) if name in index else (value,)
    return FieldSection([b": ".join(field) for field in fields], names, index)


@dataclass(init=False, slots=True)
class RequestHead:
    """The request line and field section of a request. Never changed once it is made."""

    method: bytes
    target: bytes
    minor_version: int
    section: FieldSection

    def __init__(
        self,
        method: bytes,
        target: bytes,
        minor_version: int,
        fields: FieldLines | FieldSection,
    ) -> None:
        """Put a head together; ``minor_version`` is 0 or 1, for HTTP/1.0 or HTTP/1.1."""
        self.method = method
        self.target = target
        self.minor_version = minor_version
        self.section = fields if isinstance(fields, FieldSection) else section_of(fields)

    @property
    def fields(self) -> FieldLines:
        """Name and value of each field line."""
        return self.section.fields


@dataclass(init=False, slots=True)
class ResponseHead:
    """The status line and field section of a response. Never changed once it is made."""

    status: int
    reason: bytes
    minor_version: int
    section: FieldSection

    def __init__(
        self, status: int, reason: bytes, minor_version: int, fields: FieldLines | FieldSection
    ) -> None:
        """Put a head together; ``minor_version`` is 0 or 1, for HTTP/1.0 or HTTP/1.1."""
        self.status = status
        self.reason = reason
        self.minor_version = minor_version
        self.section = fields if isinstance(fields, FieldSection) else section_of(fields)

    def __hash__(self) -> int:
        return id(self)  # what is known of one head is looked up by the head itself

    @property
    def fields(self) -> FieldLines:
        """Name and value of each field line."""
        return self.section.fields


# method: RFC 9110 section 9.1, a token. request-target: every form of RFC 9112 section 3.2 is
# made of visible ASCII; "#" starts a fragment, which is never sent. Browsers do send a few
# visible characters that RFC 3986 would encode ("|", "{", "\" in a query): they pass.
_REQUEST_LINE = re.compile(rb"([!#$%&'*+\-.^_`|~0-9A-Za-z]+) ([\x21\x22\x24-\x7e]+) HTTP/1\.([01])")
_HTTP_1_1 = b" HTTP/1.1"
_TARGET_BYTES = bytes([0x21, 0x22, *range(0x24, 0x7F)])
_OTHER_VERSION = re.compile(
    rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+ [\x21-\x7e]+ HTTP/(?!1\.[01])[0-9]\.[0-9]"
)
_METHOD = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_REQUEST_LINE_SO_FAR = re.compile(
    rb"\r?|[!#$%&'*+\-.^_`|~0-9A-Za-z]+(?: (?:[\x21-\x7e]+(?: [\x21-\x7e]*\r?)?)?)?"
)
_TLS_HANDSHAKE = b"\x16\x03"
_STATUS_LINE = re.compile(rb"HTTP/([1-9]\.[0-9]) +([1-9][0-9][0-9])(?: ([\t\x20-\x7e\x80-\xff]*))?")
_STATUS_LINE_BEGINS = b"HTTP/"

_SALVAGED_BYTES = 128 * 1024
"""Of a refused head; what stands further behind is not looked at."""

_LINE_ALLOWANCE = 64
"""Bytes of a request line beside its target: more than any method we know and the version."""


def skip_empty_lines(buffer: bytes | bytearray) -> int:
    """Count the bytes of the empty lines in front of a head.

    RFC 9112 section 2.2 wants at least one CRLF before a request line ignored. We are stricter
    about the rest: a bare CR or LF there stays, and makes the request line invalid.
    """
    at = 0
    while buffer.startswith(b"\r\n", at):
        at += 2
    return at


def find_head_end(buffer: bytes | bytearray, start: int = 0) -> int:
    r"""Find the index just past the first empty line, or -1 where there is none yet.

    An empty line is cut at ``\n\n`` too, as the parsers do; whether a bare LF is allowed is
    theirs to say, where a head ends must never be in doubt.

    Args:
        buffer: What was received, from the first byte of the head.
        start: How many of its bytes an earlier call has searched in vain.
    """
    start = max(0, start - 2)
    end = buffer.find(b"\n\r\n", start)
    bare = buffer.find(b"\n\n", start, end + 1 if end >= 0 else len(buffer))
    if bare >= 0:
        return bare + 2
    return end + 3 if end >= 0 else -1


def check_head_size(
    buffer: bytes | bytearray, end: int, *, max_target: int, max_section: int, max_lines: int
) -> None:
    """Refuse a head that is too long, also before it is complete.

    Args:
        buffer: What was received, from the first byte of the head.
        end: What :func:`find_head_end` said.
        max_target: Bytes of the request target.
        max_section: Bytes of the field section with its line ends.
        max_lines: Field lines.

    Raises:
        MessageError: 414 (RFC 9112 section 3) or 431 (RFC 6585 section 5).
    """
    length = end if end >= 0 else len(buffer)
    longest_line = max_target + _LINE_ALLOWANCE
    line_end = buffer.find(b"\n", 0, min(length, longest_line))
    if line_end < 0:
        if length < longest_line:
            return
        raise MessageError(414, "The request target is too long.")
    if length - line_end - 1 > max_section:
        raise MessageError(431, "The field section is too long.")
    if end >= 0 and buffer.count(b"\n", line_end + 1, end) - 1 > max_lines:
        raise MessageError(431, "There are too many field lines.")


def check_request_line_so_far(buffer: bytes) -> None:
    """Refuse at once what cannot become a request, rather than wait for its end.

    What speaks TLS, SSH or noise waits for us to speak, and its head would never end.

    Args:
        buffer: The beginning of a head, perhaps with its whole first line.

    Raises:
        MessageError: As :func:`parse_request_line` does.
    """
    line, line_end, _ = buffer.partition(b"\n")
    if buffer.startswith(_TLS_HANDSHAKE):
        raise MessageError(400, "This looks like TLS, and this address speaks plain HTTP.")
    if line_end:
        parse_request_line(line.removesuffix(b"\r"))
    elif not _REQUEST_LINE_SO_FAR.fullmatch(line):
        raise MessageError(400, "The request line is malformed.")


def salvage_head(raw: bytes) -> RequestHead:
    """Read what can be read of a head that is refused, complete or not.

    For the answer alone, which is to carry the fields of the right policy, and for the log.
    Nothing that comes of it is ever forwarded.
    """
    first, *lines = raw[:_SALVAGED_BYTES].split(b"\n")
    method, _, rest = first.rstrip(b"\r").partition(b" ")
    target, _, version = rest.rpartition(b" ")
    if not _METHOD.fullmatch(method):
        method = b""  # something else than HTTP: a log line is no place for it
    fields = [line.partition(b":") for line in lines if b":" in line]
    return RequestHead(
        method,
        target,
        0 if version == b"HTTP/1.0" else 1,
        tuple([(name, value.strip(b" \t\r")) for name, _, value in fields]),
    )


def parse_request_line(line: bytes) -> tuple[bytes, bytes, int]:
    """Read method, target and minor version from a request line without its line end.

    RFC 9112 section 3: exactly one space between the parts. We are stricter: the lenient
    reading of section 3 (any white space, anywhere) is not done, a higher minor version is not
    taken for 1.1, and a byte outside visible ASCII in the target is refused.

    Raises:
        MessageError: 400, 501 for an unknown method, 505 for another version.
    """
    parts = line.split(b" ")
    if len(parts) == 3 and parts[0] in METHODS and parts[2] == b"HTTP/1.1":
        target = parts[1]
        if target and not target.translate(None, _TARGET_BYTES):
            return parts[0], target, 1
    match = _REQUEST_LINE.fullmatch(line)
    if match is None:
        if _OTHER_VERSION.fullmatch(line):
            raise MessageError(505, "Only HTTP/1.1 and HTTP/1.0 are spoken here.")
        raise MessageError(400, "The request line is malformed.")
    method, target, minor = match.groups()
    if method not in METHODS:
        raise MessageError(501, "The request method is not known.")
    return method, target, 1 if minor == b"1" else 0


def target_in_line(line: bytes, method: bytes) -> bytes:
    """Give the target of a request line of HTTP/1.1 with a known method; nothing of any other line.

    It is what :func:`parse_request_line` would give, for a third of its cost.
    """
    begin = len(method) + 1
    rest = line[begin:]
    if line[:begin] != method + b" " or rest[-len(_HTTP_1_1) :] != _HTTP_1_1:
        return b""
    target = rest[: -len(_HTTP_1_1)]
    return b"" if target.translate(None, _TARGET_BYTES) else target


def parse_status_line(line: bytes) -> tuple[int, bytes, int]:
    """Read status, reason phrase and minor version from a status line without its line end.

    RFC 9112 section 4. What sloppy servers write passes, as with nginx: no space before an empty
    reason, several before the status, and any version, which counts for 1.1 if it is not 1.0: what
    has come as text on this connection is not another protocol.
    Statuses 600 to 999 pass (RFC 9110 section 15); below 100 nothing says what they mean.

    Raises:
        MessageError: 502.
    """
    match = _STATUS_LINE.fullmatch(line)
    if match is None:
        raise MessageError(502, "The upstream's status line is malformed.")
    version, status, reason = match.groups()
    return int(status), reason or b"", 0 if version == b"1.0" else 1


def check_status_line_so_far(buffer: bytes) -> None:
    """Refuse at once what cannot become a response, rather than wait for its end.

    What speaks SSH, SMTP or noise waits for an answer, and its head would never end.

    Args:
        buffer: The beginning of a head.

    Raises:
        MessageError: 502.
    """
    if not buffer.startswith(_STATUS_LINE_BEGINS[: len(buffer)]):
        raise MessageError(502, "The upstream does not speak HTTP.")


def serialize_request_head(head: RequestHead) -> bytes:
    """Write a request head.

    Precondition: the parts are valid, as the parse functions and checks here leave them.
    """
    start = b"%b %b HTTP/1.%d" % (head.method, head.target, head.minor_version)
    return b"\r\n".join([start, *head.section.lines, b"", b""])


def serialize_response_head(head: ResponseHead) -> bytes:
    """Write a response head; the space before an empty reason is required (RFC 9112 section 4).

    Precondition: the parts are valid, as the parse functions and checks here leave them.
    """
    start = b"HTTP/1.%d %d %b" % (head.minor_version, head.status, head.reason)
    return b"\r\n".join([start, *head.section.lines, b"", b""])
