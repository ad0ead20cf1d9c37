"""Tables of the configuration's keys, made from the JSON Schema that editors get.

Every word is the schema's own. What is added is the way in which a kind of value is named.
"""

import json
from collections.abc import Iterator
from typing import Any

from cors_gateway.config.json_schema import json_schema
from cors_gateway.config.schema import settings_blocks
from docs.regions import RegionError
from docs.wording import code, mark_code

__all__ = ["KeyTables", "block_paths"]

Schema = dict[str, Any]

_DURATION, _SIZE, _PATH = "ms)", "KiB", "^/"


def block_paths() -> dict[str, list[str]]:
    """Give the paths at which each block of keys may stand, by the name of the block."""
    paths: dict[str, list[str]] = {}
    for path, model in settings_blocks():
        paths.setdefault(model.__name__, []).append(".".join(path))
    return paths


class KeyTables:
    """Makes a table for each block of keys; knows which of them a document has asked for."""

    def __init__(self) -> None:
        """Read the schema."""
        self._schema = json_schema()
        self._paths = block_paths()
        self.made: set[str] = set()

    def table(self, path: str, *words: str) -> str:
        """Make the table of the block at ``path``, ``.`` for the whole.

        ``as NAME`` gives the anchors of its keys another name.
        """
        path = "" if path == "." else path
        name = next((name for name, paths in self._paths.items() if path in paths), None)
        if name is None or (words and words[0] != "as"):
            raise RegionError(f"there is no block at {path}")
        self.made.add(name)
        anchor = words[1] if words else _anchor(path)
        where = ", ".join(f"`{_shown(place)}`" for place in self._paths[name])
        rows = [
            f'| <a id="{anchor}-{key}"></a>`{key}` | {self._kind(schema)} '
            f"| {self._default(name, key, schema)} | {self._meaning(key, schema)} |"
            for key, schema in self._keys_of(name).items()
        ]
        lines = [
            f'<a id="{_block_anchor(name)}"></a>At {where}.',
            "",
            "| Key | Value | Default | What it does |",
            "|---|---|---|---|",
            *rows,
        ]
        return "\n".join(lines)

    def _keys_of(self, name: str) -> Schema:
        schema = self._schema["definitions"].get(name, self._schema)
        keys: Schema = schema["properties"]
        return keys

    def _kind(self, schema: Schema) -> str:
        kinds = dict.fromkeys(self._kinds(schema))
        return ", or ".join(kinds)

    def _kinds(self, schema: Schema) -> Iterator[str]:
        """Name what a value may be; a substitution may stand everywhere, and is not named."""
        for several in ("anyOf", "allOf"):
            for kind in schema.get(several, ()):
                yield from self._kinds(kind)
        if "$ref" in schema:
            name = schema["$ref"].rpartition("/")[2]
            if name in self._paths:
                yield f"[block](#{_block_anchor(name)})"
        elif "enum" in schema:
            yield ", ".join(code(_written(value)) for value in schema["enum"])
        elif "pattern" in schema:
            yield _name_pattern(schema["pattern"])
        elif schema.get("type") == "array":
            yield f"list: {self._kind(schema['items'])}"
        elif schema.get("type") == "object":
            yield f"names, each with {self._kind(schema['additionalProperties'])}"
        elif schema.get("type") == "boolean":
            yield "`true`, `false`"
        elif schema.get("type") == "integer" and "maximum" in schema:
            yield f"{schema['minimum']} to {schema['maximum']}"
        elif schema.get("type") == "integer":
            yield "seconds"
        elif schema.get("type") == "string":
            yield "text"

    def _default(self, name: str, key: str, schema: Schema) -> str:
        required = self._schema["definitions"].get(name, self._schema).get("required", ())
        if key in required:
            return "required"
        if "default" in schema and schema["default"] not in ([], {}):
            return code(_written(schema["default"]))
        return "–"

    def _meaning(self, key: str, schema: Schema) -> str:
        meaning = mark_code(self._description(schema), {*self._values(schema)})
        # Those of a kind, such as durations, are shown by the default already.
        if (examples := schema.get("examples")) and self._kind(schema) not in {"duration", "size"}:
            meaning += f" For example {', '.join(code(_written(one)) for one in examples)}."
        return f"⚠️ **Dangerous.** {meaning}" if key.startswith("dangerously") else meaning

    def _values(self, schema: Schema) -> Iterator[str]:
        """Give the words that a key may have for a value."""
        for several in ("anyOf", "allOf"):
            for kind in schema.get(several, ()):
                yield from self._values(kind)
        if "items" in schema:
            yield from self._values(schema["items"])
        yield from (str(value) for value in schema.get("enum", ()) if isinstance(value, str))

    def _description(self, schema: Schema) -> str:
        if "description" in schema:
            return str(schema["description"])
        name = schema["$ref"].rpartition("/")[2]
        return str(self._schema["definitions"][name]["description"])


def _anchor(path: str) -> str:
    return path.replace(".*", "").replace(".", "-") or "top"


def _block_anchor(name: str) -> str:
    return f"{name.removesuffix('Settings') or 'Whole'}-block".lower()


def _shown(path: str) -> str:
    """Show a path as a person thinks of it."""
    shown = path.replace("corsPolicies.*", "corsPolicies.NAME").replace(".*", "[]")
    return shown or "the top"


def _name_pattern(pattern: str) -> str:
    if _DURATION in pattern:
        return "duration"
    if _SIZE in pattern:
        return "size"
    return "path" if pattern == _PATH else "URL"


def _written(value: object) -> str:
    """Write a value as a configuration may."""
    if isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False)
