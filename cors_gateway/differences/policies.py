"""Two policies in words: whose pages may do what now, and what they may not do any more.

Whether that is more than before is decided here, key by key, so that it holds for all of them
together: a request that the new policy lets through and the old one did not is let through by a key
for which a change says *wider*. Where that cannot be known, as with the CORS of the API itself, it is
taken for wider.

This module knows no route and no file. It compares what a policy does and not how it is written:
an entry that another one covers is nothing to speak of.
"""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import NamedTuple

from cors_gateway.cors.containment import EntryBeyond, entries_beyond
from cors_gateway.cors.policy import Policy
from cors_gateway.differences.change import Change, join_names, spell

__all__ = ["compare_policies", "who_may_call"]

MAX_ENTRIES = 20
"""Origins that get a line of their own."""

OPENNESS = ("same-origin", "same-site", None, "cross-origin")
"""``Cross-Origin-Resource-Policy``, from who may embed least."""

API_DECIDES = "the API's own CORS headers decide"
NOBODY_READS = "no page of another origin may read the answers"
"""What no policy means for answers of the gateway's own, which have no other CORS headers."""


def compare_policies(
    old: Policy | None, new: Policy | None, *, has_api: bool = True
) -> Iterator[Change]:
    """Say what changes for the pages that call.

    Args:
        old: what was; ``None`` where the gateway added no CORS headers.
        new: what is.
        has_api: whether an API answers now, and not the gateway itself.
    """
    if old is not None and new is not None:
        if old.settings != new.settings:
            yield from _compare(old, new, has_api=has_api)
    elif new is not None:
        is_carried_out = new.settings.mode == "enforce"
        who = who_may_call(new)
        if not is_carried_out:
            who = f"{who_may_call(None, has_api=has_api)}; {who}"
        elif has_api:
            who = f"the gateway decides, and not the API; {who}"
        yield Change(f"cors: false → a policy: {who}", is_carried_out)
    elif old is not None:
        then, is_wider = _left_alone(old, has_api=has_api)
        yield Change(f"cors: a policy → false: {then}", is_wider)


def who_may_call(policy: Policy | None, *, has_api: bool = True) -> str:
    """Say in one clause whose pages a policy lets call."""
    if policy is None:
        return API_DECIDES if has_api else NOBODY_READS
    settings = policy.settings
    if _names_anybody(policy):
        who = "any origin"
    else:
        null = ["null"] if settings.dangerously_allow_null_origin else []
        who = join_names([*settings.allow_origins, *settings.allow_origin_regex, *null])
    would = "may" if settings.mode == "enforce" else "could, if the mode were enforce,"
    return f"{who} {would} call{' with cookies' if settings.allow_credentials else ''}"


def _left_alone(old: Policy, *, has_api: bool) -> tuple[str, bool]:
    """Say what it means that a policy does nothing any more, and whether that is wider."""
    is_enforced = old.settings.mode == "enforce"
    if has_api:
        return f"nothing is refused, and {API_DECIDES}", is_enforced
    more = []
    if is_enforced and old.settings.on_disallowed_origin == "block":
        more.append("requests of other origins are not refused any more")
    if is_enforced and _embeds_more(old.settings.cross_origin_resource_policy, None):
        more.append("pages of other origins may embed them")
    return "; ".join([NOBODY_READS, *more]), bool(more)


def _embeds_more(old: str | None, new: str | None) -> bool:
    return OPENNESS.index(old) < OPENNESS.index(new)


def _compare(old: Policy, new: Policy, *, has_api: bool) -> Iterator[Change]:
    was, becomes = old.settings, new.settings
    is_silent = becomes.mode == "reportOnly"
    for change in _all_changes(old, new):
        # Where decisions are only logged, nobody may do more for one that is different.
        yield change._replace(is_wider=False) if is_silent else change
    if was.mode != becomes.mode:
        then = "the gateway decides, and not the API" if has_api else who_may_call(new)
        is_wider = True
        if is_silent:
            then, is_wider = _left_alone(old, has_api=has_api)
        yield Change(f"mode: {was.mode} → {becomes.mode}: {then}", is_wider, ("mode",))


def _all_changes(old: Policy, new: Policy) -> Iterator[Change]:
    yield from _compare_origins(old, new)
    yield from _compare_credentials(old, new)
    yield from _compare_names(old, new)
    yield from _compare_choices(old, new)


