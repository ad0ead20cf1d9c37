"""By which names admin may be called: the defence against DNS rebinding.

A web page can have a name of its own resolve to the address of this machine; then its scripts read
admin as if it were their own site. They cannot choose what ``Host`` says, though: it is their name.
So only names count that no stranger can own. RFC 9110, section 7.2, says what a ``Host`` is.
"""

from collections.abc import Collection
from ipaddress import ip_address

from cors_gateway.messages.heads import MessageError
from cors_gateway.messages.targets import parse_authority

__all__ = ["HostError", "check_host"]

MISSING = "a request names its host once, in one Host header"
MALFORMED = "Host is not host or host:port"
STRANGE = (
    "admin may not be called by this name, which could be a web page's trick: call it by its "
    "address, by localhost or by a name without dots, or list the name under admin.hosts"
)


class HostError(Exception):
    """A request is not answered because of its ``Host``; the text says why."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


def check_host(fields: Collection[str], listed: Collection[str]) -> None:
    """Check by which name a request calls.

    Args:
        fields: the values of its ``Host`` lines.
        listed: names that the operator allows, in lower case.

    Raises:
        HostError: with the status to answer.
    """
    if len(fields) != 1:
        raise HostError(400, MISSING)
    (value,) = fields
    try:
        host = parse_authority(value.encode(errors="replace"))[0].decode()
    except MessageError:
        raise HostError(400, MALFORMED) from None
    if not (_is_local(host) or host in listed):
        raise HostError(403, STRANGE)


def _is_local(host: str) -> bool:
    # What has no dot is a container's or a service's name; no public name is without one.
    if host.startswith("[") or "." not in host or host.endswith(".localhost"):
        return True
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
