"""What a spatial equilibrium says: prices, flows, duties, surplus, open arbitrage, buying that would hold a floor."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from supplygraph.errors import InfeasibleError
from supplygraph.response.spatial_market import AGAIN, BUYER, DEMAND, SUPPLY, Model

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from supplygraph.engine.complementarity.solve import Solution
    from supplygraph.response.spatial_read import Tables

    Floats = NDArray[np.float64]

#: Largest residual of the published conditions; with numbers above 1e6, as a share of them.
_RESIDUAL, _ROUNDING = 1e-6, 1e-12
#: Gains and shortfalls below this share of the largest price are rounding.
_NOTHING = 1e-8
#: Rows of open arbitrage listed at most; the largest gains first.
_LISTED = 1000


@dataclass(frozen=True, eq=False)
class Reading:
    """An answer in terms of the tables given."""

    model: Model
    found: Solution
    x: Floats
    one_way: bool

    @property
    def t(self) -> Tables:
        """The tables."""
        return self.model.tables

    @cached_property
    def made(self) -> Floats:
        """Quantity by supply market."""
        made: Floats = self.x[self.model.kind == SUPPLY]
        return made

    @cached_property
    def used(self) -> Floats:
        """Quantity by demand market."""
        used: Floats = self.x[self.model.kind == DEMAND]
        return used

    @cached_property
    def supply_price(self) -> Floats:
        """``intercept + slope x quantity`` (with the slopes of others), by supply market."""
        cross = 0.0 if self.t.supply_cross is None else self.t.supply_cross @ self.made
        return self.t.supply_curve[:, 0] + self.t.supply_curve[:, 1] * self.made + cross

    @cached_property
    def demand_price(self) -> Floats:
        """``intercept - slope x quantity`` (with the slopes of others), by demand market.

        Where goods arrive and none is consumed (they are sold on, or the state buys them): the price at which they
        change hands, which is above what consumers would pay.
        """
        cross = 0.0 if self.t.demand_cross is None else self.t.demand_cross @ self.used
        curve = self.t.demand_curve[:, 0] - self.t.demand_curve[:, 1] * self.used - cross
        return np.where((self.used <= 0) & (self.flows().sum(axis=0) > 0), self.asked, curve)

    @property
    def asked(self) -> Floats:
        """What goods cost in each demand market."""
        makers = len(self.t.supply)
        return self.found.p[makers : makers + len(self.t.demand)]

    def flows(self, *kinds: int) -> Floats:
        """Quantity by origin and demand market."""
        chosen = np.isin(self.model.kind, kinds) if kinds else self.model.ways
        table = np.zeros(self.t.cost.shape)
        np.add.at(table, (self.model.source[chosen], self.model.target[chosen]), self.x[chosen])
        return table

    @cached_property
    def origin_price(self) -> Floats:
        """What goods cost where they leave: the supply price, or the demand price of a market they pass."""
        place = {name: at for at, name in enumerate(self.t.demand)}
        makers = len(self.t.supply)
        others = [self.demand_price[place[name]] for name in self.t.origins[makers:]]
        return np.concatenate([self.supply_price, np.array(others, dtype=np.float64)])

    @cached_property
    def freight(self) -> Floats:
        """Cost of each way at what it carries."""
        return self.t.cost + self.t.cost_slope * self.flows()

    def duty(self, leaving: Floats) -> tuple[Floats, Floats]:
        """Return all duties and the levy alone, per unit, for goods that leave their origin at a price."""
        landed = leaving[:, None] + self.freight
        with np.errstate(invalid="ignore"):
            fixed = self.t.tariff + self.t.rate * landed
            outside = ~self.t.member[:, None] & np.isfinite(self.t.floor)[None, :]
            levy = np.where(outside, np.maximum(self.t.floor[None, :] - landed - fixed, 0.0), 0.0)
        shut = np.isinf(self.t.cost)
        return np.where(shut, np.nan, fixed + levy), np.where(shut, np.nan, levy)

    @cached_property
    def duties(self) -> tuple[Floats, Floats]:
        """All duties and the levy alone, on goods at the price of their origin."""
        return self.duty(self.origin_price)

    def residual(self) -> float:
        """Return the largest violation of ``0 <= Q _|_ supply price + cost + duty - demand price >= 0``, all told."""
        worst = [0.0]
        bought = np.zeros(len(self.t.demand), dtype=np.bool_)
        bought[self.model.target[self.model.kind == BUYER]] = True
        barred = ~self.t.member[:, None] & bought[None, :]
        for kind, leaving in self._leaving().items():
            flow = self.flows(kind)
            excess = leaving[:, None] + self.freight + self.duty(leaving)[0] - self.demand_price[None, :]
            open_way = np.isfinite(self.t.cost) & np.isfinite(leaving)[:, None] & ~barred
            if open_way.any():
                worst.append(float(np.abs(np.minimum(flow, excess))[open_way].max()))
        makers = len(self.t.supply)
        worst.append(float(np.abs(self.flows()[:makers].sum(axis=1) - self._resold()[:makers] - self.made).max()))
        arrived = self.flows().sum(axis=0) - self._left()
        buying = np.zeros(len(self.t.demand))
        buying[self.model.target[self.model.kind == BUYER]] = self.x[self.model.kind == BUYER]
        worst.append(float(np.abs(arrived - self.used - buying).max()))
        return max(worst)

    def _leaving(self) -> dict[int, Floats]:
        """Return the price at which goods leave, first hand and sold on; NaN where they do not."""
        from supplygraph.response.spatial_market import DIRECT

        first = np.full(len(self.t.origins), np.nan)
        first[: len(self.t.supply)] = self.supply_price
        if not (self.model.kind == AGAIN).any():
            return {DIRECT: first}
        place = {name: at for at, name in enumerate(self.t.demand)}
        price = np.where(self.used > 0, self.demand_price, self.asked)
        onward = np.array([price[place[name]] if name in place else np.nan for name in self.t.origins])
        return {DIRECT: first, AGAIN: onward}

    def _resold(self) -> Floats:
        resold: Floats = self.flows(AGAIN).sum(axis=1)
        return resold

    def _left(self) -> Floats:
        """Quantity sold on, by demand market."""
        resold = dict(zip(self.t.origins, self._resold(), strict=True))
        return np.array([resold.get(name, 0.0) for name in self.t.demand])

    def checked(self) -> float:
        """Return the residual, or refuse an answer that is only near."""
        found = self.residual()
        largest = max(float(np.abs(self.x).max(initial=0.0)), float(np.abs(self.demand_price).max(initial=0.0)))
        if not found <= max(_RESIDUAL, _ROUNDING * largest):
            message = f"the conditions of the equilibrium fail by {found:.1e}: quantities and prices are too far apart"
            raise InfeasibleError(f"{message}. Give them in units that bring both nearer to 1.")
        return found

    @cached_property
    def little(self) -> float:
        """What is no difference in price."""
        return _NOTHING * max(float(np.abs(self.demand_price).max(initial=0.0)), 1e-300)


def frame(t: Tables, values: Floats, rows: int | None = None) -> pd.DataFrame:
    """Return values from row to column."""
    return pd.DataFrame(values[:rows], index=t.origins[:rows], columns=pd.Index(t.demand, name="to"))


def by_market(r: Reading) -> pd.DataFrame:
    """Return the table by market: prices, quantities, surplus, revenue; missing where it has no supply or demand."""
    t, flows = r.t, r.flows()
    names = pd.Index([*t.supply, *(name for name in t.demand if name not in set(t.supply))], name="market")
    table = pd.DataFrame(index=names, columns=pd.Index([], dtype=object))
    own = np.array([[origin == target for target in t.demand] for origin in t.origins])
    duties, _ = r.duties
    revenue = np.nansum(np.where(flows > 0, flows * duties, 0.0), axis=0)
    producers, consumers = _surplus(r)
    for column, index, values in (
        ("supply_price", t.supply, r.supply_price), ("demand_price", t.demand, r.demand_price),
        ("produced", t.supply, r.made), ("consumed", t.demand, r.used),
        ("imports", t.demand, np.where(own, 0.0, flows).sum(axis=0)),
        ("exports", t.origins, np.where(own, 0.0, flows).sum(axis=1)),
        ("consumer_surplus", t.demand, consumers), ("producer_surplus", t.supply, producers),
        ("revenue", t.demand, revenue),
    ):  # fmt: skip
        table[column] = pd.Series(values, index=index).reindex(names)
    return table


def _surplus(r: Reading) -> tuple[Floats, Floats]:
    """Return surplus of producers and consumers; missing by market where others move its price."""
    t = r.t
    producers = t.supply_curve[:, 1] * r.made**2 / 2
    consumers = t.demand_curve[:, 1] * r.used**2 / 2
    if t.supply_cross is not None:
        producers = np.full(len(producers), np.nan)
    if t.demand_cross is not None:
        consumers = np.full(len(consumers), np.nan)
    return producers, consumers


def welfare(r: Reading, revenue: float) -> float:
    """Return surplus of producers and consumers plus revenue; NaN where prices are no slope of any sum."""
    total = revenue
    for curve, cross, quantity in (
        (r.t.supply_curve, r.t.supply_cross, r.made), (r.t.demand_curve, r.t.demand_cross, r.used),
    ):  # fmt: skip
        whole = np.diag(curve[:, 1]) if cross is None else np.diag(curve[:, 1]) + cross
        if cross is not None and not np.allclose(whole, whole.T, rtol=1e-12, atol=0.0):
            return float("nan")
        total += float(quantity @ whole @ quantity) / 2 if cross is not None else float(curve[:, 1] @ quantity**2) / 2
    return total


def arbitrage(r: Reading) -> pd.DataFrame:
    """Return every way through a third market that would pay: bought at its demand price, shipped on, duties paid."""
    t = r.t
    place = {name: at for at, name in enumerate(t.demand)}
    makers = len(t.supply)
    first = r.supply_price[:, None] + r.freight[:makers] + r.duties[0][:makers]
    rows: list[tuple[str, str, str, float]] = []
    for at, name in enumerate(t.origins):
        middle = place.get(name)
        if middle is None:
            continue
        # What reaches the middle costs at least its demand price; where it costs more, nobody brings it there.
        price = np.maximum(first[:, middle], r.demand_price[middle])
        landed = price[:, None] + r.freight[at][None, :]
        with np.errstate(invalid="ignore"):
            fixed = t.tariff[at] + t.rate[at] * landed
            outside = ~t.member[at] & np.isfinite(t.floor)
            levy = np.where(outside, np.maximum(t.floor - landed - fixed, 0.0), 0.0)
            gain = r.demand_price[None, :] - landed - fixed - levy
        origin, target = np.nonzero(np.nan_to_num(gain, nan=-1.0, posinf=-1.0, neginf=-1.0) > r.little)
        for i, j in zip(origin.tolist(), target.tolist(), strict=True):
            if len({t.supply[i], name, t.demand[j]}) == 3:
                rows.append((t.supply[i], name, t.demand[j], float(gain[i, j])))
    rows = sorted(rows, key=lambda row: (-row[3], *row[:3]))[:_LISTED]
    columns = ["origin", "through", "to", "gain"]
    table = pd.DataFrame(rows, columns=columns, index=pd.RangeIndex(1, len(rows) + 1, name="rank"))
    return table.astype({"gain": np.float64})


def buying(
    r: Reading, earlier: tuple[Model, Solution] | None = None
) -> tuple[pd.DataFrame, tuple[Model, Solution] | None]:
    """Return where the levy does not hold the floor, and what buying at the floor would; and where that solve ended.

    Solved again with a buyer at the reference price in each of those markets and imports from outside kept out: the
    least that must be bought. Buying in one market may lift another, so all are solved together.
    """
    t = r.t
    short = np.isfinite(t.floor) & (r.demand_price < t.floor - r.little)
    columns = ["floor", "price", "shortfall", "quantity", "cost"]
    index = pd.Index(t.demand[short], name="market")
    if not short.any():
        return pd.DataFrame(columns=columns, index=index, dtype=np.float64), None
    state = None
    again = bool((r.model.kind == AGAIN).any())
    model = Model.of(t, again=again, buyers=short)
    try:
        found = model.solve(earlier or (r.model, r.found))
    except InfeasibleError:  # a supply without a slope below the floor: no quantity would hold it
        quantity = np.full(int(short.sum()), np.inf)
    else:
        x, one_way = model.evened(found)
        Reading(model, found, x, one_way).checked()
        state = model, found
        quantity = x[model.kind == BUYER]
    floor = t.floor[short]
    values = (floor, r.demand_price[short], floor - r.demand_price[short], quantity, floor * quantity)
    return pd.DataFrame(dict(zip(columns, values, strict=True)), index=index), state
