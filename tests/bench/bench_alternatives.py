"""Ranked alternatives against igraph's and networkx's Yen on the same graph, in one run.

The peers know no dissimilarity: they list plain k best routes, which are filtered by the same rule until enough are
found or ``MOST`` routes were listed. Lengths must be equal wherever the peer got so far. Run it:
``python tests/bench/bench_alternatives.py [MINERAL ...]``.
"""

from __future__ import annotations

import sys
import time
from itertools import pairwise
from pathlib import Path

import igraph
import networkx as nx
import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import supplygraph as sg
from supplygraph.engine.chainarcs import chain_arcs, nearest
from supplygraph.engine.chainfinder import Chain, Finder, Prices
from supplygraph.engine.expanded import TRANSFORM, expand
from supplygraph.engine.kroutes import Signer, ranked
from supplygraph.response.chains import marks_of

K, MOST, PAIRS = 5, 4096, 6


def plain_graph(graph, weight):
    """Return the chains of a network as a simple digraph: places per class of origins, and plants between them."""
    found = nx.DiGraph()

    def add(tail, head, value, arc=None):
        if value < found.get_edge_data(tail, head, {"weight": np.inf})["weight"]:
            found.add_edge(tail, head, weight=float(value), arc=arc)

    for product in range(len(graph.products)):
        origins, takers, possible = graph.pairs(product)
        fits, kind = np.unique(possible, axis=0, return_inverse=True)
        arcs = np.flatnonzero(graph.arc_product == product)
        for row in range(len(fits)):
            for arc in arcs:
                add((row, int(graph.source[arc])), (row, int(graph.target[arc])), weight[arc], int(arc))
            for taker in takers[fits[row]]:
                add((row, int(graph.takes_at[taker])), ("in", int(taker)), 0.0)
        for origin, row in zip(origins, kind.reshape(-1), strict=True):
            add(("out", int(origin)), (int(row), int(graph.gives_at[origin])), 0.0)
    for plant in np.flatnonzero(graph.role == TRANSFORM):
        add(("in", int(plant)), ("out", int(plant)), 0.0)
    return found


def as_chain(truth, path):
    """Read a path of the simple digraph as a chain."""
    processes = [place[1] for place in path if place[0] == "out"] + [path[-1][1]]
    legs, leg, value = [], [], 0.0
    for step in pairwise(path):
        data = truth.edges[step]
        value += data["weight"]
        if data["arc"] is not None:
            leg.append(data["arc"])
        if step[1][0] == "in":
            legs.append(tuple(leg))
            leg = []
    return Chain(tuple(processes), tuple(legs), value)


def filtered(chains, signer, k):
    """Keep those that avoid a mark of every one before; also say how many were looked at."""
    kept, marks, looked = [], [], 0
    for chain in chains:
        looked += 1
        mine = signer(chain)
        if any(not other & ~mine for other in marks):
            continue
        kept.append(chain.value)
        marks.append(mine)
        if len(kept) == k:
            break
    return kept, looked


def by_igraph(net, names, truth, ends, signer):
    """List more and more plain routes until enough of them avoid each other."""
    k = 16
    while True:
        paths = net.get_k_shortest_paths(names[ends[0]], names[ends[1]], k=k, weights="weight", output="vpath")
        labels = net.vs["_nx_name"]
        kept, looked = filtered((as_chain(truth, [labels[v] for v in path]) for path in paths), signer, K)
        if len(kept) == K or k >= MOST or len(paths) < k:
            return kept, looked
        k *= 4


def by_networkx(truth, ends):
    """List the plain k best routes."""
    paths = nx.shortest_simple_paths(truth, *ends, weight="weight")
    return [nx.path_weight(truth, path, "weight") for path, _ in zip(paths, range(K), strict=False)]


def say(text):
    sys.stdout.write(f"{text}\n")


def timed(run, repeats=1):
    """Return the answer and the median of the seconds."""
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        answer = run()
        seconds.append(time.perf_counter() - start)
    return answer, float(np.median(seconds))


def all_open(graph):
    """Open all."""
    return {"open_arc": np.ones(len(graph.edges), dtype=bool), "open_node": np.ones(len(graph.nodes), dtype=bool),
            "open_process": np.ones(len(graph.processes), dtype=bool)}  # fmt: skip


def ours(graph, prices, pair, marks):
    """Answer one pair from nothing."""
    return Finder(graph, prices, np.array([pair[0]]), int(graph.takes[pair[1]]), marks, **all_open(graph))


def agree(mine, peer):
    return bool(np.allclose(mine[: len(peer)], peer)) and len(peer) > 0


