"""What becomes of the API's connection when an exchange is over, or has lost it.

Decides whether a lost request may be sent once more, and whether a connection may serve another
request. Knows no state: the exchange says what has happened. RFC 9110, section 9.2.2; RFC 9112,
sections 9.3 and 9.6.
"""

from cors_gateway.conclude import Concluded
from cors_gateway.planned import Forward
from cors_gateway.wire.pool import Pool
from cors_gateway.wire.upstream import UpstreamConnection

__all__ = ["let_go", "may_repeat"]


def may_repeat(forward: Forward, upstream: UpstreamConnection) -> bool:
    """Say whether a request that is complete and unanswered is safe to send again.

    Only where a connection from before has proved dead. On a new one the API has most likely read
    the request, and refused it in its own way; nothing says that a second try would end otherwise.
    """
    return upstream.reused and not upstream.response_begun and forward.is_repeatable


def let_go(
    pool: Pool, upstream: UpstreamConnection, concluded: Concluded, *, complete: bool
) -> None:
    """Keep the API's connection for another request, or close it.

    Args:
        pool: what keeps it.
        upstream: the connection; its response has ended.
        concluded: what that response said.
        complete: whether the request had ended before. Otherwise the API must not take what it
            has for the whole of it.
    """
    pool.note_success(upstream)
    if not complete:
        upstream.abort()
    elif concluded.upstream_persists:
        pool.release(upstream, concluded.keep_alive)
    else:
        upstream.close()
