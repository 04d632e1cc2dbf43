"""Which pairs can trade under a scenario, and by which cheapest route."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from supplygraph.engine.expanded import USE, tally
from supplygraph.engine.limits import quotas
from supplygraph.engine.routing import Routes, cheapest

if TYPE_CHECKING:
    from supplygraph.engine.expanded import Bools, Expanded, Floats, Ints
    from supplygraph.engine.limits import Scenario


@dataclass(frozen=True, eq=False)
class Ways:
    """One product's origins, destinations, open pairs and cheapest routes.

    ``row[p]`` and ``column[p]`` are the places of a process among origins and destinations, or -1;
    ``calm`` is freight per pair with nothing closed.
    """

    origins: Ints
    destinations: Ints
    open: Bools
    routes: Routes
    row: Ints
    column: Ints
    calm: Floats


def calm_ways(graph: Expanded, product: int) -> Ways:
    """Return the ways of one product when nothing is closed."""
    origins, destinations, possible = graph.pairs(product)
    routes = _cheapest(graph, product, origins, destinations, None)
    row, column = (np.full(len(graph.processes), -1, dtype=np.int64) for _ in range(2))
    row[origins], column[destinations] = np.arange(len(origins)), np.arange(len(destinations))
    return Ways(origins, destinations, possible & np.isfinite(routes.weight), routes, row, column, routes.weight)


def ways_under(graph: Expanded, product: int, calm: Ways, scenario: Scenario) -> tuple[Ways, bool]:
    """Return the ways under a scenario, and whether any open pair was lost.

    Only origins with a cheapest route over something closed are searched again. A pair whose own end
    is closed stays "open": the limit of its process, 0, already stops it.
    """
    shut_node, shut_arc = scenario.closed_node, scenario.closed_arc
    shut_vertex = shut_node[graph.vertex_node]
    shut = shut_arc | shut_vertex[graph.source] | shut_vertex[graph.target]
    steps = calm.routes.steps
    hit: Bools = np.zeros(calm.open.shape, dtype=np.bool_)
    if shut.any() and steps.shape[2]:
        hit = np.asarray(np.where(steps >= 0, shut[steps], False).any(axis=2))
    ends = shut_node[graph.at[calm.origins]][:, None] | shut_node[graph.at[calm.destinations]][None, :]
    hit &= ~ends
    routes, is_open = calm.routes, calm.open
    rows = np.flatnonzero(hit.any(axis=1))
    if len(rows):
        again = _cheapest(graph, product, calm.origins[rows], calm.destinations, scenario)
        length = max(steps.shape[2], again.steps.shape[2])
        new_steps = _pad(steps, length).copy()
        weight = routes.weight.copy()
        change = hit[rows]
        block, block_weight = new_steps[rows], weight[rows]
        block[change] = _pad(again.steps, length)[change]
        block_weight[change] = again.weight[change]
        new_steps[rows], weight[rows] = block, block_weight
        routes = Routes(weight, new_steps)
        is_open = is_open & np.isfinite(weight)
    is_open = is_open & ~_banned(graph, product, calm, scenario)
    lost = bool((calm.open & ~is_open).any())
    return Ways(calm.origins, calm.destinations, is_open, routes, calm.row, calm.column, calm.calm), lost


def _cheapest(
    graph: Expanded, product: int, origins: Ints, destinations: Ints, scenario: Scenario | None
) -> Routes:
    return cheapest(
        graph,
        product,
        graph.gives_at[origins],
        graph.takes_at[destinations],
        closed_node=None if scenario is None else scenario.closed_node,
        closed_arc=None if scenario is None else scenario.closed_arc,
    )


def _pad(steps: Ints, length: int) -> Ints:
    short = length - steps.shape[2]
    return steps if not short else np.pad(steps, ((0, 0), (0, 0), (0, short)), constant_values=-1)


def _banned(graph: Expanded, product: int, ways: Ways, scenario: Scenario) -> Bools:
    banned = np.zeros(ways.open.shape, dtype=np.bool_)
    for quota in quotas(graph, scenario):
        if quota.product == product and quota.limit <= 0:
            banned |= quota.covers(graph, ways.origins[:, None], ways.destinations[None, :])
    return banned


@dataclass(frozen=True, eq=False)
class Links:
    """Baseline pairs: tonnes by (origin, destination), in canonical order, and their shipments.

    ``pair[s]`` is the link of shipment s.
    """

    origin: Ints
    destination: Ints
    product: Ints
    flow: Floats
    pair: Ints

    @classmethod
    def of(cls, graph: Expanded) -> Links:
        """Sum the baseline shipments by pair."""
        key = graph.ship_origin * len(graph.processes) + graph.ship_destination
        keys, first, pair = np.unique(key, return_index=True, return_inverse=True)
        origin, destination = np.divmod(keys, max(len(graph.processes), 1))
        flow = tally(pair, graph.ship_flow, len(keys))
        return cls(origin, destination, graph.ship_product[first], flow, pair.astype(np.int64))


def only_links(ways: Ways, links: Links) -> Ways:
    """Return the ways that trade uses today, and no others."""
    known = np.zeros(ways.open.shape, dtype=np.bool_)
    row, column = ways.row[links.origin], ways.column[links.destination]
    here = (row >= 0) & (column >= 0) & (links.flow > 0)
    known[row[here], column[here]] = True
    return replace(ways, open=ways.open & known)


def baseline_serves(graph: Expanded, demand: Floats) -> bool:
    """Tell whether today's shipments balance and meet all demand (to 1e-9 of it)."""
    size = len(graph.processes)
    taken = np.bincount(graph.ship_destination, graph.ship_flow, size)
    use = graph.role == USE
    scale = max(float(demand.sum()), 1.0)
    return bool(np.abs(taken - demand)[use].max(initial=0.0) <= 1e-9 * scale)
