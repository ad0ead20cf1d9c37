"""Every failure has a status that fits whose fault it is, and a type that RFC 9209 knows."""

import re

import pytest

from cors_gateway.failures import Failure, Fault, failure_of_message
from cors_gateway.messages.heads import MessageError

# RFC 9209, section 2.3: the types registered for Proxy-Status.
REGISTERED = {
    "dns_timeout",
    "dns_error",
    "destination_not_found",
    "destination_unavailable",
    "destination_ip_prohibited",
    "destination_ip_unroutable",
    "connection_refused",
    "connection_terminated",
    "connection_timeout",
    "connection_read_timeout",
    "connection_write_timeout",
    "connection_limit_reached",
    "tls_protocol_error",
    "tls_certificate_error",
    "tls_alert_received",
    "http_request_error",
    "http_request_denied",
    "http_response_incomplete",
    "http_response_header_section_size",
    "http_response_header_size",
    "http_response_body_size",
    "http_response_trailer_section_size",
    "http_response_trailer_size",
    "http_response_transfer_coding",
    "http_response_content_coding",
    "http_response_timeout",
    "http_upgrade_failed",
    "http_protocol_error",
    "proxy_internal_response",
    "proxy_internal_error",
    "proxy_configuration_error",
    "proxy_loop_detected",
}

each_failure = pytest.mark.parametrize("failure", Failure)


@each_failure
def test_its_type_is_registered(failure: Failure) -> None:
    assert failure.proxy_error in REGISTERED


@each_failure
def test_its_status_fits_whose_fault_it_is(failure: Failure) -> None:
    fitting = {
        Fault.DOWNSTREAM: {400, 403, 404, 405, 408, 413, 414, 417, 431, 499, 501, 505},
        Fault.UPSTREAM: {502, 504},
        Fault.GATEWAY: {500, 503, 508},
    }
    assert failure.status in fitting[failure.fault]


@each_failure
def test_its_name_and_summary_can_be_shown(failure: Failure) -> None:
    assert re.fullmatch(r"[a-z]+(-[a-z]+)*", failure.value)
    assert re.fullmatch(r"[A-Z][A-Za-z' ]+", failure.summary)


def test_names_and_summaries_are_told_apart() -> None:
    assert len({failure.summary for failure in Failure}) == len(Failure)


@pytest.mark.parametrize("status", [400, 408, 413, 414, 417, 431, 501, 502, 505])
def test_the_error_of_a_message_keeps_its_status(status: int) -> None:
    assert failure_of_message(MessageError(status, "why")).status == status


def test_an_error_of_an_unheard_of_status_is_a_malformed_request() -> None:
    assert failure_of_message(MessageError(499, "why")) is Failure.MALFORMED_REQUEST
