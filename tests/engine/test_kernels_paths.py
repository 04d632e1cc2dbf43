"""Dominators, what failures cut off, and K best routes: against networkx, igraph, and the definitions."""

import sys
from pathlib import Path

import igraph
import networkx as nx
import numpy as np
import pytest

from supplygraph.engine.kernels import circles
from supplygraph.engine.kernels.dominators import cut_off, immediate
from supplygraph.engine.kernels.kbest import k_best, routes
from supplygraph.engine.kernels.order import upstream
from supplygraph.errors import DataError, LimitError

sys.path.insert(0, str(Path(__file__).parent.parent / "bench"))
from generate import draw


def random_arcs(seed, *, size=13, arcs=40, acyclic=False):
    """Ends of a random multigraph: parallel arcs, loops, parts that nothing reaches."""
    rng = np.random.default_rng(seed)
    n, m = int(rng.integers(1, size + 1)), int(rng.integers(0, arcs + 1))
    tail, head = rng.integers(0, n, (2, m)).astype(np.int32)
    if acyclic:
        tail, head = rng.permutation(n)[np.sort([tail, head], axis=0)].astype(np.int32)
    return n, tail, head, rng


def graph_of(n, tail, head, without=()):
    found = nx.MultiDiGraph()
    found.add_nodes_from(range(n))
    found.add_edges_from((int(a), int(b)) for i, (a, b) in enumerate(zip(tail, head, strict=True)) if i not in without)
    return found


def split_network(size):
    """A generated network with every site split, fed by one source: vertex 2 v enters and 2 v + 1 leaves site v."""
    net = draw(size)
    site = np.arange(len(net.layer))
    mines = np.flatnonzero(net.layer == 0)
    tail = np.concatenate([2 * site, 2 * net.tail + 1, np.full(len(mines), 2 * len(site))])
    head = np.concatenate([2 * site + 1, 2 * net.head, 2 * mines])
    return net, 2 * len(site) + 1, tail.astype(np.int32), head.astype(np.int32)


@pytest.mark.parametrize("block", range(4))
def test_order_puts_every_group_after_what_leads_into_it(block):
    for seed in range(100 * block, 100 * block + 100):
        n, tail, head, _ = random_arcs(seed, acyclic=seed % 3 == 0)
        order = upstream(n, tail, head)
        groups = np.split(order.vertices, order.bounds[1:-1])
        truth = nx.strongly_connected_components(graph_of(n, tail, head))
        assert sorted(sorted(group.tolist()) for group in groups) == sorted(sorted(group) for group in truth)
        place = np.empty(n, dtype=int)
        place[order.vertices] = np.repeat(np.arange(len(groups)), np.diff(order.bounds))
        assert (place[tail] <= place[head]).all()
        assert order.loops.tolist() == [i for i, group in enumerate(groups) if len(group) > 1]


def test_order_lists_only_what_leads_to_the_ends():
    order = upstream(5, np.array([1, 0, 2, 4]), np.array([0, 2, 0, 3]), ends=np.array([2]), source=1)
    assert order.bounds.tolist() == [0, 1, 3]
    assert order.vertices[0] == 1
    assert set(order.vertices[1:].tolist()) == {0, 2}  # not 3 and 4


@pytest.mark.parametrize("block", range(6))
def test_dominators_equal_networkx(block):
    for seed in range(100 * block, 100 * block + 100):
        n, tail, head, rng = random_arcs(seed, size=20, acyclic=seed % 3 == 0)
        root = int(rng.integers(0, n))
        truth = nx.immediate_dominators(nx.DiGraph(graph_of(n, tail, head)), root) | {root: root}
        assert immediate(n, tail, head, root).tolist() == [truth.get(v, -1) for v in range(n)], seed


def test_dominators_of_long_ways_and_ladders():
    n = 30_000
    line = np.arange(n - 1, dtype=np.int32)
    assert (immediate(n, line, line + 1, 0) == np.maximum(np.arange(n) - 1, 0)).all()
    # A ladder that can be climbed on both sides, down again on one: only the first rung is on every way.
    tail = np.concatenate([line[:-1], line[:-1], line[1:]])
    head = np.concatenate([line[:-1] + 1, line[:-1] + 2, line[:-1]])
    peer = igraph.Graph(n, np.column_stack([tail, head]), directed=True).dominator(0)
    assert immediate(n, tail, head, 0)[1:].tolist() == peer[1:]


