"""The keys of a route: what it matches, where it goes, under which policy.

Descriptions here are the only ones: the JSON Schema is made from them. What a route must have is
checked where routes are compiled, so that a missing key does not hide the mistakes beside it.
"""

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from cors_gateway.config.cookie_schema import CookieSettings
from cors_gateway.config.cors_schema import Cors
from cors_gateway.config.field_types import (
    FieldValue,
    FilePath,
    Flag,
    HostName,
    OptionalCount,
    RoutePath,
    SettingsBlock,
    Text,
    Timeout,
    UpgradeName,
    UpstreamHost,
    UpstreamServerName,
    UpstreamText,
)
from cors_gateway.config.files_schema import FilesSettings
from cors_gateway.config.health_schema import HealthCheckSettings

__all__ = [
    "HeaderSettings",
    "MatchSettings",
    "PoolSettings",
    "RouteSettings",
    "UpstreamSettings",
    "UpstreamTimeoutSettings",
    "UpstreamTlsSettings",
]


class MatchSettings(SettingsBlock):
    """Which requests a route takes: host before path, longest path, then methods."""

    path: RoutePath | None = Field(
        default=None,
        description=(
            "A prefix by whole segments, percent-encoded as on the wire: /api takes /api and "
            "/api/a, not /apix. / takes everything."
        ),
        examples=["/api"],
    )
    host: HostName | None = Field(
        default=None,
        description="The host it is for, without a port. Without it: every host.",
        examples=["api.example.com"],
    )
    methods: list[Text] | None = Field(
        default=None,
        description="The methods it takes; a preflight counts as the method that it announces. "
        "Without it: every method.",
        examples=[["GET", "POST"]],
    )


class UpstreamTimeoutSettings(SettingsBlock):
    """How long an API may take."""

    connect: Timeout = Field(default=3.0, description="To accept a connection; then 504.")
    response: Timeout = Field(
        default=60.0,
        description="From the end of the request to the head of the response; then 504.",
    )
    idle: Timeout = Field(
        default=60.0, description="Between two pieces of a response's body; then it is cut off."
    )
    tunnel: Timeout = Field(
        default=3600.0, description="Silence in a WebSocket or an event stream; then it is closed."
    )


class PoolSettings(SettingsBlock):
    """The connections that are kept to an API."""

    connections: OptionalCount = Field(
        default=None,
        description=(
            "How many there may be at once, for each worker; further requests wait 1s, then 503. "
            "none is as many as there are clients, so that slow ones keep nobody else waiting. To "
            "all APIs together no more than server.limits.connections are kept: then the one that "
            "was unused for longest goes."
        ),
        examples=[256],
    )
    idle: Timeout = Field(
        default=15.0,
        description=(
            "How long an unused one is kept; less than the API keeps it. Where the API says how "
            "long that is (Keep-Alive), a second less than that is the most."
        ),
    )


class UpstreamTlsSettings(SettingsBlock):
    """How an https API proves itself, always, and the gateway to it where the API asks for that."""

    ca: FilePath | None = Field(
        default=None,
        description=(
            "A PEM file: the authorities that may vouch for the API. Without it: those that the "
            "system trusts. Relative to the configuration's folder."
        ),
        examples=["internal-ca.pem"],
    )
    server_name: UpstreamServerName | None = Field(
        default=None,
        description="What its certificate is for, where that is not the host of the URL; also SNI.",
        examples=["api.internal.example.com"],
    )
    certificate: FilePath | None = Field(
        default=None,
        description="A PEM file: the gateway's own certificate, for an API that asks for one.",
        examples=["client.pem"],
    )
    key: FilePath | None = Field(
        default=None,
        description="A PEM file: the private key of certificate, not encrypted.",
        examples=["client-key.pem"],
    )


class HeaderSettings(SettingsBlock):
    """Changes to the header of requests on their way to the API."""

    set_: dict[str, FieldValue] = Field(
        default_factory=dict,
        alias="set",
        description="Headers to set, in place of the client's.",
        examples=[{"X-Api-Key": "${API_KEY}"}],
    )
    remove: list[Text] = Field(
        default_factory=list, description="Headers to remove.", examples=[["X-Debug"]]
    )


class UpstreamSettings(SettingsBlock):
    """An API and how it is called."""

    url: UpstreamText | None = Field(
        default=None,
        description=(
            "http://host[:port][/path], the same with https, or unix:/path. A path is put before "
            "every target. All addresses of a name are used."
        ),
        examples=["http://legacy:5000", "https://api.example.com/v1"],
    )
    urls: list[UpstreamText] | None = Field(
        default=None,
        description=(
            "In place of url: several that serve the same. A request goes to the one with the "
            "fewest in progress."
        ),
        examples=[["http://legacy-1:5000", "http://legacy-2:5000"]],
        min_length=1,
    )
    strip_prefix: Flag = Field(
        default=False,
        description="Whether match.path is cut off: /api/a becomes /a. X-Forwarded-Prefix is sent.",
    )
    host: UpstreamHost = Field(
        default="preserve",
        description="The Host the API sees: the client's (preserve), its own (upstream), or this.",
    )
    origin: Text = Field(
        default="keep",
        description="The Origin the API sees: the client's (keep), none (drop), or this one.",
    )
    timeouts: UpstreamTimeoutSettings = Field(
        default_factory=UpstreamTimeoutSettings, description="How long the API may take."
    )
    upgrades: list[UpgradeName] = Field(
        default=["websocket"],
        description=(
            "Protocols that a client may switch to: websocket, or none ([]). What else is asked "
            "for is declined, and the request goes to the API as a plain one."
        ),
    )
    tls: UpstreamTlsSettings | None = Field(
        default=None, description="How an https API proves itself, and the gateway to it."
    )
    headers: HeaderSettings = Field(
        default_factory=HeaderSettings, description="Changes to requests on their way to the API."
    )
    pool: PoolSettings = Field(
        default_factory=PoolSettings, description="The connections that are kept to the API."
    )
    health_check: HealthCheckSettings | None = Field(
        default=None,
        description="What each of its addresses is asked again and again. Without it: nothing.",
    )


def _url_alone(value: object) -> object:
    return {"url": value} if isinstance(value, str) else value


class RouteSettings(SettingsBlock):
    """Requests that are treated alike."""

    name: Text | None = Field(
        default=None,
        description="Its label in logs and metrics. Without it: made from host and path.",
        examples=["orders"],
    )
    match: MatchSettings = Field(
        default_factory=MatchSettings,
        description="Which requests it takes.",
        examples=[{"path": "/api"}],
    )
    upstream: Annotated[UpstreamSettings, BeforeValidator(_url_alone)] | None = Field(
        default=None,
        description="The API the requests go to: a URL, or a block. Required where there is no files.",
        examples=["http://legacy:5000"],
        json_schema_extra={"gateway:also": "string"},
    )
    cors: Cors | None = Field(
        default=None,
        description=(
            "A policy's name, a block, or false: nothing added or removed. Without it: "
            "defaults.cors, as a whole."
        ),
    )
    files: FilesSettings | None = Field(
        default=None,
        description="A folder whose files are served, in place of upstream.",
        examples=[{"root": "./dist", "fallback": "index.html"}],
    )
    cookies: CookieSettings | None = Field(
        default=None, description="Changes to cookies that the API sets."
    )
    redirects: Literal["keep", "rewrite"] = Field(
        default="keep",
        description=(
            "The Location of redirects: left alone (keep), or, where it leads to the API itself, a "
            "path here, with the prefix that stripPrefix cut off (rewrite)."
        ),
    )
