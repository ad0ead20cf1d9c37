"""What a file's name says of its content: ``Content-Type``.

A table of our own: the system's differs from machine to machine (``.js`` is ``text/plain`` on some),
and with ``nosniff`` a browser runs no script whose type is wrong. What is not in it is bytes. Text
is UTF-8. Types are those of the IANA registry.
"""

__all__ = ["PAGES", "is_page", "media_type"]

BYTES = "application/octet-stream"

TEXT = {
    "css": "text/css",
    "csv": "text/csv",
    "htm": "text/html",
    "html": "text/html",
    "ics": "text/calendar",
    # RFC 9239: the one type for scripts and modules.
    "cjs": "text/javascript",
    "js": "text/javascript",
    "mjs": "text/javascript",
    "log": "text/plain",
    "md": "text/markdown",
    "text": "text/plain",
    "txt": "text/plain",
    "vtt": "text/vtt",
}
"""By extension; sent with ``charset=utf-8``."""

OTHER = {
    "7z": "application/x-7z-compressed",
    "aac": "audio/aac",
    "apng": "image/apng",
    "atom": "application/atom+xml",
    "avif": "image/avif",
    "bmp": "image/bmp",
    "doc": "application/msword",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "eot": "application/vnd.ms-fontobject",
    "epub": "application/epub+zip",
    "flac": "audio/flac",
    "geojson": "application/geo+json",
    "gif": "image/gif",
    "glb": "model/gltf-binary",
    "gltf": "model/gltf+json",
    "gz": "application/gzip",
    "ico": "image/vnd.microsoft.icon",
    "jpeg": "image/jpeg",
    "jpg": "image/jpeg",
    "json": "application/json",
    "jsonld": "application/ld+json",
    "jxl": "image/jxl",
    "m4a": "audio/mp4",
    "m4v": "video/mp4",
    # Source maps (ECMA-426) are JSON.
    "map": "application/json",
    "mov": "video/quicktime",
    "mp3": "audio/mpeg",
    "mp4": "video/mp4",
    "mpd": "application/dash+xml",
    "m3u8": "application/vnd.apple.mpegurl",
    "odp": "application/vnd.oasis.opendocument.presentation",
    "ods": "application/vnd.oasis.opendocument.spreadsheet",
    "odt": "application/vnd.oasis.opendocument.text",
    "oga": "audio/ogg",
    "ogg": "audio/ogg",
    "ogv": "video/ogg",
    "opus": "audio/ogg",
    "otf": "font/otf",
    "pdf": "application/pdf",
    "png": "image/png",
    "ppt": "application/vnd.ms-powerpoint",
    "pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    "rss": "application/rss+xml",
    "rtf": "application/rtf",
    "svg": "image/svg+xml",
    "tar": "application/x-tar",
    "tif": "image/tiff",
    "tiff": "image/tiff",
    "ttf": "font/ttf",
    "wasm": "application/wasm",
    "wav": "audio/wav",
    "weba": "audio/webm",
    "webm": "video/webm",
    "webmanifest": "application/manifest+json",
    "webp": "image/webp",
    "woff": "font/woff",
    "woff2": "font/woff2",
    "xhtml": "application/xhtml+xml",
    "xls": "application/vnd.ms-excel",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "xml": "application/xml",
    "zip": "application/zip",
    "zst": "application/zstd",
}
"""By extension; without a charset: bytes, or formats that have a rule of their own for it."""

WITHOUT_EXTENSION = {"apple-app-site-association": "application/json"}
"""By the whole name, where somebody else has settled it."""

PAGES = frozenset({"text/html", "application/xhtml+xml"})


def media_type(name: str) -> str:
    """Give the value of ``Content-Type`` for a file of this name."""
    stem, dot, extension = name.lower().rpartition(".")
    if not dot or not stem:
        return WITHOUT_EXTENSION.get(name, BYTES)
    text = TEXT.get(extension)
    return OTHER.get(extension, BYTES) if text is None else f"{text}; charset=utf-8"


def is_page(content_type: str) -> bool:
    """Say whether it is a document that names other files, so that an old one must not be shown."""
    return content_type.partition(";")[0] in PAGES
