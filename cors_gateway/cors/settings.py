"""A policy as written: the settings of a ``cors`` block, and what can be wrong with them.

The settings are plain values. What they mean is compiled by ``policy``; how a problem is shown, and
at which line of which file, is for whoever read the file.
"""

from dataclasses import dataclass
from typing import Literal

__all__ = ["MISSING_ORIGIN_SOURCES", "PolicyProblem", "PolicySettings"]

MISSING_ORIGIN_SOURCES = ("X-Original-Origin", "Referer", "Host")
"""What ``missingOrigin.from`` may hold."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicySettings:
    """One ``cors`` block, with its defaults."""

    allow_origins: tuple[str, ...] = ()
    allow_origin_regex: tuple[str, ...] = ()
    allow_methods: tuple[str, ...] = ("GET", "HEAD", "POST")
    allow_headers: tuple[str, ...] = ("Content-Type", "X-Requested-With")
    expose_headers: tuple[str, ...] = ()
    allow_credentials: bool = False
    max_age: int = 600
    """Seconds; 0 and -1 mean that browsers are not to remember a preflight."""
    on_disallowed_origin: Literal["omit", "block"] = "omit"
    preflight: Literal["answer", "forward"] = "answer"
    upstream_cors: Literal["strip", "passthrough", "fallback"] = "strip"
    missing_origin: tuple[str, ...] = ()
    """Where to look for an origin that a request does not carry, in this order."""
    timing_allow_origins: tuple[str, ...] = ()
    cross_origin_resource_policy: Literal["same-origin", "same-site", "cross-origin"] | None = None
    mode: Literal["enforce", "reportOnly"] = "enforce"
    require_origin: bool = False
    csrf_guard: bool = False
    dangerously_allow_null_origin: bool = False
    dangerously_reflect_any_origin: bool = False
    dangerously_allow_insecure_origins: bool = False
    dangerously_allow_public_suffixes: bool = False


@dataclass(frozen=True, slots=True)
class PolicyProblem:
    """One mistake in a ``cors`` block, in words for the person who wrote it."""

    severity: Literal["error", "warning"]
    """A policy with an error does not load."""
    key: str
    """The key of the block as it is spelled in a file, e.g. ``allowOrigins``."""
    index: int | None
    """The place in the key's list, where one item is at fault."""
    what: str
    why: str
    fix: str
