"""The JSON Schema of a configuration, for editors: draft-07, made from the schema's own words.

pydantic writes draft 2020-12. The difference that matters: before 2019-09 nothing beside a
``$ref`` counts, and definitions stand under another key. Also added here, once for all keys:
a substitution may stand wherever a number, a boolean or a choice is asked for.
"""

from collections.abc import Iterable
from typing import Any

from cors_gateway.config.schema import Settings, settings_blocks

__all__ = ["json_schema"]

SUBSTITUTION = {
    "type": "string",
    "pattern": r"\$\{",
    "description": "A value from the environment or a file: ${NAME:-default}, ${file:/path}.",
}
SUBSTITUTION_REF = {"$ref": "#/definitions/Substitution"}

Schema = dict[str, Any]


def json_schema() -> Schema:
    """Make the JSON Schema of a configuration."""
    schema = Settings.model_json_schema(by_alias=True, ref_template="#/definitions/{model}")
    definitions = schema.pop("$defs")
    result: Schema = {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "cors-gateway configuration",
        **_adapt(schema),
        "required": ["routes"],
    }
    result["properties"]["routes"]["minItems"] = 1
    result["definitions"] = {
        name: _adapt(definition) for name, definition in sorted(definitions.items())
    }
    for _, model in settings_blocks():
        # As a configuration writes them: 8KiB and no number of bytes.
        properties = result["definitions"].get(model.__name__, result)["properties"]
        for key, value in model().model_dump(by_alias=True).items():
            if value is not None and not isinstance(value, dict):
                properties[key]["default"] = value
    result["definitions"]["Substitution"] = SUBSTITUTION
    result["definitions"]["RouteSettings"]["required"] = ["match"]
    result["definitions"]["RouteSettings"]["oneOf"] = [
        {"required": [key]} for key in ("upstream", "files")
    ]
    result["definitions"]["FilesSettings"]["required"] = ["root"]
    result["definitions"]["MatchSettings"]["required"] = ["path"]
    result["definitions"]["ExpectationSettings"]["required"] = ["path", "expect"]
    result["definitions"]["HealthCheckSettings"]["required"] = ["path"]
    result["definitions"]["ListenerSettings"]["required"] = ["address"]
    result["definitions"]["ListenerTlsSettings"]["required"] = ["certificate", "key"]
    result["definitions"]["CorsSettings"]["anyOf"] = [
        {"required": [key]}
        for key in ("allowOrigins", "allowOriginRegex", "dangerouslyAllowNullOrigin")
    ]
    return result


def _adapt(schema: Schema) -> Schema:
    """Rewrite one schema and all inside it."""
    notes: Schema = {key: schema[key] for key in ("description", "examples") if key in schema}
    rest = {
        key: value
        for key, value in schema.items()
        if key not in {"description", "default", "examples", "title", "discriminator"}
    }
    also = rest.pop("gateway:also", None)
    for key in ("anyOf", "oneOf"):
        if key in rest:
            # Not oneOf: a substitution would be two kinds at once.
            rest |= _any_of(_adapt(kind) for kind in rest.pop(key) if kind != {"type": "null"})
    if "properties" in rest:
        rest["properties"] = {name: _adapt(value) for name, value in rest["properties"].items()}
    for key in ("items", "additionalProperties"):
        if isinstance(rest.get(key), dict):
            rest[key] = _adapt(rest[key])
    if "const" in rest:
        rest = {"enum": [rest["const"]]}
    if also is not None:
        rest = _any_of([{"type": also}, rest])
    if _excludes_text(rest):
        rest = _any_of([rest, SUBSTITUTION_REF])
    if "$ref" in rest and notes:
        rest = {"allOf": [rest]}
    return {**notes, **rest}


def _any_of(kinds: Iterable[Schema]) -> Schema:
    """Join schemas, flat and each once; one alone stays itself."""
    flat: list[Schema] = []
    for kind in kinds:
        inner = kind["anyOf"] if kind.keys() <= {"anyOf", "examples"} else [kind]
        flat += [one for one in inner if one not in flat]
    return flat[0] if len(flat) == 1 else {"anyOf": flat}


def _excludes_text(schema: Schema) -> bool:
    """Say whether a schema of a single value leaves no room for a substitution."""
    if schema.get("type") in {"integer", "number", "boolean"} or "enum" in schema:
        return True
    return schema.get("type") == "string" and "pattern" in schema
