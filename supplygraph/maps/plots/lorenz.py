"""The Lorenz curve of a stage: what share of it the smallest suppliers have together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from supplygraph.errors import DataError, Problem
from supplygraph.maps.plots import bars, style, words
from supplygraph.maps.theme import COLOURS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

_MANY = {"country": "countries", "owner": "owner countries", "bloc": "blocs", "node": "sites"}
#: Suppliers named at the curve, and the share of the whole from which there is room for a name.
_NAMED, _VISIBLE = 4, 0.045
#: Places along the diagonal for its name, the best first.
_ALIKE = (0.31, 0.2, 0.5, 0.65, 0.8)
#: As tall as so many bars, so that the square does not become flat.
_ROWS = 11


def curve(quantity: Floats) -> tuple[Floats, Floats]:
    """Return the points of a Lorenz curve, from (0, 0) to (1, 1).

    Examples
    --------
    >>> [part.tolist() for part in curve(np.array([6.0, 1.0, 3.0]))]
    [[0.0, 0.333..., 0.666..., 1.0], [0.0, 0.1, 0.4, 1.0]]
    """
    ordered = np.sort(np.asarray(quantity, dtype=np.float64))
    part = np.concatenate([[0.0], np.cumsum(ordered) / ordered.sum()])
    part[-1] = 1.0
    return np.linspace(0.0, 1.0, len(part)), part


def gini(quantity: Floats) -> float:
    """Return the Gini coefficient: twice the area between the curve and equality, 0 to (n - 1) / n.

    It equals the mean difference between two suppliers (drawn with replacement) over twice their mean.

    Examples
    --------
    >>> round(gini(np.array([6.0, 1.0, 3.0])), 6), gini(np.array([2.0, 2.0]))
    (0.333333, 0.0)
    """
    _, part = curve(quantity)
    return max(0.0, float(1.0 - (part[1:] + part[:-1]).sum() / (len(part) - 1)))


def lorenz(result: Any, *, size: str, ax: Any, top: int) -> Any:
    """Draw the Lorenz curve over the suppliers that make something."""
    table = result.table[result.table["quantity_t"] > 0].sort_values("quantity_t", kind="stable")
    if table.empty:
        problem = Problem("result", f"{result.title!r} has no supplier that makes something", "Ask of another stage.")
        raise DataError("there is no Lorenz curve", [problem])
    quantity = table["quantity_t"].to_numpy(dtype=np.float64)
    x, y = curve(quantity)
    with style.look(style.size_of(size)):
        sheet = style.Sheet(size, ax, rows=_ROWS)
        _draw(sheet, x, y)
        names = bars.names(result.network, result.params["by"])
        many = _MANY[result.params["by"]]
        sheet.axes.set_xlabel(f"{many}, smallest first, % of {len(quantity)}")
        sheet.axes.set_ylabel(f"share of {bars.stage(result)}, %")
        sheet.finish(f"Lorenz curve: {result.title}", _told(result, quantity, many), _caption(result, many))
        _name(sheet, x, y, [str(names.get(key, key)) for key in table.index], min(top, _NAMED))
    return sheet.axes


def _told(result: Any, quantity: Floats, many: str) -> str:
    count, most = len(quantity), (len(quantity) - 1) / len(quantity)
    return f"{bars.hhi(result)}; Gini {gini(quantity):.2f} (at most {most:.2f} among {count} {many})"


def _caption(result: Any, many: str) -> str:
    unknown = float(result.figures.get("unknown_share", 0.0))
    left = f", {style.percent(unknown)} without a known name left out" if unknown > 1e-9 else ""
    population = f"Over the {many} that make something{left}"
    band = "No band of the draws: intervals of single shares do not bound the curve" if "draws" in result.params else (
        words.intervals(result.params, drawn=False)
    )
    return words.caption(population, bars.what(result), band, *bars.tail(result))


def _draw(sheet: style.Sheet, x: Floats, y: Floats) -> None:
    axes, text = sheet.axes, sheet.size.text
    axes.fill_between(100 * x, 100 * y, 100 * x, color=COLOURS["accent"], alpha=0.12, linewidth=0)
    axes.plot([0, 100], [0, 100], color=COLOURS["mute"], linewidth=0.08 * text, linestyle="--", gid="equality")
    axes.plot(100 * x, 100 * y, color=COLOURS["accent"], linewidth=0.17 * text, marker="o", markersize=0.38 * text,
              clip_on=False, gid="curve", zorder=3)  # fmt: skip
    axes.set_xlim(0, 100)
    axes.set_ylim(0, 100)
    axes.set_xticks([0, 25, 50, 75, 100])
    axes.set_yticks([0, 25, 50, 75, 100])
    axes.grid(axis="both")
    axes.tick_params(length=0)


def _name(sheet: style.Sheet, x: Floats, y: Floats, names: list[str], most: int) -> None:
    """Name the largest suppliers at the middle of their steps, left of the curve, where there is room."""
    text, axes = sheet.size.text, sheet.axes
    box = axes.get_window_extent()
    wide, high = box.width / sheet.figure.dpi, box.height / sheet.figure.dpi
    above = 2.0
    written = []
    for place in range(len(names), max(len(names) - most, 0), -1):
        middle = (x[place] + x[place - 1]) / 2, (y[place] + y[place - 1]) / 2
        if y[place] - y[place - 1] < _VISIBLE or (above - middle[1]) * high < 1.4 * text / 72:
            break
        above = middle[1]
        room = min(0.4 * wide, wide * middle[0] - text / 72)
        written.append(_beside(axes, style.shorten(names[place - 1], room, text), middle, text, "name"))
    taken = [name.get_window_extent() for name in written]
    for at in _ALIKE:
        alike = _beside(axes, "all alike", (at, at), 0.9 * text, "alike")
        if not any(alike.get_window_extent().overlaps(name) for name in taken):
            break
        alike.remove()


def _beside(axes: Any, words_: str, at: tuple[float, float], text: float, gid: str) -> Any:
    """Write words above and left of a point of the unit square."""
    colour = COLOURS["mute" if gid == "alike" else "ink"]
    return axes.annotate(words_, (100 * at[0], 100 * at[1]), xytext=(-0.5 * text, 0.1 * text), ha="right", va="bottom",
                         textcoords="offset points", fontsize=text, color=colour, gid=gid, parse_math=False, zorder=4)
