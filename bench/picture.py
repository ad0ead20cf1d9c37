"""A run as a picture: for each workload a line, on it a dot for each peer; nginx is the line at 1.

It brings its own ground and both its palettes, so that it can be read on a light and on a dark page.
"""

import math
from collections.abc import Iterator
from xml.sax.saxutils import escape

from bench.peers import BASE, CADDY, GATEWAY, HAPROXY, OTHER, PLAIN
from bench.results import Measured, Results, ratio

__all__ = ["picture"]

SHOWN = {
    PLAIN.name: "plain",
    CADDY.name: "caddy",
    HAPROXY.name: "haproxy",
    OTHER.name: "compiled",
    GATEWAY.name: "gateway",
}
"""The class of each peer's dots; later ones lie above."""
LEFT, RIGHT, TOP, STEP = 312, 30, 84, 26
WIDTH = 900
LEAST, MOST = 0.1, 16.0
TICKS = (0.125, 0.25, 0.5, 1, 2, 4, 8, 16)
RADIUS = {"gateway": 6.5, "compiled": 5.5}
STYLE = """
text { font: 13px system-ui, -apple-system, "Segoe UI", sans-serif; fill: #24292f }
.small { font-size: 12px; fill: #57606a }
.title { font-size: 15px; font-weight: 600 }
.ground { fill: #ffffff; stroke: #d0d7de }
.grid { stroke: #d8dee4 } .one { stroke: #57606a; stroke-width: 1.5 }
.own { font-weight: 600; fill: #0550ae }
.gateway { fill: #0969da } .compiled { fill: #cf222e } .haproxy { fill: #bf8700 } .caddy { fill: #2da44e } .plain { fill: #a475f9 }
circle { stroke: #ffffff; stroke-width: 1 }
@media (prefers-color-scheme: dark) {
text { fill: #e6edf3 }
.small { fill: #9198a1 }
.ground { fill: #0d1117; stroke: #30363d }
.grid { stroke: #262c36 } .one { stroke: #9198a1 }
.own { fill: #79c0ff }
.gateway { fill: #58a6ff } .compiled { fill: #ff7b72 } .haproxy { fill: #e3b341 } .caddy { fill: #56d364 } .plain { fill: #bc8cff }
circle { stroke: #0d1117 }
}
"""


def picture(results: Results) -> str:
    """Draw what all peers were asked."""
    rows = [m for m in results.workloads if m.thing(BASE.name) and m.thing(GATEWAY.name)]
    height = TOP + STEP * len(rows) + 44
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img">',
        f"<title>{escape(_in_words(rows))}</title>",
        f"<style>{STYLE}</style>",
        f'<rect class="ground" x="0.5" y="0.5" width="{WIDTH - 1}" height="{height - 1}" rx="6"/>',
        _text(20, 30, "CPU time for each request, nginx = 1", "title"),
        _text(20, 50, "Less is better; the scale is logarithmic.", "small"),
        *_legend(),
        *_grid(height),
        *(part for number, row in enumerate(rows) for part in _row(number, row)),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _in_words(rows: list[Measured]) -> str:
    told = [
        f"{row.title} {found:.2f}"
        for row in rows
        if (found := ratio(row.thing(GATEWAY.name), row.thing(BASE.name))) is not None
    ]
    return f"CPU time of the gateway against nginx: {', '.join(told)}"


def _x(value: float) -> float:
    share = math.log(min(max(value, LEAST), MOST) / LEAST) / math.log(MOST / LEAST)
    return round(LEFT + share * (WIDTH - LEFT - RIGHT), 1)


def _text(x: float, y: float, words: str, kind: str = "", anchor: str = "start") -> str:
    return f'<text x="{x}" y="{y}" class="{kind}" text-anchor="{anchor}">{escape(words)}</text>'


def _dot(x: float, y: float, kind: str) -> str:
    return f'<circle cx="{x}" cy="{y}" r="{RADIUS.get(kind, 4.5)}" class="{kind}"/>'


def _legend() -> Iterator[str]:
    x = WIDTH - RIGHT
    for name, kind in SHOWN.items():
        x -= 8 * len(name)
        yield _text(x, 30, name, "small")
        yield _dot(x - 10, 26, kind)
        x -= 30


def _grid(height: int) -> Iterator[str]:
    for tick in TICKS:
        kind = "one" if tick == 1 else "grid"
        x = _x(tick)
        yield f'<line class="{kind}" x1="{x}" x2="{x}" y1="{TOP - 12}" y2="{height - 34}"/>'
        yield _text(x, height - 14, BASE.name if tick == 1 else f"{tick:g}", "small", "middle")


def _row(number: int, measured: Measured) -> Iterator[str]:
    y = TOP + STEP * number + 4
    yield _text(20, y + 4, measured.title)
    for name, kind in SHOWN.items():
        found = ratio(measured.thing(name), measured.thing(BASE.name))
        if found is None:
            continue
        yield _dot(_x(found), y, kind)
        if name == GATEWAY.name:
            yield _text(LEFT - 8, y + 4, f"{found:.2f}", "own", "end")
