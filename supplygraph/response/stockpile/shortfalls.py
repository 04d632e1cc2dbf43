"""From disruptions to shortfalls: who lacks how many tonnes of what, in which period of which path."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from supplygraph.engine.program import shared, shocked
from supplygraph.response.still import without_rerouting
from supplygraph.scenario.resolve import Resolved

if TYPE_CHECKING:
    from collections.abc import Sequence

    from supplygraph.engine.program import Program
    from supplygraph.network.network import SupplyNetwork
    from supplygraph.response.stockpile.recourse import Bools, Floats, Ints
    from supplygraph.scenario.shock import Shock

#: What of a country's demand counts as lost; less is rounding of the solver.
_LEAST = 1e-5
UNNAMED = "unnamed"


@dataclass(frozen=True, eq=False)
class Spells:
    """Disruptions by path: which shock holds from which month for how long; chances of the paths sum to 1."""

    names: tuple[str, ...]
    shocks: tuple[Shock, ...]
    path: Ints
    shock: Ints
    start: Ints
    months: Ints
    chance: Floats
    labels: tuple[str, ...]
    sampled: bool


@dataclass(frozen=True, eq=False)
class Shortfalls:
    """Tonnes that consumers lack.

    Attributes
    ----------
    products
        Products by id.
    consumers
        Countries; ``unnamed`` is demand at sites without one.
    demand
        Tonnes a year by product and consumer, (G, C).
    world
        Tonnes a year that all the world uses, (G,).
    short
        By product: tonnes by period, consumer and path, (T, C, S).
    sets
        How many different sets of concurrent disruptions were solved.
    """

    products: tuple[str, ...]
    consumers: tuple[str, ...]
    demand: Floats
    world: Floats
    short: tuple[Floats, ...]
    sets: int


@dataclass(frozen=True)
class Rules:
    """How shortfalls are counted: which periods, and who loses."""

    periods: int
    months: int
    rationing: str
    ramp: float | None
    adjust: int
    zone: tuple[str, ...]


def demand_of(net: SupplyNetwork) -> pd.DataFrame:
    """Return final demand in tonnes a year by product (rows) and country (columns; ``unnamed`` has none)."""
    uses = net.processes[net.processes["role"] == "use"]
    country = uses["node"].map(net.nodes["country"]).fillna(UNNAMED)
    amount = uses["activity_t"].fillna(uses["capacity_t"])
    rows = pd.DataFrame({"product": uses["input"], "country": country, "amount": amount})
    table = rows.pivot_table(index="product", columns="country", values="amount", aggfunc="sum", fill_value=0.0)
    return table.sort_index().sort_index(axis=1).rename_axis(index="product", columns="country")


def from_network(
    net: SupplyNetwork, spells: Spells, products: Sequence[str], consumers: Sequence[str], rules: Rules
) -> Shortfalls:
    """Solve the network under every set of concurrent disruptions that occurs, once, and lay it along the paths.

    Notes
    -----
    Minerals share nothing unless sites or links have finite limits of their own; then they are solved as one.
    """
    demand = demand_of(net)
    table = demand.reindex(index=list(products), columns=list(consumers), fill_value=0.0)
    resolved = [shock.resolve(net) for shock in spells.shocks]
    found: dict[str, Floats] = {}
    sets = 0
    for part in _parts(net):
        mine = [product for product in products if product in part.products.index]
        if not mine:
            continue
        lost, count = _of_part(part, [_cut(one, part) for one in resolved], spells, mine, consumers, rules)
        found |= lost
        sets += count
    short = tuple(found[product] for product in products)
    world = demand.sum(axis=1).reindex(list(products)).to_numpy(dtype=np.float64)
    return Shortfalls(tuple(products), tuple(consumers), table.to_numpy(dtype=np.float64), world, short, sets)


def _parts(net: SupplyNetwork) -> list[SupplyNetwork]:
    minerals = sorted(set(net.products["mineral"]))
    coupled = np.isfinite(net.nodes["throughput_t"]).any() or np.isfinite(net.edges["capacity_t"]).any()
    if len(minerals) == 1 or coupled:
        return [net]
    return [net.select(mineral=mineral) for mineral in minerals]


def _cut(one: Resolved, part: SupplyNetwork) -> Resolved:
    """Return what a shock that was read on a network does to a part of it."""
    bans = one.bans[one.bans["product"].isin(part.products.index)]
    return Resolved(
        one.process_factor.reindex(part.processes.index), one.node_factor.reindex(part.nodes.index),
        one.edge_factor.reindex(part.edges.index), bans.reset_index(drop=True),
    )  # fmt: skip


def _of_part(
    part: SupplyNetwork, resolved: list[Resolved], spells: Spells, products: list[str], consumers: Sequence[str],
    rules: Rules,
) -> tuple[dict[str, Floats], int]:
    """Return shortfalls by product of one mineral, and how many sets of disruptions were solved."""
    felt = [k for k, one in enumerate(resolved) if not one.touches_nothing]
    paths, months = len(spells.chance), rules.periods * rules.months
    states, age, combos = _states(spells, felt, paths, months)
    program = shared(part, ramp=rules.ramp)
    best = np.zeros((len(combos), len(products), len(consumers)))
    still = np.zeros_like(best)
    seats = _Seats(part, program, products, consumers)
    known: dict[bytes, tuple[Floats, Floats]] = {}
    for place, combo in enumerate(combos):
        if not combo:
            continue
        joined = _joined([resolved[k] for k in combo])
        key = _key(joined)
        if key not in known:
            scenario = shocked(program.graph, joined)
            served = program.max_served(scenario=scenario, rationing=rules.rationing, zone=_inside(part, rules.zone))
            got = served.by_process.reindex(program.graph.processes).fillna(0.0).to_numpy()  # type: ignore[union-attr]
            lacking = seats(got)
            at_first = lacking
            if rules.adjust:
                at_first = np.maximum(seats(without_rerouting(program, scenario)), lacking)
            known[key] = (lacking, at_first)
        best[place], still[place] = known[key]
    ease = np.zeros((months, paths))
    if rules.adjust:
        ease = np.clip(1.0 - age / rules.adjust, 0.0, 1.0)
    short = {}
    for g, product in enumerate(products):
        monthly = np.zeros((rules.periods, len(consumers), paths))
        for month in range(months):
            at = states[month]
            lost = best[at, g] + ease[month][:, None] * (still[at, g] - best[at, g])
            monthly[month // rules.months] += lost.T / 12.0
        short[product] = monthly
    return short, len(known)


def _states(spells: Spells, felt: list[int], paths: int, months: int) -> tuple[Ints, Floats, list[tuple[int, ...]]]:
    """Return which set of disruptions holds by month and path, and for how many months the latest one has."""
    place = {k: n for n, k in enumerate(felt)}
    holds = np.zeros((months, paths, len(felt)), dtype=np.bool_)
    age = np.full((months, paths), np.inf)
    for path, shock, start, length in zip(spells.path, spells.shock, spells.start, spells.months, strict=True):
        if shock not in place or start >= months:
            continue
        end = min(start + length, months)
        holds[start:end, path, place[shock]] = True
        age[start:end, path] = np.minimum(age[start:end, path], np.arange(end - start))
    if not felt:
        return np.zeros((months, paths), dtype=np.int64), age, [()]
    packed, inverse = np.unique(holds.reshape(-1, len(felt)), axis=0, return_inverse=True)
    combos = [tuple(felt[n] for n in np.flatnonzero(row)) for row in packed]
    return inverse.reshape(months, paths), np.where(np.isinf(age), 1e9, age), combos


def _joined(several: list[Resolved]) -> Resolved:
    """Return shocks that hold at once: factors multiply, limits all hold."""
    first = several[0]
    process, node, edge = first.process_factor, first.node_factor, first.edge_factor
    for one in several[1:]:
        process, node, edge = process * one.process_factor, node * one.node_factor, edge * one.edge_factor
    bans = pd.concat([one.bans for one in several], ignore_index=True)
    # of limits on the same exports the tightest holds; a share and a quota stay side by side
    keys = ["origin_country", "product", "destination_country", "limit_t"]
    shares = bans[bans["limit_t"].isna()].groupby(keys[:3], dropna=False, as_index=False)["keep"].min()
    quotas = bans[bans["limit_t"].notna()].groupby(keys[:3], dropna=False, as_index=False)["limit_t"].min()
    closed = shares[shares["keep"] <= 0]
    mark = quotas.merge(closed[keys[:3]], on=keys[:3], how="left", indicator=True)["_merge"] == "left_only"
    quotas = quotas[mark.to_numpy()]  # a quota says nothing beside a ban
    bans = pd.concat([shares, quotas], ignore_index=True).reindex(columns=several[0].bans.columns)
    return Resolved(process, node, edge, bans.astype(several[0].bans.dtypes.to_dict()))


def _key(one: Resolved) -> bytes:
    """Return what makes two sets of disruptions the same."""
    factors = (one.process_factor, one.node_factor, one.edge_factor)
    rows = sorted(map(repr, one.bans.itertuples(index=False, name=None)))
    return b"|".join([*(factor.to_numpy().tobytes() for factor in factors), "\n".join(rows).encode()])


def _inside(part: SupplyNetwork, zone: tuple[str, ...]) -> list[str]:
    uses = part.processes[part.processes["role"] == "use"]
    return list(uses.index[uses["node"].map(part.nodes["country"]).isin(zone)])


class _Seats:
    """Turn what processes are served into what consumers lack, by product and consumer, in tonnes a year."""

    def __init__(self, part: SupplyNetwork, program: Program, products: list[str], consumers: Sequence[str]) -> None:
        ids = program.graph.processes
        uses = part.processes.reindex(ids)
        country = uses["node"].map(part.nodes["country"]).fillna(UNNAMED)
        is_use = (uses["role"] == "use").to_numpy()
        row = pd.Index(products).get_indexer(pd.Index(uses["input"]))
        column = pd.Index(list(consumers)).get_indexer(pd.Index(country))
        self.keep: Bools = is_use & (row >= 0) & (column >= 0)
        self.seat = (row * len(consumers) + column)[self.keep]
        self.demand = program.graph.demand
        self.shape = (len(products), len(consumers))

    def __call__(self, served: Floats) -> Floats:
        lacking = np.clip(self.demand - served, 0.0, None)
        lacking = np.where(lacking > _LEAST * np.maximum(self.demand, 1e-9), lacking, 0.0)
        found = np.bincount(self.seat, lacking[self.keep], self.shape[0] * self.shape[1])
        return np.asarray(found.reshape(self.shape), dtype=np.float64)
