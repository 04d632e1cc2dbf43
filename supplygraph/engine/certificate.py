"""The proof that nothing more can be delivered: the limits that together hold the flow down."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from supplygraph.engine.expanded import Expanded, Floats, Ints
    from supplygraph.engine.limits import Limits, Quota, Scenario
    from supplygraph.engine.model import Model
    from supplygraph.engine.rows import Rows
    from supplygraph.engine.solver import Solution

_SHOWN = 1e-6


@dataclass(frozen=True, eq=False)
class Certificate:
    """A cut: what is demanded behind it, and all that can come through it.

    Attributes
    ----------
    table
        One row per member: ``item`` (id), ``kind`` (demand, factory, plant, site, edge, export limit, rule), ``name``,
        ``limit_t``, ``price`` (tonnes served more per tonne of limit; for demand the
        share of it that lies behind the cut), ``through_t`` = limit x price, ``closed`` and, where known, ``country``.
    unmet_t
        Demand behind the cut minus what comes through it: by weak duality nobody can leave less unmet.
    """

    table: pd.DataFrame
    unmet_t: float

    def words(self, *, most: int = 4) -> str:
        """Read the cut as one sentence."""
        if self.unmet_t <= 0 or not len(self.table):
            return "All demand can be served."
        table = self.table
        if "country" in table:
            where = table["country"].where(table["country"].isna(), ", " + table["country"]).fillna("")
            table = table.assign(name=table["name"] + where)
        behind = table[table["kind"] == "demand"]
        gates = table[table["kind"] != "demand"]
        shut = [str(item) for item in gates.loc[gates["closed"], "name"]]
        rules = [str(item) for item in gates.loc[gates["kind"] == "rule", "name"]]
        full = gates[~gates["closed"] & (gates["through_t"] > 0)].sort_values(
            ["through_t", "item"], ascending=[False, True]
        )
        asked, through = float(behind["through_t"].sum()), float(gates["through_t"].sum())
        parts = [f"{asked:,.0f} t are asked for behind the cut and at most {through:,.0f} t can come through it"]
        if len(full):
            limits = full.groupby("name", sort=False)["limit_t"].sum()  # a site may work several lines
            named = [f"{name} ({amount:,.0f} t)" for name, amount in limits.items()]
            parts.append("at their limit: " + _list(named, most))
        if shut:
            parts.append("closed: " + _list(sorted(set(shut)), most))
        if rules:
            parts.append("held back by the rule: " + _list(sorted(set(rules)), most))
        return f"{self.unmet_t:,.0f} t cannot be served: " + "; ".join(parts) + "."


def _list(names: list[str], most: int) -> str:
    more = len(names) - most
    return ", ".join(names[:most]) + (f" and {more} more" if more > 0 else "")


def certify(
    graph: Expanded, model: Model, left: Limits, scenario: Scenario, found: Solution,
    names: dict[str, str] | None = None,
) -> Certificate:
    """Read the cut off the duals of the least unmet demand."""
    rows, dual = model.rows, found.dual
    uses = model.uses
    # The dual of a demand row is the share of it behind the cut. Where the factory itself is closed or
    # scaled down, unmet demand has a floor: then all of it lies behind, and what the factory takes is a gate.
    floor = left.demand[uses] - left.intake[uses] > 0
    reduced = found.reduced[model.unmet]
    own = np.where(floor & (reduced > 0), reduced, 0.0)
    reach = dual[rows.intake[uses]] + own + np.minimum(reduced, 0.0)
    frames = [
        _part(graph, "demand", uses, left.demand[uses], reach, left.intake[uses] <= 0),
        _part(graph, "factory", uses, left.intake[uses], own, left.intake[uses] <= 0),
    ]
    for kind, ids, limit, numbers in _limits(graph, rows, left):
        frames.append(_rows(kind, ids, limit, -dual[numbers], (limit <= 0) & (kind != "rule")))
    shut = np.flatnonzero(scenario.closed_node)
    frames.append(_rows("site", graph.nodes[shut], np.zeros(len(shut)), np.ones(len(shut)), np.ones(len(shut)) > 0))
    shut = np.flatnonzero(scenario.closed_arc)
    frames.append(_rows("edge", graph.edges[shut], np.zeros(len(shut)), np.ones(len(shut)), np.ones(len(shut)) > 0))
    table = pd.concat([frame for frame in frames if len(frame)] or frames[:1], ignore_index=True)
    table["name"] = table["item"].map(lambda item: (names or {}).get(item, item))
    return Certificate(table, max(found.objective * model.unit, 0.0))


def _limits(graph: Expanded, rows: Rows, left: Limits) -> list[tuple[str, pd.Index, Floats, Ints]]:
    """Return every limit of the program: its kind, ids, tonnes and row numbers."""
    made = np.flatnonzero(rows.output >= 0)
    builds = np.flatnonzero((rows.intake >= 0) & graph.is_build)
    found = [
        ("plant", graph.processes[made], left.output[made], rows.output[made]),
        ("plant", graph.processes[builds], left.intake[builds], rows.intake[builds]),
    ]
    for kind, numbers, ids, limits in (
        ("site", rows.node, graph.nodes, left.node), ("edge", rows.arc, graph.edges, left.arc)
    ):
        there = np.flatnonzero(numbers >= 0)
        found.append((kind, ids[there], limits[there], numbers[there]))
    rules = pd.Index([rule.label for rule in rows.rules], dtype="str")
    found.append(("rule", rules, np.zeros(len(rules)), rows.rule))
    exports = pd.Index([_export(graph, quota) for quota in rows.quotas], dtype="str")
    found.append(("export limit", exports, np.array([quota.limit for quota in rows.quotas]), rows.quota))
    return found


def shadow_prices(graph: Expanded, left: Limits, duals: dict[str, tuple[Rows, Floats]]) -> pd.DataFrame:
    """Return what one tonne more of each limit is worth, in one column per program given; zeros left out.

    Columns ``kind``, ``item``, ``limit_t`` and the names in ``duals``. A marginal price, good for a small change
    only; where several prices prove the optimum it is one of them.
    """
    parts = []
    for name, (rows, dual) in duals.items():
        for kind, ids, limit, numbers in _limits(graph, rows, left):
            price = -dual[numbers]
            on = np.abs(price) > _SHOWN
            parts.append(pd.DataFrame({
                "kind": kind, "item": np.asarray(ids[on], dtype=object), "limit_t": limit[on], "price": price[on],
                "what": name,
            }))  # fmt: skip
    table = pd.concat(parts, ignore_index=True)
    wide = table.pivot_table(index=["kind", "item", "limit_t"], columns="what", values="price", sort=True)
    return wide.reindex(columns=list(duals)).fillna(0.0).rename_axis(columns=None).reset_index()


def _export(graph: Expanded, quota: Quota) -> str:
    to = f" to {graph.countries[quota.destination]}" if quota.destination >= 0 else ""
    return f"exports of {graph.products[quota.product]} from {graph.countries[quota.origin]}{to}"


def _part(
    graph: Expanded, kind: str, processes: Ints, limit: Floats, price: Floats, closed: np.ndarray
) -> pd.DataFrame:
    return _rows(kind, graph.processes[processes], limit, price, closed)


def _rows(kind: str, ids: pd.Index, limit: Floats, price: Floats, closed: np.ndarray) -> pd.DataFrame:
    on = np.abs(price) > _SHOWN
    return pd.DataFrame({
        "item": np.asarray(ids[on], dtype=object), "kind": kind, "limit_t": limit[on], "price": price[on],
        "through_t": np.where(limit[on] > 0, limit[on] * price[on], 0.0), "closed": np.asarray(closed)[on],
    }).astype({"item": "str"})