def _compare_origins(old: Policy, new: Policy) -> Iterator[Change]:
    where = ("allowOrigins",)
    guards = _guards(old, new)
    if _names_anybody(new) and not _names_anybody(old):
        yield Change("any origin may call now", True, where)  # noqa: FBT003
    elif _names_anybody(old) and not _names_anybody(new):
        text = "not every origin may call any more, only those that are named"
        yield Change(text, path=where)
    if not _names_anybody(old):
        yield from _entries_gained(old, new, "may call now", is_wider=True)
    elif guards:
        # Whom nobody had named could read already, but not pass a guard.
        may = f"is named now, and passes {join_names(guards)}"
        yield from _entries_gained(old, new, may, is_wider=True)
    elif not _names_anybody(new):
        yield from _entries_gained(old, new, "is named now", is_wider=False)
    if not _names_anybody(new):
        yield from _entries_lost(old, new)
    if _allows_null(new) and not _allows_null(old):
        text = "the origin null may call now, which any page can give itself"
        yield Change(text, True, ("dangerouslyAllowNullOrigin",))  # noqa: FBT003
    elif _allows_null(old) and not _allows_null(new):
        text = "the origin null may not call any more"
        yield Change(text, path=("dangerouslyAllowNullOrigin",))


def _guards(old: Policy, new: Policy) -> list[str]:
    """Name what only a named origin passes, before and after."""
    was, becomes = old.settings, new.settings
    guards = ["csrfGuard"] if was.csrf_guard and becomes.csrf_guard else []
    return [*guards, *(["requireOrigin"] if was.require_origin and becomes.require_origin else [])]


def _entries_gained(old: Policy, new: Policy, may: str, *, is_wider: bool) -> Iterator[Change]:
    entries = entries_beyond(new, old)
    for entry in islice(entries, MAX_ENTRIES):
        text = f"{entry.text} {may}"
        if entry.example is None:
            text += ", perhaps with origins that could not before"
        elif entry.example.decode("ascii") != entry.text:
            text += f", such as {entry.example.decode('ascii')}"
        yield Change(text, is_wider, (entry.key, entry.place))
    yield from _count(entries, may, is_wider=is_wider)


def _entries_lost(old: Policy, new: Policy) -> Iterator[Change]:
    may = "may not call any more"
    entries = entries_beyond(old, new)
    for entry in islice(entries, MAX_ENTRIES):
        text = f"{entry.text} {may}"
        if entry.example is None:
            text = f"{entry.text} is gone, and not all of its origins may be named by others"
        elif entry.example.decode("ascii") != entry.text:
            text += f", for example {entry.example.decode('ascii')}"
        yield Change(text, path=(entry.key,))
    yield from _count(entries, may, is_wider=False)


def _count(entries: Iterable[EntryBeyond], may: str, *, is_wider: bool) -> Iterator[Change]:
    rest = sum(1 for _ in entries)
    if rest:
        yield Change(f"the same for {rest} more: {may}", is_wider, ("allowOrigins",))


def _compare_credentials(old: Policy, new: Policy) -> Iterator[Change]:
    was, becomes = old.settings.allow_credentials, new.settings.allow_credentials
    if was != becomes:
        text = "pages may send cookies now" if becomes else "pages may not send cookies any more"
        yield Change(text, becomes, ("allowCredentials",))


def _compare_names(old: Policy, new: Policy) -> Iterator[Change]:
    """Compare the lists of methods and header names."""
    yield from _compare_list(
        _named(old.methods, has_any=old.any_method),
        _named(new.methods, has_any=new.any_method),
        "allowMethods",
        METHODS,
    )
    yield from _compare_list(
        _spelled(old.settings.allow_headers),
        _spelled(new.settings.allow_headers),
        "allowHeaders",
        REQUEST_HEADERS,
        beside_any="authorization",
    )
    yield from _compare_list(
        _spelled(old.settings.expose_headers),
        _spelled(new.settings.expose_headers),
        "exposeHeaders",
        RESPONSE_HEADERS,
    )
    yield from _compare_list(
        _spelled(old.settings.timing_allow_origins),
        _spelled(new.settings.timing_allow_origins),
        "timingAllowOrigins",
        TIMINGS,
    )


class _Wording(NamedTuple):
    """What is said of a list of names."""

    noun: str
    may: str
    """With the names at ``{}``."""
    may_not: str
    is_header: bool = False


METHODS = _Wording("method", "{} may be used now", "{} may not be used any more")
REQUEST_HEADERS = _Wording(
    "header", "pages may send {} now", "pages may not send {} any more", is_header=True
)
RESPONSE_HEADERS = _Wording(
    "header", "pages may read {} now", "pages may not read {} any more", is_header=True
)
TIMINGS = _Wording("origin", "{} may read timings now", "{} may not read timings any more")


def _named(names: frozenset[bytes], *, has_any: bool) -> dict[str, str]:
    listed = _spelled(sorted(name.decode("ascii") for name in names))
    return {**listed, "*": "*"} if has_any else listed


