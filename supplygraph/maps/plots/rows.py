"""Ranked bars: one row per item, its interval as a whisker, what is not known drawn as not known."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from supplygraph.maps.plots import style
from supplygraph.maps.theme import COLOURS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from supplygraph.maps.plots.style import Sheet

#: Parts of a row that the bar fills, and of the width that names may take.
_HIGH, _NAMES = 0.62, 0.42
#: Light enough for a dark whisker to be read on it, dark enough to stand out from paper.
BAR = "#3f8f9b"
#: Of a label in a legend: parts of the width, and inches, at most.
_KEY, _WORDS = 0.4, 2.6
#: Looks of a bar: colour, edge, hatch. Kinds differ by hatch or lightness, never by hue alone.
_LOOKS = {
    "main": (BAR, BAR, ""),
    "light": ("#c4dfe3", BAR, ""),
    "rest": (style.OTHERS, style.OTHERS, ""),
    "unknown": (style.UNKNOWN, COLOURS["same"], style.HATCH),
    "more": (COLOURS["more"], COLOURS["more"], ""),
    "outside": ("#f3c6ad", COLOURS["more"], ""),
}
NOT_COMPUTED = "not computed"


@dataclass(frozen=True)
class Row:
    """One bar.

    Attributes
    ----------
    name, tail, label
        Words left of the bar, what follows the name even where that is cut, and words behind the bar.
    value, low, high
        In units of the axis; missing where not known.
    look
        A key of the looks.
    whole
        What the value is a part of, drawn as a pale track; missing for none.
    """

    name: str
    value: float
    label: str
    low: float = math.nan
    high: float = math.nan
    look: str = "main"
    whole: float = math.nan
    tail: str = ""

    @property
    def bounded(self) -> bool:
        """Whether there is an interval to draw."""
        return not (math.isnan(self.low) or math.isnan(self.high))


def draw(sheet: Sheet, rows: Sequence[Row], unit: str, legend: Sequence[tuple[str, str]] = ()) -> None:
    """Draw rows from top to bottom.

    Parameters
    ----------
    sheet
        The figure.
    rows
        In the order of drawing.
    unit
        Words of the axis.
    legend
        Look and meaning of what is not plain.
    """
    axes, size = sheet.axes, sheet.size
    for place, row in enumerate(rows):
        _bar(axes, row, place, size.text)
    values = [end for row in rows for end in (row.value, row.low, row.high, row.whole) if not math.isnan(end)]
    low, high = min(0.0, *values, 0.0), max(0.0, *values, 0.0)
    axes.set_xlim(low * 1.02, high * 1.02 if high > low else 1.0)
    frame(sheet, [(row.name, row.tail) for row in rows], unit)
    if legend:
        key(sheet, [(_patch(look), words) for look, words in legend])


def frame(sheet: Sheet, names: Sequence[tuple[str, str]], unit: str, lines: int = 1) -> None:
    """Write the names of rows at the left, each with its tail, and set the axes up for rows."""
    axes, size = sheet.axes, sheet.size
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.spines["bottom"].set_visible(False)
    axes.tick_params(axis="x", length=0)
    axes.grid(axis="x")
    axes.axvline(0, color=COLOURS["edge"], linewidth=0.06 * size.text)
    axes.set_xlabel(style.wrap(unit, sheet.inches * 0.55, size.text * 0.9, most=2))
    for place, (name, tail) in enumerate(names):
        room, text = sheet.inches * _NAMES, size.text if lines == 1 else 0.9 * size.text
        words = style.shorten(name, 0.9 * (lines - 1) * room + room - style.width(tail, text), text) + style.plain(tail)
        words = words if lines == 1 else style.wrap(words, room, text, most=lines)
        axes.annotate(words, (0, place), xycoords=("axes fraction", "data"), xytext=(-0.5 * size.text, 0),
                      textcoords="offset points", ha="right", va="center_baseline" if lines == 1 else "center",
                      fontsize=text, gid="name",
                      annotation_clip=False, linespacing=1.0, parse_math=False)  # fmt: skip


def _bar(axes: Any, row: Row, place: int, text: float) -> None:
    fill, edge, hatch = _LOOKS[row.look]
    if not math.isnan(row.whole):
        axes.barh(place, row.whole, height=_HIGH, color=COLOURS["line"], alpha=0.55, linewidth=0, gid="whole")
    if not math.isnan(row.value):
        axes.barh(place, row.value, height=_HIGH, facecolor=fill, edgecolor=edge, hatch=hatch, gid="bar",
                  linewidth=0.06 * text if hatch or fill != edge else 0)  # fmt: skip
    if row.bounded:
        whisker(axes, row.low, row.high, place, text)
    ends = [end for end in (row.value, row.high, row.whole, 0.0) if not math.isnan(end)]
    missing = math.isnan(row.value)
    axes.annotate(row.label, (max(ends), place), xytext=(0.4 * text, 0), textcoords="offset points", ha="left",
                  va="center_baseline", fontsize=text * 0.9, color=COLOURS["mute" if missing else "ink"], gid="label",
                  style="italic" if missing else "normal", annotation_clip=False, parse_math=False,
                  path_effects=halo(text))  # fmt: skip


def halo(text: float) -> list[Any]:
    """Return a pale rim, so that words read over lines."""
    from matplotlib import patheffects

    return [patheffects.withStroke(linewidth=0.25 * text, foreground=COLOURS["paper"])]


def whisker(axes: Any, low: float, high: float, place: float, text: float) -> None:
    """Draw an interval: a line with caps, dark, so that it reads on bar and paper."""
    axes.plot([low, high], [place, place], color=COLOURS["ink"], linewidth=0.1 * text, marker="|",
              markersize=0.5 * text, markeredgewidth=0.1 * text, solid_capstyle="butt", gid="interval",
              zorder=3)  # fmt: skip


def key(sheet: Sheet, entries: Sequence[tuple[Any, str]]) -> None:
    """Put a legend above the axes, from the left margin on, in as many columns as fit."""
    from matplotlib.transforms import blended_transform_factory

    axes, figure, text = sheet.axes, sheet.figure, 0.9 * sheet.size.text
    words = [style.shorten(label, min(_KEY * sheet.inches, _WORDS), text) for _, label in entries]
    each = max(style.width(label, text) for label in words) + 3.6 * text / 72
    columns = max(1, min(len(words), int(sheet.inches / each)))
    left, across = (sheet.size.margin / sheet.size.width, figure.transFigure) if sheet.own else (0.0, axes.transAxes)
    axes.legend([handle for handle, _ in entries], words, loc="lower left", bbox_to_anchor=(left, 1), ncols=columns,
                bbox_transform=blended_transform_factory(across, axes.transAxes), borderaxespad=0.2, borderpad=0.1,
                handlelength=1.4, handletextpad=0.5, columnspacing=1.2)  # fmt: skip


def _patch(look: str) -> Any:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    if look == "whole":
        return Patch(facecolor=COLOURS["line"], alpha=0.55)
    if look == "interval":
        return Line2D([], [], color=COLOURS["ink"], marker="|", markersize=6)
    fill, edge, hatch = _LOOKS[look]
    return Patch(facecolor=fill, edgecolor=edge, hatch=hatch, linewidth=0.6)


def interval(low: float, high: float, write: Callable[[float], str]) -> str:
    """Write an interval in brackets, ``(72 to 77 %)``; nothing where it is not known, or too narrow to tell."""
    if math.isnan(low) or math.isnan(high) or write(low) == write(high):
        return ""
    (number, _, unit), (_, _, other) = write(low).rpartition(style.GAP), write(high).rpartition(style.GAP)
    return f" ({number if number and unit == other else write(low)} to {write(high)})"
