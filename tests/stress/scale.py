"""How much of it: little in the suite, all of it by ``make stress``.

What is to stay flat must be flat in both; the long form finds what grows slowly.
"""

import os

__all__ = ["IS_LONG", "scaled"]

IS_LONG = "STRESS" in os.environ


def scaled(short: int, long: int) -> int:
    """Choose how often something is done."""
    return long if IS_LONG else short
