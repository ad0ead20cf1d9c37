from dataclasses import fields

from cors_gateway.cors.settings import MISSING_ORIGIN_SOURCES, PolicySettings


def test_the_short_policy_is_the_safe_one() -> None:
    settings = PolicySettings()

    assert settings.allow_origins == settings.allow_origin_regex == ()
    assert settings.allow_methods == ("GET", "HEAD", "POST")
    assert settings.allow_headers == ("Content-Type", "X-Requested-With")
    assert settings.expose_headers == settings.missing_origin == settings.timing_allow_origins == ()
    assert settings.allow_credentials is settings.require_origin is settings.csrf_guard is False
    assert settings.max_age == 600
    assert settings.cross_origin_resource_policy is None
    assert (settings.on_disallowed_origin, settings.preflight) == ("omit", "answer")
    assert (settings.upstream_cors, settings.mode) == ("strip", "enforce")
    assert not any(
        getattr(settings, each.name)
        for each in fields(PolicySettings)
        if each.name.startswith("dangerously_")
    )


def test_equal_settings_are_interchangeable() -> None:
    assert hash(PolicySettings(max_age=1)) == hash(PolicySettings(max_age=1))
    assert MISSING_ORIGIN_SOURCES == ("X-Original-Origin", "Referer", "Host")
