"""All the cases, in the order of their rows: those in which others do worse, and the other way round."""

from tests.beside.apis import APIS
from tests.beside.attacks import ATTACKS
from tests.beside.case import Case
from tests.beside.choices import CHOICES
from tests.beside.clients import CLIENTS

__all__ = ["CASES", "STRICTER"]


def _place(case: Case) -> tuple[str, int]:
    return case.row[0], int(case.row[1:])


CASES = tuple(sorted((*CLIENTS, *APIS, *ATTACKS), key=_place))
STRICTER = tuple(sorted(CHOICES, key=_place))
