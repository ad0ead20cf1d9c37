"""The policies of a document: named, inline and default ones, compiled once each.

What a policy may hold is decided by ``cors/policy.py``; here its problems are put at their lines,
and names are resolved.
"""

from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

from cors_gateway.config.cors_schema import CorsSettings
from cors_gateway.config.findings import Findings
from cors_gateway.config.nodes import Value
from cors_gateway.config.problems import Path
from cors_gateway.config.public_suffixes import has_public_suffix_below
from cors_gateway.config.schema import Settings
from cors_gateway.config.spelling import suggest_name
from cors_gateway.cors.policy import Policy, compile_policy
from cors_gateway.cors.public_suffixes import IsPublicSuffix
from cors_gateway.cors.settings import PolicyProblem, PolicySettings

__all__ = ["ChosenPolicy", "PolicyTable", "PublicSuffixes"]


ORIGIN_KEYS = ("allowOrigins", "allowOriginRegex")


class PublicSuffixes(NamedTuple):
    """What ``cors/`` asks about domains."""

    is_public_suffix: IsPublicSuffix
    """Whether names below a domain belong to different parties."""
    is_registry_suffix: IsPublicSuffix | None = None
    """Whether the domain is a registry's; ``None`` takes those without a dot for registries."""
    has_public_suffix_below: IsPublicSuffix = has_public_suffix_below
    """Whether a name below the domain is a public suffix."""


@dataclass(frozen=True, slots=True)
class ChosenPolicy:
    """What a ``cors:`` key leads to."""

    policy: Policy | None
    """``None`` for ``cors: false``, and where the policy has an error."""
    path: Path = ()
    """Of its block, as in the document without what was removed."""
    name: str | None = None
    """Under ``corsPolicies``."""


class PolicyTable:
    """The policies of one document."""

    def __init__(self, settings: Settings, findings: Findings, suffixes: PublicSuffixes) -> None:
        """Compile the named policies and ``defaults.cors``, and report what is wrong with them."""
        self._findings = findings
        self.is_public_suffix = suffixes.is_public_suffix
        # Ten thousand routes may carry the same block: it is compiled and attacked once.
        self._compile = cache(lambda policy: compile_policy(policy, *suffixes))
        self._suggest = cache(lambda name: suggest_name(name, settings.cors_policies))
        self._named = {
            name: self._block(block, ("corsPolicies", name))
            for name, block in settings.cors_policies.items()
        }
        self.default: ChosenPolicy | None = None
        """What ``defaults.cors`` says; ``None`` where it says nothing."""
        if settings.defaults.cors is not None:
            self.default = self.choose(settings.defaults.cors, ("defaults", "cors"))

    def choose(self, cors: CorsSettings | str | bool, path: Path) -> ChosenPolicy:  # noqa: FBT001
        """Find the policy that a ``cors`` key at ``path`` means."""
        if isinstance(cors, bool):
            return ChosenPolicy(None)
        if isinstance(cors, CorsSettings):
            return ChosenPolicy(self._block(cors, path), path)
        if cors in self._named:
            return ChosenPolicy(self._named[cors], ("corsPolicies", cors), cors)
        if not self._findings.is_touched(("corsPolicies", cors)):
            why = "no policy under corsPolicies has that name"
            self._findings.error(path, "{value} is unknown", why, self._suggest(cors))
        return ChosenPolicy(None)

    def warn_of_unused(self, value: Value) -> None:
        """Warn of policies that nothing refers to.

        Args:
            value: the whole document, with the routes that were refused for other reasons.
        """
        used = set(_references(value))
        for name in self._named:
            if name not in used:
                self._findings.warning(
                    ("corsPolicies", name),
                    "{key} has no effect",
                    "no route and not defaults.cors names it",
                    "remove it, or refer to it",
                    at_key=True,
                )

    def _block(self, block: CorsSettings, path: Path) -> Policy | None:
        policy, problems = self._compile(_policy_settings(block))
        for problem in problems:
            self._report(problem, path)
        return policy

    def _report(self, problem: PolicyProblem, block: Path) -> None:
        path: Path = (*block, problem.key)
        if problem.key == "missingOrigin":
            path = (*path, "from")
        if problem.index is not None:
            path = (*path, problem.index)
        else:
            keys = ORIGIN_KEYS if problem.key in ORIGIN_KEYS else (problem.key,)
            if any(self._findings.is_touched((*block, key)) for key in keys):
                # What is missed may be there, and refused for its shape.
                return
        report = self._findings.error if problem.severity == "error" else self._findings.warning
        report(path, problem.what, problem.why, problem.fix)


def _references(value: Value) -> list[str]:
    """All names that stand at a ``cors`` key."""
    blocks: list[Value] = []
    if isinstance(value, dict):
        routes = value.get("routes")
        blocks = [value.get("defaults"), *(routes if isinstance(routes, list) else ())]
    names = [block.get("cors") for block in blocks if isinstance(block, dict)]
    return [name for name in names if isinstance(name, str)]


def _policy_settings(block: CorsSettings) -> PolicySettings:
    return PolicySettings(
        allow_origins=tuple(block.allow_origins),
        allow_origin_regex=tuple(block.allow_origin_regex),
        allow_methods=tuple(block.allow_methods),
        allow_headers=tuple(block.allow_headers),
        expose_headers=tuple(block.expose_headers),
        allow_credentials=block.allow_credentials,
        max_age=block.max_age,
        on_disallowed_origin=block.on_disallowed_origin,
        preflight=block.preflight,
        upstream_cors=block.upstream_cors,
        missing_origin=tuple(block.missing_origin.sources),
        timing_allow_origins=tuple(block.timing_allow_origins),
        cross_origin_resource_policy=block.cross_origin_resource_policy,
        mode=block.mode,
        require_origin=block.require_origin,
        csrf_guard=block.csrf_guard,
        dangerously_allow_null_origin=block.dangerously_allow_null_origin,
        dangerously_reflect_any_origin=block.dangerously_reflect_any_origin,
        dangerously_allow_insecure_origins=block.dangerously_allow_insecure_origins,
        dangerously_allow_public_suffixes=block.dangerously_allow_public_suffixes,
    )
