"""Prices by market under plain tables: what buyers pay, and the floor where there is one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from supplygraph.maps.plots import rows, style, words
from supplygraph.maps.plots.rows import Row
from supplygraph.maps.theme import COLOURS

if TYPE_CHECKING:
    from collections.abc import Mapping

#: Heights of a mark, in rows, above and below its middle.
_HALF = 0.42


def prices(result: Any, *, size: str, ax: Any, top: int) -> Any:
    """Draw the price of each market, the highest first, with a mark where its floor is."""
    floor: Mapping[str, float] = result.params["floor"] or {}
    held = pd.Series(result.prices).sort_values(ascending=False, kind="stable")
    # Markets with a floor are the question: they come first where not all can be drawn.
    named = [name for name in held.index if name in floor] + [name for name in held.index if name not in floor]
    shown = held[held.index.isin(named[:top])]
    levies = result.levies.where(result.flows > 0).max()
    drawn = [
        Row(name, float(price), _label(result, name, float(price), levies.get(name, np.nan)),
            look="main" if name in floor or not floor else "light",
            whole=floor[name] if name in result.buying.index else np.nan)
        for name, price in zip(shown.index.astype(str), shown, strict=True)
    ]  # fmt: skip
    with style.look(style.size_of(size)):
        sheet = style.Sheet(size, ax, rows=len(drawn))
        legend = [("main", "with a floor"), ("light", "without")] if floor else []
        rows.draw(sheet, drawn, "price, money per unit", legend)
        _floors(sheet, floor, list(shown.index))
        left = len(held) - len(shown)
        sheet.finish(result.title, _told(result), words.caption(
            "Upright line: floor" if floor else "", f"{left} more markets in .prices" if left > 0 else "",
            "No interval: straight curves as given", words.source(None)))  # fmt: skip
    return sheet.axes


def _label(result: Any, name: str, price: float, levy: float) -> str:
    text = style.number(price)
    if name in result.buying.index:
        return f"{text} (floor not held)"
    return f"{text} (levy {style.number(levy)})" if levy > 0 else text


def _floors(sheet: Any, floor: Mapping[str, float], names: list[str]) -> None:
    """Mark the floor of each row, and make room for it."""
    places = [at for at, name in enumerate(names) if name in floor]
    if not places:
        return
    axes, levels = sheet.axes, np.array([floor[names[at]] for at in places])
    axes.vlines(levels, np.array(places) - _HALF, np.array(places) + _HALF, color=COLOURS["more"],
                linewidth=0.18 * sheet.size.text, zorder=4, gid="floor")  # fmt: skip
    low, high = axes.get_xlim()
    axes.set_xlim(low, max(high, 1.05 * float(levels.max())))


def _told(result: Any) -> str:
    short = len(result.buying)
    if short:
        quantity = float(result.buying["quantity"].sum())
        would = f"buying {style.number(quantity)} units would" if np.isfinite(quantity) else "no buying would"
        return f"The levy does not hold {short} of the floors; {would}"
    told = f"{style.number(result.table['imports'].sum())} units traded"
    return f"{told}, duties bring {style.number(result.revenue)}" if result.revenue > 0 else f"{told}, no duties"