@pytest.mark.parametrize("block", range(6))
def test_cut_off_is_what_removal_makes_unreachable(block):
    found = 0
    for seed in range(100 * block, 100 * block + 100):
        n, tail, head, rng = random_arcs(seed, acyclic=seed % 3 == 0)
        counts = rng.integers(0, 4, 12) if len(tail) else np.zeros(3, dtype=int)
        ptr = np.concatenate([[0], np.cumsum(counts)])
        arcs = rng.integers(0, max(len(tail), 1), ptr[-1])
        source, targets = int(rng.integers(0, n)), rng.integers(0, n, 6)
        truth = []
        reached = nx.descendants(graph_of(n, tail, head), source) | {source}
        for item in range(len(counts)):
            left = graph_of(n, tail, head, set(arcs[ptr[item] : ptr[item + 1]].tolist()))
            still = nx.descendants(left, source) | {source}
            truth += [(item, i) for i, v in enumerate(targets.tolist()) if v in reached and v not in still]
        item, target = cut_off(n, tail, head, source, ptr, arcs, targets)
        assert list(zip(item.tolist(), target.tolist(), strict=True)) == truth, seed
        found += len(truth)
    assert found > 30


def test_cut_off_at_every_site_and_edge_of_a_network():
    net, size, tail, head = split_network("S")
    factories = np.flatnonzero(net.layer == 8)
    every = np.arange(len(tail))
    item, target = cut_off(size, tail, head, size - 1, np.arange(len(tail) + 1), every, 2 * factories + 1)
    # The same arcs, each listed twice, take the other way of solving.
    twice = cut_off(
        size, tail, head, size - 1, np.arange(0, 2 * len(tail) + 1, 2), np.repeat(every, 2), 2 * factories + 1
    )
    assert [side.tolist() for side in twice] == [item.tolist(), target.tolist()]
    peer = igraph.Graph(size, np.column_stack([tail, head]), directed=True)
    above = peer.dominator(size - 1)
    sites = 0
    for place, factory in enumerate(factories.tolist()):
        on_way, vertex = set(), 2 * factory + 1
        while vertex != size - 1:
            vertex = above[vertex]
            on_way.add(vertex)
        mine = set(item[target == place].tolist())
        # A site dominates if its entrance does: there is one arc from it, to the exit.
        assert {vertex // 2 for vertex in on_way if vertex % 2 == 0 and vertex < size - 1} == {
            i for i in mine if i < len(net.layer)
        }
        sites += len([i for i in mine if i < len(net.layer)])
    assert sites > 2 * len(factories) // 3


def test_cut_off_refuses_what_does_not_exist():
    arcs, good = np.array([0, 1]), (3, np.array([0, 1]), np.array([1, 2]), 0)
    with pytest.raises(DataError, match="item_ptr must rise"):
        cut_off(*good, np.array([0, 1]), arcs, np.array([2]))
    with pytest.raises(DataError, match="arc of an item, row 0: number 7; expected 0 to 1"):
        cut_off(*good, np.array([0, 1]), np.array([7]), np.array([2]))
    with pytest.raises(DataError, match="target, row 0: number 3; expected 0 to 2"):
        cut_off(*good, np.array([0]), arcs[:0], np.array([3]))
    with pytest.raises(DataError, match="source, row 0"):
        immediate(3, np.array([0, 1]), np.array([1, 2]), 3)
    with pytest.raises(DataError, match="2 tails and 1 heads"):
        immediate(3, np.array([0, 1]), np.array([1]), 0)


