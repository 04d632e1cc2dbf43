"""Stocks on the map: where they are held, of what, for how many days, and whose shortfall they are for."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from supplygraph.maps.layers import spaced

if TYPE_CHECKING:
    from collections.abc import Mapping

#: Products told in the popup of a country.
_TOLD = 12
_BN = 1e9


def tells(result: Any) -> bool:
    """Whether an answer is about stocks."""
    return {"purchases", "cover", "holders"} <= set(getattr(result, "tables", {}))


def overlay(result: Any, countries: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the page shows: countries by their share of the value held, products by theirs, with days of cover.

    Parameters
    ----------
    result
        The answer about stocks.
    countries
        Countries on the page.
    """
    table = result.table
    total = float(table["value_usd"].sum())
    held = table[table["country"].isin(list(countries))]
    by_country = held.groupby("country")["value_usd"].sum().sort_index()
    found = {
        "label": "Share of the value in stock",
        "shares": {str(code): round(float(value) / total, 4) for code, value in by_country.items() if value > 0},
        "countries": {str(code): _popup(held[held["country"] == code]) for code in by_country.index},
        "hide": ["names", "passage", "port"],
        "ranked": _ranked(result, total, countries), "unit": "%", "more": 0, "note": _note(result),
    }  # fmt: skip
    if total <= 0 or not found["ranked"]:
        return {}
    return found


def figures(result: Any) -> dict[str, object]:
    """Return the key figures of the panel."""
    given = result.figures
    bounds = ""
    if math.isfinite(given["loss_after_low_usd"]):
        bounds = f" ({_bn(given['loss_after_low_usd'])} to {_bn(given['loss_after_high_usd'])})"
    years = result.params["years"]
    found: dict[str, object] = {
        "Spent": f"{_bn(given['cost_usd'])} of {_bn(given['budget_usd'])} bn USD",
        f"Expected loss in {years} years": f"{_bn(given['loss_before_usd'])} bn USD",
        "Left with the stocks": f"{_bn(given['loss_after_usd'])}{bounds} bn USD",
        "Proved gap": f"{100 * given['gap']:.2g} %",
    }
    if given.get("aim_days"):
        found[f"{given['aim_days']:g} days of everything"] = f"would leave {_bn(given['aim_loss_usd'])} bn USD"
    return found


def _bn(usd: float) -> str:
    return f"{usd / _BN:.3g}"


def _ranked(result: Any, total: float, countries: Mapping[str, Any]) -> list[list[Any]]:
    """Return products by their share of the value, the place being that of the holder with most of it."""
    if total <= 0:
        return []
    table, rows = result.table, []
    for product, row in result.cover.sort_values("value_usd", ascending=False, kind="stable").iterrows():
        if not row["value_usd"] > 0:
            continue
        mine = table[table["product"] == product].sort_values("value_usd", ascending=False, kind="stable")
        place = mine["country"].iloc[0]
        scale = row["value_usd"] / total / row["hold_t"]
        low, high = (float(mine[f"hold_{end}_t"].sum(skipna=False)) * scale for end in ("low", "high"))
        name = f"{str(product).replace('_', ' ').replace('-', ', ')}: {spaced(row['days_of_cover'])} days"
        at = str(place) if isinstance(place, str) and place in countries else None
        rows.append([at, name, round(float(row["value_usd"]) / total, 4), *map(_number, (low, high))])
    return rows


def _note(result: Any) -> str:
    if not result.table["hold_low_t"].notna().any():
        return "No interval: the scenarios are taken as given."
    return f"Line: least and most of plans from {result.params['batches']} batches of paths."


def _number(value: float) -> float | None:
    return round(value, 4) if math.isfinite(value) else None


def _popup(rows: Any) -> list[list[str]]:
    """Return what stands in the popup of a country: its stocks, the most valuable first."""
    told = []
    for row in rows.sort_values("value_usd", ascending=False, kind="stable").head(_TOLD).to_dict("records"):
        if not row["hold_t"] > 0:
            continue
        interval = ""
        if math.isfinite(row["hold_low_t"]):
            interval = f" ({spaced(row['hold_low_t'])} to {spaced(row['hold_high_t'])})"
        name = str(row["product"]).replace("_", " ").replace("-", ", ")
        told.append([f"{name.capitalize()}, {row['holder']}",
                     f"{spaced(row['hold_t'])}{interval} t, {spaced(row['days_of_cover'])} days"])  # fmt: skip
    return told or [["Stock", "none"]]
