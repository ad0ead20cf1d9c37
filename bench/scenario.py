"""What a peer is set up for, and what it gets to set itself up with."""

from dataclasses import dataclass
from pathlib import Path

__all__ = ["ALLOWED_HEADERS", "ALLOWED_METHODS", "MAX_AGE", "Scenario", "Setup", "origin", "route"]

ALLOWED_METHODS = ("GET", "POST", "PUT", "DELETE")
ALLOWED_HEADERS = ("content-type", "authorization")
MAX_AGE = 600


def origin(number: int) -> str:
    """Give an origin that is allowed: all are equally long."""
    return f"https://app{number:06}.example.com"


def route(number: int) -> str:
    """Give the path of a route: all are equally long."""
    return f"/service-{number:06}"


@dataclass(frozen=True, slots=True)
class Scenario:
    """What all peers do in the same way."""

    origins: int = 10
    """How many are allowed, each by its name."""
    routes: int = 0
    """How many prefixes of paths there are; 0 is one route for everything."""
    log: bool = False
    """Whether each request is written to an access log."""
    tls: bool = False
    """Whether clients speak TLS."""
    workers: int = 1
    live: bool = False
    """Whether the API is the one of event streams and WebSockets."""


@dataclass(frozen=True, slots=True)
class Setup:
    """One peer in one scenario."""

    scenario: Scenario
    folder: Path
    """Of its own, for its files."""
    port: int
    api: int
    """The port of the API."""
    certificate: Path
    key: Path

    @property
    def origins(self) -> list[str]:
        """All that are allowed."""
        return [origin(number) for number in range(self.scenario.origins)]

    @property
    def routes(self) -> list[str]:
        """The prefixes of paths that are proxied."""
        return [route(number) for number in range(self.scenario.routes)] or ["/"]

    def write(self, name: str, text: str) -> Path:
        """Write a file of its configuration."""
        path = self.folder / name
        path.write_text(text, "utf-8")
        return path
