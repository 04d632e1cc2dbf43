"""Cheapest routes on the product-expanded graph, with any sites and edges closed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from supplygraph.engine.expanded import Bools, Expanded, Floats, Ints


@dataclass(frozen=True, eq=False)
class Routes:
    """Cheapest routes between many origins and destinations of one product.

    Attributes
    ----------
    weight
        Origins x destinations: least weight; ``inf`` = no route; 0 on the same vertex.
    steps
        Origins x destinations x length: arcs in travel order, padded with -1 at the end.
    """

    weight: Floats
    steps: Ints

    def total(self, per_arc: Floats) -> Floats:
        """Sum a quantity per arc (km, days, USD/t) along every route; NaN where there is none."""
        sums = np.where(self.steps >= 0, per_arc[self.steps], 0.0).sum(axis=2)
        return np.where(np.isfinite(self.weight), sums, np.nan)

    def route(self, origin: int, destination: int) -> Ints:
        """Arcs of one route in travel order; empty on the same vertex."""
        steps = self.steps[origin, destination]
        return np.asarray(steps[steps >= 0])


def cheapest(
    graph: Expanded,
    product: int,
    origins: Ints,
    destinations: Ints,
    *,
    weight: Floats | None = None,
    closed_node: Bools | None = None,
    closed_arc: Bools | None = None,
) -> Routes:
    """Find the cheapest route from every origin vertex to every destination vertex.

    Parameters
    ----------
    graph, product
        The expanded network and the product moved.
    origins, destinations
        Vertices of that product.
    weight
        Non-negative weight per arc; by default freight in USD/t. Among parallel arcs of equal
        weight the first edge id is taken.
    closed_node, closed_arc
        Masks of what may not be used. A route may neither pass, start nor end at a closed node.

    Returns
    -------
    Routes
        After one Dijkstra search per distinct origin: O(origins x (arcs + vertices log vertices)).
    """
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import dijkstra

    low, high = int(graph.block[product]), int(graph.block[product + 1])
    size = high - low
    shape = (len(origins), len(destinations))
    arcs, indptr, heads = _lightest(graph, product, weight, closed_node, closed_arc)
    weights = (graph.cost if weight is None else weight)[arcs]
    starts, back = np.unique(origins - low, return_inverse=True)
    ends = destinations - low
    if not len(starts) or not len(ends):
        return Routes(np.full(shape, np.inf), np.full((*shape, 0), -1, dtype=np.int64))
    matrix = csr_array((weights, heads.astype(np.int32), indptr.astype(np.int32)), shape=(size, size))
    distance, before = dijkstra(matrix, indices=starts, return_predecessors=True)
    distance = distance[:, ends]
    tails = np.repeat(np.arange(size), np.diff(indptr))
    steps = _walk(before, starts, ends, distance, (tails * size + heads, arcs), size)
    found, steps = distance[back], steps[back]
    if closed_node is not None:
        shut = closed_node[graph.vertex_node]
        found = np.where(shut[origins][:, None] | shut[destinations][None, :], np.inf, found)
    steps = np.where(np.isfinite(found)[:, :, None], steps, -1)
    return Routes(found, steps)


def _lightest(
    graph: Expanded,
    product: int,
    weight: Floats | None,
    closed_node: Bools | None,
    closed_arc: Bools | None,
) -> tuple[Ints, Ints, Ints]:
    """Open arcs of a product, the lightest of each parallel bundle, as CSR within its block."""
    weights = graph.cost if weight is None else weight
    is_open = (graph.arc_product == product) & np.isfinite(weights)
    if closed_arc is not None:
        is_open &= ~closed_arc
    if closed_node is not None:
        shut = closed_node[graph.vertex_node]
        is_open &= ~(shut[graph.source] | shut[graph.target])
    arcs = np.flatnonzero(is_open)
    low, size = int(graph.block[product]), int(graph.block[product + 1] - graph.block[product])
    tails, heads = graph.source[arcs] - low, graph.target[arcs] - low
    order = np.lexsort((arcs, weights[arcs], heads, tails))  # arcs are numbered by edge id
    arcs, tails, heads = arcs[order], tails[order], heads[order]
    first = np.ones(len(arcs), dtype=np.bool_)
    first[1:] = (tails[1:] != tails[:-1]) | (heads[1:] != heads[:-1])
    arcs, tails, heads = arcs[first], tails[first], heads[first]
    indptr = np.zeros(size + 1, dtype=np.int64)
    np.cumsum(np.bincount(tails, minlength=size), out=indptr[1:])
    return arcs, indptr, heads


def _walk(
    before: Ints, starts: Ints, ends: Ints, distance: Floats, keyed: tuple[Ints, Ints], size: int
) -> Ints:
    """Follow predecessors of all pairs at once; return arcs in travel order, padded with -1."""
    keys, arcs = keyed
    rows = np.arange(len(starts))[:, None]
    now = np.where(np.isfinite(distance), ends[None, :], starts[:, None]).astype(np.int64)
    taken: list[Ints] = []
    while True:
        going = now != starts[:, None]
        if not going.any():
            break
        last = np.where(going, before[rows, now], now).astype(np.int64)
        step = np.full(now.shape, -1, dtype=np.int64)
        step[going] = arcs[np.searchsorted(keys, last[going] * size + now[going])]
        taken.append(step)
        now = last
    if not taken:
        return np.full((*now.shape, 0), -1, dtype=np.int64)
    steps = np.stack(taken[::-1], axis=2)
    # Walked backwards, short routes are padded in front: move the padding behind.
    order = np.argsort(steps < 0, axis=2, kind="stable")
    return np.take_along_axis(steps, order, axis=2)


def reachable(
    graph: Expanded,
    product: int,
    origins: Ints,
    destinations: Ints,
    *,
    closed_node: Bools | None = None,
    closed_arc: Bools | None = None,
) -> Bools:
    """Tell which pairs of vertices have any open route."""
    found = cheapest(
        graph, product, origins, destinations, closed_node=closed_node, closed_arc=closed_arc
    )
    return np.isfinite(found.weight)
