"""Where the configuration of a command comes from: a file, standard input, or the environment.

Every command that needs one takes this way, so that what ``validate`` accepts is what ``run``
starts. Reading and printing happen here; what is right and wrong is for ``config``.
"""

import errno
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

from cors_gateway.cli.endings import Exit, RefusedError
from cors_gateway.cli.overrides import Flags, override
from cors_gateway.cli.variables import (
    ALLOW_CREDENTIALS,
    ALLOW_ORIGINS,
    CONFIG,
    ROUTE_VARIABLES,
    UPSTREAM,
    given,
    split_origins,
    warn_of_unknown,
)
from cors_gateway.config.document import MAX_BYTES, parse_document
from cors_gateway.config.flaws import Flaw
from cors_gateway.config.given import Given
from cors_gateway.config.load import Loaded, load_document
from cors_gateway.config.nodes import Document
from cors_gateway.config.policies import PublicSuffixes
from cors_gateway.config.problems import render_text
from cors_gateway.config.public_suffixes import is_public_suffix, is_registry_suffix
from cors_gateway.config.quick import load_flags, settings_from_flags
from cors_gateway.files.roots import find_tree_flaws
from cors_gateway.process.logging import report_event
from cors_gateway.process.pem_files import find_authority_flaws, find_pair_flaws
from cors_gateway.snapshot import Snapshot

__all__ = [
    "NO_ORIGINS",
    "NO_UPSTREAM",
    "SUFFIXES",
    "files_of",
    "find_source",
    "load",
    "load_quick",
    "load_source",
    "refuse_too_little",
    "snapshot_of",
    "warn",
]

DISCOVERED = ("cors-gateway.yaml", "config/gateway.yaml", "/etc/cors-gateway/gateway.yaml")
SUFFIXES = PublicSuffixes(is_public_suffix, is_registry_suffix)

MAX_VALUE_BYTES = 1024 * 1024
"""Of a file that stands for one value. Devices and pipes have no end."""

NOTHING_TO_SERVE = (
    "there is no configuration: name a file with -c FILE or put one at "
    + ", ".join(DISCOVERED)
    + " (cors-gateway init writes one); or do without: set "
    f"{UPSTREAM}=http://localhost:5000 and {ALLOW_ORIGINS}=https://app.example.com, or use "
    "cors-gateway proxy --to http://localhost:5000 --allow-origin https://app.example.com"
)
NO_ORIGINS = (
    "no origin is allowed, so no page could call the API: "
    f"set {ALLOW_ORIGINS}=https://app.example.com"
)
NO_UPSTREAM = f"it is not said which API to stand in front of: set {UPSTREAM}=http://localhost:5000"


@dataclass(frozen=True, slots=True)
class _SystemReader:
    """What ``${NAME}`` and ``${file:/path}`` in a configuration read, and files it names."""

    env: Mapping[str, str]
    folder: Path
    """Where relative paths begin."""
    file: Path | None = None
    """What holds the configuration; ``None`` where no file does."""

    def read_file(self, path: str) -> str:
        with Path(path).open("rb") as file:
            content = file.read(MAX_VALUE_BYTES + 1)
        if len(content) > MAX_VALUE_BYTES:
            raise OSError(errno.EFBIG, f"it has more than {MAX_VALUE_BYTES // 1024} KiB")
        return content.decode()

    def locate(self, path: str) -> str:
        return str(self.folder / path)

    def check_pair(self, certificate: str, key: str) -> Sequence[Flaw]:
        return find_pair_flaws(certificate, key, datetime.now(UTC))

    def check_authorities(self, path: str) -> Sequence[Flaw]:
        return find_authority_flaws(path)

    def check_files(
        self, root: str, fallback: str | None, secrets: Sequence[str]
    ) -> Sequence[Flaw]:
        configuration = None if self.file is None else str(self.file)
        return find_tree_flaws(root, fallback, configuration, secrets)


def load(config: str | None, flags: Flags | None = None) -> Loaded:
    """Load the configuration that a command was started with.

    Args:
        config: the file that was named; ``-`` for standard input; ``None`` to look for one.
        flags: what else was said on the command line.

    Raises:
        RefusedError: where there is nothing to load.
    """
    return load_source(find_source(config), flags or Flags())


