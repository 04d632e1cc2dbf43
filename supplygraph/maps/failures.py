"""What chokepoints add to the map: per item that may fail what is lost, who loses, who steps in, what stops.

Every number is written once: a loser's share is worked out on the page from its demand, what the rest still delivers
from what is delivered today. A missing number stays ``None`` and reads "not computed"; it is never a zero.
The reading side is ``assets/failures.js``.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from supplygraph.errors import DataError, Problem
from supplygraph.maps import lanes
from supplygraph.maps.carried import sea_lines
from supplygraph.maps.layers import spaced
from supplygraph.maps.pack import pack, short, tonne
from supplygraph.network import schema

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from supplygraph.maps.layers import Payload

#: Figures of an item, in the order of a row.
_FIGURES = (
    "loss_t", "throughput_t", "zone_loss_t", "loss_short_t", "loss_existing_t", "days", "km", "cost_usd_t",
    "betweenness", "dominates", "dominates_t", "in_min_cut",
)  # fmt: skip
#: Losers kept per item (all of them are marked on the map), and plants and shipments.
_LOSERS, _FEW = 40, 6
#: Edges kept beside those that cost anything.
_EDGES = 12
_METHODS = {
    "max flow, exact": "exact, by maximum flow",
    "linear program, exact": "exact, by linear programming",
    "max flow, at least": "a lower bound, by maximum flow",
}
#: Groupings that fill countries.
_STATES = {"country", "owner"}
_GROUPS = {"mine": "supply", "refinery": "supply", "port": "supply", "passage": "strait", "factory": "use"}


def tells(result: Any) -> bool:
    """Return whether an answer says what single failures cost."""
    return {"loss_t", "throughput_t", "method", "residual"} <= set(result.table.columns)


def together(results: Sequence[Any]) -> None:
    """Refuse answers that do not belong on one map.

    Raises
    ------
    DataError
        If one is no answer about single failures, or they differ in network, demand or shock; lists every problem.
    """
    first, problems = results[0], []
    for number, result in enumerate(results):
        where = f"beside, answer {number}" if number else "the answer"
        if not tells(result):
            remedy = "Give answers of chokepoints()."
            problems.append(Problem(where, f"is a {type(result).__name__}, not about single failures", remedy))
            continue
        problems += [
            Problem(where, f"has another {what}", "Ask all of the same network, demand and shock.")
            for what in ("demand", "shock")
            if result.params.get(what) != first.params.get(what)
        ]
        by = result.params["by"]
        for other in results[:number]:
            same = tells(other) and (other.params["by"] == by or {other.params["by"], by} == _STATES)
            if same:
                problems.append(Problem(where, f"is by {by}, another by {other.params['by']}", "Give one of the two."))
        if result.network is None or first.network is None or result.network.fingerprint != first.network.fingerprint:
            problems.append(Problem(where, "is about another network", "Ask all of the same network."))
    if problems:
        raise DataError("these answers do not go on one map", problems)


def start(result: Any) -> dict[str, Any] | None:
    """Return the scenario on top of which items fail, where that is not what the network ships today."""
    plan: pd.DataFrame | None = result.plan
    shock = result.params.get("shock")
    name = f"After {shock}" if shock else "As much demand met as can be"
    return None if plan is None else {"name": name, "shipments": plan}


def figures(result: Any) -> dict[str, str]:
    """Return what the panel says of the network while nothing fails."""
    delivered = result.figures.get("delivered_t", math.nan)
    return {"Delivered while nothing fails": f"{spaced(delivered)} t a year"} if math.isfinite(delivered) else {}


def fill(result: Any) -> str:
    """Return what countries are coloured by at first: what their failure costs where that was asked, else nothing."""
    known = result.table["loss_share"].notna().any()
    return "answer" if result.params["by"] in _STATES and known else "none"


def overlay(results: Sequence[Any], builder: Payload) -> dict[str, Any]:
    """Return what the page shows of answers about single failures.

    Parameters
    ----------
    results
        Answers of ``chokepoints`` that belong together, the main one first.
    builder
        The drawn network.
    """
    first = results[0]
    base = int(start(first) is not None)
    writer = _Writer(builder, builder.scenarios[base][1])
    items = [row for result in results for row in writer.rows(result)]
    params = first.params
    return {
        "by": params["by"],
        "base": base,
        "delivered": tonne(first.figures.get("delivered_t")),
        "years": years(builder),
        "zone": str(params["zone"]),
        "whose": ", ".join(params["demand"] or ()),
        "ramp": params["ramp"],
        "methods": writer.methods,
        "demand": writer.demand,
        "items": items,
        "edges": writer.edges,
        "undrawn": writer.undrawn,
        "top": params["top"],
    }


def years(builder: Payload) -> str:
    """Return the years that a network's plants are about, in words."""
    found = sorted({int(year) for year in builder.processes["year"].dropna()})
    return f"{found[0]}–{found[-1]}" if len(found) > 1 else str(found[0]) if found else ""


