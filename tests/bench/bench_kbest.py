"""K = 5 best routes from the mines to every factory at once, against one run of Yen's method per factory.

``python tests/bench/bench_kbest.py [SIZE ...]`` (S and M unless told otherwise) prints three blocks. In each, both
sides get the same arcs, weights and vertex for the source, and the lengths must be equal on the factories sampled.
The peer's time for all factories is that of the sample times their number, since it takes them one by one.

1. Generated networks, which have no circles: with the cheapest edge of each pair of sites only (*simple*), and with
   every parallel edge as a route of its own (*parallel*), which igraph's Yen does too.
2. The same with the legs between ports in both directions, so that thousands of ports lead round in circles.
3. Bundled networks: plain nearest chains (every step counts) over plants and products, by km, to one factory and to
   all, laid out as `alternatives` does. ``ranked`` is its search for routes that differ in something of one's choice.

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
from supplygraph.engine.chainarcs import chain_arcs, nearest
from supplygraph.engine.chainfinder import Finder, Prices
from supplygraph.engine.expanded import EXTRACT, expand
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

    lengths, seconds = timed(lambda: [yen(place) for place in chosen], 7 if len(chosen) == 1 else 1)
    equal = all(
        np.allclose(value[place][value[place] < np.inf], row) for place, row in zip(chosen, lengths, strict=True)
    )
    every = seconds / len(chosen) * len(targets)
    text = f"{label:28s} {len(arcs.tail):7d} arcs, {len(targets):5d} factories: ours {1e3 * mine:8.2f} ms"
    text += (
        f"; igraph {1e3 * every:9,.1f} ms ({len(chosen)} run, the rest extrapolated), ratio {every / mine:9,.1f}, "
        f"equal {equal}"
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


def bundled(mineral: str) -> None:
    net = sg.load(mineral)
    graph = expand(net)
    factories, mines = np.flatnonzero(graph.demand > 0), np.flatnonzero(graph.role == EXTRACT)
    [product] = np.unique(graph.takes[factories]).tolist()
    ones, groups = np.ones(len(graph.processes)), [np.array([factory]) for factory in factories]
    prices = Prices(graph.km, 0 * ones, ones)
    opened = {"open_arc": np.ones(len(graph.edges), dtype=bool), "open_node": np.ones(len(graph.nodes), dtype=bool),
              "open_process": np.ones(len(graph.processes), dtype=bool)}  # fmt: skip
    chains = chain_arcs(graph, prices, mines, product, groups, **opened)
    arcs = Arcs(chains.size, chains.tail, chains.head, chains.weight, 0)
    compare(f"{mineral}, chains, one factory", arcs, chains.goals[:1], 1)
    compare(f"{mineral}, chains", arcs, chains.goals, 20)

    def swept(some: list[np.ndarray]) -> list[list[float]]:
        found = nearest(chain_arcs(graph, prices, mines, product, some, **opened), K)
        return [[chain.value for chain in each] for each in found]

    def searched(some: list[np.ndarray]) -> list[list[float]]:
        marks = marks_of(net, graph, ("step",)).marks
        finder, signer = Finder(graph, prices, mines, product, marks, **opened), Signer(graph, marks)
        return [[chain.value for chain in ranked(finder, signer, group, K)] for group in some]

    for some in (groups[:1], groups):
        (mine, seconds), (peer, slow) = timed(lambda some=some: swept(some), 7), timed(lambda some=some: searched(some))
        equal = all(np.allclose(*both) for both in zip(mine, peer, strict=True))
        say(
            f"  {len(some)} of the factories, laid out and read as chains: {1e3 * seconds:.1f} ms; one by one by "
            f"`ranked`, marks and finder included: {1e3 * slow:.0f} ms, ratio {slow / seconds:,.0f}, equal {equal}"
        )


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
