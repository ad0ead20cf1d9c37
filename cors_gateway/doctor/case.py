"""A case: the API that is examined, whose pages call it, and what was asked and answered so far.

The data of an examination, which is made of a person's words in ``opening``. Sends nothing and judges
nothing but one thing: whether an answer lets a page read it.
"""

from dataclasses import dataclass
from enum import StrEnum

from cors_gateway.cors.browser import BrowserRequest, judge_response, needs_preflight
from cors_gateway.doctor.strangers import Strangers
from cors_gateway.explain.question import Question, Site
from cors_gateway.messages.heads import FieldLines

__all__ = ["ALLOW_ORIGIN", "Answer", "Case", "Course", "Exchange", "Probe", "Purpose"]

ALLOW_ORIGIN = b"access-control-allow-origin"


class Purpose(StrEnum):
    """What a request is to find out."""

    PLAIN = "plain"
    """What is answered where no browser is involved."""
    PAGE = "page"
    """Whether a page that was named may read the answer."""
    PREFLIGHT = "preflight"
    """Whether it may send what it wants to send."""
    STRANGER = "stranger"
    """Whether everybody may read the answer."""
    LOOK_ALIKE = "look-alike"
    """Whether somebody may whose origin holds what is looked for: in front, in the middle, behind."""
    BEGINNING = "beginning"
    """Whether it is enough that an origin begins with, or holds, that of the page."""
    MIDDLE = "middle"
    """Whether it is enough that an origin holds the page's name, wherever."""
    OWN_NAME = "own-name"
    """Whether it is enough that an origin holds the API's own name."""
    DOT = "dot"
    """Whether a dot of the page's name stands for any character."""
    INSECURE = "insecure"
    """Whether the page's origin is also allowed over http."""
    NULL = "null"
    MISSING = "missing"
    """Whether the page may read an error."""
    STRANGERS_PREFLIGHT = "strangers-preflight"
    """Whether everybody may send what the page wants to send."""


@dataclass(frozen=True, slots=True)
class Probe:
    """One request."""

    purpose: Purpose
    method: bytes
    target: bytes
    origin: bytes | None
    fields: FieldLines = ()
    """What is sent beside Origin, and what every request has."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The head of an answer."""

    status: int
    fields: FieldLines = ()

    def values(self, lower_name: bytes) -> tuple[bytes, ...]:
        """Give the values of a field, one for each line."""
        return tuple(value for name, value in self.fields if name.lower() == lower_name)

    def combined(self, lower_name: bytes) -> bytes | None:
        """Give the value of a field as a browser sees it; ``None`` where there is none."""
        values = self.values(lower_name)
        return b", ".join(values) if values else None


@dataclass(frozen=True, slots=True)
class Exchange:
    """A request, and what came of it."""

    probe: Probe
    answer: Answer | None
    trouble: str = ""
    """Why there is no answer."""

    @property
    def is_granted(self) -> bool:
        """Whether a page of the probe's origin may read the answer, if it sends no cookies."""
        return self.answer is not None and (
            judge_response(BrowserRequest(self.probe.origin or b"", b"GET"), self.answer.fields)
            is None
        )

    @property
    def is_for_all(self) -> bool:
        """Whether the answer says ``*``."""
        return self.answer is not None and self.answer.values(ALLOW_ORIGIN) == (b"*",)


@dataclass(frozen=True, slots=True)
class Course:
    """What was asked and answered so far, in order."""

    exchanges: tuple[Exchange, ...] = ()

    def of(self, *purposes: Purpose) -> list[Exchange]:
        """Give the exchanges for some purposes that have an answer."""
        return [one for one in self.exchanges if one.answer and one.probe.purpose in purposes]

    def first(self, purpose: Purpose) -> Exchange | None:
        """Give the first of them."""
        return next(iter(self.of(purpose)), None)

    def grants(self, purpose: Purpose) -> bool:
        """Say whether such a request was made, and its page may read the answer."""
        return any(one.is_granted for one in self.of(purpose))


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """What is examined."""

    pages: tuple[Question, ...]
    """What a page of each origin wants to send; they differ by origin alone."""
    is_page_assumed: bool
    is_call_assumed: bool
    """Neither method nor header was given, and JSON stands for what the page sends."""
    sites: tuple[Site, ...]
    """How far each page is from the API."""
    strangers: Strangers

    @property
    def page(self) -> Question:
        """The first of the pages: of the others only the origin is looked at."""
        return self.pages[0]

    @property
    def base(self) -> str:
        """The API's URL without a path."""
        return f"{self.page.scheme}://{self.page.authority.decode()}"

    @property
    def asks_first(self) -> bool:
        """Whether a browser sends a preflight for what the page wants."""
        return needs_preflight(self.page.browser_request())
