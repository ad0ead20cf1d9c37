"""What a YAML syntax error means for a person: libyaml names the token, not the mistake."""

import re

from cors_gateway.config.problems import quote

__all__ = ["explain_syntax"]


def explain_syntax(said: str, context: str, line: str, column: int) -> tuple[str, str, str]:
    """Word a syntax error.

    Args:
        said: what libyaml says.
        context: what it was reading.
        line: the line it stopped in.
        column: where in that line, counted from 0.

    Returns:
        What is wrong, why, and the fix.
    """
    rest = line[column:]
    if rest.startswith("\t") or "tab character" in said:
        return "a tab", "YAML indents with spaces only", "replace it with spaces"
    if "alias" in context:
        why = "YAML takes * for a reference to something written before"
        return "a value begins with *", why, _quote_starred(line, column)
    if "flow" in context and "${" in line:
        why = "inside { } and [ ] the braces of ${…} end the value"
        return "a value is cut short", why, "put ${…} in quotes"
    if rest[:1] in ("@", "`", "%"):
        what = f"a value begins with {rest[0]}"
        return what, "YAML reserves that character", "put the value in quotes"
    return EXPLANATIONS.get(said, (said, context, "correct the YAML here"))


def _quote_starred(line: str, column: int) -> str:
    """Say to quote what was written: a ``*`` alone would stand for everybody."""
    # libyaml stops behind the star, at what cannot be in a reference.
    begun = [found for found in STARRED.finditer(line) if found.start() <= column]
    return f"put it in quotes: {quote(begun[-1][0])}" if begun else "put it in quotes"


STARRED = re.compile(r"""\*[^\s,\[\]{}"']*""")
"""A plain value from its star to its end."""

EXPLANATIONS = {
    "mapping values are not allowed in this context": (
        "a colon too many",
        'a value cannot hold ": ", and a key begins its own line after one that is complete',
        "put the value in quotes, or look for a missing colon or indentation before it",
    ),
    "could not find expected ':'": (
        "a line without a colon",
        "a key needs a colon and a space",
        "write key: value",
    ),
    "found unexpected end of stream": (
        "the text ends inside quotes",
        "a quote was opened here and not closed",
        "close it",
    ),
    "found unknown escape character": (
        "an unknown escape",
        "a backslash escapes inside double quotes",
        "use single quotes, or double the backslash",
    ),
    "did not find expected key": (
        "a key is out of place",
        "keys of one block begin in one column",
        "check the indentation",
    ),
    "did not find expected '-' indicator": (
        "an item is out of place",
        "items of one list begin in one column",
        "check the indentation",
    ),
    "did not find expected node content": (
        "a value is missing",
        "a [ or { before it was not closed, or closed too early",
        "close it",
    ),
}
"""By what libyaml says: what is wrong, why, the fix."""
