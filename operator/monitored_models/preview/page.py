"""The pages as HTML, with every text escaped. The browser loads each panel later, rendered by `body`."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any
from urllib.parse import urlencode

from markdown_it import MarkdownIt

from ..base.json_paths import JSON
from .dashboard_reader import Dashboard, Panel, Row
from .variables import ALL, Chosen, Window
from .views import Bars, Cell, Drawing, Figure, Key, NotDrawn, Nothing, Number, Numbers, Sheet, Text

RANGES = ("5m", "15m", "30m", "1h", "3h", "6h", "12h", "24h", "2d", "7d", "30d")
_markdown = MarkdownIt("commonmark", {"html": False}).enable("table").disable("image")


@dataclass(frozen=True)
class View:
    """The requested view: selected variables, and a time range that ends now or at a fixed time."""

    window: Window
    range: str
    fixed_end: str
    chosen: Mapping[str, Chosen]
    scrape: float = 15
    """Scrape interval in seconds."""
    problems: Sequence[str] = ()

    @property
    def query(self) -> str:
        """The view as a query string for the panels' URLs. Its end is fixed, so that all panels share one range."""
        pairs = [("from", f"{self.window.begin:.3f}"), ("to", f"{self.window.end:.3f}")]
        pairs += [(f"var-{name}", value) for name, one in self.chosen.items() for value in one.values]
        return urlencode(pairs)


def index(dashboards: Sequence[Dashboard], prometheus: str) -> str:
    """Render the list of dashboards."""
    items = "".join(
        f'<li><a href="d/{escape(one.slug)}">{escape(one.title)}</a> <span class="tags">{escape(" · ".join(one.tags))}</span></li>'
        for one in dashboards
    )
    return _whole(
        "Dashboards",
        f'<header><h1>Dashboards</h1></header><main class="index"><ul>{items}</ul><p>{_about(prometheus)}</p></main>',
        scripts=False,
    )


def dashboard(one: Dashboard, view: View, prometheus: str) -> str:
    """Render a dashboard with an empty box for each panel."""
    controls = "".join(_select(found) for found in view.chosen.values())
    ranges = RANGES if view.range in RANGES else (view.range, *RANGES)
    times = _options([(f"last {name}", name) for name in ranges], (view.range,))
    end = f'<input type="hidden" name="end" value="{escape(view.fixed_end)}">' if view.fixed_end else ""
    form = (
        f'<form>{controls}<label>Range <select name="range">{times}</select></label>{end}<button>Reload</button></form>'
    )
    problems = "".join(f'<p class="problem">{escape(text)}</p>' for text in view.problems)
    rows = "".join(_row(row) for row in one.rows)
    return _whole(
        one.title,
        f'<header><a href="../" title="All dashboards">☰</a><h1 title="{escape(one.description)}">{escape(one.title)}</h1>{form}</header>'
        f'{problems}<main data-slug="{escape(one.slug)}" data-query="{escape(view.query)}">{rows}</main>'
        f"<footer>{_about(prometheus)}</footer>",
        scripts=True,
    )


def _about(prometheus: str) -> str:
    return f"Drawn by mmctl dashboard preview from {escape(prometheus)}; Grafana itself shows more."


def _select(one: Chosen) -> str:
    options = [("All", ALL), *((value, value) for value in one.options)]
    multiple = f' multiple size="{min(len(options), 3)}"' if one.options else ""
    name = escape(one.variable.name)
    return f'<label>{escape(one.variable.title)} <select name="var-{name}"{multiple}>{_options(options, one.values)}</select></label>'


def _options(options: Sequence[tuple[str, str]], values: Sequence[str]) -> str:
    return "".join(
        f'<option value="{escape(value)}"{" selected" if value in values else ""}>{escape(text)}</option>'
        for text, value in options
    )


def _row(row: Row) -> str:
    top = min((panel.y for panel in row.panels), default=0)
    boxes = "".join(_box(panel, top) for panel in row.panels)
    grid = f'<div class="grid">{boxes}</div>'
    if row.title is None:
        return grid
    is_open = "" if row.collapsed else " open"
    return f"<details{is_open}><summary>{escape(row.title)}</summary>{grid}</details>"


def _box(panel: Panel, top: int) -> str:
    title = escape(panel.title)
    about = f'<span class="about" title="{escape(panel.description)}">i</span>' if panel.description else ""
    place = f"grid-column:{panel.x + 1}/span {panel.width};grid-row:{panel.y - top + 1}/span {panel.height}"
    return (
        f'<section class="panel is-{_css_name(panel.kind)}" data-panel="{panel.number}" data-state="waiting" style="{place}">'
        f'<h2 title="{title}">{title}{about}</h2><div class="body"></div></section>'
    )


