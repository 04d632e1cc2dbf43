"""One question about single failures, checked, and its table filled lens by lens."""

from __future__ import annotations

import math
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from supplygraph.engine.expanded import USE, expand
from supplygraph.engine.limits import Scenario
from supplygraph.engine.program import baseline_serves, shocked
from supplygraph.errors import DataError, Problem, UnknownNameError
from supplygraph.measures import leastchange, structure, throughput, tracing
from supplygraph.measures.capacity import Capacity
from supplygraph.measures.items import Items
from supplygraph.scenario.alignment import TIERS
from supplygraph.scenario.shock import Shock
from supplygraph.scenario.stages import uses_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from supplygraph.engine.expanded import Bools, Expanded, Floats, Ints
    from supplygraph.network.network import SupplyNetwork
    from supplygraph.scenario.alignment import Alignment

LENSES = ("structure", "cuts", "capacity", "change")
#: Part of the capacity lens: the loss after the best rerouting, without its two stricter readings.
LOSS = "loss"
#: Shares of all demand under this are what rounding leaves of nothing.
_NOTHING = 1e-9
_NUMBERS = (
    "throughput_t", "betweenness", "dominates", "dominates_t", "in_min_cut", "loss_t", "loss_share", "zone_loss_t",
    "loss_existing_t", "loss_short_t", "days", "km", "cost_usd_t",
)  # fmt: skip
_COLUMNS = ("name", "kind", "country", *_NUMBERS, "residual", "method")
_NOT_ASKED = "not asked for"


