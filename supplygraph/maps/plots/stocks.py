"""What to hold, as days of cover beside an aim, and what each further dollar still saves."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from supplygraph.errors import DataError, Problem
from supplygraph.maps.plots import rows, style, words
from supplygraph.maps.plots.rows import Row, interval
from supplygraph.maps.theme import COLOURS

_BN = 1e9
#: Wood Mackenzie's estimate of what the published size buys if spread evenly (facts/stockpiles.csv), days.
_ESTIMATE = 45.0
_ROWS = 11  # a curve is as tall as so many bars


def cover(result: Any, *, size: str, ax: Any, top: int) -> Any:
    """Draw days of cover by product, the most valuable first, beside the days aimed at."""
    table = result.cover.sort_values("value_usd", ascending=False, kind="stable")
    shown = table.head(top)
    drawn = [_row(str(product), row, wide=size != "column") for product, row in shown.iterrows()]
    if not drawn:
        raise DataError("nothing to draw", [Problem("result", "holds no product", "Read its .left_out.")])
    with style.look(style.size_of(size)):
        sheet = style.Sheet(size, ax, rows=len(drawn))
        rows.draw(sheet, drawn, "days of cover of the demand asked about")
        _aims(sheet, result)
        given = result.figures
        gap = f"proved within {max(100 * given['gap'], 0.01):.1g}{style.GAP}%"
        told = (
            f"Spends {_bn(given['cost_usd'])} of {_bn(given['budget_usd'])} bn USD; expected loss falls from "
            f"{_bn(given['loss_before_usd'])} to {_bn(given['loss_after_usd'])} bn USD over "
            f"{result.params['years']} years ({gap})"
        )
        aimed = "Dashed: days aimed at for everything" if given.get("aim_days") else ""
        if _vault(result):
            aimed += "; dotted: Wood Mackenzie's estimate if the money is spread evenly"
        sheet.finish(result.title, told, _caption(result, _whiskers(result), aimed, _left(table, top)))
    return sheet.axes


def curve(result: Any, *, size: str, ax: Any, top: int) -> Any:  # noqa: ARG001 - a curve has no rows
    """Draw what is lost against what is spent, with the proved bound, and the same days of everything as a cross."""
    table = result.curve
    if len(table) < 2:
        problem = Problem("result.curve", "has no points", "Ask with curve=8.")
        raise DataError("nothing to draw", [problem])
    unit, scale = _unit(result)
    spent, lost = table["cost_usd"].to_numpy() / _BN, table["objective"].to_numpy() / scale
    with style.look(style.size_of(size)):
        sheet = style.Sheet(size, ax, rows=_ROWS)
        axes, text = sheet.axes, sheet.size.text
        axes.fill_between(spent, table["bound"].to_numpy() / scale, lost, color=rows.BAR, alpha=0.25, linewidth=0)
        axes.plot(spent, lost, color=COLOURS["accent"], linewidth=0.17 * text, marker="o", markersize=0.4 * text,
                  gid="curve")  # fmt: skip
        limits = [float(lost.max()), float(spent.max())]
        if result.params["minimise"] == "loss" and result.params["risk"] == "expected":
            _crosses(sheet, result, limits)
        axes.set_ylim(0, 1.12 * limits[0] or 1.0)
        axes.set_xlim(-0.02 * limits[1], 1.25 * limits[1] or 1.0)
        axes.set_xlabel("spent, bn USD")
        axes.set_ylabel(unit)
        axes.grid(axis="y")
        axes.tick_params(length=0)
        given = result.figures
        dollar = given["next_dollar_usd"]
        more = f"one more dollar would save {style.two(dollar)}" if dollar > 1e-4 else "more money would save nothing"
        told = f"Of a budget of {_bn(given['budget_usd'])} bn USD {_bn(given['cost_usd'])} bn help; {more}"
        sheet.finish(result.title, told, _caption(result, "The shade is the gap to what no plan can beat"))
    return sheet.axes


def _crosses(sheet: style.Sheet, result: Any, limits: list[float]) -> None:
    """Mark what the same days of everything would do: as many as the plan's money buys, and those aimed at."""
    axes, text, given = sheet.axes, sheet.size.text, result.figures
    marks = [(given["equal_days"], given["cost_usd"], given["equal_loss_usd"])]
    if given.get("aim_reached"):
        marks.append((given["aim_days"], given["aim_cost_usd"], given["aim_loss_usd"]))
    for days, cost, loss in marks:
        if not (days > 0 and math.isfinite(cost)):
            continue
        x, y = cost / _BN, loss / _BN
        limits[0], limits[1] = max(limits[0], y), max(limits[1], x)
        axes.plot(x, y, marker="X", markersize=0.6 * text, color=COLOURS["more"], linewidth=0, gid="same days")
        axes.annotate(style.plain(f"{days:.0f} days of everything"), (x, y), xytext=(0.6 * text, 0.3 * text),
                      textcoords="offset points", ha="left", va="bottom", fontsize=0.9 * text, gid="aim",
                      path_effects=rows.halo(text))  # fmt: skip


