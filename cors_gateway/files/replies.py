"""What is answered to a request for a file: status, fields, and which bytes of which file.

Decides everything before the first byte is sent, so that a thread can do it beside the event loop:
opening files may take as long as a disk does. Does not know connections.

``aiohttp.web.FileResponse`` would be the obvious way, and is not taken: it looks for a coding as a
piece of text (``gzip;q=0`` gets gzip), sends no ``Vary`` with the file as it is, takes any entity
tag in ``If-Range`` for a match, answers 416 to several ranges, opens a path again that was checked
before, and keeps a connection whose content has ended early.
"""

import contextlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus

from cors_gateway.files.accepting import CODINGS, accepts_page, choose_coding
from cors_gateway.files.conditions import Validators, judge, part_of, spell_date
from cors_gateway.files.media_types import is_page, media_type
from cors_gateway.files.opening import Absent, OpenFile, open_below
from cors_gateway.files.paths import Wanted, read_target
from cors_gateway.snapshot import FileTree

__all__ = ["FIELDS", "PIECE", "Asked", "Reply", "refuse", "reply_to"]

FIELDS = (
    "accept",
    "accept-encoding",
    "if-match",
    "if-modified-since",
    "if-none-match",
    "if-range",
    "if-unmodified-since",
    "range",
)
"""The fields of a request that make a difference; in lower case."""

PIECE = 64 * 1024
"""Bytes read at once, and kept for a client that is slow."""

INDEX = "index.html"
ALLOW = "GET, HEAD, OPTIONS"
ANY_STATE = "no-cache"
"""``Cache-Control`` of what must be asked for again: whether it has changed costs a 304."""

_PHRASES = {status.value: status.phrase for status in HTTPStatus} | {416: "Range Not Satisfiable"}


@dataclass(frozen=True, slots=True)
class Asked:
    """A request, as far as it makes a difference."""

    method: str
    target: str
    fields: Mapping[str, str] = field(default_factory=dict)
    """Those of ``FIELDS`` that are there; several lines of one joined with commas."""


@dataclass(slots=True)
class Reply:
    """An answer; who has it closes it."""

    status: int
    fields: dict[str, str] = field(default_factory=dict)
    content: bytes = b""
    """What is sent first: all of it, or the first piece of the file."""
    length: int = 0
    """Of the whole content."""
    start: int = 0
    """Where in the file the content begins."""
    file: OpenFile | None = None
    """Where there is more than the first piece."""

    def close(self) -> None:
        """Close the file, if there is one."""
        if self.file is not None:
            self.file.close()
            self.file = None


def reply_to(asked: Asked, tree: FileTree, now: float) -> Reply:
    """Decide what is answered.

    Args:
        asked: the request.
        tree: the folder, and what stands for it.
        now: seconds since 1970.

    Raises:
        OSError: the system cannot say.
    """
    if asked.method == "OPTIONS":
        return Reply(204, {"Allow": ALLOW})
    if asked.method not in {"GET", "HEAD"}:
        return refuse(405, {"Allow": ALLOW})
    wanted = read_target(asked.target, tree.prefix.rstrip("/"))
    if wanted is None:
        return refuse(404)
    names = wanted.names
    found = open_below(tree.root, names) if names else Absent.FOLDER
    if found is Absent.FOLDER:
        names = (*names, INDEX)
        found = open_below(tree.root, names)
        if isinstance(found, OpenFile) and not wanted.is_folder:
            found.close()
            return _redirect(wanted)
    elif isinstance(found, OpenFile) and wanted.is_folder:
        found.close()
        found = Absent.MISSING
    if isinstance(found, OpenFile):
        return _represent(asked, tree.root, names, found, now)
    if found is Absent.FORBIDDEN:
        return refuse(403)
    return _stand_in(asked, tree, wanted, now)


def refuse(status: int, fields: Mapping[str, str] | None = None) -> Reply:
    """Answer with a problem document (RFC 9457) that echoes nothing."""
    problem = {"type": "about:blank", "title": _PHRASES[status], "status": status}
    content = json.dumps(problem).encode() + b"\n"
    # The extra field is for caches that would keep a 404 while the site is being put there.
    common = {"Content-Type": "application/problem+json", "Cache-Control": ANY_STATE}
    return Reply(status, {**common, **(fields or {})}, content, len(content))


def _redirect(wanted: Wanted) -> Reply:
    # Relative, because the path may have had another one in front; "./", because a name with a
    # colon would be a scheme.
    location = f"./{wanted.last}/{wanted.query}"
    return Reply(301, {"Location": location, "Cache-Control": ANY_STATE})


def _stand_in(asked: Asked, tree: FileTree, wanted: Wanted, now: float) -> Reply:
    """Answer for what is not there: with the application's page, if this may be a path of its own."""
    if tree.fallback is None or wanted.is_well_known:
        return refuse(404)
    vary = {"Vary": "Accept"}
    accept = asked.fields.get("accept", "")
    if not accepts_page(accept, is_like_a_file=wanted.is_like_a_file):
        return refuse(404, vary)
    names = tree.fallback.split("/")
    found = open_below(tree.root, names)
    if not isinstance(found, OpenFile):
        return refuse(404, vary)
    return _represent(asked, tree.root, names, found, now, vary=("Accept",))


def _represent(
    asked: Asked,
    root: str,
    names: Sequence[str],
    plain: OpenFile,
    now: float,
    vary: tuple[str, ...] = (),
) -> Reply:
    """Answer with a file, in the coding that the client likes best."""
    with contextlib.ExitStack() as opened:
        opened.callback(plain.close)
        coded: dict[str, OpenFile] = {}
        for coding, suffix in CODINGS.items():
            variant = open_below(root, (*names[:-1], names[-1] + suffix))
            if isinstance(variant, OpenFile):
                opened.callback(variant.close)
                coded[coding] = variant
        coding = choose_coding(asked.fields.get("accept-encoding", ""), coded)
        file = coded.get(coding, plain)
        modified = int(min(file.modified, now))
        validators = Validators(f'"{file.mark}{f"-{coding}" if coding else ""}"', modified)
        content_type = media_type(names[-1])
        fields = {"ETag": validators.tag, "Last-Modified": spell_date(modified)}
        if is_page(content_type):
            fields["Cache-Control"] = ANY_STATE
        if vary := (*vary, *(("Accept-Encoding",) if coded else ())):
            fields["Vary"] = ", ".join(vary)
        status = judge(asked.fields, validators)
        if status == 304:
            return Reply(status, fields)
        if status == 412:
            return refuse(status, {name: fields[name] for name in fields.keys() & {"Vary"}})
        part = None
        if asked.method == "GET":
            part = part_of(file.size, asked.fields, validators, now)
        fields |= {"Content-Type": content_type, "Accept-Ranges": "bytes"}
        if coding:
            fields["Content-Encoding"] = coding
        if part is None:
            part = range(file.size)
        elif not part:
            unfit = {name: fields[name] for name in fields.keys() & {"Accept-Ranges", "Vary"}}
            return refuse(416, {**unfit, "Content-Range": f"bytes */{file.size}"})
        else:
            status = 206
            fields["Content-Range"] = f"bytes {part[0]}-{part[-1]}/{file.size}"
        reply = Reply(status, fields, length=len(part), start=part.start)
        if asked.method == "GET" and part:
            reply.content = file.read(part.start, min(len(part), PIECE))
            if len(reply.content) < len(part):
                reply.file = file
                opened.pop_all()
                for other in (plain, *coded.values()):
                    if other is not file:
                        other.close()
        return reply