@dataclass(eq=False)
class Study:
    """One question, checked: what may fail, whose demand counts, what happens while nothing fails."""

    net: SupplyNetwork
    items: Items
    graph: Expanded
    capacity: Capacity
    before: Scenario
    lenses: tuple[str, ...]
    demand: tuple[str, ...] | None
    counts: Bools
    in_zone: Bools
    as_of: str
    settled: bool
    delivered_t: float = field(default=math.nan)

    @classmethod
    def of(
        cls, net: SupplyNetwork, by: str, demand: str | Iterable[str] | None, shock: Shock | None,
        alignment: Alignment, zone: str, lenses: Iterable[str], engine: str,
    ) -> Study:  # fmt: skip
        """Check the options of :func:`~supplygraph.measures.chokepoints.chokepoints` and turn them into arrays."""
        items = Items.of(net, by)
        if zone not in TIERS:
            raise UnknownNameError.of("tier", zone, TIERS)
        chosen = (lenses,) if isinstance(lenses, str) else tuple(lenses)
        for lens in chosen:
            if lens not in {*LENSES, LOSS}:
                raise UnknownNameError.of("lens", lens, (*LENSES, LOSS))
        graph = expand(net)
        home = net.processes["node"].map(net.nodes["country"])
        in_zone = home.isin(alignment.members(zone)).to_numpy() & (graph.role == USE)
        asked = None if demand is None else (demand,) if isinstance(demand, str) else tuple(demand)
        counts = graph.role == USE
        if asked is not None:
            parts = [in_zone if name == "zone" else uses_of(net, name, "demand").to_numpy() for name in asked]
            counts = np.logical_or.reduce([np.zeros(len(counts), dtype=np.bool_), *parts])
        before = Scenario.calm(graph) if shock is None else shocked(graph, _read(shock).resolve(net))
        wanted = None if asked is None else np.where(counts, graph.demand, 0.0)
        capacity = Capacity(net, graph, before, wanted, engine)
        settled = shock is None and baseline_serves(graph, graph.demand)
        return cls(net, items, graph, capacity, before, chosen, asked, counts, in_zone, str(alignment.as_of), settled)

    @cached_property
    def plan(self) -> leastchange.Outcome | None:
        """What is shipped while nothing fails; None where only shipments of today could tell."""
        if len(self.net.shipments) == 0 and "change" not in self.lenses:
            return None
        tracing.trace(self.net)  # refuses a network without flows
        if self.settled:
            return leastchange.today(self.graph, self.net.shipments)
        if not self.capacity.has_program and "change" not in self.lenses:
            return None
        # Where today's shipments leave demand unmet that could be met, compare with the best there is.
        return leastchange.rerouted(self.capacity.program, self.before)

    def answer(
        self, ramp: float | None, top: int | None, *, progress: bool
    ) -> tuple[pd.DataFrame, dict[str, pd.DataFrame]]:
        """Fill the columns lens by lens; what only the rows kept need is computed for them alone."""
        table = self.items.table.assign(**dict.fromkeys(_NUMBERS, math.nan), ends=False, method=_NOT_ASKED)
        if self.plan is not None:
            traced = tracing.trace(self.net, self.plan.shipments)
            wanted = None if self.demand is None else self.counts
            table.update(throughput.through(traced, self.items, wanted))
        with _bar(progress=progress) as step:
            tables = self._structure(table, step)
            everything = np.arange(len(table))
            if {"capacity", LOSS} & set(self.lenses):
                self._losses(table, everything, step)
            late = "change" in self.lenses and (self.items.by == "passage" or self.demand is not None)
            kept = everything if top is None or late else _foremost(table, top)
            if "capacity" in self.lenses:
                self._other_losses(table, kept, ramp, step)
            if "change" in self.lenses:
                tables |= self._changes(table, kept, step)
        table = _ranked(table.iloc[kept][list(_COLUMNS)], self.items.by, whose=self.demand is not None)
        table = table if top is None else table.head(top)
        for name in ("losses", "gains", "dominated"):
            rows = tables.get(name, pd.DataFrame(columns=["item"]))
            tables[name] = rows[rows["item"].isin(table.index)].reset_index(drop=True)
        whole = {name: "int64" for name in ("dominates", "in_min_cut") if not table[name].isna().any()}
        return table.astype(whole), tables

    def _structure(self, table: pd.DataFrame, step: Callable[[int], object]) -> dict[str, pd.DataFrame]:
        graph, tables = self.graph, {}
        uses = np.flatnonzero(self.counts)
        flow = self.capacity.flow()
        site = graph.at
        place = table.index.get_indexer(pd.Index(self.items.labels())) if self.items.by != "edge" else None
        if "structure" in self.lenses:
            item, use = structure.dominated(
                graph, flow, self.items.arcs(flow), uses,
                lambda items, processes: np.zeros(len(items), dtype=np.bool_) if place is None
                else place[site[processes]] == items,
            )  # fmt: skip
            pairs = self._sites(use).assign(item=table.index[item])
            table["dominates"] = pairs.groupby("item")["node"].nunique().reindex(table.index).fillna(0.0)
            table["dominates_t"] = pairs.groupby("item")["demand_t"].sum().reindex(table.index).fillna(0.0)
            columns = ["item", "node", "name", "country", "product", "demand_t"]
            tables["dominated"] = pairs[columns].sort_values(["item", "node", "product"], ignore_index=True)
        if "cuts" in self.lenses:
            cuts = structure.minimum_cuts(graph, flow, uses, step)
            sites = self._sites(graph.processes.get_indexer(pd.Index(cuts["process"])))
            cuts = pd.concat([sites, cuts.drop(columns="process")], axis=1).assign(exact=flow.exact)
            tables["cuts"] = cuts
            table["in_min_cut"] = self._members(cuts).reindex(table.index).fillna(0.0)
        return tables

    def _members(self, cuts: pd.DataFrame) -> pd.Series:
        """Return the number of factories in whose minimum cut each item has a part."""
        if self.items.by == "edge":
            item = cuts["item"].where(cuts["kind"] == "edge")
        else:
            site = cuts["item"].map(self.net.processes["node"]).where(cuts["kind"] == "plant", cuts["item"])
            item = site.where(cuts["kind"] != "edge").map(self.items.labels())
        return cuts.assign(member=item).dropna(subset=["member"]).groupby("member")["node"].nunique()

    def _sites(self, processes: Ints) -> pd.DataFrame:
        """Return node, name, country, product and demand of some use processes."""
        graph = self.graph
        node = graph.nodes[graph.at[processes]]  # noqa: PD008 - an array
        sites = self.net.nodes.reindex(node)
        return pd.DataFrame({
            "node": node, "name": sites["name"].to_numpy(), "country": sites["country"].to_numpy(),
            "product": graph.products[graph.takes[processes]], "demand_t": graph.demand[processes],
        })  # fmt: skip

    def _losses(self, table: pd.DataFrame, chosen: Ints, step: Callable[[int], object]) -> None:
        found = self.capacity.losses(self.items, chosen, step=step)
        why = self.capacity.flow().why if self.capacity.by_flow else ""
        table["method"] = f"{found.method}: {why}" if why else found.method
        table["loss_t"] = found.lost_t
        table["loss_share"] = found.lost_t / found.before_t if found.before_t > 0 else 0.0
        self.delivered_t = found.before_t

    def _other_losses(
        self, table: pd.DataFrame, chosen: Ints, ramp: float | None, step: Callable[[int], object]
    ) -> None:
        if ramp is not None:
            found = self.capacity.losses(self.items, chosen, ramp=ramp, step=step)
            table.iloc[chosen, table.columns.get_loc("loss_short_t")] = found.lost_t  # type: ignore[index]
        if self.capacity.has_program and self.capacity.engine != "flow":
            found = self.capacity.existing_losses(self.items, chosen, step)
            table.iloc[chosen, table.columns.get_loc("loss_existing_t")] = found.lost_t  # type: ignore[index]

    def _changes(self, table: pd.DataFrame, chosen: Ints, step: Callable[[int], object]) -> dict[str, pd.DataFrame]:
        rows, losses, gains = [], {}, {}
        ends = table["ends"].to_numpy()
        for place, through in zip(chosen.tolist(), table["throughput_t"].to_numpy()[chosen].tolist(), strict=True):
            item = table.index[place]
            row, losses[item], gains[item] = self._change(item, through, ends=bool(ends[place]))
            rows.append(row)
            step(1)
        columns = ["zone_loss_t", "km", "days", "cost_usd_t"]
        where = [int(table.columns.get_loc(column)) for column in columns]  # type: ignore[arg-type]
        table.iloc[chosen, where] = np.array(rows).reshape(len(chosen), len(columns))
        return {"losses": self._listed(losses, "lost_t"), "gains": self._listed(gains, "more_t")}

    def _change(self, item: str, through: float, *, ends: bool) -> tuple[list[float], Floats, Floats]:
        """Return the zone's loss and the detour per tonne, what each use loses, and who sends more.

        Two cases need no program, where today's shipments meet all demand:

        - No shipment touches the item. Without it the very same shipments go on: nothing is lost, nothing changes.
        - Every shipment that touches it ends in demand there. That demand is lost. All other shipments go on as
          they are and meet all other demand in full, which nobody can better.
        """
        before, graph = self.plan, self.graph
        assert before is not None  # noqa: S101 - the change is asked for
        uses = graph.processes.get_indexer(before.served.index)
        served, extra, more = before.served.to_numpy(), np.zeros(3), np.zeros(len(graph.processes))
        lost = np.zeros(len(served))
        if self.settled and self.demand is None and through <= 0:
            pass
        elif self.settled and ends:
            shut = self.items.fail(graph, [item], self.before).node[graph.at[uses]] <= 0  # noqa: PD008 - an array
            lost = np.where(shut, served, 0.0)
        else:
            outcome = leastchange.rerouted(self.capacity.program, self.items.fail(graph, [item], self.before))
            nothing = _NOTHING * max(before.total_t, 1.0)
            lost = np.maximum(served - outcome.served.to_numpy(), 0.0)
            lost = np.where((lost > nothing) & (before.total_t - outcome.total_t > nothing), lost, 0.0)
            extra, more = outcome.beyond(before, self.counts[uses]), outcome.gains(before)
        if self.demand is not None:
            lost = np.where(self.counts[uses], lost, 0.0)
        mine = (self.in_zone if self.demand is None else self.counts)[uses]
        per_process = np.zeros(len(graph.processes))
        per_process[uses] = lost
        return [math.fsum(lost[mine]), *extra.tolist()], per_process, more

    def _listed(self, tonnes: dict[str, Floats], column: str) -> pd.DataFrame:
        """Return what processes lose, or send more, by item and site, the largest first."""
        ids = np.array(list(tonnes), dtype=object)
        amounts = np.stack(list(tonnes.values())) if len(ids) else np.zeros((0, len(self.graph.processes)))
        item, process = np.nonzero(amounts > 0)
        node = self.graph.at[process]  # noqa: PD008 - an array
        by_site = pd.DataFrame({
            "number": item, "place": node, column: amounts[item, process], "demand_t": self.graph.demand[process]
        })  # fmt: skip
        sums = by_site.groupby(["number", "place"], as_index=False).sum()
        sums = sums.sort_values(["number", column, "place"], ascending=[True, False, True], kind="stable")
        sites = self.net.nodes.iloc[sums["place"].to_numpy()]
        columns = ["demand_t", column] if column == "lost_t" else [column]
        return pd.DataFrame({
            "item": ids[sums["number"].to_numpy()], "node": sites.index.to_numpy(), "name": sites["name"].to_numpy(),
            "country": sites["country"].to_numpy(), **{name: sums[name].to_numpy(dtype=float) for name in columns},
        })  # fmt: skip


