"""How much work a call is, in lines that it runs: the same on every machine, however busy."""

import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

__all__ = ["count_steps"]


def count_steps(call: Callable[[], object]) -> int:
    """Count the lines of Python that a call runs."""
    steps = 0

    def trace(_: FrameType, event: str, __: Any) -> Any:
        nonlocal steps
        steps += event == "line"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        call()
    finally:
        sys.settrace(before)
    return steps
