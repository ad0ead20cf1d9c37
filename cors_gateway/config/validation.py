"""A document's values as settings: pydantic checks the shape, and its errors become problems.

Every refused value is taken out and the rest is checked again, so that what follows (policies,
routes) sees all that is right. What keys mean together is not known here.
"""

from collections.abc import Iterable

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from cors_gateway.config.cors_schema import CORS_TAGS
from cors_gateway.config.findings import Findings
from cors_gateway.config.nodes import Value
from cors_gateway.config.problems import Path, UnfitValueError
from cors_gateway.config.schema import Settings
from cors_gateway.config.spelling import known_keys, suggest_key

__all__ = ["validate_settings"]

# A value that is taken out can make the list around it wrong, and that the block around it.
MAX_PASSES = 4

LIST_FIXES = {
    "allowOrigins": 'such as ["https://app.example.com"]',
    "timingAllowOrigins": 'such as ["https://app.example.com"]',
    "allowMethods": "such as [GET, PUT]",
    "allowHeaders": "such as [Content-Type]",
    "exposeHeaders": "such as [X-Total-Count]",
    "remove": "such as [X-Debug]",
    "methods": "such as [GET, PUT]",
    "trustedProxies": "such as [10.0.0.0/8]",
    "from": "such as [Referer]",
    "urls": 'such as ["http://legacy-1:5000", "http://legacy-2:5000"]',
    "upgrades": "write [websocket], or [] for none",
}


def validate_settings(findings: Findings) -> Settings | None:
    """Check the shape of a document and report every mistake in it.

    Returns:
        The settings without what was refused, or ``None`` where nothing is left.
    """
    value = findings.remaining()
    if value is None:
        why = "it needs at least one route"
        findings.error((), "the configuration is empty", why, "start with routes:")
        return None
    if not isinstance(value, dict):
        what = "the configuration is {value}"
        findings.error((), what, "a block of keys is expected", "begin with server: or routes:")
        return None
    _refuse_empty(findings, value, ())
    for _ in range(MAX_PASSES):
        try:
            return Settings.model_validate(findings.remaining())
        except ValidationError as error:
            refused = [
                _refuse(findings, details)
                for details in error.errors(include_url=False, include_input=False)
            ]
            for path in refused:
                findings.remove(path)
    return None


def _refuse_empty(findings: Findings, value: dict[str, Value] | list[Value], path: Path) -> None:
    """Refuse keys and items without a value: what was meant cannot be guessed."""
    items: Iterable[tuple[str | int, Value]] = (
        value.items() if isinstance(value, dict) else enumerate(value)
    )
    for key, item in items:
        if item is None:
            where = (*path, key)
            if path[-1:] == ("allowOrigins",):
                why = "YAML reads null as nothing"
                fix = "for the origin null there is dangerouslyAllowNullOrigin"
                findings.error(where, "the item has no value", why, fix)
            elif isinstance(key, int):
                findings.error(where, "the item has no value", "", "write one, or remove it")
            else:
                findings.error(
                    where, "{key} has no value", "", "write one, or remove the key", at_key=True
                )
            findings.remove(where)
        elif isinstance(item, (dict, list)):
            _refuse_empty(findings, item, (*path, key))


def _refuse(findings: Findings, details: ErrorDetails) -> Path:
    """Report one of pydantic's errors.

    Returns:
        The path of the refused value in the whole document.
    """
    path = tuple(part for part in details["loc"] if part not in CORS_TAGS)
    whole = findings.original(path)
    kind = details["type"]
    context = details.get("ctx", {})
    if findings.is_touched(path):
        # A consequence of what was taken out before.
        return whole
    problem = context.get("error")
    if isinstance(problem, UnfitValueError):
        at_key = problem.what.startswith("{key}")
        findings.refuse(path, problem, at_key=at_key)
    elif kind == "extra_forbidden":
        why, fix, meant = suggest_key(path)
        findings.error(path, "unknown key {key}", why, fix, at_key=True)
        if meant is not None and not findings.document.has(as_meant := (*whole[:-1], meant)):
            # What was meant is there, if misspelled: nobody is to report it missing.
            findings.remove(as_meant)
    elif kind == "list_type":
        fix = LIST_FIXES.get(str(path[-1]), 'begin each item with "- "')
        findings.error(path, "{value} is not a list", "{key} is a list", fix)
    elif kind == "too_short":
        findings.error(path, "the list is empty", "", "name at least one URL")
    elif kind == "literal_error":
        expected = str(context.get("expected", "")).replace("'", "")
        findings.error(path, "{value} is no choice for {key}", "", f"write {expected}")
    elif kind == "union_tag_not_found":
        fix = "write a name of corsPolicies, a block, or false"
        findings.error(path, "{value} is no policy", "", fix)
    elif kind in {"model_type", "dict_type"}:
        keys = known_keys(path) or ()
        why = f"its keys are {', '.join(keys)}" if keys else "it takes names and values"
        findings.error(path, "{value} is not a block", why, "write a block of keys below {key}")
    else:
        findings.error(path, "{value} is not accepted", details["msg"], "correct it")
    return whole
