"""Requests that are planned like the one before, because they differ from it in little.

Decides: by which fields a plan is made at all. All others, as cookies, are sent on as they come, and may
differ; so may the origin, among those that the policy allows, and the target, on routes of one kind. The plan is
what ``plan`` would give, or ``None``: then ``plan`` is asked. A test asks both, for whatever two requests.

A ``Precedent`` stands for one connection's last request. It holds only under the snapshot, and for the peer,
that it was planned for.
"""

from typing import Final

from cors_gateway.cors.decision import decide_by_origin, is_by_origin
from cors_gateway.messages.forwarding import FORWARDING_NAMES
from cors_gateway.messages.heads import RequestHead, target_in_line
from cors_gateway.messages.similar_heads import differing_lines
from cors_gateway.messages.targets import is_ambiguous_path, parse_authority
from cors_gateway.planned import Forward
from cors_gateway.snapshot import Route, Snapshot

__all__ = ["Precedent", "plan_by_precedent", "precedent_of"]

_PASSES: Final = 0
_DECIDES: Final = 1
_DECIDES_WITHOUT_ORIGIN: Final = 2
_ORIGIN: Final = 3
_USER_AGENT: Final = 4
_TRACEPARENT: Final = 5

_ROLES: Final = {
    # What a plan depends on:
    **dict.fromkeys(FORWARDING_NAMES, _DECIDES),
    b"connection": _DECIDES,
    b"content-length": _DECIDES,
    b"expect": _DECIDES,
    b"host": _DECIDES,
    b"transfer-encoding": _DECIDES,
    b"via": _DECIDES,
    b"x-request-id": _DECIDES,
    # By what a policy decides where it is not by an allowed origin alone:
    b"referer": _DECIDES_WITHOUT_ORIGIN,
    b"sec-fetch-site": _DECIDES_WITHOUT_ORIGIN,
    b"x-original-origin": _DECIDES_WITHOUT_ORIGIN,
    b"origin": _ORIGIN,
    # What is logged:
    b"traceparent": _TRACEPARENT,
    b"user-agent": _USER_AGENT,
}


class Precedent:
    """A request that was planned, and all of it that the next one is compared with. Never changed."""

    __slots__ = ("by_origin", "forward", "lines", "names", "request_line")

    def __init__(
        self,
        forward: Forward,
        request_line: bytes,
        lines: list[bytes],
        names: list[bytes],
        *,
        by_origin: bool,
    ) -> None:
        """Keep a plan."""
        self.forward = forward
        self.request_line = request_line
        self.lines = lines
        """Those of its fields, as received."""
        self.names = names
        """Of each line, in lower case."""
        self.by_origin = by_origin
        """Whether its origin alone has decided, or there is nothing to decide."""


def precedent_of(head: RequestHead, forward: Forward) -> Precedent | None:
    """Make a precedent of a request; ``None`` where too much of it decides.

    Args:
        head: as received.
        forward: what was planned for it.
    """
    section = head.section
    is_usual = head.method != b"OPTIONS" and head.minor_version == 1 and not forward.upgrade
    if not section.is_plain or not is_usual or not head.target.startswith(b"/"):
        return None
    policy = forward.route.policy
    decision = forward.decision
    by_origin = policy is None or decision is None or is_by_origin(policy, decision)
    request_line = head.method + b" " + head.target + b" HTTP/1.1"
    return Precedent(forward, request_line, section.lines, section.names, by_origin=by_origin)


def plan_by_precedent(raw: bytes, precedent: Precedent, snapshot: Snapshot) -> Precedent | None:
    """Plan a request as the one before it was; ``None`` where it differs in more than that allows.

    Args:
        raw: its head, from the request line to the empty line.
        precedent: of the same peer.
        snapshot: by which the precedent was planned.

    Returns:
        The plan, ready to be the next precedent.
    """
    lines = raw.split(b"\r\n")
    if lines[-2:] != [b"", b""]:
        return None
    request_line = lines[0]
    del lines[-2:], lines[:1]
    names = precedent.names
    differing = differing_lines(lines, precedent.lines, names)
    if differing is None or len(raw) > snapshot.limits.field_section_bytes:
        return None
    before = precedent.forward
    route, target, path = before.route, before.target, before.path
    if request_line != precedent.request_line:
        asked = target_in_line(request_line, before.method)
        path, mark, query = asked.partition(b"?")
        if (
            len(asked) > snapshot.limits.target_bytes
            or not asked.startswith(b"/")
            or is_ambiguous_path(path)
        ):
            return None
        host = parse_authority(before.authority)[0]
        found = snapshot.router.find(host, path, before.method)
        if found is None or (found is not route and not _asks_alike(found, route)):
            return None
        route = found
        target = route.forwarded_target(path, mark + query)
    decision, user_agent, traceparent = before.decision, before.user_agent, before.traceparent
    for place in differing:
        name = names[place]
        role = _ROLES.get(name, _PASSES)
        if role == _PASSES:
            continue
        if role == _DECIDES or (not precedent.by_origin and role < _USER_AGENT):
            return None
        value = lines[place][len(name) + 2 :]
        if role == _ORIGIN:
            policy = route.policy
            if policy is not None:
                decision = decide_by_origin(policy, before.method, value)
                if decision is None:
                    return None
        elif role == _USER_AGENT:
            user_agent = value
        elif role == _TRACEPARENT:
            traceparent = value
    forward = Forward(
        route=route,
        decision=decision,
        method=before.method,
        target=target,
        form=before.form,
        opening=before.form.write(before.method, target, lines),
        framing=before.framing,
        persists=before.persists,
        head_only=before.head_only,
        is_repeatable=before.is_repeatable,
        expects_continue=before.expects_continue,
        minor_version=1,
        upgrade=b"",
        timeouts=before.timeouts,
        max_content_bytes=before.max_content_bytes,
        authority=before.authority,
        path=path,
        user_agent=user_agent,
        traceparent=traceparent,
        request_id=before.request_id,
        own_origins=before.own_origins,
    )
    return Precedent(forward, request_line, lines, names, by_origin=precedent.by_origin)


def _asks_alike(route: Route, other: Route) -> bool:
    """Say whether requests are decided and sent on alike by two routes: APIs of one kind mostly are.

    Compared is whatever of a route a plan depends on, beside where it leads.
    """
    return (
        route.policy is other.policy
        and route.host_field == other.host_field
        and route.origin_field == other.origin_field
        and route.set_fields == other.set_fields
        and route.remove_fields == other.remove_fields
        and not (route.strip_prefix or other.strip_prefix)
        and route.redirects is other.redirects is None
    )
