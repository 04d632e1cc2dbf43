"""Chokepoints: which single failures hurt, whom, and by how much, after the best rerouting.

``loss_t`` is the demand that can no longer be met when an item fails completely and everybody else
reroutes as well as they can: plants up to their capacity, any open route, any possible pair of
supplier and customer. With the books closed it is near the item's throughput; what it does to one
zone, and the days and the cost that a detour adds, tell more.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from supplygraph.engine.paths import RELINK_USD_T
from supplygraph.engine.program import Program, baseline_serves
from supplygraph.errors import UnknownNameError
from supplygraph.measures import leastchange, stages, tracing
from supplygraph.network.schema import LIST_SEPARATOR
from supplygraph.results import Result
from supplygraph.scenario.alignment import TIERS, forge

if TYPE_CHECKING:
    from collections.abc import Iterable

    from supplygraph.engine.limits import Scenario
    from supplygraph.network.network import SupplyNetwork
    from supplygraph.scenario.alignment import Alignment

KINDS = ("node", "edge", "country", "owner", "passage")
#: Shares of all demand under this are what rounding leaves of nothing.
_NOTHING = 1e-9
#: Kilometres and days under this are not worth a word.
_TOLD = 0.05
_UNUSED = "not used today, exact"
_LAST = "its own demand, exact"
_SOLVED = "linear program, exact"
_COLUMNS = (
    "name", "kind", "country", "throughput_t", "loss_t", "loss_share", "zone_loss_t", "days", "km", "cost_usd_t",
    "residual", "method",
)  # fmt: skip


class ChokepointResult(Result):
    """Single failures, the worst first; ``losses`` lists who loses what."""

    @property
    def losses(self) -> pd.DataFrame:
        """One row per item and losing site: ``item``, ``node``, ``name``, ``country``, ``demand_t``, ``lost_t``."""
        return self._tables["losses"].copy(deep=False)

    def explain(self, item: str | None = None) -> str:
        """Say what the ranking shows, or who loses when one item fails.

        Parameters
        ----------
        item
            An id of the table.

        Raises
        ------
        UnknownNameError
            If the table has no such item.

        Examples
        --------
        >>> from toys import chain
        >>> print(chokepoints(chain()).explain("kokkola"))
        Kokkola fails: 9 t of demand (9.1%) cannot be met; 27 t go through it today.
          Erfurt (DEU) loses 6 t of 36 t.
          Ningde (CHN) loses 3 t of 63 t.
          Each tonne still delivered takes 5,168 km more, 9.0 days more, 54 USD of freight more.
        """
        if item is None:
            return super().explain()
        table = self._tables["table"]
        if item not in table.index:
            raise UnknownNameError.of("item", item, table.index)
        row = table.loc[item]
        losses = self._tables["losses"]
        mine = losses[losses["item"] == item]
        lines = [
            (
                f"{row['name']} fails: {row['loss_t']:,.0f} t of demand ({row['loss_share']:.1%}) cannot be met; "
                f"{row['throughput_t']:,.0f} t go through it today."
            )
        ]
        lines += [
            f"  {loser.name} ({loser.country}) loses {loser.lost_t:,.0f} t of {loser.demand_t:,.0f} t."
            for loser in mine.itertuples(index=False)
        ]
        if abs(row["days"]) > _TOLD or abs(row["km"]) > _TOLD:
            km, days, cost = (
                f"{abs(row[column]):,.{digits}f} {unit} {'more' if row[column] >= 0 else 'less'}"
                for column, digits, unit in (("km", 0, "km"), ("days", 1, "days"), ("cost_usd_t", 0, "USD of freight"))
            )
            lines.append(f"  Each tonne still delivered takes {km}, {days}, {cost}.")
        return "\n".join(lines)


def chokepoints(
    net: SupplyNetwork,
    *,
    by: str = "node",
    alignment: Alignment | None = None,
    zone: str = "linked",
    top: int | None = None,
    progress: bool = False,
) -> ChokepointResult:
    """Close every item in turn and measure what the best rerouting cannot save.

    Parameters
    ----------
    net
        A network with shipments.
    by
        ``"node"``, ``"edge"``, ``"passage"``, ``"country"`` (all sites in it) or ``"owner"`` (the owner's share
        of every plant).
    alignment
        Whose tiers draw the zone; by default those of 1 July 2026.
    zone
        Demand in countries of this tier or better is the zone's.
    top
        How many rows to keep. No loss exceeds the tonnes that touch an item, so those that cannot reach the top
        any more are not computed; the rows kept are the same as without ``top``.
    progress
        Show a progress bar on stderr. The work can be interrupted at any time.

    Returns
    -------
    ChokepointResult
        Indexed by node (edge, country, owner): ``name``, ``kind``, ``country``; ``throughput_t`` (tonnes that
        leave it, pass it or end in it as final demand); ``loss_t``, ``loss_share`` (demand lost after the best
        rerouting, of all demand); ``zone_loss_t`` (the zone's part when every supplier cuts all its customers
        alike); ``days``, ``km``, ``cost_usd_t`` (extra freight per tonne still delivered, under the least change
        from today, against what the same factories' tonnes travel now; negative where the far suppliers are the ones
        that fail); ``residual`` (an unnamed rest, ranked
        last); ``method``. Straits come by days, all others by tonnes. ``losses`` lists who loses.

    Raises
    ------
    UnknownNameError
        If ``by`` or ``zone`` is unknown.
    DataError
        If the network has no shipments.

    Examples
    --------
    >>> from toys import chain
    >>> told = chokepoints(chain(), by="node")
    >>> told.table.loc[["tenke", "kokkola", "malacca"], ["throughput_t", "loss_t"]].round(6)
             throughput_t  loss_t
    node
    tenke           100.0    88.2
    kokkola          27.0     9.0
    malacca          95.0     0.0

    Notes
    -----
    One linear program per item in use, warm from the undisturbed one where only plants change; then one for
    the cheapest change. Limits are capacities, not ramps. Demand and stock builds: builds rank last.
    """
    if by not in KINDS:
        raise UnknownNameError.of("grouping", by, KINDS)
    if zone not in TIERS:
        raise UnknownNameError.of("tier", zone, TIERS)
    alignment = forge() if alignment is None else alignment
    study = _Study.of(net, alignment.members(zone))
    items = _items(net, by)
    through = _throughput(net, by).reindex(items.index)
    items["throughput_t"] = through["throughput_t"].fillna(0.0)
    kinds = np.select([items["throughput_t"] <= 0, through["ends"].eq(True)], [_UNUSED, _LAST], _SOLVED)
    order = _order(items, by, top)
    how = dict(zip(items.index, kinds.tolist(), strict=True))
    answers: list[_Answer] = []
    for item in _each(order, progress=progress):
        if top is not None and by != "passage" and _settled(answers, items, item, top):
            break
        answers.append(study.fail(item, by, how[item]))
    items = items.loc[order[: len(answers)]]
    found = pd.DataFrame([answer.row for answer in answers], index=items.index)
    table = _ranked(pd.concat([items, found], axis=1)[list(_COLUMNS)], by)
    table = table if top is None else table.head(top)
    losses = pd.concat([answer.losers for answer in answers], ignore_index=True)
    losses = losses[losses["item"].isin(table.index)].reset_index(drop=True)
    params = {
        "by": by, "zone": zone, "alignment_as_of": alignment.as_of, "top": top, "rationing": leastchange.RATIONING,
        "ramp": None, "relink_usd_t": RELINK_USD_T,
    }  # fmt: skip
    mineral = ", ".join(sorted(net.processes["mineral"].unique())).replace("_", " ")
    return ChokepointResult(
        title=f"Chokepoints of {mineral}, by {by}",
        table=table,
        params=params,
        network=net,
        tables={"losses": losses},
        explanation=_words(table, by),
    )


@dataclass(frozen=True, eq=False)
class _Answer:
    row: dict[str, Any]
    losers: pd.DataFrame


@dataclass(frozen=True, eq=False)
class _Study:
    """A network compiled once, and what it delivers undisturbed."""

    net: SupplyNetwork
    program: Program
    before: leastchange.Outcome
    settled: bool
    in_zone: pd.Series

    @classmethod
    def of(cls, net: SupplyNetwork, members: Iterable[str]) -> _Study:
        tracing.trace(net)  # refuses a network without flows
        program = Program(net)
        settled = baseline_serves(program.graph, program.graph.demand)
        # Where today's shipments leave demand unmet that could be met, compare with the best there is.
        before = leastchange.today(program) if settled else leastchange.rerouted(program, program.scenario())
        home = net.processes["node"].map(net.nodes["country"])
        in_zone = home.isin(list(members)).reindex(before.served.index)
        return cls(net=net, program=program, before=before, settled=settled, in_zone=in_zone)

    def fail(self, item: str, by: str, how: str) -> _Answer:
        """Close one item completely.

        Two cases need no program, and are exact, where today's shipments meet all demand:

        - No shipment touches the item. Without it the very same shipments go on: nothing is lost, nothing changes.
        - Every shipment that touches it ends in demand there. That demand is lost. All other shipments go on as
          they are and meet all other demand in full, which nobody can better.
        """
        served, extra = self.before.served, np.zeros(3)
        scenario = self._scenario(item, by)
        if self.settled and how == _UNUSED:
            lost, total = served * 0.0, self.before.total_t
        elif self.settled and how == _LAST:
            shut = scenario.process * np.where(scenario.closed_node, 0.0, 1.0)[self.program.graph.at] <= 0
            lost = served.where(pd.Series(shut, index=self.program.graph.processes).reindex(served.index), 0.0)
            total = self.before.total_t - math.fsum(lost)
        else:
            how, outcome = _SOLVED, leastchange.rerouted(self.program, scenario)
            lost, total = (served - outcome.served).clip(lower=0.0), outcome.total_t
            extra = outcome.beyond(self.before)
        loss = max(self.before.total_t - total, 0.0)
        nothing = _NOTHING * max(self.before.total_t, 1.0)
        loss = loss if loss > nothing else 0.0
        lost = lost.where((lost > nothing) & (loss > 0), 0.0)
        row = {
            "loss_t": loss,
            "loss_share": loss / self.before.total_t if loss else 0.0,
            "zone_loss_t": math.fsum(lost[self.in_zone]),
            "km": float(extra[0]),
            "days": float(extra[1]),
            "cost_usd_t": float(extra[2]),
            "method": how,
        }
        return _Answer(row, self._losers(item, lost))

    def _scenario(self, item: str, by: str) -> Scenario:
        if by == "edge":
            return self.program.scenario(closed_edges=[item])
        if by == "country":
            inside = self.net.nodes.index[self.net.nodes["country"] == item]
            return self.program.scenario(closed_nodes=list(inside))
        if by == "owner":
            owners = self.net.owners.reset_index()
            share = owners[owners["owner"] == item].groupby("node")["share"].sum()
            lost = self.net.processes["node"].map(share).dropna().clip(upper=1.0)
            return self.program.scenario(factors={str(process): 1.0 - share for process, share in lost.items()})
        return self.program.scenario(closed_nodes=[item])

    def _losers(self, item: str, lost: pd.Series) -> pd.DataFrame:
        lost = lost[lost > 0]
        node = self.net.processes["node"].reindex(lost.index)
        by_site = pd.DataFrame({"node": node, "lost_t": lost, "demand_t": self.before.served.reindex(lost.index)})
        sums = by_site.groupby("node", as_index=False).sum().sort_values(
            ["lost_t", "node"], ascending=[False, True]
        )  # fmt: skip
        sites = self.net.nodes.reindex(sums["node"])
        return pd.DataFrame({
            "item": np.full(len(sums), item, dtype=object),
            "node": sums["node"].to_numpy(),
            "name": sites["name"].to_numpy(),
            "country": sites["country"].to_numpy(),
            "demand_t": sums["demand_t"].to_numpy(dtype=float),
            "lost_t": sums["lost_t"].to_numpy(dtype=float),
        })


def _order(items: pd.DataFrame, by: str, top: int | None) -> list[str]:
    """Return the items in the order of work: those that can lose most first, residuals last."""
    if top is None or by == "passage":
        return [str(item) for item in items.index]
    ranked = items.assign(item=items.index).sort_values(
        ["residual", "throughput_t", "item"], ascending=[True, False, True], kind="stable"
    )
    return [str(item) for item in ranked.index]


def _settled(answers: list[_Answer], items: pd.DataFrame, item: str, top: int) -> bool:
    """Whether neither this item nor any after it can still reach the top: no loss exceeds the throughput.

    Residuals rank after all others, so enough others settle it too.
    """
    if len(answers) < top:
        return False
    least = sorted((answer.row["loss_t"] for answer in answers), reverse=True)[top - 1]
    return bool(items["residual"].loc[item]) or least > float(items["throughput_t"].loc[item])


def _each(order: list[str], *, progress: bool) -> Iterable[str]:
    from tqdm.auto import tqdm

    return tqdm(order, disable=not progress, desc="chokepoints", unit="item")  # type: ignore[no-any-return]


def _items(net: SupplyNetwork, by: str) -> pd.DataFrame:
    nodes = net.nodes
    if by == "edge":
        edges = net.edges
        ends = [edges[side].map(nodes["name"]) for side in ("source", "target")]
        return pd.DataFrame(
            {"name": ends[0] + " > " + ends[1], "kind": edges["mode"], "country": None, "residual": False},
            index=edges.index,
        )
    if by in {"node", "passage"}:
        kept = nodes[nodes["kind"] == "passage"] if by == "passage" else nodes
        return kept[["name", "kind", "country"]].assign(residual=kept["status"].eq("residual").fillna(value=False))
    codes = nodes["country"] if by == "country" else net.owners["owner"]
    index = pd.Index(sorted(codes.dropna().unique()), name=by)
    named = stages.told(index, stages.names(net, "country"))
    return pd.DataFrame({"name": named, "kind": by, "country": index, "residual": False}, index=index)


def _throughput(net: SupplyNetwork, by: str) -> pd.DataFrame:
    """Return ``throughput_t``: tonnes that leave an item, pass it, or end in it as final demand or stock.

    What a plant takes in to work on counts when it leaves again, so that nothing counts twice. All demand that
    touches an item is among these tonnes, and losses on the way only make them more, so no loss can be larger:
    it is always possible to give up just what touches the item. ``ends`` tells where everything ends that
    touches the item.
    """
    traced = tracing.trace(net)
    flow = net.shipments["flow_t"].reindex(traced.shipments).to_numpy(dtype=float)
    if by == "owner":
        share = net.owners.reset_index().groupby(["owner", "node"])["share"].sum().reset_index()
        per_node = _throughput(net, "node")["throughput_t"]
        tonnes = share["share"] * share["node"].map(per_node).fillna(0.0)
        return tonnes.groupby(share["owner"]).sum().to_frame("throughput_t").assign(ends=False)
    if by == "edge":
        routes = net.shipments["route"].reindex(traced.shipments).reset_index(drop=True)
        legs = routes.dropna().str.split(LIST_SEPARATOR).explode()
        tonnes = pd.Series(flow[legs.index.to_numpy()], index=legs.to_numpy())
        return tonnes.groupby(level=0).sum().to_frame("throughput_t").assign(ends=False)
    shipment, node = tracing.visits(traced)
    label = (net.nodes["country"] if by == "country" else net.nodes.index.to_series()).to_numpy(dtype=object)
    touched = pd.DataFrame({"label": label[node], "shipment": shipment}).dropna().drop_duplicates()
    at = touched["shipment"].to_numpy()
    arrives = label[traced.node[traced.destination[at]]] == touched["label"].to_numpy()
    ends = arrives & net.processes["output"].isna().to_numpy()[traced.destination[at]]
    counted = pd.DataFrame({"throughput_t": np.where(arrives & ~ends, 0.0, flow[at]), "ends": ends})
    by_label = counted.groupby(touched["label"].to_numpy())
    return by_label.agg(throughput_t=("throughput_t", "sum"), ends=("ends", "all"))


def _ranked(table: pd.DataFrame, by: str) -> pd.DataFrame:
    """Order rows: unnamed rests last; straits by days, all others by tonnes; ties by id."""
    ids = table.index.to_numpy(dtype=str)
    tonnes = [-table[column].to_numpy(dtype=float) for column in ("throughput_t", "loss_t")]
    days = -np.nan_to_num(table["days"].to_numpy(dtype=float), nan=0.0).round(9)
    keys = [ids, *tonnes, days] if by == "passage" else [ids, days, *tonnes]
    return table.iloc[np.lexsort([*keys, table["residual"].to_numpy(dtype=bool)])]


def _words(table: pd.DataFrame, by: str) -> str:
    if table.empty:
        return f"There is no {by} in this network."
    first = table.iloc[0]
    if by == "passage":
        worst = f"{first['days']:,.1f} days and {first['km']:,.0f} km for each tonne still delivered"
    else:
        worst = f"{first['loss_t']:,.0f} t of demand ({first['loss_share']:.1%})"
    return f"Of {len(table)} single failures, losing {first['name']} costs most: {worst}, after the best rerouting."
