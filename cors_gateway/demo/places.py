"""Where the parts of a running demonstration are, as they come to be known."""

from dataclasses import dataclass, field
from pathlib import Path

__all__ = ["Places"]


@dataclass(slots=True)
class Places:
    """The addresses as a browser spells them; empty where nothing listens yet."""

    config: Path
    """The file that the gateway runs."""
    api: str = ""
    page: str = ""
    gateway: str = ""
    admin: str = ""
    """The gateway's admin listener."""
    variables: dict[str, str] = field(default_factory=dict)
    """What the configuration is given by environment variables."""
