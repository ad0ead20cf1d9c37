"""One thing that is wrong: what it is here, where it was seen, and what its code says of it."""

from dataclasses import dataclass

from cors_gateway.config.problems import quote
from cors_gateway.cors.browser import CorsError
from cors_gateway.doctor.browser_words import console_sentence
from cors_gateway.doctor.case import Exchange, Probe, Purpose
from cors_gateway.doctor.catalogue import CATALOGUE, Code, Kind

__all__ = ["Finding", "found", "show"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong."""

    code: Code
    what: str
    """A sentence about this API."""
    kind: Kind
    console: str = ""
    """What a browser says of it; empty where it says nothing."""
    seen: tuple[Probe, ...] = ()
    """The requests whose answers show it."""

    @property
    def why(self) -> str:
        """Why it matters."""
        return CATALOGUE[self.code].why

    @property
    def gateway(self) -> str:
        """What the gateway does instead."""
        return CATALOGUE[self.code].gateway


def found(
    code: Code,
    what: str,
    *exchanges: Exchange,
    error: CorsError | None = None,
    shown: str = "",
    kind: Kind | None = None,
) -> Finding:
    """Make a finding.

    Args:
        code: of what is wrong.
        what: the sentence about this API.
        exchanges: where it is seen.
        error: what the browser's check says of it; of a preflight's answer, too, as of any other.
        shown: what the browser's sentence shows.
        kind: where it is not what the code mostly is.
    """
    probes = tuple(one.probe for one in exchanges)
    console = ""
    if error is not None:
        is_preflight = any(probe.purpose is Purpose.PREFLIGHT for probe in probes)
        console = console_sentence(error, quote(shown)[1:-1], of_preflight=is_preflight)
    return Finding(code, what, kind or CATALOGUE[code].kind, console, probes)


def show(value: bytes) -> str:
    """Show a value in a sentence, with nothing in it that could move a cursor."""
    return quote(value.decode("latin-1"))
