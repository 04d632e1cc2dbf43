"""What an answer adds to the map of its network: sizes of sites, fills of countries, rows for popups."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from supplygraph.errors import DataError, Problem

if TYPE_CHECKING:
    from collections.abc import Mapping

#: Columns that size the sites, the most telling first.
_SIZES = ("loss_t", "centrality", "share", "exposure", "unmet_t", "throughput_t")
_NOTHING = 1e-9
_PLAIN = {"name", "kind", "country", "residual"}
_UNITS = {"_usd_t": " USD/t", "_usd": " USD", "_t": " t", "_km": " km"}
_WORDS = {"days": ("Extra days", " days"), "km": ("Extra way", " km"), "cost_usd_t": ("Extra cost", " USD/t"),
          "loss_t": ("Lost if it fails", " t"), "zone_loss_t": ("Lost in the zone", " t"),
          "loss_share": ("Share of demand lost", ""), "throughput_t": ("Goes through", " t"),
          "effective_n": ("Effective number", ""), "top1": ("Largest share", ""), "top3": ("Three largest", ""),
          "n_minus_1": ("Left without the largest", ""), "n_minus_1_iea": ("and without its demand", "")}


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
            "sizes": {str(number): size for number, size in sorted(_relative(sites, column).items())},
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


#: Index names of rows that have a place on a map.
_PLACED = {"node", "passage", "country", "owner", "edge", "process", "shipment"}


def refuse_placeless(result: Any) -> None:
    """Refuse an answer whose rows stand nowhere.

    Raises
    ------
    DataError
        Saying what the rows are, and how to show them instead.
    """
    names = [str(name) for name in result.table.index.names]
    if set(names) & _PLACED:
        return
    other = "Draw it with .plot()" if hasattr(result, "plot") else "Read its .table"
    remedy = f"{other}; a map shows one rerouting, reroute(...).map(), or several, map(net, scenarios=[...])."
    what = f"rows are indexed by `{', '.join(names)}`, not by places"
    problem = Problem(f"{type(result).__name__}.table", what, remedy)
    raise DataError("this answer cannot be drawn on a map", [problem])


def _relative(rows: Mapping[int, Mapping[str, Any]], column: str | None) -> dict[int, float]:
    """Return a column as parts of its largest value, which sizes the sites."""
    given = {number: row.get(column) if column else None for number, row in rows.items()}
    known = {number: 0.0 if pd.isna(value) else max(0.0, float(value)) for number, value in given.items()}
    largest = max(known.values(), default=0.0) or 1.0
    return {number: round(value / largest, 4) for number, value in known.items()}


def figures(result: Any) -> dict[str, object]:
    """Return the plain numbers among the figures of an answer, for the panel, their bounds behind them."""
    given = getattr(result, "figures", {})
    found: dict[str, object] = {}
    for name, value in given.items():
        if not isinstance(value, int | float) or isinstance(value, bool) or pd.isna(value) or abs(value) < _NOTHING:
            continue
        stem = name.removesuffix("_low").removesuffix("_high")
        if name.endswith("_10000") or (stem != name and stem in given):
            continue  # the same on another scale, or told behind the figure that it bounds
        label = _label(name)[0]
        label = label.replace("Hhi", "HHI,").rstrip(",") if name.startswith("hhi") else label
        bounds = _interval(given, name)
        wide = bool(bounds) and bounds[1] - bounds[0] > _NOTHING
        low, high = (_told(bound, share=False) for bound in bounds) if wide else ("", "")
        found[label] = f"{_told(value, share=False)} ({low} to {high})" if wide else value
    return found


def _words(row: Mapping[str, Any]) -> list[list[str]]:
    """Return labels and values for people, numbers with three digits that count."""
    out = []
    for name, value in row.items():
        if name in _PLAIN or isinstance(value, bool) or not isinstance(value, int | float) or pd.isna(value):
            continue
        if name.removesuffix("_low").removesuffix("_high") != name and _interval(row, name.rpartition("_")[0]):
            continue  # it stands behind the figure that it bounds
        label, unit = _label(name)
        share = "share" in name
        shown = _told(value, share=share)
        bounds = [_told(bound, share=share) for bound in _interval(row, name)]
        if bounds and bounds != [shown, shown]:
            shown += f" ({' to '.join(bounds)})"
        out.append([label, shown + (" %" if share else unit)])
    return out


def _interval(row: Mapping[str, Any], name: str) -> list[float]:
    """Return both bounds of a figure where they are known, else nothing."""
    bounds = [row.get(f"{name}_low"), row.get(f"{name}_high")]
    return [] if name not in row or any(bound is None or pd.isna(bound) for bound in bounds) else [*map(float, bounds)]  # type: ignore[arg-type]


def _told(value: float, *, share: bool) -> str:
    """Write a figure with three digits that count."""
    if share:
        return f"{100 * value:.3g}"
    return (f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}").replace(",", "\u2009")


def _label(name: str) -> tuple[str, str]:
    """Return a column's name in words and its unit."""
    if name in _WORDS:
        return _WORDS[name]
    for ending, unit in _UNITS.items():
        if name.endswith(ending):
            return name.removesuffix(ending).replace("_", " ").capitalize(), unit
    return name.replace("_", " ").capitalize(), ""
