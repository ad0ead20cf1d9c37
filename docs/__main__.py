"""``python -m docs``: write the parts of the documents that the code says (``make docs``)."""

import sys
from pathlib import Path

from bench.report import markdown
from bench.results import RECORDED, read
from docs.keys import KeyTables
from docs.matrix import beside, rows, stricter, tally
from docs.regions import Makers, fill
from docs.tables import buckets, commands, failures, fields, metrics, verb

__all__ = ["DOCUMENTS", "made", "makers"]

FOLDER = Path(__file__).parent
DOCUMENTS = (FOLDER.parent / "README.md", *sorted(FOLDER.glob("*.md")))


def makers() -> Makers:
    """Give what makes each kind of part."""
    return {
        "keys": KeyTables().table,
        "metrics": metrics,
        "buckets": buckets,
        "failures": failures,
        "fields": fields,
        "commands": commands,
        "verb": verb,
        "rows": rows,
        "beside": beside,
        "tally": tally,
        "stricter": stricter,
        "speed": lambda part: markdown(read(RECORDED), part),
    }


def made(path: Path) -> str:
    """Give a document as it should be."""
    return fill(path.read_text("utf-8"), makers())


def main() -> int:
    """Write the documents, and name those that change."""
    for path in DOCUMENTS:
        text = made(path)
        if text != path.read_text("utf-8"):
            path.write_text(text, "utf-8")
            sys.stdout.write(f"{path.relative_to(FOLDER.parent)}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
