"""What a client accepts: which coding of a file, and whether a page in place of what is missing.

Decides by ``Accept-Encoding`` and ``Accept`` with their weights (RFC 9110, sections 12.4.2, 12.5.1
and 12.5.3). Does not know which files there are.
"""

import re
from collections.abc import Collection

from cors_gateway.files.media_types import PAGES

__all__ = ["CODINGS", "accepts_page", "choose_coding"]

CODINGS = {"br": ".br", "gzip": ".gz"}
"""Codings and what is behind the name of a file that is coded so; the best first."""

_WEIGHT = re.compile(r"0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?")
_OTHER_NAMES = {"x-gzip": "gzip"}


def choose_coding(accept_encoding: str, there: Collection[str]) -> str:
    """Choose the coding that a client likes best of those that are there.

    Equal weights go to the one that is likely to be the smallest. Without a word about it, or where
    nothing that is there is accepted, it is the file as it is: the standard allows that, and a 406
    would help nobody.

    Args:
        accept_encoding: the field's value; empty where there is none.
        there: names of ``CODINGS``.

    Returns:
        The coding; empty for none.
    """
    weights: dict[str, float] = {}
    for name, weight in _items(accept_encoding):
        weights.setdefault(_OTHER_NAMES.get(name, name), weight)
    others = weights.get("*", 0.0)
    accepted = {coding: weights.get(coding, others) for coding in CODINGS if coding in there}
    best = max(accepted, key=accepted.__getitem__, default="")
    if not best or not accepted[best] or accepted[best] < weights.get("identity", others):
        return ""
    return best


def accepts_page(accept: str, *, is_like_a_file: bool) -> bool:
    """Say whether a page may stand for a path that is not there.

    A browser that opens a path names HTML. A script that says nothing, or takes everything, gets one
    only where the path does not look like a file's: HTML in place of a script is an error that
    nobody understands.

    Args:
        accept: the field's value; empty where there is none.
        is_like_a_file: whether the last name of the path has an extension.
    """
    names = [name for name, weight in _items(accept) if weight > 0]
    if any(name in PAGES for name in names):
        return True
    return not is_like_a_file and all(name == "*/*" for name in names)


def _items(value: str) -> list[tuple[str, float]]:
    """Split a list into names in lower case and their weights; one that is no weight counts as 0."""
    items = []
    for item in value.split(","):
        name, *parameters = (part.strip() for part in item.split(";"))
        weight = 1.0
        for parameter in parameters:
            key, _, number = (part.strip() for part in parameter.partition("="))
            if key.lower() == "q":
                weight = float(number) if _WEIGHT.fullmatch(number) else 0.0
        if name:
            items.append((name.lower(), weight))
    return items
