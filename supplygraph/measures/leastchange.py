"""What the best rerouting costs: the least change from today's shipments that still serves the most.

The phases of a rerouting, each held before the next: least unmet demand; who goes without (every
supplier cuts all its customers alike); then the cheapest change, where a shipment that stays as it is
costs nothing, one that changes its route pays the difference, and a new link pays freight, processing
and a fixed cost of relinking; then, among equally cheap changes, cuts in proportion.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from supplygraph.engine.expanded import USE
from supplygraph.engine.model import fix
from supplygraph.engine.paths import KEEP, MOVED, NEW, path_model
from supplygraph.engine.program import ration
from supplygraph.engine.quadratic import spread
from supplygraph.engine.rows import Audiences
from supplygraph.errors import InfeasibleError, SupplyGraphError
from supplygraph.measures import tracing

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from supplygraph.engine.expanded import Expanded, Ints
    from supplygraph.engine.limits import Scenario
    from supplygraph.engine.model import Face, Model
    from supplygraph.engine.program import Program

#: USD per tonne for a link that does not exist today. From 50 to 5 000 the answer is much the same;
#: near zero customers change suppliers at random.
RELINK_USD_T = 300.0
RATIONING = "proportional"
#: Room around what each use goes without, in units of 1e-4 of all demand; the next when one is too narrow.
_ROOM = (1e-6, 1e-4, 1e-2)
#: Flows (in the same units), kilometres, days and USD under this are what rounding leaves of nothing.
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
    """

    total_t: float
    served: pd.Series
    burden: NDArray[np.float64]

    def beyond(self, before: Outcome) -> NDArray[np.float64]:
        """Return km, days and USD more per tonne served than the same uses' tonnes took before."""
        served = self.served.to_numpy()
        if not served.sum() > 0:
            return np.zeros(3)
        more: NDArray[np.float64] = served @ (self.burden - before.burden) / served.sum()
        return np.where(np.abs(more) > _NOISE, more, 0.0)


def today(program: Program) -> Outcome:
    """Return what today's shipments deliver."""
    graph = program.graph
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
    return Outcome(float(served.sum()), served, burden[uses])


def rerouted(program: Program, scenario: Scenario) -> Outcome:
    """Return what the best rerouting delivers under a scenario, changing as little as possible."""
    graph = program.graph
    setting = program.setting(scenario)
    most = program.max_served(scenario=scenario)
    model = path_model(
        graph, setting.left, setting.ways, Audiences.one(graph), program.links, scenario, relink=RELINK_USD_T
    )
    free = model.face
    inside = np.zeros(len(graph.processes), dtype=np.bool_)
    unmet = np.zeros(len(model.uses))
    if setting.left.couples:  # limits on the way: this also finds the routes that keep within them
        _, unmet = ration(model, RATIONING, inside)
    elif most.unmet_t > _ROOM[0] * model.unit:  # over the hubs who goes without is the same, and found sooner
        _, unmet = ration(program.model(setting, links=True), RATIONING, inside)
    x = _cheapest(model, free, unmet, setting.left.output)
    wanted = setting.left.demand[model.uses]
    served = pd.Series(np.clip(wanted - unmet * model.unit, 0.0, wanted), index=graph.processes[model.uses])
    return Outcome(most.total_t, served, _burden_of(graph, model, x)[model.uses])


def _cheapest(
    model: Model, free: Face, unmet: NDArray[np.float64], output: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Find the cheapest change on the free program with nothing held but who goes without."""
    model.held.clear()
    for room in _ROOM:
        added = model.columns - len(free.lower)  # routes that earlier phases priced in
        lower, upper = np.append(free.lower, np.zeros(added)), np.append(free.upper, np.full(added, np.inf))
        upper[model.unmet] = np.clip(unmet + room, lower[model.unmet], upper[model.unmet])
        lower[model.unmet] = np.clip(unmet - room, lower[model.unmet], upper[model.unmet])
        model.face = replace(free, lower=lower, upper=upper)
        try:
            found = model.cheapest()
            break
        except InfeasibleError:
            if room == _ROOM[-1]:
                raise
    fix(model, found)
    try:
        return _even(model, output)
    except SupplyGraphError:  # only the choice among equally cheap changes is left open: take the solver's
        return found.x


def _even(model: Model, output: NDArray[np.float64]) -> NDArray[np.float64]:
    """Choose among equally cheap changes: cut shipments in proportion, so that flows are unique."""
    if model.paths is None:
        return np.zeros(model.columns)
    graph, table = model.rows.graph, model.paths.table()
    number, kind = table["number"].astype(np.int64), table["kind"]
    taken = np.bincount(graph.ship_destination, graph.ship_flow, len(output))
    ends = (output / model.unit)[table["origin"].astype(np.int64)]
    ends = ends * (taken / model.unit)[table["destination"].astype(np.int64)]
    weight = np.sqrt(np.maximum(np.where(np.isfinite(ends), ends, 0.0), 1e-4))
    curve, cost = np.zeros(model.columns), np.zeros(model.columns)
    curve[number] = 1.0 / np.where((kind != NEW) & (table["today"] > 0), table["today"], weight)
    cost[number] = np.select([kind == KEEP, kind == MOVED], [-1.0, -0.5], 0.0)
    face = model.face
    return spread(curve, cost, model.matrix, face.row_lower, face.row_upper, face.lower, face.upper)


def _burden_of(graph: Expanded, model: Model, x: NDArray[np.float64]) -> NDArray[np.float64]:
    if model.paths is None:
        return np.zeros((len(graph.processes), 3))
    table = model.paths.table()
    flow = x[table["number"].astype(np.int64)] * model.unit
    moves = flow > _NOISE * model.unit
    steps = table["steps"].astype(np.int64)[moves]
    amounts = np.column_stack([
        np.where(steps >= 0, per_arc[steps], 0.0).sum(axis=1) if len(per_arc) else np.zeros(len(steps))
        for per_arc in (graph.km, graph.days, graph.cost)
    ])
    origin, destination = (table[side].astype(np.int64)[moves] for side in ("origin", "destination"))
    return _burden(graph, origin, destination, flow[moves], amounts)


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