def find_source(config: str | None) -> str | None:
    """Say which file a command reads, ``-`` for standard input; ``None`` for the environment.

    Who loads again does not look again: another file would be served in the place of one that is
    gone.

    Args:
        config: the file that was named, if one was.

    Raises:
        RefusedError: there is none, or two things say what to serve.
    """
    env = os.environ
    named = Given(config, "-c") if config else given(env, CONFIG)
    file = named.value if named else next((name for name in DISCOVERED if _is_there(name)), None)
    variables = [name for name in ROUTE_VARIABLES if given(env, name)]
    if file and variables:
        raise RefusedError(
            f"both {file} and {variables[0]} say what to serve: "
            f"remove the file, or unset {' and '.join(variables)}"
        )
    if file is None and not variables:
        raise refuse_too_little(NOTHING_TO_SERVE)
    return file


def load_source(file: str | None, flags: Flags) -> Loaded:
    """Load what ``find_source`` found.

    Raises:
        RefusedError: it cannot be read, or says too little.
    """
    env = os.environ
    if file is None:
        return _load_environment(env, flags)
    content = _read(file)
    document = override(parse_document(content, "stdin" if file == "-" else file), flags, env)
    path = None if file == "-" else Path(file).absolute()
    reader = _SystemReader(env, Path.cwd() if path is None else path.parent, path)
    return load_document(document, sha256(content).hexdigest(), reader, SUFFIXES)


def files_of(loaded: Loaded) -> frozenset[str]:
    """List the files that what was loaded depends on, but for those of listeners' certificates.

    Workers look at those themselves, as they change without anybody's configuration.
    """
    files = {loaded.document.name, *loaded.filling.files}
    if loaded.snapshot is not None:
        every = (route.upstream.tls for route in loaded.snapshot.routes)
        files.update(
            path
            for tls in every
            if tls is not None
            for path in (tls.ca, tls.certificate, tls.key)
            if path is not None
        )
    return frozenset(files)


def load_quick(document: Document, flags: Flags) -> Loaded:
    """Load what flags or variables alone amount to."""
    return load_flags(override(document, flags, os.environ), SUFFIXES)


def snapshot_of(loaded: Loaded) -> Snapshot:
    """Give what can run, after its warnings are printed.

    Raises:
        RefusedError: the configuration has mistakes; all of them are the text.
    """
    problems = render_text(loaded.problems)
    if loaded.snapshot is None:
        raise RefusedError(problems)
    if problems:
        sys.stderr.write(problems)
    return loaded.snapshot


def warn(loaded: Loaded) -> None:
    """Print what is odd about the environment."""
    _warn(filled.expression for filled in loaded.filling.filled.values())


def refuse_too_little(text: str, code: Exit = Exit.INVALID) -> RefusedError:
    """Refuse to go on without something, after naming the variables that may have meant it."""
    _warn(())
    return RefusedError(text, code)


def _warn(used: Iterable[str]) -> None:
    for text in warn_of_unknown(os.environ, used):
        report_event("warning", text, json_lines=False)


def _load_environment(env: Mapping[str, str], flags: Flags) -> Loaded:
    upstream, origins = given(env, UPSTREAM), given(env, ALLOW_ORIGINS)
    if upstream is None:
        raise refuse_too_little(NO_UPSTREAM)
    listed = split_origins(origins) if origins else []
    if not listed:
        raise refuse_too_little(NO_ORIGINS)
    document = settings_from_flags(
        upstream=upstream,
        allow_origins=listed,
        credentials=given(env, ALLOW_CREDENTIALS),
        name="environment",
    )
    return load_quick(document, flags)


def _is_there(name: str) -> bool:
    # Also a directory: Docker makes one in the place of a file to mount that does not exist.
    return os.path.lexists(name)


def _read(name: str) -> bytes:
    try:
        if name == "-":
            return sys.stdin.buffer.read(MAX_BYTES + 1)
        # One byte more than a document may have is enough for it to be refused.
        with Path(name).open("rb") as file:
            return file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        remedy = "check the name, or write the file"
        raise RefusedError(f"{name}: there is no such file, {remedy}") from None
    except IsADirectoryError:
        remedy = "name the file in it; Docker makes a directory where a mounted file is missing"
        raise RefusedError(f"{name}: it is a directory, {remedy}") from None
    except PermissionError:
        remedy = f"let user {os.geteuid()} read it"
        raise RefusedError(f"{name}: permission denied, {remedy}") from None
    except OSError as error:
        why = error.strerror or "reading it failed"
        raise RefusedError(f"{name}: {why}") from None
