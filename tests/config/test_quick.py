import pytest

from cors_gateway.config.given import Given
from cors_gateway.config.load import Loaded
from cors_gateway.config.policies import PublicSuffixes
from cors_gateway.config.problems import render_text
from cors_gateway.config.public_suffixes import is_public_suffix, is_registry_suffix
from cors_gateway.config.quick import load_flags, settings_from_flags
from cors_gateway.config.render import render

SUFFIXES = PublicSuffixes(is_public_suffix, is_registry_suffix)


def origins(*values: str) -> list[Given]:
    return [Given(value, "--allow-origin") for value in values]


def loaded(
    to: str = "http://localhost:5000",
    *allowed: str,
    credentials: Given | None = None,
    listen: Given | None = None,
    max_age: Given | None = None,
) -> Loaded:
    document = settings_from_flags(
        upstream=Given(to, "--to"),
        allow_origins=origins(*allowed),
        credentials=credentials,
        listen=listen,
        max_age=max_age,
    )
    return load_flags(document, SUFFIXES)


def test_a_few_flags_make_a_gateway() -> None:
    snapshot = loaded(
        "http://localhost:5000",
        "https://app.example.com",
        credentials=Given("true", "--credentials"),
        listen=Given(":9000", "--listen"),
        max_age=Given("5m", "--max-age"),
    ).snapshot

    assert snapshot is not None
    (route,) = snapshot.routes
    assert (route.path, route.upstream.endpoints[0].port) == (b"/", 5000)
    assert route.policy is not None
    assert route.policy is snapshot.default_policy
    assert route.policy.settings.allow_credentials
    assert route.policy.settings.max_age == 300
    assert snapshot.listeners[0].port == 9000
    assert (route.source, route.policy_source) == ("command line", "--allow-origin")


def test_methods_and_headers_may_be_named() -> None:
    document = settings_from_flags(
        upstream=Given("http://a", "--to"),
        allow_origins=origins("*"),
        allow_methods=[Given("PUT", "--allow-method")],
        allow_headers=[Given("X-A", "--allow-header")],
    )
    snapshot = load_flags(document, SUFFIXES).snapshot

    assert snapshot is not None
    assert snapshot.default_policy is not None
    assert snapshot.default_policy.settings.allow_methods == ("PUT",)
    assert snapshot.default_policy.settings.allow_headers == ("X-A",)


def test_without_origins_nothing_starts() -> None:
    result = loaded()

    assert result.snapshot is None
    assert "command line: corsPolicies.quick.allowOrigins: " in render_text(result.problems)


@pytest.mark.parametrize(
    "flags, said",
    [
        ({"listen": Given("8080", "$PORT")}, '$PORT: "8080" has no colon'),
        (
            {"credentials": Given("yes", "$CORS_GATEWAY_ALLOW_CREDENTIALS")},
            '$CORS_GATEWAY_ALLOW_CREDENTIALS: "yes" is not',
        ),
    ],
)
def test_a_problem_names_the_flag_or_the_variable(flags: dict[str, Given], said: str) -> None:
    assert said in render_text(loaded("http://a", "*", **flags).problems)


@pytest.mark.parametrize(
    "origin, source, said",
    [
        pytest.param("*", "--credentials", "or leave out --credentials; ", id="a flag"),
        pytest.param("*", "COOKIES", "COOKIES exclude each other", id="a variable"),
        pytest.param("*", "COOKIES", "or unset COOKIES; ", id="to unset a variable"),
        pytest.param(
            "http://a.example", "--credentials", "and --credentials is given, ", id="plain http"
        ),
        pytest.param(
            "http://a.example",
            "--credentials",
            "Origins: true, which needs a file: cors-gateway init writes one\n",
            id="a key that no flag stands for",
        ),
    ],
)
def test_remedies_name_what_the_user_can_write(origin: str, source: str, said: str) -> None:
    text = render_text(loaded("http://a", origin, credentials=Given("true", source)).problems)

    assert text.startswith('--allow-origin: "')
    assert said in text
    assert "allowCredentials" not in text


def test_all_flags_are_judged_at_once() -> None:
    result = loaded("localhost", "https://a.example.com/", "https://b.example.com")

    assert [str(problem.position) for problem in result.problems] == ["--to", "--allow-origin"]


def test_dollars_in_flags_are_not_substituted() -> None:
    result = loaded("http://a", "https://${HOME}.example.com", "a$$b")

    assert '"https://${HOME}.example.com"' in render_text(result.problems)
    assert '"a$$b"' in render_text(result.problems)


def test_flags_can_be_rendered_as_a_file_to_start_from() -> None:
    assert "- https://app.example.com" in render(loaded("http://a", "https://app.example.com"))


def test_different_flags_have_different_digests() -> None:
    one, other = loaded("http://a", "*").snapshot, loaded("http://b", "*").snapshot

    assert one is not None
    assert other is not None
    assert one.digest != other.digest
