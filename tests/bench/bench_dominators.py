"""Single points of failure: dominator trees, and everything that any site, edge or country cuts off.

``python tests/bench/bench_dominators.py [SIZE ...]`` (S and M unless told otherwise) prints, for the generated networks
with every site split and one source before the mines:

* the dominator tree against igraph's and networkx's (up to M), the same tree; ours includes indexing, the peers' graphs
  are built beforehand;
* which factories every site, every edge, every physical site (a strait's copies together) and every country cuts off,
  each set in one call, against igraph item by item: copy the graph, delete the item's edges, search (a sample, scaled
  up; the same pairs).
"""

from __future__ import annotations

import sys
import time

import igraph
import networkx as nx
import numpy as np
from generate import FACTORY, MINE, draw

from supplygraph.engine.kernels.dominators import cut_off, immediate

COUNTRIES, SAMPLE = 60, 20


def timed(run, repeats=5):
    """Return the answer and the least seconds."""
    seconds = []
    for _ in range(repeats):
        began = time.perf_counter()
        answer = run()
        seconds.append(time.perf_counter() - began)
    return answer, min(seconds)


def say(text):
    print(text, flush=True)  # noqa: T201


def grouped(label, count):
    """Return items: those with the same label fail together."""
    ptr = np.concatenate([[0], np.cumsum(np.bincount(label, minlength=count))])
    return ptr, np.argsort(label, kind="stable")


def compare(size):
    net = draw(size)
    sites, mines, factories = len(net.layer), np.flatnonzero(net.layer == MINE), np.flatnonzero(net.layer == FACTORY)
    site = np.arange(sites)
    tail = np.concatenate([2 * site, 2 * net.tail + 1, np.full(len(mines), 2 * sites)]).astype(np.int32)
    head = np.concatenate([2 * site + 1, 2 * net.head, 2 * mines]).astype(np.int32)
    source, goals, n = 2 * sites, 2 * factories + 1, 2 * sites + 1
    peer = igraph.Graph(n, np.column_stack([tail, head]), directed=True)
    tree, mine = timed(lambda: immediate(n, tail, head, source))
    other, theirs = timed(lambda: peer.dominator(source), 3)
    text = f"{size}: tree of {n} vertices, {len(tail)} arcs: ours {1e3 * mine:.2f} ms; igraph {theirs / mine:.1f}x"
    same = [root == tree[vertex] for vertex, root in enumerate(other) if vertex != source]
    text += f", equal {all(same)}"
    if len(tail) < 1_000_000:
        graph = nx.DiGraph(zip(tail.tolist(), head.tolist(), strict=True))
        slow, seconds = timed(lambda: nx.immediate_dominators(graph, source), 1)
        equal = all(slow.get(vertex, -1) == tree[vertex] for vertex in range(n) if vertex != source)
        text += f"; networkx {seconds / mine:.0f}x, equal {equal}"
    say(text)
    edge = np.arange(sites, sites + len(net.tail))
    country = np.random.default_rng(0).integers(0, COUNTRIES, sites)
    sets = {
        "sites": (np.arange(sites + 1), site), "edges": (np.arange(len(edge) + 1), edge),
        "physical sites": grouped(net.physical, sites), "countries": grouped(country, COUNTRIES),
    }  # fmt: skip
    for name, (ptr, arcs) in sets.items():
        (item, target), mine = timed(lambda ptr=ptr, arcs=arcs: cut_off(n, tail, head, source, ptr, arcs, goals))
        by_item = np.bincount(item, minlength=len(ptr) - 1)
        chosen = np.random.default_rng(1).choice(len(ptr) - 1, min(SAMPLE, len(ptr) - 1), replace=False)
        began, equal = time.perf_counter(), True
        for one in chosen.tolist():
            left = peer.copy()
            left.delete_edges(arcs[ptr[one] : ptr[one + 1]].tolist())
            reached = np.zeros(n, dtype=bool)
            reached[left.subcomponent(source, mode="out")] = True
            equal &= set(target[item == one].tolist()) == set(np.flatnonzero(~reached[goals]).tolist())
        every = (time.perf_counter() - began) / len(chosen) * (len(ptr) - 1)
        say(f"  {name:15s} {len(ptr) - 1:8d} items, {len(item):6d} pairs, at most {by_item.max()} factories: "
            f"ours {1e3 * mine:8.2f} ms; igraph one by one {every:10.1f} s ({len(chosen)} run), "
            f"ratio {every / mine:,.0f}, equal {equal}")  # fmt: skip


if __name__ == "__main__":
    immediate(2, np.zeros(1, dtype=np.int32), np.ones(1, dtype=np.int32), 0)
    for name in sys.argv[1:] or ["S", "M"]:
        compare(name)
