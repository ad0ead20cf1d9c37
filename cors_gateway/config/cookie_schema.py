"""The keys of a route's ``cookies`` block. What they may say together is ``response_changes``'s.

Descriptions here are the only ones: the JSON Schema is made from them. The words are those of
RFC 6265bis; what a value may be is narrower than there, so that no browser refuses what it makes.
"""

import re
from ipaddress import ip_address
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema

from cors_gateway.config.addresses import parse_host
from cors_gateway.config.field_types import SettingsBlock
from cors_gateway.config.problems import UnfitValueError
from cors_gateway.config.values import check_text

__all__ = ["CookieSettings"]

PATH_BYTES = re.compile(r"/[\x21-\x3a\x3c-\x7e]*")
LONGEST_PATH = 1024
"""Bytes; browsers ignore a longer one (RFC 6265bis, section 5.6)."""
PORT = re.compile(r":[0-9]*")


def _cookie_domain(text: str) -> str:
    if text in {"keep", "remove"}:
        return text
    meant = text.lstrip("*.")
    if meant != text:
        why = "a cookie's domain stands for all names below it"
        raise UnfitValueError("{value} begins with a dot or a wildcard", why, f'write "{meant}"')
    host, colon, rest = text.partition(":")
    if colon and PORT.fullmatch(colon + rest):
        why = "a cookie is for every port of a host"
        raise UnfitValueError("{value} has a port", why, f'write "{host}"')
    domain = parse_host(text).removesuffix(".")
    if "." not in domain or _is_address(domain):
        why = "browsers take only a name with a dot"
        fix = "write keep, a domain such as example.com, or remove: then it is for one host"
        raise UnfitValueError("{value} is no domain of a cookie", why, fix)
    return domain


def _is_address(host: str) -> bool:
    try:
        ip_address(host.strip("[]"))
    except ValueError:
        return False
    return True


def _cookie_path(text: str) -> str:
    if text in {"keep", "auto"}:
        return text
    if not text.startswith("/"):
        fix = f'write keep, auto, or "/{text}"'
        raise UnfitValueError("{value} does not begin with /", "", fix)
    if not PATH_BYTES.fullmatch(text) or len(text) > LONGEST_PATH:
        why = "it is compared with paths as they stand on the wire"
        raise UnfitValueError("{value} is no path of a cookie", why, "write it percent-encoded")
    return text


CookieDomain = Annotated[
    str,
    BeforeValidator(_cookie_domain),
    BeforeValidator(check_text),
    WithJsonSchema({"anyOf": [{"enum": ["keep", "remove"]}, {"type": "string"}]}),
]
CookiePath = Annotated[
    str,
    BeforeValidator(_cookie_path),
    BeforeValidator(check_text),
    WithJsonSchema({"anyOf": [{"enum": ["keep", "auto"]}, {"type": "string", "pattern": "^/"}]}),
]


class CookieSettings(SettingsBlock):
    """Changes to cookies that the API sets; what cannot be parsed passes as it is."""

    domain: CookieDomain = Field(
        default="keep",
        description=(
            "Domain, where a cookie has one: left alone (keep), left out, so that the cookie is for "
            "the host that the browser called (remove), or replaced by this. It is never added."
        ),
        examples=["remove", "example.com"],
    )
    path: CookiePath = Field(
        default="keep",
        description=(
            "Path: left alone (keep), with the prefix in front that stripPrefix cut off, where a "
            "cookie has one (auto), or this on every cookie."
        ),
        examples=["auto", "/api"],
    )
    secure: Literal["keep", "add", "remove"] = Field(
        default="keep",
        description=(
            "Secure, which keeps a cookie to https: left alone (keep), added (add), or left out "
            "where browsers take the cookie without it (remove)."
        ),
    )
    same_site: Literal["keep", "Lax", "Strict", "None"] = Field(
        default="keep",
        description=(
            "SameSite: left alone (keep), or this on every cookie. None, with which pages of other "
            "sites may send it, is set only beside Secure: browsers refuse it otherwise."
        ),
    )
    partitioned: Literal["keep", "add"] = Field(
        default="keep",
        description=(
            "Partitioned, with which a cookie is kept apart for each site that embeds us: left alone "
            "(keep), or added to cookies with Secure (add)."
        ),
    )