def _spelled(names: Iterable[str]) -> dict[str, str]:
    """Give names as they are compared, and as somebody wrote them; ``*`` is the last one."""
    spelled = {name.lower(): name for name in names}
    return dict(sorted(spelled.items(), key=lambda item: item[0] == "*"))


def _compare_list(
    old: dict[str, str], new: dict[str, str], key: str, words: _Wording, beside_any: str = ""
) -> Iterator[Change]:
    """Compare two lists of names, in which ``*`` covers all names but one."""
    gained = [name for name in new if name not in old and ("*" not in old or name == beside_any)]
    lost = [name for name in old if name not in new and ("*" not in new or name == beside_any)]
    if gained:
        names = _join([new[name] for name in gained], words)
        yield Change(words.may.format(names), True, (key,))  # noqa: FBT003
    if "*" in lost:
        text = words.may.format(f"only {words.noun}s that are listed")
        yield Change(text, path=(key,))
        lost.remove("*")
    if lost:
        names = _join([old[name] for name in lost], words)
        yield Change(words.may_not.format(names), path=(key,))


def _join(names: list[str], words: _Wording) -> str:
    """Name what a list has gained or lost: ``the headers X-A and X-B``."""
    listed = [name for name in names if name != "*"]
    has_any = len(listed) < len(names)
    if not listed:
        return f"any {words.noun}"
    if not words.is_header:
        return f"any {words.noun}" if has_any else join_names(listed, MAX_ENTRIES)
    text = f"the header{'s' if len(listed) > 1 else ''} {join_names(listed, MAX_ENTRIES)}"
    return f"{text} and any other" if has_any else text


def _compare_choices(old: Policy, new: Policy) -> Iterator[Change]:
    """Compare the keys that have one value."""
    was, becomes = old.settings, new.settings
    rows = (
        (
            "onDisallowedOrigin",
            was.on_disallowed_origin,
            becomes.on_disallowed_origin,
            becomes.on_disallowed_origin == "omit",
            "requests of other origins reach the API",
        ),
        (
            "preflight",
            was.preflight,
            becomes.preflight,
            True,
            "the API answers preflights"
            if becomes.preflight == "forward"
            else "the gateway answers preflights, and not the API",
        ),
        (
            "upstreamCors",
            was.upstream_cors,
            becomes.upstream_cors,
            # What the API grants, or the gateway where it does not: the one case of strictly less.
            (was.upstream_cors, becomes.upstream_cors) != ("fallback", "passthrough"),
            {
                "strip": "the gateway decides, and not the API",
                "passthrough": API_DECIDES,
                "fallback": f"{API_DECIDES} where it sends them",
            }[becomes.upstream_cors],
        ),
        (
            "csrfGuard",
            was.csrf_guard,
            becomes.csrf_guard,
            was.csrf_guard,
            "pages of other sites may send what changes something",
        ),
        (
            "requireOrigin",
            was.require_origin,
            becomes.require_origin,
            was.require_origin,
            "WebSockets without an Origin are let through",
        ),
        (
            "missingOrigin.from",
            list(was.missing_origin),
            list(becomes.missing_origin),
            # Who looks at fewer of them, and at no other one first, finds fewer origins.
            was.missing_origin[: len(becomes.missing_origin)] != becomes.missing_origin,
            "origins are found elsewhere where a request has none",
        ),
        (
            "crossOriginResourcePolicy",
            was.cross_origin_resource_policy,
            becomes.cross_origin_resource_policy,
            _embeds_more(was.cross_origin_resource_policy, becomes.cross_origin_resource_policy),
            "pages of other origins may embed answers",
        ),
        ("maxAge", f"{was.max_age}s", f"{becomes.max_age}s", False, ""),
        *(
            (key, before, after, False, "")
            for key, before, after in (
                (
                    "dangerouslyAllowInsecureOrigins",
                    was.dangerously_allow_insecure_origins,
                    becomes.dangerously_allow_insecure_origins,
                ),
                (
                    "dangerouslyAllowPublicSuffixes",
                    was.dangerously_allow_public_suffixes,
                    becomes.dangerously_allow_public_suffixes,
                ),
            )
        ),
    )
    for key, before, after, is_wider, then in rows:
        if before != after:
            text = f"{key}: {spell(before)} → {spell(after)}"
            yield Change(f"{text}: {then}" if is_wider else text, is_wider, tuple(key.split(".")))


def _names_anybody(policy: Policy) -> bool:
    return policy.allows_any_origin or policy.reflects_any_origin


def _allows_null(policy: Policy) -> bool:
    return policy.allows_any_origin or policy.settings.dangerously_allow_null_origin
