"""From tables to activities and back: who sells where, through which gate, at which duty."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from supplygraph.engine.complementarity.market import Market
from supplygraph.engine.complementarity.solve import Solution, solve
from supplygraph.errors import InfeasibleError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from supplygraph.response.spatial_read import Tables

    Ints = NDArray[np.int64]
    Floats = NDArray[np.float64]
    Bools = NDArray[np.bool_]

SUPPLY, DEMAND, DIRECT, AGAIN, GATE, BUYER = range(6)
#: Losses below this share of a usual price are none: the way may be used.
_TIGHT = 1e-9


@dataclass(frozen=True, eq=False)
class Model:
    """The activities of a spatial equilibrium.

    Goods are made in supply markets, sold in demand markets. What enters a zone from outside passes the border of its
    market, where one gate lifts the price of what comes cheapest to the reference price: so the cheapest outsider
    sets the levy.

    Attributes
    ----------
    kind, source, target
        Per activity: what it is, the origin (or market), the destination.
    market
        The activities as arrays.
    """

    tables: Tables
    kind: Ints
    source: Ints
    target: Ints
    market: Market

    @classmethod
    def of(cls, tables: Tables, *, again: bool, buyers: Bools | None = None) -> Model:
        """Build the activities; ``again`` lets goods be sold on, ``buyers`` buy at the floor and keep imports out."""
        t, makers, takers = tables, len(tables.supply), len(tables.demand)
        bought = np.zeros(takers, dtype=np.bool_) if buyers is None else buyers
        taxed = ~t.member[:, None] & np.isfinite(t.floor)[None, :]
        open_way = np.isfinite(t.cost) & ~(taxed & bought[None, :])
        from_row, to_column = np.nonzero(open_way[:makers])
        bridge = _bridges(t) if again else np.full(len(t.origins), -1)
        mid_row, mid_column = np.nonzero(open_way & (bridge >= 0)[:, None] & again)
        onward = bridge[mid_row] != mid_column
        mid_row, mid_column = mid_row[onward], mid_column[onward]
        gated = np.flatnonzero(np.isfinite(t.floor) & ~bought & (~t.member).any())
        buying = np.flatnonzero(bought)
        counts = (makers, takers, len(from_row), len(mid_row), len(gated), len(buying))
        kind = np.repeat(np.arange(6), counts)
        source = np.concatenate([np.arange(makers), np.arange(takers), from_row, mid_row, gated, buying])
        target = np.concatenate([np.arange(makers), np.arange(takers), to_column, mid_column, gated, buying])
        return cls(t, kind, source, target, _market(t, kind, source, target, bridge, taxed))

    @property
    def ways(self) -> Bools:
        """The activities that move goods from an origin to a market."""
        moving: Bools = (self.kind == DIRECT) | (self.kind == AGAIN)
        return moving

    @cached_property
    def codes(self) -> tuple[Ints, Ints]:
        """Numbers that name activities and markets across models of the same tables."""
        width = max(len(self.tables.origins), len(self.tables.demand)) + 1
        activities = (self.kind * width + self.source) * width + self.target
        makers, takers = len(self.tables.supply), len(self.tables.demand)
        borders = self.target[self.kind == GATE]
        return activities, np.concatenate([np.arange(makers + takers), makers + takers + borders])

    def solve(self, start: tuple[Model, Solution] | None) -> Solution:
        """Solve, from an earlier answer where there is one; errors name the markets."""
        begin = None if start is None else self._carried(*start)
        try:
            found = solve(self.market, start=begin)
        except InfeasibleError as error:
            raise self._named(error) from None
        return found

    def _carried(self, model: Model, earlier: Solution) -> Solution:
        from dataclasses import replace

        (here, places), (there, others) = self.codes, model.codes
        return replace(earlier, x=_taken(here, there, earlier.x), p=_taken(places, others, earlier.p))

    def _named(self, error: InfeasibleError) -> InfeasibleError:
        if not isinstance(error.certificate, dict):
            return error
        t = self.tables
        names = [*(f"supply of {name}" for name in t.supply), *(f"demand of {name}" for name in t.demand)]
        names += [f"border of {t.demand[at]}" for at in self.target[self.kind == GATE]]
        touched = [names[at] for at in error.certificate["markets"]]
        gain = error.certificate["gain"]
        message = (
            f"there is no equilibrium: {', '.join(touched[:8])} can gain {gain:.6g} a unit at any prices, and nothing "
            "limits the quantity. Give one of them a slope above 0, or correct a negative cost."
        )
        return InfeasibleError(message, {**error.certificate, "names": touched})

    def evened(self, found: Solution) -> tuple[Floats, bool]:
        """Return the activities whose flows have the least sum of squares at these prices, and whether they alone do.

        The second is True where no others can be: ways that may be used form no loop.
        """
        parts = self.market.parts
        loss = parts.sides(found.x, found.p).loss
        fixed = (parts.own > 0) | (np.abs(loss) > _TIGHT * parts.worths)
        if parts.cross is not None:
            fixed[parts.coupled] = True
        moving = np.flatnonzero(~fixed)
        if not _loops(parts.balance[:, moving]):
            return found.x, True
        from supplygraph.engine.quadratic import spread

        body = parts.balance[:, moving]
        right = -(parts.balance @ np.where(fixed, found.x, 0.0))
        curve = (self.kind[moving] != SUPPLY) & (self.kind[moving] != DEMAND) & (self.kind[moving] != GATE)
        size = max(float(np.abs(right).max(initial=0.0)), float(found.x[moving].max(initial=0.0)), 1e-300)
        even = size * spread(
            curve.astype(np.float64), np.zeros(len(moving)), body, right / size, right / size, np.zeros(len(moving)),
            np.full(len(moving), np.inf),
        )  # fmt: skip
        x = found.x.copy()
        x[moving] = _settled(body, right, np.where(even > 1e-9 * size, even, 0.0))
        return x, False


def _bridges(t: Tables) -> Ints:
    """Return, per origin, the demand market of the same name; -1 = none."""
    place = {name: at for at, name in enumerate(t.demand)}
    return np.array([place.get(name, -1) for name in t.origins], dtype=np.int64)


def _market(t: Tables, kind: Ints, source: Ints, target: Ints, bridge: Ints, taxed: Bools) -> Market:
    """Return the arrays: supply markets first, then demand markets, then borders."""
    from scipy.sparse import csc_array

    makers, takers, count = len(t.supply), len(t.demand), len(kind)
    gates = np.flatnonzero(kind == GATE)
    border = np.full(takers, -1)
    border[target[gates]] = makers + takers + np.arange(len(gates))
    way = (kind == DIRECT) | (kind == AGAIN)
    row, column = source[way], target[way]
    give = np.full(count, -1)
    give[kind == SUPPLY] = source[kind == SUPPLY]
    give[way] = np.where(taxed[row, column] & (border[column] >= 0), border[column], makers + column)
    give[gates] = makers + target[gates]
    take = np.full(count, -1)
    take[kind == DEMAND] = makers + source[kind == DEMAND]
    take[kind == DIRECT] = source[kind == DIRECT]
    take[kind == AGAIN] = makers + bridge[source[kind == AGAIN]]
    take[gates] = border[target[gates]]
    take[kind == BUYER] = makers + target[kind == BUYER]
    own, cost, lift = np.zeros(count), np.zeros(count), np.ones(count)
    cost[kind == SUPPLY], own[kind == SUPPLY] = t.supply_curve.T
    cost[kind == DEMAND], own[kind == DEMAND] = -t.demand_curve[:, 0], t.demand_curve[:, 1]
    cost[kind == BUYER] = -t.floor[target[kind == BUYER]]
    lift[way] = 1.0 + t.rate[row, column]
    cost[way] = lift[way] * t.cost[row, column] + t.tariff[row, column]
    own[way] = lift[way] * t.cost_slope[row, column]
    least = np.full(count, np.nan)
    least[gates] = t.floor[target[gates]]

    def units(place: Ints, value: Floats) -> csc_array:
        used = np.flatnonzero(place >= 0)
        return csc_array((value[used], (place[used], used)), shape=(makers + takers + len(gates), count))

    slope = _slopes(t, kind, source, target, own)
    return Market(
        units(give, np.ones(count)), units(take, np.ones(count)), cost, slope, pay=units(take, lift), least_cost=least
    )


def _slopes(t: Tables, kind: Ints, source: Ints, target: Ints, own: Floats) -> Any:
    """Return own slopes, or the matrix of all slopes where some stand beside the diagonal."""
    from scipy.sparse import coo_array, csc_array, diags_array

    rows, columns, values = [], [], []
    for which, cross in ((SUPPLY, t.supply_cross), (DEMAND, t.demand_cross)):
        if cross is None:
            continue
        place = np.flatnonzero(kind == which)
        row, column = np.nonzero(cross)
        rows.append(place[row])
        columns.append(place[column])
        values.append(cross[row, column])
    width = len(t.demand) + 1
    key = source * width + target
    direct, again = np.flatnonzero(kind == DIRECT), np.flatnonzero(kind == AGAIN)
    # What is sold on uses the same way as what is sold directly: it crowds it alike.
    _, one, two = np.intersect1d(key[direct], key[again], return_indices=True)
    one, two = direct[one], again[two]
    crowded = own[one] > 0
    if crowded.any():
        one, two = one[crowded], two[crowded]
        rows += [one, two]
        columns += [two, one]
        values += [own[one], own[two]]
    if not rows:
        return own
    shape = (len(kind), len(kind))
    beside = coo_array((np.concatenate(values), (np.concatenate(rows), np.concatenate(columns))), shape=shape)
    return csc_array(diags_array(own) + csc_array(beside))


def _taken(here: Ints, there: Ints, values: Floats) -> Floats:
    """Return values by code; 0 where the other model has no such code."""
    if np.array_equal(here, there):
        return values
    order = np.argsort(there)
    at = np.clip(np.searchsorted(there[order], here), 0, len(there) - 1)
    return np.where(there[order][at] == here, values[order][at], 0.0)


def _loops(body: Any) -> bool:
    """Whether goods could go round: more ways than a forest has. A one-sided activity ends in the ground."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    table = body.tocoo()
    height, count = table.shape
    ends = np.full((2, count), height)
    for sign, side in ((1.0, 0), (-1.0, 1)):
        some = table.data * sign > 0
        ends[side, table.col[some]] = table.row[some]
    graph = coo_array((np.ones(count), (ends[0], ends[1])), shape=(height + 1, height + 1))
    pieces, _ = connected_components(graph, directed=False)
    return bool(count > height + 1 - pieces)


def _settled(body: Any, right: Floats, x: Floats) -> Floats:
    """Return ``x`` with the last rounding errors of ``body x = right`` spread over what is used."""
    from scipy.sparse import csc_array, eye_array
    from scipy.sparse.linalg import splu

    used = np.flatnonzero(x > 0)
    part = csc_array(body[:, used])
    solve_ = splu(csc_array(part @ part.T + 1e-9 * eye_array(part.shape[0]))).solve
    result = x.copy()
    for _ in range(5):
        result[used] += part.T @ solve_(right - part @ result[used])
    return np.maximum(result, 0.0)
