"""The types of configuration keys: how each is read, written back, and described to an editor.

This module knows kinds of values and no key. Reading is ``values`` and ``addresses``; here those
become pydantic types, so that every key of the schema only names its kind.
"""

from functools import partial
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, PlainSerializer, WithJsonSchema
from pydantic.alias_generators import to_camel

from cors_gateway.config.addresses import (
    parse_authority,
    parse_host,
    parse_listener,
    parse_network,
    parse_path,
    parse_server_name,
    parse_upstream_url,
)
from cors_gateway.config.problems import UnfitValueError
from cors_gateway.config.request_fields import check_field_value
from cors_gateway.config.values import (
    check_text,
    parse_duration,
    parse_flag,
    parse_integer,
    parse_max_age,
    parse_size,
    serialize_duration,
    serialize_size,
)

__all__ = [
    "UNIX_PEERS",
    "Count",
    "Duration",
    "FieldLineCount",
    "FieldValue",
    "FilePath",
    "Flag",
    "HostName",
    "ListenerText",
    "MaxAge",
    "NetworkText",
    "OptionalCount",
    "OptionalSize",
    "RoutePath",
    "SettingsBlock",
    "Size",
    "Text",
    "Timeout",
    "UpgradeName",
    "UpstreamHost",
    "UpstreamServerName",
    "UpstreamText",
    "Workers",
    "as_list",
]

DURATION_SCHEMA = {
    "type": "string",
    "pattern": "^(?=.)([0-9]+h)?([0-9]+m)?([0-9]+s)?([0-9]+ms)?$",
    "examples": ["250ms", "10s", "1h"],
}
LONGEST_PATH = 1024
MOST = 1_000_000
MOST_WORKERS = 256
COUNT_SCHEMA = {"type": "integer", "minimum": 1, "maximum": MOST}
SIZE_SCHEMA = {"type": "string", "pattern": "^[0-9]+(B|KiB|MiB|GiB)$", "examples": ["64KiB"]}


UNIX_PEERS = "unix"
"""Stands among networks for whoever can connect to a unix socket."""


