"""A network as one flow graph in whole numbers: what a maximum flow, a cut and a dominator tree run on.

From a source through mines, transport and plants to factories and a sink. Every site is split into
an entrance and an exit, so that a site is an arc like an edge or a plant, and what fails is always a
set of arcs. Plants of one product that may serve different customers (forms, bans) move it on layers of their own.

A maximum flow is exact for a network where (a) every way from a product to demand loses the same share, so that
tonnes of all stages can be counted in tonnes of demand, (b) no finite limit of a site or an edge is shared
by several layers, and (c) no export limit couples shipments. Otherwise it is only a bound: it delivers at least
what the network can.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from supplygraph.engine.arcs import commodities
from supplygraph.engine.expanded import TRANSFORM, USE

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from supplygraph.engine.arcs import Commodity
    from supplygraph.engine.expanded import Expanded, Floats, Ints
    from supplygraph.engine.limits import Limits, Scenario

    Ints32 = NDArray[np.int32]

SOURCE, SINK = 0, 1
#: All that can move, in integer units, has so many bits at most: rounding a limit is nothing; sums never overflow.
_FINE, _BITS = 44, 60
#: Two recoveries count as equal up to this share.
_SAME = 1e-12


@dataclass(frozen=True, eq=False)
class FlowGraph:
    """Arcs with whole capacities, and what each stands for.

    Attributes
    ----------
    size
        Vertices; ``SOURCE`` is 0, ``SINK`` is 1.
    tail, head, capacity
        Per arc. ``most`` stands for infinite, and for all that is larger than what can ever move.
    node, edge, process
        Per arc: the site it splits, the edge or the process it is; -1 where it is none.
    most
        All that mines of finite capacity can send and factories ask for, together.
    unit
        Tonnes of demand per unit (a power of 2).
    worth
        Per product: tonnes of demand that one tonne can become.
    why
        Why a maximum flow is only a bound; empty where it is exact.
    """

    size: int
    tail: Ints32
    head: Ints32
    capacity: Ints
    node: Ints32
    edge: Ints32
    process: Ints32
    most: int
    unit: float
    worth: Floats
    why: str

    @property
    def exact(self) -> bool:
        """Whether a maximum flow is what the network can deliver."""
        return not self.why

    @classmethod
    def of(cls, graph: Expanded, left: Limits, scenario: Scenario) -> FlowGraph:
        """Build the flow graph of a network under a scenario.

        Parameters
        ----------
        graph
            The network as arrays.
        left, scenario
            What limits leave, and what is closed or banned.

        Notes
        -----
        In time and memory O(layers x edges + pairs of plants).

        Examples
        --------
        >>> from supplygraph.engine.expanded import expand
        >>> from supplygraph.engine.limits import Scenario, limits
        >>> from toys import chain
        >>> graph = expand(chain())
        >>> calm = Scenario.calm(graph)
        >>> flow = FlowGraph.of(graph, limits(graph, calm, ramp=None), calm)
        >>> flow.exact, flow.worth.tolist()
        (True, [0.9, 1.0])
        """
        return _Layout(graph, left, tuple(commodities(graph, left, scenario))).build()

    def items(self, of: Ints32, count: int) -> tuple[Ints, Ints]:
        """Return the arcs of each site, edge or process as CSR: pass ``self.node``, ``edge`` or ``process``."""
        arcs = np.flatnonzero(of >= 0)
        order = np.argsort(of[arcs], kind="stable")
        ptr = np.zeros(count + 1, dtype=np.int64)
        np.cumsum(np.bincount(of[arcs], minlength=count), out=ptr[1:])
        return ptr, arcs[order]


def worths(graph: Expanded) -> tuple[Floats, bool]:
    """Return what a tonne of each product can become in tonnes of demand, and whether every way agrees.

    The best way counts, so that a flow measured like this never delivers less than the network can.
    """
    size = len(graph.products)
    used = np.unique(graph.takes[(graph.role == USE) & (graph.takes >= 0)])
    own = np.zeros(size)
    own[used] = 1.0
    made_of = np.flatnonzero((graph.role == TRANSFORM) & (graph.takes >= 0) & (graph.gives >= 0))
    takes, gives, recovery = graph.takes[made_of], graph.gives[made_of], graph.recovery[made_of]
    worth = own.copy()
    for _ in range(size + 1):
        before = worth.copy()
        np.maximum.at(worth, takes, recovery * worth[gives])
    through = recovery * worth[gives]
    leads = through > 0
    same = np.abs(through - worth[takes])[leads] <= _SAME * worth[takes][leads]
    settled = bool((before == worth).all())
    return worth, settled and bool(same.all()) and bool((worth[used] <= 1.0).all())


@dataclass(frozen=True, eq=False)
class _Layout:
    """Numbers vertices and arcs: source and sink, then processes, then each layer's sites in pairs."""

    graph: Expanded
    left: Limits
    layers: tuple[Commodity, ...]

    def build(self) -> FlowGraph:
        worth, agree = worths(self.graph)
        parts, size = [self._plants()], 2 + len(self.graph.processes)
        for layer in self.layers:
            if worth[layer.product] <= 0:
                continue  # it leads to no demand
            laid, size = self._layer(layer, float(worth[layer.product]), size)
            parts += laid
        tail, head, tonnes, *what = (np.concatenate(column) for column in zip(*(p.columns for p in parts), strict=True))
        moves = tonnes[np.isfinite(tonnes) & ((tail == SOURCE) | (head == SINK))]
        total = max(float(moves.sum()), 1e-9)
        bits = min(_FINE, _BITS - int(np.ceil(np.log2(len(tail) + 1))))
        unit = float(2.0 ** (np.floor(np.log2(total)) - bits + 1))
        most = int(np.rint(total / unit))
        capacity = np.minimum(np.rint(np.minimum(tonnes, total) / unit), most).astype(np.int64)
        tail, head, node, edge, process = (ends.astype(np.int32) for ends in (tail, head, *what))
        flow = FlowGraph(size, tail, head, capacity, node, edge, process, most, unit, worth, "")
        return replace(flow, why=self._why(flow, agree=agree))

    def _plants(self) -> _Arcs:
        """Factories end in the sink; a mine's and a plant's arc begins where their layer does (see `_layer`)."""
        uses = np.flatnonzero((self.graph.role == USE) & (self.graph.takes >= 0))
        wanted = np.minimum(self.left.demand, self.left.intake)[uses]
        return _Arcs(2 + uses, np.full(len(uses), SINK), wanted, process=uses)

    def _layer(self, layer: Commodity, worth: float, start: int) -> tuple[list[_Arcs], int]:
        """Lay out one commodity; its sites are numbered from ``start``, entrance and exit in turn."""
        graph, left = self.graph, self.left
        tails, heads = graph.source[layer.arcs], graph.target[layer.arcs]
        takers = layer.destinations[~graph.is_build[layer.destinations]]
        begins, ends = graph.gives_at[layer.origins], graph.takes_at[takers]
        vertices = np.unique(np.concatenate([tails, heads, begins, ends]))

        def entrance(vertex: Ints) -> Ints:
            return start + 2 * np.searchsorted(vertices, vertex)

        sites = graph.vertex_node[vertices]
        feeds = np.where(graph.takes[layer.origins] >= 0, 2 + layer.origins, SOURCE)
        return [
            _Arcs(entrance(vertices), entrance(vertices) + 1, left.node[sites] * worth, node=sites),
            _Arcs(entrance(tails) + 1, entrance(heads), left.arc[layer.arcs] * worth, edge=layer.arcs),
            _Arcs(feeds, entrance(begins), left.output[layer.origins] * worth, process=layer.origins),
            _Arcs(entrance(ends) + 1, 2 + takers, np.full(len(takers), np.inf)),
        ], start + 2 * len(vertices)

    def _why(self, flow: FlowGraph, *, agree: bool) -> str:
        if self.left.quotas:
            return "export limits couple shipments"
        if not agree:
            return "plants lose different shares on the way from one product to demand"
        for what, of, limit, ids in (
            ("site", flow.node, self.left.node, self.graph.nodes), ("edge", flow.edge, self.left.arc, self.graph.edges)
        ):
            copies = np.bincount(of[of >= 0], minlength=len(limit))
            shared = np.flatnonzero((copies > 1) & np.isfinite(limit))
            if len(shared):
                more = f" and of {len(shared) - 1} more" if len(shared) > 1 else ""
                return f"the limit of {what} {ids[shared[0]]}{more} is shared by several products, forms or berths"
        return ""


class _Arcs:
    """Arcs being gathered: ends, tonnes (of demand), and what they stand for."""

    def __init__(
        self, tail: Ints, head: Ints, tonnes: Floats,
        *, node: Ints | None = None, edge: Ints | None = None, process: Ints | None = None,
    ) -> None:
        none = np.full(len(tail), -1)
        self.columns = (tail, head, tonnes, *(none if what is None else what for what in (node, edge, process)))
