"""The keys of ``files``, which a route has in place of ``upstream``.

Descriptions here are the only ones: the JSON Schema is made from them.
"""

from typing import Annotated

from pydantic import BeforeValidator, Field

from cors_gateway.config.field_types import FilePath, SettingsBlock
from cors_gateway.config.problems import UnfitValueError
from cors_gateway.config.values import check_text

__all__ = ["FilesSettings"]

LONGEST_PATH = 1024


def _folder_path(text: str) -> str:
    if not text.strip():
        raise UnfitValueError("{key} is empty", "", "write the path of a folder")
    if not text.isprintable() or len(text) > LONGEST_PATH:
        raise UnfitValueError("{key} is no folder's name", "", "write the path of a folder")
    return text


FolderPath = Annotated[str, BeforeValidator(_folder_path), BeforeValidator(check_text)]


class FilesSettings(SettingsBlock):
    """A folder whose files are served."""

    root: FolderPath | None = Field(
        default=None,
        description=(
            "The folder, relative to the configuration's. What match.path stands for: with /static, "
            "/static/a.css is its file a.css."
        ),
        examples=["./dist"],
    )
    fallback: FilePath | None = Field(
        default=None,
        description=(
            "A file in it that answers for paths that are not there, with status 200, where a "
            "browser opens a page: a single-page application's index.html. Without it: 404."
        ),
        examples=["index.html"],
    )
