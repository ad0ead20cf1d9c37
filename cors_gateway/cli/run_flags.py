"""Serving what flags alone say: what ``proxy`` does once workers are on their way."""

import argparse
import os
from collections.abc import Sequence

from cors_gateway.cli.endings import Exit
from cors_gateway.cli.overrides import Flags
from cors_gateway.cli.serving import serve
from cors_gateway.cli.sources import (
    NO_ORIGINS,
    NO_UPSTREAM,
    load_quick,
    refuse_too_little,
    snapshot_of,
    warn,
)
from cors_gateway.cli.variables import (
    ALLOW_CREDENTIALS,
    ALLOW_ORIGINS,
    UPSTREAM,
    given,
    split_flag,
    split_names,
    split_origins,
)
from cors_gateway.config.given import Given
from cors_gateway.config.quick import settings_from_flags
from cors_gateway.config.render import render
from cors_gateway.process.recruits import Recruits

__all__ = ["run_flags"]

METHODS = ("GET", "HEAD", "POST")
HEADERS = ("Content-Type", "X-Requested-With")


def run_flags(options: argparse.Namespace, recruits: Recruits) -> int:
    """Serve until a signal says stop, or print what would be served.

    Args:
        options: the flags of ``proxy``.
        recruits: who may become workers.
    """
    env = os.environ
    upstream = Given(options.to, "--to") if options.to else given(env, UPSTREAM)
    if upstream is None:
        raise refuse_too_little(f"{NO_UPSTREAM}, or say --to http://localhost:5000", Exit.USAGE)
    origins = split_flag("--allow-origin", options.allow_origin, split_origins)
    if not origins and (listed := given(env, ALLOW_ORIGINS)):
        origins = split_origins(listed)
    if not origins:
        raise refuse_too_little(f"{NO_ORIGINS}, or say --allow-origin https://app.example.com")
    credentials = Given("true", "--credentials") if options.credentials else None
    document = settings_from_flags(
        upstream=upstream,
        allow_origins=origins,
        credentials=credentials or given(env, ALLOW_CREDENTIALS),
        allow_methods=_extend(METHODS, "--allow-method", options.allow_method),
        allow_headers=_extend(HEADERS, "--allow-header", options.allow_header),
        max_age=Given(options.max_age, "--max-age") if options.max_age else None,
    )
    flags = Flags(options.listen, options.workers, options.admin, default_admin="off")
    loaded = load_quick(document, flags)
    warn(loaded)
    if options.print_config:
        snapshot_of(loaded)
        print(render(loaded), end="")
        return Exit.FINE
    return serve(loaded, lambda: load_quick(document, flags), recruits=recruits)


def _extend(defaults: Sequence[str], flag: str, values: Sequence[str] | None) -> list[Given]:
    """List the defaults and what a flag adds; nothing where it adds nothing."""
    added = split_flag(flag, values, split_names)
    if not added or any(item.value == "*" for item in added):
        # A star covers the defaults: nobody is to be told that who has not written them.
        return added
    return [*(Given(value, flag) for value in defaults), *added]
