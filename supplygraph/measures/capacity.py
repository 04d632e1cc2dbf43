"""The capacity lens: how much demand nobody can deliver any more when an item fails, and how we know.

Three questions with the same engines: with every plant at its capacity and any supplier free to serve any customer;
with today's pairs of supplier and customer only; with plants that can ramp up only so much.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from supplygraph.engine.expanded import USE, Expanded
from supplygraph.engine.flowgraph import SINK, SOURCE, FlowGraph
from supplygraph.engine.limits import Scenario, limits
from supplygraph.engine.program import Program, shared
from supplygraph.errors import LimitError, UnknownNameError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from supplygraph.engine.expanded import Floats, Ints
    from supplygraph.engine.limits import Limits
    from supplygraph.measures.items import Items
    from supplygraph.network.network import SupplyNetwork

ENGINES = ("auto", "flow", "program")
#: How a loss was found.
FLOW, PROGRAM, BOUND = "max flow, exact", "linear program, exact", "max flow, at least"
#: More pairs of supplier and customer than this make no program that is solved again and again.
_PAIRS = 1_000_000
#: Shares of all demand under this are what rounding leaves of nothing.
_NOTHING = 1e-9


@dataclass(frozen=True, eq=False)
class Losses:
    """What each item costs under one assumption.

    Attributes
    ----------
    before_t
        Demand that can be delivered while nothing of it fails.
    lost_t
        Per item, tonnes of it that can then no longer be delivered; NaN where not known.
    method
        ``FLOW``, ``PROGRAM`` or ``BOUND``.
    """

    before_t: float
    lost_t: Floats
    method: str


@dataclass(eq=False)
class Capacity:
    """Finds losses with whichever engine is exact for the network.

    Parameters
    ----------
    net, graph
        The network, also as arrays.
    before
        What has already happened (a shock), or the calm scenario.
    wanted
        Demand per process, if not everybody's counts.
    engine
        One of ``ENGINES``.
    """

    net: SupplyNetwork
    graph: Expanded
    before: Scenario
    wanted: Floats | None
    engine: str
    _flows: dict[float | None, FlowGraph] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.engine not in ENGINES:
            raise UnknownNameError.of("engine", self.engine, ENGINES)

    @cached_property
    def program(self) -> Program:
        """The linear program, compiled once."""
        if not self.has_program:
            message = (
                f"the network has {self.pairs:,} pairs of supplier and customer; a linear program that is solved for "
                f"every item takes at most {_PAIRS:,}. Ask for lenses=('structure', 'capacity') and engine='flow', or "
                "for a part: net.select(...)."
            )
            raise LimitError(message)
        return shared(self.net)

    @cached_property
    def existing(self) -> Program:
        """The linear program of today's pairs only."""
        return Program(self.net, links_only=True)

    @cached_property
    def pairs(self) -> int:
        """Pairs of supplier and customer, by product."""
        sizes = (len(self.graph.products),)
        gives, takes = (
            np.bincount(side[side >= 0], minlength=sizes[0]) for side in (self.graph.gives, self.graph.takes)
        )
        return int(gives @ takes)

    @property
    def has_program(self) -> bool:
        """Whether a linear program can be asked again and again."""
        return self.pairs <= _PAIRS

    def limits(self, scenario: Scenario, ramp: float | None = None) -> Limits:
        """Return what a scenario leaves."""
        return limits(self.graph, scenario, ramp=ramp, demand=self.wanted)

    def flow(self, ramp: float | None = None) -> FlowGraph:
        """Return the flow graph of what there is before anything fails."""
        if ramp not in self._flows:
            self._flows[ramp] = FlowGraph.of(self.graph, self.limits(self.before, ramp), self.before)
        return self._flows[ramp]

    @property
    def by_flow(self) -> bool:
        """Whether a maximum flow gives the losses."""
        if self.engine == "auto":
            return self.flow().exact or not self.has_program
        return self.engine == "flow"

    def losses(self, items: Items, chosen: Ints, *, ramp: float | None = None, step: Callable[[int], object]) -> Losses:
        """Return what each of some items costs; they are numbered as in the table of the items.

        Parameters
        ----------
        ramp
            Plants reach at most ``(1 + ramp)`` times today; None = their capacity.
        step
            Called with the number of items done (for a progress bar).
        """
        if self.by_flow:
            return self._by_flow(items, chosen, ramp, step)
        program = self.program if ramp is None else shared(self.net, ramp=ramp)
        return self._by_program(program, items, chosen, step)

    def existing_losses(self, items: Items, chosen: Ints, step: Callable[[int], object]) -> Losses:
        """Return what each item costs when only today's pairs of supplier and customer may trade."""
        return self._by_program(self.existing, items, chosen, step)

    def _by_program(self, program: Program, items: Items, chosen: Ints, step: Callable[[int], object]) -> Losses:
        calm = program.setting(self.before, demand=self.wanted)
        whole = program.most(calm).total_t
        lost = np.zeros(len(chosen))
        for place, item in enumerate(items.table.index[chosen]):
            setting = program.setting(items.fail(program.graph, [item], self.before), demand=self.wanted)
            same = all((a.open == b.open).all() for a, b in zip(setting.ways, calm.ways, strict=True))
            if not (same and not calm.left.couples and _equal(setting.left, calm.left)):
                lost[place] = whole - program.most(setting).total_t
            step(1)
        return Losses(whole, _clean(lost, whole), PROGRAM)

    def _by_flow(self, items: Items, chosen: Ints, ramp: float | None, step: Callable[[int], object]) -> Losses:
        from supplygraph.engine.kernels.maxflow import max_flow, residual
        from supplygraph.engine.kernels.vitality import losses

        flow = self.flow(ramp)
        res = residual(flow.size, flow.tail, flow.head, flow.capacity)
        most = max_flow(res, SOURCE, SINK)
        asked = int(flow.capacity[flow.head == SINK].sum())
        if items.whole:
            ptr, arcs = items.arcs(flow)
            sizes = np.diff(ptr)[chosen]
            bounds = np.concatenate([[0], np.cumsum(sizes)])
            which = np.repeat(ptr[chosen] - bounds[:-1], sizes) + np.arange(bounds[-1])
            lost = losses(res, bounds, arcs[which], SOURCE, SINK, progress=step)
        else:
            lost = most - np.array([self._left(items, item, ramp, step) for item in items.table.index[chosen]])
        # A flow that may be more than the network can deliver bounds losses only where all demand was met before.
        known = flow.exact or (most == asked and self._serves())
        found = lost * flow.unit if known else np.full(len(chosen), np.nan)
        whole = most * flow.unit if known else np.nan
        return Losses(whole, _clean(found, whole), FLOW if flow.exact else BOUND)

    def _left(self, items: Items, item: str, ramp: float | None, step: Callable[[int], object]) -> int:
        """Return the most that flows when an owner's shares are gone, in units of the whole flow graph."""
        from supplygraph.engine.kernels.maxflow import max_flow, residual

        scenario = items.fail(self.graph, [item], self.before)
        flow = FlowGraph.of(self.graph, self.limits(scenario, ramp), scenario)
        most = max_flow(residual(flow.size, flow.tail, flow.head, flow.capacity), SOURCE, SINK)
        step(1)
        return int(np.rint(most * (flow.unit / self.flow(ramp).unit)))

    def _serves(self) -> bool:
        """Whether today's shipments meet all demand that counts, with nothing that happened in their way."""
        graph = self.graph
        calm = bool((self.before.process == 1).all() and (self.before.node == 1).all() and (self.before.arc == 1).all())
        wanted = np.where(graph.role == USE, graph.demand if self.wanted is None else self.wanted, 0.0)
        taken = np.bincount(graph.ship_destination, graph.ship_flow, len(wanted))
        return calm and not self.before.bans and bool((taken >= wanted - _NOTHING * max(wanted.sum(), 1.0)).all())


def _equal(a: Limits, b: Limits) -> bool:
    pairs: Iterable[tuple[Floats, Floats]] = ((a.output, b.output), (a.intake, b.intake))
    return all(bool((x == y).all()) for x, y in pairs) and a.quotas == b.quotas


def _clean(lost: Floats, whole: float) -> Floats:
    """Return losses without what rounding leaves of nothing."""
    return np.where(np.isnan(lost), np.nan, np.where(lost > _NOTHING * max(whole, 1e-9), lost, 0.0))
