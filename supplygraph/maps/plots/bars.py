"""Ranked bars of who has how much of a stage, which sites that comes from, and what single failures cost."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import pandas as pd

from supplygraph.errors import UnknownNameError
from supplygraph.maps.plots import rows, style, words
from supplygraph.maps.plots.rows import Row, interval
from supplygraph.maps.theme import COLOURS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_KINDS = {"country": ("country", "countries"), "owner": ("owner country", "owner countries"), "bloc": ("bloc", "blocs"),
          "node": ("site", "sites")}  # fmt: skip
#: Columns of failures that can be drawn: what they say, and how a value is written.
_FAILURES: dict[str, tuple[str, Callable[[float], str]]] = {
    "loss_t": ("demand that nobody can deliver any more", style.tonnes),
    "zone_loss_t": ("the zone's part, when every supplier cuts all its customers alike", style.tonnes),
    "loss_existing_t": ("demand lost if only those who trade today may trade more", style.tonnes),
    "loss_short_t": ("demand lost if plants can only ramp up so much", style.tonnes),
    "throughput_t": ("tonnes that go through it today", style.tonnes),
    "days": ("extra days per tonne still delivered", lambda value: f"{style.two(value)}{style.GAP}days"),
}
#: Site kinds of a centrality whose parts do not add up, since a tonne passes several.
_OVERLAP = ("nodes", "edges", "passages")


def concentration(result: Any, *, size: str, ax: Any, top: int) -> Any:
    """Draw the shares of a stage, largest first, then the sum of the others and what has no name."""
    table, by = result.table, result.params["by"]
    named, states = names(result.network, by), _states(result, by)
    drawn = [
        Row(str(named.get(key, key)), 100 * share, style.percent(share) + interval(low, high, style.percent),
            100 * low, 100 * high, tail=words.tail(named.get(key, key), states.get(key)))
        for key, share, low, high in _bounded(table.head(top), "share")
    ]  # fmt: skip
    rest = table.iloc[top:]
    if len(rest):
        share = math.fsum(rest["share"])
        drawn.append(Row(_count(len(rest), by), 100 * share, style.percent(share), look="rest"))
    unknown, low, high = (float(result.figures.get(f"unknown_share{end}", math.nan)) for end in ("", "_low", "_high"))
    if unknown > 1e-9:
        if "draws" not in result.params:
            low = high = math.nan
        label = style.percent(unknown) + interval(low, high, style.percent)
        drawn.append(Row("No known name", 100 * unknown, label, 100 * low, 100 * high, "unknown"))
    with style.look(style.size_of(size)):
        sheet = style.Sheet(size, ax, rows=len(drawn))
        rows.draw(sheet, drawn, f"share of {stage(result)}, %")
        said = f"{hhi(result)}; three largest {style.percent(result.top3)}"
        others = "The sum of the others has no interval" if len(rest) and _drawn(drawn) else ""
        sheet.finish(result.title, said, words.caption(
            what(result), words.intervals(result.params, drawn=_drawn(drawn)), others, *tail(result)))
    return sheet.axes


def centrality(result: Any, *, size: str, ax: Any, top: int) -> Any:
    """Draw the part of the concentration that each site accounts for, largest first."""
    table, of = result.table, result.params.get("of", "refining")
    known = words.number(table, "centrality")
    listed = table.assign(centrality=known)
    listed = listed.sort_values("centrality", ascending=False, kind="stable", na_position="last")
    shown = listed.head(top)
    drawn = [
        _row(str(name), value, low, high, style.two, place=country)
        for (_, value, low, high), name, country in zip(
            _bounded(shown, "centrality"), shown["name"], shown["country"], strict=True
        )
    ]
    rest = listed["centrality"].iloc[top:]
    adds = of not in _OVERLAP
    if len(rest) and adds:
        total = math.fsum(rest.dropna())
        drawn.append(Row(_count(len(rest), "node"), total, style.two(total), look="rest"))
    with style.look(style.size_of(size)):
        sheet = style.Sheet(size, ax, rows=len(drawn))
        rows.draw(sheet, drawn, "centrality: part of the HHI" if _plain(result) else "centrality")
        whole = "the parts add up to it" if adds else "parts overlap: a tonne may pass several"
        sheet.finish(result.title, f"{hhi(result)}; {whole}", words.caption(
            what(result), words.intervals(result.params, drawn=_drawn(drawn)),
            "The sum of the others has no interval" if adds and len(rest) and _drawn(drawn) else "",
            *_left(listed, top, adds=adds), *tail(result)))  # fmt: skip
    return sheet.axes


def factories(result: Any, *, size: str, ax: Any, top: int) -> Any:
    """Draw how concentrated the supply of each factory (country) is, the largest takers first."""
    table = result.table.sort_values("weight", ascending=False, kind="stable")
    shown = table.head(top)
    named = shown.get("name", shown.index)
    states = shown["country"] if "country" in shown and shown.index.name == "node" else [None] * len(shown)
    has = "draws" in result.params  # what is not of draws is a bound of the unknown rest, not an interval
    drawn = [
        _row(str(name), value, low if has else math.nan, high if has else math.nan, style.two,
             f", mostly {most}" if isinstance(most, str) else "", place=state)
        for (_, value, low, high), name, state, most in zip(
            _bounded(shown, "hhi"), named, states, shown["largest"], strict=True)
    ]  # fmt: skip
    with style.look(style.size_of(size)):
        sheet = style.Sheet(size, ax, rows=len(drawn))
        rows.draw(sheet, drawn, "HHI of what each receives, 1: all from one")
        sheet.axes.set_xlim(0, 1)
        sheet.finish(result.title, f"{hhi(result)} of the stage; the largest takers first", words.caption(
            what(result), words.intervals(result.params, drawn=_drawn(drawn)), *_left(table, top, adds=False),
            *tail(result)))  # fmt: skip
    return sheet.axes


def failures(result: Any, *, size: str, ax: Any, top: int, column: str | None = None) -> Any:
    """Draw what single failures cost; straits by the days they add, all others by tonnes."""
    by = result.params["by"]
    column = ("days" if by == "passage" else "loss_t") if column is None else column
    if column not in _FAILURES or column not in result.table.columns:
        raise UnknownNameError.of("column", column, [name for name in _FAILURES if name in result.table.columns])
    said, write = _FAILURES[column]
    table = result.table
    residual = table["residual"].fillna(False).astype(bool) if "residual" in table else pd.Series(False, table.index)
    table = table.assign(_rest=residual, _value=words.number(table, column))
    table = table.sort_values(["_rest", "_value"], ascending=[True, False], kind="stable", na_position="last")
    shown = table.head(top)
    largest = float(shown["_value"].abs().max()) if shown["_value"].notna().any() else 0.0
    scale, unit = (1.0, "days") if column == "days" else style.unit_of(largest)
    delivered = float(result.figures["delivered_t"])
    drawn = []
    for (_, value, low, high), name, country, rest in zip(
        _bounded(shown, column), shown["name"], shown["country"], shown["_rest"], strict=True
    ):
        state = country if by not in ("country", "owner") else None
        part = f", {style.percent(value / delivered)}" if column.startswith("loss") and delivered > 0 else ""
        look = "unknown" if rest else "main"
        drawn.append(_row(str(name), value, low, high, write, part, look=look, scale=scale, place=state))
    with style.look(style.size_of(size)):
        sheet = style.Sheet(size, ax, rows=len(drawn))
        legend = [("main", "named"), ("unknown", "unnamed rest")] if shown["_rest"].any() else []
        rows.draw(sheet, drawn, f"{said}, {unit}{'' if column == 'days' else ' a year'}", legend)
        told = f"Each fails alone, after the best rerouting; {style.tonnes(delivered)} a year are delivered today"
        sheet.finish(result.title, told,
                     words.caption(what(result), words.intervals(result.params, drawn=_drawn(drawn)),
                                   *_left(table, top, adds=False), *tail(result)))  # fmt: skip
    return sheet.axes


def supply_risk(result: Any, *, size: str, ax: Any, top: int) -> Any:
    """Draw the EU's supply risk of each stage; bounds are those of the unnamed rest, or of draws."""
    shown = result.table.head(top)
    drawn = [_row(f"{key}", value, low, high, style.two) for key, value, low, high in _bounded(shown, "sr")]
    with style.look(style.size_of(size)):
        sheet = style.Sheet(size, ax, rows=len(drawn))
        rows.draw(sheet, drawn, "supply risk, no unit")
        sheet.axes.axvline(1.0, color=COLOURS["closed"], linestyle="--", linewidth=0.08 * sheet.size.text)
        ends = "Whiskers: bounds over what has no known name" if _drawn(drawn) else ""
        told = "Dashed: 1, from which the EU counts a material as critical"
        sheet.finish(result.title, told, words.caption(ends, *tail(result)))
    return sheet.axes


