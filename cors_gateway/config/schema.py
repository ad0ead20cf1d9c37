"""Every key of a configuration except those inside a route and a ``cors`` block.

Descriptions here are the only ones: the JSON Schema is made from them. Nothing is required here:
what must be there is checked where it is compiled, so that one mistake never hides another.
"""

from collections.abc import Iterator
from typing import Literal, get_args, get_origin

from pydantic import Field

from cors_gateway.config.cors_schema import Cors, CorsSettings
from cors_gateway.config.field_types import (
    Count,
    Duration,
    FieldLineCount,
    FieldValue,
    Flag,
    HostName,
    NetworkText,
    OptionalCount,
    OptionalSize,
    SettingsBlock,
    Size,
    Text,
    Timeout,
    Workers,
)
from cors_gateway.config.listener_schema import (
    AdminSettings,
    AdminSwitch,
    Listeners,
    ListenerTlsSwitch,
)
from cors_gateway.config.route_schema import RouteSettings

__all__ = [
    "DefaultSettings",
    "DrainSettings",
    "ExpectationSettings",
    "LimitSettings",
    "LogSettings",
    "ServerSettings",
    "Settings",
    "TimeoutSettings",
    "settings_blocks",
]


class LimitSettings(SettingsBlock):
    """The bounds on clients."""

    connections: Count = Field(
        default=1024, description="Connections at once, for each worker; one more gets 503."
    )
    target: Size = Field(
        default=8 * 1024, description="The longest request target, path and query; longer gets 414."
    )
    field_section: Size = Field(
        default=32 * 1024, description="All header lines of a request together; more gets 431."
    )
    field_lines: FieldLineCount = Field(
        default=100, description="The most header lines in a request; more gets 431."
    )
    content: OptionalSize = Field(
        default=None,
        description="The largest request body; larger gets 413. none is no bound.",
        examples=["100MiB"],
    )
    requests_per_connection: OptionalCount = Field(
        default=1000,
        description=(
            "Requests on one connection; the last answer says Connection: close, so that clients "
            "spread anew over workers. none is no bound."
        ),
    )


class TimeoutSettings(SettingsBlock):
    """How long a client may take."""

    head: Timeout = Field(
        default=10.0,
        description="For the head of a request, from its first byte; also for a TLS handshake.",
    )
    content: Timeout = Field(
        default=30.0, description="Between two pieces of a request's body; then 408."
    )
    write: Timeout = Field(
        default=30.0, description="To take a piece of a response; then it is reset."
    )
    keep_alive: Timeout = Field(
        default=75.0, description="Between two requests on a connection; then it is closed."
    )


class DrainSettings(SettingsBlock):
    """How the gateway stops."""

    delay: Duration = Field(
        default=0.0,
        description="How long it still accepts connections, so that a load balancer can notice.",
    )
    timeout: Duration = Field(
        default=7.0,
        description="How long requests in progress then have to end. Docker waits 10s for both.",
    )


class ServerSettings(SettingsBlock):
    """The side of the clients."""

    listen: Listeners = Field(
        default=["0.0.0.0:8080"],
        description=(
            "Where connections are accepted: host:port, :port, [::]:port or unix:/path; one, or a "
            "list. An item may be a block with an address and its own tls."
        ),
        examples=[":8080", ["0.0.0.0:8080", "[::]:8080", "unix:/run/gateway.sock"]],
        json_schema_extra={"gateway:also": "string", "minItems": 1},
    )
    workers: Workers = Field(
        default="auto",
        description=(
            "Processes that serve, each with limits and connections of its own. auto is the CPU "
            "quota of the container; without one, as many as there are CPUs, but at most 4."
        ),
    )
    public_origin: Text | None = Field(
        default=None,
        description=(
            "The origin by which browsers call the gateway, where something in front terminates TLS. "
            "Requests of pages on that origin are never refused."
        ),
        examples=["https://www.example.com"],
    )
    trusted_proxies: list[NetworkText] = Field(
        default_factory=list,
        description=(
            "Addresses and networks of proxies in front, whose X-Forwarded-* count; unix for "
            "whoever connects to a unix socket."
        ),
        examples=[["10.0.0.0/8"], ["unix"]],
    )
    tls: ListenerTlsSwitch | None = Field(
        default=None,
        description=(
            "Certificate and key of every listener that does not say otherwise; unix sockets are "
            "plain unless their own block says tls."
        ),
    )
    limits: LimitSettings = Field(
        default_factory=LimitSettings, description="The bounds on clients."
    )
    timeouts: TimeoutSettings = Field(
        default_factory=TimeoutSettings, description="How long a client may take."
    )
    drain: DrainSettings = Field(
        default_factory=DrainSettings, description="How the gateway stops."
    )