def _row(product: str, row: Any, *, wide: bool) -> Row:
    days = float(row["days_of_cover"])
    low, high = float(row["days_low"]), float(row["days_high"])
    value = float(row["value_usd"])
    told = f"{_bn(value)} bn USD" if value >= 0.1 * _BN else f"{value / 1e6:.3g} m USD"
    name = product.replace("_", " ").replace("-", ", ")
    if math.isnan(days):
        return Row(name, math.nan, "no demand here", look="unknown")
    label = f"{_days(days)}{interval(low, high, _days)}{f'; {told}' if wide else ''}" if days > 0 else "none"
    return Row(name, days, label, low, high)


def _days(days: float) -> str:
    return f"{days:,.0f}" if days >= 10 else f"{days:.2g}"


def _aims(sheet: style.Sheet, result: Any) -> None:
    """Draw the days aimed at, and, where that is Project Vault's aim, the estimate of what its money buys."""
    axes, text = sheet.axes, sheet.size.text
    aim = result.figures.get("aim_days")
    if not aim:
        return
    lines = [(float(aim), "--", f"aim: {aim:g} days")]
    if _vault(result):
        lines.append((_ESTIMATE, ":", f"estimated: {_ESTIMATE:g} days"))
    entries = []
    for days, dashes, label in lines:
        line = axes.axvline(days, color=COLOURS["more"], linestyle=dashes, linewidth=0.15 * text, zorder=4, gid="aim")
        entries.append((line, label))
    axes.set_xlim(right=max(axes.get_xlim()[1], 1.1 * float(aim)))
    rows.key(sheet, entries)


def _vault(result: Any) -> bool:
    """Whether the question is that of Project Vault."""
    return bool(result.figures.get("aim_days")) and any(one.name == "vault" for one in result.params["holders"])


def _left(table: Any, top: int) -> str:
    return f"{len(table) - top} more products in .cover" if len(table) > top else ""


def _unit(result: Any) -> tuple[str, float]:
    what = {"loss": ("bn USD", _BN), "unmet": ("t", 1.0), "days": ("days of demand", 1.0)}[result.params["minimise"]]
    risk = "expected" if result.params["risk"] == "expected" else f"mean of the worst {1 - result.params['level']:.3g}:"
    noun = {"loss": "loss", "unmet": "unmet demand", "days": "unmet demand"}[result.params["minimise"]]
    return f"{risk} {noun}, {what[0]}", what[1]


def _caption(result: Any, *more: str) -> str:
    counted = result.params["value"]
    value = f"a lost tonne counts {counted}; downstream losses can be many times its price"
    return words.caption("Shortfalls are estimated", value, *more, words.source(result.network))


def _whiskers(result: Any) -> str:
    if not bool(np.isfinite(result.table["hold_low_t"]).any()):
        return "No intervals: scenarios as given"
    batches, paths = int(result.params["batches"]), result.params["scenarios"]
    return f"Whiskers: least and most of plans from {batches} batches of the {paths:,} paths"


def _bn(usd: float) -> str:
    return style.number(usd / _BN)
