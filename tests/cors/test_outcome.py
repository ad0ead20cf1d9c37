from cors_gateway.cors.outcome import Check, CorsRequest, Outcome, Reason, RequestKind, Step


def test_the_names_in_logs_are_stable() -> None:
    assert [kind.value for kind in RequestKind] == ["none", "actual", "preflight"]
    assert [outcome.value for outcome in Outcome] == ["allowed", "denied", "none"]
    assert {reason.value for reason in Reason} == {
        "origin-allowed",
        "no-origin",
        "same-origin",
        "origin-not-allowed",
        "origin-invalid",
        "null-origin",
        "repeated-origin",
        "origin-required",
        "repeated-request-method",
        "method-not-allowed",
        "header-not-allowed",
        "csrf",
    }
    assert {check.value for check in Check} == {
        "one-origin",
        "missing-origin",
        "origin",
        "same-origin",
        "origin-required",
        "csrf",
        "one-request-method",
        "method",
        "headers",
    }


def test_a_step_says_how_its_check_went() -> None:
    assert Step.passing(Check.ORIGIN, b"a", "b") == (Check.ORIGIN, True, b"a", "b")
    assert Step.failing(Check.ORIGIN, b"a", "b") == (Check.ORIGIN, False, b"a", "b")


def test_a_request_carries_nothing_unless_it_says_so() -> None:
    request = CorsRequest(method=b"GET")

    assert request.origin_lines == request.request_method_lines == request.own_origins == ()
    assert request.sec_fetch_site is request.referer is request.host is None
    assert request.websocket is False
