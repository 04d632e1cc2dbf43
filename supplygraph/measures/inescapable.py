"""What of a demand no other supplier could serve: concentration says what is, this says what could be.

``U_d(c) = 1 - (most of d's demand that can still be met with all of c closed) / demand``, with every plant at its
capacity, any supplier free to serve d, and nobody else asking for anything. "All of c closed" is read in two ways:

- *the stage*: all plants of c in the stage stop (its refineries, say); its mines, ports and factories go on.
- *everything*: all sites of c stop, mines, plants, ports and straits; only factories themselves stay, for a demand in c
  would else be unmet by definition. Of an owner, its share of every plant stops in both readings.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from supplygraph.engine.expanded import USE, Expanded, expand
from supplygraph.engine.flowgraph import SINK, SOURCE, FlowGraph
from supplygraph.engine.limits import Scenario, limits
from supplygraph.measures import capacity
from supplygraph.measures.capacity import Capacity

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from supplygraph.engine.program import Program
    from supplygraph.network.network import SupplyNetwork

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Bools = NDArray[np.bool_]

#: Shares of a demand under this are what rounding leaves of nothing.
_NOTHING = 1e-9


@dataclass(frozen=True, eq=False)
class Escape:
    """Asks how much of single demands can be met with suppliers closed.

    Attributes
    ----------
    net
        The network.
    inside
        Per process, whether it belongs to the stage.
    rows
        Per demand, the positions of its use processes.
    """

    net: SupplyNetwork
    inside: Bools
    rows: list[Ints]

    @cached_property
    def graph(self) -> Expanded:
        """The network as arrays."""
        return expand(self.net)

    @cached_property
    def site(self) -> Ints:
        """The node of each process."""
        return self.graph.at

    @cached_property
    def engine(self) -> Capacity:
        """Chooses the engine that is exact for the network, as for chokepoints."""
        return Capacity(self.net, self.graph, Scenario.calm(self.graph), None, "auto")

    @property
    def method(self) -> str:
        """How the shares are found; a bound is at most the truth."""
        if not self.engine.by_flow:
            return capacity.PROGRAM
        return capacity.FLOW if self.engine.flow().exact else capacity.BOUND

    @cached_property
    def demand(self) -> Floats:
        """Tonnes that each demand asks for."""
        return np.array([float(self.graph.demand[row].sum()) for row in self.rows])

    def stage(self, held: Floats) -> Scenario:
        """Return what is left when a supplier's plants of the stage stop; ``held``: its share of each node."""
        calm = Scenario.calm(self.graph)
        calm.process[self.inside] = 1.0 - np.minimum(held, 1.0)[self.site[self.inside]]
        return calm

    def everything(self, held: Floats, *, ports: bool) -> Scenario:
        """Return what is left when all of a supplier's plants stop, and its ports and straits if they are its own."""
        calm = Scenario.calm(self.graph)
        graph, held = self.graph, np.minimum(held, 1.0)
        plant = graph.role != USE
        calm.process[plant] = 1.0 - held[self.site[plant]]
        if ports:
            factory = np.zeros(len(graph.nodes), dtype=np.bool_)
            factory[self.site[~plant]] = True
            calm.node[(held >= 1.0) & ~factory] = 0.0
        return calm

    def shares(self, scenarios: list[Scenario], asked: Bools | None = None) -> Floats:
        """Return ``U_d`` of each demand (rows) under each scenario; missing for a demand that asks for nothing.

        ``asked``: the pairs to find out; the others are known to be 0.
        """
        pairs = np.ones((len(self.rows), len(scenarios)), dtype=np.bool_) if asked is None else asked
        met = np.where(pairs, np.nan, self.demand[:, None])
        (self._by_flow if self.engine.by_flow else self._by_program)(scenarios, pairs, met)
        with np.errstate(invalid="ignore", divide="ignore"):
            lost = 1.0 - met / self.demand[:, None]
        return np.where(lost > _NOTHING, np.minimum(lost, 1.0), np.where(np.isnan(lost), np.nan, 0.0))

    def _by_flow(self, scenarios: list[Scenario], asked: Bools, met: Floats) -> None:
        """One maximum flow per demand, in a graph where nothing else can reach the sink."""
        from supplygraph.engine.kernels.maxflow import max_flow, residual

        for column in np.flatnonzero(asked.any(axis=0)):
            scenario = scenarios[column]
            flow = FlowGraph.of(self.graph, limits(self.graph, scenario, ramp=None), scenario)
            ends = flow.head == SINK
            for row in np.flatnonzero(asked[:, column]):
                room = np.where(ends & ~np.isin(flow.process, self.rows[row]), 0, flow.capacity)
                met[row, column] = max_flow(residual(flow.size, flow.tail, flow.head, room), SOURCE, SINK) * flow.unit

    def _by_program(self, scenarios: list[Scenario], asked: Bools, met: Floats) -> None:
        """One linear program per demand, solved again and again from the same start."""
        program: Program = self.engine.program
        settings = [program.setting(scenario) for scenario in scenarios]
        for row in np.flatnonzero(asked.any(axis=1)):
            wanted = np.zeros(len(self.graph.processes))
            wanted[self.rows[row]] = self.graph.demand[self.rows[row]]
            if not wanted.any():
                continue
            for column in np.flatnonzero(asked[row]):
                left = limits(self.graph, scenarios[column], ramp=program.ramp, demand=wanted)
                met[row, column] = program.most(replace(settings[column], left=left)).total_t


def tables(escape: Escape, held: dict[str, Floats], index: pd.Index, *, ports: bool) -> tuple[pd.DataFrame, ...]:
    """Return ``U_d(c)`` for all demands (rows) and suppliers (columns): the stage closed, and everything.

    Parameters
    ----------
    escape
        The demands.
    held
        By supplier, its share of each node.
    index
        Names of the demands.
    ports
        Whether a supplier's ports and straits are its own (a country's are, an owner's are not).
    """
    whole = escape.shares([escape.everything(share, ports=ports) for share in held.values()])
    # With everything closed more is closed than with the stage: who goes without nothing then never does.
    stage = escape.shares([escape.stage(share) for share in held.values()], ~(whole <= 0))
    return tuple(pd.DataFrame(part, index=index, columns=list(held), dtype=float) for part in (stage, whole))