def _read(shock: object) -> Shock:
    if not isinstance(shock, Shock):
        remedy = "Make one with Shock.close(...) or Shock.ban(...), or take one from scenarios()."
        raise DataError("no shock", [Problem("shock", f"is {shock!r}; expected a Shock", remedy)])
    return shock


@contextmanager
def _bar(*, progress: bool) -> Iterator[Callable[[int], object]]:
    from tqdm.auto import tqdm

    with tqdm(disable=not progress, desc="chokepoints", unit="item") as bar:
        yield bar.update


def _keys(table: pd.DataFrame, *, whose: bool = False) -> list[Floats]:
    """Return what rows are ranked by before days and ids: unnamed rests last, then tonnes.

    Where one demand counts, what it loses to rationing comes first: alone it would lose next to nothing.
    """
    columns = ["throughput_t", "loss_t", *(["zone_loss_t"] if whose else [])]
    tonnes = [-np.nan_to_num(table[column].to_numpy(dtype=float), nan=0.0).round(6) for column in columns]
    return [*tonnes, table["residual"].to_numpy(dtype=float)]


def _foremost(table: pd.DataFrame, top: int) -> Ints:
    """Return the rows that can be among the first: those that tonnes put there, and all that tie with the last."""
    keys = np.stack(_keys(table)[::-1], axis=1)
    order = np.lexsort(keys.T[::-1])
    if top >= len(order):
        return np.arange(len(order))
    last = keys[order[top - 1]] if top else np.full(keys.shape[1], -np.inf)
    places = np.arange(len(order))
    tied = (keys[order] == last).all(axis=1)
    return np.sort(order[(places < top) | tied])


def _ranked(table: pd.DataFrame, by: str, *, whose: bool) -> pd.DataFrame:
    """Order rows: unnamed rests last; straits by days, all others by tonnes; ties by id."""
    ids = table.index.to_numpy(dtype=str)
    *tonnes, residual = _keys(table, whose=whose)
    days = -np.nan_to_num(table["days"].to_numpy(dtype=float), nan=0.0).round(9)
    keys = [ids, *tonnes, days] if by == "passage" else [ids, days, *tonnes]
    return table.iloc[np.lexsort([*keys, residual])]
