"""What a YAML scalar without quotes means: the core schema of YAML 1.2 (section 10.3.2)."""

import re
from math import isinf

__all__ = ["resolve_scalar"]

NULL = re.compile(r"null|Null|NULL|~|")
BOOLEAN = re.compile(r"(true|True|TRUE)|false|False|FALSE")
# Integers that no key can want stay text: Python refuses to convert very long ones.
INTEGER = re.compile(r"[-+]?[0-9]{1,20}|0o[0-7]{1,20}|0x[0-9a-fA-F]{1,20}")
FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
SPECIAL_FLOAT = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")


def resolve_scalar(text: str) -> str | float | bool | None:
    """Say what a scalar without quotes means in YAML 1.2."""
    if text and text[0] not in "-+.0123456789tTfFnN~":
        return text
    if NULL.fullmatch(text):
        return None
    if found := BOOLEAN.fullmatch(text):
        return found[1] is not None
    if INTEGER.fullmatch(text):
        return int(text, 0 if text[1:2] in ("o", "x") else 10)
    if FLOAT.fullmatch(text) and not isinf(number := float(text)):
        return number
    if SPECIAL_FLOAT.fullmatch(text):
        return float(text.replace(".", ""))
    return text
