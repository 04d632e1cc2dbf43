"""K = 5 best routes from the mines to every factory at once, against one run of Yen's method per factory.

``python tests/bench/bench_kbest.py [SIZE ...]`` (S and M unless told otherwise) prints three blocks. In each, both
sides get the same arcs, weights and vertex for the source, and the lengths must be equal on the factories sampled.
The peer's time for all factories is that of the sample times their number, since it takes them one by one.

1. Generated networks, which have no circles: with the cheapest edge of each pair of sites only (*simple*), and with
   every parallel edge as a route of its own (*parallel*), which igraph's Yen does too.
2. The same with the legs between ports in both directions, so that thousands of ports lead round in circles.
3. Bundled networks: plain nearest chains (every step counts) over plants and products, by km, to one factory and to
   all. ``ranked`` is the search that `alternatives` uses today for routes that differ in something.

Ours includes indexing, ordering and reading the arcs of the routes; the peer's graph is built beforehand.
"""

from __future__ import annotations

import sys
import time
from itertools import islice
from typing import NamedTuple

import igraph
import networkx as nx
import numpy as np
from generate import FACTORY, MINE, draw

import supplygraph as sg
from supplygraph.engine.chainfinder import Finder, Prices
from supplygraph.engine.expanded import TRANSFORM, expand
from supplygraph.engine.kernels.kbest import k_best, routes
from supplygraph.engine.kroutes import Signer, ranked
from supplygraph.response.chains import marks_of

K, ORE_PORTS, METAL_PORTS = 5, (1, 2, 3), (5, 6, 7)
SAMPLE = {"S": 100, "M": 5}


class Arcs(NamedTuple):
    """A graph with a source."""

    size: int
    tail: np.ndarray
    head: np.ndarray
    weight: np.ndarray
    source: int

    def cheapest(self) -> Arcs:
        """Keep the cheapest arc of each pair."""
        key = self.tail.astype(np.int64) * self.size + self.head
        order = np.lexsort((self.weight, key))
        first = order[np.unique(key[order], return_index=True)[1]]
        return Arcs(self.size, self.tail[first], self.head[first], self.weight[first], self.source)


def say(text: str) -> None:
    print(text, flush=True)  # noqa: T201


def timed(run, repeats=1):
    """Return the answer and the median of the seconds."""
    seconds = []
    for _ in range(repeats):
        began = time.perf_counter()
        answer = run()
        seconds.append(time.perf_counter() - began)
    return answer, float(np.median(seconds))


def ours(arcs: Arcs, targets: np.ndarray):
    best = k_best(arcs.size, arcs.tail, arcs.head, arcs.weight, arcs.source, targets, K)
    return best.value, routes(best)


def compare(label: str, arcs: Arcs, targets: np.ndarray, sample: int, *, slow_too: bool = False) -> None:
    """Print one line: all targets by the kernel; some by igraph, and one by networkx, scaled up."""
    (value, _), mine = timed(lambda: ours(arcs, targets), 7)
    chosen = np.random.default_rng(0).choice(len(targets), min(sample, len(targets)), replace=False)
    peer = igraph.Graph(arcs.size, np.column_stack([arcs.tail, arcs.head]), directed=True)
    weights = arcs.weight.tolist()

    def yen(place: int) -> list[float]:
        paths = peer.get_k_shortest_paths(arcs.source, to=int(targets[place]), k=K, weights=weights, output="epath")
        return sorted(float(arcs.weight[path].sum()) for path in paths)

    lengths, seconds = timed(lambda: [yen(place) for place in chosen])
    equal = all(
        np.allclose(value[place][value[place] < np.inf], row) for place, row in zip(chosen, lengths, strict=True)
    )
    every = seconds / len(chosen) * len(targets)
    text = f"{label:28s} {len(arcs.tail):7d} arcs, {len(targets):5d} factories: ours {1e3 * mine:8.2f} ms"
    text += (
        f"; igraph {every:8.2f} s ({len(chosen)} run, the rest extrapolated), ratio {every / mine:9,.0f}, equal {equal}"
    )
    if slow_too:
        truth = nx.DiGraph()
        truth.add_weighted_edges_from(zip(arcs.tail.tolist(), arcs.head.tolist(), weights, strict=True))
        goal = int(targets[chosen[0]])
        paths = nx.shortest_simple_paths(truth, arcs.source, goal, weight="weight")
        found, slow = timed(lambda: [nx.path_weight(truth, path, "weight") for path in islice(paths, K)])
        same = np.allclose(found, value[chosen[0]][: len(found)])
        text += (
            f"; networkx {slow * len(targets):,.0f} s (1 run), ratio {slow * len(targets) / mine:,.0f}, equal {same}"
        )
    say(text)


