"""The structural lens: who has no route without an item, and where each factory's minimum cut lies."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from supplygraph.engine.flowgraph import SOURCE

if TYPE_CHECKING:
    from collections.abc import Callable

    from supplygraph.engine.expanded import Bools, Expanded, Ints
    from supplygraph.engine.flowgraph import FlowGraph

#: Vertex of process p in a flow graph: source and sink come first.
_FIRST = 2


def dominated(
    graph: Expanded, flow: FlowGraph, arcs: tuple[Ints, Ints], uses: Ints, here: Callable[[Ints, Ints], Bools]
) -> tuple[Ints, Ints]:
    """Return pairs (item, use process) of demand that no route reaches without the item.

    Parameters
    ----------
    graph, flow
        The network as arrays, and as a flow graph.
    arcs
        Arcs of each item, as CSR.
    uses
        The use processes that count.
    here
        Tells, for items and processes, which processes belong to the item itself: they do not count.

    Notes
    -----
    The item is a dominator of the demand in the product-expanded graph; an arc without room is no route.
    Nearly linear in the arcs where an item is one arc; else one search per item.
    """
    from supplygraph.engine.kernels.dominators import cut_off

    is_open = flow.capacity > 0
    number = np.where(is_open, np.cumsum(is_open) - 1, -1)
    ptr, which = arcs
    item = np.repeat(np.arange(len(ptr) - 1), np.diff(ptr))
    kept = is_open[which]
    bounds = np.concatenate([[0], np.cumsum(np.bincount(item[kept], minlength=len(ptr) - 1))])
    found, place = cut_off(
        flow.size, flow.tail[is_open], flow.head[is_open], SOURCE, bounds, number[which[kept]], _FIRST + uses
    )
    use = uses[place]
    outside = ~here(found, use) & (graph.demand[use] > 0)
    return found[outside], use[outside]


def minimum_cuts(
    graph: Expanded, flow: FlowGraph, uses: Ints, step: Callable[[int], object]
) -> pd.DataFrame:
    """Return for each use process the smallest set of limits that holds back all that could reach it.

    Returns
    -------
    pandas.DataFrame
        One row per use process and member: ``process``, ``cut_t`` (the most that could arrive if nobody else asked;
        ``inf`` where nothing limits it), ``kind`` (site, edge, plant), ``item`` (its id), ``limit_t`` (of demand).
        Of several minimum cuts the one nearest the factory.

    Notes
    -----
    Max-flow min-cut (Ford and Fulkerson 1956): the members' limits add up to the cut. One maximum flow per use.
    """
    from supplygraph.engine.kernels.maxflow import cut, max_flow, residual

    ids = (("site", flow.node, graph.nodes), ("edge", flow.edge, graph.edges), ("plant", flow.process, graph.processes))
    fresh = residual(flow.size, flow.tail, flow.head, flow.capacity)
    parts = []
    for use in uses.tolist():
        step(1)
        res = fresh._replace(cap=fresh.cap.copy())
        most = max_flow(res, SOURCE, _FIRST + use, limit=flow.most)
        if most >= flow.most:
            parts.append(pd.DataFrame({"process": [graph.processes[use]], "cut_t": [np.inf]}))
            continue
        near = cut(res, _FIRST + use)
        members = np.flatnonzero(near[flow.tail] & ~near[flow.head] & (flow.capacity > 0))
        for kind, of, names in ids:
            own = members[of[members] >= 0]
            parts.append(pd.DataFrame({
                "process": graph.processes[use], "cut_t": most * flow.unit, "kind": kind, "item": names[of[own]],
                "limit_t": flow.capacity[own] * flow.unit,
            }))  # fmt: skip
        if not len(members):
            parts.append(pd.DataFrame({"process": [graph.processes[use]], "cut_t": [0.0]}))
    columns = ["process", "cut_t", "kind", "item", "limit_t"]
    table = pd.concat([part.reindex(columns=columns) for part in parts] or [pd.DataFrame(columns=columns)])
    keys = ["process", "cut_t", "kind", "item"]
    return table.groupby(keys, dropna=False, sort=True)["limit_t"].sum(min_count=1).reset_index()
