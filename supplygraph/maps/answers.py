"""What an answer adds to the map of its network: sizes of sites, fills of countries, rows for popups."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import pandas as pd

from supplygraph.errors import DataError, Problem
from supplygraph.maps import failures, plots
from supplygraph.maps.layers import spaced

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from supplygraph.maps.layers import Payload

#: What the rows of an answer are measured by, the most telling column first.
_SITES = ("loss_t", "centrality", "share", "exposure", "unmet_t", "hhi", "throughput_t")
_STATES = ("share", "net_import_reliance", "import_reliance_eu", "loss_share")
#: Rows of the ranked list; the panel shows the first of them, the table all.
_RANKED = 60
#: Layers that would hide what the answer is about, until the reader asks for them.
_HIDE_STATES, _HIDE_SITES = ("names", "passage", "port"), ("passage",)
_NOTHING = 1e-9
_PLAIN = {"name", "kind", "country", "residual"}
_UNITS = {"_usd_t": " USD/t", "_usd": " USD", "_t": " t", "_km": " km"}
_WORDS = {"days": ("Extra days", " days"), "km": ("Extra way", " km"), "cost_usd_t": ("Extra cost", " USD/t"),
          "loss_t": ("Lost if it fails", " t"), "zone_loss_t": ("Lost in the zone", " t"),
          "loss_share": ("Share of demand lost", ""), "throughput_t": ("Goes through", " t"),
          "effective_n": ("Effective number", ""), "top1": ("Largest share", ""), "top3": ("Three largest", ""),
          "n_minus_1": ("Left without the largest", ""), "n_minus_1_iea": ("and without its demand", ""),
          "total_t": ("All together", " t"), "hhi": ("HHI", ""),
          "hhi_wgi": ("HHI weighed by governance (0 to 10)", ""), "hhi_owner": ("HHI by owner", ""),
          "hhi_wgi_t": ("HHI weighed by governance and trade", ""), "hhi_country": ("HHI by territory", ""),
          "hhi_factories": ("HHI of what factories get", ""), "uncrossed_share": ("Crossed no site of the stage", ""),
          "unknown_share_owner": ("Unknown owners", ""), "unknown_share": ("Unknown share", "")}


def overlay(result: Any, builder: Payload, countries: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the page shows of an answer; empty where its rows have no place.

    Parameters
    ----------
    result
        An answer whose table is indexed by node, passage, edge, country, owner or bloc.
    builder
        The drawn network.
    countries
        Countries on the page.
    """
    table = result.table
    if table.index.nlevels > 1:  # ways and pairs have no single place
        return {}
    key = str(table.index.name)
    if key == "bloc":
        return _blocs(result, table)
    if key == "edge":
        return _edges(table, builder)
    places = {**builder.place, **{name.removeprefix("passage-"): at for name, at in builder.place.items()}}
    sites = table[table.index.isin(list(places))]
    if len(sites):
        return _sites(sites, places)
    column = next((name for name in _STATES if name in table.columns), None)
    states = table[table.index.isin(list(countries))]
    return _states(states, column, countries, key) if len(states) and column else {}


def _sites(table: pd.DataFrame, places: Mapping[str, int]) -> dict[str, Any]:
    """Size the sites by what the answer measures."""
    column = next((name for name in _SITES if name in table.columns), None)
    rows = {places[str(key)]: row for key, row in zip(table.index, _records(table), strict=True)}
    named = table["name"] if "name" in table.columns else pd.Series(None, index=table.index, dtype=object)
    names = [[places[str(node)], name if isinstance(name, str) else None] for node, name in named.items()]
    return {
        "label": _label(column)[0] if column else "",
        "sizes": {str(number): size for number, size in sorted(_relative(rows, column).items())},
        "rows": {str(number): _words(row) for number, row in sorted(rows.items())},
        "hide": [] if table.index.name == "passage" else [*_HIDE_SITES],
        **ranked(table, column, names),
    }


def _states(table: pd.DataFrame, column: str, countries: Mapping[str, Any], key: str) -> dict[str, Any]:
    """Fill the countries by what the answer measures."""
    whose = "owned from a country" if key == "owner" else "by country"
    values = table[column].astype(float)
    rows = zip(map(str, table.index), _records(table), strict=True)
    return {
        "label": f"Share {whose}" if column == "share" else f"{_label(column)[0]} by country",
        "shares": {str(code): round(value, 4) for code, value in values.sort_index().items() if value > 0},
        "countries": {code: _words(row) for code, row in sorted(rows, key=lambda pair: pair[0])},
        "hide": [*_HIDE_STATES],
        **ranked(table, column, [[str(code), countries[str(code)][0]] for code in table.index]),
    }


