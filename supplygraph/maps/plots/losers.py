"""Who goes without: after an attack, after a rerouting, and because of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from supplygraph.errors import UnknownNameError
from supplygraph.maps.plots import rows, style, words
from supplygraph.maps.plots.rows import Row

if TYPE_CHECKING:
    from collections.abc import Sequence

_BY = ("node", "country")
#: Tonnes under this are what rounding leaves.
_NOTHING = 1e-6


def attacked(result: Any, *, size: str, ax: Any, top: int, by: str = "node") -> Any:
    """Draw what each site (country) loses when all of the set fail together."""
    losses = result.tables["losses"]
    frame = pd.DataFrame(losses if len(losses.columns) else [], columns=["name", "country", "demand_t", "lost_t"])
    proved = "proved the worst set" if result.figures["proved"] else (
        f"not proved: another set may cost up to {style.tonnes(result.figures['bound_t'])}"
    )
    names = ", ".join(str(name) for name in result.table["name"]) or "Nothing"
    total = style.tonnes(result.figures["loss_t"])
    return _draw(result, frame, "lost_t", "demand_t", by, size, ax, top,
                 f"{names}: {total} of {style.tonnes(result.figures['delivered_t'])} a year lost, {proved}",
                 "demand lost", [("whole", "demand")])  # fmt: skip


def unmet(result: Any, *, size: str, ax: Any, top: int, by: str = "node") -> Any:
    """Draw the demand of each site (country) that stays unmet after rerouting."""
    figures, zoned = result.figures, result.figures["zone_demand_t"] > 0
    told = f"{style.tonnes(figures['unmet_t'])} of {style.tonnes(figures['demand_t'])} a year unmet"
    if zoned:
        told += f"; in the zone {style.tonnes(figures['zone_unmet_t'])} of {style.tonnes(figures['zone_demand_t'])}"
    legend = [*_zone(zoned), ("whole", "demand")]
    return _draw(result, result.tables["unmet"], "unmet_t", "demand_t", by, size, ax, top, told, "unmet demand", legend)


def displaced(result: Any, *, size: str, ax: Any, top: int, by: str = "node") -> Any:
    """Draw the tonnes of each site (country) that the rerouting itself takes away."""
    frame, against = result.tables["displaced"], result.figures["displaced_from"]
    total = style.tonnes(float(frame["displaced_t"].sum()))
    legend = [*_zone(result.figures["zone_demand_t"] > 0), ("whole", "would receive")]
    return _draw(result, frame, "displaced_t", "without_t", by, size, ax, top,
                 f"{total} a year go to others; pale: what each would receive {against}", "displaced demand", legend)


def over_time(result: Any, *, size: str, ax: Any, top: int) -> Any:
    """Draw the demand that stays unmet from each day on; the last days where not all fit."""
    table = result.table.assign(new=_changes(result.table["what"])).tail(top)
    scale, unit = style.unit_of(float(table["unmet_t"].max()))
    drawn = [
        Row(f"{day} {row['new']}", row["unmet_t"] / scale, _label(row["unmet_t"], row["demand_t"]),
            look="light" if row["upper_bound"] else "main")
        for day, row in zip(table.index, table.to_dict("records"), strict=True)
    ]  # fmt: skip
    legend = [("light", "upper bound (licences)")] if table["upper_bound"].any() else []
    asked = style.tonnes(float(table["demand_t"].max()))
    told = f"Unmet after the best rerouting of today's network, under all that holds; of {asked} a year"
    with style.look(style.size_of(size)):
        sheet = style.Sheet(size, ax, rows=len(drawn))
        rows.draw(sheet, drawn, f"unmet demand, {unit} a year", legend)
        sheet.finish(result.title, told, _caption(result))
    return sheet.axes


def policies(result: Any, *, size: str, ax: Any, top: int) -> Any:
    """Draw what stays unmet under each policy, beside what the same shock leaves without one."""
    table = result.table.head(top)
    zoned = bool(result.params["as_of"])
    column, whose = ("zone_unmet_t", "in the zone") if zoned else ("unmet_t", "in the world")
    scale, unit = style.unit_of(float(table["unmet_t"].max()))
    drawn = [
        Row(str(name), row[column] / scale, _label(row["unmet_t"], row["demand_t"]), whole=row["unmet_t"] / scale)
        for name, row in table.iterrows()
    ]
    legend = [("main", "in the zone"), ("whole", "in the world")] if zoned else []
    left = len(result.table) - len(table)
    told = f"Unmet {whose} after rerouting, same shock for all; in words: the world"
    with style.look(style.size_of(size)):
        sheet = style.Sheet(size, ax, rows=len(drawn))
        rows.draw(sheet, drawn, f"unmet demand, {unit} a year", legend)
        tail = f"{left} more policies not shown" if left > 0 else ""
        sheet.finish(result.title, told, words.caption(
            f"Contained tonnes a year, {words.years(result.network)}", tail,
            words.intervals(result.params, drawn=False, can=False), words.source(result.network)))  # fmt: skip
    return sheet.axes


def defended(result: Any, *, size: str, ax: Any, top: int) -> Any:
    """Draw the loss of the worst attack before and after the defence."""
    figures = result.figures
    scale, unit = style.unit_of(max(figures["before_t"], figures["loss_t"]))
    names = [str(name) for name in result.table["name"].head(top)]
    drawn = [
        Row("Nothing protected", figures["before_t"] / scale, style.tonnes(figures["before_t"]), look="rest"),
        Row("Protected", figures["loss_t"] / scale, style.tonnes(figures["loss_t"])),
    ]
    proof = "proved" if figures["proved"] else f"not proved, at best {style.tonnes(figures['bound_t'])}"
    with style.look(style.size_of(size)):
        sheet = style.Sheet(size, ax, rows=len(drawn))
        rows.draw(sheet, drawn, f"demand lost to the worst attack, {unit} a year")
        sheet.finish(result.title, f"Protect {', '.join(names) or 'nothing'} ({proof})", _caption(result))
    return sheet.axes


def _changes(what: pd.Series) -> list[str]:
    """Return what begins on each day, or ends where nothing begins."""
    told, before = [], set[str]()
    for words_ in what:
        now = set(str(words_).split("; "))
        begins, ends = sorted(now - before), sorted(before - now)
        told.append("; ".join(begins or [f"no more: {one}" for one in ends]) or str(words_))
        before = now
    return told


def _zone(zoned: object) -> list[tuple[str, str]]:
    return [("more", "in the zone"), ("outside", "outside")] if zoned else []


def _draw(
    result: Any, frame: pd.DataFrame, column: str, whole: str, by: str, size: str, ax: Any, top: int, told: str,
    what: str, legend: Sequence[tuple[str, str]],
) -> Any:  # fmt: skip
    if by not in _BY:
        raise UnknownNameError.of("grouping", by, _BY)
    table = _grouped(frame, column, whole, by, words.country_names(result.network))
    table = table[table[column] > _NOTHING].sort_values([column, "name"], ascending=[False, True], kind="stable")
    shown, rest = table.head(top), table.iloc[top:]
    scale, unit = style.unit_of(float(table[whole].head(top).max()) if len(shown) else 1.0)
    zoned = bool(_zone(any(look == "outside" for look, _ in legend)))
    drawn = [
        Row(str(row["name"]), row[column] / scale, _label(row[column], row[whole]), whole=row[whole] / scale,
            look="more" if row["zone"] or not zoned else "outside",
            tail=words.tail(row["name"], row["country"]) if by == "node" else "")
        for row in shown.to_dict("records")
    ]  # fmt: skip
    if len(rest):
        lost, asked = float(rest[column].sum()), float(rest[whole].sum())
        many = "sites" if by == "node" else "countries"
        told_ = f"{len(rest)} other {many}"
        drawn.append(Row(told_, lost / scale, _label(lost, asked), whole=asked / scale, look="rest"))
    with style.look(style.size_of(size)):
        sheet = style.Sheet(size, ax, rows=len(drawn))
        rows.draw(sheet, drawn or [Row("Nobody", 0.0, "0 t")], f"{what}, {unit} a year", legend)
        sheet.finish(result.title, told, _caption(result))
    return sheet.axes


def _grouped(frame: pd.DataFrame, column: str, whole: str, by: str, names: Any) -> pd.DataFrame:
    """Return tonnes by site, or summed by country; a site without a country stays apart."""
    table = frame[["name", "country", column, whole]].assign(zone=frame.get("zone", True))
    if by == "node":
        return table.reset_index(drop=True)
    state = table["country"].where(table["country"].notna(), "")
    table = table.assign(country=state).groupby("country", sort=True).agg(
        {column: "sum", whole: "sum", "zone": "any"}).reset_index()  # fmt: skip
    return table.assign(name=[str(names.get(code, code)) if code else "No known country" for code in table["country"]])


def _label(part: float, whole: float) -> str:
    return f"{style.tonnes(part)} ({style.percent(part / whole)})" if whole > 0 else style.tonnes(part)


def _caption(result: Any) -> str:
    params, net = result.params, result.network
    rule = {"proportional": "who goes without: all customers of a supplier alike"}.get(
        params["rationing"], f"who goes without: {str(params['rationing']).replace('_', ' ')}")  # fmt: skip
    return words.caption(f"Contained tonnes a year, {words.years(net)}", f"An assumption: {rule}",
                         _sure(result), words.doubt(net), words.source(net))  # fmt: skip


def _sure(result: Any) -> str:
    """Say how sure the tonnes are: a set has the interval of its whole loss, a rerouting has none."""
    low, high = (result.figures.get(f"loss_t_{end}") for end in ("low", "high"))
    if low is None or high is None:
        return words.intervals(result.params, drawn=False, can="k" in result.params)
    ends = f"The loss is {style.tonnes(low)} to {style.tonnes(high)}"
    return words.intervals(result.params, drawn=True, what=ends)
