"""Index, max flow, cuts and losses against cold solves by igraph and networkx."""

import sys
from pathlib import Path

import igraph
import networkx as nx
import numpy as np
import pytest

sys.path.append(str(Path(__file__).resolve().parents[1] / "bench"))

from generate import REFINERY, split
from generate import draw as draw_network

from supplygraph.engine.kernels import csr, maxflow, vitality
from supplygraph.errors import DataError, LimitError, UnknownNameError

NETWORKS, BATCHES = 2000, 10


def draw(seed):
    """A random network: sites (some with several copies) split in two, groups, single edges, awkward capacities.

    Returns size, tail, head, capacity, items, source, sink, infinite.
    """
    rng = np.random.default_rng(seed)
    sites = int(rng.integers(2, 13))
    physical = np.where(rng.random(sites) < 0.3, rng.integers(0, sites, sites), np.arange(sites))
    edges = int(rng.integers(1, (3 if rng.random() < 0.5 else 6) * sites + 2))
    ends = rng.integers(0, sites, (2, edges))  # loops, cycles, parallel edges and lonely parts all happen
    given, taken = (np.flatnonzero(rng.random(sites) < rng.choice([0.3, 0.8])) for _ in range(2))
    if rng.random() < 0.6:  # layers, as in a supply network: much can be rerouted
        layer = np.arange(sites) * 3 // sites
        given, taken = np.flatnonzero(layer == 0), np.flatnonzero(layer == 2)
        onward = layer[ends[0]] < layer[ends[1]]
        ends[:, ~onward] = ends[::-1, ~onward]
    source, sink = 2 * sites, 2 * sites + 1
    own = np.arange(sites)
    tail = np.concatenate([2 * own, 2 * ends[0] + 1, np.full(len(given), source), 2 * taken + 1])
    head = np.concatenate([2 * own + 1, 2 * ends[1], 2 * given, np.full(len(taken), sink)])
    high = int(rng.choice([2, 10, 10**6, 2**40]))
    capacity = rng.integers(0, high, len(tail))
    infinite = int(capacity.sum())
    capacity[rng.random(len(tail)) < rng.choice([0.0, 0.05, 0.5])] = infinite
    items = [np.flatnonzero(physical == place) for place in range(sites)]
    items += [np.array([sites + edge]) for edge in range(edges)]
    country = rng.integers(0, 3, sites)
    items += [np.flatnonzero(country == number) for number in range(3)]
    items += [np.zeros(0, dtype=int), rng.permutation(len(tail))[: len(tail) // 2], np.arange(len(tail))]
    return 2 * sites + 2, tail, head, capacity, items, source, sink, infinite


def packed(items):
    return np.cumsum([0] + [len(item) for item in items]), np.concatenate(items)


def solved(size, tail, head, capacity, source, sink):
    res = maxflow.residual(size, tail, head, capacity)
    return res, maxflow.max_flow(res, source, sink)


def by_igraph(graph, capacity, source, sink):
    return int(graph.maxflow_value(source, sink, capacity.tolist()))


def by_networkx(tail, head, capacity, source, sink, infinite):
    graph = nx.DiGraph()
    graph.add_nodes_from((source, sink))
    room = {}
    for u, w, most in zip(tail.tolist(), head.tolist(), capacity.tolist(), strict=True):
        room[u, w] = room.get((u, w), 0) + most
    for (u, w), most in room.items():  # no attribute means infinite there
        graph.add_edge(u, w, **({"capacity": most} if most < infinite else {}))
    return nx.maximum_flow_value(graph, source, sink)


#: Settings that send items another way: through the widest vertex, without a hub, giving up at once, giving up soon.
NEVER, NO_TIME = 2**40, dict.fromkeys(("_BY_TERMINAL", "_BY_CENTRE", "_WITHOUT"), (0.0, 0.0))
WAYS = {
    "centre": {"_FEW": 0, "_AMPLE": NEVER},
    "direct": {"_FEW": NEVER, "_AMPLE": NEVER},
    "cold": {"_FEW": 0, "_AMPLE": 1, "_AT_LEAST": -10, **NO_TIME},
    "soon": {"_FEW": 0, "_AMPLE": 1, "_AT_LEAST": 40, **NO_TIME},
}


@pytest.mark.long
@pytest.mark.parametrize("batch", range(BATCHES))
def test_losses_equal_cold_solves(batch, monkeypatch):
    """Item by item, the same whole number as igraph and networkx find for the network without the item.

    However the items are re-routed.
    """
    for seed in range(batch, NETWORKS, BATCHES):
        size, tail, head, capacity, items, source, sink, infinite = draw(seed)
        res, flow = solved(size, tail, head, capacity, source, sink)
        before = res.cap.copy()
        lost = vitality.losses(res, *packed(items), source, sink)
        assert (res.cap == before).all()
        for way in WAYS.values():
            with monkeypatch.context() as patch:
                for name, value in way.items():
                    patch.setattr(vitality, name, value)
                assert (vitality.losses(res, *packed(items), source, sink) == lost).all(), (seed, way)
        graph = igraph.Graph(size, np.column_stack([tail, head]), directed=True)
        assert flow == by_igraph(graph, capacity, source, sink)
        bounded = flow < infinite  # networkx knows no amount of infinity
        for number, item in enumerate(items):
            left = capacity.copy()
            left[item] = 0
            assert lost[number] == flow - by_igraph(graph, left, source, sink), (seed, number)
            if bounded:
                assert lost[number] == flow - by_networkx(tail, head, left, source, sink, infinite), (seed, number)


@pytest.mark.parametrize("tight", ["mines", "refineries", "books"])
def test_losses_in_a_supply_network(tight, monkeypatch):
    """Wherever the bottleneck is: sites, edges, sites with two copies and groups, every way, against igraph."""
    net = draw_network("S")
    size, tail, head, capacity = split(net)
    sites, source, sink = len(net.layer), size - 2, size - 1
    if tight == "mines":
        capacity[tail == source] //= 2
    if tight == "refineries":
        capacity[:sites][net.layer == REFINERY] //= 2
    if tight == "books":  # everything that is dug is used
        res, _ = solved(size, tail, head, capacity, source, sink)
        ends = (tail == source) | (head == sink)
        capacity[ends] = res.cap[res.rev[res.place]][ends]
    rng = np.random.default_rng(0)
    items = [*np.arange(sites)[:, None], *rng.integers(sites, sites + len(net.tail), (500, 1))]
    items += [np.flatnonzero(net.physical == strait) for strait in np.flatnonzero(net.layer == 2)]
    ports = np.flatnonzero(net.layer == 3)
    items += list(np.column_stack([ports, rng.permutation(np.flatnonzero(net.layer == 5))[: len(ports)]]))
    items += [np.flatnonzero(rng.random(sites) < 0.05) for _ in range(5)]
    res, flow = solved(size, tail, head, capacity, source, sink)
    lost = vitality.losses(res, *packed(items), source, sink)
    for name, way in WAYS.items():
        seen = []
        with monkeypatch.context() as patch:
            for key, value in way.items():
                patch.setattr(vitality, key, value)
            patch.setattr(vitality, "max_flow", lambda *given, seen=seen: seen.append(1) or maxflow.max_flow(*given))
            assert (vitality.losses(res, *packed(items), source, sink) == lost).all(), name
        assert (len(seen) > 100) == (name in {"cold", "soon"}), name
    graph = igraph.Graph(size, np.column_stack([tail, head]), directed=True)
    for number in np.concatenate([rng.choice(len(items), 150, replace=False), np.arange(len(items) - 20, len(items))]):
        left = capacity.copy()
        left[items[number]] = 0
        assert lost[number] == flow - by_igraph(graph, left, source, sink), number


@pytest.mark.parametrize("seed", range(100))
def test_a_flow_balances_and_cuts_prove_it(seed):
    size, tail, head, capacity, _, source, sink, _ = draw(seed)
    res, flow = solved(size, tail, head, capacity, source, sink)
    carried = res.cap[res.rev[res.place]]
    assert (carried >= 0).all()
    assert (carried <= capacity).all()
    net = np.zeros(size, dtype=np.int64)
    np.subtract.at(net, tail, carried)
    np.add.at(net, head, carried)
    assert net[sink] == flow == -net[source]
    assert not np.delete(net, [source, sink]).any()
    early, late = maxflow.cut(res, source, near="source"), maxflow.cut(res, sink)
    for side in (early, late):
        assert side[source]
        assert not side[sink]
        assert capacity[side[tail] & ~side[head]].sum() == flow
    assert (late | ~early).all()  # every minimum cut lies between the two


@pytest.mark.parametrize("seed", range(100))
def test_a_limit_stops_and_the_rest_follows(seed):
    size, tail, head, capacity, _, source, sink, _ = draw(seed)
    _, flow = solved(size, tail, head, capacity, source, sink)
    res = maxflow.residual(size, tail, head, capacity)
    part = flow // 2
    assert maxflow.max_flow(res, source, sink, limit=part) == part
    assert maxflow.max_flow(res, source, sink) == flow - part


@pytest.mark.parametrize("seed", range(100))
def test_components_are_those_of_networkx(seed):
    size, tail, head, capacity, _, source, sink, _ = draw(seed)
    res, _ = solved(size, tail, head, capacity, source, sink)
    label = maxflow.components(res)
    start = np.repeat(np.arange(size), np.diff(res.ptr))
    open_slot = res.cap > 0
    graph = nx.DiGraph(zip(start[open_slot].tolist(), res.head[open_slot].tolist(), strict=True))
    graph.add_nodes_from(range(size))
    mine = {frozenset(np.flatnonzero(label == number).tolist()) for number in range(label.max() + 1)}
    assert mine == {frozenset(part) for part in nx.strongly_connected_components(graph)}
    assert (label[start[open_slot]] >= label[res.head[open_slot]]).all()


def test_index_is_a_stable_sort():
    ends = np.random.default_rng(0).integers(0, 50, 1000).astype(np.int32)
    ptr, ids = csr.index(ends, 60)
    assert ids.tolist() == np.argsort(ends, kind="stable").tolist()
    assert np.diff(ptr).tolist() == np.bincount(ends, minlength=60).tolist()
    ptr, ids = csr.index(np.zeros(0, dtype=np.int32), 2)
    assert (ptr.tolist(), len(ids)) == ([0, 0, 0], 0)


def one_arc(**change):
    given = {"size": 2, "tail": np.array([0]), "head": np.array([1]), "capacity": np.array([1])}
    return maxflow.residual(**(given | change))


@pytest.mark.parametrize(("ask", "error", "says"), [
    (lambda: csr.index(np.array([0, 3, -1]), 3), DataError, "(?s)2 numbers.*end, row 1: number 3; expected 0 to 2"),
    (lambda: one_arc(tail=np.array([2])), DataError, "tail, row 0"),
    (lambda: one_arc(head=np.array([-1])), DataError, "head, row 0"),
    (lambda: one_arc(capacity=np.array([-1])), DataError, "0 or more"),
    (lambda: one_arc(capacity=np.array([1, 1])), DataError, "2 capacities"),
    (lambda: one_arc(capacity=np.array([2**62])), LimitError, "add up"),
    (lambda: maxflow.max_flow(one_arc(), 0, 0), DataError, "two different vertices"),
    (lambda: maxflow.max_flow(one_arc(), 0, 2), DataError, "two different vertices"),
    (lambda: maxflow.cut(one_arc(), 2), DataError, "terminal 2"),
    (lambda: maxflow.cut(one_arc(), 1, near="snk"), UnknownNameError, "sink"),
    (lambda: vitality.losses(one_arc(), np.array([0, 1]), np.array([1]), 0, 1), DataError, "number 1"),
    (lambda: vitality.losses(one_arc(), np.array([0, 1]), np.array([0]), 0, 1), DataError, "expected a max flow"),
    (lambda: vitality.losses(one_arc(), np.array([0, 1]), np.array([0]), 0, 2), DataError, "two different vertices"),
    (lambda: vitality.losses(one_arc(), np.array([0, 2]), np.array([0]), 0, 1), DataError, "item_ptr"),
    (lambda: vitality.losses(one_arc(), np.array([0, 2]), np.array([0, 0]), 0, 1), DataError, "item 0.*twice"),
])  # fmt: skip
def test_bad_arguments_are_refused(ask, error, says):
    with pytest.raises(error, match=says):
        ask()


def test_progress_counts_every_item():
    size, tail, head, capacity, items, source, sink, _ = draw(5)
    res, _ = solved(size, tail, head, capacity, source, sink)
    done = []
    vitality.losses(res, *packed(items), source, sink, progress=done.append)
    assert sum(done) == len(items)


def test_an_interrupt_leaves_the_flow_as_it_was():
    size, tail, head, capacity, items, source, sink, _ = draw(5)
    res, _ = solved(size, tail, head, capacity, source, sink)
    before = res.cap.copy()

    def stop(_):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        vitality.losses(res, *packed(items), source, sink, progress=stop)
    assert (res.cap == before).all()
