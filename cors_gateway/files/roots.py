"""Whether a folder can be served, looked at when a configuration is loaded.

A site that is missing is told at the start, and not by 404s. Says what is wrong in the words of
``config/flaws``; knows no key's place and serves nothing.
"""

import os
from collections.abc import Sequence
from pathlib import Path

from cors_gateway.config.flaws import FileRole, Flaw
from cors_gateway.files.opening import Absent, open_below
from cors_gateway.files.paths import may_be_asked_for

__all__ = ["find_tree_flaws"]


OWN_FOLDER = "give the files a folder of their own"


def find_tree_flaws(
    root: str, fallback: str | None, configuration: str | None, secrets: Sequence[str] = ()
) -> list[Flaw]:
    """Say what is wrong with a folder of files.

    Args:
        root: the folder, absolute.
        fallback: a path below it, if there is one.
        configuration: the file that names it, where it is one.
        secrets: files that nobody may be served, absolute.
    """
    try:
        if Path(root).exists() and not Path(root).is_dir():
            return [Flaw("root", "{value} is no folder", "", "name the folder that it is in")]
        real = os.path.realpath(root, strict=True)
        if not os.access(root, os.X_OK, effective_ids=os.access in os.supports_effective_ids):
            raise PermissionError
        if configuration is not None and _is_below(os.path.realpath(configuration), real):
            why = "everybody could read it"
            return [Flaw("root", "{value} holds this configuration", why, OWN_FOLDER)]
        if secret := next((path for path in secrets if _is_served(path, real)), None):
            why = f'everybody could read "{secret}"'
            return [Flaw("root", "{value} holds a secret", why, OWN_FOLDER)]
        return [] if fallback is None else _fallback_flaws(root, real, fallback)
    except OSError as error:
        role: FileRole = "root"
        return [_unreadable(role, error, root, "build the site, or correct the path")]


def _fallback_flaws(root: str, real: str, fallback: str) -> list[Flaw]:
    path = f"{root}/{fallback}"
    try:
        if not _is_below(target := os.path.realpath(path, strict=True), real):
            why, fix = f'a link leads to "{target}"', "name a file that is below root"
            return [Flaw("fallback", "{value} leads out of root", why, fix)]
        found = open_below(root, fallback.split("/"))
        if found is Absent.FORBIDDEN:
            raise PermissionError
    except OSError as error:
        return [_unreadable("fallback", error, path, "correct the path: it begins at root")]
    if found is Absent.FOLDER:
        return [Flaw("fallback", "{value} is a folder", "", "name the file in it")]
    if found is Absent.MISSING:
        return [Flaw("fallback", "{value} is no regular file", "", "name a file")]
    found.close()
    return []


def _unreadable(role: FileRole, error: OSError, path: str, fix: str) -> Flaw:
    if isinstance(error, FileNotFoundError):
        return Flaw(role, "{value} is not there", f'looked for at "{path}"', fix)
    if isinstance(error, PermissionError):
        user = f"let user {os.geteuid()} read it"
        return Flaw(role, "{value} cannot be read", "permission denied", user)
    why = error.strerror or "the path is not one that a file can have"
    return Flaw(role, "{value} cannot be read", why, "correct the path")


def _is_served(path: str, real: str) -> bool:
    """Say whether a file could be asked for, by one of its names.

    Kubernetes mounts a key as a link to a file whose folder is hidden: the link is what is served. So
    the path counts as it is, with all its links followed, and with those of its first part only.
    """
    named = Path(path)
    for folder in (named, *named.parents):
        name = str(os.path.realpath(folder) / named.relative_to(folder))
        if _is_below(name, real) and may_be_asked_for(
            name.removeprefix(real).strip("/").split("/")
        ):
            return True
    return False


def _is_below(path: str, folder: str) -> bool:
    return path.startswith(f"{folder.rstrip('/')}/")
