"""The program over arcs: the large-scale twin of the program over routes.

A flow is counted on every edge instead of on every route, so the number of columns grows with the
edges and not with the pairs of plants. Plants of one product that may serve the same destinations
(forms, bans, export limits) form a *commodity*; within a commodity any tonne is as good as any
other, so nothing is lost by not remembering who sent it. Limits mean what they mean over routes
(:mod:`supplygraph.engine.limits`): a site counts every shipment that starts there or enters it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from supplygraph.engine.expanded import TRANSFORM, USE, tally
from supplygraph.engine.limits import Scenario, limits, quotas
from supplygraph.engine.linear import Linear
from supplygraph.engine.solver import assemble
from supplygraph.errors import DataError, Problem

if TYPE_CHECKING:
    from supplygraph.engine.expanded import Bools, Expanded, Floats, Ints
    from supplygraph.engine.limits import Limits, Quota

#: Kinds of columns, and what ``item`` numbers: SEND and DELIVER a process, MOVE an arc, UNMET a use process.
SEND, MOVE, DELIVER, UNMET = range(4)
#: How often bounds are passed along the arcs: tight bounds make duals prove more.
_PASSES = 4


@dataclass(frozen=True, eq=False)
class Commodity:
    """Origins of one product with equal destinations.

    ``counts[q]`` tells which destinations count against export limit q when this commodity serves them;
    ``arcs`` are those on some open way from its origins to its destinations.
    """

    product: int
    origins: Ints
    destinations: Ints
    counts: Bools
    arcs: Ints


@dataclass(frozen=True, eq=False)
class ArcProgram:
    """A program over arcs and what its columns mean.

    Attributes
    ----------
    linear
        The program; columns in tonnes, costs in USD/t (or 1 per tonne unmet).
    commodities
        The commodities, by product, then by first origin.
    kind, commodity, item
        Per column: one of SEND, MOVE, DELIVER, UNMET; its commodity (-1 for unmet demand); the process or arc.
    """

    graph: Expanded
    left: Limits
    linear: Linear
    commodities: tuple[Commodity, ...]
    kind: Ints
    commodity: Ints
    item: Ints

    def unmet(self, x: Floats) -> Floats:
        """Tonnes of demand per process that a solution leaves unmet (0 where there is no demand)."""
        on = self.kind == UNMET
        return tally(self.item[on], x[on], len(self.graph.processes))

    def on_arcs(self, x: Floats) -> Floats:
        """Tonnes per arc of a solution, all commodities together."""
        on = self.kind == MOVE
        return tally(self.item[on], x[on], len(self.graph.source))


def arc_program(
    graph: Expanded,
    scenario: Scenario | None = None,
    *,
    ramp: float | None = None,
    demand: Floats | None = None,
    price: Floats | float | None = None,
) -> ArcProgram:
    """Build the program over arcs of an expanded network.

    Parameters
    ----------
    graph
        The network as arrays.
    scenario
        What a shock leaves; None = nothing happens.
    ramp, demand
        As in :func:`supplygraph.engine.limits.limits`.
    price
        USD per tonne of unmet demand, one number or one per process: the program minimises freight +
        processing fees + price x unmet. None = only tonnes of unmet demand count.

    Returns
    -------
    ArcProgram
        In time and memory O(commodities x arcs + pairs of plants).

    Raises
    ------
    DataError
        If a price is negative or not finite, or if nothing limits the flow of a product.

    Notes
    -----
    Columns need finite upper bounds so that duals prove something. Where no limit gives one, the flow
    of a product does: no more is sent than its origins can make, and no more than its destinations
    can take; an optimum without cycles carries no more than that on any arc.

    Examples
    --------
    >>> from supplygraph.engine.expanded import expand
    >>> from supplygraph.engine.linear import solve
    >>> from toys import chain
    >>> program = arc_program(expand(chain()), price=30000.0)
    >>> found = solve(program.linear)
    >>> round(float(program.unmet(found.x).sum()), 6)
    0.0
    """
    calm = Scenario.calm(graph) if scenario is None else scenario
    left = limits(graph, calm, ramp=ramp, demand=demand)
    per_tonne = None if price is None else np.broadcast_to(np.asarray(price, dtype=np.float64), len(graph.processes))
    if per_tonne is not None and not (np.isfinite(per_tonne).all() and (per_tonne >= 0).all()):
        raise DataError("prices must be finite and at least 0", [Problem("price", f"is {price!r}")])
    return _Layout(graph, left, tuple(commodities(graph, left, calm)), flow_bounds(graph, left)).build(per_tonne)


def commodities(graph: Expanded, left: Limits, scenario: Scenario) -> list[Commodity]:
    """Return all commodities of a network under a scenario, by product, then by first origin."""
    ends = graph.vertex_node[graph.source], graph.vertex_node[graph.target]
    shut = scenario.closed_arc | scenario.closed_node[ends[0]] | scenario.closed_node[ends[1]]
    found: list[Commodity] = []
    for product in range(len(graph.products)):
        found += _commodities(graph, product, left.quotas, quotas(graph, scenario), shut)
    return found


def flow_bounds(graph: Expanded, left: Limits) -> Floats:
    """Return the most tonnes of each product that can be sent in all.

    The smaller of what its origins can make and what its destinations can take, followed along the chain. A trader
    sells a tonne at most once: what comes back to it went in a circle.

    Raises
    ------
    DataError
        If neither is finite for some product that is made and taken.
    """
    size = len(graph.products)
    makes, takes = graph.gives >= 0, graph.takes >= 0
    made_of = (graph.role == TRANSFORM) & makes & takes
    output = np.where(makes, left.output, 0.0)
    trades = made_of & (graph.takes == graph.gives)
    resold, makes, takes = graph.takes[trades], makes & ~trades, takes & ~trades
    made, wanted = np.full(size, np.inf), np.full(size, np.inf)
    for _ in range(size):
        feed = np.where(made_of, made[graph.takes] * graph.recovery, np.inf)
        made = tally(graph.gives[makes], np.minimum(output, feed)[makes], size)
        made += tally(resold, np.minimum(output[trades], made[resold]), size)
        work = np.where(made_of, np.minimum(wanted[graph.gives], output) / graph.recovery, 0.0)
        most = np.where(made_of, work, np.where(graph.role == USE, left.demand, left.intake))
        wanted = tally(graph.takes[takes], most[takes], size)
        wanted += tally(resold, np.minimum(output[trades], wanted[resold]), size)
    both = np.minimum(made, wanted)
    bad = np.isinf(both)
    if bad.any():
        raise DataError(
            "no limit on the flow of a product",
            [
                Problem(f"product {name!r}", "neither its makers nor its takers have a finite capacity",
                        "Give capacity_t to one side.")
                for name in graph.products[bad]
            ],
        )  # fmt: skip
    return np.asarray(both)


def _commodities(
    graph: Expanded, product: int, positive: tuple[Quota, ...], every: tuple[Quota, ...], shut: Bools
) -> list[Commodity]:
    """Group the origins of a product by whom they may serve and which export limits that counts against."""
    origins, destinations, possible = graph.pairs(product)
    if not possible.any():
        return []
    o, d = origins[:, None], destinations[None, :]
    for quota in every:
        if quota.limit <= 0 and quota.product == product:
            possible = possible & ~quota.covers(graph, o, d)
    none: Bools = np.zeros((0, *possible.shape), dtype=np.bool_)
    counted = np.stack([quota.covers(graph, o, d) & possible for quota in positive]) if positive else none
    signature = np.concatenate([possible[None], counted]).transpose(1, 0, 2).reshape(len(origins), -1)
    _, first, label = np.unique(np.packbits(signature, axis=1), axis=0, return_index=True, return_inverse=True)
    found = []
    for group in np.argsort(first):
        member = first[group]
        served = np.flatnonzero(possible[member])
        if not len(served):
            continue
        senders, takers = origins[label == group], destinations[served]
        arcs = _useful(graph, product, graph.gives_at[senders], graph.takes_at[takers], shut)
        found.append(Commodity(product, senders, takers, counted[:, member, :][:, served], arcs))
    return found


def _useful(graph: Expanded, product: int, starts: Ints, ends: Ints, shut: Bools) -> Ints:
    """Arcs on some open walk from a start to an end."""
    arcs = np.flatnonzero((graph.arc_product == product) & ~shut)
    tails, heads = graph.source[arcs], graph.target[arcs]
    ahead = _reached(tails, heads, starts, len(graph.vertex_node))
    back = _reached(heads, tails, ends, len(graph.vertex_node))
    return np.asarray(arcs[ahead[tails] & back[heads] & (tails != heads)])


def _reached(tails: Ints, heads: Ints, starts: Ints, size: int) -> Bools:
    """Tell which vertices some start leads to."""
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import breadth_first_order

    root = np.full(len(starts), size)
    ends = (np.concatenate([tails, root]), np.concatenate([heads, starts]))
    graph = csr_array((np.ones(len(ends[0]), dtype=np.int8), ends), shape=(size + 1, size + 1))
    found = np.zeros(size + 1, dtype=np.bool_)
    found[breadth_first_order(graph, size, return_predecessors=False)] = True
    return found[:size]


@dataclass(eq=False)
class _Layout:
    """Columns and rows being laid out."""

    graph: Expanded
    left: Limits
    commodities: tuple[Commodity, ...]
    most: Floats

    def __post_init__(self) -> None:
        self.rows: list[Ints] = []
        self.columns: list[Ints] = []
        self.values: list[Floats] = []
        self.low: list[Floats] = []
        self.high: list[Floats] = []
        self.count = 0
        self.kind, self.commodity, self.item = self._columns()

    def _columns(self) -> tuple[Ints, Ints, Ints]:
        uses = np.flatnonzero(self.graph.role == USE)
        parts = [(UNMET, -1, uses)]
        for number, group in enumerate(self.commodities):
            parts += [(SEND, number, group.origins), (MOVE, number, group.arcs), (DELIVER, number, group.destinations)]
        kind, commodity = (np.concatenate([np.full(len(part[2]), part[side]) for part in parts]) for side in (0, 1))
        return kind, commodity, np.concatenate([part[2] for part in parts])

    def build(self, price: Floats | None) -> ArcProgram:
        """Return the program."""
        self._balances()
        self._works()
        self._sites()
        self._exports()
        lower, upper = self._bounds()
        shape = (self.count, len(self.item))
        linear = Linear(
            self._costs(price), lower, upper, assemble(self.rows, self.columns, self.values, shape),
            np.concatenate(self.low), np.concatenate(self.high),
        )
        return ArcProgram(self.graph, self.left, linear, self.commodities, self.kind, self.commodity, self.item)

    def _take(self, low: Floats, high: Floats) -> int:
        """Append rows; return the number of the first."""
        start = self.count
        self.low.append(np.asarray(low, dtype=np.float64))
        self.high.append(np.asarray(high, dtype=np.float64))
        self.count += len(low)
        return start

    def _put(self, rows: Ints, columns: Ints, values: Floats | float) -> None:
        self.rows.append(rows)
        self.columns.append(columns)
        self.values.append(np.broadcast_to(np.asarray(values, dtype=np.float64), len(rows)).copy())

    def _of(self, kind: int) -> tuple[Ints, Ints]:
        """Columns of a kind, and their items."""
        columns = np.flatnonzero(self.kind == kind)
        return columns, self.item[columns]

    def _balances(self) -> None:
        """Let what enters a vertex leave it, per commodity."""
        graph, size = self.graph, len(self.graph.vertex_node)
        ends: list[tuple[Ints, Ints, float]] = []
        for kind, vertex, sign in (
            (SEND, graph.gives_at, 1.0), (MOVE, graph.target, 1.0), (MOVE, graph.source, -1.0),
            (DELIVER, graph.takes_at, -1.0),
        ):  # fmt: skip
            columns, items = self._of(kind)
            ends.append((columns, self.commodity[columns] * size + vertex[items], sign))
        keys = np.unique(np.concatenate([key for _, key, _ in ends]))
        start = self._take(np.zeros(len(keys)), np.zeros(len(keys)))
        self.vertices = len(keys)
        self.enters, self.leaves = (np.full(len(self.item), self.vertices) for _ in range(2))
        for columns, key, sign in ends:
            row = np.searchsorted(keys, key)
            self._put(start + row, columns, sign)
            (self.enters if sign > 0 else self.leaves)[columns] = row

    def _works(self) -> None:
        """Plants send recovery x what they take; uses take demand less unmet; stock builds take at most their limit."""
        graph, left = self.graph, self.left
        sends, sender = self._of(SEND)
        gives, taker = self._of(DELIVER)
        short, use = self._of(UNMET)
        made = np.flatnonzero(graph.role == TRANSFORM)
        ends = np.flatnonzero(graph.gives < 0)
        is_use = graph.role[ends] == USE
        row = np.full(len(graph.processes), -1)
        row[made] = self._take(np.zeros(len(made)), np.zeros(len(made))) + np.arange(len(made))
        low = np.where(is_use, left.demand[ends], -np.inf)
        row[ends] = self._take(low, np.where(is_use, left.demand[ends], left.intake[ends])) + np.arange(len(ends))
        out = graph.role[sender] == TRANSFORM
        self._put(row[sender[out]], sends[out], 1.0)
        self._put(row[taker], gives, np.where(graph.role[taker] == TRANSFORM, -graph.recovery[taker], 1.0))
        self._put(row[use], short, 1.0)

    def _sites(self) -> None:
        """Throughput of sites over all they send and receive; capacity of arcs that several commodities share."""
        graph, left = self.graph, self.left
        sends, sender = self._of(SEND)
        moves, arc = self._of(MOVE)
        limited = np.flatnonzero(np.isfinite(left.node))
        row = np.full(len(graph.nodes), -1)
        row[limited] = self._take(np.full(len(limited), -np.inf), left.node[limited]) + np.arange(len(limited))
        at, into = row[graph.at[sender]], graph.visits(arc)
        entered = np.where(into >= 0, row[into], -1)
        self._put(at[at >= 0], sends[at >= 0], 1.0)
        self._put(entered[entered >= 0], moves[entered >= 0], 1.0)
        several = np.bincount(arc, minlength=len(graph.source)) > 1
        shared = np.flatnonzero(several & np.isfinite(left.arc))
        lane = np.full(len(graph.source), -1)
        lane[shared] = self._take(np.full(len(shared), -np.inf), left.arc[shared]) + np.arange(len(shared))
        on = lane[arc] >= 0
        self._put(lane[arc[on]], moves[on], 1.0)

    def _exports(self) -> None:
        """Keep what crosses a border within its limit."""
        allowed = np.array([quota.limit for quota in self.left.quotas])
        start = self._take(np.full(len(allowed), -np.inf), allowed)
        gives, _ = self._of(DELIVER)
        for number, group in enumerate(self.commodities):
            own = gives[self.commodity[gives] == number]
            for quota, counts in enumerate(group.counts):
                hit = own[counts[np.searchsorted(group.destinations, self.item[own])]]
                self._put(np.full(len(hit), start + quota), hit, 1.0)

    def _bounds(self) -> tuple[Floats, Floats]:
        """Bound every column by its own limits, then by what can reach its tail and leave its head."""
        graph, left = self.graph, self.left
        product = np.array([group.product for group in self.commodities], dtype=np.int64)
        own = np.where(self.commodity >= 0, np.append(self.most[product], 0.0)[self.commodity], np.inf)
        site = np.append(left.node, np.inf)  # -1 = enters no site
        top = np.full(len(self.item), np.inf)
        lower = np.zeros(len(self.item))
        sends, sender = self._of(SEND)
        top[sends] = np.minimum(left.output[sender], site[graph.at[sender]])
        moves, arc = self._of(MOVE)
        top[moves] = np.minimum(left.arc[arc], site[graph.visits(arc)])
        gives, taker = self._of(DELIVER)
        feed = left.output[taker] / graph.recovery[taker]  # a plant takes no more than it can send
        ends = np.where(graph.role[taker] == USE, left.demand[taker], left.intake[taker])
        top[gives] = np.where(graph.role[taker] == TRANSFORM, feed, ends)
        short, use = self._of(UNMET)
        top[short] = left.demand[use]
        lower[short] = np.maximum(left.demand[use] - left.intake[use], 0.0)
        top = np.minimum(top, own)
        for _ in range(_PASSES):
            for here, there in ((self.enters, self.leaves), (self.leaves, self.enters)):
                most = np.bincount(here, top, self.vertices + 1)
                most[-1] = np.inf  # the place of columns without such an end
                top = np.minimum(top, most[there])
        return lower, top

    def _costs(self, price: Floats | None) -> Floats:
        cost = np.zeros(len(self.item))
        short, use = self._of(UNMET)
        cost[short] = 1.0 if price is None else price[use]
        if price is not None:
            sends, sender = self._of(SEND)
            moves, arc = self._of(MOVE)
            cost[sends], cost[moves] = self.graph.fee[sender], self.graph.cost[arc]
        return cost
