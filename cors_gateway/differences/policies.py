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

from cors_gateway.cors.containment import EntryBeyond, entries_beyond
from cors_gateway.cors.policy import Policy
from cors_gateway.differences.change import Change, join_names, spell

__all__ = ["compare_policies", "who_may_call"]

MAX_ENTRIES = 20
"""Origins that get a line of their own."""

OPENNESS = ("same-origin", "same-site", None, "cross-origin")
"""``Cross-Origin-Resource-Policy``, from who may embed least."""

API_DECIDES = "the API's own CORS headers decide"


def compare_policies(old: Policy | None, new: Policy | None) -> Iterator[Change]:
    """Say what changes for the pages that call.

    Args:
        old: what was; ``None`` where the gateway left CORS to the API.
        new: what is.
    """
    if old is not None and new is not None:
        if old.settings != new.settings:
            yield from _compare(old, new)
    elif new is not None:
        is_carried_out = new.settings.mode == "enforce"
        takes = "the gateway decides, and not the API" if is_carried_out else API_DECIDES
        yield Change(f"cors: false → a policy: {takes}; {who_may_call(new)}", is_carried_out)
    elif old is not None:
        is_wider = old.settings.mode == "enforce"
        yield Change(f"cors: a policy → false: nothing is refused, and {API_DECIDES}", is_wider)


def who_may_call(policy: Policy | None) -> str:
    """Say in one clause whose pages a policy lets call."""
    if policy is None:
        return API_DECIDES
    settings = policy.settings
    if _names_anybody(policy):
        who = "any origin"
    else:
        null = ["null"] if settings.dangerously_allow_null_origin else []
        who = join_names([*settings.allow_origins, *settings.allow_origin_regex, *null])
    would = "may" if settings.mode == "enforce" else "could, if the mode were enforce,"
    return f"{who} {would} call{' with cookies' if settings.allow_credentials else ''}"


def _compare(old: Policy, new: Policy) -> Iterator[Change]:
    was, becomes = old.settings, new.settings
    is_silent = becomes.mode == "reportOnly"
    for change in _all_changes(old, new):
        # Where decisions are only logged, nobody may do more for one that is different.
        yield change._replace(is_wider=False) if is_silent else change
    if was.mode != becomes.mode:
        then = f"nothing is refused, and {API_DECIDES}"
        if not is_silent:
            then = "the gateway decides, and not the API"
        yield Change(f"mode: {was.mode} → {becomes.mode}: {then}", True, ("mode",))  # noqa: FBT003


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
            text += f", or not all of it: {entry.example.decode('ascii')}"
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
        _listed(old.methods, has_any=old.any_method),
        _listed(new.methods, has_any=new.any_method),
        "allowMethods",
        ("method", "may be used"),
    )
    yield from _compare_list(
        _listed(old.headers, has_any=old.any_header),
        _listed(new.headers, has_any=new.any_header),
        "allowHeaders",
        ("request header", "may be set"),
        beside_any="authorization",
    )
    yield from _compare_list(
        _folded(old.settings.expose_headers),
        _folded(new.settings.expose_headers),
        "exposeHeaders",
        ("response header", "may be read"),
    )
    yield from _compare_list(
        dict.fromkeys(old.settings.timing_allow_origins),
        dict.fromkeys(new.settings.timing_allow_origins),
        "timingAllowOrigins",
        ("origin", "may read timings"),
    )


def _listed(names: frozenset[bytes], *, has_any: bool) -> dict[str, None]:
    listed = dict.fromkeys(sorted(name.decode("ascii") for name in names))
    return {**listed, "*": None} if has_any else listed


def _folded(names: Iterable[str]) -> dict[str, None]:
    return dict.fromkeys(name.lower() for name in names)


def _compare_list(
    old: dict[str, None],
    new: dict[str, None],
    key: str,
    words: tuple[str, str],
    beside_any: str = "",
) -> Iterator[Change]:
    """Compare two lists of names, in which ``*`` covers all names but one."""
    what, may = words
    may_not = may.replace("may ", "may not ", 1)
    gained = [name for name in new if name not in old and ("*" not in old or name == beside_any)]
    lost = [name for name in old if name not in new and ("*" not in new or name == beside_any)]
    if gained:
        names = [f"any {what}" if name == "*" else name for name in gained]
        yield Change(f"{join_names(names, MAX_ENTRIES)} {may} now", True, (key,))  # noqa: FBT003
    if "*" in lost:
        yield Change(f"only {what}s that are listed {may} now", path=(key,))
        lost.remove("*")
    if lost:
        yield Change(f"{join_names(lost, MAX_ENTRIES)} {may_not} any more", path=(key,))


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
            OPENNESS.index(was.cross_origin_resource_policy)
            < OPENNESS.index(becomes.cross_origin_resource_policy),
            "pages of other origins may embed answers",
        ),
        ("maxAge", was.max_age, becomes.max_age, False, ""),
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
