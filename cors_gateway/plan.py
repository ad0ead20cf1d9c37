"""What to do with a request: where CORS meets HTTP.

``plan`` looks at a request's head and says: answer it here, or forward it like this. It is pure: it
knows no socket, no clock and no random number, and the same input always gives the same output.
What the client gets of the API's response is ``conclude``'s.

The order in which a request is looked at (what is cheaper to be wrong about comes later):

1. the target and the authority (RFC 9112, section 3.2), without which no route can be found;
2. the route; a preflight is routed by the method that it announces;
3. the CORS decision, from the fields as they were received, so that ``Connection: Origin`` cannot
   hide one;
4. the framing and the connection options (RFC 9112, section 6.3; RFC 9110, section 7.6.1);
5. what goes upstream: connection-specific fields removed, then ours added.

Every answer from step 2 on carries the CORS fields of the route, also a refusal: a page may only
read what has them.
"""

import contextlib
from dataclasses import replace

from cors_gateway.answers import Answer, answer_failure
from cors_gateway.cors.decision import CorsRequest, Decision, decide, decide_by_origin
from cors_gateway.failures import Failure, failure_of_message
from cors_gateway.messages.fields import (
    FieldIndex,
    check_connection_options,
    connection_options,
    first_value,
    only_value,
)
from cors_gateway.messages.forwarding import (
    effective_scheme_and_host,
    forwarding_lines,
    has_passed,
    parse_max_forwards,
)
from cors_gateway.messages.framing import (
    NO_CONTENT,
    Framing,
    expects_continue,
    request_framing,
    request_persists,
)
from cors_gateway.messages.heads import MessageError, RequestHead
from cors_gateway.messages.targets import (
    RequestTarget,
    check_path,
    host_of_request,
    is_ambiguous_path,
    parse_authority,
    parse_target,
)
from cors_gateway.planned import Forward, Peer, Respond, cors_fields
from cors_gateway.snapshot import Route, Snapshot
from cors_gateway.upgrades import choose_upgrade
from cors_gateway.upstream_fields import lines_for_upstream, upstream_form

__all__ = ["plan", "refuse"]

NEVER_FORWARDED = frozenset({b"CONNECT", b"TRACE"})
"""A tunnel to anywhere, and an echo of the cookies that a page cannot read."""

USUAL_METHODS = b"DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT"
"""What ``Allow`` says of a route that takes every method."""

IDEMPOTENT = frozenset({b"GET", b"HEAD", b"OPTIONS", b"PUT", b"DELETE"})
"""RFC 9110, section 9.2.2, without TRACE, which is never forwarded."""

MAX_REQUEST_ID = 128
"""Characters of an ``X-Request-ID`` that is kept from a trusted peer."""


def plan(snapshot: Snapshot, head: RequestHead, peer: Peer, pseudonym: bytes) -> Respond | Forward:
    """Decide what to do with a request.

    Args:
        snapshot: the configuration.
        head: as received.
        peer: who sent it.
        pseudonym: what ``Via`` calls this instance.
    """
    planning = _Planning(snapshot, head, peer, pseudonym)
    try:
        return planning.plan()
    except Exception as error:  # noqa: BLE001 - a mistake of ours costs one request, readably
        return planning.break_off(error)


def refuse(snapshot: Snapshot, head: RequestHead, peer: Peer, error: MessageError) -> Respond:
    """Answer a request whose head cannot be served, under the policy that it would have had.

    Args:
        snapshot: the configuration.
        head: what could be read of it.
        peer: who sent it.
        error: why it is refused.
    """
    return _Planning(snapshot, head, peer, b"").refuse_head(error)