class SettingsBlock(BaseModel):
    """A block of keys: camelCase, nothing unknown, nothing converted."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        extra="forbid",
        frozen=True,
        strict=True,
        validate_default=False,
    )


def as_list(value: Any) -> Any:
    """Take a single text as a list of one."""
    return [value] if isinstance(value, str) else value


def _timeout(value: object) -> float:
    seconds = parse_duration(value)
    if not seconds:
        raise UnfitValueError("{value} is no time to wait", "", "write at least 1ms")
    return seconds


def _size(value: object, *, least: int, most: int) -> int:
    size = parse_size(value)
    if not least <= size <= most:
        fix = f"write {serialize_size(least)} to {serialize_size(most)}"
        raise UnfitValueError("{value} is out of bounds", "", fix)
    return size


def _optional_size(value: object) -> int | None:
    return None if value == "none" else parse_size(value)


def _optional_count(value: object) -> int | None:
    if value == "none":
        return None
    return parse_integer(value, least=1, most=MOST, instead=", or none")


def _workers(value: object) -> int | str:
    return (
        "auto"
        if value == "auto"
        else parse_integer(value, least=1, most=MOST_WORKERS, instead=", or auto")
    )


def _listener(value: object) -> str:
    # A number is most likely a port: quotes alone would not help.
    is_number = isinstance(value, int) and not isinstance(value, bool)
    text = str(value) if is_number else check_text(value)
    parse_listener(text)
    return text


def _file_path(text: str) -> str:
    # Whoever puts a key's text where its path belongs must not read it again in a log.
    if "-----BEGIN" in text or not text.isprintable() or len(text) > LONGEST_PATH:
        why = "what stands here is the content of one, or too long"
        raise UnfitValueError("{key} is no file's name", why, "write the path of the file")
    if not text.strip():
        raise UnfitValueError("{key} is empty", "", "write the path of the file")
    return text


def _upstream_url(text: str) -> str:
    parse_upstream_url(text)
    return text


def _upgrade(text: str) -> str:
    if text.lower() in {"h2c", "h2", "http/2.0", "tls/1.0"}:
        why = "requests inside it would pass by every check"
        raise UnfitValueError("{value} cannot be let through", why, "remove it")
    if text != "websocket":
        why = "websocket is the one protocol that is let through"
        fix = "write websocket" if text.lower() == "websocket" else "remove it"
        raise UnfitValueError("{value} is not supported", why, fix)
    return text


def _upstream_host(text: str) -> str:
    return text if text in {"preserve", "upstream"} else parse_authority(text)


def _network(text: str) -> str:
    return text if text == UNIX_PEERS else str(parse_network(text))


def _field_value(text: str) -> str:
    check_field_value(text)
    return text


Text = Annotated[str, BeforeValidator(check_text)]
Flag = Annotated[bool, BeforeValidator(parse_flag)]
Count = Annotated[
    int,
    BeforeValidator(partial(parse_integer, least=1, most=MOST)),
    WithJsonSchema(COUNT_SCHEMA),
]
OptionalCount = Annotated[
    int | None,
    BeforeValidator(_optional_count),
    PlainSerializer(lambda count: "none" if count is None else count),
    WithJsonSchema({"anyOf": [{"enum": ["none"]}, COUNT_SCHEMA]}),
]
FieldLineCount = Annotated[
    int,
    BeforeValidator(partial(parse_integer, least=10, most=10_000)),
    WithJsonSchema({"type": "integer", "minimum": 10, "maximum": 10_000}),
]
Duration = Annotated[
    float,
    BeforeValidator(parse_duration),
    PlainSerializer(serialize_duration),
    WithJsonSchema(DURATION_SCHEMA),
]
Timeout = Annotated[
    float,
    BeforeValidator(_timeout),
    PlainSerializer(serialize_duration),
    WithJsonSchema(DURATION_SCHEMA),
]
Size = Annotated[
    int,
    BeforeValidator(partial(_size, least=256, most=1 << 20)),
    PlainSerializer(serialize_size),
    WithJsonSchema(SIZE_SCHEMA),
]
OptionalSize = Annotated[
    int | None,
    BeforeValidator(_optional_size),
    PlainSerializer(lambda size: "none" if size is None else serialize_size(size)),
    WithJsonSchema({"anyOf": [{"enum": ["none"]}, SIZE_SCHEMA]}),
]
MaxAge = Annotated[
    int,
    BeforeValidator(parse_max_age),
    WithJsonSchema({"anyOf": [{"type": "integer", "minimum": -1}, DURATION_SCHEMA]}),
]
Workers = Annotated[
    int | Literal["auto"],
    BeforeValidator(_workers),
    WithJsonSchema(
        {"anyOf": [{"enum": ["auto"]}, {"type": "integer", "minimum": 1, "maximum": MOST_WORKERS}]}
    ),
]
ListenerText = Annotated[str, BeforeValidator(_listener)]
FilePath = Annotated[str, BeforeValidator(_file_path), BeforeValidator(check_text)]
"""A file that is named and not read for its text; relative to the configuration's folder."""
NetworkText = Annotated[str, BeforeValidator(_network), BeforeValidator(check_text)]
HostName = Annotated[str, BeforeValidator(parse_host), BeforeValidator(check_text)]
RoutePath = Annotated[
    str,
    BeforeValidator(parse_path),
    BeforeValidator(check_text),
    WithJsonSchema({"type": "string", "pattern": "^/"}),
]
UpgradeName = Annotated[
    str,
    BeforeValidator(_upgrade),
    BeforeValidator(check_text),
    WithJsonSchema({"enum": ["websocket"]}),
]
UpstreamText = Annotated[
    str,
    BeforeValidator(_upstream_url),
    BeforeValidator(check_text),
    WithJsonSchema({"type": "string", "pattern": "^(https?://|unix:/)"}),
]
UpstreamServerName = Annotated[str, BeforeValidator(parse_server_name), BeforeValidator(check_text)]
UpstreamHost = Annotated[str, BeforeValidator(_upstream_host), BeforeValidator(check_text)]
FieldValue = Annotated[str, BeforeValidator(_field_value), BeforeValidator(check_text)]
