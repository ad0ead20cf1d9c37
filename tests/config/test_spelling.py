import pytest

from cors_gateway.config.problems import Path
from cors_gateway.config.spelling import known_keys, suggest_key, suggest_name

POLICY = ("corsPolicies", "spa")


@pytest.mark.parametrize(
    "path, meant",
    [
        # Other spellings of the same word.
        ((*POLICY, "allow_origins"), "allowOrigins"),
        ((*POLICY, "max-age"), "maxAge"),
        ((*POLICY, "MAXAGE"), "maxAge"),
        (("server", "public_origin"), "publicOrigin"),
        # The words of others: Kong, Tyk, Traefik, rs/cors, flask-cors.
        ((*POLICY, "origin"), "allowOrigins"),
        ((*POLICY, "origins"), "allowOrigins"),
        ((*POLICY, "allowed_origins"), "allowOrigins"),
        ((*POLICY, "accessControlAllowOriginList"), "allowOrigins"),
        ((*POLICY, "allow_origins_by_regex"), "allowOriginRegex"),
        ((*POLICY, "methods"), "allowMethods"),
        ((*POLICY, "exposed_headers"), "exposeHeaders"),
        ((*POLICY, "credentials"), "allowCredentials"),
        ((*POLICY, "supports_credentials"), "allowCredentials"),
        ((*POLICY, "preflight_continue"), "preflight"),
        ((*POLICY, "options_passthrough"), "preflight"),
        ((*POLICY, "corp"), "crossOriginResourcePolicy"),
        ((*POLICY, "Cross-Origin-Resource-Policy"), "crossOriginResourcePolicy"),
        (("routes", 3, "proxy_pass"), "upstream"),
        (("routes", 3, "proxy_cookie_path"), "cookies"),
        (("routes", 3, "proxy_redirect"), "redirects"),
        (("routes", 3, "cookies", "same-site"), "sameSite"),
        (("routes", 0, "upstream", "timeout"), "timeouts"),
        (("server", "port"), "listen"),
        # Slips of the finger.
        ((*POLICY, "alowOrigins"), "allowOrigins"),
        (("rotues",), "routes"),
        # Elsewhere, or nowhere.
        (("routes", 0, "stripPrefix"), None),
        ((*POLICY, "allowPrivateNetwork"), None),
        ((*POLICY, "Cross-Origin-Embedder-Policy"), None),
        ((*POLICY, "zzz"), None),
    ],
)
def test_what_an_unknown_key_was_meant_to_be(path: Path, meant: str | None) -> None:
    suggestion = suggest_key(path)

    assert suggestion.meant == meant
    assert suggestion.fix


def test_a_key_in_the_wrong_block_is_sent_where_it_belongs() -> None:
    assert suggest_key(("routes", 0, "strip_prefix")).why == (
        "stripPrefix belongs to routes[].upstream"
    )


@pytest.mark.parametrize(
    "path, where",
    [
        pytest.param(("routes", 0, "allowOrigins"), "routes[].cors", id="in a route"),
        pytest.param(("defaults", "allowOrigins"), "defaults.cors", id="in the defaults"),
        pytest.param(("allowOrigins",), "corsPolicies.NAME", id="at the top"),
        pytest.param(("server", "allowOrigins"), "corsPolicies.NAME", id="where none is inside"),
    ],
)
def test_a_key_is_sent_into_the_block_where_it_stands_first(path: Path, where: str) -> None:
    assert suggest_key(path).why == f"allowOrigins belongs to {where}"


def test_a_key_that_an_api_has_and_a_listener_too_is_sent_to_both() -> None:
    assert suggest_key(("routes", 0, "TLS")).why == (
        "of an API it belongs to routes[].upstream, of listeners to server"
    )


@pytest.mark.parametrize(
    "path, known",
    [
        ((), "corsPolicies"),
        (("corsPolicies", "any"), "allowOrigins"),
        (("routes", 5, "cors"), "allowOrigins"),
        (("defaults", "cors", "missingOrigin"), "from"),
        (("routes", 0, "upstream", "headers"), "set"),
        (("tests", 1), "expect"),
    ],
)
def test_the_keys_of_a_block_are_known(path: Path, known: str) -> None:
    assert known in (known_keys(path) or ())


@pytest.mark.parametrize("path", [("corsPolicies",), ("routes",), ("nothing",)])
def test_where_there_is_no_block_there_are_no_keys(path: Path) -> None:
    assert known_keys(path) is None


def test_names_are_suggested_by_likeness_or_listed() -> None:
    assert suggest_name("spaa", ["spa", "admin"]) == "did you mean spa?"
    assert suggest_name("x", ["spa", "admin"]) == "there are spa, admin"
    assert suggest_name("x", []) == "write it there, or a block here"