def every_route(n, tail, head, weight, factor, source, goal):
    """All simple routes: (length, arcs), best first; of equals as the kernel promises for graphs without circles."""
    out = [[] for _ in range(n)]
    for arc in np.flatnonzero(np.isfinite(weight)).tolist():
        out[tail[arc]].append(arc)
    found = []

    def walk(vertex, seen, length, arcs):
        if vertex == goal:
            found.append((length, arcs))
            return
        for arc in out[vertex]:
            if head[arc] not in seen:
                walk(head[arc], seen | {head[arc]}, length * factor[arc] + weight[arc], (*arcs, arc))

    walk(source, {source}, 0.0, ())
    return sorted(found, key=lambda route: (route[0], route[1][::-1]))


def answers(n, tail, head, weight, source, targets, k, **more):
    """Per target the list of (length, arcs)."""
    best = k_best(n, tail, head, weight, source, targets, k, **more)
    ptr, arcs = routes(best)
    assert best.value.shape == best.last.shape == (len(targets), k)
    assert len(ptr) == best.value.size + 1
    rows = [
        [(value, tuple(arcs[ptr[i * k + r] : ptr[i * k + r + 1]].tolist())) for r, value in enumerate(row)]
        for i, row in enumerate(best.value.tolist())
    ]
    assert all(not arcs for row in rows for value, arcs in row if value == np.inf)
    return [[(value, arcs) for value, arcs in row if value < np.inf] for row in rows]


@pytest.mark.parametrize("block", range(4))
def test_k_best_without_circles_is_enumeration_with_its_ties(block):
    """Weights of all signs, factors (powers of 2, so that sums are exact), closed and parallel arcs."""
    for seed in range(100 * block, 100 * block + 100):
        n, tail, head, rng = random_arcs(seed, size=9, arcs=22, acyclic=True)
        weight = rng.integers(-2, 4, len(tail)).astype(float)
        weight[rng.random(len(tail)) < 0.1] = np.inf
        factor = rng.choice([0.5, 1.0, 2.0], len(tail)) if seed % 2 else None
        source, targets, k = int(rng.integers(0, n)), rng.integers(0, n, 3), int(rng.integers(1, 8))
        scale = np.ones(len(tail)) if factor is None else factor
        for goal, row in zip(
            targets.tolist(), answers(n, tail, head, weight, source, targets, k, factor=factor), strict=True
        ):
            truth = every_route(n, tail, head, weight, scale, source, goal)[:k]
            if factor is None:
                assert row == truth, seed
            else:  # the order of equals is that of the ways to the last tail, which scaling need not keep
                assert [value for value, _ in row] == [value for value, _ in truth], seed


@pytest.mark.parametrize("block", range(6))
def test_k_best_with_circles_is_enumeration(block, monkeypatch):
    by_deviation = []
    solve = circles.solve
    monkeypatch.setattr(circles, "solve", lambda *given: by_deviation.append(solve(*given)) or by_deviation[-1])
    for seed in range(200 * block, 200 * block + 200):
        n, tail, head, rng = random_arcs(seed, size=8, arcs=24)
        weight = rng.random(len(tail)) if seed % 2 else rng.integers(0, 4, len(tail)).astype(float)
        weight[rng.random(len(tail)) < 0.1] = np.inf
        source, targets, k = int(rng.integers(0, n)), rng.integers(0, n, 3), int(rng.integers(1, 8))
        for goal, row in zip(targets.tolist(), answers(n, tail, head, weight, source, targets, k), strict=True):
            truth = every_route(n, tail, head, weight, np.ones(len(tail)), source, goal)
            assert [value for value, _ in row] == pytest.approx([value for value, _ in truth[:k]]), seed
            lengths = {arcs: value for value, arcs in truth}
            assert len({arcs for _, arcs in row}) == len(row)
            assert all(lengths[arcs] == pytest.approx(value) for value, arcs in row)
    assert sum(count for _, count in by_deviation) > 5  # both ways of solving were used
    assert sum(count == 0 for _, count in by_deviation) > 50


def ports_both_ways(net):
    """Arcs of a generated network with its port-to-port legs in both directions, and a source before the mines."""
    mines, site = np.flatnonzero(net.layer == 0), len(net.layer)
    stage = np.where(np.isin(net.layer, [1, 2, 3]), 1, np.where(np.isin(net.layer, [5, 6, 7]), 2, 0))
    back = (stage[net.tail] == stage[net.head]) & (stage[net.tail] > 0)
    tail = np.concatenate([net.tail, np.full(len(mines), site), net.head[back]]).astype(np.int32)
    head = np.concatenate([net.head, mines, net.tail[back]]).astype(np.int32)
    weight = np.concatenate([net.cost, np.zeros(len(mines)), net.cost[back]]).astype(float)
    return site + 1, tail, head, weight


