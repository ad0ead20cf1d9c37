"""Switching protocols: which request to upgrade is passed on, and what the client gets of the 101.

An upgrade concerns one connection (RFC 9110, section 7.8), so the gateway asks in its own name for
what it can carry on: it tunnels bytes and takes part in no protocol. A request that is not passed
on goes to the API as a plain one, as if it had not asked; the client's connection then ends with the
response, for what follows may be bytes of that other protocol.

Knows no WebSocket: key, version, subprotocols and extensions are between the client and the API.
"""

from collections.abc import Set as AbstractSet

from cors_gateway.messages.fields import (
    FieldIndex,
    check_fields,
    connection_options,
    connection_specific_names,
    index_fields,
    parse_list,
    strip_fields,
)
from cors_gateway.messages.framing import Framing
from cors_gateway.messages.heads import (
    FieldLines,
    MessageError,
    RequestHead,
    ResponseHead,
    serialize_response_head,
)

__all__ = ["choose_upgrade", "conclude_upgrade", "offered_upgrades"]

_KEPT = frozenset({b"connection", b"upgrade"})


def choose_upgrade(
    head: RequestHead, index: FieldIndex, framing: Framing, upgrades: AbstractSet[bytes]
) -> bytes:
    """Choose the protocol to ask the API for; empty for none.

    Only for a GET without content: bytes behind any other head are the request's, and could be
    taken for the tunnel's (or the tunnel's for a request's). HTTP/1.0 cannot upgrade.

    Args:
        head: of the request, whose connection options hold ``upgrade``.
        index: of its fields.
        framing: of its content.
        upgrades: the protocols that the route lets through, in lower case.
    """
    if head.method != b"GET" or not head.minor_version or not framing.is_empty:
        return b""
    for protocol in parse_list(index.get(b"upgrade", ())):
        if protocol.lower() in upgrades:
            return protocol
    return b""


def offered_upgrades(index: FieldIndex, upgrades: AbstractSet[bytes]) -> bytes:
    """Name the protocols that a 426 asks for and the route lets through; empty for none.

    RFC 9110, section 15.5.22: without them the client does not know what is required of it.
    """
    offered = parse_list(index.get(b"upgrade", ()))
    return b", ".join(protocol for protocol in offered if protocol.lower() in upgrades)


def conclude_upgrade(head: ResponseHead, upgrade: bytes) -> bytes:
    """Give the API's 101 as the client gets it: as it is, but for what is not about the switch.

    Args:
        head: as the API sent it.
        upgrade: the protocol that was asked for; empty for none.

    Raises:
        MessageError: 502, where the API switches to what nobody asked for.
    """
    check_fields(head.fields, 502)
    index = index_fields(head.fields)
    switched = tuple(item.lower() for item in parse_list(index.get(b"upgrade", ())))
    if not upgrade or switched != (upgrade.lower(),):
        raise MessageError(502, "The API switched protocols unasked.")
    options = connection_options(index)
    dropped = connection_specific_names(options) | {b"content-length"}
    fields: FieldLines
    if options == {b"upgrade"}:
        fields = strip_fields(head.fields, dropped - _KEPT)
    else:
        fields = strip_fields(head.fields, dropped - {b"upgrade"})
        fields = ((b"Connection", b"Upgrade"), *fields)
    return serialize_response_head(ResponseHead(101, head.reason, 1, fields))
