# SPDX-License-Identifier: MIT
"""An inspection as one HTML page: a size map and the tables.
No scripts, no fonts, nothing from elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from ..readers import printable
from .model import FileView, Inspection, Part, Revision
from .tables import Table, human, tables
from .treemap import Box, squarify

WIDTH, HEIGHT = 1200.0, 560.0
HEAD = 18.0  # height of a part's title
MIN_PIXELS = 3.0  # a file that would be smaller is not drawn
MIN_TEXT = 60.0
CHAR_WIDTH = 6.6
# Distinct for people who see few colours as well; dark text reads on all of them.
COLOURS = (
    "#8dd3c7",
    "#fdb462",
    "#bebada",
    "#b3de69",
    "#80b1d3",
    "#fccde5",
    "#ffed6f",
    "#d9d9d9",
    "#ccebc5",
    "#fb8072",
)
_STYLE = """
body{font:15px/1.45 system-ui,sans-serif;margin:2rem auto;max-width:76rem;padding:0 1rem;\
color:#1a1a1a;background:#fff}
h1{font-size:1.4rem;overflow-wrap:anywhere}h2{font-size:1.1rem;margin-top:2rem}
svg{width:100%;height:auto;display:block}\
svg text{font:11px system-ui,sans-serif;fill:#1a1a1a;pointer-events:none}
.part{font-weight:bold}rect{stroke:#fff;stroke-width:1}
.wide{overflow-x:auto}table{border-collapse:collapse;width:100%}
th,td{text-align:left;padding:.2rem .8rem .2rem 0;border-bottom:1px solid #ddd;vertical-align:top}
td{font-variant-numeric:tabular-nums;overflow-wrap:break-word}td:last-child{overflow-wrap:anywhere}
@media(prefers-color-scheme:dark){body{color:#eee;background:#161616}th,td{border-color:#444}\
rect{stroke:#161616}}
"""


def render_html(inspection: Inspection) -> str:
    """The whole page."""
    title = _safe(inspection.target.name or str(inspection.target))
    lines = [
        "<!DOCTYPE html>",
        '<html lang="en"><head><meta charset="utf-8">',
        '<meta http-equiv="Content-Security-Policy"'
        """ content="default-src 'none'; style-src 'unsafe-inline'">""",
        '<meta name="viewport" content="width=device-width">',
        f"<title>{title}</title><style>{_STYLE}</style></head><body>",
        f"<h1>{title}</h1>",
    ]
    for revision in inspection.revisions:
        lines += _map(revision)
    for table in tables(inspection):
        lines += _table(table)
    lines.append("</body></html>")
    return "\n".join(lines) + "\n"


def _safe(text: str) -> str:
    return escape(printable(text))


def _map(revision: Revision) -> Iterator[str]:
    parts = sorted((part for part in revision.parts if part.size), key=lambda part: -part.size)
    if not parts:
        return
    total = human(sum(part.size for part in parts))
    label = f"revision {revision.name}" if revision.name else "state"
    yield f"<h2>Sizes in {_safe(label)}: {total}</h2>"
    yield f'<svg viewBox="0 0 {WIDTH:.0f} {HEIGHT:.0f}" role="img" aria-label="Map of sizes">'
    for index, (part, box) in enumerate(
        zip(parts, squarify([part.size for part in parts], Box(0, 0, WIDTH, HEIGHT)))
    ):
        yield from _part(part, box, COLOURS[index % len(COLOURS)])
    yield "</svg>"


def _part(part: Part, box: Box, colour: str) -> Iterator[str]:
    if min(box.width, box.height) < MIN_PIXELS:
        return
    yield _rectangle(box, colour, f"{part.name}: {human(part.size)}")
    head = HEAD if box.height > 2 * HEAD and box.width > MIN_TEXT else 0.0
    if head:
        yield _text(box, f"{part.name} {human(part.size)}", "part")
    files = sorted((file for file in part.files if file.size), key=lambda file: -(file.size or 0))
    inside = Box(box.x + 2, box.y + head, max(0.0, box.width - 4), max(0.0, box.height - head - 2))
    for file, place in zip(files, squarify([float(file.size or 0) for file in files], inside)):
        yield from _file(file, place, colour)


def _file(file: FileView, box: Box, colour: str) -> Iterator[str]:
    if min(box.width, box.height) < MIN_PIXELS:
        return
    shared = f", {file.uses} uses" if file.uses > 1 else ""
    yield _rectangle(box, colour, f"{file.path}: {human(file.size)}{shared}")
    if box.width > MIN_TEXT and box.height > HEAD:
        yield _text(box, f"{file.path.rpartition('/')[2]} {human(file.size)}", "file")


def _rectangle(box: Box, colour: str, title: str) -> str:
    where = f'x="{box.x:.1f}" y="{box.y:.1f}" width="{box.width:.1f}" height="{box.height:.1f}"'
    return f'<rect {where} fill="{colour}"><title>{_safe(title)}</title></rect>'


def _text(box: Box, text: str, kind: str) -> str:
    room = int((box.width - 8) / CHAR_WIDTH)
    short = text if len(text) <= room else f"{text[: max(1, room - 1)]}…"
    return f'<text class="{kind}" x="{box.x + 4:.1f}" y="{box.y + 13:.1f}">{_safe(short)}</text>'


def _table(table: Table) -> Iterator[str]:
    yield f'<h2>{_safe(table.title)}</h2><div class="wide"><table>'
    yield f"<thead><tr>{''.join(f'<th>{_safe(cell)}</th>' for cell in table.head)}</tr></thead><tbody>"
    for row in table.rows:
        yield f"<tr>{''.join(f'<td>{_safe(cell)}</td>' for cell in row)}</tr>"
    yield "</tbody></table></div>"
