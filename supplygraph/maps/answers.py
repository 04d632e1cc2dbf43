"""What an answer adds to the map of its network: sizes of sites, fills of countries, rows for popups."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Mapping

#: Columns that size the sites, the most telling first; straits cost days rather than tonnes.
_SIZES = ("loss_t", "centrality", "share", "exposure", "unmet_t", "throughput_t")
_PLAIN = {"name", "kind", "country", "residual"}
_UNITS = {"_usd_t": " USD/t", "_usd": " USD", "_t": " t", "_km": " km"}
_WORDS = {"days": ("Extra days", " days"), "km": ("Extra way", " km"), "cost_usd_t": ("Extra cost", " USD/t"),
          "loss_t": ("Lost if it fails", " t"), "zone_loss_t": ("Lost in the zone", " t"),
          "loss_share": ("Share of demand lost", ""), "throughput_t": ("Goes through", " t")}


def overlay(result: Any, place: Mapping[str, int], countries: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the page shows of an answer; empty where its rows are neither sites nor countries.

    Parameters
    ----------
    result
        An answer whose table is indexed by node, passage, country or owner.
    place
        Number of each drawn node.
    countries
        Countries on the page.
    """
    table = result.table
    places = {**place, **{name.removeprefix("passage-"): number for name, number in place.items()}}
    rows = {str(key): row for key, row in zip(table.index, table.to_dict("records"), strict=True)}
    sites = {places[key]: row for key, row in rows.items() if key in places}
    if sites:
        column = next((name for name in _SIZES if name in table.columns), None)
        return {
            "label": _label(column)[0] if column else "",
            "sizes": {str(number): _size(row, column) for number, row in sorted(sites.items())},
            "rows": {str(number): _words(row) for number, row in sorted(sites.items())},
        }
    found = {key: row for key, row in rows.items() if key in countries}
    if found and "share" in table.columns:
        whose = "owner" if table.index.name == "owner" else "country"
        return {
            "label": f"Share by {whose}",
            "shares": {key: round(float(row["share"]), 4) for key, row in sorted(found.items())},
            "countries": {key: _words(row) for key, row in sorted(found.items())},
        }
    return {}


def _size(row: Mapping[str, Any], column: str | None) -> float:
    value = row.get(column) if column else None
    return 0.0 if value is None or pd.isna(value) else round(max(0.0, float(value)), 6)


def _words(row: Mapping[str, Any]) -> list[list[str]]:
    """Return labels and values for people, numbers with three digits that count."""
    out = []
    for name, value in row.items():
        if name in _PLAIN or isinstance(value, bool) or not isinstance(value, int | float) or pd.isna(value):
            continue
        label, unit = _label(name)
        if "share" in name:
            out.append([label, f"{100 * value:.3g} %"])
        else:
            shown = f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"
            out.append([label, shown.replace(",", "\u2009") + unit])
    return out


def _label(name: str) -> tuple[str, str]:
    """Return a column's name in words and its unit."""
    if name in _WORDS:
        return _WORDS[name]
    for ending, unit in _UNITS.items():
        if name.endswith(ending):
            return name.removesuffix(ending).replace("_", " ").capitalize(), unit
    return name.replace("_", " ").capitalize(), ""
