"""Plain nearest chains: all chains of plants laid out as one graph, for the k best routes to all targets at once.

Where products do not turn into each other, the chains that differ in a plant or a step are exactly the routes of that
graph (see :mod:`supplygraph.engine.kernels.kbest`).
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from supplygraph.engine.chainfinder import Chain, product_order
from supplygraph.engine.expanded import TRANSFORM

if TYPE_CHECKING:
    from collections.abc import Sequence

    from supplygraph.engine.chainfinder import Prices
    from supplygraph.engine.expanded import Bools, Expanded, Floats, Ints
    from supplygraph.engine.kernels import Integers

#: Routes per target that are listed at first, where more are asked for.
_FIRST = 64


class ChainArcs(NamedTuple):
    """Chains as routes from vertex 0.

    Behind it stand the places of each product, one copy per class of origins (those with the same possible takers),
    then a goal per group of targets. A plant is an arc from where it takes to where what it gives sets out.

    Attributes
    ----------
    size, goals
        Number of vertices; where the routes into each group end.
    tail, head
        Ends of each arc.
    weight, factor
        Per arc: a total of x becomes ``x factor + weight``.
    edge, process
        Per arc: the edge that it moves by, or the process (start, plant or target) that it enters; -1 = not one.
    """

    size: int
    goals: Ints
    tail: Integers
    head: Integers
    weight: Floats
    factor: Floats
    edge: Ints
    process: Ints


def chain_arcs(
    graph: Expanded, prices: Prices, starts: Ints, product: int, groups: Sequence[Ints], *,
    open_arc: Bools, open_node: Bools, open_process: Bools,
) -> ChainArcs | None:  # fmt: skip
    """Lay out all chains into one product's takers; None where products on the way turn into each other.

    Parameters
    ----------
    graph, prices
        The expanded network and what to add up.
    starts
        Processes where a chain may begin; none passes one later on.
    product
        The product delivered.
    groups
        Targets: processes that take it, of which any will do. A group at several places must be the only one.
    open_arc, open_node, open_process
        What may be used at all.

    Returns
    -------
    ChainArcs
        Of parallel edges with the lightest only (of equals, the first). Targets that give nothing are just places to
        arrive at: of several at one place the first counts, and no chain passes one on its way to another.

    Notes
    -----
    O(classes x edges). The copies do not depend on the groups: ties are broken alike for one target and for all.
    """
    order, acyclic = product_order(graph, product)
    if not acyclic:
        return None
    usable = open_process & open_node[graph.at]
    copies = _copies(graph, order, _lightest(graph, prices.arc, open_arc, open_node))
    begin = starts[usable[starts] & (copies.giving[starts] >= 0)]
    plant = usable & (graph.role == TRANSFORM) & (copies.giving >= 0)
    plant[starts] = False
    passed = np.flatnonzero(plant[copies.taker])
    by = copies.taker[passed]
    parts = [
        _columns(copies.tail, copies.head, prices.arc[copies.edge], edge=copies.edge),
        _columns(0, copies.giving[begin], prices.fee[begin], process=begin),
        _columns(copies.taking[passed], copies.giving[by], prices.fee[by], 1 / prices.gain[by], process=by),
    ]
    goals = np.arange(copies.size, copies.size + len(groups))
    for goal, members in zip(goals.tolist(), groups, strict=True):
        into = np.flatnonzero(np.isin(copies.taker, members[usable[members]]))
        alike = np.where(graph.gives[copies.taker[into]] < 0, copies.taking[into], -1 - into)
        into = into[np.sort(np.unique(alike, return_index=True)[1])]
        parts.append(_columns(copies.taking[into], goal, 0.0, process=copies.taker[into]))
    columns = [np.concatenate(column) for column in zip(*parts, strict=True)]
    if len(groups) == 1 and len(np.unique(graph.takes_at[groups[0]])) > 1:
        tail, head, process = columns[0], columns[1], columns[-1]
        arrived = tail[(head == goals[0]) & (graph.gives[process] < 0)]
        on = (process >= 0) | ~np.isin(tail, arrived)
        columns = [column[on] for column in columns]
    tail, head = (ends.astype(np.int32) for ends in columns[:2])
    return ChainArcs(copies.size + len(groups), goals, tail, head, *columns[2:])


def nearest(arcs: ChainArcs, k: int) -> list[list[Chain]]:
    """Return up to k cheapest chains into each group, in rising value.

    Notes
    -----
    Exact; of equal values in the order of :func:`supplygraph.engine.kernels.kbest.k_best`.
    """
    from supplygraph.engine.kernels.kbest import k_best, routes

    most = min(k, _FIRST)
    while True:
        best = k_best(arcs.size, arcs.tail, arcs.head, arcs.weight, 0, arcs.goals, most, factor=arcs.factor)
        if most == k or np.isinf(best.value[:, -1]).all():
            break
        most = min(4 * most, k)  # memory for the routes that there are, not for all that were asked for
    ptr, used = routes(best)
    ways = [used[low:high] for low, high in pairwise(ptr.tolist())]
    return [
        [_chain(arcs, ways[row * most + rank], value) for rank, value in enumerate(values) if value < np.inf]
        for row, values in enumerate(best.value.tolist())
    ]


def _chain(arcs: ChainArcs, route: Ints, value: float) -> Chain:
    """Read a route: every process but the first ends a leg."""
    edge, process = arcs.edge[route], arcs.process[route]
    stops = np.flatnonzero(process >= 0)
    legs = tuple(tuple(edge[low + 1 : high].tolist()) for low, high in pairwise(stops.tolist()))
    return Chain(tuple(process[stops].tolist()), legs, value)


class _Copies(NamedTuple):
    """Copies of places: their moves; where takers take (a row per class); where what each process gives sets out."""

    size: int
    giving: Ints
    tail: Ints
    head: Ints
    edge: Ints
    taking: Ints
    taker: Ints


def _copies(graph: Expanded, order: Sequence[int], moves: Ints) -> _Copies:
    """Copy the places of each product per class of its origins."""
    size, giving = 1, np.full(len(graph.processes), -1)
    rows: list[tuple[Ints, ...]] = []
    for product in order:
        origins, takers, possible = graph.pairs(product)
        if product != order[-1]:  # only what turns it into something needed is of use on the way
            useful = np.isin(graph.gives[takers], order)
            takers, possible = takers[useful], possible[:, useful]
        fits, kind = np.unique(possible, axis=0, return_inverse=True)
        low, high = graph.block[product : product + 2].tolist()
        copy = size - low + (high - low) * np.arange(len(fits))
        size += (high - low) * len(fits)
        giving[origins] = copy[kind.reshape(-1)] + graph.gives_at[origins]
        here = moves[graph.arc_product[moves] == product]
        tail, head = ((copy[:, None] + ends[here]).ravel() for ends in (graph.source, graph.target))
        row, column = np.nonzero(fits)
        rows.append((tail, head, np.tile(here, len(fits)), copy[row] + graph.takes_at[takers[column]], takers[column]))
    return _Copies(size, giving, *(np.concatenate(column) for column in zip(*rows, strict=True)))


def _lightest(graph: Expanded, weight: Floats, open_arc: Bools, open_node: Bools) -> Ints:
    """Return the open arcs, of parallel ones the lightest, of equals the first."""
    place = open_node[graph.vertex_node]
    arcs = np.flatnonzero(open_arc & np.isfinite(weight) & place[graph.source] & place[graph.target])
    ends = graph.source[arcs] * len(place) + graph.target[arcs]
    order = np.lexsort((weight[arcs], ends))
    first: Ints = order[np.unique(ends[order], return_index=True)[1]]
    return arcs[first]


def _columns(
    tail: Ints | int, head: Ints | int, weight: Floats | float, factor: Floats | float = 1.0, *, edge: Ints | int = -1,
    process: Ints | int = -1,
) -> tuple[Integers | Floats, ...]:  # fmt: skip
    """Return the columns of some arcs, each in full."""
    return np.broadcast_arrays(tail, head, weight, factor, edge, process)
