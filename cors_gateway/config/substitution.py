"""``${NAME}`` and ``${file:/path}`` in scalars, after parsing: a value can never become YAML.

Forms: ``${NAME}``, ``${NAME:-default}`` (unset or empty), ``${NAME:?message}``, ``${file:/path}``,
and ``$$`` for one ``$``; a lone ``$`` stands for itself. A variable that is not set and has no
default is a mistake, never the empty text. Keys are not substituted.

What was filled in is text that may be read once more as a number or a boolean where a key asks
for one, however it was quoted: inside ``{ }`` YAML leaves no choice but to quote it.

This module reads nothing itself: the environment and the files come from a ``Reader``, which also
looks at files that a configuration only names. It remembers
what came from outside, so that neither a problem nor ``render`` shows a secret.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from cors_gateway.config.flaws import Flaw
from cors_gateway.config.nodes import Block, Document, Node, Scalar, Series, Value
from cors_gateway.config.problems import Path, Problem, Severity, quote
from cors_gateway.config.scalars import resolve_scalar

__all__ = ["Filled", "FilledText", "Filling", "Reader", "substitute"]


class Reader(Protocol):
    """Where substitutions come from, and what is known of files that are named."""

    @property
    def env(self) -> Mapping[str, str]:
        """The environment."""

    def read_file(self, path: str) -> str:
        """Return a file's text; raises ``OSError`` or ``ValueError``."""

    def locate(self, path: str) -> str:
        """Make a path absolute: what is relative begins at the configuration's folder."""

    def check_pair(self, certificate: str, key: str) -> Sequence[Flaw]:
        """Say what is wrong with a certificate's file and its key's, given absolutely."""

    def check_authorities(self, path: str) -> Sequence[Flaw]:
        """Say what is wrong with a file of authorities' certificates, given absolutely."""

    def check_files(
        self, root: str, fallback: str | None, secrets: Sequence[str]
    ) -> Sequence[Flaw]:
        """Say what is wrong with a folder to be served, and a file below it.

        Args:
            root: the folder, absolute.
            fallback: a path below it, if there is one.
            secrets: files that nobody may be served, absolute.
        """


class FilledText(str):
    """Text with a substitution in it: a number or a boolean where a key asks for one."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Filled:
    """What is known of a scalar that has a value from outside."""

    text: str
    """As written in the document."""
    expression: str
    """Its substitutions without defaults, to name it in a sentence: ``${KEY}``."""
    values: tuple[str, ...]
    """What came from outside."""
    secret: bool
    """Whether it came from a file or from a variable with a name like that of a secret."""


@dataclass(slots=True)
class Filling:
    """A document's values, filled in."""

    value: Value = None
    filled: dict[Path, Filled] = field(default_factory=dict)
    failed: set[Path] = field(default_factory=set)
    """Where a substitution failed; ``value`` holds the empty text there."""
    files: set[str] = field(default_factory=set)
    """Paths of the files that were read."""
    problems: list[Problem] = field(default_factory=list)


SUBSTITUTION = re.compile(r"\$\$|\$\{([^}]*)(\}?)")
NAME = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)(?::([-?])(.*))?", re.DOTALL)
ESCAPE = "write $${ for a literal ${"
SECRET_NAME = re.compile(r"KEY|TOKEN|SECRET|PASS|CREDENTIAL|AUTH", re.IGNORECASE)


def substitute(document: Document, reader: Reader) -> Filling:
    """Resolve every scalar of a document."""
    filling = Filling()
    if document.root is not None:
        filling.value = _Substitution(filling, reader).resolve(document.root, ())
    return filling


class _FailedError(Exception):
    """A substitution cannot be made: what, why, fix."""


class _Substitution:
    def __init__(self, filling: Filling, reader: Reader) -> None:
        self._filling = filling
        self._reader = reader

    def resolve(self, node: Node, path: Path) -> Value:
        # Paths are made only for scalars with a substitution: a list may have 100,000 items.
        match node:
            case Scalar():
                return self._scalar(node, path)
            case Series():
                return [
                    self.resolve(item, (*path, index))
                    if not isinstance(item, Scalar) or "$" in item.text
                    else _plain_value(item)
                    for index, item in enumerate(node.items)
                ]
            case Block():
                return {
                    key: self.resolve(value, (*path, key)) for key, value in node.entries.items()
                }

    def _scalar(self, node: Scalar, path: Path) -> Value:
        if "$" not in node.text:
            return _plain_value(node)
        if "${" not in node.text:
            text = node.text.replace("$$", "$")
            return text if text != node.text else _plain_value(node)
        parts: list[str] = []
        expressions: list[str] = []
        values: list[str] = []
        secret = False
        end = 0
        try:
            for found in SUBSTITUTION.finditer(node.text):
                parts.append(node.text[end : found.start()])
                end = found.end()
                if found[0] == "$$":
                    parts.append("$")
                    continue
                text, expression = self._fill(found[1], is_closed=bool(found[2]))
                parts.append(text)
                if expression:
                    expressions.append(expression)
                    values.append(text)
                    secret |= expression.startswith("${file:") or bool(
                        SECRET_NAME.search(expression)
                    )
        except _FailedError as failure:
            what, why, fix = failure.args
            self._filling.problems.append(
                Problem(Severity.ERROR, path, what, why, fix, node.position)
            )
            self._filling.failed.add(path)
            return ""
        if values:
            self._filling.filled[path] = Filled(
                node.text, "".join(expressions), tuple(values), secret
            )
        return FilledText("".join((*parts, node.text[end:])))

    def _fill(self, body: str, *, is_closed: bool) -> tuple[str, str]:
        """Find the text for what stands between the braces.

        Returns:
            The text, and an expression that names its source; empty for a default.
        """
        if not is_closed:
            raise _FailedError("${ has no }", "a substitution ends with }", ESCAPE)
        if body.startswith("file:"):
            return self._read(body.removeprefix("file:")), f"${{{body}}}"
        found = NAME.fullmatch(body)
        if found is None or "${" in body:
            raise _FailedError(
                f"{quote('${' + body + '}')} is no substitution",
                "the forms are ${NAME}, ${NAME:-default}, ${NAME:?message} and ${file:/path}",
                ESCAPE,
            )
        name, operator, argument = found[1], found[2], found[3]
        value = self._reader.env.get(name)
        if value is not None and (value or operator is None):
            return value, f"${{{name}}}"
        if operator == "-":
            return argument, ""
        state = "not set" if value is None else "empty"
        why = "it has no default"
        if operator == "?" and argument:
            why = argument
        raise _FailedError(
            f"the variable {name} is {state}", why, f"set it, or write ${{{name}:-default}}"
        )

    def _read(self, path: str) -> str:
        if not path.startswith("/"):
            raise _FailedError(
                f"${{file:{path}}} has no absolute path",
                "it would depend on where the gateway is started",
                "write ${file:/path}",
            )
        self._filling.files.add(path)
        try:
            text = self._reader.read_file(path).rstrip("\r\n")
        except OSError as error:
            why = error.strerror or "reading it failed"
        except ValueError:
            why = "it is not UTF-8 text"
        else:
            if text:
                return text
            # Whoever writes it may not have come to it yet, and an empty key is never meant.
            why = "a value is expected in it"
            raise _FailedError(f"the file {path} is empty", why, "write the value into it")
        raise _FailedError(f"the file {path} cannot be read", why, "correct the path or the file")


def _plain_value(node: Scalar) -> Value:
    return resolve_scalar(node.text) if node.plain else node.text
