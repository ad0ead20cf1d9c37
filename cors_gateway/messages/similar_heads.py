"""Heads with the same names as one that was read before: only the lines that differ are read.

Decides: whether a head is as plain as the one before (``plain_fields``), with its field names spelled
and ordered as there, and which lines differ. Does not know: what a field means, or the request line.
Most clients send the same names with every request, and most values again.
"""

from typing import Final

__all__ = ["differing_lines"]

_PLAIN_BYTES: Final = bytes([*range(0x20, 0x7F), *range(0x80, 0x100)])
_SPACE: Final = 0x20


def differing_lines(
    lines: list[bytes], before: list[bytes], names: list[bytes]
) -> list[int] | None:
    """Find the field lines that are not as before; ``None`` where the head is no more of that kind.

    Args:
        lines: of a head, cut at each CRLF, without the request line and the empty line.
        before: those of a plain head.
        names: of ``before``.

    Returns:
        Their places.
    """
    if len(lines) != len(before):
        return None
    differing: list[int] = []
    said: list[bytes] = []
    for place in range(len(lines)):
        line, known = lines[place], before[place]
        if line != known:
            begin = len(names[place]) + 2  # a colon and one space
            if len(line) <= begin or line[:begin] != known[:begin]:
                return None
            if line[begin] == _SPACE or line[-1] == _SPACE:
                return None
            differing.append(place)
            said.append(line)
    # At once: a call costs more than its bytes.
    return None if b"".join(said).translate(None, _PLAIN_BYTES) else differing
