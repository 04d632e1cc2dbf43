"""From curves and instruments to the activities that the solver knows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from supplygraph.engine.complementarity.market import Market
from supplygraph.errors import InfeasibleError

if TYPE_CHECKING:
    from supplygraph.engine.complementarity.solve import Solution
    from supplygraph.response.prices.base import Bools, Floats, Ints
    from supplygraph.response.prices.calibration import Calibrated, Curve
    from supplygraph.response.prices.policy import Policy


#: Units in the largest market and in the dearest price.
_PARTS = 100.0
#: Largest residual of an answer.
_NEAR = 1e-6


class Block(NamedTuple):
    """A run of activities of one kind: ``first`` to ``first + size``."""

    first: int
    size: int

    @property
    def span(self) -> slice:
        """The activities as a slice."""
        return slice(self.first, self.first + self.size)


@dataclass(frozen=True, eq=False)
class Layout:
    """A market for the solver, and where each kind of activity stands in it.

    Attributes
    ----------
    market
        What is solved, in units that keep its numbers near 1.
    unit_t, unit_usd_t
        Tonnes and USD/t in one unit of the market.
    covered
        Tonnes of each maker up to the contract's volume; ``makers`` are those beyond it.
    gates
        One per (member, product) with a floor, from its border market to the market inside.
    buyers
        One per gate: a state that buys at the floor, where it does.
    """

    market: Market
    unit_t: float
    unit_usd_t: float
    covered: Block
    makers: Block
    uses: Block
    stocks: Block
    links: Block
    more: Block
    gates: Block
    buyers: Block


class _Rows(NamedTuple):
    """Activities with at most one input and one output: markets (-1 = none) and units of the input."""

    takes: Ints
    gives: Ints
    used: Floats
    paid: Floats
    cost: Floats
    slope: Floats
    upper: Floats
    least_cost: Floats
    least_revenue: Floats
    earned: Floats


class _Cross(NamedTuple):
    """Slopes of one activity in another: rows, columns, USD/t per t."""

    row: Ints
    column: Ints
    slope: Floats


def build(fitted: Calibrated, policy: Policy, bought: Bools | None = None) -> Layout:
    """Return the market under a policy.

    Parameters
    ----------
    fitted
        Prices and curves.
    policy
        Instruments by market and link.
    bought
        Per gate: whether a state buys behind it at the floor. Such gates are shut, so that only the zone's own is
        bought.

    Notes
    -----
    A duty of the share ``t`` on the landed price makes ``(1 + t) (price there + way)`` of the cost of a link. Links
    into a member from outside end in its border market; one gate leads inside, and what it costs is lifted to the
    floor, so the cheapest outsider sets the levy. A contract splits a maker into the covered tonnes, which come first
    on its curve, and the rest.
    """
    base = fitted.base
    shut = np.zeros(len(policy.gate_market), dtype=np.bool_) if bought is None else bought
    parts = [
        _covered(fitted, policy), _beyond(fitted, policy), _uses(fitted), _stocks(fitted),
        _moves(fitted, policy, fitted.links), _moves(fitted, policy, fitted.more), _gates(base.markets, policy, shut),
        _buyers(policy, shut),
    ]  # fmt: skip
    rows = _Rows(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))
    ends = np.cumsum([0, *(len(part.cost) for part in parts)])
    blocks = [Block(int(first), len(part.cost)) for first, part in zip(ends, parts, strict=False)]
    unit_t = float(base.handled.max(initial=1.0)) / _PARTS
    unit_usd_t = float(fitted.world.max(initial=1.0)) / _PARTS
    cross = _together(fitted, policy, blocks[4].first)
    market = _market(rows, base.markets + len(policy.gate_market), cross, (unit_t, unit_usd_t))
    return Layout(market, unit_t, unit_usd_t, *blocks)


class Found(NamedTuple):
    """An equilibrium: activities in t/yr, prices by market, levies and contract payments by activity in USD/t.

    ``residual`` is the largest natural residual of all conditions, in units of a hundredth of the largest market and
    of the dearest price; ``raw`` is the solver's own answer, to start the next one from.
    """

    x: Floats
    p: Floats
    levy: Floats
    gap: Floats
    residual: float
    iterations: int
    raw: Solution


def solved(layout: Layout, start: Found | None = None) -> Found:
    """Solve a market, from an earlier answer of the same layout where there is one.

    Raises
    ------
    InfeasibleError
        If there is no equilibrium or none was found; an answer that is only near is never returned.
    """
    from supplygraph.engine.complementarity.solve import solve

    answer = solve(layout.market, start=None if start is None else start.raw)
    if not answer.residual < _NEAR:
        message = f"no equilibrium was found: its conditions fail by {answer.residual:.1e} of a unit"
        raise InfeasibleError(message, answer)
    tonnes, usd = layout.unit_t, layout.unit_usd_t
    return Found(answer.x * tonnes, answer.p * usd, answer.levy * usd, answer.gap * usd, answer.residual,
                 answer.iterations, answer)  # fmt: skip


def _market(rows: _Rows, markets: int, cross: _Cross, units: tuple[float, float]) -> Market:
    from scipy.sparse import csc_array

    unit_t, unit_usd_t = units
    count = np.arange(len(rows.cost))
    takes, gives = rows.takes >= 0, rows.gives >= 0

    def sparse(entry: Floats, at: Ints, chosen: Bools) -> csc_array:
        return csc_array((entry[chosen], (at[chosen], count[chosen])), shape=(markets, len(count)))

    ones = np.ones(len(count))
    entries = np.concatenate([rows.slope, cross.slope]) * (unit_t / unit_usd_t)
    places = np.concatenate([count, cross.row]), np.concatenate([count, cross.column])
    slope = csc_array((entries, places), shape=(len(count), len(count)))
    return Market(
        out=sparse(ones, rows.gives, gives), into=sparse(rows.used, rows.takes, takes),
        cost=rows.cost / unit_usd_t, slope=slope, upper=rows.upper / unit_t,
        pay=sparse(rows.paid, rows.takes, takes), earn=sparse(rows.earned, rows.gives, gives),
        least_cost=rows.least_cost / unit_usd_t, least_revenue=rows.least_revenue / unit_usd_t,
    )  # fmt: skip


def _together(fitted: Calibrated, policy: Policy, first: int) -> _Cross:
    """Return what arrivals from all origins do to the cost of each link within today's relations."""
    links = fitted.base.links
    used = np.flatnonzero(fitted.shared > 0)
    order = used[np.argsort(links.target[used], kind="stable")]
    _, start, count = np.unique(links.target[order], return_index=True, return_counts=True)
    size = np.repeat(count, count)
    row = np.repeat(order, size)
    # Row by row: all links into the same market.
    begin = np.repeat(np.repeat(start, count), size)
    within = np.arange(len(row)) - np.repeat(np.cumsum(size) - size, size)
    column = order[begin + within]
    return _Cross(first + row, first + column, -(1 + policy.rate[row]) * fitted.shared[row])


