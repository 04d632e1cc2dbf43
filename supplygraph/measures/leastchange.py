"""What the best rerouting costs: the least change from today's shipments that still serves the most.

The phases of a rerouting, each held before the next: least unmet demand; who goes without (every
supplier cuts all its customers alike); then the cheapest change, where a shipment that stays as it is
costs nothing, one that changes its route pays the difference, and a new link pays freight, processing
and a fixed cost of relinking; then, among equally cheap changes, cuts in proportion.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from supplygraph.engine.change import ROOM, least_change
from supplygraph.engine.expanded import USE
from supplygraph.engine.paths import RELINK_USD_T, Columns, Prices, route_text
from supplygraph.engine.program import ration
from supplygraph.measures import tracing

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from supplygraph.engine.expanded import Expanded, Ints
    from supplygraph.engine.limits import Scenario
    from supplygraph.engine.program import Program

RATIONING = "proportional"
#: Flows (in units of 1e-4 of all demand), kilometres, days and USD under this are what rounding leaves of nothing.
_NOISE = 1e-6


@dataclass(frozen=True, eq=False)
class Outcome:
    """What is delivered, and what it took to bring it there.

    Attributes
    ----------
    total_t
        Demand served (exact).
    served
        Tonnes per use process.
    burden
        Per use process: tonne-km, tonne-days and freight (USD) of everything shipped for it, from the mine on,
        for each tonne it takes.
    sent
        Tonnes that each process sends.
    shipments
        Who sends what to whom, by which way: columns ``origin``, ``destination``, ``product``, ``route``, ``flow_t``.
    """

    total_t: float
    served: pd.Series
    burden: NDArray[np.float64]
    sent: NDArray[np.float64]
    _shipments: Callable[[], pd.DataFrame]

    @cached_property
    def shipments(self) -> pd.DataFrame:
        """Shipments as in ``net.shipments``; put together when first asked for."""
        return self._shipments()

    def beyond(self, before: Outcome, counts: NDArray[np.bool_] | None = None) -> NDArray[np.float64]:
        """Return km, days and USD more per tonne served than the same uses' tonnes took before.

        ``counts`` tells which uses' tonnes count; None = all.
        """
        served = self.served.to_numpy()
        served = served if counts is None else np.where(counts, served, 0.0)
        if not served.sum() > 0:
            return np.zeros(3)
        more: NDArray[np.float64] = served @ (self.burden - before.burden) / served.sum()
        return np.where(np.abs(more) > _NOISE, more, 0.0)

    def gains(self, before: Outcome) -> NDArray[np.float64]:
        """Return the tonnes that each process sends more than before."""
        more = self.sent - before.sent
        return np.where(more > _NOISE * max(self.total_t, 1.0), more, 0.0)


def today(graph: Expanded, shipments: pd.DataFrame) -> Outcome:
    """Return what today's shipments deliver."""
    taken = np.bincount(graph.ship_destination, graph.ship_flow, len(graph.processes))
    uses = np.flatnonzero(graph.role == USE)
    length = np.diff(graph.ship_ptr)
    legs = np.repeat(np.arange(len(graph.ship_flow)), length)
    amounts = np.column_stack([
        np.bincount(legs, per_arc[graph.ship_edge], len(graph.ship_flow)).astype(np.float64)
        for per_arc in (graph.km, graph.days, graph.cost)
    ])
    burden = _burden(graph, graph.ship_origin, graph.ship_destination, graph.ship_flow, amounts)
    served = pd.Series(taken[uses], index=graph.processes[uses])
    sent = np.bincount(graph.ship_origin, graph.ship_flow, len(graph.processes)).astype(np.float64)
    return Outcome(float(served.sum()), served, burden[uses], sent, lambda: shipments)


def rerouted(program: Program, scenario: Scenario) -> Outcome:
    """Return what the best rerouting delivers under a scenario, changing as little as possible."""
    graph = program.graph
    setting = program.setting(scenario)
    most = program.max_served(scenario=scenario)
    model = program.routes(setting, prices=Prices(relink=RELINK_USD_T))
    inside = np.zeros(len(graph.processes), dtype=np.bool_)
    unmet = np.zeros(len(model.uses))
    if setting.left.couples:  # limits on the way: this also finds the routes that keep within them
        _, unmet = ration(model, RATIONING, inside)
    elif most.unmet_t > ROOM[0] * model.unit:  # over the hubs who goes without is the same, and found sooner
        _, unmet = ration(program.model(setting, links=True), RATIONING, inside)
    x = least_change(model, unmet, setting.left).x
    wanted = setting.left.demand[model.uses]
    served = pd.Series(np.clip(wanted - unmet * model.unit, 0.0, wanted), index=graph.processes[model.uses])
    table = Columns.join([]) if model.table is None else model.table
    flow = x[table.number] * model.unit
    moves = flow > _NOISE * model.unit
    table, flow = table.where(moves), flow[moves]
    burden = _burden_of(graph, table, flow)[model.uses]
    sent = np.bincount(table.origin, flow, len(graph.processes)).astype(np.float64)
    return Outcome(most.total_t, served, burden, sent, lambda: _shipments(graph, table, flow))


def _burden_of(graph: Expanded, table: Columns, flow: NDArray[np.float64]) -> NDArray[np.float64]:
    steps = table.steps
    amounts = np.column_stack([
        np.where(steps >= 0, per_arc[steps], 0.0).sum(axis=1) if len(per_arc) else np.zeros(len(steps))
        for per_arc in (graph.km, graph.days, graph.cost)
    ])
    return _burden(graph, table.origin, table.destination, flow, amounts)


def _shipments(graph: Expanded, table: Columns, flow: NDArray[np.float64]) -> pd.DataFrame:
    routes = [route_text(graph.edges, steps) for steps in table.steps]
    return pd.DataFrame({
        "origin": graph.processes[table.origin], "destination": graph.processes[table.destination],
        "product": graph.products[graph.gives[table.origin]], "route": pd.Series(routes, dtype="str"), "flow_t": flow,
    }).rename_axis("shipment")  # fmt: skip


def _burden(
    graph: Expanded, origin: Ints, destination: Ints, flow: NDArray[np.float64], amounts: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return per process what one tonne of its output (use: of its intake) took to bring about.

    ``b_j = sum_i f_ij (a_ij + b_i) / X_j`` with ``X_j`` the output of j: what a plant loses on the way
    travelled for the tonnes that remain.
    """
    from scipy.sparse import csr_array

    size = len(graph.processes)
    sent, taken = (np.bincount(end, flow, size) for end in (origin, destination))
    output = np.where(graph.gives >= 0, sent, taken)
    part = flow / np.where(output > 0, output, np.inf)[destination]
    own = np.zeros((size, amounts.shape[1]))
    np.add.at(own, destination, part[:, None] * amounts)
    return tracing.solve(csr_array((part, (destination, origin)), shape=(size, size)), own)