def _css_name(kind: str) -> str:
    return "".join(letter for letter in kind if letter.isalnum() or letter == "-")


def _whole(title: str, body: str, *, scripts: bool) -> str:
    base = "../" if scripts else ""
    loaded = (
        f'<script src="{base}plotly.js" defer></script><script src="{base}page.js" defer></script>' if scripts else ""
    )
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f'<link rel="icon" href="data:,"><link rel="stylesheet" href="{base}page.css">{loaded}</head><body>{body}</body></html>'
    )


# --- what is in a panel ---


def body(drawing: Drawing, unsupported: Sequence[str] = ()) -> JSON:
    """Return state, HTML and figures of a panel. The attribute `data-figure` marks where a figure belongs."""
    figures: list[Any] = []
    match drawing:
        case Figure(figure, legend):
            figures.append(figure)
            html = f'<div class="drawn"><div class="plot" data-figure="0"></div>{_legend(legend)}</div>'
        case Numbers():
            html = _numbers(drawing)
        case Bars(numbers):
            html = _bars(numbers)
        case Sheet(_, _, left_out):
            html, unsupported = _sheet(drawing), (*unsupported, *left_out)
        case Text(content):
            html = f'<div class="text">{_markdown.render(content)}</div>'
        case Nothing(text) | NotDrawn(text):
            html = f'<div class="word">{escape(text)}</div>'
    state = {Nothing: "empty", NotDrawn: "not-drawn"}.get(type(drawing), "drawn")
    return {"state": state, "html": html + _note(unsupported), "figures": _finite(figures)}


def failure(text: str, unsupported: Sequence[str] = ()) -> JSON:
    """Return the body of a panel whose queries failed, with the error message of Prometheus."""
    html = f'<div class="word error">{escape(text)}</div>'
    return {"state": "error", "html": html + _note(unsupported), "figures": []}


def _note(unsupported: Sequence[str]) -> str:
    return f'<div class="note">Not drawn by the preview: {escape(", ".join(unsupported))}</div>' if unsupported else ""


def _finite(found: Any) -> Any:
    """Replace infinite numbers and NaN by None, because JSON cannot represent them."""
    if isinstance(found, float) and not math.isfinite(found):
        return None
    if isinstance(found, dict):
        return {key: _finite(value) for key, value in found.items()}
    return [_finite(value) for value in found] if isinstance(found, list) else found


def _legend(legend: Sequence[Key]) -> str:
    return f'<div class="legend">{"".join(_key(key) for key in legend)}</div>' if legend else ""


def _key(key: Key) -> str:
    trace = f' data-traces="{key.trace}"' if key.trace is not None else ""
    return f'<span class="key"{trace}><i style="background:{escape(key.color)}"></i>{escape(key.name)}</span>'


def _numbers(drawing: Numbers) -> str:
    side = " upright" if drawing.upright else ""
    return f'<div class="numbers{side}">{"".join(_number(one) for one in drawing.numbers)}</div>'


def _number(one: Number) -> str:
    # The font size depends on the length of the text, so that the number fits its box.
    look = f"color:{escape(one.color)};--length:{max(len(one.text), 3)}"
    name = f'<div class="name" title="{escape(one.name)}">{escape(one.name)}</div>' if one.name else ""
    return f'<div class="number">{name}<div class="value" style="{look}">{escape(one.text)}</div></div>'


def _bars(numbers: Sequence[Number]) -> str:
    rows = "".join(
        f'<div class="name" title="{escape(one.name)}">{escape(one.name)}</div>'
        f'<div class="bar"><i style="width:{one.share * 100:.1f}%;background:{escape(one.color)}"></i></div>'
        f'<div class="value" style="color:{escape(one.color)}">{escape(one.text)}</div>'
        for one in numbers
    )
    return f'<div class="bars">{rows}</div>'


def _sheet(sheet: Sheet) -> str:
    heads = "".join(
        f"<th{_side(column)}>{escape(name)}</th>"
        for name, column in zip(sheet.columns, zip(*sheet.rows, strict=True), strict=True)
    )
    rows = "".join(f"<tr>{''.join(_cell(cell) for cell in row)}</tr>" for row in sheet.rows)
    return f'<div class="sheet"><table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table></div>'


def _side(column: Sequence[Cell]) -> str:
    return ' class="of-numbers"' if any(cell.is_number for cell in column) else ""


def _cell(cell: Cell) -> str:
    look = f' style="color:{escape(cell.color)}"' if cell.color else ""
    return f"<td{_side([cell])}{look}>{escape(cell.text)}</td>"