def _blocs(result: Any, table: pd.DataFrame) -> dict[str, Any]:
    """Fill the countries of a bloc by the share of the bloc."""
    blocs = result.params.get("blocs")
    given = blocs.table["tier"] if hasattr(blocs, "table") else pd.Series(blocs, dtype=object)
    if "share" not in table.columns:
        return {}
    members = given.map(table["share"]).dropna().sort_index()
    return {
        "label": "Share by bloc",
        "shares": {str(code): round(float(share), 4) for code, share in members.items() if share > 0},
        "hide": [*_HIDE_STATES],
        **ranked(table, "share", [[None, str(bloc)] for bloc in table.index]),
    }


def _edges(table: pd.DataFrame, builder: Payload) -> dict[str, Any]:
    """Draw the links that matter most over the others."""
    column = next((name for name in _SITES if name in table.columns), None)
    known = builder.net.edges.index.intersection(table.index, sort=False)
    ends = builder.net.edges.loc[known, ["source", "target"]]
    drawn = ends["source"].isin(list(builder.place)) & ends["target"].isin(list(builder.place))
    first = table.loc[[edge for edge in table.index if drawn.get(edge, default=False)]].head(_RANKED)
    names = builder.nodes["name"]
    told = [f"{names[source]} → {names[target]}" for source, target in ends.loc[first.index].to_numpy()]
    return {
        "label": _label(column)[0] if column else "",
        "edges": [failures.what(builder, "edge", str(edge)) for edge in first.index],
        **ranked(first, column, [[{"edge": at}, name] for at, name in enumerate(told)]),
    }


def ranked(table: pd.DataFrame, column: str | None, names: Sequence[Sequence[Any]]) -> dict[str, Any]:
    """Return the rows of an answer as a list by size, each with its interval where that is known.

    Parameters
    ----------
    table
        The rows.
    column
        What they are measured by; its bounds are the columns ``*_low`` and ``*_high``.
    names
        Per row its place (number of a site, code of a country, a link, or nothing) and its name; the name of a site
        may be left to the page.
    """
    if column is None:
        return {}
    values = table[column].to_numpy(dtype=float)
    order = [row for row in (-values).argsort(kind="stable") if math.isfinite(values[row])][:_RANKED]
    bounds = [f"{column}_low", f"{column}_high"]
    low, high = table.reindex(columns=bounds if set(bounds) <= set(table.columns) else ["", " "]).to_numpy(float).T
    rows = [[*names[row], *(_rounded(part[row]) for part in (values, low, high))] for row in order]
    share = column in _OF_ONE
    return {"ranked": rows, "unit": "%" if share else _label(column)[1].strip(), "more": len(table) - len(rows)}


#: Figures of an answer that are parts of a whole, though their name does not say so.
_PARTS = {"top1", "top3", "n_minus_1", "n_minus_1_iea", "net_import_reliance", "import_reliance_eu"}
#: Columns that are parts of a whole, shown in per cent.
_OF_ONE = {"share", "loss_share", "net_import_reliance", "import_reliance_eu", "exposure"}


def _records(table: pd.DataFrame) -> list[dict[str, Any]]:
    return [{str(name): value for name, value in row.items()} for row in table.to_dict("records")]


def _rounded(value: float) -> float | None:
    return float(f"{value:.4g}") if math.isfinite(value) else None


#: Index names of rows that have a place on a map.
_PLACED = {"node", "passage", "country", "owner", "bloc", "edge", "process", "shipment"}


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
    other = "Draw it with .plot()" if plots.kinds(result) else "Read its .table"
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
        label, unit = _label(name)
        share = _is_share(name)
        told, *ends = (_told(part, share=share) for part in (value, *_interval(given, name)))
        bounds = f" ({' to '.join(ends)})" if ends and ends != [told, told] else ""
        found[label] = f"{told}{bounds}{' %' if share else unit}"
    return found


def _is_share(name: str) -> bool:
    """Return whether a figure is a part of a whole, to be told in per cent."""
    return "share" in name or name in _PARTS


def _words(row: Mapping[str, Any]) -> list[list[str]]:
    """Return labels and values for people, numbers with three digits that count."""
    out = []
    for name, value in row.items():
        if name in _PLAIN or isinstance(value, bool) or not isinstance(value, int | float) or pd.isna(value):
            continue
        if name.removesuffix("_low").removesuffix("_high") != name and _interval(row, name.rpartition("_")[0]):
            continue  # it stands behind the figure that it bounds
        label, unit = _label(name)
        share = _is_share(name)
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
    """Write a figure with three or four digits that count."""
    if share:
        return f"{100 * value:.3g}"
    return spaced(value) if abs(value) >= 1000 else f"{value:.3g}"


def _label(name: str) -> tuple[str, str]:
    """Return a column's name in words and its unit."""
    if name in _WORDS:
        return _WORDS[name]
    for ending, unit in _UNITS.items():
        if name.endswith(ending):
            return name.removesuffix(ending).replace("_", " ").capitalize(), unit
    return name.replace("_", " ").capitalize(), ""