def one_mineral(mineral):
    net = sg.load(mineral)
    graph = expand(net)
    ones = np.ones(len(graph.processes))
    prices = Prices(graph.km, np.zeros_like(ones), ones)
    truth, built = timed(lambda: plain_graph(graph, graph.km))
    other = igraph.Graph.from_networkx(truth)
    names = {label: number for number, label in enumerate(other.vs["_nx_name"])}
    marks = marks_of(net, graph, ("country",)).marks
    rng = np.random.default_rng(0)
    pairs = [(a, b) for a in np.flatnonzero(graph.role == 0) for b in np.flatnonzero(graph.demand > 0)
             if nx.has_path(truth, ("out", a), ("in", b))]  # fmt: skip
    pairs = [pairs[i] for i in sorted(rng.choice(len(pairs), PAIRS, replace=False))]
    say(f"{mineral}: {len(truth)} vertices, {truth.number_of_edges()} arcs (peer's graph made in {built:.2f} s)")
    for pair in pairs:
        ends = ("out", int(pair[0])), ("in", int(pair[1]))
        signer = Signer(graph, marks)
        found, mine_s = timed(lambda pair=pair, signer=signer: ranked(
            ours(graph, prices, pair, marks), signer, np.array([pair[1]]), K))  # fmt: skip
        mine = [chain.value for chain in found]
        (ig, looked), ig_s = timed(lambda ends=ends, signer=signer: by_igraph(other, names, truth, ends, signer))
        nx_first, nx_s = timed(lambda ends=ends: by_networkx(truth, ends))
        label = f"{graph.processes[pair[0]]} > {graph.processes[pair[1]]}"[:70]
        done = "all" if len(ig) == len(mine) else f"{len(ig)} of {len(mine)} in {looked} routes"
        say(f"  {label:70s} ours {1e3 * mine_s:7.1f} ms; igraph Yen + filter {1e3 * ig_s:8.1f} ms ({done}), "
              f"ratio {ig_s / mine_s:6.1f}, equal {agree(mine, ig)}; networkx, {K} plain routes alone "
              f"{1e3 * nx_s:8.1f} ms, first equal {np.isclose(nx_first[0], mine[0])}")  # fmt: skip
    _, every = timed(lambda: sg.alternatives(net))
    say(f"  all factories, cost, k=5: {every:.2f} s")


def plain_k(mineral):
    """Where every step counts the question is Yen's own; ours is laid out anew each time, igraph's graph is given."""
    net = sg.load(mineral)
    graph = expand(net)
    ones = np.ones(len(graph.processes))
    prices = Prices(graph.km, np.zeros_like(ones), ones)
    truth = plain_graph(graph, graph.km)
    other = igraph.Graph.from_networkx(truth)
    names = {label: number for number, label in enumerate(other.vs["_nx_name"])}
    origin = int(np.flatnonzero(graph.role == 0)[0])
    targets = [int(b) for b in np.flatnonzero(graph.demand > 0) if nx.has_path(truth, ("out", origin), ("in", int(b)))]
    [product] = {int(graph.takes[target]) for target in targets}

    def swept(some, k):
        groups = [np.array([target]) for target in some]
        return nearest(chain_arcs(graph, prices, np.array([origin]), product, groups, **all_open(graph)), k)

    def yen(some, k):
        found = [other.get_k_shortest_paths(names["out", origin], names["in", target], k=k, weights="weight",
                                            output="epath") for target in some]  # fmt: skip
        return [[sum(other.es[path]["weight"]) for path in paths] for paths in found]

    for some in (targets[:1], targets):
        for k in (5, 20):
            found, mine_s = timed(lambda some=some, k=k: swept(some, k), 5)
            lengths, ig_s = timed(lambda some=some, k=k: yen(some, k), 5)
            same = all(np.allclose([chain.value for chain in mine], peer)
                       for mine, peer in zip(found, lengths, strict=True))  # fmt: skip
            say(
                f"{mineral}, plain {k} best (differ='step') from one mine to {len(some)} factories: ours "
                f"{1e3 * mine_s:.1f} ms, igraph {1e3 * ig_s:.1f} ms, ratio {ig_s / mine_s:.2f}, equal {same}"
            )
    for label, goal in (("all factories", None), ("one factory", str(graph.processes[targets[0]]))):
        _, every = timed(lambda goal=goal: sg.alternatives(net, None, goal, differ="step"), 5)
        say(f"  the whole answer from every mine to {label}, cost, k=5: {every:.2f} s")


if __name__ == "__main__":
    for name in sys.argv[1:] or ["cobalt", "nickel", "copper"]:
        one_mineral(name)
        plain_k(name)
    everything = sg.load()
    answer, seconds = timed(lambda: sg.alternatives(everything))
    say(f"all minerals, all factories: {seconds:.2f} s, {answer.routes} routes, {answer.effort['searches']} searches")
