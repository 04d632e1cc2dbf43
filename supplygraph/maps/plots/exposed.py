"""Exposure: what stands behind each factory or country, stacked; or one of them, direct beside traced."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from supplygraph.errors import DataError, Problem, UnknownNameError
from supplygraph.maps.plots import rows, style, words
from supplygraph.maps.theme import COLOURS

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

#: Columns that are no suppliers.
_UNKNOWN, _NONE = "unknown", "none"
#: Suppliers with a colour of their own.
_NAMED = 8
#: Height of a stacked bar, and of each of two beside each other.
_HIGH, _HALF = 0.7, 0.36
_LEAST = 1e-9
#: Type beside half a bar, in parts of the usual.
_SMALL = 0.64


def stacked(result: Any, *, size: str, ax: Any, top: int) -> Any:
    """Draw the shares of suppliers in what each row receives; straits overlap, and so are drawn as bars."""
    if result.params["to"] == "passage":
        return one(result, size=size, ax=ax, top=top)
    table = result.table.sort_values("demand_t", ascending=False, kind="stable")
    if table.empty:
        raise DataError("nothing to draw", [Problem("result", "no final demand could be traced", "See .explain().")])
    shown = table.head(top)
    named, others = _suppliers(table)
    with style.look(style.size_of(size)):
        sheet = style.Sheet(size, ax, rows=len(shown))
        _stack(sheet, shown, named, others, _names(result, "to"))
        names = _names(result, "rows")
        states = _states(result)
        told = [str(names.get(key, key)) for key in shown.index]
        tails = [words.tail(name, states.get(key)) for name, key in zip(told, shown.index, strict=True)]
        rows.frame(sheet, list(zip(told, tails, strict=True)),
                   f"share of what each receives, by who did the {result.params['stage']}, %")  # fmt: skip
        for place, demand in enumerate(shown["demand_t"]):
            _beside(sheet, style.tonnes(demand), 100.0, place)
        sheet.axes.set_xlim(0, 100)
        more = f"{len(table) - top} smaller ones in .table" if len(table) > top else ""
        draws = "Intervals of the draws stand in .tables['low'] and ['high']" if "draws" in result.params else (
            words.intervals(result.params, drawn=False)
        )
        sheet.finish(result.title, _most(result, table), words.caption(
            f"Traced along estimated shipments, mixing in plants in proportion; {_year(result)}", draws, more,
            *_tail(result)))  # fmt: skip
    return sheet.axes


def one(result: Any, *, size: str, ax: Any, top: int, row: str | None = None) -> Any:
    """Draw one row: direct beside traced, with bounds; or the mean of all, weighed by their demand."""
    table, direct = result.table, result.tables["direct"]
    if row is not None and row not in table.index:
        raise UnknownNameError.of("row", row, table.index)
    shares = [_share(frame, row) for frame in (table, direct)]
    most = {name: max(part.get(name, 0.0) for part in shares) for name in {*shares[0], *shares[1]}}
    order = sorted((name for name in most if most[name] > _LEAST), key=lambda name: (-most[name], name))
    shown = order[:top]
    ends = _ends(result, row)
    with style.look(style.size_of(size)):
        sheet = style.Sheet(size, ax, rows=1.6 * len(shown))
        names = _names(result, "to")
        far = 0.0
        for place, name in enumerate(shown):
            far = max(far, _pair(sheet, name, place, [part.get(name, 0.0) for part in shares], ends))
        told = [(_named(name, names), "") for name in shown]
        verb = "passing the strait" if result.params["to"] == "passage" else "of the demand"
        rows.frame(sheet, told or [("Nobody", "")], f"share {verb}, %")
        sheet.axes.set_xlim(0, 1.02 * far if far > 0 else 100)
        whose = "All demand" if row is None else str(_names(result, "rows").get(row, row))
        rows.key(sheet, _key(ends))
        demands: dict[Any, float] = table["demand_t"].to_dict()
        demand = math.fsum(demands.values()) if row is None else demands[row]
        sheet.finish(result.title, f"{whose}: {style.tonnes(demand)} a year", words.caption(
            _year(result), *_sure(result, row, ends), *_tail(result)))
    return sheet.axes


def _suppliers(table: pd.DataFrame) -> tuple[list[str], list[str]]:
    """Return the suppliers with a colour of their own, the largest over all rows first, and the others."""
    shares = table.drop(columns=["demand_t", _UNKNOWN, _NONE], errors="ignore")
    total = (shares.mul(table["demand_t"], axis=0)).sum()
    order = sorted(total.index[total > 0], key=lambda name: (-total[name], name))
    named = order[:_NAMED] if len(order) > _NAMED + 1 else order[: _NAMED + 1]
    return named, order[len(named) :]


def _stack(
    sheet: style.Sheet, shown: pd.DataFrame, named: list[str], others: list[str], names: Mapping[str, str]
) -> None:
    from matplotlib.patches import Patch

    parts = [(name, shown[name], style.SERIES[place % len(style.SERIES)], "") for place, name in enumerate(named)]
    if others:
        parts.append((f"{len(others)} others", shown[others].sum(axis=1), style.OTHERS, ""))
    for column, hatch in ((_UNKNOWN, style.HATCH), (_NONE, "....")):
        if column in shown and shown[column].max() > _LEAST:
            parts.append((column, shown[column], style.UNKNOWN, hatch))
    start = np.zeros(len(shown))
    wide = sheet.inches * 0.62
    entries = []
    for name, share, colour, hatch in parts:
        values = 100 * share.to_numpy(dtype=np.float64)
        edge = COLOURS["same"] if hatch else COLOURS["paper"]
        sheet.axes.barh(range(len(shown)), values, left=start, height=_HIGH, facecolor=colour, edgecolor=edge,
                        hatch=hatch, linewidth=0.05 * sheet.size.text, gid=f"share {name}")  # fmt: skip
        entries.append((Patch(facecolor=colour, edgecolor=edge, hatch=hatch), _named(name, names)))
        for place, value in enumerate(values):
            if name in named and style.width(str(name), 0.85 * sheet.size.text) * 1.25 < value / 100 * wide:
                sheet.axes.text(start[place] + value / 2, place, style.plain(name), ha="center", va="center_baseline",
                                fontsize=0.85 * sheet.size.text, color=ink_on(colour), parse_math=False, gid="inside")
        start = start + values
    rows.key(sheet, entries)


def ink_on(colour: str) -> str:
    """Return dark or white, whichever reads better on a colour."""
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    light = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    return COLOURS["ink"] if (light + 0.05) ** 2 > 1.05 * 0.072 else COLOURS["paper"]


def _beside(sheet: style.Sheet, words_: str, x: float, place: float, part: float = 0.9) -> None:
    text = sheet.size.text
    sheet.axes.annotate(words_, (x, place), xytext=(0.4 * text, 0), textcoords="offset points", ha="left",
                        va="center_baseline", fontsize=part * text, gid="label", annotation_clip=False,
                        parse_math=False, path_effects=rows.halo(text))  # fmt: skip


def _pair(
    sheet: style.Sheet, name: str, place: int, shares: list[float], ends: Mapping[str, Mapping[str, float]]
) -> float:
    """Draw traced above direct, with what bounds the traced share; return how far it reaches."""
    axes, text = sheet.axes, sheet.size.text
    unknown = name in (_UNKNOWN, _NONE)
    fill = style.UNKNOWN if unknown else rows.BAR
    for step, share, look in ((-0.5, shares[0], fill), (0.5, shares[1], "#c4dfe3")):
        axes.barh(place + step * _HALF, 100 * share, height=_HALF, facecolor=look, linewidth=0.05 * text,
                  edgecolor=COLOURS["same"] if unknown else rows.BAR, hatch=style.HATCH if unknown else "",
                  gid="traced" if step < 0 else "direct")  # fmt: skip
    reach = [100 * shares[0]]
    if "bound_low" in ends:
        low, high = (100 * ends[end].get(name, 0.0) for end in ("bound_low", "bound_high"))
        if high - low > 100 * _LEAST:
            axes.plot([low, high], [place - 0.5 * _HALF] * 2, color=COLOURS["more"], linewidth=0.3 * text, alpha=0.55,
                      solid_capstyle="butt", gid="bound", zorder=2.5)  # fmt: skip
        reach.append(high)
    if "low" in ends:
        low, high = (100 * ends[end].get(name, math.nan) for end in ("low", "high"))
        if not math.isnan(low + high):
            rows.whisker(axes, low, high, place - 0.5 * _HALF, text)
            reach.append(high)
    _beside(sheet, style.percent(shares[0]), max(reach), place - 0.5 * _HALF, _SMALL)
    _beside(sheet, style.percent(shares[1]), 100 * shares[1], place + 0.5 * _HALF, _SMALL)
    return max(*reach, 100 * shares[1])


def _key(ends: Mapping[str, Any]) -> list[tuple[Any, str]]:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    entries: list[tuple[Any, str]] = [
        (Patch(facecolor=rows.BAR, edgecolor=rows.BAR), "traced"),
        (Patch(facecolor="#c4dfe3", edgecolor=rows.BAR), "direct"),
    ]
    if "bound_low" in ends:
        entries.append((Line2D([], [], color=COLOURS["more"], alpha=0.55, linewidth=4), "over all ways to mix"))
    if "low" in ends:
        entries.append((Line2D([], [], color=COLOURS["ink"], marker="|", markersize=6), "draws"))
    return entries


def _share(frame: pd.DataFrame, row: str | None) -> dict[str, float]:
    """Return the shares of a row; without one those of all demand."""
    shares = frame.drop(columns="demand_t", errors="ignore")
    if row is not None:
        mine = shares.loc[[row]].iloc[0]
        return {str(name): float(value) for name, value in mine.items()}
    weight = frame["demand_t"] / frame["demand_t"].sum()
    return {str(name): float(value) for name, value in shares.mul(weight, axis=0).sum().items()}


def _ends(result: Any, row: str | None) -> dict[str, Mapping[str, float]]:
    """Return what bounds the shares of a row; the sum of rows has no bounds of its own."""
    if row is None:
        return {}
    pairs = (("bound_low", "bound_high"), ("low", "high"))
    return {end: _share(result.tables[end], row) for pair in pairs if pair[0] in result.tables for end in pair}


def _sure(result: Any, row: str | None, ends: Mapping[str, Any]) -> list[str]:
    if row is None:
        return ["The mean of all rows, weighed by demand: it has no intervals of its own; give row= for those of one"]
    told = [words.intervals(result.params, drawn="low" in ends)]
    if "bound_low" in ends:
        wide = any(ends["bound_high"][name] - ends["bound_low"][name] > _LEAST for name in ends["bound_low"])
        told.append("Orange: the traced share over all ways to match inputs to outputs in plants" if wide else
                    "All ways to match inputs to outputs in plants give the same shares")  # fmt: skip
    return told


def _names(result: Any, side: str) -> Mapping[str, str]:
    asked = result.params[side]
    if asked in ("node", "facility", "factory", "passage"):
        return words.site_names(result.network)
    return words.country_names(result.network) if asked in ("country", "owner") else {}


def _states(result: Any) -> Mapping[str, str]:
    if result.params["rows"] != "factory" or result.network is None:
        return {}
    states: dict[str, str] = result.network.nodes["country"].dropna().to_dict()
    return states


def _named(name: str, names: Mapping[str, str]) -> str:
    return {_UNKNOWN: "origin unknown", _NONE: "crossed no site"}.get(name, str(names.get(name, name)))


def _most(result: Any, table: pd.DataFrame) -> str:
    mean = _share(table, None)
    name = max((name for name in mean if name not in (_UNKNOWN, _NONE)), key=lambda key: (mean[key], key), default="")
    told = f"{_named(name, _names(result, 'to'))} stands behind {style.percent(mean[name])} of all" if name else ""
    return f"{told}; at the right, tonnes a year"


def _year(result: Any) -> str:
    return f"contained tonnes a year, {words.years(result.network)}"


def _tail(result: Any) -> list[str]:
    return [words.doubt(result.network), words.source(result.network)]
