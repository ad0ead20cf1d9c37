"""An origin for an example: one that the policy really allows, or none."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cors_gateway.cli.samples import sample_origin
from cors_gateway.cors.checks import check_origin
from cors_gateway.cors.policy import Policy, PolicySettings, compile_policy


def policy_of(settings: PolicySettings) -> Policy:
    policy, problems = compile_policy(settings, lambda domain: "." not in domain)
    assert policy is not None, problems
    return policy


@pytest.mark.parametrize(
    "listed, origin",
    [
        pytest.param(["https://a.example"], "https://a.example", id="the one there is"),
        pytest.param(
            ["https://*.b.example", "https://a.example"], "https://a.example", id="exact ones first"
        ),
        pytest.param(["*"], "https://app.example.com", id="anybody"),
        pytest.param(["https://*.b.example"], "https://app.b.example", id="subdomains"),
        pytest.param(["https://*.b.example:8443"], "https://app.b.example:8443", id="with a port"),
        pytest.param(["http://localhost:*"], "http://localhost:3000", id="any port"),
        pytest.param(["https://pr-*.b.example"], "https://pr-1.b.example", id="inside a label"),
        pytest.param(["https://*-x.b.example:*"], "https://1-x.b.example:3000", id="both"),
        pytest.param(["http://[::1]:*"], "http://[::1]:3000", id="an address"),
        pytest.param(["capacitor://localhost"], "capacitor://localhost", id="another scheme"),
    ],
)
def test_a_sample_of_a_list(listed: list[str], origin: str) -> None:
    assert sample_origin(policy_of(PolicySettings(allow_origins=tuple(listed)))) == origin


@pytest.mark.parametrize(
    "expression, origin",
    [
        pytest.param(r"https://a\.example", "https://a.example", id="one"),
        pytest.param(
            r"https://(app|admin)-[0-9]{2}\.b\.example", "https://app-00.b.example", id="many"
        ),
        pytest.param(r"https://([a-z]+\.)?b\.example:8443", "https://b.example:8443", id="a port"),
    ],
)
def test_a_sample_of_an_expression(expression: str, origin: str) -> None:
    policy = policy_of(PolicySettings(allow_origin_regex=(expression,)))

    sample = sample_origin(policy)

    assert sample is not None
    assert policy.origins.find(sample.encode()) == expression
    assert len(sample) == len(origin)


def test_a_pattern_that_leaves_no_room_has_no_sample() -> None:
    long = ".".join(["a" * 62] * 3 + ["b" * 53, "example"])

    assert sample_origin(policy_of(PolicySettings(allow_origins=(f"https://*.{long}",)))) is None


def test_only_pages_without_an_origin_are_no_example() -> None:
    assert sample_origin(policy_of(PolicySettings(dangerously_allow_null_origin=True))) is None


def test_everybody_by_name() -> None:
    policy = policy_of(
        PolicySettings(
            allow_origins=("*",), allow_credentials=True, dangerously_reflect_any_origin=True
        )
    )

    assert sample_origin(policy) == "https://app.example.com"


@given(
    st.lists(
        st.sampled_from(
            [
                "https://a.example",
                "https://*.b.example",
                "http://localhost:*",
                "http://*.c.example:*",
            ]
        ),
        min_size=1,
        unique=True,
    )
)
def test_a_sample_is_always_allowed(listed: list[str]) -> None:
    policy = policy_of(PolicySettings(allow_origins=tuple(listed)))

    sample = sample_origin(policy)

    assert sample is not None
    assert check_origin(policy, sample.encode())[0] in listed