def _covered(fitted: Calibrated, policy: Policy) -> _Rows:
    """Tonnes under a contract: at the strike at least, less what the payer takes above it."""
    makers, curve = fitted.base.makers, fitted.makers
    rows = policy.contract_maker
    keep = 1 - policy.contract_upside
    return _Rows(
        makers.takes[rows], makers.gives[rows], 1 / makers.recovery[rows], 1 / makers.recovery[rows],
        curve.cost[rows] - policy.contract_upside * policy.contract_strike, curve.slope[rows],
        np.minimum(policy.contract_volume, curve.upper[rows]), np.full(len(rows), np.nan),
        keep * policy.contract_strike, keep,
    )  # fmt: skip


def _beyond(fitted: Calibrated, policy: Policy) -> _Rows:
    """Tonnes of makers beyond their contract, further up the same curve."""
    makers, curve = fitted.base.makers, fitted.makers
    count = len(curve.cost)
    before = np.zeros(count)
    before[policy.contract_maker] = np.minimum(policy.contract_volume, curve.upper[policy.contract_maker])
    open_ = np.isfinite(before)
    before = np.where(open_, before, 0.0)
    return _Rows(
        makers.takes, makers.gives, 1 / makers.recovery, 1 / makers.recovery, curve.cost + curve.slope * before,
        curve.slope, np.where(open_, curve.upper - before, 0.0), np.full(count, np.nan), np.full(count, np.nan),
        np.ones(count),
    )  # fmt: skip


def _uses(fitted: Calibrated) -> _Rows:
    curve, market = fitted.uses, fitted.base.uses.market
    return _plain(market, np.full(len(market), -1), curve.cost, curve.slope, curve.upper)


def _stocks(fitted: Calibrated) -> _Rows:
    curve, stocks = fitted.stocks, fitted.base.stocks
    none = np.full(len(stocks.market), -1)
    builds = stocks.net > 0
    return _plain(np.where(builds, stocks.market, none), np.where(builds, none, stocks.market), curve.cost,
                  curve.slope, curve.upper)  # fmt: skip


def _moves(fitted: Calibrated, policy: Policy, curve: Curve) -> _Rows:
    """Links, whose cost a duty multiplies or lifts; into a member from outside they end at its border."""
    links = fitted.base.links
    share = 1 + policy.rate
    cost = share * curve.cost + policy.specific
    slope = share * curve.slope
    target = np.where(policy.gate >= 0, fitted.base.markets + policy.gate, links.target)
    rows = _plain(links.source, target, cost, slope, curve.upper)
    return rows._replace(paid=share)


def _gates(markets: int, policy: Policy, shut: Bools) -> _Rows:
    count = len(policy.gate_market)
    rows = _plain(markets + np.arange(count), policy.gate_market, np.zeros(count), np.zeros(count),
                  np.where(shut, 0.0, np.inf))  # fmt: skip
    return rows._replace(least_cost=policy.gate_floor)


def _buyers(policy: Policy, active: Bools) -> _Rows:
    market = policy.gate_market
    return _plain(market, np.full(len(market), -1), -policy.gate_floor, np.zeros(len(market)),
                  np.where(active, np.inf, 0.0))  # fmt: skip


def _plain(takes: Ints, gives: Ints, cost: Floats, slope: Floats, upper: Floats) -> _Rows:
    ones, none = np.ones(len(cost)), np.full(len(cost), np.nan)
    return _Rows(takes, gives, ones, ones, cost, slope, upper, none, none, ones)
