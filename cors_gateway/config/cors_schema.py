"""The keys of a ``cors`` block. What they may say together is decided by ``cors/policy.py``.

The names are those of the Gateway API's ``HTTPCORSFilter``, so that its blocks can be pasted;
the rest extends it. Descriptions here are the only ones: the JSON Schema is made from them.
"""

from typing import Annotated, Literal

from pydantic import BeforeValidator, Discriminator, Field, Tag

from cors_gateway.config.field_types import Flag, MaxAge, SettingsBlock, Text, as_list
from cors_gateway.config.values import resolve

__all__ = ["CORS_TAGS", "Cors", "CorsSettings", "MissingOriginSettings"]


class MissingOriginSettings(SettingsBlock):
    """Where a request's origin comes from when it has no Origin line."""

    sources: list[Literal["X-Original-Origin", "Referer", "Host"]] = Field(
        default_factory=list,
        alias="from",
        description=(
            "The headers to take an origin from, in this order. Each that is looked at joins Vary. "
            "An origin found so can be granted, never refused."
        ),
        examples=[["X-Original-Origin", "Referer"]],
    )


class CorsSettings(SettingsBlock):
    """Which pages of other origins may call, and how."""

    allow_origins: list[Text] = Field(
        default_factory=list,
        description=(
            "Origins that may call: scheme://host[:port]. https://*.example.com is one or more "
            "labels but not example.com itself, http://localhost:* any port or none, "
            'https://app-*.example.com any text within the label. ["*"] is everyone, without '
            "credentials."
        ),
        examples=[["https://app.example.com"]],
    )
    allow_origin_regex: Annotated[list[Text], BeforeValidator(as_list)] = Field(
        default_factory=list,
        description=(
            "Regular expressions that match the whole origin; one that could let in a stranger does "
            "not load."
        ),
        examples=[["https://(app|admin)-[0-9]+\\.example\\.com"]],
        json_schema_extra={"gateway:also": "string"},
    )
    allow_methods: list[Text] = Field(
        default=["GET", "HEAD", "POST"],
        description='Methods that may be used; GET, HEAD and POST always may. ["*"] is all.',
    )
    allow_headers: list[Text] = Field(
        default=["Content-Type", "X-Requested-With"],
        description=(
            "Request headers that a page may set beyond Accept, Accept-Language and "
            "Content-Language. [] is none, "
            '["*"] all but Authorization, which has to be named beside it.'
        ),
    )
    expose_headers: list[Text] = Field(
        default_factory=list,
        description=(
            "Response headers that a page may read beyond Cache-Control, Content-Language, "
            "Content-Length, Content-Type, Expires, Last-Modified and Pragma."
        ),
        examples=[["X-Total-Count"]],
    )
    allow_credentials: Flag = Field(
        default=False, description="Whether cookies and HTTP authentication may be sent along."
    )
    max_age: MaxAge = Field(
        default=600,
        description=(
            "How long a browser may remember a preflight: seconds or a duration; 0 or -1 is not "
            "at all, more than 86400 is capped."
        ),
    )
    on_disallowed_origin: Literal["omit", "block"] = Field(
        default="omit",
        description=(
            "What happens to an actual request from an origin that is not allowed: forwarded "
            "without CORS headers (omit), or answered 403 before the API sees it (block)."
        ),
    )
    preflight: Literal["answer", "forward"] = Field(
        default="answer", description="Who answers preflights: the gateway, or the API."
    )
    upstream_cors: Literal["strip", "passthrough", "fallback"] = Field(
        default="strip",
        description=(
            "What happens to the API's own CORS headers: removed (strip), left alone and ours "
            "not added (passthrough), or ours only where the API sent none (fallback)."
        ),
    )
    missing_origin: MissingOriginSettings = Field(
        default_factory=MissingOriginSettings,
        description="What to do about requests whose Origin a CDN has removed.",
    )
    timing_allow_origins: list[Text] = Field(
        default_factory=list,
        description='Origins whose pages may read detailed timings of a request, or ["*"].',
        examples=[["https://app.example.com"]],
    )
    cross_origin_resource_policy: Literal["same-origin", "same-site", "cross-origin"] | None = (
        Field(
            default=None,
            description=(
                "Whose pages may embed an image, a script or another file without CORS: the header "
                "Cross-Origin-Resource-Policy, for answers that the API sends without one. Pages with "
                "Cross-Origin-Embedder-Policy: require-corp embed nothing of another origin that "
                "lacks it."
            ),
            examples=["cross-origin"],
        )
    )
    mode: Literal["enforce", "reportOnly"] = Field(
        default="enforce",
        description=(
            "Whether decisions are carried out, or only logged and counted while the API's own CORS "
            "headers pass (reportOnly)."
        ),
    )
    require_origin: Flag = Field(
        default=False,
        description=(
            "Answer 403 to WebSocket handshakes without an Origin, which programs other than "
            "browsers send."
        ),
    )
    csrf_guard: Flag = Field(
        default=False,
        description=(
            "Answer 403 to state-changing requests that a browser sends on behalf of another site."
        ),
    )
    dangerously_allow_null_origin: Flag = Field(
        default=False,
        description="Allow the origin null, which any page can give itself; never with credentials.",
    )
    dangerously_reflect_any_origin: Flag = Field(
        default=False,
        description='With allowOrigins ["*"] and credentials: any page may act as its visitor.',
    )
    dangerously_allow_insecure_origins: Flag = Field(
        default=False,
        description="Allow http origins with credentials: whoever can alter traffic can use them.",
    )
    dangerously_allow_public_suffixes: Flag = Field(
        default=False,
        description="Allow wildcards over domains that anyone can register below (*.github.io).",
    )


NAME_TAG = "\0name"
BLOCK_TAG = "\0block"
FALSE_TAG = "\0false"
CORS_TAGS = frozenset({NAME_TAG, BLOCK_TAG, FALSE_TAG})
"""What pydantic puts into an error's path for the kind of a ``cors`` value."""


def _kind(value: object) -> str | None:
    value = resolve(value)
    if isinstance(value, str):
        return NAME_TAG
    if isinstance(value, (dict, CorsSettings)):
        return BLOCK_TAG
    return FALSE_TAG if value is False else None


Cors = Annotated[
    Annotated[Text, Tag(NAME_TAG)]
    | Annotated[CorsSettings, Tag(BLOCK_TAG)]
    | Annotated[Literal[False], BeforeValidator(resolve), Tag(FALSE_TAG)],
    Discriminator(_kind),
]
"""A policy: its name under ``corsPolicies``, a block, or ``false``."""
