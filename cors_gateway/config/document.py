"""A YAML text as a document; strict where YAML is not.

This module knows YAML and no key. It reads libyaml's events itself instead of composed nodes:
nesting and repetition are then bounded while reading, and duplicate keys are still there to be
seen. Stricter than YAML 1.2: no tags, no merge keys, text keys only, one document, no cycles.
"""

import yaml

from cors_gateway.config.nodes import Block, Document, Node, Scalar, Series
from cors_gateway.config.problems import Path, Position, Problem, Severity, quote
from cors_gateway.config.scalars import resolve_scalar
from cors_gateway.config.syntax import explain_syntax

__all__ = ["MAX_BYTES", "parse_document"]

MAX_BYTES = 64 * 1024 * 1024
MAX_DEPTH = 32
MAX_NODES = 1_000_000
"""Aliases count each time they are used, so that a few lines cannot stand for billions."""


def parse_document(text: str | bytes, name: str) -> Document:
    """Read a YAML text.

    Args:
        text: the file's content; bytes must be UTF-8, with or without a byte order mark.
        name: what positions call the file.
    """
    if len(text) > MAX_BYTES:
        why = f"it has more than {MAX_BYTES // 1024 // 1024} MiB"
        return _unreadable(name, "the file is too long", why, "use patterns, or several gateways")
    if isinstance(text, bytes):
        content = text
        try:
            text = content.decode()
        except UnicodeDecodeError as error:
            before = content[: error.start].decode()
            position = _position_of(name, before, len(before))
            what = f"byte 0x{content[error.start]:02x} is not UTF-8"
            return _unreadable(name, what, "configurations are UTF-8", "save it as UTF-8", position)
    text = text.removeprefix("\ufeff")
    return _Reading(name, text).document()


def _unreadable(
    name: str, what: str, why: str, fix: str, position: Position | None = None
) -> Document:
    place = position or Position(name, 1, 1)
    return Document(name, None, (Problem(Severity.ERROR, (), what, why, fix, place),))


def _position_of(name: str, text: str, index: int) -> Position:
    start = text.rfind("\n", 0, index) + 1
    return Position(name, text.count("\n", 0, index) + 1, index - start + 1)


class _TooMuchError(Exception):
    """The document passes a bound; reading it further helps nobody."""


class _Frame:
    """A list or block that is still being read."""

    __slots__ = ("anchor", "kept", "key", "key_position", "node", "nodes_before")

    def __init__(self, node: Series | Block, anchor: str | None, nodes_before: int) -> None:
        self.node = node
        self.anchor = anchor
        self.nodes_before = nodes_before
        self.key: str | None = None
        self.key_position = node.position
        self.kept = True
        """Whether the value of the present key is wanted: not for a key that is refused."""


