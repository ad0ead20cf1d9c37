"""The keys of ``upstream.healthCheck``: what the addresses of an API are asked, and what is well.

Descriptions here are the only ones: the JSON Schema is made from them.
"""

import re
from functools import partial
from typing import Annotated

from pydantic import BeforeValidator, Field, WithJsonSchema

from cors_gateway.config.field_types import SettingsBlock, Timeout
from cors_gateway.config.problems import UnfitValueError
from cors_gateway.config.values import check_text, parse_integer

__all__ = ["HealthCheckSettings"]

TARGET = re.compile(r"/(?:[A-Za-z0-9._~!$&'()*+,;=:@/?-]|%[0-9A-Fa-f]{2})*")
LONGEST_TARGET = 1024


def _target(text: str) -> str:
    if not text.startswith("/"):
        fix = "write the path alone" if "://" in text else f'write "/{text}"'
        raise UnfitValueError("{value} does not begin with /", "", fix)
    if "#" in text:
        raise UnfitValueError("{value} has a fragment", "servers never see it", "remove it")
    if not TARGET.fullmatch(text):
        why = "it is sent as it stands here"
        raise UnfitValueError("{value} is not percent-encoded", why, "encode it: é is %C3%A9")
    if len(text) > LONGEST_TARGET:
        why = f"{LONGEST_TARGET} bytes are the most"
        raise UnfitValueError("{key} is too long", why, "write a shorter one")
    return text


HealthTarget = Annotated[str, BeforeValidator(_target), BeforeValidator(check_text)]
Status = Annotated[
    int,
    BeforeValidator(partial(parse_integer, least=200, most=599)),
    WithJsonSchema({"type": "integer", "minimum": 200, "maximum": 599}),
]


class HealthCheckSettings(SettingsBlock):
    """What each address of an API is asked again and again; who fails comes after the others."""

    path: HealthTarget | None = Field(
        default=None,
        description=(
            "What is asked for, as the API knows it: nothing is put in front. A query may stand "
            "behind it."
        ),
        examples=["/health"],
    )
    interval: Timeout = Field(
        default=5.0,
        description="From the end of a check to the next of that address, more or less; each worker.",
    )
    timeout: Timeout = Field(
        default=2.0, description="How long the API may take to connect and to answer."
    )
    status: list[Status] = Field(
        default_factory=list,
        description="The statuses of an API that is well. Without it: 200 to 299.",
        examples=[[200, 204]],
    )