def _row(name: str, value: float, low: float, high: float, write: Callable[[float], str], more: str = "", *,
         look: str = "main", scale: float = 1.0, place: object = None) -> Row:  # fmt: skip
    """Return a row; one whose value is missing says so."""
    tail = words.tail(name, place)
    if math.isnan(value):
        return Row(name, math.nan, rows.NOT_COMPUTED, tail=tail)
    label = write(value) + interval(low, high, write) + more
    return Row(name, value / scale, label, low / scale, high / scale, look, tail=tail)


def _bounded(table: pd.DataFrame, column: str) -> list[tuple[str, float, float, float]]:
    """Return key, value and both bounds; both bounds are missing unless both are known."""
    value, low, high = (words.number(table, column + end) for end in ("", "_low", "_high"))
    whole = low.notna() & high.notna()
    return list(zip(table.index, value, low.where(whole), high.where(whole), strict=True))


def _drawn(drawn: list[Row]) -> bool:
    return any(row.bounded for row in drawn)


def names(net: Any, by: str) -> Mapping[str, str]:
    """Return the names of suppliers, by what they are counted."""
    if by in ("country", "owner"):
        return words.country_names(net)
    return words.site_names(net) if by == "node" else {}


def _states(result: Any, by: str) -> Mapping[str, str]:
    """Return the country of each site, where rows are sites."""
    if by != "node" or result.network is None:
        return {}
    states: dict[str, str] = result.network.nodes["country"].dropna().to_dict()
    return states


