"""The keys of ``server.listen``, ``server.tls`` and ``admin``: where connections are accepted.

What they say together is for ``listeners``.

Descriptions here are the only ones: the JSON Schema is made from them.
"""

from typing import Annotated, Literal

from pydantic import BeforeValidator, Discriminator, Field, Tag

from cors_gateway.config.cors_schema import BLOCK_TAG, FALSE_TAG, NAME_TAG
from cors_gateway.config.field_types import (
    FilePath,
    HostName,
    ListenerText,
    SettingsBlock,
    as_list,
)
from cors_gateway.config.problems import UnfitValueError
from cors_gateway.config.values import resolve

__all__ = [
    "AdminSettings",
    "AdminSwitch",
    "ListenerSettings",
    "ListenerTlsSettings",
    "ListenerTlsSwitch",
    "Listeners",
]


class ListenerTlsSettings(SettingsBlock):
    """What a listener proves itself with. TLS 1.2 or 1.3; read again when the files change."""

    certificate: FilePath | None = Field(
        default=None,
        description=(
            "A PEM file: the certificate, then those that lead to a root. Relative to the "
            "configuration's folder."
        ),
        examples=["cert.pem", "/etc/letsencrypt/live/api.example.com/fullchain.pem"],
    )
    key: FilePath | None = Field(
        default=None,
        description="A PEM file: the certificate's private key, not encrypted.",
        examples=["key.pem", "/etc/letsencrypt/live/api.example.com/privkey.pem"],
    )


def _tls_switch(value: object) -> object:
    if isinstance(value, (dict, ListenerTlsSettings)) or resolve(value) is False:
        return value
    why = "a listener proves itself with a certificate"
    fix = "write {certificate: cert.pem, key: key.pem}, or false"
    raise UnfitValueError("{value} is no choice for {key}", why, fix)


def _tls_kind(value: object) -> str:
    return FALSE_TAG if resolve(value) is False else BLOCK_TAG


ListenerTlsSwitch = Annotated[
    Annotated[ListenerTlsSettings, Tag(BLOCK_TAG)]
    | Annotated[Literal[False], BeforeValidator(resolve), Tag(FALSE_TAG)],
    Discriminator(_tls_kind),
    BeforeValidator(_tls_switch),
]


class ListenerSettings(SettingsBlock):
    """A listener that differs from the others."""

    address: ListenerText | None = Field(
        default=None,
        description="host:port, :port, [::]:port or unix:/path.",
        examples=["0.0.0.0:8443"],
    )
    tls: ListenerTlsSwitch | None = Field(
        default=None,
        description="Its own certificate, or false for plain HTTP; without it, what server.tls says.",
    )


def _listeners(value: object) -> object:
    if isinstance(value, int) and not isinstance(value, bool):
        return [value]
    if isinstance(value, dict):
        raise UnfitValueError("{key} is a block", "blocks stand in a list", 'put "- " before it')
    if value == []:
        raise UnfitValueError("the list is empty", "", "name one listener, or remove the key")
    return as_list(value)


def _listener_kind(value: object) -> str:
    return BLOCK_TAG if isinstance(value, (dict, ListenerSettings)) else NAME_TAG


Listeners = Annotated[
    list[
        Annotated[
            Annotated[ListenerText, Tag(NAME_TAG)] | Annotated[ListenerSettings, Tag(BLOCK_TAG)],
            Discriminator(_listener_kind),
        ]
    ],
    BeforeValidator(_listeners),
]
"""One address, or a list of addresses and blocks."""


class AdminSettings(SettingsBlock):
    """The listener of those who run the gateway. It is plain HTTP, and asks nobody who they are."""

    listen: ListenerText = Field(
        default="127.0.0.1:9901",
        description="host:port, :port, [::]:port or unix:/path. Nobody but operators may reach it.",
        examples=["127.0.0.1:9901", "0.0.0.0:9901", "unix:/run/cors-gateway-admin.sock"],
    )
    hosts: list[HostName] = Field(
        default_factory=list,
        description=(
            "Names by which it may be called. Addresses, localhost and names without a dot "
            "always may; others could be a web page's trick (DNS rebinding)."
        ),
        examples=[["gateway-admin.internal.example.com"]],
    )


def _admin_switch(value: object) -> object:
    if isinstance(value, (dict, AdminSettings)) or resolve(value) is False:
        return value
    fix = "write {listen: 127.0.0.1:9901}, or false"
    raise UnfitValueError("{value} is no choice for {key}", "", fix)


def _admin_kind(value: object) -> str:
    return FALSE_TAG if resolve(value) is False else BLOCK_TAG


AdminSwitch = Annotated[
    Annotated[AdminSettings, Tag(BLOCK_TAG)]
    | Annotated[Literal[False], BeforeValidator(resolve), Tag(FALSE_TAG)],
    Discriminator(_admin_kind),
    BeforeValidator(_admin_switch),
]