@pytest.mark.parametrize("circles_too", [False, True])
def test_k_best_of_all_factories_equals_igraph(circles_too):
    net = draw("S")
    size, tail, head, weight = ports_both_ways(net)
    if not circles_too:
        kept = len(net.tail) + int((net.layer == 0).sum())
        tail, head, weight = tail[:kept], head[:kept], weight[:kept]
    factories = np.flatnonzero(net.layer == 8)
    mine = answers(size, tail, head, weight, size - 1, factories, 5)
    peer = igraph.Graph(size, np.column_stack([tail, head]), directed=True)
    for factory, row in list(zip(factories.tolist(), mine, strict=True))[::13]:
        paths = peer.get_k_shortest_paths(size - 1, to=factory, k=5, weights=weight.tolist(), output="epath")
        assert [value for value, _ in row] == sorted(weight[path].sum() for path in paths)
        for value, arcs in row:
            assert weight[list(arcs)].sum() == value
            ends = [*tail[list(arcs)], factory]
            assert ends[0] == size - 1
            assert ends[1:] == head[list(arcs)].tolist()
            assert len(set(ends)) == len(ends)


def test_one_circle_by_hand():
    """A port that is the only way in has one route, however many circles lead back to it."""
    tail, head = np.array([0, 1, 2, 2, 1]), np.array([1, 2, 1, 3, 2])
    rows = answers(4, tail, head, np.array([1.0, 1, 1, 5, 2]), 0, np.array([0, 1, 2, 3]), 3)
    assert rows == [
        [(0.0, ())], [(1.0, (0,))], [(2.0, (0, 1)), (3.0, (0, 4))], [(7.0, (0, 1, 3)), (8.0, (0, 4, 3))],
    ]  # fmt: skip


def test_k_best_refuses_what_has_no_answer():
    tail, head, one = np.array([0, 1, 2]), np.array([1, 2, 1]), np.ones(3)
    goal = np.array([2])
    with pytest.raises(DataError, match=r"weight, arc 1: nan; expected a number or inf"):
        k_best(3, tail, head, np.array([1.0, np.nan, 1.0]), 0, goal, 2)
    with pytest.raises(DataError, match=r"factor, arc 0: 0.0; expected above 0"):
        k_best(3, tail, head, one, 0, goal, 2, factor=np.array([0.0, 1.0, 1.0]))
    with pytest.raises(DataError, match="k is 0; expected 1 or more"):
        k_best(3, tail, head, one, 0, goal, 0)
    with pytest.raises(DataError, match="expected as many of each"):
        k_best(3, tail, head, one[:2], 0, goal, 2)
    with pytest.raises(DataError, match="target, row 0"):
        k_best(3, tail, head, one, 0, np.array([3]), 2)
    with pytest.raises(LimitError, match="2 vertices lead round in circles, some"):
        k_best(3, tail, head, np.array([1.0, -1.0, 2.0]), 0, goal, 2)
    with pytest.raises(LimitError, match="factors other than 1"):
        k_best(3, tail, head, one, 0, goal, 2, factor=np.array([1.0, 2.0, 1.0]))
    # Into and out of circles both are fine.
    best = k_best(4, np.append(tail, 2), np.append(head, 3), np.append(one, -3.0), 0, np.array([3]), 2,
                  factor=np.array([1.0, 1.0, 1.0, 2.0]))  # fmt: skip
    assert best.value.tolist() == [[1.0, np.inf]]


def test_the_same_answer_every_time():
    net = draw("S")
    given = ports_both_ways(net)
    factories = np.flatnonzero(net.layer == 8)
    one, two = (k_best(*given, given[0] - 1, factories, 4) for _ in range(2))
    assert all(a.tobytes() == b.tobytes() for a, b in zip(one, two, strict=True))
