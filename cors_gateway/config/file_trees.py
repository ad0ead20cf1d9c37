"""The folders of a document as they are served: each is an upstream without an endpoint."""

from collections.abc import Sequence

from cors_gateway.config.files_schema import FilesSettings
from cors_gateway.config.findings import Findings
from cors_gateway.config.problems import Path
from cors_gateway.config.substitution import Reader
from cors_gateway.snapshot import FileTree, Upstream

__all__ = ["compile_files"]


def compile_files(
    files: FilesSettings,
    path: Path,
    prefix: str,
    findings: Findings,
    reader: Reader,
    secrets: Sequence[str],
) -> Upstream | None:
    """Compile where files are, and report a folder that cannot be served.

    Args:
        files: the settings.
        path: where they stand.
        prefix: the path that stands for the folder, as on the wire.
        findings: of the document.
        reader: looks at the folder.
        secrets: files that must not be in it.

    Returns:
        The upstream; ``None`` where no folder is named.
    """
    where = (*path, "root")
    fallback = _fallback(files.fallback, (*path, "fallback"), findings)
    if files.root is None:
        if not findings.is_touched(where):
            fix = "write root: ./dist"
            findings.error(where, "root is missing", "it says which folder is served", fix)
        return None
    root = reader.locate(files.root)
    places = {"root": where, "fallback": (*path, "fallback")}
    findings.report_flaws(reader.check_files(root, fallback, secrets), places)
    # What came from the environment stands in no listing; the file's own words do.
    written = findings.filled_text(where) or files.root
    return Upstream(
        url=f"files:{written}",
        authority=b"files",
        files=FileTree(root, fallback, prefix),
    )


def _fallback(written: str | None, path: Path, findings: Findings) -> str | None:
    """Write a path below the folder in one way; ``None`` for one that leads elsewhere."""
    if written is None:
        return None
    names = [name for name in written.split("/") if name not in {"", "."}]
    if written.startswith("/"):
        fix = f'write "{"/".join(names)}"' if names else "write index.html"
        findings.error(path, "{value} is absolute", "it is looked for below root", fix)
        return None
    if not names or ".." in names:
        fix = "name a file that is below root"
        findings.error(path, "{value} leads out of root", "only what is below it is served", fix)
        return None
    if any(name.startswith(".") for name in names):
        why = "names that begin with a dot are never served"
        findings.error(path, "{value} is hidden", why, "name another file")
        return None
    return "/".join(names)
