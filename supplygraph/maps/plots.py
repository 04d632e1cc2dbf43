"""Answers as plain charts (matplotlib, an optional extra)."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from supplygraph.errors import DataError, MissingDependencyError, Problem
from supplygraph.maps.theme import COLOURS

if TYPE_CHECKING:
    import os

    import pandas as pd

#: What :func:`save` writes.
FORMATS = (".png", ".svg", ".pdf")
#: Inches: half a slide, with type that is read from the back of a room.
_SIZE = (8.0, 5.4)
_NEEDED = ("zone_served_t", "zone_unmet_t", "world_unmet_t", "change_usd", "usd_t")
#: Letters in a line of the title, and the share of demand from which a gap has room for words.
_LINE, _VISIBLE = 88, 0.06
#: Tonnes per unit of the axis, largest first.
_UNITS = ((1e6, "Mt"), (1e3, "kt"), (1.0, "t"))


def frontier(result: Any, *, ax: Any = None) -> Any:
    """Draw what can be served, and what it costs, against the share that must be aligned.

    Two panels over one axis of shares: above, tonnes a year that the zone is served, under a dashed line of what it
    asks for; below, what the changes cost per tonne that the zone is served.

    Parameters
    ----------
    result
        An answer of :func:`~supplygraph.response.frontier.alignment_frontier`.
    ax
        Two matplotlib axes, upper and lower; made, in one figure for a slide, where missing.

    Returns
    -------
    numpy.ndarray
        The two axes, upper and lower.

    Raises
    ------
    MissingDependencyError
        If matplotlib is not installed.
    DataError
        If the answer is not a frontier, or ``ax`` is not two axes.

    Notes
    -----
    Costs are those that rerouting chooses by (freight, processing, relinking, in USD a year) over the tonnes the
    zone is served. They say nothing about what demand that goes without loses. Where nothing is
    served there is no point.
    """
    table = _table(result)
    upper, lower = _axes(ax)
    share = 100 * table.index.to_numpy(dtype=np.float64)
    served = table["zone_served_t"].to_numpy(dtype=np.float64)
    asked = served + table["zone_unmet_t"].to_numpy(dtype=np.float64)
    scale, unit = next((size, name) for size, name in _UNITS if asked.max() >= size or size == 1.0)
    upper.fill_between(share, served / scale, asked / scale, color=COLOURS["more"], alpha=0.16, linewidth=0)
    upper.plot(share, asked / scale, color=COLOURS["mute"], linewidth=1.2, linestyle="--", label="asked for")
    upper.plot(share, served / scale, color=COLOURS["accent"], linewidth=2.4, marker="o", markersize=4, label="served")
    upper.set_ylim(0, 1.12 * asked.max() / scale or 1.0)
    upper.set_ylabel(f"zone demand, {unit} a year")
    upper.legend(loc="lower left", frameon=False, ncols=2)
    if asked[-1] - served[-1] > _VISIBLE * asked.max():
        upper.annotate("goes without", (share[-1], (asked[-1] + served[-1]) / 2 / scale), xytext=(-6, 0),
                       textcoords="offset points", ha="right", va="center", color=COLOURS["more"])
    cost = np.divide(table["change_usd"], served, out=np.full(len(served), np.nan), where=served > 0)
    lower.plot(share, cost, color=COLOURS["land_leg"], linewidth=2.4, marker="o", markersize=4)
    lower.set_ylim(bottom=min(0.0, float(np.nanmin(cost, initial=0.0))))
    lower.set_ylabel("cost of the changes,\nUSD per tonne served")
    if np.nanmin(np.diff(cost), initial=0.0) < 0 and np.ptp(served) > 0:
        lower.text(0.01, 0.06, "It falls where tonnes that are no longer served are no longer moved.", fontsize=9,
                   color=COLOURS["mute"], transform=lower.transAxes)
    lower.set_xlabel("least share of the zone's supply from aligned plants, %")
    for axes in (upper, lower):
        _plain(axes)
    upper.set_title(_title(result), loc="left", fontsize=11, color=COLOURS["ink"])
    return np.array([upper, lower], dtype=object)


def save(axes: Any, path: str | os.PathLike[str]) -> Path:
    """Write the figure of some axes; the same figure gives the same bytes. Return its path.

    Raises
    ------
    DataError
        If the file is not to be one of :data:`FORMATS`.
    """
    target = Path(path)
    kind = target.suffix.lower()
    if kind not in FORMATS:
        problem = Problem(target.name, f"ends in {kind!r}; expected {', '.join(FORMATS)}", "")
        raise DataError("the chart cannot be written", [problem])
    import matplotlib as mpl

    # A date, and ids drawn at random, would make every file another one.
    stamp = {".svg": "Date", ".pdf": "CreationDate"}.get(kind)
    with mpl.rc_context({"svg.hashsalt": "supplygraph"}):
        np.ravel(axes)[0].figure.savefig(target, metadata={stamp: None} if stamp else None)
    return target


def _table(result: Any) -> pd.DataFrame:
    table: pd.DataFrame = result.table
    lacking = [name for name in _NEEDED if name not in table.columns]
    if table.index.name != "aligned_share" or lacking:
        problem = Problem("result", f"is {result.title!r}, which has no shares that must be aligned",
                          "Ask alignment_frontier(...).")
        raise DataError("only a frontier can be drawn as one", [problem])
    return table


def _axes(given: Any) -> tuple[Any, Any]:
    try:
        from matplotlib import pyplot as plt
    except ImportError:
        message = "charts need matplotlib. Install it with: pip install 'supplygraph[plot]'"
        raise MissingDependencyError(message) from None
    if given is None:
        _, made = plt.subplots(2, 1, sharex=True, figsize=_SIZE, height_ratios=(3, 2), layout="constrained")
        return made[0], made[1]
    pair = np.asarray(given, dtype=object).ravel().tolist()
    if len(pair) != 2 or not all(hasattr(axes, "plot") for axes in pair):
        what = f"is {given!r}; expected two axes, the upper and the lower"
        raise DataError("the frontier cannot be drawn", [Problem("ax", what, "plt.subplots(2, 1, sharex=True)[1]")])
    return pair[0], pair[1]


def _plain(axes: Any) -> None:
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        axes.spines[side].set_color(COLOURS["line"])
    axes.tick_params(colors=COLOURS["mute"], labelsize=9)
    axes.yaxis.label.set_color(COLOURS["ink"])
    axes.xaxis.label.set_color(COLOURS["ink"])
    axes.grid(axis="y", color=COLOURS["line"], linewidth=0.7)
    axes.set_axisbelow(True)


def _title(result: Any) -> str:
    shock = result.params["shock"]
    lines = textwrap.wrap(f"{shock[:1].upper()}{shock[1:]}", _LINE, max_lines=2, placeholder=" …")
    return "\n".join([*lines, "What the zone is served, and at what cost, when more must come from aligned plants"])
