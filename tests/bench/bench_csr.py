"""From columns of arc ends to a graph that can be walked: our index against the graph objects of other libraries.

``python tests/bench/bench_csr.py [SIZE ...]`` (M and L unless told otherwise: 300 000 and 3 000 000 edges) prints
seconds (best of several) and the ratio to ours, all taken in turn in one run. What is compared, exactly:

* *ours*: :func:`supplygraph.engine.kernels.csr.index` over the tails and over the heads: arcs by number, out of and
  into each vertex, parallel arcs apart. igraph and networkx index both directions too.
* *igraph*: ``igraph.Graph(n, edges)``, from the two columns as a numpy array, and from a list of pairs, which igraph
  reads faster; making that list from the columns is counted, and shown apart.
* *with attributes*: capacity and cost of every edge become part of the object. Ours stay columns: nothing to do.
* *scipy*: one direction only, and it adds parallel edges up.
* *networkx*: a MultiDiGraph, at M only (L takes half a minute and 1.6 GB).

Every index is checked against numpy's stable argsort.
"""

from __future__ import annotations

import sys
import time

import igraph
import networkx as nx
import numpy as np
from generate import draw
from scipy.sparse import coo_array

from supplygraph.engine.kernels.csr import index

_LINE = "{:<4} {:<46} {:>10} {:>9}"


def seconds(runs: dict[str, tuple[object, int]]) -> dict[str, float]:
    """Run all in turn, as often as each says; return the best of each."""
    taken: dict[str, list[float]] = {name: [] for name in runs}
    for turn in range(max(times for _, times in runs.values())):
        for name, (run, times) in runs.items():
            if turn < times:
                began = time.perf_counter()
                made = run()
                taken[name].append(time.perf_counter() - began)
                del made
    return {name: min(times) for name, times in taken.items()}


def compare(size: str) -> None:
    net = draw(size)
    n, large = len(net.layer), len(net.tail) > 1_000_000
    tail, head = net.tail.astype(np.int32), net.head.astype(np.int32)
    for ends in (tail, head):
        ptr, ids = index(ends, n)
        assert (ids == np.argsort(ends, kind="stable")).all()
        assert (np.diff(ptr) == np.bincount(ends, minlength=n)).all()
    columns = np.column_stack([tail, head]).astype(np.int64)
    pairs = list(zip(tail.tolist(), head.tolist(), strict=True))
    room, cost = net.room.tolist(), net.cost.tolist()

    def by_networkx(*, attributes: bool) -> nx.MultiDiGraph:
        graph = nx.MultiDiGraph()
        graph.add_nodes_from(range(n))
        rows = zip(pairs, room, cost, strict=True)
        graph.add_edges_from(((*ends, {"capacity": r, "cost": c}) for ends, r, c in rows) if attributes else pairs)
        return graph

    few = 3 if large else 5
    runs: dict[str, tuple[object, int]] = {
        "ours, both directions": (lambda: (index(tail, n), index(head, n)), 7),
        "ours, one direction": (lambda: index(tail, n), 7),
        "scipy, one direction, parallel edges added up": (
            lambda: coo_array((net.room, (tail, head)), shape=(n, n)).tocsr(), 7),
        "igraph, from columns": (lambda: igraph.Graph(n, columns, directed=True), few),
        "igraph, from columns through a list of pairs": (
            lambda: igraph.Graph(n, list(zip(tail.tolist(), head.tolist(), strict=True)), directed=True), few),
        "igraph, the list of pairs ready": (lambda: igraph.Graph(n, pairs, directed=True), few),
        "igraph, from columns, with attributes": (
            lambda: igraph.Graph(n, columns, directed=True, edge_attrs={"capacity": room, "cost": cost}), few),
    }  # fmt: skip
    if not large:
        runs["networkx, the list of pairs ready"] = lambda: by_networkx(attributes=False), 2
        runs["networkx, with attributes"] = lambda: by_networkx(attributes=True), 2
    found = seconds(runs)
    ours = found["ours, both directions"]
    for name, taken in found.items():
        print(_LINE.format(size, name, f"{taken:.4f}", f"{taken / ours:.1f}"), flush=True)  # noqa: T201


if __name__ == "__main__":
    index(np.zeros(1, dtype=np.int32), 1)
    print(_LINE.format("size", "what", "seconds", "ratio"))  # noqa: T201
    for name in sys.argv[1:] or ["M", "L"]:
        compare(name)