def methods(words: str) -> str:
    """Return how a figure was found, for people."""
    known, _, why = words.partition(": ")
    return _METHODS.get(known, known) + (f", since {why}" if why else "")


def what(builder: Payload, by: str, item: str) -> Any:
    """Return what an item is on the page: the number of a site, the code of a country, or the line of an edge."""
    if by in {"node", "passage"}:
        return builder.place[item]
    if by != "edge":
        return item
    edge = builder.net.edges.loc[[item]]
    source, target, product, mode = edge[["source", "target", "product", "mode"]].iloc[0]
    line = sea_lines(edge, builder.nodes)[item] if mode == "sea" else None
    steps = [] if line is None else np.diff(lanes.thin(lanes.unwrap(line)), axis=0, prepend=0).ravel().tolist()
    return [builder.place[source], builder.place[target], builder.number.get(product, -1), mode, pack(steps)]


class _Writer:
    """Writes items as rows; demand of losers and words on methods are gathered once for all."""

    def __init__(self, builder: Payload, shipments: pd.DataFrame) -> None:
        self.builder = builder
        self.shipments = shipments
        self.place = builder.place
        self.methods: list[list[Any]] = []
        self.demand: dict[str, Any] = {}
        self.edges = self.undrawn = 0
        self.written: list[Any] = []

    def rows(self, result: Any) -> list[list[Any]]:
        """Return a row per item that the map can show, in the order of the answer."""
        by, table = result.params["by"], result.table
        chosen = self._chosen(by, table)
        if by == "edge":
            self.edges = len(table)
        else:
            self.undrawn += len(table) - len(chosen)
        lost, more, cut_off = (self._told(result, name, column) for name, column in (
            ("losses", "lost_t"), ("gains", "more_t"), ("dominated", "demand_t")))  # fmt: skip
        stops = self._stops(by, chosen)
        numbers = chosen[list(_FIGURES)].to_numpy(dtype=float).tolist()
        out = []
        for item, row, figures in zip(chosen.index, chosen.to_dict("records"), numbers, strict=True):
            lists = [
                self._list(lost, item, _LOSERS), self._list(more, item, _FEW), self._list(cut_off, item, _FEW),
                self._shipments(stops.get(item)),
            ]  # fmt: skip
            group = "unnamed" if row["residual"] else _GROUPS.get(row["kind"], by)
            place = what(self.builder, by, item)
            if place in self.written:
                continue  # a strait by node and by passage
            self.written.append(place)
            out.append([place, group, self._method(row["method"]), [tonne(value) for value in figures], *lists])
        return out

    def _chosen(self, by: str, table: pd.DataFrame) -> pd.DataFrame:
        """Return the rows that have a place on this map."""
        if by in {"node", "passage"}:
            return table[table.index.isin(list(self.place))]
        if by != "edge":
            return table
        ends = self.builder.net.edges.loc[table.index, ["source", "target"]].isin(list(self.place)).all(axis=1)
        drawn = table[ends.to_numpy()]
        return drawn[(drawn["loss_t"] > 0).to_numpy() | (np.arange(len(drawn)) < _EDGES)]

    def _method(self, words: str) -> int:
        """Return the number of a method; a bound is told from an exact figure."""
        entry = [methods(words), int("at least" in words.partition(": ")[0])]
        if entry not in self.methods:
            self.methods.append(entry)
        return self.methods.index(entry)

    def _told(self, result: Any, name: str, column: str) -> dict[str, list[tuple[str, float]]] | None:
        """Return sites and tonnes by item from a table of the answer; None where that was not computed."""
        table = result.tables.get(name)
        if table is None or column not in table.columns:
            return None
        if name == "losses":
            demand = table.drop_duplicates("node")
            self.demand |= {
                str(self.place[node]): tonne(asked)
                for node, asked in zip(demand["node"], demand["demand_t"], strict=True)
                if node in self.place
            }
        found: dict[str, list[tuple[str, float]]] = {}
        sums = table.groupby(["item", "node"], sort=False)[column].sum()
        for (item, node), value in sums.items():
            found.setdefault(item, []).append((node, float(value)))
        return found

    def _list(self, told: dict[str, list[tuple[str, float]]] | None, item: str, most: int) -> str | None:
        """Write how many there are, then site and tonnes of the first ones."""
        if told is None:
            return None
        rows = told.get(item, [])
        drawn = [(self.place[node], value) for node, value in rows if node in self.place][:most]
        return pack([len(rows), *(part for node, value in drawn for part in (node, short(value)))])

    def _stops(self, by: str, chosen: pd.DataFrame) -> dict[str, pd.DataFrame]:
        """Return, by item, who ships what to whom through it, the most first."""
        shipments = self.shipments
        touched = _touched(by, self.builder, shipments)
        touched = touched[touched["item"].isin(chosen.index)]
        ends = {side: shipments[side].map(self.builder.at) for side in ("origin", "destination")}
        rows = touched.join(shipments[["product", "flow_t"]].assign(**ends), on="row")
        keys = ["item", "origin", "destination", "product"]
        sums = rows.groupby(keys)["flow_t"].sum().reset_index()
        sums = sums.sort_values(["item", "flow_t", *keys[1:]], ascending=[True, False, True, True, True])
        return {str(item): group for item, group in sums.groupby("item", sort=False)}

    def _shipments(self, stops: pd.DataFrame | None) -> str:
        """Write how many pairs ship through an item, then from, to, product and tonnes of the largest."""
        if stops is None:
            return pack([0])
        first = stops.head(_FEW)
        columns = zip(*(first[name] for name in ("origin", "destination", "product", "flow_t")), strict=True)
        return pack([len(stops), *(
            part for a, b, product, flow in columns
            for part in (self.place[a], self.place[b], self.builder.number[product], short(flow))
        )])  # fmt: skip


def _touched(by: str, builder: Payload, shipments: pd.DataFrame) -> pd.DataFrame:
    """Return pairs (row of a shipment, item that it touches), each once."""
    net = builder.net
    ends = [shipments[side].map(builder.at) for side in ("origin", "destination")]
    if by == "owner":
        held = net.owners.reset_index()[["node", "owner"]].rename(columns={"owner": "item"})
        at = pd.concat(ends).rename("node").rename_axis("row").reset_index()
        owned = at.merge(held, on="node")
        return _pairs(owned["row"], owned["item"])
    legs = shipments["route"].dropna().str.split(schema.LIST_SEPARATOR).explode()
    if by == "edge":
        return _pairs(legs.index, legs)
    way = net.edges[["source", "target"]].reindex(legs.to_numpy())
    rows = np.concatenate([legs.index, legs.index, *(end.index for end in ends)])
    node = pd.Series(np.concatenate([way["source"], way["target"], *ends]))
    return _pairs(rows, node.map(net.nodes["country"]) if by == "country" else node)


def _pairs(rows: Iterable[Any], items: Iterable[Any]) -> pd.DataFrame:
    return pd.DataFrame({"row": np.asarray(rows), "item": np.asarray(items, dtype=object)}).dropna().drop_duplicates()
