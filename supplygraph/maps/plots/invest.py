"""Where to build as charts: what is funded when, and what more money would avoid."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from supplygraph.errors import DataError, Problem
from supplygraph.maps.plots import rows, style, words
from supplygraph.maps.projects_map import money
from supplygraph.maps.theme import COLOURS

if TYPE_CHECKING:
    from collections.abc import Sequence

#: Parts of a row that a bar fills, and how tall a curve is, in rows.
_HIGH, _ROWS = 0.62, 12
_BN = 1e9
#: Colours of building, of running up and of full output, for what is funded and for what goes ahead by itself.
_FUNDED = ("#ffffff", "#a9d0d6", rows.BAR)
_AHEAD = ("#ffffff", "#e0e6e9", style.OTHERS)
_GOALS = {
    "loss": ("expected unmet demand, {unit}", "loss"), "hhi": ("mean HHI of refining", "hhi"),
    "cost": ("public money at present value, bn USD", "cost_present_usd"),
}  # fmt: skip


def timeline(result: Any, *, size: str, ax: Any, top: int) -> Any:
    """Draw each project that is built as a bar over the years: building, running up, full."""
    table = result.table
    built = table[table["funded"] | (table["role"] == "goes ahead")]
    if built.empty:
        problem = Problem("result.table", "has nothing that is funded or goes ahead", "Read its .explain().")
        raise DataError("there is no timeline to draw", [problem])
    built = built.assign(first=built["year"].fillna(built["start"]).astype(int))
    built = built.sort_values(["funded", "first", "capacity_t"], ascending=[False, True, False], kind="stable")
    shown = built.head(top)
    first, last = result.params["horizon"]
    with style.look(style.size_of(size)):
        sheet = style.Sheet(size, ax, rows=len(shown) + 1)
        names = [(str(name), "") for name in shown["name"]]
        rows.frame(sheet, names, "year")
        axes = sheet.axes
        for place, row in enumerate(shown.to_dict("records")):
            _bar(axes, row, place, (first, last), sheet.size.text)
        axes.set_xlim(first, last + 1)
        axes.grid(axis="x")
        rows.key(sheet, _legend(sheet, shown))
        given = result.figures
        told = f"{given['funded']} funded for {money(given['cost_usd'])}; unmet demand expected {first} to {last} "
        told += f"falls from {style.tonnes(given['loss_before_t'])} to {style.tonnes(given['loss_after_t'])}"
        sheet.finish(result.title, told, words.caption(
            "Bars begin with the year of funding; tonnes are those added when full, with the chance of failing as risk",
            "Announced capacities; build years and chances by status are estimated", _left(len(built), len(shown)),
            words.source(result.network)))  # fmt: skip
        ticks = [int(tick) for tick in axes.get_xticks() if first <= tick <= last]
        axes.set_xticks(ticks, labels=[str(tick) for tick in ticks])  # years have no thousands
    return sheet.axes


def frontier(result: Any, *, size: str, ax: Any, top: int) -> Any:  # noqa: ARG001 - a curve has no rows
    """Draw the best of one goal against the level allowed of the other; each point is the best there is."""
    table = result.frontier
    if len(table) < 2:
        problem = Problem("result.frontier", "has no points", 'Ask with frontier=("loss", "cost").')
        raise DataError("there is no frontier to draw", [problem])
    first, second = ("hhi" if goal == "concentration" else goal for goal in result.params["frontier"])
    x, y = (_values(result, goal) for goal in (second, first))
    with style.look(style.size_of(size)):
        sheet = style.Sheet(size, ax, rows=_ROWS)
        axes, text = sheet.axes, sheet.size.text
        order = np.lexsort((-y[0], x[0]))
        axes.plot(x[0][order], y[0][order], color=COLOURS["accent"], linewidth=0.17 * text, marker="o",
                  markersize=0.45 * text, drawstyle="steps-post", gid="frontier")  # fmt: skip
        _counts(axes, x[0][order], y[0][order], table["funded"].to_numpy()[order], text)
        axes.set_xlabel(x[1])
        axes.set_ylabel(y[1])
        low, high = float(y[0].min()), float(y[0].max())
        margin = 0.15 * (high - low) or 0.05 * abs(high) or 1.0
        axes.set_ylim(low - margin, high + margin)
        axes.grid(axis="y")
        axes.tick_params(length=0)
        told = "No plan within the budget lies below the line; each point is proved best"
        sheet.finish(result.title, told, words.caption(
            "The vertical axis does not begin at zero", "Numbers at points: projects funded",
            "No interval: capital cost and chance of success at their central values", words.source(result.network),
        ))  # fmt: skip
    return sheet.axes


def _bar(axes: Any, row: dict[str, Any], place: int, span: tuple[int, int], text: float) -> None:
    first, last = span
    funded = bool(row["funded"])
    begins = float(row["year"]) if funded else max(float(first), float(row["start"]))
    looks = _FUNDED if funded else _AHEAD
    steps = [(begins, float(row["start"])), (float(row["start"]), float(row["full"])), (float(row["full"]), last + 1.0)]
    edge = rows.BAR if funded else COLOURS["same"]
    for number, (left, right) in enumerate(steps):
        left, right = max(left, float(first)), min(right, last + 1.0)  # noqa: PLW2901 - cut to the horizon
        if right <= left:
            continue
        hatch = style.HATCH if number == 0 else ""
        axes.barh(place, right - left, left=left, height=_HIGH, facecolor=looks[number], edgecolor=edge, hatch=hatch,
                  linewidth=0.06 * text, gid=("build", "ramp", "full")[number])  # fmt: skip
    chance = f"{100 * row['failure']:.0f}{style.GAP}% risk"
    label = (
        f"{style.tonnes(row['capacity_t'])}, {chance}" if funded else f"{style.tonnes(row['capacity_t'])}, goes ahead"
    )
    axes.annotate(style.plain(label), (last + 1, place), xytext=(-0.4 * text, 0), textcoords="offset points",
                  ha="right",
                  va="center", fontsize=0.82 * text, path_effects=rows.halo(text), gid="label")  # fmt: skip


def _legend(sheet: style.Sheet, shown: Any) -> Sequence[tuple[Any, str]]:
    from matplotlib.patches import Patch

    edge, width = rows.BAR, 0.06 * sheet.size.text
    entries = [
        (Patch(facecolor=_FUNDED[0], edgecolor=edge, hatch=style.HATCH, linewidth=width), "building"),
        (Patch(facecolor=_FUNDED[1], edgecolor=edge, linewidth=width), "running up"),
        (Patch(facecolor=_FUNDED[2], edgecolor=edge, linewidth=width), "full"),
    ]
    if not shown["funded"].all():
        entries.append((Patch(facecolor=_AHEAD[2], edgecolor=COLOURS["same"], linewidth=width), "goes ahead by itself"))
    return entries


def _values(result: Any, goal: str) -> tuple[Any, str]:
    label, column = _GOALS[goal]
    values = result.frontier[column].to_numpy(dtype=np.float64)
    if goal == "cost":
        return values / _BN, label
    if goal == "loss" and result.params["unit"] == "usd":
        return values / _BN, label.format(unit="bn USD")
    if goal == "loss":
        scale, unit = style.unit_of(float(values.max()))
        return values / scale, label.format(unit=unit)
    return values, label


def _counts(axes: Any, x: Any, y: Any, funded: Any, text: float) -> None:
    last = -math.inf
    for left, high, count in zip(x, y, funded, strict=True):
        if count == last:
            continue
        last = count
        axes.annotate(str(int(count)), (left, high), xytext=(0.5 * text, 0.5 * text), textcoords="offset points",
                      fontsize=0.85 * text, color=COLOURS["mute"],
                      path_effects=rows.halo(text), gid="count")  # fmt: skip


def _left(every: int, shown: int) -> str:
    return f"{every - shown} more in .table" if every > shown else ""