class _Reading:
    """One pass over the events of one text."""

    def __init__(self, name: str, text: str) -> None:
        self._name = name
        self._text = text
        self._problems: list[Problem] = []
        self._frames: list[_Frame] = []
        self._root: Node | None = None
        self._anchors: dict[str, tuple[Node, int]] = {}
        self._nodes = 0
        self._broken: list[Path] = []

    def document(self) -> Document:
        try:
            for event in yaml.parse(self._text, Loader=yaml.CSafeLoader):
                if isinstance(event, yaml.DocumentStartEvent) and self._root is not None:
                    why = "a configuration is one document"
                    what = "a second document begins"
                    self._refuse(self._at(event), what, why, "remove the ---")
                    break
                self._take(event)
        except _TooMuchError:
            self._root = None
        except yaml.MarkedYAMLError as error:
            self._root = None
            self._syntax(error)
        except yaml.reader.ReaderError as error:
            self._root = None
            position = _position_of(self._name, self._text, error.position)
            why = "YAML does not allow control characters"
            self._refuse(position, f"character U+{error.character:04X}", why, "remove it")
        except UnicodeEncodeError as error:
            self._root = None
            position = _position_of(self._name, self._text, error.start)
            self._refuse(position, "half a character", "it is not Unicode text", "remove it")
        return Document(self._name, self._root, tuple(self._problems), tuple(self._broken))

    def _refuse(self, position: Position, what: str, why: str, fix: str, path: Path = ()) -> None:
        self._problems.append(Problem(Severity.ERROR, path, what, why, fix, position))

    def _break(self, position: Position, what: str, why: str, fix: str) -> None:
        """Refuse an alias, and put in its place what nobody will look at."""
        path = self._path()
        self._refuse(position, what, why, fix, path)
        self._broken.append(path)
        self._place(Scalar("", position))

    def _path(self) -> Path:
        parts: list[str | int] = []
        for frame in self._frames:
            if isinstance(frame.node, Series):
                parts.append(len(frame.node.items))
            elif frame.key is not None:
                parts.append(frame.key)
        return tuple(parts)

    def _take(self, event: yaml.Event) -> None:
        match event:
            case yaml.ScalarEvent():
                self._count(1, self._at(event))
                self._tag(event, event.tag)
                scalar = Scalar(event.value, self._at(event), event.implicit[0])
                if event.anchor:
                    self._anchors[event.anchor] = (scalar, 1)
                self._place(scalar)
            case yaml.SequenceStartEvent() | yaml.MappingStartEvent():
                self._open(event)
            case yaml.SequenceEndEvent() | yaml.MappingEndEvent():
                frame = self._frames.pop()
                if frame.anchor:
                    self._anchors[frame.anchor] = (frame.node, self._nodes - frame.nodes_before)
                self._place(frame.node)
            case yaml.AliasEvent():
                self._alias(event)

    def _at(self, event: yaml.Event) -> Position:
        mark = event.start_mark
        assert mark is not None  # noqa: S101 - a parser's events have one; emitters' need none
        return Position(self._name, mark.line + 1, mark.column + 1)

    def _count(self, nodes: int, position: Position) -> None:
        self._nodes += nodes
        if self._nodes > MAX_NODES:
            why = f"with its aliases it has more than {MAX_NODES:,} values"
            self._refuse(position, "the document is too large", why, "write it without aliases")
            raise _TooMuchError

    def _tag(self, event: yaml.Event, tag: str | None) -> None:
        if tag is not None:
            what = f"the tag {quote(_short_tag(tag))}"
            why = "tags are not used here: they could make a value something else than it looks"
            self._refuse(self._at(event), what, why, "remove it; quote text", self._path())

    def _open(self, event: yaml.SequenceStartEvent | yaml.MappingStartEvent) -> None:
        position = self._at(event)
        self._count(1, position)
        self._tag(event, event.tag)
        if len(self._frames) == MAX_DEPTH:
            why = f"nothing here is deeper than {MAX_DEPTH} levels"
            self._refuse(
                position, "the document is nested too deeply", why, "look for stray [ or {"
            )
            raise _TooMuchError
        if self._awaits_key():
            self._bad_key(position, "a key that is a list or a block")
        node = Block(position) if isinstance(event, yaml.MappingStartEvent) else Series(position)
        self._anchors.pop(event.anchor or "", None)
        self._frames.append(_Frame(node, event.anchor, self._nodes - 1))

    def _alias(self, event: yaml.AliasEvent) -> None:
        position = self._at(event)
        if any(frame.anchor == event.anchor for frame in self._frames):
            why = "it would contain itself"
            what = f"*{event.anchor} stands inside &{event.anchor}"
            self._break(position, what, why, "write the value out")
        elif event.anchor not in self._anchors:
            what = f"*{event.anchor} names nothing"
            why = f"there is no &{event.anchor} before it"
            fix = "define it first, or quote text that begins with *"
            self._break(position, what, why, fix)
        else:
            node, nodes = self._anchors[event.anchor]
            self._count(nodes, position)
            self._place(node)

    def _awaits_key(self) -> bool:
        frame = self._frames[-1] if self._frames else None
        return frame is not None and isinstance(frame.node, Block) and frame.key is None

    def _bad_key(self, position: Position, what: str) -> None:
        self._refuse(position, what, "keys are text", "write a name, in quotes", self._path())
        self._frames[-1].kept = False

    def _place(self, node: Node) -> None:
        """Put a finished node where it belongs: into a list, or as key or value into a block."""
        if not self._frames:
            self._root = node
            return
        frame = self._frames[-1]
        if isinstance(frame.node, Series):
            frame.node.items.append(node)
        elif frame.key is None:
            self._key(frame, frame.node, node)
        else:
            if frame.kept:
                frame.node.entries[frame.key] = node
                frame.node.keys[frame.key] = frame.key_position
            frame.key, frame.kept = None, True

    def _key(self, frame: _Frame, block: Block, node: Node) -> None:
        position = node.position
        if not isinstance(node, Scalar):
            if frame.kept:
                self._bad_key(position, "a key that is a list or a block")
            frame.key = ""
            return
        key = node.text
        if node.plain and key == "<<":
            frame.kept = False
            why = "merge keys are not in YAML 1.2 and hide what applies"
            fix = "give the policy a name under corsPolicies, or repeat the keys"
            self._refuse(position, "a merge key", why, fix, self._path())
        elif node.plain and not isinstance(resolve_scalar(key), str):
            what = f"the key {key or 'without a name'} is no text"
            self._bad_key(position, what)
        elif not key.isprintable():
            self._bad_key(position, "a key with a control character")
        elif key in block.entries:
            first = block.keys[key].line
            why = f"line {first} has it already, and only one of them could count"
            frame.kept = False
            path = (*self._path(), key)
            self._refuse(position, f"the key {quote(key)} again", why, "remove one of them", path)
        frame.key, frame.key_position = key, position

    def _syntax(self, error: yaml.MarkedYAMLError) -> None:
        mark = error.problem_mark or error.context_mark
        if error.problem == "found unexpected end of stream":
            # Where the quote was opened, not where the file ends.
            mark = error.context_mark
        line, column = (mark.line, mark.column) if mark else (0, 0)
        lines = self._text.splitlines()
        text = lines[line] if line < len(lines) else ""
        said = str(error.problem or error.context or "not YAML")
        what, why, fix = explain_syntax(said, str(error.context or ""), text, column)
        self._refuse(Position(self._name, line + 1, column + 1), what, why, fix)


def _short_tag(tag: str) -> str:
    return tag.replace("tag:yaml.org,2002:", "!!", 1)