def _count(number: int, by: str) -> str:
    one, many = _KINDS[by]
    return f"{number} other {one if number == 1 else many}"


def stage(result: Any) -> str:
    """Say what the shares are of."""
    final = result.params.get("weight") == "demand"
    asked = str(result.params["stage"])
    return f"final demand, by its last {asked}" if final else asked


def _plain(result: Any) -> bool:
    return bool(result.params.get("kernel", "same") == "same")


def hhi(result: Any) -> str:
    """Write the index and the effective number, with the interval of the index where draws gave one."""
    figures = result.figures
    if math.isnan(figures["hhi"]):
        return "HHI not known"
    told = f"HHI {figures['hhi']:.2f}"
    if "draws" in result.params and "hhi_low" in figures:
        told += f" ({figures['hhi_low']:.2f} to {figures['hhi_high']:.2f})"
    return f"{told}, effective number {style.two(figures['effective_n'])}"


def _left(table: pd.DataFrame, top: int, *, adds: bool) -> list[str]:
    """Say how many rows are not drawn."""
    more = len(table) - top
    return [] if more <= 0 or adds else [f"{more} more in .table"]


def what(result: Any) -> str:
    """Name the quantity and its year."""
    net, asked = result.network, result.params.get("stage")
    if net is None:
        unit = result.params.get("unit")
        return "Shares as given, year as given" if unit in ("share", "pct") else "Quantities and year as given"
    return f"Contained tonnes a year, {words.years(net, asked)}"


def tail(result: Any) -> list[str]:
    """Say how good the figures are, and of which network."""
    net = result.network
    estimated = [] if net is None else [words.doubt(net, result.params.get("stage"))]
    return [*estimated, words.source(net)]
