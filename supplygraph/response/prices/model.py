"""One network asked about prices: read once, then solved under any instruments."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from supplygraph.errors import DataError, Problem
from supplygraph.response.prices import base as reading
from supplygraph.response.prices import elasticities as responses
from supplygraph.response.prices import market, plants, policy, quotes
from supplygraph.response.prices.accounts import State
from supplygraph.response.prices.calibration import calibrate

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from supplygraph.network.network import SupplyNetwork
    from supplygraph.response.prices.base import Base, Bools, Floats
    from supplygraph.response.prices.calibration import Calibrated
    from supplygraph.response.prices.elasticities import Elasticities
    from supplygraph.response.prices.policy import Policy
    from supplygraph.response.prices.quotes import Quotes


@dataclass(frozen=True, eq=False)
class Model:
    """A network ready to be solved.

    Attributes
    ----------
    base, quotes, elasticities
        Markets and activities, prices, responses.
    costs
        Sourced costs by process.
    fitted
        Curves at central values.
    free
        The equilibrium without instruments: the baseline, and projects that pay without help.
    run, relink_usd_t
        As asked.
    """

    net: SupplyNetwork
    base: Base
    quotes: Quotes
    elasticities: Elasticities
    costs: pd.DataFrame
    fitted: Calibrated
    free: State
    run: str
    relink_usd_t: float

    def under(self, instruments: Policy, start: State | None = None) -> State:
        """Return the equilibrium under a policy, from an earlier answer of the same shape where there is one."""
        return solve(self.fitted, instruments, start)

    def drawn(self, draws: int, seed: int) -> Iterator[Calibrated]:
        """Yield curves at drawn elasticities, costs and implied prices.

        Elasticities and costs are log-uniform between low and high, implied prices uniform between their ends; each
        of them falls once into every equal part of its range (Latin hypercube, McKay and others 1979).
        """
        rng = np.random.default_rng(seed)
        size, kinds = len(self.base.products), len(responses.KINDS)
        wide = size * (kinds + 1) + len(self.base.makers.cost)
        parts = rng.permuted(np.tile(np.arange(draws)[:, None], (1, wide)), axis=0)
        for row in (parts + rng.uniform(size=parts.shape)) / max(draws, 1):
            yield self._at(row)

    def _at(self, row: Floats) -> Calibrated:
        """Return curves at places from 0 to 1: elasticities by kind, implied prices, costs."""
        size, kinds = len(self.base.products), len(responses.KINDS)
        where = {
            kind: 2 * row[number * size : (number + 1) * size] - 1 for number, kind in enumerate(responses.KINDS)
        }
        implied, share = row[kinds * size : (kinds + 1) * size], row[(kinds + 1) * size :]
        places = dict(zip(self.base.products, implied, strict=True))
        makers = self.base.makers
        with np.errstate(divide="ignore", invalid="ignore"):
            low, high = np.log(makers.cost_low), np.log(makers.cost_high)
            costs = np.where(makers.cost_low > 0, np.exp(low + share * (high - low)), makers.cost)
        return calibrate(self.base, self.quotes.draw(places), self.elasticities, run=self.run,
                         relink_usd_t=self.relink_usd_t, where=where, costs=costs)  # fmt: skip


def solve(
    fitted: Calibrated, instruments: Policy, start: State | None = None,
    bought: Bools | None = None,
) -> State:
    """Solve curves under a policy, with a state that buys behind the gates marked."""
    layout = market.build(fitted, instruments, bought)
    found = market.solved(layout, None if start is None else start.found)
    return State(fitted, instruments, layout, found)


def model(
    net: SupplyNetwork, *, run: str, prices: Mapping[str, Any] | None, elasticities: Mapping[str, Any] | None,
    costs: Mapping[str, Any] | None, projects: pd.DataFrame | None, relink_usd_t: float,
) -> Model:
    """Read a network and fit its curves.

    Raises
    ------
    DataError
        If prices are missing, the network ships nothing, or an option is out of range.
    UnknownNameError
        If a name in an option does not exist.
    """
    is_number = isinstance(relink_usd_t, (int, float)) and not isinstance(relink_usd_t, bool)
    if not (is_number and np.isfinite(relink_usd_t) and relink_usd_t >= 0):
        what = f"is {relink_usd_t!r}; expected USD per tonne of at least 0"
        raise DataError("prices cannot be asked like this", [Problem("relink_usd_t", what, "300 is a good start.")])
    if not len(net.shipments):
        what = "is empty; prices need to know who trades what with whom today"
        raise DataError("this network has no baseline", [Problem("shipments", what, "Build it with sg.build(...).")])
    responds = responses.of_network(net, run, elasticities)
    quoted = quotes.of_network(net, prices)
    known = plants.with_given(net, costs, plants.sourced(net))
    base = _with_costs(reading.read(net, plants.projects(net, projects)), known)
    fitted = calibrate(base, quoted.draw(), responds, run=run, relink_usd_t=float(relink_usd_t))
    free = solve(fitted, policy.nothing(base))
    return Model(net, base, quoted, responds, known, fitted, free, run, float(relink_usd_t))


def _with_costs(base: Base, known: pd.DataFrame) -> Base:
    """Put sourced costs where their plants are."""
    makers = base.makers
    rows = known.index.get_indexer(pd.Index(makers.process))
    hit = rows >= 0
    levels = {}
    for field, column in (("cost", "cost_usd_t"), ("cost_low", "cost_low_usd_t"), ("cost_high", "cost_high_usd_t")):
        values = getattr(makers, field).copy()
        values[hit] = known[column].to_numpy(dtype=np.float64)[rows[hit]]
        levels[field] = values
    return replace(base, makers=makers._replace(**levels))
