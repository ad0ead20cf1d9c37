"""What can go wrong with an exchange: whose fault it is, and what the client is told.

Every failure has one row: the problem type that an answer carries (RFC 9457), its status, the
proxy error type of RFC 9209, section 2.3. The rest of the gateway names a failure and looks
nothing up.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Self

from cors_gateway.messages.heads import MessageError

__all__ = ["Failure", "Fault", "failure_of_message"]


class Fault(StrEnum):
    """Whose fault a failure is."""

    DOWNSTREAM = "downstream"
    UPSTREAM = "upstream"
    GATEWAY = "gateway"


@dataclass(frozen=True, slots=True)
class _Row:
    status: int
    fault: Fault
    summary: str
    proxy_error: str


class Failure(StrEnum):
    """The failures; the value is the last part of the problem's type."""

    status: int
    """The status that the client is answered with, while no answer has begun."""
    fault: Fault
    summary: str
    proxy_error: str
    """The proxy error type of RFC 9209."""

    def __new__(cls, value: str, row: _Row) -> Self:
        """Make a member whose value is its name and whose row are its attributes."""
        member = str.__new__(cls, value)
        member._value_ = value
        member.status = row.status
        member.fault = row.fault
        member.summary = row.summary
        member.proxy_error = row.proxy_error
        return member

    # The client asked for something that cannot be done.
    MALFORMED_REQUEST = (
        "malformed-request",
        _Row(400, Fault.DOWNSTREAM, "The request is malformed", "http_request_error"),
    )
    AMBIGUOUS_PATH = (
        "ambiguous-path",
        _Row(400, Fault.DOWNSTREAM, "The path can be read in two ways", "http_request_error"),
    )
    ORIGIN_REFUSED = (
        "origin-refused",
        _Row(403, Fault.DOWNSTREAM, "The CORS policy refuses this request", "http_request_denied"),
    )
    NO_ROUTE = (
        "no-route",
        _Row(404, Fault.DOWNSTREAM, "No route takes this request", "destination_not_found"),
    )
    METHOD_NOT_ALLOWED = (
        "method-not-allowed",
        _Row(405, Fault.DOWNSTREAM, "No route takes this method here", "http_request_error"),
    )
    REQUEST_TIMEOUT = (
        "request-timeout",
        _Row(408, Fault.DOWNSTREAM, "The request did not arrive in time", "http_request_error"),
    )
    CONTENT_TOO_LARGE = (
        "content-too-large",
        _Row(413, Fault.DOWNSTREAM, "The request's content is too large", "http_request_error"),
    )
    TARGET_TOO_LONG = (
        "target-too-long",
        _Row(414, Fault.DOWNSTREAM, "The request target is too long", "http_request_error"),
    )
    EXPECTATION_FAILED = (
        "expectation-failed",
        _Row(417, Fault.DOWNSTREAM, "The expectation is not supported", "http_request_error"),
    )
    FIELD_SECTION_TOO_LARGE = (
        "field-section-too-large",
        _Row(431, Fault.DOWNSTREAM, "The request's headers are too large", "http_request_error"),
    )
    CLIENT_GONE = (
        "client-gone",
        _Row(499, Fault.DOWNSTREAM, "The client went away", "http_request_error"),
    )
    NOT_IMPLEMENTED = (
        "not-implemented",
        _Row(
            501, Fault.DOWNSTREAM, "The request needs what is not supported", "http_request_error"
        ),
    )
    VERSION_NOT_SUPPORTED = (
        "version-not-supported",
        _Row(505, Fault.DOWNSTREAM, "The HTTP version is not supported", "http_request_error"),
    )

    # The API did not do its part.
    CONNECTION_REFUSED = (
        "connection-refused",
        _Row(502, Fault.UPSTREAM, "The API refused the connection", "connection_refused"),
    )
    CONNECTION_TERMINATED = (
        "connection-terminated",
        _Row(
            502,
            Fault.UPSTREAM,
            "The API closed the connection before it answered",
            "connection_terminated",
        ),
    )
    DESTINATION_UNREACHABLE = (
        "destination-unreachable",
        _Row(502, Fault.UPSTREAM, "The API cannot be reached", "destination_ip_unroutable"),
    )
    DNS_ERROR = (
        "dns-error",
        _Row(502, Fault.UPSTREAM, "The API's name does not resolve", "dns_error"),
    )
    TLS_CERTIFICATE_EXPIRED = (
        "tls-certificate-expired",
        _Row(502, Fault.UPSTREAM, "The API's certificate has expired", "tls_certificate_error"),
    )
    TLS_CERTIFICATE_EARLY = (
        "tls-certificate-not-yet-valid",
        _Row(
            502, Fault.UPSTREAM, "The API's certificate is not valid yet", "tls_certificate_error"
        ),
    )
    TLS_CERTIFICATE_HOST = (
        "tls-certificate-wrong-host",
        _Row(
            502,
            Fault.UPSTREAM,
            "The API's certificate is for another host",
            "tls_certificate_error",
        ),
    )
    TLS_CERTIFICATE_UNTRUSTED = (
        "tls-certificate-untrusted",
        _Row(
            502,
            Fault.UPSTREAM,
            "The API's certificate is from an authority that is not trusted",
            "tls_certificate_error",
        ),
    )
    TLS_CERTIFICATE_INVALID = (
        "tls-certificate-invalid",
        _Row(502, Fault.UPSTREAM, "The API's certificate is not valid", "tls_certificate_error"),
    )
    TLS_PROTOCOL = (
        "tls-protocol-error",
        _Row(502, Fault.UPSTREAM, "The API does not speak TLS as it must", "tls_protocol_error"),
    )
    TLS_ALERT = (
        "tls-alert",
        _Row(502, Fault.UPSTREAM, "The API broke the TLS handshake off", "tls_alert_received"),
    )
    RESPONSE_INCOMPLETE = (
        "response-incomplete",
        _Row(502, Fault.UPSTREAM, "The API's answer broke off", "http_response_incomplete"),
    )
    RESPONSE_MALFORMED = (
        "response-malformed",
        _Row(502, Fault.UPSTREAM, "The API's answer is not valid HTTP", "http_protocol_error"),
    )
    RESPONSE_FIELDS_TOO_LARGE = (
        "response-headers-too-large",
        _Row(
            502,
            Fault.UPSTREAM,
            "The headers of the API's answer are too large",
            "http_response_header_section_size",
        ),
    )
    UPGRADE_UNEXPECTED = (
        "upgrade-unexpected",
        _Row(502, Fault.UPSTREAM, "The API switched protocols unasked", "http_upgrade_failed"),
    )
    CONNECTION_TIMEOUT = (
        "connection-timeout",
        _Row(504, Fault.UPSTREAM, "The API did not accept the connection", "connection_timeout"),
    )
    DNS_TIMEOUT = (
        "dns-timeout",
        _Row(504, Fault.UPSTREAM, "The API's name does not resolve in time", "dns_timeout"),
    )
    TLS_TIMEOUT = (
        "tls-timeout",
        _Row(504, Fault.UPSTREAM, "The API did not finish the TLS handshake", "connection_timeout"),
    )
    RESPONSE_TIMEOUT = (
        "response-timeout",
        _Row(504, Fault.UPSTREAM, "The API did not answer in time", "http_response_timeout"),
    )
    TUNNEL_IDLE = (
        "tunnel-idle",
        _Row(504, Fault.UPSTREAM, "Nothing was said for too long", "connection_read_timeout"),
    )
    WRITE_TIMEOUT = (
        "write-timeout",
        _Row(504, Fault.UPSTREAM, "The API does not take the request", "connection_write_timeout"),
    )

    # The gateway itself.
    CONNECTION_LIMIT = (
        "connection-limit",
        _Row(503, Fault.GATEWAY, "Every connection is in use", "connection_limit_reached"),
    )
    OUT_OF_RESOURCES = (
        "out-of-resources",
        _Row(
            503,
            Fault.GATEWAY,
            "The gateway cannot open another connection for now",
            "proxy_internal_error",
        ),
    )
    INTERNAL = (
        "internal-error",
        _Row(500, Fault.GATEWAY, "The gateway has a fault", "proxy_internal_error"),
    )
    TLS_FILES = (
        "tls-files",
        _Row(
            500,
            Fault.GATEWAY,
            "The gateway cannot use its TLS files for this API",
            "proxy_configuration_error",
        ),
    )
    STOPPING = (
        "stopping",
        _Row(503, Fault.GATEWAY, "The gateway is stopping", "proxy_internal_response"),
    )
    LOOP = (
        "loop",
        _Row(508, Fault.GATEWAY, "This route leads back to the gateway", "proxy_loop_detected"),
    )


_BY_STATUS = {
    400: Failure.MALFORMED_REQUEST,
    408: Failure.REQUEST_TIMEOUT,
    413: Failure.CONTENT_TOO_LARGE,
    414: Failure.TARGET_TOO_LONG,
    417: Failure.EXPECTATION_FAILED,
    431: Failure.FIELD_SECTION_TOO_LARGE,
    501: Failure.NOT_IMPLEMENTED,
    502: Failure.RESPONSE_MALFORMED,
    505: Failure.VERSION_NOT_SUPPORTED,
}


def failure_of_message(error: MessageError) -> Failure:
    """Name the failure that a message's error stands for."""
    return _BY_STATUS.get(error.status, Failure.MALFORMED_REQUEST)
