"""One origin that a policy allows, to be shown in an example.

Patterns and expressions stand for many; what is made of them is asked of the policy itself before
it is given out.
"""

from collections.abc import Iterator

from cors_gateway.cors.checks import check_origin
from cors_gateway.cors.origins import serialize_origin
from cors_gateway.cors.patterns import PatternError, parse_pattern
from cors_gateway.cors.policy import Policy, PolicySettings
from cors_gateway.cors.reach import NotSpelledError, TooManyHostsError, find_hosts
from cors_gateway.cors.regexes import RegexError, compile_regex

__all__ = ["sample_origin"]

ANYBODY = "https://app.example.com"


def sample_origin(policy: Policy) -> str | None:
    """Give an origin that a policy allows, the first that it names if it names any exactly."""
    candidates = _candidates(policy.settings)
    return next((origin for origin in candidates if _is_allowed(policy, origin)), None)


def _is_allowed(policy: Policy, origin: str) -> bool:
    entry, _, _ = check_origin(policy, origin.encode())
    return entry is not None


def _candidates(settings: PolicySettings) -> Iterator[str]:
    yield from (entry for entry in settings.allow_origins if "*" not in entry)
    for entry in settings.allow_origins:
        if entry == "*":
            yield ANYBODY
        elif "*" in entry:
            yield from _match_pattern(entry)
    for expression in settings.allow_origin_regex:
        yield from _match_expression(expression)


def _match_pattern(entry: str) -> Iterator[str]:
    try:
        pattern = parse_pattern(entry)
    except PatternError:
        return
    host = pattern.host
    if pattern.subdomains:
        host = f"app.{host}"
    elif pattern.label:
        before, after = pattern.label
        host = f"{before}1{after}.{host}"
    # Any port: one that a development server would have.
    port = 3000 if pattern.any_port else pattern.port
    yield f"{pattern.scheme}://{host}" + ("" if port is None else f":{port}")


def _match_expression(expression: str) -> Iterator[str]:
    try:
        hosts = find_hosts(compile_regex(expression), lambda _: True)
    except (RegexError, NotSpelledError, TooManyHostsError):
        return
    for host in hosts:
        if host.example is not None:
            yield serialize_origin(host.example).decode()
