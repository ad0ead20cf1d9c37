"""``proxy``: serve one API without a file."""

import argparse
import os

from cors_gateway.cli.arguments import add_serving
from cors_gateway.cli.endings import Exit, RefusedError
from cors_gateway.cli.overrides import Flags
from cors_gateway.cli.serving import serve
from cors_gateway.cli.sources import NO_ORIGINS, NO_UPSTREAM, load_quick, snapshot_of, warn
from cors_gateway.cli.variables import (
    ALLOW_CREDENTIALS,
    ALLOW_ORIGINS,
    UPSTREAM,
    given,
    split_origins,
)
from cors_gateway.config.quick import Given, settings_from_flags
from cors_gateway.config.render import render

__all__ = ["add_arguments", "run"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    parser.epilog = (
        f"{UPSTREAM}, {ALLOW_ORIGINS} and {ALLOW_CREDENTIALS} stand in for --to, --allow-origin "
        "and --credentials."
    )
    parser.add_argument("--to", metavar="URL", help="the API, such as http://localhost:5000")
    parser.add_argument(
        "--allow-origin",
        metavar="ORIGIN",
        action="append",
        help="whose pages may call it: https://app.example.com, https://*.example.com, "
        "http://localhost:* (repeatable)",
    )
    parser.add_argument("--credentials", action="store_true", help="pages may send cookies")
    parser.add_argument(
        "--allow-method", metavar="METHOD", action="append", help="beside GET, HEAD and POST"
    )
    parser.add_argument(
        "--allow-header",
        metavar="NAME",
        action="append",
        help="beside Content-Type and X-Requested-With",
    )
    parser.add_argument("--max-age", metavar="TIME", help="how long preflights are remembered")
    add_serving(parser, admin="off")
    parser.add_argument(
        "--print-config", action="store_true", help="print the configuration and do not serve"
    )


def run(options: argparse.Namespace) -> int:
    """Serve until a signal says stop, or print what would be served."""
    env = os.environ
    upstream = Given(options.to, "--to") if options.to else given(env, UPSTREAM)
    if upstream is None:
        raise RefusedError(f"{NO_UPSTREAM}, or say --to http://localhost:5000", Exit.USAGE)
    origins = _each(options.allow_origin, "--allow-origin")
    if not origins and (listed := given(env, ALLOW_ORIGINS)):
        origins = split_origins(listed)
    if not origins:
        raise RefusedError(f"{NO_ORIGINS}, or say --allow-origin https://app.example.com")
    credentials = Given("true", "--credentials") if options.credentials else None
    methods = _each(options.allow_method, "--allow-method")
    headers = _each(options.allow_header, "--allow-header")
    document = settings_from_flags(
        upstream=upstream,
        allow_origins=origins,
        credentials=credentials or given(env, ALLOW_CREDENTIALS),
        allow_methods=methods and _each(["GET", "HEAD", "POST"], "--allow-method") + methods,
        allow_headers=headers
        and _each(["Content-Type", "X-Requested-With"], "--allow-header") + headers,
        max_age=Given(options.max_age, "--max-age") if options.max_age else None,
    )
    flags = Flags(options.listen, options.workers, options.admin, default_admin="off")
    loaded = load_quick(document, flags)
    warn(loaded)
    if options.print_config:
        snapshot_of(loaded)
        print(render(loaded), end="")
        return Exit.FINE
    return serve(loaded, lambda: load_quick(document, flags))


def _each(values: list[str] | None, source: str) -> list[Given]:
    return [Given(value, source) for value in values or ()]
