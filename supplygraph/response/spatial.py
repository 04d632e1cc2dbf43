"""Spatial price equilibrium on plain tables: who ships what to whom, at which prices, under tariffs and floors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from supplygraph.errors import DataError, Problem
from supplygraph.response.spatial_answer import Reading, arbitrage, buying, by_market, frame, welfare
from supplygraph.response.spatial_market import AGAIN, Model
from supplygraph.response.spatial_read import read
from supplygraph.results import Result

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import pandas as pd

    from supplygraph.engine.complementarity.solve import Solution

__all__ = ["SpatialEquilibrium", "spatial_equilibrium"]

_SHOWN = 6


class SpatialEquilibrium(Result):
    """The answer of :func:`spatial_equilibrium`.

    ``table`` is indexed by ``market``: ``supply_price``, ``demand_price``, ``produced``, ``consumed``, ``imports``,
    ``exports``, ``consumer_surplus``, ``producer_surplus``, ``revenue`` (of duties on what it imports). ``flows``,
    ``duties`` (tariff and levy per unit) and ``levies`` (the levy alone) go from row to column; a duty is missing where
    there is no way. ``arbitrage``: what would pay through a third market (``origin``, ``through``, ``to``, ``gain``
    per unit). ``buying``: floors that the levy does not hold (``floor``, ``price``, ``shortfall``, ``quantity`` to buy
    at the floor, ``cost``). Figures: ``residual``, ``welfare``, ``revenue``, ``unique_prices`` (proved),
    ``unique_flows``, ``iterations``, ``method``. Quantities and money are in the units of the tables given.
    """

    @property
    def prices(self) -> pd.Series:
        """The price by market: the demand price where it has demand, else the supply price."""
        table = self._tables["table"]
        return table["demand_price"].fillna(table["supply_price"]).rename("price")


def spatial_equilibrium(
    supply: pd.DataFrame,
    demand: pd.DataFrame,
    cost: pd.DataFrame,
    tariff: pd.DataFrame | None = None,
    floor: Mapping[str, float] | pd.Series | pd.DataFrame | float | None = None,
    *,
    ad_valorem: pd.DataFrame | None = None,
    zone: Iterable[str] | None = None,
    supply_cross: pd.DataFrame | None = None,
    demand_cross: pd.DataFrame | None = None,
    cost_slope: pd.DataFrame | None = None,
    transshipment: bool = False,
    start: SpatialEquilibrium | None = None,
) -> SpatialEquilibrium:
    """Return prices, flows and duties at which nobody gains by shipping more or less.

    With supply price ``pi_i``, demand price ``rho_j``, cost ``c_ij``, duty ``t_ij`` and levy ``l_ij``, for every way
    ``0 <= Q_ij`` complementary to ``pi_i + c_ij + t_ij + l_ij - rho_j >= 0``; and for origins outside the zone of a
    floor ``P_j``: ``l_ij = max(0, P_j - pi_i - c_ij - t_ij)``.

    Parameters
    ----------
    supply, demand
        ``market`` (column or index), ``intercept``, ``slope >= 0``: the supply price is intercept + slope x quantity,
        the demand price intercept - slope x quantity. A market may be in one or both.
    cost
        From row to column; ``inf`` = no way; the diagonal is the cost of selling at home.
    tariff
        Duty per unit, from row to column; none by default.
    floor
        Reference price by market: a Series, a mapping, a frame with ``market`` and one column of prices, or one number
        for the markets of ``zone``. The markets named are the zone; what enters them from outside pays the levy that
        lifts its landed price (cost and duties included) to it. Members pay no levy. There is no default level.
    ad_valorem
        Duty as a share of the landed price (price at the origin plus cost), from row to column.
    zone
        Further members, such as markets with supply only.
    supply_cross, demand_cross
        What a unit of the column market adds to the supply price (takes from the demand price) of the row market,
        beside its own slope. They need not be symmetric.
    cost_slope
        What each unit shipped adds to the cost of its way (congestion).
    transshipment
        Whether goods may be sold on from a market at its demand price. Without, ``arbitrage`` lists where that would
        pay.
    start
        An answer for the same markets, to start from: a sweep over floors takes a few systems each.

    Returns
    -------
    SpatialEquilibrium
        Prices are proved unique where no floor, share or cross slope breaks monotonicity. Of several flows at these
        prices: those with the least sum of squares.

    Raises
    ------
    DataError
        If a table cannot be read: a missing number, a market twice or unknown, a negative slope, tariff or floor, a
        floor where nothing is sold.
    InfeasibleError
        If there is no equilibrium (names the markets), or none is found. Near answers are never returned: the
        residual of the conditions above is below 1e-6 (with numbers above 1e6: 1e-12 of the largest).

    Notes
    -----
    Takayama & Judge, *Spatial and Temporal Price and Allocation Models* (1971), solved as a mixed complementarity
    problem by a proximal Newton method: one linear system of the size of the markets per step, usually 20 to 80 steps,
    1 to 3 from a start nearby. Floors, shares and asymmetric slopes have no equivalent optimisation problem.

    Examples
    --------
    >>> import pandas as pd
    >>> supply = pd.DataFrame({"intercept": [5.0], "slope": [1.0]}, index=["CHN"])
    >>> demand = pd.DataFrame({"intercept": [20.0], "slope": [1.0]}, index=["DEU"])
    >>> cost = pd.DataFrame([[3.0]], index=["CHN"], columns=["DEU"])
    >>> free = spatial_equilibrium(supply, demand, cost)
    >>> round(float(free.prices["DEU"]), 9), round(float(free.flows.loc["CHN", "DEU"]), 9)
    (14.0, 6.0)
    >>> held = spatial_equilibrium(supply, demand, cost, floor={"DEU": 16.0})
    >>> round(float(held.prices["DEU"]), 9), round(float(held.duties.loc["CHN", "DEU"]), 9), round(held.revenue, 9)
    (16.0, 4.0, 16.0)
    """
    tables = read(
        supply, demand, cost, tariff, floor, ad_valorem=ad_valorem, zone=zone, supply_cross=supply_cross,
        demand_cross=demand_cross, cost_slope=cost_slope, transshipment=transshipment,
    )  # fmt: skip
    model = Model.of(tables, again=transshipment)
    state, bought = _state(start, model)
    found = model.solve(state)
    x, one_way = model.evened(found)
    reading = Reading(model, found, x, one_way)
    params = {
        "floor": None if floor is None else tables.floors,
        "zone": tuple(str(name) for name in zone or ()), "transshipment": transshipment,
        "given": tuple(
            name for name, given in (
                ("tariff", tariff), ("ad_valorem", ad_valorem), ("supply_cross", supply_cross),
                ("demand_cross", demand_cross), ("cost_slope", cost_slope),
            ) if given is not None
        ),
    }  # fmt: skip
    return _answer(reading, params, bought)


#: What a solve ended with.
_End = tuple["Model", "Solution"] | None


def _state(start: SpatialEquilibrium | None, model: Model) -> tuple[_End, _End]:
    """Return what an earlier answer and its buying ended with, or refuse it."""
    if start is None:
        return None, None
    state, bought = getattr(start, "__dict__", {}).get("_state", (None, None))
    if state is None:
        what = f"is {type(start).__name__}; expected an answer of spatial_equilibrium"
        raise DataError("this is no start", [Problem("start", what)])
    before, now = state[0].tables, model.tables
    if list(before.supply) != list(now.supply) or list(before.demand) != list(now.demand):
        remedy = "Start from an answer for the same markets in the same order, or leave it out."
        raise DataError("this is no start", [Problem("start", "is an answer about other markets", remedy)])
    return state, bought


def _answer(r: Reading, params: dict[str, Any], earlier: _End) -> SpatialEquilibrium:
    residual = r.checked()
    table = by_market(r)
    revenue = float(np.nansum(table["revenue"]))
    rows = None if r.model.tables.origins.size > len(r.t.supply) else len(r.t.supply)
    duties, levies = r.duties
    wanted, bought = buying(r, earlier)
    tables = {
        "flows": frame(r.t, r.flows(), rows), "duties": frame(r.t, duties, rows), "levies": frame(r.t, levies, rows),
        "arbitrage": arbitrage(r), "buying": wanted,
    }  # fmt: skip
    if (r.model.kind == AGAIN).any():
        tables["resold"] = frame(r.t, r.flows(AGAIN), rows)
    figures: dict[str, Any] = {
        "residual": residual, "welfare": welfare(r, revenue), "revenue": revenue,
        "unique_prices": r.found.unique, "unique_flows": r.one_way, "iterations": r.found.iterations,
        "method": r.found.method,
    }  # fmt: skip
    floored = params["floor"]
    title = "Spatial price equilibrium" + (f" with a floor in {_some(list(floored))}" if floored else "")
    answer = SpatialEquilibrium(
        title=title, table=table, params=params, tables=tables, figures=figures, references=(),
        explanation=_words(r, table, tables, figures, params),
    )  # fmt: skip
    answer.__dict__["_state"] = (r.model, r.found), bought
    return answer


def _words(
    r: Reading, table: pd.DataFrame, tables: dict[str, pd.DataFrame], figures: dict[str, Any], params: dict[str, Any]
) -> str:
    flows, prices = tables["flows"], table["demand_price"].fillna(table["supply_price"])
    trade = float(table["imports"].sum())
    lines = [
        (f"{len(prices)} markets: prices from {prices.min():.4g} ({prices.idxmin()}) to {prices.max():.4g} "
        f"({prices.idxmax()}); {table['consumed'].sum():.4g} consumed, {trade:.4g} of it traded over "
        f"{int(((flows > 0).to_numpy()).sum())} ways (home sales included)."),
    ]
    if params["floor"]:
        lines += _floor_words(r, tables)
    if figures["revenue"] > 0:
        lines.append(f"Duties bring {figures['revenue']:.4g}.")
    open_ways = tables["arbitrage"]
    if len(open_ways):
        best = open_ways.iloc[0]
        lines.append(
            f"Arbitrage is left open: {len(open_ways)} ways through a third market would pay, the most from "
            f"{best['origin']} through {best['through']} to {best['to']} ({best['gain']:.4g} a unit). "
            "transshipment=True lets goods take them."
        )
    lines.append(
        "The only prices that clear these markets (proved)." if figures["unique_prices"] else
        "No proof that these are the only prices: floors, shares of price or slopes between markets break it."
    )  # fmt: skip
    if not figures["unique_flows"]:
        lines.append("Other flows may give the same prices; these have the least sum of squares.")
    lines.append(
        "Assumed: everybody takes prices as given, curves are straight lines, goods are alike whatever their origin, "
        "and all adjust fully. It cannot say how long that takes, nor what a large seller would do."
    )
    return "\n".join(lines)


def _floor_words(r: Reading, tables: dict[str, pd.DataFrame]) -> list[str]:
    lines = []
    levies, flows = tables["levies"].fillna(0.0), tables["flows"]
    paid = levies.where(flows > 0, 0.0).max(axis=0)
    for name in r.t.demand[np.isfinite(r.t.floor)]:
        at = r.t.demand.get_loc(name)
        level, price = r.t.floor[at], r.demand_price[at]
        if name in tables["buying"].index:
            row = tables["buying"].loc[name]
            lines.append(
                f"{name}: the levy does not hold {level:.4g}. With imports from outside shut out the price is "
                f"{price:.4g}; {_buying_words(row['quantity'])}."
            )
        elif paid[name] > 0:
            lines.append(f"{name}: a levy of up to {paid[name]:.4g} a unit holds the price at {price:.4g}.")
        else:
            lines.append(f"{name}: the floor of {level:.4g} does not bind; the price is {price:.4g}.")
    return lines[:_SHOWN] + ([f"… and {len(lines) - _SHOWN} more markets with a floor."] if len(lines) > _SHOWN else [])


def _buying_words(quantity: float) -> str:
    if np.isinf(quantity):
        return "no quantity of buying at the floor would hold it"
    if quantity <= 0:
        return "the buying in other markets of the zone would hold it"
    return f"{quantity:.4g} units of buying at the floor would hold it"


def _some(names: list[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