def generated(size: str) -> None:
    net = draw(size)
    sites, mines, factories = len(net.layer), np.flatnonzero(net.layer == MINE), np.flatnonzero(net.layer == FACTORY)
    stage = np.where(np.isin(net.layer, ORE_PORTS), 1, np.where(np.isin(net.layer, METAL_PORTS), 2, 0))
    back = (stage[net.tail] == stage[net.head]) & (stage[net.tail] > 0)
    sides = []
    for more in (np.zeros(0, dtype=int), np.flatnonzero(back)):
        tail = np.concatenate([net.tail, net.head[more], np.full(len(mines), sites)]).astype(np.int32)
        head = np.concatenate([net.head, net.tail[more], mines]).astype(np.int32)
        weight = np.concatenate([net.cost, net.cost[more], np.zeros(len(mines))]).astype(np.float64)
        sides.append(Arcs(sites + 1, tail, head, weight, sites))
    sample = SAMPLE.get(size, 1)
    for name, arcs in zip(("", ", both ways"), sides, strict=True):
        compare(f"{size}{name}, simple", arcs.cheapest(), factories, sample, slow_too=not name)
        compare(f"{size}{name}, parallel", arcs, factories, sample)


def chain_arcs(graph, weight) -> tuple[Arcs, np.ndarray]:
    """All chains of a network as one graph: copies of a product's places per class of origins, plants between them.

    Process p is entered at vertex p and left at vertex P + p (P processes); vertex 2 P is the source of all mines.
    """
    plants, rows = len(graph.processes), [(np.flatnonzero(graph.role == TRANSFORM),) * 2]
    tails, heads, weights, size = [rows[0][0]], [plants + rows[0][0]], [np.zeros(len(rows[0][0]))], 2 * plants + 1
    for product in range(len(graph.products)):
        origins, takers, possible = graph.pairs(product)
        low, high = int(graph.block[product]), int(graph.block[product + 1])
        fits, kind = np.unique(possible, axis=0, return_inverse=True)
        arcs = np.flatnonzero((graph.arc_product == product) & np.isfinite(weight))
        base = size + np.arange(len(fits)) * (high - low) - low  # where a class keeps its copy
        row, taker = np.nonzero(fits)
        tails += [(base[:, None] + graph.source[arcs]).ravel(), plants + origins,
                  base[row] + graph.takes_at[takers[taker]]]  # fmt: skip
        heads += [(base[:, None] + graph.target[arcs]).ravel(), base[kind.reshape(-1)] + graph.gives_at[origins],
                  takers[taker]]  # fmt: skip
        weights += [np.tile(weight[arcs], len(fits)), np.zeros(len(origins)), np.zeros(len(row))]
        size += len(fits) * (high - low)
    mines = np.flatnonzero(graph.role == 0)
    tail = np.concatenate([*tails, np.full(len(mines), 2 * plants)]).astype(np.int32)
    head = np.concatenate([*heads, plants + mines]).astype(np.int32)
    arcs = Arcs(size, tail, head, np.concatenate([*weights, np.zeros(len(mines))]), 2 * plants)
    return arcs.cheapest(), np.flatnonzero(graph.demand > 0)


def bundled(mineral: str) -> None:
    net = sg.load(mineral)
    graph = expand(net)
    (arcs, factories), built = timed(lambda: chain_arcs(graph, graph.km), 3)
    compare(f"{mineral}, chains, one factory", arcs, factories[:1], 1)
    compare(f"{mineral}, chains", arcs, factories, 20)
    ones, marks = np.ones(len(graph.processes)), marks_of(net, graph, ("step",)).marks
    everything = {"open_arc": np.ones(len(graph.edges), dtype=bool), "open_node": np.ones(len(graph.nodes), dtype=bool),
                  "open_process": np.ones(len(graph.processes), dtype=bool)}  # fmt: skip
    mines = np.flatnonzero(graph.role == 0)

    def searched() -> list[list[float]]:
        found = []
        for factory in factories.tolist():
            finder = Finder(
                graph, Prices(graph.km, 0 * ones, ones), mines, int(graph.takes[factory]), marks, **everything
            )
            found.append([chain.value for chain in ranked(finder, Signer(graph, marks), np.array([factory]), K)])
        return found

    (value, _), mine = timed(lambda: ours(arcs, factories), 7)
    lists, seconds = timed(searched)
    equal = all(np.allclose(row[row < np.inf], peer) for row, peer in zip(value, lists, strict=True))
    say(f"  the graph is laid out in {1e3 * built:.1f} ms; `ranked`, differ='step', all factories: {seconds:.2f} s, "
        f"ratio {seconds / (mine + built):,.0f} with laying out, equal {equal}")  # fmt: skip


if __name__ == "__main__":
    ours(
        Arcs(3, np.array([0, 1, 1], dtype=np.int32), np.array([1, 2, 0], dtype=np.int32), np.ones(3), 0), np.array([2])
    )
    ours(Arcs(4, np.array([0, 1, 2, 2], dtype=np.int32), np.array([1, 2, 1, 3], dtype=np.int32), np.ones(4), 0),
         np.array([3]))  # fmt: skip
    for name in sys.argv[1:] or ["S", "M"]:
        generated(name)
    for name in ("cobalt", "nickel", "copper"):
        bundled(name)
