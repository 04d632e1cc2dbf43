"""A mineral's way from mine to use: countries by stage, bands of tonnes between them."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from supplygraph.errors import DataError, Problem
from supplygraph.maps.plots import layout, rows, stages, style, words
from supplygraph.maps.theme import COLOURS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from supplygraph.maps.plots.layout import Layout, Node
    from supplygraph.maps.plots.stages import Stages
    from supplygraph.network.network import SupplyNetwork

#: Opacity of bands: estimated, reported; and where others are highlighted.
_ESTIMATED, _REPORTED, _BEHIND = 0.42, 0.85, 0.22
#: Greys of what is no country.
_GREYS = {stages.OTHER: "#a3afb7", stages.UNKNOWN: "#ffffff", stages.STOCK: "#cbbf9f"}
_BAND_OF_UNKNOWN = "#c9cfd4"
_LABELS, _SHARED = 0.25, 0.9  # of the width, at most, for names at each side; less where many columns share it
#: The same as codes, where there is no room.
_SHORT = {stages.OTHER: "Other", stages.UNKNOWN: "Unkn.", stages.STOCK: "Stock"}
_ROWS, _SMALLEST = 14, 0.6


def sankey(
    net: SupplyNetwork,
    *,
    stages: Iterable[str] | None = None,
    top: int = 8,
    highlight: str | Iterable[str] | None = None,
    size: str = "slide",
    ax: Any = None,
) -> Any:
    """Draw the stages of a network; see :meth:`supplygraph.network.network.SupplyNetwork.plot`."""
    lit = () if highlight is None else (highlight,) if isinstance(highlight, str) else tuple(highlight)
    known = len(style.SERIES)
    if isinstance(top, bool) or not isinstance(top, int) or not 1 <= top <= known:
        what = f"is {top!r}; expected a whole number from 1 to {known}, the colours that can be told apart"
        raise DataError("the chart cannot be drawn", [Problem("top", what, "The rest is one node a stage.")])
    found = _stages(net, stages, top, lit)
    with style.look(style.size_of(size)):
        sheet = style.Sheet(size, ax, rows=_ROWS)
        sheet.axes.set(xticks=[], yticks=[])
        sheet.axes.spines[:].set_visible(False)
        names = words.country_names(net)
        sheet.finish(_title(net, found), _told(found, names, lit), _caption(net, found))
        _draw(sheet, found, names, lit)
    return sheet.axes


def _stages(net: SupplyNetwork, asked: Iterable[str] | None, top: int, lit: tuple[str, ...]) -> Stages:
    return stages.of(net, asked, top, lit)


def _draw(sheet: style.Sheet, found: Stages, names: Mapping[str, str], lit: tuple[str, ...]) -> None:
    axes, text = sheet.axes, sheet.size.text
    box = axes.get_window_extent()
    wide, tall = box.width / sheet.figure.dpi, box.height / sheet.figure.dpi
    line = 1.2 * text / 72
    head = 2.3 * line
    placed = layout.place(found, tall - head, line, 0.35 * line)
    axes.set_xlim(0, wide)
    axes.set_ylim(tall - head, -head)
    labels = {node: _labels(node, placed, found, names) for node in placed.boxes if not layout.is_pass(node)}
    last = len(placed.columns) - 1
    sides = [_side(labels, column, min(_LABELS, _SHARED / (last + 1)) * wide, text) for column in (0, last)]
    bar = max(0.05, 0.014 * wide)
    x = np.linspace(sides[0], wide - sides[1] - bar, len(placed.columns))
    colours = _colours(found)
    _bands(axes, placed, x, bar, colours, lit)
    for node, box_ in placed.boxes.items():
        if not layout.is_pass(node):
            _node(axes, x[node[0]], bar, box_, placed.scale, node, colours, lit)
    for column in range(last + 1):
        inner = 0 < column < last
        room = (x[1] - x[0] - bar) * 0.85 if inner else sides[0 if column == 0 else 1]
        _write(sheet, {node: given for node, given in labels.items() if node[0] == column}, placed, x, bar, room)
    _heads(sheet, found, x, bar, head, wide)


def _colours(found: Stages) -> dict[str, str]:
    return {**{country: style.SERIES[place % len(style.SERIES)] for place, country in enumerate(found.named)}, **_GREYS}


def _bands(
    axes: Any, placed: Layout, x: Any, bar: float, colours: Mapping[str, str], lit: tuple[str, ...]
) -> None:
    from matplotlib.patches import PathPatch
    from matplotlib.path import Path

    shown = sorted(placed.bands, key=lambda band: (_lit(band.chain, lit), -band.tonnes, band.chain))
    for band in shown:
        start = band.chain[0][1]
        colour = _BAND_OF_UNKNOWN if start == stages.UNKNOWN else colours[start]
        down = 0.0
        parts = ((band.reported_t, _REPORTED, "reported"), (band.estimated_t, _ESTIMATED, "estimated"))
        for tonnes, strong, basis in parts:
            high = tonnes * placed.scale
            if not tonnes > 0:
                continue
            behind = bool(lit) and not _lit(band.chain, lit)
            outline = Path(*_outline(band, x, bar, down, high))
            axes.add_patch(PathPatch(outline, facecolor=_GREYS[stages.OTHER] if behind else colour, linewidth=0,
                                     alpha=_BEHIND if behind else strong, hatch=_hatch(start),
                                     edgecolor=COLOURS["same"],
                                     gid=f"{basis} {_gid(band.chain[0])} {_gid(band.chain[-1])}"))  # fmt: skip
            down += high


def _hatch(key: str) -> str:
    return style.HATCH if key == stages.UNKNOWN else ""


def _gid(node: Node) -> str:
    return f"{node[0]}:{node[1]}"


def _lit(chain: list[Node], lit: tuple[str, ...]) -> bool:
    return any(node[1] in lit for node in chain)


def _outline(
    band: layout.Band, x: Any, bar: float, down: float, high: float
) -> tuple[list[tuple[float, float]], list[Any]]:
    """Return the outline of a band: along its upper edge to the end, and back along the lower one."""
    from matplotlib.path import Path

    upper: list[tuple[float, float]] = []
    for (column, _), (start, end) in zip(band.chain, band.edges, strict=False):
        left, right = x[column] + bar, x[column + 1]
        middle = (left + right) / 2
        first = [(left, start + down)]
        upper += [*first, (middle, start + down), (middle, end + down), (right, end + down)]
    lower = [(across, at + high) for across, at in reversed(upper)]
    step: list[Any] = [Path.LINETO, Path.CURVE4, Path.CURVE4, Path.CURVE4]
    codes = step * (len(upper) // 4) * 2
    codes[0] = Path.MOVETO
    return [*upper, *lower, upper[0]], [*codes, Path.CLOSEPOLY]


def _node(
    axes: Any, x: float, bar: float, box: layout.Box, scale: float, node: Node, colours: Mapping[str, str],
    lit: tuple[str, ...],
) -> None:  # fmt: skip
    from matplotlib.patches import Rectangle

    plain = node[1] in (stages.UNKNOWN, stages.STOCK)
    faded = bool(lit) and node[1] not in lit and not plain
    colour = _GREYS[stages.OTHER] if faded else colours[node[1]]
    axes.add_patch(Rectangle((x, box.top), bar, box.tonnes * scale, facecolor=colour,
                             edgecolor=COLOURS["mute"] if plain else "none", linewidth=0.6 if plain else 0,
                             hatch=_hatch(node[1]), gid=f"node {_gid(node)}", zorder=2))


def _labels(node: Node, placed: Layout, found: Stages, names: Mapping[str, str]) -> list[str]:
    """Return the words at a node, the fullest first."""
    column, key = node
    amount = style.tonnes(placed.boxes[node].tonnes)
    count = found.folded.get(column, 0)
    name = {stages.OTHER: f"Other ({count})", stages.UNKNOWN: "Unknown", stages.STOCK: "Stocks"}.get(key)
    if name is not None:
        return [f"{name} {amount}", name, _SHORT[key]]
    return [f"{names.get(key, key)} {amount}", str(names.get(key, key)), key]


def _side(labels: Mapping[Node, list[str]], column: int, most: float, text: float) -> float:
    """Return the inches for the names at a side: of the fullest that keep within a limit."""
    mine = [given for node, given in labels.items() if node[0] == column]
    wide = [max((style.width(style.plain(given[level]), text) for given in mine), default=0.0) for level in range(3)]
    return min([one for one in wide if one <= most] or [most], key=lambda one: -one) + 0.45 * text / 72


def _write(
    sheet: style.Sheet, labels: Mapping[Node, list[str]], placed: Layout, x: Any, bar: float, room: float
) -> None:
    """Write the names of one column: all with tonnes, or all without, or all as codes, as there is room."""
    text, last = sheet.size.text, len(placed.columns) - 1
    gap = 0.35 * text / 72
    fits = [level for level in range(3)
            if all(style.width(style.plain(given[level]), text) <= room - gap for given in labels.values())]
    for node, given in labels.items():
        box, column = placed.boxes[node], node[0]
        at = (x[0] - gap, "right") if column == 0 else (x[column] + bar + gap, "left")
        words_ = style.shorten(given[fits[0]] if fits else given[1], room - gap, text)
        sheet.axes.text(at[0], box.top + box.tonnes * placed.scale / 2, words_, ha=at[1], va="center_baseline",
                        fontsize=text, parse_math=False, gid="name", zorder=3,
                        path_effects=rows.halo(text) if 0 < column < last else None)  # fmt: skip


def _heads(sheet: style.Sheet, found: Stages, x: Any, bar: float, head: float, wide: float) -> None:
    """Write above each column which stage it is and what it ships, or receives."""
    axes, text, nodes = sheet.axes, sheet.size.text, found.nodes()
    last = len(found.titles) - 1
    at = [0.0, *(x[1:last] + bar / 2), wide]
    totals = [float(nodes["in_t" if column == last else "out_t"][nodes["column"] == column].sum())
              for column in range(last + 1)]  # fmt: skip
    lines = [(title, style.tonnes(total)) for title, total in zip(found.titles, totals, strict=True)]
    wanted = [max(style.width(title, text, "bold"), style.width(total, text)) for title, total in lines]
    part = max(_SMALLEST, _shrunk(at, wanted))
    for column, pair in enumerate(lines):
        side = "left" if column == 0 else "right" if column == last else "center"
        for down, line, weight, colour in zip((0.0, 1.15), pair, ("bold", "normal"), ("ink", "mute"), strict=True):
            words_ = style.shorten(line, 1.4 * wide / last, part * text, weight)
            axes.text(at[column], -head + down * 1.2 * text / 72, words_, ha=side, va="top", fontsize=part * text,
                      weight=weight, color=COLOURS[colour], parse_math=False, gid="head")  # fmt: skip


def _shrunk(at: list[float], widths: list[float]) -> float:
    """Return the part of their size at which heads do not touch: the outer ones start at the edges."""
    last = len(at) - 1
    parts = [0.5 if 0 < column < last else 1.0 for column in range(last + 1)]
    taken = [part * wide for part, wide in zip(parts, widths, strict=True)]
    gaps = zip(pairwise(at), pairwise(taken), strict=True)
    return min(1.0, *(0.94 * (b - a) / (one + two) for (a, b), (one, two) in gaps))


def _title(net: SupplyNetwork, found: Stages) -> str:
    mineral = ", ".join(sorted(net.processes["mineral"].dropna().unique())).replace("_", " ")
    return f"{mineral[:1].upper()}{mineral[1:]}: from {_and(found.titles[0])} to {_and(found.titles[-1])}"


def _and(title: str) -> str:
    return " and ".join(title.lower().rsplit(", ", 1))


def _told(found: Stages, names: Mapping[str, str], lit: tuple[str, ...]) -> str:
    country = next(iter(lit or found.named), None)
    if country is None:
        return ""
    parts = [f"{style.percent(share)} of {_and(title)}" for title, share in found.shares(country)]
    return f"{names.get(country, country)}: {', '.join(parts)}"


def _caption(net: SupplyNetwork, found: Stages) -> str:
    reported = float(found.links["reported_t"].sum())
    total = reported + float(found.links["estimated_t"].sum())
    basis = "all bands are estimated" if reported == 0 else "all bands are reported" if reported == total else (
        f"{style.percent(reported / total)} of the tonnes reported (strong bands), the rest estimated (pale)"
    )
    inside = f"{style.tonnes(found.inside_t)} between traders are not drawn" if found.inside_t > 0 else ""
    what = f"Contained tonnes a year, {words.years(net)}"
    return words.caption(what, basis, _spread(found), inside, words.source(net))


def _spread(found: Stages) -> str:
    """Say how wide the intervals of shipments are: the factor that half of the tonnes reach."""
    if math.isnan(found.factor):
        return "" if not found.links["estimated_t"].any() else "No intervals of the estimates are given"
    told = f"at least a factor of {style.two(found.factor)}" if math.isfinite(found.factor) else "from nothing on"
    return f"for half of the estimated tonnes the interval of the single shipment spans {told}; sums are firmer"