class _Planning:
    """The steps of one ``plan``, and what each has found for the next."""

    __slots__ = (
        "authority",
        "decision",
        "framing",
        "head",
        "index",
        "path",
        "peer",
        "persists",
        "pseudonym",
        "route",
        "snapshot",
        "trusted",
    )

    def __init__(self, snapshot: Snapshot, head: RequestHead, peer: Peer, pseudonym: bytes) -> None:
        self.snapshot = snapshot
        self.head = head
        self.peer = peer
        self.pseudonym = pseudonym
        self.index: FieldIndex = head.section.index
        self.trusted = snapshot.trusts(peer.address)
        self.authority = b""
        self.path = b""
        self.route: Route | None = None
        self.decision: Decision | None = None
        self.framing: Framing = NO_CONTENT
        self.persists = False

    def plan(self) -> Respond | Forward:
        head = self.head
        try:
            target = parse_target(head.method, head.target)
            self.authority = host_of_request(self.index, target, head.minor_version)
            self.path = target.path
            # HTTP/1.0 need not name a host: then only routes for every host can match.
            host = parse_authority(self.authority)[0] if self.authority else b""
            check_path(target.path)
        except MessageError as error:
            self._decide_cors()
            return self._refuse(failure_of_message(error), detail=error.reason)

        failure, methods = self._find_route(host, target.path)
        self._decide_cors()
        try:
            self.framing = request_framing(head.minor_version, self.index)
            options = connection_options(self.index)
            check_connection_options(options)
        except MessageError as error:
            return self._refuse(failure_of_message(error), detail=error.reason)
        # What follows a request to upgrade may be bytes of that other protocol.
        self.persists = (
            head.minor_version == 1
            and b"upgrade" not in options
            and request_persists(head.minor_version, self.index)
        )

        if failure is Failure.AMBIGUOUS_PATH:
            return self._refuse(failure)
        if self.decision is not None and self.decision.status is not None:
            return self._answer_by_policy(self.decision, self.decision.status)
        if target.asterisk:
            # The request is about the gateway itself (RFC 9110, section 9.3.7).
            return self._respond(Answer(204, cors_fields(self.decision)))
        if head.method in NEVER_FORWARDED:
            failure = Failure.METHOD_NOT_ALLOWED
            # What stands behind a CONNECT is meant for a tunnel; it is no request.
            self.persists = self.persists and head.method != b"CONNECT"
        if failure is not None or self.route is None:
            return self._refuse(failure or Failure.NO_ROUTE, allow=methods)
        if self._ends_here():
            return self._respond(Answer(204, cors_fields(self.decision)))
        return self._forward(self.route, target, options)

    def refuse_head(self, error: MessageError) -> Respond:
        """Answer as the route would, if one can be found; the connection ends in any case.

        Not where the head is malformed: no browser sends such, and what it says is not to be relied on.
        """
        with contextlib.suppress(MessageError):
            target = parse_target(self.head.method, self.head.target)
            self.path = target.path
            self.authority = host_of_request(self.index, target, self.head.minor_version)
            host = parse_authority(self.authority)[0] if self.authority else b""
            check_path(target.path)
            self._find_route(host, target.path)
        if error.status != 400:
            # Perhaps only half of a list has arrived: nothing of it is echoed.
            announced = b"access-control-request-headers"
            self.index = {name: self.index[name] for name in self.index if name != announced}
            self._decide_cors()
        return self._refuse(failure_of_message(error), detail=error.reason)

    def break_off(self, error: Exception) -> Respond:
        """Answer after an exception, with the CORS fields if they are known already."""
        self.persists = False
        return replace(self._refuse(Failure.INTERNAL), fault=error)

    def _find_route(self, host: bytes, path: bytes) -> tuple[Failure | None, bytes]:
        """Find the route; give what is wrong if there is none, and the methods there are."""
        method = self._routed_method(host, path)
        if not is_ambiguous_path(path):
            self.route = self.snapshot.router.find(host, path, method)
            if self.route is not None:
                return None, b""
        match = self.snapshot.router.match(host, path, method)
        self.route = match.route or match.refused_by
        if is_ambiguous_path(path) and self.snapshot.router.has_another_reading(host, path, method):
            self.route = None
            return Failure.AMBIGUOUS_PATH, b""
        if match.route is not None:
            return None, b""
        if match.refused_by is None:
            return Failure.NO_ROUTE, b""
        return Failure.METHOD_NOT_ALLOWED, b", ".join(sorted(match.methods))

    def _routed_method(self, host: bytes, path: bytes) -> bytes:
        """A preflight goes where the request that it announces will go."""
        method = self.head.method
        announced = first_value(self.index, b"access-control-request-method")
        if not announced or method != b"OPTIONS":
            return method
        if b"origin" in self.index:
            return announced
        # A cache may have removed Origin: the policy there says whether it is found elsewhere.
        match = self.snapshot.router.match(host, path, announced)
        route = match.route or match.refused_by
        policy = self.snapshot.default_policy if route is None else route.policy
        finds_origin = policy is not None and bool(policy.settings.missing_origin)
        return announced if finds_origin else method

    def _decide_cors(self) -> None:
        policy = self.snapshot.default_policy if self.route is None else self.route.policy
        if policy is None:
            return
        method, origins = self.head.method, self.index.get(b"origin", ())
        if len(origins) < 2 and method != b"OPTIONS":
            self.decision = decide_by_origin(policy, method, origins[0] if origins else None)
        if self.decision is None:
            self.decision = decide(policy, self._cors_request())

    def _cors_request(self) -> CorsRequest:
        index = self.index
        origins = index.get(b"origin", ())
        own: tuple[bytes, ...] = ()
        if origins:
            own = self._own_origins()
        return CorsRequest(
            method=self.head.method,
            origin_lines=origins,
            request_method_lines=index.get(b"access-control-request-method", ()),
            request_headers_lines=index.get(b"access-control-request-headers", ()),
            sec_fetch_site=first_value(index, b"sec-fetch-site"),
            own_origins=own,
            original_origin=only_value(index, b"x-original-origin"),
            referer=only_value(index, b"referer"),
            host=first_value(index, b"host"),
            websocket=b"websocket" in b",".join(index.get(b"upgrade", ())).lower(),
        )

    def _own_origins(self) -> tuple[bytes, ...]:
        """What a page of our own has for an origin: as configured, and as it was asked for."""
        scheme, authority = self._asked_for()
        authority = authority.lower()
        default_port = b":443" if scheme == b"https" else b":80"
        authority = authority.removesuffix(default_port)
        asked_for = scheme + b"://" + authority
        public = self.snapshot.public_origin
        if public is None:
            return (asked_for,)
        # By that name we have the configured scheme: a page of the other one is a stranger's.
        is_known = public.partition(b"://")[2] == authority
        return (public,) if is_known else (public, asked_for)

    def _asked_for(self) -> tuple[bytes, bytes]:
        """Give the scheme and authority that the client used, as far as is known."""
        return effective_scheme_and_host(
            self.index, self.peer.scheme, self.authority, trusted=self.trusted
        )

    def _forwarding_lines(self, route: Route) -> tuple[bytes, ...]:
        scheme, authority = self._asked_for()
        return forwarding_lines(
            self.index,
            peer_address=self.peer.address,
            scheme=scheme,
            authority=authority,
            trusted=self.trusted,
            pseudonym=self.pseudonym,
            minor_version=self.head.minor_version,
            prefix=route.path.rstrip(b"/") if route.strip_prefix else b"",
        )

    def _answer_by_policy(self, decision: Decision, status: int) -> Respond:
        fields = cors_fields(decision)
        reason = "" if decision.outcome == "allowed" else decision.reason.value
        if status == 204:
            return self._respond(Answer(204, fields, reason=reason))
        failure = Failure.ORIGIN_REFUSED if status == 403 else Failure.MALFORMED_REQUEST
        return self._respond(answer_failure(failure, fields, reason=reason))

    def _ends_here(self) -> bool:
        # RFC 9110, section 7.6.2: an OPTIONS that may go no further is answered here.
        return self.head.method == b"OPTIONS" and parse_max_forwards(self.index) == 0

    def _refuse(self, failure: Failure, *, detail: str = "", allow: bytes | None = None) -> Respond:
        fields = cors_fields(self.decision)
        if failure is Failure.METHOD_NOT_ALLOWED:
            fields = (*fields, (b"Allow", allow or USUAL_METHODS))
        return self._respond(answer_failure(failure, fields, detail=detail))

    def _respond(self, answer: Answer) -> Respond:
        return Respond(
            answer=answer,
            route=self.route,
            decision=self.decision,
            framing=self.framing,
            persists=self.persists,
            head_only=self.head.method == b"HEAD",
            expects_continue=b"expect" in self.index,
            authority=self.authority,
            path=self.path,
            user_agent=first_value(self.index, b"user-agent") or b"",
            traceparent=only_value(self.index, b"traceparent") or b"",
            method=self.head.method,
            minor_version=self.head.minor_version,
            request_id=self._request_id(),
        )

    def _request_id(self) -> bytes | None:
        """Keep what a trusted peer calls the request, if it can be logged as it is."""
        if not self.trusted:
            return None
        given = first_value(self.index, b"x-request-id")
        if given and len(given) <= MAX_REQUEST_ID and given.isascii() and b" " not in given:
            return given
        return None

    def _forward(
        self, route: Route, target: RequestTarget, options: frozenset[bytes]
    ) -> Respond | Forward:
        head, limits = self.head, self.snapshot.limits
        if has_passed(self.index, self.pseudonym):
            return self._refuse(Failure.LOOP)
        try:
            waits = expects_continue(head.minor_version, self.index)
        except MessageError as error:
            return self._refuse(failure_of_message(error), detail=error.reason)
        if limits.content_bytes is not None and self.framing.length > limits.content_bytes:
            self.persists = False
            return self._refuse(Failure.CONTENT_TOO_LARGE)
        upgrade = b""
        if b"upgrade" in options:
            upgrade = choose_upgrade(head, self.index, self.framing, route.upgrades)
        forwarded = route.forwarded_target(target.path, target.query)
        form = upstream_form(
            head,
            route,
            options,
            framing=self.framing,
            authority=None if target.authority is None and self.authority else self.authority,
            ours=self._forwarding_lines(route),
            trusted=self.trusted,
            upgrade=upgrade,
        )
        return Forward(
            route=route,
            decision=self.decision,
            method=head.method,
            target=forwarded,
            form=form,
            opening=form.write(head.method, forwarded, lines_for_upstream(head)),
            framing=self.framing,
            persists=self.persists,
            head_only=head.method == b"HEAD",
            is_repeatable=head.method in IDEMPOTENT and self.framing.is_empty,
            expects_continue=waits,
            minor_version=head.minor_version,
            upgrade=upgrade,
            timeouts=self.snapshot.timeouts,
            max_content_bytes=limits.content_bytes,
            authority=self.authority,
            path=self.path,
            user_agent=first_value(self.index, b"user-agent") or b"",
            traceparent=only_value(self.index, b"traceparent") or b"",
            request_id=self._request_id(),
            own_origins=() if route.redirects is None else self._own_origins(),
        )