class LogSettings(SettingsBlock):
    """What is logged."""

    level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="The least severity that is logged."
    )
    format: Literal["auto", "json", "text"] = Field(
        default="auto", description="auto is text on a terminal and JSON elsewhere."
    )
    access: Flag = Field(default=True, description="Whether each request gets a line in the log.")


class DefaultSettings(SettingsBlock):
    """What holds where a route says nothing."""

    cors: Cors | None = Field(
        default=None,
        description=(
            "The policy of routes without cors:, and of answers that match no route: a name, a "
            "block, or false. It stands in as a whole and is never merged."
        ),
    )


class ExpectationSettings(SettingsBlock):
    """A request and what the gateway should decide; run by validate --tests."""

    name: Text | None = Field(
        default=None,
        description="What it is called in a report.",
        examples=["the page may save"],
    )
    origin: Text | None = Field(
        default=None,
        description="The page's origin. Without it: no browser, no Origin.",
        examples=["https://app.example.com"],
    )
    method: Text = Field(default="GET", description="The request's method.")
    path: Text | None = Field(
        default=None, description="The request's path, with a query if wanted.", examples=["/api"]
    )
    host: HostName | None = Field(
        default=None, description="The host that is called.", examples=["api.example.com"]
    )
    headers: dict[str, FieldValue] = Field(
        default_factory=dict,
        description="Headers that the page sets.",
        examples=[{"X-CSRFToken": "a"}],
    )
    credentials: Flag = Field(
        default=False, description="Whether the page sends cookies (credentials: include)."
    )
    websocket: Flag = Field(
        default=False,
        description="Whether the page opens a WebSocket there: with GET, and no headers of its own.",
    )
    expect: Literal["allow", "deny"] | None = Field(
        default=None,
        description="Whether the browser lets the page have the answer, or its WebSocket.",
    )


class Settings(SettingsBlock):
    """A gateway's configuration."""

    server: ServerSettings = Field(
        default_factory=ServerSettings, description="The side of the clients."
    )
    admin: AdminSwitch = Field(
        default_factory=AdminSettings,
        description="Health, metrics and explanations, on a listener of their own; or false.",
    )
    log: LogSettings = Field(default_factory=LogSettings, description="What is logged.")
    cors_policies: dict[str, CorsSettings] = Field(
        default_factory=dict, description="Policies by name, for routes to refer to."
    )
    defaults: DefaultSettings = Field(
        default_factory=DefaultSettings, description="What holds where a route says nothing."
    )
    routes: list[RouteSettings] = Field(
        default_factory=list, description="Which requests go where, under which policy."
    )
    tests: list[ExpectationSettings] = Field(
        default_factory=list, description="Requests and what should be decided."
    )


def settings_blocks() -> Iterator[tuple[tuple[str, ...], type[SettingsBlock]]]:
    """Walk all blocks that the schema knows.

    Yields:
        A block's path, with ``*`` for names and indices, and its keys.
    """
    yield from _blocks_of(Settings, ())


def _blocks_of(
    annotation: object, path: tuple[str, ...]
) -> Iterator[tuple[tuple[str, ...], type[SettingsBlock]]]:
    if isinstance(annotation, type) and issubclass(annotation, SettingsBlock):
        yield path, annotation
        for name, field in annotation.model_fields.items():
            yield from _blocks_of(field.annotation, (*path, field.alias or name))
        return
    inner = (*path, "*") if get_origin(annotation) in (list, dict) else path
    for argument in get_args(annotation):
        yield from _blocks_of(argument, inner)
