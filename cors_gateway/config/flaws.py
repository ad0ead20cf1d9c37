"""What can be wrong with a file of certificates or a key that a configuration names, as data.

Whoever looks at files (a ``Reader``, a worker) says what is wrong in these words; whoever asked
knows the place in the configuration, or writes a line of the log. This module reads nothing.
"""

from dataclasses import dataclass
from typing import Literal

__all__ = ["FileRole", "Flaw"]

FileRole = Literal["certificate", "key", "ca"]
"""What a file is named as; each is the name of its key in a ``tls`` block."""


@dataclass(frozen=True, slots=True)
class Flaw:
    """One thing that is wrong: a sentence in three parts, never with content of the file."""

    role: FileRole
    """Which of the files is at fault."""
    what: str
    """``{value}`` stands for the path as it was written."""
    why: str = ""
    """A path in it stands in double quotes, as ``UnfitValueError`` asks for."""
    fix: str = ""
    is_warning: bool = False
    """Whether the file can be used all the same."""

    def sentence(self, path: str) -> str:
        """Say it of the file at ``path``."""
        return ", ".join(filter(None, (self.what.replace("{value}", path), self.why, self.fix)))
