"""The settings that a configuration amounts to: defaults and environment filled in.

What is written, as YAML or as JSON, loads again and means the same. Secrets stay out: headers
that are sent upstream, values from files, and variables with a name like that of a secret are
written as the document has them, or not at all.
"""

import re
from typing import Any

import yaml

from cors_gateway.config.load import Loaded
from cors_gateway.config.problems import Path
from cors_gateway.config.scalars import resolve_scalar
from cors_gateway.config.substitution import Filled

__all__ = ["REDACTED", "effective_settings", "render", "shown_value"]

REDACTED = "[redacted]"
PURE = re.compile(r"\$\{(?:file:[^}]*|[A-Za-z_][A-Za-z0-9_]*(?::\?[^}]*)?)\}")


def render(loaded: Loaded) -> str:
    """Write the effective settings of a configuration as YAML.

    Raises:
        ValueError: the configuration has errors, so that it amounts to nothing.
    """
    return yaml.dump(
        effective_settings(loaded),
        Dumper=_Dumper,
        sort_keys=False,
        allow_unicode=True,
        width=10_000,
    )


def effective_settings(loaded: Loaded) -> dict[str, Any]:
    """Give the effective settings of a configuration, as far as they may be shown.

    Raises:
        ValueError: the configuration has errors, so that it amounts to nothing.
    """
    if loaded.snapshot is None or loaded.settings is None:
        raise ValueError("a configuration with errors has no effective settings")
    settings = loaded.settings.model_dump(by_alias=True)
    return {
        key: shown_value(value, (key,), loaded.filling.filled)
        for key, value in settings.items()
        if value is not None
    }


def shown_value(value: Any, path: Path, filled: dict[Path, Filled]) -> Any:
    """Give a dumped value of the settings as far as it may be shown.

    Args:
        value: what stands there.
        path: where, from the root of the settings.
        filled: what of the document came from outside.
    """
    if isinstance(value, dict):
        # Nothing is empty on purpose: what is None was not written and has no default.
        return {
            key: shown_value(item, (*path, key), filled)
            for key, item in value.items()
            if item is not None
        }
    if isinstance(value, list):
        return [shown_value(item, (*path, index), filled) for index, item in enumerate(value)]
    known = filled.get(path)
    if known is None and (path[-1] == "url" or isinstance(path[-1], int)):
        # A short form (``upstream: URL``, one item in place of a list) was filled one level above.
        known = filled.get(path[:-1])
    if path[-3:-1] == ("headers", "set"):
        return known.text if known and PURE.fullmatch(known.text) else REDACTED
    if known is not None and known.secret:
        return known.text
    if isinstance(value, str) and ("$$" in value or "${" in value):
        return value.replace("$", "$$")
    return value


class _Dumper(yaml.CSafeDumper):
    """Quotes what YAML 1.2 would read as something else than text."""


def _represent_text(dumper: yaml.CSafeDumper, text: str) -> yaml.ScalarNode:
    style = None if isinstance(resolve_scalar(text), str) else '"'
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _represent_text)
