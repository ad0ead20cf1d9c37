"""What can be wrong with a file or a folder that a configuration names, as data.

Whoever looks at files (a ``Reader``, a worker) says what is wrong in these words; whoever asked
knows the place in the configuration, or writes a line of the log. This module reads nothing.
"""

from dataclasses import dataclass
from typing import Literal

__all__ = ["REFUSED_BY_CLIENTS", "FileRole", "Flaw"]

REFUSED_BY_CLIENTS = "clients refuse it"
"""What comes of a listener's certificate that is not valid at the time."""

FileRole = Literal["certificate", "key", "ca", "root", "fallback"]
"""What it is named as; each is the name of its key in a ``tls`` or ``files`` block."""


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
    """``{consequence}`` stands for what comes of it, which depends on what the file is for."""
    is_warning: bool = False
    """Whether the file can be used all the same."""

    def sentence(self, path: str) -> str:
        """Say it of a listener's file at ``path``."""
        what = self.what.replace("{value}", path)
        return ", ".join(filter(None, (what, self.why, self.remedy(REFUSED_BY_CLIENTS))))

    def remedy(self, consequence: str) -> str:
        """Give the fix where this comes of it."""
        return self.fix.replace("{consequence}", consequence)
