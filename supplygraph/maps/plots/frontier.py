"""What alignment costs: served demand above, cost per tonne below, over one axis of shares."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from supplygraph.maps.plots import rows, style, words
from supplygraph.maps.theme import COLOURS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

#: Share of demand from which a gap has room for words.
_VISIBLE = 0.12
_FALL = 0.005  # of the largest cost: less is no fall to explain
_ROWS = 12  # as tall as so many bars


def frontier(result: Any, *, size: str, ax: Any, top: int) -> Any:  # noqa: ARG001 - a frontier has no rows
    """Draw what the zone is served, under a dashed line of what it asks for, and what the changes cost.

    Costs are those that rerouting chooses by (freight, processing, relinking, in USD a year) over the tonnes the
    zone is served. They say nothing about what demand that goes without loses. Where nothing is
    served there is no point.
    """
    table = result.table
    share = 100 * table.index.to_numpy(dtype=np.float64)
    served = table["zone_served_t"].to_numpy(dtype=np.float64)
    asked = served + table["zone_unmet_t"].to_numpy(dtype=np.float64)
    cost = np.divide(table["change_usd"], served, out=np.full(len(served), np.nan), where=served > 0)
    with style.look(style.size_of(size)):
        sheet = style.Sheet(size, ax, rows=_ROWS, panels=(3.0, 2.0))
        upper, lower = sheet.panels
        unit = _served(sheet, share, served, asked)
        _cost(sheet, share, cost, falls=bool(np.ptp(served) > 0))
        upper.set_ylabel(f"zone demand, {unit} a year")
        upper.tick_params(labelbottom=False)
        lower.set_xlabel("least share of the zone's supply from aligned plants, %")
        shock = str(result.params["shock"])
        told = "What the zone is served, and at what cost, when more must come from aligned plants"
        net = result.network
        costs = "Cost of freight, processing and relinking, not of what goes without"
        sheet.finish(f"{shock[:1].upper()}{shock[1:]}", told, words.caption(
            f"Contained tonnes, {words.years(net)}", costs,
            words.intervals(result.params, drawn=False, can=False), words.doubt(net), words.source(net)))  # fmt: skip
    return np.array([upper, lower], dtype=object)


def _served(sheet: style.Sheet, share: Floats, served: Floats, asked: Floats) -> str:
    axes, text = sheet.panels[0], sheet.size.text
    scale, unit = style.unit_of(float(asked.max()))
    axes.fill_between(share, served / scale, asked / scale, color=COLOURS["more"], alpha=0.16, linewidth=0)
    axes.plot(share, asked / scale, color=COLOURS["mute"], linewidth=0.09 * text, linestyle="--", label="asked for")
    axes.plot(share, served / scale, color=COLOURS["accent"], linewidth=0.17 * text, marker="o", markersize=0.35 * text,
              label="served")  # fmt: skip
    axes.set_ylim(0, 1.12 * asked.max() / scale or 1.0)
    axes.legend(loc="lower left", ncols=2)
    if asked[-1] - served[-1] > _VISIBLE * asked.max():
        axes.annotate("goes without", (share[-1], (asked[-1] + served[-1]) / 2 / scale), xytext=(-0.6 * text, 0),
                      textcoords="offset points", ha="right", va="center", color=COLOURS["more"], fontsize=text,
                      path_effects=rows.halo(text))  # fmt: skip
    _plain(axes)
    return unit


def _cost(sheet: style.Sheet, share: Floats, cost: Floats, *, falls: bool) -> None:
    axes, text = sheet.panels[1], sheet.size.text
    axes.plot(share, cost, color=COLOURS["land_leg"], linewidth=0.17 * text, marker="o", markersize=0.35 * text)
    low, high = (float(end(cost, initial=0.0)) for end in (np.nanmin, np.nanmax))
    axes.set_ylim(1.12 * low, 1.12 * high or 1.0)
    axes.set_ylabel("USD per\ntonne served")
    if falls and np.nanmin(np.diff(cost), initial=0.0) < -_FALL * max(high, -low):
        why = "It falls where tonnes that are no longer served are no longer moved."
        axes.text(0.01, 0.06, style.wrap(why, 0.75 * sheet.inches, 0.85 * text), fontsize=0.85 * text, gid="why",
                  color=COLOURS["mute"], transform=axes.transAxes, path_effects=rows.halo(text))  # fmt: skip
    _plain(axes)


def _plain(axes: Any) -> None:
    axes.grid(axis="y")
    axes.tick_params(length=0)
    axes.margins(x=0.02)
