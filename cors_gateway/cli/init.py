"""``init``: write a configuration to begin with, and a compose file beside it.

What is written loads without a warning and passes its own tests. Nothing that is there is ever
replaced, and either everything is written or nothing.
"""

import argparse
import os
import shlex
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

from cors_gateway.cli.endings import Exit, RefusedError
from cors_gateway.cli.samples import sample_origin
from cors_gateway.cli.sources import SUFFIXES, snapshot_of
from cors_gateway.cli.starters import API_SERVICE, compose_file, configuration, name_service
from cors_gateway.cli.variables import split_flag, split_origins
from cors_gateway.config.given import Given
from cors_gateway.config.quick import load_flags, settings_from_flags
from cors_gateway.cors.checks import check_origin
from cors_gateway.cors.origins import is_loopback
from cors_gateway.snapshot import Snapshot

__all__ = ["add_arguments", "run"]

FILE = "cors-gateway.yaml"
COMPOSE_FILE = "docker-compose.yml"
API = "http://localhost:5000"
PAGE = "http://localhost:5173"
STRANGER = "https://other.example"
ALSO_HERE = frozenset({"::1", "0.0.0.0"})  # noqa: S104 - compared, not bound


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    parser.epilog = "Nothing that is there already is replaced."
    parser.add_argument("--to", metavar="URL", help=f"the API (default: {API})")
    parser.add_argument(
        "--allow-origin",
        metavar="ORIGIN",
        action="append",
        help=f"whose pages may call it; repeatable (default: {PAGE})",
    )
    parser.add_argument(
        "--output", metavar="FILE", default=FILE, help=f"- is standard output (default: {FILE})"
    )
    parser.add_argument(
        "--compose",
        action="store_true",
        help=f"write {COMPOSE_FILE} beside it, with a service for the API",
    )


def run(options: argparse.Namespace) -> int:
    """Write the files, and say what to do next."""
    upstream = options.to or (f"http://{API_SERVICE}:5000" if options.compose else API)
    given = split_flag("--allow-origin", options.allow_origin, split_origins)
    origins = list(dict.fromkeys(origin.value for origin in given)) or [PAGE]
    snapshot = _check(upstream, origins)
    if options.compose:
        _check_for_compose(upstream, options.output)
    page, is_open = _origins_to_test(snapshot)
    text = configuration(upstream, origins, page, None if is_open else STRANGER)
    if options.output == "-":
        print(text, end="")
        return Exit.FINE
    file = Path(options.output)
    files = {file: text}
    if options.compose:
        files[file.with_name(COMPOSE_FILE)] = compose_file(file.name, upstream)
    _write(files)
    print(f"wrote {' and '.join(map(str, files))}\n\nnext:")
    for line in _next_steps(file, page, upstream if options.compose else None):
        print(f"  {line}")
    return Exit.FINE


def _check(upstream: str, origins: list[str]) -> Snapshot:
    """Check what was given as ``proxy`` would.

    Raises:
        RefusedError: with all that is wrong.
    """
    document = settings_from_flags(
        upstream=Given(upstream, "--to"),
        allow_origins=[Given(origin, "--allow-origin") for origin in origins],
    )
    return snapshot_of(load_flags(document, SUFFIXES))


def _check_for_compose(upstream: str, output: str) -> None:
    if output == "-":
        raise RefusedError("--compose writes files: leave out --output -", Exit.USAGE)
    parts = urlsplit(upstream)
    port = f":{parts.port}" if parts.port else ""
    if parts.scheme == "unix":
        raise RefusedError(
            f"--to {upstream} is not there in a container: give the API a port, and name its "
            f"service, as in --to http://{API_SERVICE}:5000"
        )
    if is_loopback(parts.hostname or "") or parts.hostname in ALSO_HERE:
        raise RefusedError(
            f"--to {upstream} is the container itself: name the API's service, as in "
            f"--to {parts.scheme}://{API_SERVICE}{port}, or for an API on this machine "
            f"--to {parts.scheme}://host.docker.internal{port}"
        )


def _origins_to_test(snapshot: Snapshot) -> tuple[str, bool]:
    """Give an origin that is allowed, and say whether a stranger's is as well."""
    (route,) = snapshot.routes
    assert route.policy is not None  # noqa: S101 - flags always make one
    entry, _, _ = check_origin(route.policy, STRANGER.encode())
    return sample_origin(route.policy) or PAGE, entry is not None


def _write(files: Mapping[Path, str]) -> None:
    """Write all files or none, and replace nothing.

    Raises:
        RefusedError: saying which one cannot be, and what to do.
    """
    written: list[Path] = []
    try:
        for file, text in files.items():
            with file.open("x", encoding="utf-8") as stream:
                written.append(file)
                stream.write(text)
    except BaseException as error:
        for file in written:
            with suppress(OSError):
                file.unlink()
        if isinstance(error, OSError):
            remedy = _remedy(error, is_composed=len(files) > 1)
            raise RefusedError(f"{remedy}; nothing was written") from error
        raise


def _remedy(error: OSError, *, is_composed: bool) -> str:
    name = error.filename or "the file"
    match error:
        case FileExistsError() if os.path.isdir(name):  # noqa: PTH112
            return f"{name} is a directory: name a file in it with --output {name}/{FILE}"
        case FileExistsError():
            # Its compose file alone would rarely do: localhost is another machine in a container.
            is_configuration = Path(name).name != COMPOSE_FILE
            why = ", and to a container the API has another name" * (
                is_composed and is_configuration
            )
            remedy = "move it away, or choose another place with --output FILE"
            return f"{name} is there already{why}: {remedy}"
        case FileNotFoundError() | NotADirectoryError():
            return f"{name} has no folder to stand in: make it first"
        case PermissionError():
            return f"user {os.geteuid()} may not write {name}: name another with --output FILE"
        case _:
            return f"{name}: {error.strerror}"


def _next_steps(file: Path, page: str, composed: str | None) -> list[str]:
    """Give the commands that come next.

    Args:
        file: the configuration.
        page: an origin that is allowed.
        composed: the API's URL where there is a compose file.
    """
    # What is found without being named need not be; what begins with a dash would be a flag.
    path = f"./{file}" if str(file).startswith("-") else str(file)
    named = "" if file == Path(FILE) else f" -c {shlex.quote(path)}"
    start = f"cors-gateway run{named}"
    if composed is not None:
        folder = file.parent
        where = "" if folder == Path() else f" -f {shlex.quote(f'{folder}/{COMPOSE_FILE}')}"
        image = "API_IMAGE=the-image-of-your-api " if name_service(composed) else ""
        start = f"{image}docker compose{where} up"
    return [
        f"cors-gateway validate{named} --tests",
        start,
        f"curl -i -H {shlex.quote(f'Origin: {page}')} http://localhost:8080/",
        f"cors-gateway explain{named} --origin {shlex.quote(page)} --method PUT /",
    ]
